//! The groups of calls that an embedder may give a guest, by name.
//!
//! A capability says which calls a guest may make, and which rights its descriptors have for them: `fs:read`
//! has `path_open`, but not the right to create a file with it. A guest without the option may make all calls.

use super::table::SYSCALLS;
use crate::abi::Rights;
use crate::ctx::Grant;

/// A group of calls.
struct Group {
    name: &'static str,
    calls: &'static [&'static str],
    /// The rights of the preopens, and of what is opened through them.
    preopens: Rights,
    /// The rights of the standard streams.
    stdio: Rights,
}

const NONE: Rights = Rights::empty();

/// Adds the calls that concern the descriptor itself, and neither read nor write through it.
macro_rules! with_fd_calls {
    ($($call:literal),*) => {
        &[
            "fd_advise", "fd_close", "fd_fdstat_get", "fd_fdstat_set_flags", "fd_fdstat_set_rights",
            "fd_filestat_get", "fd_prestat_dir_name", "fd_prestat_get", "fd_renumber", "fd_seek",
            "fd_tell", $($call),*
        ]
    };
}

const GROUPS: &[Group] = &[
    Group {
        name: "args",
        calls: &["args_get", "args_sizes_get"],
        preopens: NONE,
        stdio: NONE,
    },
    Group {
        name: "env",
        calls: &["environ_get", "environ_sizes_get"],
        preopens: NONE,
        stdio: NONE,
    },
    Group {
        name: "clock",
        calls: &["clock_res_get", "clock_time_get"],
        preopens: NONE,
        stdio: NONE,
    },
    Group {
        name: "random",
        calls: &["random_get"],
        preopens: NONE,
        stdio: NONE,
    },
    Group {
        name: "stdio",
        calls: with_fd_calls!(
            "fd_datasync",
            "fd_pread",
            "fd_pwrite",
            "fd_read",
            "fd_sync",
            "fd_write"
        ),
        preopens: NONE,
        stdio: Rights::all(),
    },
    Group {
        name: "fs:read",
        calls: with_fd_calls!(
            "fd_pread",
            "fd_read",
            "fd_readdir",
            "path_filestat_get",
            "path_open",
            "path_readlink"
        ),
        preopens: Rights::READ_ONLY,
        stdio: NONE,
    },
    Group {
        name: "fs:write",
        calls: with_fd_calls!(
            "fd_allocate",
            "fd_datasync",
            "fd_filestat_set_size",
            "fd_filestat_set_times",
            "fd_pwrite",
            "fd_sync",
            "fd_write",
            "path_create_directory",
            "path_filestat_get",
            "path_filestat_set_times",
            "path_link",
            "path_open",
            "path_remove_directory",
            "path_rename",
            "path_symlink",
            "path_unlink_file"
        ),
        preopens: Rights::all().difference(
            Rights::FD_READ
                .union(Rights::FD_READDIR)
                .union(Rights::PATH_READLINK),
        ),
        stdio: NONE,
    },
    Group {
        name: "poll",
        calls: &["poll_oneoff", "sched_yield"],
        preopens: Rights::POLL_FD_READWRITE,
        stdio: Rights::POLL_FD_READWRITE,
    },
    Group {
        name: "sockets",
        calls: with_fd_calls!(
            "fd_read",
            "fd_write",
            "sock_accept",
            "sock_recv",
            "sock_send",
            "sock_shutdown"
        ),
        preopens: NONE,
        // `fd_read` and `fd_write` are for sockets: a standard stream that is none has no right for them.
        stdio: Rights::SOCKET_ONLY.union(Rights::FD_FDSTAT_SET_FLAGS),
    },
    Group {
        name: "exit",
        calls: &["proc_exit", "proc_raise"],
        preopens: NONE,
        stdio: NONE,
    },
];

/// The index of a call in [`SYSCALLS`].
fn row_of(call: &str) -> Option<usize> {
    SYSCALLS.iter().position(|syscall| syscall.name == call)
}

/// The calls and rights of a capability, which is a group or a single call; `None` if the name is unknown.
pub fn grant(name: &str) -> Option<Grant> {
    if let Some(group) = GROUPS.iter().find(|group| group.name == name) {
        let rows = group.calls.iter().filter_map(|call| row_of(call));
        return Some(Grant {
            calls: rows.fold(0, |calls, row| calls | 1 << row),
            preopens: group.preopens,
            stdio: group.stdio,
        });
    }
    let row = row_of(name)?;
    let rights = SYSCALLS[row].rights;
    Some(Grant {
        calls: 1 << row,
        preopens: rights,
        stdio: rights,
    })
}

/// The names of all capabilities, the groups first.
pub fn names() -> impl Iterator<Item = &'static str> {
    (GROUPS.iter().map(|group| group.name)).chain(SYSCALLS.iter().map(|syscall| syscall.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syscalls::COUNT;

    #[test]
    fn every_name_in_a_group_is_that_of_a_call() {
        for group in GROUPS {
            for call in group.calls {
                assert!(row_of(call).is_some(), "{}: {call}", group.name);
            }
        }
    }

    #[test]
    fn the_groups_together_are_all_calls() {
        let all = (GROUPS.iter().filter_map(|group| grant(group.name)))
            .fold(0, |calls, grant| calls | grant.calls);
        assert_eq!(all, (1 << COUNT) - 1);
    }

    #[test]
    fn reading_gives_no_right_to_change() {
        let reading = grant("fs:read").unwrap();
        assert!(
            !reading
                .preopens
                .intersects(Rights::FD_WRITE | Rights::PATH_CREATE_FILE)
        );
        assert_eq!(reading.stdio, Rights::empty());
    }

    #[test]
    fn an_unknown_name_gives_nothing() {
        assert_eq!(grant("fs"), None);
        assert_eq!(grant(""), None);
        assert!(names().all(|name| grant(name).is_some()));
    }
}
