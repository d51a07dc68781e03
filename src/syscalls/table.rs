//! The 46 calls of preview1, each written once: its function, its name, its parameters, the rights that it
//! needs.

use std::io;

use super::param::{Param, ParamType, Parameter, Value, arity, role, types};
use super::{
    args, clock, environ, fd_dir, fd_io, fd_stat, fd_table, path_name, path_open, path_stat,
};
use super::{poll, proc, random, sched, sock};
use crate::abi::{
    Errno, Exitcode, Fdstat, Filestat, Prestat, Preview1, Rights, Roflags, Snapshot, Snapshot0,
};
use crate::ctx::WasiCtx;
use crate::memory::{GuestMemory, InvalidIovecs, OutOfBounds};

/// The maximum number of values of wasm that the parameters of a call are passed as.
pub const MAX_PARAMS: usize = 9;

/// Why a call does not return "success".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// A pointer leads outside memory, by the size of memory that is known here. Pointers are checked before
    /// anything else is done; so the caller can look at the memory again, and repeat the call if it has grown.
    OutOfBounds,
    /// The result of the call.
    Errno(Errno),
    /// The guest exits.
    Exit(Exitcode),
}

impl Trap {
    /// The result that the guest gets.
    ///
    /// # Errors
    ///
    /// The exit code, if it exits.
    pub fn errno(self) -> Result<Errno, Exitcode> {
        match self {
            // As node:wasi.
            Self::OutOfBounds => Ok(Errno::Overflow),
            Self::Errno(errno) => Ok(errno),
            Self::Exit(code) => Err(code),
        }
    }
}

