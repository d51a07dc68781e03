//! Whatever arguments a guest passes, it gets an answer: no panic, no hang, and nothing outside changes. Other
//! files have chosen arguments; here are many.

use wasi_rs::syscalls::SYSCALLS;

use crate::support::{BUF, END, Guest, OUT, Open, PREOPEN};

/// Values at which behaviour changes.
const EDGES: [u64; 24] = [
    0,
    1,
    2,
    3,
    4,
    5,
    8,
    16,
    28,
    48,
    255,
    256,
    OUT,
    BUF,
    END - 8,
    END - 1,
    END,
    0x1fff_ffff,
    0x2000_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 63,
    u64::MAX,
];

/// Calls that wait, or use the host's disk, for as long or as much as a guest asks.
const ASKED_FOR: [&str; 2] = ["poll_oneoff", "fd_allocate"];

struct Pick(u64);

impl Pick {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % count as u64) as usize
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

#[test]
fn any_arguments_are_answered() {
    for guest in Guest::every_backend(|_| {}) {
        let outside = guest.scratch.tree_of("../outside");
        guest.scratch.link("out", "../outside");
        let mut pick = Pick(0x9e37_79b9_7f4a_7c15);
        let mut numbers = EDGES.to_vec();
        for path in [
            "file",
            "dir",
            "dir/",
            "link",
            "dirlink/nested",
            "loop",
            "out/secret",
            "..",
            ".",
        ] {
            numbers.extend(guest.store(path));
        }
        numbers.extend(guest.iovs(&[[BUF, 10], [BUF + 20, 10]]));
        for round in 0..300 {
            if round % 20 == 0 {
                // A guest of its own, as earlier calls have closed or renumbered descriptors.
                let guest = guest.thread();
                for (path, open) in [("file", Open::FILE), ("dir", Open::DIR)] {
                    let _ = guest.errno("path_open", guest.open_args(PREOPEN, path, open));
                }
            }
            for syscall in SYSCALLS
                .iter()
                .filter(|syscall| !ASKED_FOR.contains(&syscall.name))
            {
                let args: Vec<u64> = syscall.types.iter().map(|_| pick.of(&numbers)).collect();
                let _ = guest.result(syscall.name, &args);
            }
        }
        assert_eq!(guest.scratch.tree_of("../outside"), outside);
    }
}

/// Every possible descriptor number, with every call that takes one first.
#[test]
fn any_number_is_a_descriptor_that_is_open_or_not() {
    let guest = Guest::new();
    for fd in [4, 1 << 16, (1 << 31) - 1, 1 << 31, u64::from(u32::MAX)] {
        for name in ["fd_close", "fd_sync", "fd_datasync"] {
            assert_eq!(
                guest.errno(name, [fd]),
                wasi_rs::abi::Errno::Badf,
                "{name} of {fd}"
            );
        }
    }
    // Only the lower half of an `i32` is used.
    guest.ok("fd_close", [PREOPEN | 1 << 32]);
}

#[cfg(unix)]
#[test]
fn a_list_of_every_length_is_served_or_refused_at_once() {
    let (socket, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
    let guest = Guest::with_stdin(socket);
    guest.ok("fd_fdstat_set_flags", [0, 4]);
    let fd = guest.open("file", Open::FILE);
    for len in [
        0,
        1,
        1023,
        1024,
        1025,
        4096,
        0x1fff,
        0x2000,
        1 << 20,
        1 << 29,
        u32::MAX.into(),
    ] {
        for (name, args) in [
            ("fd_read", vec![fd, 0, len, OUT]),
            ("fd_write", vec![fd, 0, len, OUT]),
            ("fd_pread", vec![fd, 0, len, 0, OUT]),
            ("fd_pwrite", vec![fd, 0, len, 0, OUT]),
            ("sock_recv", vec![0, 0, len, 0, OUT, OUT + 8]),
            ("sock_send", vec![0, 0, len, 0, OUT]),
            ("poll_oneoff", vec![0, 0, len, OUT]),
        ] {
            // All of memory is `?`, which is neither a valid buffer nor a valid subscription.
            let refused = guest.call(name, args).result.is_err();
            assert!(refused || len == 0, "{name} of {len}");
        }
    }
}
