//! The 46 calls from `syscalls/` down.
//!
//! Every call has a module of its name with at least two tests: `works`, the good case, and `refusals`, a row
//! for each errno that its documentation lists. The list below does not compile without them, and a test
//! asserts that no row of the table is missing from it. Tests about many calls have files of their own.
//!
//! Tests about file systems and the resolution of paths are run in every [`Way`]: with the host's files, in
//! both ways of resolving paths, and with other file systems. What a test itself does with files, it does
//! through a [`Fixture`]; so another file system is tested by implementing that.
//!
//! [`Fixture`]: support::Fixture
//! [`Way`]: support::Way

mod support;

mod args;
mod clock;
mod environ;
mod fd_dir;
mod fd_io;
mod fd_offset;
mod fd_stat;
mod fd_storage;
mod fd_table;
mod path_name;
mod path_opening;
mod path_relink;
mod path_stat;
mod path_target;
mod poll;
mod proc;
mod random;
mod readdir;
mod sched;

mod arguments;
mod buffers;
mod devices;
mod escape;
mod file_systems;
mod foreign;
mod given;
mod grants;
mod listening;
mod mounts;
mod nested;
mod pointers;
mod resolve;
mod rights;
mod snapshot0;
mod threads;
mod walk;

// For Unix alone: lent descriptors, which on Windows only Node has, and what no other file system has.
#[cfg(unix)]
mod ended;
#[cfg(unix)]
mod host_files;
#[cfg(unix)]
mod poll_streams;
#[cfg(target_os = "linux")]
mod portable;
#[cfg(unix)]
mod sock;
#[cfg(unix)]
mod stdio;
#[cfg(unix)]
mod stop;
#[cfg(unix)]
mod stream_rights;
#[cfg(unix)]
mod suspended;
#[cfg(unix)]
mod terminal;
#[cfg(target_os = "linux")]
mod waiting;

// Differences of Windows that a guest must not see.
#[cfg(windows)]
mod windows;

#[cfg(unix)]
macro_rules! covered {
    ($($file:ident: $($call:ident),*;)*) => {
        /// The calls with tests.
        const COVERED: &[&str] = &[$($(stringify!($call)),*),*];

        const _: &[fn()] = &[$($($file::$call::works, $file::$call::refusals),*),*];
    };
}

#[cfg(unix)]
covered! {
    args: args_get, args_sizes_get;
    clock: clock_res_get, clock_time_get;
    environ: environ_get, environ_sizes_get;
    fd_storage: fd_advise, fd_allocate, fd_datasync, fd_sync;
    fd_dir: fd_prestat_dir_name, fd_prestat_get;
    fd_io: fd_pread, fd_pwrite, fd_read, fd_write;
    fd_offset: fd_seek, fd_tell;
    fd_stat: fd_fdstat_get, fd_fdstat_set_flags, fd_fdstat_set_rights;
    fd_stat: fd_filestat_get, fd_filestat_set_size, fd_filestat_set_times;
    fd_table: fd_close, fd_renumber;
    path_name: path_create_directory, path_remove_directory, path_unlink_file;
    path_opening: path_open;
    path_relink: path_link, path_rename;
    path_stat: path_filestat_get, path_filestat_set_times;
    path_target: path_readlink, path_symlink;
    poll: poll_oneoff;
    proc: proc_exit, proc_raise;
    random: random_get;
    readdir: fd_readdir;
    sched: sched_yield;
    sock: sock_accept, sock_recv, sock_send, sock_shutdown;
}

#[cfg(unix)]
#[test]
fn every_row_of_the_table_has_tests() {
    let mut covered = COVERED.to_vec();
    let mut table: Vec<_> = (wasi_rs::syscalls::SYSCALLS.iter())
        .map(|syscall| syscall.name)
        .collect();
    covered.sort_unstable();
    table.sort_unstable();
    assert_eq!(covered, table);
}
