//! Several threads share one guest's descriptors.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use wasi_rs::abi::Errno::{self, Badf, Nfile, Notcapable, Success};
use wasi_rs::abi::Oflags;
use wasi_rs::ctx::WasiCtx;
use wasi_rs::memory::LinearMemory;
use wasi_rs::syscalls::{MAX_PARAMS, Trap};

use crate::support::{BUF, Guest, OUT, Open, PREOPEN, args, syscall, words};

const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<WasiCtx>();
};

/// Runs `work` in so many threads, each with a number and a memory of its own.
fn in_threads(guest: &Guest, count: usize, work: impl Fn(usize, &Guest) + Sync) {
    let start = Barrier::new(count);
    std::thread::scope(|scope| {
        for number in 0..count {
            let (start, work, guest) = (&start, &work, guest.thread());
            scope.spawn(move || {
                start.wait();
                work(number, &guest);
            });
        }
    });
}

#[test]
fn no_two_threads_get_one_number() {
    let guest = Guest::new();
    for number in 0..4 {
        let path = format!("own{number}");
        guest.scratch.write(&path, format!("of {number}"));
    }
    in_threads(&guest, 4, |number, guest| {
        for _ in 0..100 {
            let fds = [0, 1].map(|_| guest.open(&format!("own{number}"), Open::READ));
            for fd in fds {
                assert_eq!(guest.read(fd), format!("of {number}"));
                guest.ok("fd_close", [fd]);
            }
        }
    });
    assert_eq!(
        guest.open("file", Open::FILE),
        4,
        "all numbers are free again"
    );
}

/// Numbers that differ between threads and calls; not random.
struct Mix(u64);

impl Mix {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963);
        self.0 >> 33
    }
}

#[test]
fn threads_may_close_and_move_what_others_use() {
    let guest = Guest::with(|setup| setup.limits.descriptors = 12);
    in_threads(&guest, 4, |number, guest| {
        let mut mix = Mix(number as u64 + 1);
        let open = [("file", Open::FILE), ("dir", Open::DIR)]
            .map(|(path, open)| guest.open_args(PREOPEN, path, open));
        let iovs = guest.iovs(&[[BUF, 16], [BUF + 32, 16]]);
        for _ in 0..3000 {
            // Numbers from 4 on: the preopen and the standard streams stay.
            let [fd, to] = [4 + mix.next() % 8, 4 + mix.next() % 8];
            let errno = match mix.next() % 8 {
                0 | 1 => guest.errno("path_open", &open[(mix.next() % 2) as usize]),
                2 => guest.errno("fd_close", [fd]),
                3 => guest.errno("fd_renumber", [fd, to]),
                4 => guest.errno("fd_read", args(&[&[fd], &iovs, &[OUT]])),
                5 => guest.errno("fd_write", args(&[&[fd], &iovs, &[OUT]])),
                6 => guest.errno("fd_readdir", [fd, BUF, 50, 0, OUT]),
                _ => guest.errno("fd_seek", [fd, 0, 0, OUT]),
            };
            assert!(
                matches!(errno, Success | Badf | Nfile | Notcapable),
                "{errno}"
            );
        }
    });
    for fd in 4..12 {
        let _ = guest.errno("fd_close", [fd]);
    }
    assert_eq!(
        guest.open("file", Open::FILE),
        4,
        "the table is as it should be"
    );
    assert_eq!(guest.errno("fd_close", [12]), Badf);
}

#[test]
fn rights_that_two_threads_remove_are_both_removed() {
    for _ in 0..50 {
        let guest = Guest::new();
        let fd = guest.open("file", Open::FILE);
        let all = crate::support::FILE_RIGHTS;
        in_threads(&guest, 2, |number, guest| {
            let _ = guest.errno("fd_fdstat_set_rights", [fd, all & !(2 << (number * 5)), 0]);
        });
        let left: wasi_rs::abi::Fdstat = guest.record("fd_fdstat_get", &[fd]);
        assert_ne!(left.fs_rights_base & (2 | 64), 2 | 64);
    }
}

#[test]
fn threads_that_list_one_directory_each_see_all_of_it() {
    let guest = Guest::new();
    let names = |guest: &Guest| {
        let mut names = 0;
        let mut cookie = 0;
        loop {
            let outcome = guest.call("fd_readdir", [PREOPEN, BUF, 60, cookie, OUT]);
            outcome.wrote_within(&[(BUF, 60), (OUT, 4)]);
            let used = outcome.u32_at(OUT);
            if used == 0 {
                break names;
            }
            // One complete entry fits, and perhaps the head of another.
            cookie = outcome.u64_at(BUF);
            names += 1;
        }
    };
    let expected = names(&guest);
    assert!(expected >= 8);
    in_threads(&guest, 3, |_, guest| {
        for _ in 0..50 {
            assert_eq!(names(guest), expected);
        }
    });
}

#[test]
fn files_made_by_one_thread_are_seen_by_another() {
    let guest = Guest::new();
    in_threads(&guest, 2, |number, guest| {
        for index in 0..200 {
            let path = format!("file{}", index % 3);
            let create = Open::FILE.oflags(Oflags::CREAT);
            if number == 0 {
                let fd = guest.open(&path, create);
                guest.ok("fd_close", [fd]);
            } else {
                let errno = guest.scoped(|| {
                    let stat = args(&[&[PREOPEN, 0], &guest.store(&path), &[OUT]]);
                    guest.errno("path_filestat_get", stat)
                });
                assert!(matches!(errno, Success | Errno::Noent), "{errno}");
            }
        }
    });
}

/// Another thread of the guest changes a list of buffers while it is used: the call reads each number once, and
/// checks what it has read.
#[test]
fn a_list_that_changes_under_a_call_leads_nowhere_else() {
    let guest = Guest::new();
    let fd = guest.open("file", Open::FILE.oflags(Oflags::TRUNC));
    let memory = words(&[b'?'; 0x1000]);
    let put = |at: usize, word: u32| memory[at / 4].store(word.to_le(), Relaxed);
    let [begun, done] = [const { AtomicBool::new(false) }; 2];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut mix = Mix(1);
            while !done.load(Relaxed) {
                let far = mix.next() as u32;
                for (base, len) in [(0x100, 8), (far, 8), (0x100, far), (0xff8, 8), (0xff9, 8)] {
                    put(0, base);
                    put(4, len);
                }
                begun.store(true, Relaxed);
            }
        });
        while !begun.load(Relaxed) {
            std::thread::yield_now();
        }
        for _ in 0..20_000 {
            let mut args = [0; MAX_PARAMS];
            args[..4].copy_from_slice(&[fd, 0, 1, 0x80]);
            let memory = LinearMemory::new(&memory);
            let result = (syscall("fd_write").call)(&guest.ctx, memory.guest(), &args);
            assert!(
                matches!(result, Ok(()) | Err(Trap::OutOfBounds)),
                "{result:?}"
            );
        }
        done.store(true, Relaxed);
    });
}