impl From<Errno> for Trap {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<OutOfBounds> for Trap {
    fn from(_: OutOfBounds) -> Self {
        Self::OutOfBounds
    }
}

impl From<InvalidIovecs> for Trap {
    fn from(error: InvalidIovecs) -> Self {
        match error {
            InvalidIovecs::OutOfBounds => Self::OutOfBounds,
            InvalidIovecs::TooMany => Self::Errno(Errno::Inval),
        }
    }
}

impl From<io::Error> for Trap {
    fn from(error: io::Error) -> Self {
        Self::Errno(error.into())
    }
}

/// A call, as guests of one snapshot make it.
#[derive(Clone, Copy)]
pub struct Syscall {
    /// The name under which guests import it.
    pub name: &'static str,
    /// Its parameters.
    pub params: &'static [Parameter],
    /// The values of wasm that the parameters are passed as: one or two for each.
    pub types: &'static [ParamType],
    /// All rights that it may need.
    pub rights: Rights,
    /// Makes the call. The arguments are the bits of the values, as many as there are `types`.
    pub call: fn(&WasiCtx, GuestMemory<'_>, &[u64; MAX_PARAMS]) -> Result<(), Trap>,
}

/// Passes the table to a macro.
///
/// A row is `file::call(parameter: Role, …) needs RIGHT, …;` with the roles of [`role`] and the names of
/// [`Rights`]. A call with `<Layout>` has a function for each snapshot.
macro_rules! for_each_syscall {
    ($callback:ident) => {
        $callback! {
            args::args_get(argv: Argv, argv_buf: ArgvBuf);
            args::args_sizes_get(argc: Out<Size>, argv_buf_size: Out<Size>);
            clock::clock_res_get(id: Clockid, resolution: Out<Timestamp>);
            clock::clock_time_get(id: Clockid, precision: Timestamp, time: Out<Timestamp>);
            environ::environ_get(environ: Environ, environ_buf: EnvironBuf);
            environ::environ_sizes_get(environc: Out<Size>, environ_buf_size: Out<Size>);
            fd_stat::fd_advise(fd: Fd, offset: Filesize, len: Filesize, advice: Advice) needs FD_ADVISE;
            fd_stat::fd_allocate(fd: Fd, offset: Filesize, len: Filesize) needs FD_ALLOCATE;
            fd_table::fd_close(fd: Fd);
            fd_io::fd_datasync(fd: Fd) needs FD_DATASYNC;
            fd_stat::fd_fdstat_get(fd: Fd, fdstat: Out<Fdstat>);
            fd_stat::fd_fdstat_set_flags(fd: Fd, fdflags: Fdflags) needs FD_FDSTAT_SET_FLAGS;
            fd_stat::fd_fdstat_set_rights(fd: Fd, rights_base: Rights, rights_inheriting: Rights);
            fd_stat::fd_filestat_get<Layout>(fd: Fd, filestat: Out<Filestat>) needs FD_FILESTAT_GET;
            fd_stat::fd_filestat_set_size(fd: Fd, size: Filesize) needs FD_FILESTAT_SET_SIZE;
            fd_stat::fd_filestat_set_times(fd: Fd, atim: Timestamp, mtim: Timestamp, fst_flags: Fstflags) needs FD_FILESTAT_SET_TIMES;
            fd_io::fd_pread(fd: Fd, iovs: Iovs, offset: Filesize, nread: Out<Size>) needs FD_READ, FD_SEEK;
            fd_dir::fd_prestat_get(fd: Fd, prestat: Out<Prestat>);
            fd_dir::fd_prestat_dir_name(fd: Fd, path: Buf);
            fd_io::fd_pwrite(fd: Fd, ciovs: Ciovs, offset: Filesize, nwritten: Out<Size>) needs FD_WRITE, FD_SEEK;
            fd_io::fd_read(fd: Fd, iovs: Iovs, nread: Out<Size>) needs FD_READ;
            fd_dir::fd_readdir(fd: Fd, buf: Buf, cookie: Dircookie, bufused: Out<Size>) needs FD_READDIR;
            fd_table::fd_renumber(from: Fd, to: Fd);
            fd_io::fd_seek<Layout>(fd: Fd, offset: Filedelta, whence: Whence, newoffset: Out<Filesize>) needs FD_SEEK;
            fd_io::fd_sync(fd: Fd) needs FD_SYNC;
            fd_io::fd_tell(fd: Fd, offset: Out<Filesize>) needs FD_TELL;
            fd_io::fd_write(fd: Fd, ciovs: Ciovs, nwritten: Out<Size>) needs FD_WRITE;
            path_name::path_create_directory(fd: Fd, path: Path) needs PATH_CREATE_DIRECTORY;
            path_stat::path_filestat_get<Layout>(fd: Fd, flags: Lookupflags, path: Path, filestat: Out<Filestat>) needs PATH_FILESTAT_GET;
            path_stat::path_filestat_set_times(fd: Fd, flags: Lookupflags, path: Path, atim: Timestamp, mtim: Timestamp, fst_flags: Fstflags) needs PATH_FILESTAT_SET_TIMES;
            path_name::path_link(old_fd: Fd, old_flags: Lookupflags, old_path: Path, new_fd: Fd, new_path: Path) needs PATH_LINK_SOURCE, PATH_LINK_TARGET;
            path_open::path_open(fd: Fd, dirflags: Lookupflags, path: Path, oflags: Oflags, rights_base: Rights, rights_inheriting: Rights, fdflags: Fdflags, opened_fd: Out<Fd>) needs PATH_OPEN, PATH_CREATE_FILE, PATH_FILESTAT_SET_SIZE;
            path_name::path_readlink(fd: Fd, path: Path, buf: Buf, bufused: Out<Size>) needs PATH_READLINK;
            path_name::path_remove_directory(fd: Fd, path: Path) needs PATH_REMOVE_DIRECTORY;
            path_name::path_rename(fd: Fd, old_path: Path, new_fd: Fd, new_path: Path) needs PATH_RENAME_SOURCE, PATH_RENAME_TARGET;
            path_name::path_symlink(old_path: Path, fd: Fd, new_path: Path) needs PATH_SYMLINK;
            path_name::path_unlink_file(fd: Fd, path: Path) needs PATH_UNLINK_FILE;
            poll::poll_oneoff<Layout>(subscriptions: Subscriptions, events: Events, nsubscriptions: Size, nevents: Out<Size>) needs POLL_FD_READWRITE;
            proc::proc_exit(rval: Exitcode);
            proc::proc_raise(sig: Signal);
            random::random_get(buf: Buf);
            sched::sched_yield();
            sock::sock_accept(fd: Fd, flags: Fdflags, connected_fd: Out<Fd>) needs SOCKET_ONLY;
            sock::sock_recv(fd: Fd, ri_data: Iovs, ri_flags: Riflags, ro_datalen: Out<Size>, ro_flags: Out<Roflags>) needs SOCKET_ONLY;
            sock::sock_send(fd: Fd, si_data: Ciovs, si_flags: Siflags, so_datalen: Out<Size>) needs SOCKET_ONLY;
            sock::sock_shutdown(fd: Fd, how: Sdflags) needs SOCKET_ONLY;
        }
    };
}

/// The rights that a call needs: one, or several, of which its function knows which is for what.
macro_rules! needed {
    ($name:ident $right:ident) => {
        pub const $name: Rights = Rights::$right;
    };
    ($name:ident $($right:ident)*) => {
        pub const $name: [Rights; [$(Rights::$right),*].len()] = [$(Rights::$right),*];
    };
}

/// A row for guests of a snapshot. The types of [`role`] must be in scope.
macro_rules! row {
    ($Snapshot:ident, $module:ident::$name:ident$(<$Layout:ident>)?($($param:ident: $Type:ty),*) $(needs $($right:ident),+)?) => {{
        const PARAMS: &[Parameter] = &[$(Parameter {
            name: stringify!($param),
            role: <$Type as Param>::ROLE,
        }),*];
        const TYPES: [ParamType; arity(PARAMS)] = types(PARAMS);
        Syscall {
            name: stringify!($name),
            params: PARAMS,
            types: &TYPES,
            rights: crate::abi::Rights::empty()$($(.union(crate::abi::Rights::$right))+)?,
            call: |ctx, memory, _args| {
                ctx.check_call(Row::$name as usize)?;
                let mut _bits = _args.iter().copied();
                $(let $param = <<$Type as Param>::Value as Value>::take(&mut _bits);)*
                function!($Snapshot, $module::$name$(<$Layout>)?)(ctx, memory, $($param),*)
                    .map_err(Trap::from)
            },
        }
    }};
}

/// The function of a call for guests of a snapshot.
macro_rules! function {
    ($Snapshot:ident, $module:ident::$name:ident) => {
        $module::$name
    };
    ($Snapshot:ident, $module:ident::$name:ident<$Layout:ident>) => {
        $module::$name::<$Snapshot>
    };
}

/// A row for guests of snapshot 0: that of preview1, unless the call has a function for each.
macro_rules! row_of_snapshot0 {
    ($module:ident::$name:ident<$Layout:ident> $($rest:tt)*) => {
        row!(Snapshot0, $module::$name<$Layout> $($rest)*)
    };
    ($module:ident::$name:ident $($rest:tt)*) => {
        SYSCALLS[Row::$name as usize]
    };
}

/// Whether the arguments are not empty.
macro_rules! is_there {
    () => {
        false
    };
    ($Layout:ident) => {
        true
    };
}

macro_rules! table {
    ($($module:ident::$name:ident$(<$Layout:ident>)?($($params:tt)*) $(needs $($right:ident),+)?;)*) => {
        /// The rows of the table by their names.
        #[allow(non_camel_case_types, reason = "they are the names of the calls")]
        #[derive(Clone, Copy)]
        pub(crate) enum Row {
            $($name,)*
        }

        /// The rights in the rows, for the functions to check.
        #[allow(non_upper_case_globals, reason = "they are the names of the calls")]
        #[allow(dead_code, reason = "what a socket must have, the context knows")]
        pub(super) mod needs {
            use crate::abi::Rights;

            $($(needed!($name $($right)+);)?)*
        }

        /// The number of calls.
        pub const COUNT: usize = [$(Row::$name),*].len();

        /// Every call as guests of preview1 make it, in the order of node:wasi.
        pub const SYSCALLS: [Syscall; COUNT] = {
            // Here, `Rights` is the role.
            use role::*;

            [$(row!(Preview1, $module::$name$(<$Layout>)?($($params)*) $(needs $($right),+)?)),*]
        };

        /// The same for guests of snapshot 0.
        pub const SNAPSHOT0: [Syscall; COUNT] = {
            use role::*;

            [$(row_of_snapshot0!($module::$name$(<$Layout>)?($($params)*) $(needs $($right),+)?)),*]
        };

        /// Whether the calls have a function for each snapshot.
        const DIFFERS: [bool; COUNT] = [$(is_there!($($Layout)?)),*];
    };
}

for_each_syscall!(table);

/// Both tables, one after the other. The number of a function is its index in here.
pub(crate) const FUNCTIONS: [Syscall; 2 * COUNT] = {
    let mut functions = [SYSCALLS[0]; 2 * COUNT];
    let mut row = 0;
    while row < COUNT {
        functions[row] = SYSCALLS[row];
        functions[COUNT + row] = SNAPSHOT0[row];
        row += 1;
    }
    functions
};

/// The number of the function that guests of a snapshot call for a row. It is the same for both, unless there
/// are two functions.
pub(crate) const fn function(snapshot: Snapshot, row: usize) -> usize {
    match snapshot {
        Snapshot::Snapshot0 if DIFFERS[row] => COUNT + row,
        _ => row,
    }
}

/// The calls that can wait for something other than a file system.
pub(crate) const WAITING: [Row; 6] = [
    Row::fd_read,
    Row::fd_write,
    Row::poll_oneoff,
    Row::sock_accept,
    Row::sock_recv,
    Row::sock_send,
];

pub(crate) use for_each_syscall;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_one_value_of_wasm_or_a_pointer_and_a_number() {
        use ParamType::{I32, I64};

        let path_open = SYSCALLS[Row::path_open as usize].types;
        assert_eq!(path_open, [I32, I32, I32, I32, I32, I64, I64, I32, I32]);
        assert_eq!(SYSCALLS[Row::fd_seek as usize].types, [I32, I64, I32, I32]);
        assert_eq!(SYSCALLS[Row::sched_yield as usize].types, []);
    }

    #[test]
    fn a_snapshot_has_its_own_functions_where_a_layout_differs() {
        let own = |row: &usize| function(Snapshot::Snapshot0, *row) != *row;
        let own: Vec<_> = (0..COUNT)
            .filter(own)
            .map(|row| FUNCTIONS[function(Snapshot::Snapshot0, row)].name)
            .collect();
        let differ = [
            "fd_filestat_get",
            "fd_seek",
            "path_filestat_get",
            "poll_oneoff",
        ];
        assert_eq!(own, differ);
        for row in 0..COUNT {
            assert_eq!(function(Snapshot::Preview1, row), row);
            assert_eq!(SNAPSHOT0[row].name, SYSCALLS[row].name);
        }
    }

    #[test]
    fn no_call_has_more_values_than_there_is_room_for() {
        let most = SYSCALLS.iter().map(|syscall| syscall.types.len()).max();
        assert_eq!(most, Some(MAX_PARAMS));
    }
}
