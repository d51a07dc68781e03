//! The 46 calls of preview1, each written down once: its name, its parameters, its function.

use super::{
    args, clock, environ, fd_dir, fd_io, fd_stat, fd_table, path_name, path_open, path_stat,
};
use super::{poll, proc, random, sched, sock};
use crate::abi::*;
use crate::ctx::WasiCtx;
use crate::memory::{GuestMemory, GuestPtr};

/// What a guest passes for a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamType {
    /// An `i32` of wasm, whose bits count without a sign.
    I32,
    /// An `i64` of wasm, whose bits count without a sign.
    I64,
}

/// A type that a parameter can have.
trait Param {
    const TYPE: ParamType;

    /// The parameter with these bits; of an `i32` only the lower half counts.
    fn from_bits(bits: u64) -> Self;
}

impl Param for u32 {
    const TYPE: ParamType = ParamType::I32;

    fn from_bits(bits: u64) -> Self {
        bits as u32
    }
}

impl<T> Param for GuestPtr<T> {
    const TYPE: ParamType = ParamType::I32;

    fn from_bits(bits: u64) -> Self {
        GuestPtr::new(bits as u32)
    }
}

impl Param for u64 {
    const TYPE: ParamType = ParamType::I64;

    fn from_bits(bits: u64) -> Self {
        bits
    }
}

impl Param for i64 {
    const TYPE: ParamType = ParamType::I64;

    fn from_bits(bits: u64) -> Self {
        bits as i64
    }
}

/// The most parameters that a call has.
pub const MAX_PARAMS: usize = 9;

/// Why a call does not answer "success".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The guest gets this as the result.
    Errno(Errno),
    /// The guest ends.
    Exit(Exitcode),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

