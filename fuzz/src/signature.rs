//! What the parameters of each call are for: more than their types tell.

use std::sync::LazyLock;

use wasi_rs::abi::{Dirent, Event, Fdstat, Prestat, Record};
use wasi_rs::syscalls::{COUNT, SYSCALLS};

/// What one parameter is for, or two that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Fd,
    Clockid,
    Offset,
    Delta,
    Whence,
    Advice,
    Fdflags,
    Oflags,
    Lookupflags,
    Rights,
    Time,
    Fstflags,
    Cookie,
    Flags,
    Number,
    /// A path, and its length.
    Path,
    /// A buffer to fill, and its length.
    Buf,
    /// A list of buffers to fill, and how many.
    Iovs,
    /// A list of buffers to write out, and how many.
    Ciovs,
    /// Room for so many bytes of results.
    Out(usize),
    /// Room for a `filestat` of the guest's ABI.
    Filestat,
    Argv,
    ArgvBuf,
    Environ,
    EnvironBuf,
    Subscriptions,
    /// Room for an event for each subscription.
    Events,
    /// How many subscriptions.
    Nsubscriptions,
}

impl Role {
    /// How many parameters.
    pub fn params(self) -> usize {
        match self {
            Role::Path | Role::Buf | Role::Iovs | Role::Ciovs => 2,
            _ => 1,
        }
    }
}

/// The roles of the parameters of the call in this row.
pub fn roles(row: usize) -> &'static [Role] {
    ROLES[row]
}

static ROLES: LazyLock<[&'static [Role]; COUNT]> = LazyLock::new(|| {
    std::array::from_fn(|row| {
        let name = SYSCALLS[row].name;
        let found = SIGNATURES.iter().find(|(signature, _)| *signature == name);
        found.unwrap_or_else(|| panic!("{name} has no signature")).1
    })
});

const SIZE: Role = Role::Out(4);
const TIMESTAMP: Role = Role::Out(8);

const SIGNATURES: &[(&str, &[Role])] = {
    use Role::*;
    &[
        ("args_get", &[Argv, ArgvBuf]),
        ("args_sizes_get", &[SIZE, SIZE]),
        ("clock_res_get", &[Clockid, TIMESTAMP]),
        ("clock_time_get", &[Clockid, Time, TIMESTAMP]),
        ("environ_get", &[Environ, EnvironBuf]),
        ("environ_sizes_get", &[SIZE, SIZE]),
        ("fd_advise", &[Fd, Offset, Offset, Advice]),
        ("fd_allocate", &[Fd, Offset, Offset]),
        ("fd_close", &[Fd]),
        ("fd_datasync", &[Fd]),
        ("fd_fdstat_get", &[Fd, Out(Fdstat::SIZE)]),
        ("fd_fdstat_set_flags", &[Fd, Fdflags]),
        ("fd_fdstat_set_rights", &[Fd, Rights, Rights]),
        ("fd_filestat_get", &[Fd, Filestat]),
        ("fd_filestat_set_size", &[Fd, Offset]),
        ("fd_filestat_set_times", &[Fd, Time, Time, Fstflags]),
        ("fd_pread", &[Fd, Iovs, Offset, SIZE]),
        ("fd_prestat_get", &[Fd, Out(Prestat::SIZE)]),
        ("fd_prestat_dir_name", &[Fd, Buf]),
        ("fd_pwrite", &[Fd, Ciovs, Offset, SIZE]),
        ("fd_read", &[Fd, Iovs, SIZE]),
        ("fd_readdir", &[Fd, Buf, Cookie, SIZE]),
        ("fd_renumber", &[Fd, Fd]),
        ("fd_seek", &[Fd, Delta, Whence, Out(8)]),
        ("fd_sync", &[Fd]),
        ("fd_tell", &[Fd, Out(8)]),
        ("fd_write", &[Fd, Ciovs, SIZE]),
        ("path_create_directory", &[Fd, Path]),
        ("path_filestat_get", &[Fd, Lookupflags, Path, Filestat]),
        (
            "path_filestat_set_times",
            &[Fd, Lookupflags, Path, Time, Time, Fstflags],
        ),
        ("path_link", &[Fd, Lookupflags, Path, Fd, Path]),
        (
            "path_open",
            &[Fd, Lookupflags, Path, Oflags, Rights, Rights, Fdflags, SIZE],
        ),
        ("path_readlink", &[Fd, Path, Buf, SIZE]),
        ("path_remove_directory", &[Fd, Path]),
        ("path_rename", &[Fd, Path, Fd, Path]),
        ("path_symlink", &[Path, Fd, Path]),
        ("path_unlink_file", &[Fd, Path]),
        (
            "poll_oneoff",
            &[Subscriptions, Events, Nsubscriptions, SIZE],
        ),
        ("proc_exit", &[Number]),
        ("proc_raise", &[Number]),
        ("random_get", &[Buf]),
        ("sched_yield", &[]),
        ("sock_accept", &[Fd, Fdflags, SIZE]),
        ("sock_recv", &[Fd, Iovs, Flags, SIZE, Out(2)]),
        ("sock_send", &[Fd, Ciovs, Flags, SIZE]),
        ("sock_shutdown", &[Fd, Flags]),
    ]
};

/// The row of the call with this name.
pub fn row(name: &str) -> usize {
    (SYSCALLS.iter())
        .position(|syscall| syscall.name == name)
        .unwrap_or_else(|| panic!("{name} is no call"))
}

/// The bytes that the head of an entry of `fd_readdir` has.
pub const DIRENT: usize = Dirent::SIZE;
/// The bytes of an event.
pub const EVENT: usize = Event::SIZE;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_the_parameters_of_its_row() {
        for (row, syscall) in SYSCALLS.iter().enumerate() {
            let params: usize = roles(row).iter().map(|role| role.params()).sum();
            assert_eq!(params, syscall.params.len(), "{}", syscall.name);
        }
    }
}
