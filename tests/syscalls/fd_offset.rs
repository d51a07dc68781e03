use wasi_rs::abi::Errno::{Badf, Inval, Notcapable, Overflow};
use wasi_rs::abi::{Fdflags, Rights};
use wasi_rs::memory::{GuestPtr, LinearMemory};
use wasi_rs::syscalls::MAX_PARAMS;

use crate::support::{CLOSED, END, Guest, OUT, Open, PREOPEN, syscall, words};

const SET: u64 = 0;
const CUR: u64 = 1;
const END_OF_FILE: u64 = 2;

pub mod fd_seek {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            for (offset, whence, newoffset, rest) in [
                (3_i64, SET, 3_u64, "3456789"),
                (-4, CUR, 6, "6789"),
                (0, CUR, 10, ""),
                (-1, END_OF_FILE, 9, "9"),
                (5, END_OF_FILE, 15, ""),
                (0, SET, 0, "0123456789"),
                (i64::MAX, SET, i64::MAX as u64, ""),
                // Only the lowest byte of `whence` is used.
                (1, 256, 1, "123456789"),
            ] {
                let outcome = guest.call("fd_seek", [fd, offset as u64, whence, OUT]);
                // The maximum offset of some file systems is below 2^63.
                if offset == i64::MAX && outcome.result.is_err() {
                    outcome.is_refused(Inval, "the greatest offset");
                    continue;
                }
                outcome.wrote(&[(OUT, &newoffset.to_le_bytes())]);
                assert_eq!(guest.read(fd), rest, "{offset} from {whence}");
            }
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let lacking = guest.file_without(Rights::FD_SEEK);
            let minus = |offset: i64| offset as u64;
            guest.refuses(
                "fd_seek",
                &[
                    ("not open", vec![CLOSED, 0, SET, OUT], Badf),
                    ("not open, no whence", vec![CLOSED, 0, 9, OUT], Badf),
                    (
                        "not open, beyond memory",
                        vec![CLOSED, 0, 9, END - 7],
                        Overflow,
                    ),
                    ("beyond memory", vec![fd, 0, SET, END - 7], Overflow),
                    ("without the right", vec![lacking, 0, SET, OUT], Notcapable),
                    (
                        "without the right, no whence",
                        vec![lacking, 0, 9, OUT],
                        Notcapable,
                    ),
                    ("a directory", vec![PREOPEN, 0, SET, OUT], Notcapable),
                    ("no whence", vec![fd, 0, 3, OUT], Inval),
                    ("no whence, the greatest", vec![fd, 0, 255, OUT], Inval),
                    ("before the start", vec![fd, minus(-1), SET, OUT], Inval),
                    (
                        "before the start, relative",
                        vec![fd, minus(-1), CUR, OUT],
                        Inval,
                    ),
                    (
                        "before the start, from the end",
                        vec![fd, minus(-11), END_OF_FILE, OUT],
                        Inval,
                    ),
                    (
                        "the least offset",
                        vec![fd, minus(i64::MIN), SET, OUT],
                        Inval,
                    ),
                    (
                        "the least offset, relative",
                        vec![fd, minus(i64::MIN), CUR, OUT],
                        Inval,
                    ),
                ],
            );
            assert_eq!(guest.read(fd), "0123456789", "the offset stays");
        }
    }

    #[cfg(unix)]
    #[test]
    fn streams_have_no_offset_and_devices_are_always_at_the_start() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let guest = Guest::with_stdin(reader);
        guest.refuses("fd_seek", &[("a pipe", vec![0, 0, CUR, OUT], Notcapable)]);
        guest.refuses("fd_tell", &[("a pipe", vec![0, OUT], Notcapable)]);
        guest
            .call("fd_seek", [1, 5, SET, OUT])
            .wrote_within(&[(OUT, 8)]);
    }
}

pub mod fd_tell {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            guest.call("fd_tell", [fd, OUT]).wrote(&[(OUT, &[0; 8])]);
            guest.read(fd);
            guest
                .call("fd_tell", [fd, OUT])
                .wrote(&[(OUT, &[10, 0, 0, 0, 0, 0, 0, 0])]);
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let lacking = guest.file_without(Rights::FD_TELL);
            guest.refuses(
                "fd_tell",
                &[
                    ("not open", vec![CLOSED, OUT], Badf),
                    ("not open, beyond memory", vec![CLOSED, END - 7], Overflow),
                    ("beyond memory", vec![fd, END - 7], Overflow),
                    ("without the right", vec![lacking, OUT], Notcapable),
                    ("a directory", vec![PREOPEN, OUT], Notcapable),
                ],
            );
        }
    }
}

fn tell(guest: &Guest, fd: u64) -> u64 {
    guest.record("fd_tell", &[fd])
}

fn seek(guest: &Guest, fd: u64, offset: i64, whence: u64) -> u64 {
    guest.record("fd_seek", &[fd, offset as u64, whence])
}

