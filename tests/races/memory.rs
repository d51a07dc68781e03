//! A thread overwrites paths and buffer lists during the calls that use them.

use std::sync::Arc;

use wasi_rs::abi::{Errno, Oflags, Rights};

use crate::Race;
use crate::arena::Arena;
use crate::guest::{BUF, Guest, IOVS, OUT, PREOPEN, TEXT};

/// Paths of the same length, which can overwrite each other: inside, outside, and outside by a link.
const PATHS: [&str; 3] = ["dir//////secret", "../outside/sub/", "out/////secret/"];

/// Buffers that are wholly, partly or not at all in memory.
const BUFS: [[u32; 2]; 5] = [
    [BUF as u32, 64],
    [0xffff_fff0, 64],
    [BUF as u32, 0xffff_ffff],
    [0xffff, 1],
    [0x1_0000, 0],
];

#[test]
fn paths_and_buffers_change_during_the_call() {
    let arena = Arena::new();
    let ctx = Arc::new(arena.ctx());
    let quiet = Race::new();
    let scribbler = Guest::new(&ctx, &arena, &quiet);
    let file = scribbler
        .open(
            0,
            "file",
            Oflags::empty(),
            Rights::FD_READ | Rights::FD_WRITE | Rights::FD_SEEK,
        )
        .unwrap();
    let hostile = || {
        for (path, buf) in PATHS.iter().cycle().zip(BUFS) {
            scribbler.put(TEXT, path.as_bytes());
            let record: Vec<u8> = buf.into_iter().flat_map(u32::to_le_bytes).collect();
            for at in 0..4 {
                scribbler.put(IOVS + 8 * at, &record);
            }
        }
    };
    Race::run("memory", hostile, |race| {
        let guest = scribbler.thread(race);
        while race.goes_on() {
            let len = PATHS[0].len() as u64;
            let rights = Rights::FD_READ.bits();
            if guest.call("path_open", &[PREOPEN, 1, TEXT, len, 0, rights, 0, 0, OUT]) {
                let fd = guest.record::<u32>(OUT).into();
                if guest.call("fd_pread", &[fd, IOVS, 4, 0, OUT]) {
                    guest.assert_no_secret(256);
                }
                guest.close(fd);
            }
            for name in ["path_create_directory", "path_remove_directory"] {
                guest.call(name, &[PREOPEN, TEXT, len]);
            }
            guest.call("path_unlink_file", &[PREOPEN, TEXT, len]);
            let create = u64::from(Oflags::CREAT.bits());
            let rights = Rights::FD_WRITE.bits();
            if guest.call(
                "path_open",
                &[PREOPEN, 1, TEXT, len, create, rights, 0, 0, OUT],
            ) {
                guest.close(guest.record::<u32>(OUT).into());
            }
            guest.call(
                "path_filestat_set_times",
                &[PREOPEN, 1, TEXT, len, 0, 0, 0b0101],
            );
            for name in ["fd_pread", "fd_pwrite"] {
                let errno = guest.errno(name, &[file, IOVS, 4, 0, OUT]);
                let known = [Errno::Success, Errno::Overflow, Errno::Inval];
                assert!(known.contains(&errno), "{name}: {errno}");
            }
            guest.assert_margins();
        }
    });
    arena.assert_untouched();
}
