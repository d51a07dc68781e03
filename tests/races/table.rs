//! Threads of one guest open, use, close and renumber the same descriptors, while the process opens and closes
//! descriptors of its own.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use wasi_rs::abi::{Filestat, Oflags, Rights};

use crate::arena::{Arena, SECRET};
use crate::guest::{BUF, BUF_LEN, Guest, OUT};
use crate::{Over, Race};

/// The descriptor numbers that the threads compete for.
const NUMBERS: std::ops::Range<u64> = 3..12;

/// A guest closes its own descriptors, never those of the host.
#[test]
fn numbers_are_closed_moved_and_used() {
    let arena = Arena::new();
    let ctx = Arc::new(arena.ctx());
    let race = Race::new();
    let secret = arena.path("outside/secret");
    let ino = secret.metadata().unwrap().ino();
    std::thread::scope(|scope| {
        // The host: it gets the numbers that the guest has closed.
        scope.spawn(|| {
            while race.goes_on() {
                let mut files: Vec<_> = (0..8).map(|_| File::open(&secret).unwrap()).collect();
                for file in &mut files {
                    let mut text = String::new();
                    file.read_to_string(&mut text).unwrap();
                    assert_eq!(text, SECRET, "the host's descriptor {}", file.as_raw_fd());
                    assert_eq!(file.metadata().unwrap().ino(), ino);
                }
                race.swaps.fetch_add(1, Relaxed);
            }
        });
        scope.spawn(|| {
            let guest = Guest::new(&ctx, &arena, &race);
            let mut step = 0;
            while race.goes_on() {
                step += 1;
                let [one, other] = [step, step / 7].map(|at| NUMBERS.start + 1 + at % 8);
                match step % 3 {
                    0 => guest.close(one),
                    1 => drop(guest.call("fd_renumber", &[one, other])),
                    _ => drop(guest.call("fd_renumber", &[other, one])),
                }
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                // So that a panic ends the race for all.
                let _over = Over(&race);
                let guest = Guest::new(&ctx, &arena, &race);
                while race.goes_on() {
                    use_all(&guest);
                }
            });
        }
    });
    race.tell("table");
    arena.assert_untouched();
}

fn use_all(guest: &Guest<'_>) {
    let all = Rights::FD_READ | Rights::FD_WRITE | Rights::FD_SEEK | Rights::FD_FILESTAT_GET;
    guest.open(0, "file", Oflags::empty(), all);
    guest.open(
        0,
        "dir",
        Oflags::DIRECTORY,
        Rights::FD_READDIR | Rights::PATH_OPEN,
    );
    guest.open(0, "dir/secret", Oflags::empty(), Rights::FD_READ);
    for fd in NUMBERS {
        guest.read(fd);
        guest.call("fd_seek", &[fd, 0, 0, OUT]);
        if guest.call("fd_filestat_get", &[fd, OUT]) {
            let ino = guest.record::<Filestat>(OUT).ino;
            assert!(
                !guest.arena.is_outside(ino),
                "descriptor {fd} is a file outside"
            );
        }
        if guest.call("fd_readdir", &[fd, BUF, BUF_LEN, 0, OUT]) {
            guest.assert_no_secret(guest.record::<u32>(OUT).into());
        }
        guest.call("fd_fdstat_set_flags", &[fd, 1]);
        guest.call("fd_sync", &[fd]);
    }
}