/// A row of the table.
pub struct Syscall {
    /// The name under which guests import it.
    pub name: &'static str,
    /// Its parameters.
    pub params: &'static [ParamType],
    /// Makes the call; the arguments are as many as the parameters.
    pub call: fn(&WasiCtx, GuestMemory<'_>, &[u64; MAX_PARAMS]) -> Result<(), Stop>,
}

/// Passes the table to a macro.
macro_rules! for_each_syscall {
    ($callback:ident) => {
        $callback! {
            args::args_get(argv: GuestPtr<u32>, argv_buf: GuestPtr<u8>);
            args::args_sizes_get(argc: GuestPtr<Size>, argv_buf_size: GuestPtr<Size>);
            clock::clock_res_get(id: u32, resolution: GuestPtr<Timestamp>);
            clock::clock_time_get(id: u32, precision: Timestamp, time: GuestPtr<Timestamp>);
            environ::environ_get(environ: GuestPtr<u32>, environ_buf: GuestPtr<u8>);
            environ::environ_sizes_get(environc: GuestPtr<Size>, environ_buf_size: GuestPtr<Size>);
            fd_stat::fd_advise(fd: Fd, offset: Filesize, len: Filesize, advice: u32);
            fd_stat::fd_allocate(fd: Fd, offset: Filesize, len: Filesize);
            fd_table::fd_close(fd: Fd);
            fd_io::fd_datasync(fd: Fd);
            fd_stat::fd_fdstat_get(fd: Fd, fdstat: GuestPtr<Fdstat>);
            fd_stat::fd_fdstat_set_flags(fd: Fd, fdflags: u32);
            fd_stat::fd_fdstat_set_rights(fd: Fd, rights_base: u64, rights_inheriting: u64);
            fd_stat::fd_filestat_get(fd: Fd, filestat: GuestPtr<Filestat>);
            fd_stat::fd_filestat_set_size(fd: Fd, size: Filesize);
            fd_stat::fd_filestat_set_times(fd: Fd, atim: Timestamp, mtim: Timestamp, fst_flags: u32);
            fd_io::fd_pread(fd: Fd, iovs: GuestPtr<Iovec>, iovs_len: Size, offset: Filesize, nread: GuestPtr<Size>);
            fd_dir::fd_prestat_get(fd: Fd, prestat: GuestPtr<Prestat>);
            fd_dir::fd_prestat_dir_name(fd: Fd, path: GuestPtr<u8>, path_len: Size);
            fd_io::fd_pwrite(fd: Fd, ciovs: GuestPtr<Iovec>, ciovs_len: Size, offset: Filesize, nwritten: GuestPtr<Size>);
            fd_io::fd_read(fd: Fd, iovs: GuestPtr<Iovec>, iovs_len: Size, nread: GuestPtr<Size>);
            fd_dir::fd_readdir(fd: Fd, buf: GuestPtr<u8>, buf_len: Size, cookie: Dircookie, bufused: GuestPtr<Size>);
            fd_table::fd_renumber(from: Fd, to: Fd);
            fd_io::fd_seek(fd: Fd, offset: Filedelta, whence: u32, newoffset: GuestPtr<Filesize>);
            fd_io::fd_sync(fd: Fd);
            fd_io::fd_tell(fd: Fd, offset: GuestPtr<Filesize>);
            fd_io::fd_write(fd: Fd, ciovs: GuestPtr<Iovec>, ciovs_len: Size, nwritten: GuestPtr<Size>);
            path_name::path_create_directory(fd: Fd, path: GuestPtr<u8>, path_len: Size);
            path_stat::path_filestat_get(fd: Fd, flags: u32, path: GuestPtr<u8>, path_len: Size, filestat: GuestPtr<Filestat>);
            path_stat::path_filestat_set_times(fd: Fd, flags: u32, path: GuestPtr<u8>, path_len: Size, atim: Timestamp, mtim: Timestamp, fst_flags: u32);
            path_name::path_link(old_fd: Fd, old_flags: u32, old_path: GuestPtr<u8>, old_path_len: Size, new_fd: Fd, new_path: GuestPtr<u8>, new_path_len: Size);
            path_open::path_open(fd: Fd, dirflags: u32, path: GuestPtr<u8>, path_len: Size, oflags: u32, rights_base: u64, rights_inheriting: u64, fdflags: u32, opened_fd: GuestPtr<Fd>);
            path_name::path_readlink(fd: Fd, path: GuestPtr<u8>, path_len: Size, buf: GuestPtr<u8>, buf_len: Size, bufused: GuestPtr<Size>);
            path_name::path_remove_directory(fd: Fd, path: GuestPtr<u8>, path_len: Size);
            path_name::path_rename(fd: Fd, old_path: GuestPtr<u8>, old_path_len: Size, new_fd: Fd, new_path: GuestPtr<u8>, new_path_len: Size);
            path_name::path_symlink(old_path: GuestPtr<u8>, old_path_len: Size, fd: Fd, new_path: GuestPtr<u8>, new_path_len: Size);
            path_name::path_unlink_file(fd: Fd, path: GuestPtr<u8>, path_len: Size);
            poll::poll_oneoff(subscriptions: GuestPtr<u8>, events: GuestPtr<Event>, nsubscriptions: Size, nevents: GuestPtr<Size>);
            proc::proc_exit(rval: Exitcode);
            proc::proc_raise(sig: u32);
            random::random_get(buf: GuestPtr<u8>, buf_len: Size);
            sched::sched_yield();
            sock::sock_accept(fd: Fd, flags: u32, connected_fd: GuestPtr<Fd>);
            sock::sock_recv(fd: Fd, ri_data: GuestPtr<Iovec>, ri_data_len: Size, ri_flags: u32, ro_datalen: GuestPtr<Size>, ro_flags: GuestPtr<u16>);
            sock::sock_send(fd: Fd, si_data: GuestPtr<Iovec>, si_data_len: Size, si_flags: u32, so_datalen: GuestPtr<Size>);
            sock::sock_shutdown(fd: Fd, how: u32);
        }
    };
}

macro_rules! table {
    ($($module:ident::$name:ident($($param:ident: $Type:ty),*);)*) => {
        /// The rows of the table by their names.
        #[allow(non_camel_case_types, reason = "they are the names of the calls")]
        #[derive(Clone, Copy)]
        pub(crate) enum Row {
            $($name,)*
        }

        /// How many calls there are.
        pub const COUNT: usize = [$(Row::$name),*].len();

        /// Every call, in the order in which node:wasi lists them.
        pub const SYSCALLS: [Syscall; COUNT] = [
            $(Syscall {
                name: stringify!($name),
                params: &[$(<$Type as Param>::TYPE),*],
                call: |ctx, memory, _args| {
                    ctx.check_call(Row::$name as usize)?;
                    let mut _next = _args.iter();
                    $(let $param = <$Type as Param>::from_bits(*_next.next().unwrap_or(&0));)*
                    $module::$name(ctx, memory, $($param),*).map_err(Stop::from)
                },
            },)*
        ];
    };
}

for_each_syscall!(table);
pub(crate) use for_each_syscall;