#[test]
fn an_append_leaves_the_offset_at_the_end_of_what_it_wrote() {
    for guest in Guest::every_backend(|_| {}) {
        let fd = guest.open("file", Open::FILE.fdflags(Fdflags::APPEND));
        assert_eq!(tell(&guest, fd), 0);
        guest.write(fd, "");
        assert_eq!(tell(&guest, fd), 0, "nothing was written");
        // Another program extends the file meanwhile.
        guest.write(
            guest.open("file", Open::FILE.fdflags(Fdflags::APPEND)),
            "abc",
        );
        guest.write(fd, "de");
        assert_eq!(tell(&guest, fd), 15);
        assert_eq!(seek(&guest, fd, -4, CUR), 11);
        assert_eq!(guest.read(fd), "bcde");
        guest.write(fd, "f");
        assert_eq!(guest.read(fd), "");
        assert_eq!(seek(&guest, fd, 14, SET), 14);
        assert_eq!(guest.read(fd), "ef");
        assert_eq!(guest.scratch.text("file"), "0123456789abcdef");
    }
}

#[test]
fn a_file_that_appends_no_more_is_written_where_the_last_append_ended() {
    for guest in Guest::every_backend(|_| {}) {
        let fd = guest.open("file", Open::FILE.fdflags(Fdflags::APPEND));
        guest.write(fd, "a");
        guest.write(
            guest.open("file", Open::FILE.fdflags(Fdflags::APPEND)),
            "bc",
        );
        guest.ok("fd_fdstat_set_flags", [fd, 0]);
        guest.write(fd, "B");
        assert_eq!(tell(&guest, fd), 12);
        assert_eq!(guest.scratch.text("file"), "0123456789aBc");
        // From here on the offset is kept here, and the host's own is outdated.
        assert_eq!(seek(&guest, fd, 2, SET), 2);
        guest.write(fd, "x");
        guest.ok("fd_fdstat_set_flags", [fd, Fdflags::APPEND.bits().into()]);
        guest.write(fd, "d");
        assert_eq!(tell(&guest, fd), 14);
        assert_eq!(guest.scratch.text("file"), "01x3456789aBcd");
    }
}

#[test]
fn offsets_beyond_2_gib_are_found_and_kept() {
    for guest in Guest::every_backend(|_| {}) {
        let fd = guest.open("file", Open::FILE);
        let far = 1 << 32;
        assert_eq!(seek(&guest, fd, far, SET), far as u64);
        guest.write(fd, "far");
        assert_eq!(tell(&guest, fd), far as u64 + 3);
        assert_eq!(seek(&guest, fd, -3, END_OF_FILE), far as u64);
        assert_eq!(guest.read(fd), "far");
        assert_eq!(seek(&guest, fd, -(far + 3), CUR), 0);
        assert_eq!(seek(&guest, fd, 5, CUR), 5);
        assert_eq!(guest.read(fd).trim_end_matches('\0'), "56789");
    }
}

#[test]
fn descriptors_of_one_file_have_offsets_of_their_own() {
    for guest in Guest::every_backend(|_| {}) {
        let [one, two] = [(); 2].map(|()| guest.open("file", Open::FILE));
        guest.write(one, "abc");
        assert_eq!(guest.read(two), "abc3456789");
        assert_eq!(guest.read(one), "3456789");
        // The offset moves with the descriptor when it is renumbered.
        seek(&guest, one, 1, SET);
        guest.ok("fd_renumber", [one, two]);
        assert_eq!(guest.read(two), "bc3456789");
    }
}

#[test]
fn a_file_that_was_cut_keeps_the_offset() {
    for guest in Guest::every_backend(|_| {}) {
        let fd = guest.open("file", Open::FILE);
        assert_eq!(guest.read(fd), "0123456789");
        guest.ok("fd_filestat_set_size", [fd, 3]);
        assert_eq!(tell(&guest, fd), 10);
        assert_eq!(guest.read(fd), "");
        guest.write(fd, "x");
        assert_eq!(guest.scratch.text("file"), "012\0\0\0\0\0\0\0x");
    }
}

/// Two threads that read from one descriptor share its offset, and nothing is read twice.
#[test]
fn threads_that_read_one_descriptor_move_one_offset() {
    const LEN: u32 = 20_000;
    for guest in Guest::every_backend(|_| {}) {
        let numbers: Vec<u8> = (0..LEN).flat_map(u32::to_le_bytes).collect();
        guest.scratch.write("numbers", numbers);
        let fd = guest.open("numbers", Open::FILE);
        let reader = |guest: Guest| {
            // A list of one buffer at 0, the buffer at 8, the count at 12.
            let memory = words(&[[8, 0, 0, 0], [4, 0, 0, 0], [0; 4], [0; 4]].concat());
            let linear = LinearMemory::new(&memory);
            let memory = linear.guest();
            let word = |at| memory.place::<u32>(GuestPtr::new(at)).unwrap().read();
            let mut args = [0; MAX_PARAMS];
            args[..4].copy_from_slice(&[fd, 0, 1, 12]);
            let mut read = Vec::new();
            loop {
                (syscall("fd_read").call)(&guest.ctx, memory, &args).unwrap();
                if word(12) == 0 {
                    return read;
                }
                read.push(word(8));
            }
        };
        let mut read: Vec<u32> = std::thread::scope(|scope| {
            let readers = [guest.thread(), guest.thread()];
            let readers = readers.map(|guest| scope.spawn(|| reader(guest)));
            (readers.into_iter())
                .flat_map(|reader| reader.join().unwrap())
                .collect()
        });
        read.sort_unstable();
        assert_eq!(read, (0..LEN).collect::<Vec<_>>());
    }
}
