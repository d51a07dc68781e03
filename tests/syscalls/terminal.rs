//! Terminals: that one is ready says less than for a pipe, and no call on it can be non-blocking. A guest waits
//! for one as for any other stream, unless it is non-blocking.

use std::os::fd::{AsFd, OwnedFd};
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

#[cfg(target_os = "linux")]
use rustix::fs::fcntl_setfl;
use rustix::fs::{Mode, OFlags, fcntl_getfl};
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use rustix::termios::{Action, OptionalActions, Termios, tcflow, tcgetattr, tcsetattr};
#[cfg(target_os = "linux")]
use wasi_rs::abi::Errno::Success;
use wasi_rs::abi::Errno::{self, Again, Intr};
use wasi_rs::abi::Fdflags;

#[cfg(target_os = "linux")]
use crate::stop::{in_thread, write};
use crate::stop::{never_stopped, read, stopped, transfer};
#[cfg(target_os = "linux")]
use crate::support::{BUF, OUT};
use crate::support::{END, Guest, null};

const NONBLOCK: u64 = Fdflags::NONBLOCK.bits() as u64;

/// Both sides of a pseudo-terminal: the terminal (slave), and its screen and keys (master).
fn terminal() -> (OwnedFd, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let oflags = OFlags::RDWR | OFlags::NOCTTY;
    let terminal = rustix::fs::open(name, oflags, Mode::empty()).unwrap();
    (terminal, master)
}

fn change(terminal: impl AsFd, change: impl FnOnce(&mut Termios)) {
    let mut termios = tcgetattr(&terminal).unwrap();
    change(&mut termios);
    tcsetattr(&terminal, OptionalActions::Now, &termios).unwrap();
}

/// Terminals that take nothing, or less than `poll(2)` says: with raw and with processed output.
fn unwilling() -> Vec<(&'static str, OwnedFd, OwnedFd)> {
    let mut terminals = Vec::new();
    for raw in [false, true] {
        for (name, stop) in [("nobody reads it", false), ("it is stopped", true)] {
            let (terminal, master) = terminal();
            if raw {
                change(&terminal, Termios::make_raw);
            }
            if stop {
                tcflow(&terminal, Action::OOff).unwrap();
            }
            terminals.push((name, terminal, master));
        }
    }
    terminals
}

fn with_stdout(stdout: OwnedFd) -> Guest {
    Guest::with(|setup| setup.stdio = [null(), stdout, null()])
}

/// A write that is larger than the room of a terminal.
const MUCH: [[u64; 2]; 4] = [[0, END]; 4];

/// Writes until there is no room, and returns the errno of that. What there is room for is written and
/// reported.
fn fill(guest: &Guest) -> Errno {
    loop {
        match transfer(guest, "fd_write", 1, &MUCH) {
            Ok(written) => assert!(u64::from(written) < 4 * END, "{written}"),
            Err(errno) => return errno,
        }
    }
}

#[test]
fn writing_to_a_terminal_that_takes_nothing_is_interrupted() {
    for (name, terminal, _master) in unwilling() {
        let guest = with_stdout(terminal);
        assert_eq!(stopped(&guest, fill), Intr, "{name}");
    }
}

#[test]
fn a_nonblocking_call_is_eagain_in_any_thread() {
    for (name, terminal, _master) in unwilling() {
        let guest = with_stdout(terminal);
        let flags = fcntl_getfl(guest.stdio(1)).unwrap();
        guest.ok("fd_fdstat_set_flags", [1, NONBLOCK]);
        assert_eq!(fill(&guest), Again, "{name}");
        assert_eq!(stopped(&guest, fill), Again, "{name}");
        assert_eq!(fcntl_getfl(guest.stdio(1)).unwrap(), flags, "{name}");
    }
}

#[test]
fn all_that_is_written_arrives() {
    let (terminal, master) = terminal();
    change(&terminal, Termios::make_raw);
    let guest = with_stdout(terminal);
    let all = 4 * END as usize;
    let reader = std::thread::spawn(move || {
        let (mut read, mut buf) = (0, vec![0; 1000]);
        while read < all {
            read += rustix::io::read(&master, &mut *buf).unwrap();
        }
    });
    let written = never_stopped(&guest, |guest| transfer(guest, "fd_write", 1, &MUCH));
    assert_eq!(written, Ok(all as u32));
    reader.join().unwrap();
}

#[test]
fn typed_input_is_read() {
    let (terminal, master) = terminal();
    let guest = Guest::with_stdin(terminal);
    assert_eq!(stopped(&guest, |guest| read(guest, 0)), Err(Intr));
    for line in ["a line\n", "another\n"] {
        rustix::io::write(&master, line.as_bytes()).unwrap();
        assert_eq!(never_stopped(&guest, |guest| guest.read(0)), line);
    }
    rustix::io::write(&master, b"no line yet").unwrap();
    assert_eq!(stopped(&guest, |guest| read(guest, 0)), Err(Intr));
    // Ctrl-D twice: the end of input.
    rustix::io::write(&master, b"\x04\x04").unwrap();
    assert_eq!(never_stopped(&guest, |guest| guest.read(0)), "no line yet");
    assert_eq!(never_stopped(&guest, |guest| read(guest, 0)), Ok(0));
}

/// A terminal with `VMIN`: a read blocks for so many bytes, though `poll(2)` says that it is ready before.
#[cfg(target_os = "linux")]
#[test]
fn a_reader_does_not_wait_for_as_many_bytes_as_the_terminal_would() {
    use rustix::termios::SpecialCodeIndex;
    let (terminal, master) = terminal();
    change(&terminal, |termios| {
        termios.make_raw();
        termios.special_codes[SpecialCodeIndex::VMIN] = 8;
        termios.special_codes[SpecialCodeIndex::VTIME] = 255;
    });
    let guest = Guest::with_stdin(terminal);
    rustix::io::write(&master, b"few").unwrap();
    assert_eq!(stopped(&guest, |guest| read(guest, 0)), Ok(3));
    assert_eq!(stopped(&guest, |guest| read(guest, 0)), Err(Intr));
}

/// The master of a pseudo-terminal without room for all of a write, and the terminal.
#[cfg(target_os = "linux")]
fn nearly_full() -> (OwnedFd, OwnedFd) {
    let (terminal, master) = terminal();
    change(&terminal, Termios::make_raw);
    let flags = fcntl_getfl(&master).unwrap();
    fcntl_setfl(&master, flags | OFlags::NONBLOCK).unwrap();
    while rustix::io::write(&master, &[b'x'; 4096]).is_ok() {}
    fcntl_setfl(&master, flags).unwrap();
    (master, terminal)
}

/// While one thread blocks in the kernel during its call, others are not blocked.
#[cfg(target_os = "linux")]
#[test]
fn a_guest_that_is_stuck_does_not_keep_others_from_ending() {
    static ASKED: AtomicBool = AtomicBool::new(false);
    static LOOKS: AtomicU32 = AtomicU32::new(0);
    let (master, room) = nearly_full();
    let others = master.try_clone().unwrap();
    // Another master: for `fstat`, all of them are one file.
    let (_other_terminal, other) = terminal();
    std::thread::scope(|scope| {
        let guest = with_stdout(master);
        scope.spawn(move || {
            let asked = || {
                LOOKS.fetch_add(1, SeqCst);
                ASKED.load(SeqCst)
            };
            in_thread(&guest, asked, |guest| while write(guest, 1).is_ok() {});
        });
        for _ in 0..4 {
            rustix::io::read(&room, &mut [0; 512]).unwrap();
            let looks = LOOKS.load(SeqCst);
            while LOOKS.load(SeqCst) < looks + 2 {
                std::thread::yield_now();
            }
        }
        // The same by another descriptor, and the other one.
        let guest = Guest::with(|setup| setup.stdio = [other, others, null()]);
        assert_eq!(stopped(&guest, |guest| write(guest, 1)), Err(Intr));
        let few = |guest: &Guest| transfer(guest, "fd_write", 0, &[[BUF, 16]]);
        assert_eq!(never_stopped(&guest, few), Ok(16));
        ASKED.store(true, SeqCst);
    });
}

/// A master cannot be opened again, and has less room than a write takes.
#[cfg(target_os = "linux")]
#[test]
fn writing_to_a_device_that_cannot_be_opened_again_is_interrupted() {
    let (master, terminal) = nearly_full();
    let guest = with_stdout(master);
    for _ in 0..4 {
        assert_eq!(stopped(&guest, fill), Intr);
        // Makes a little room.
        rustix::io::read(&terminal, &mut [0; 512]).unwrap();
    }
}

/// What there is room for in any case: Linux does not always wake a writer that waits for more.
#[cfg(target_os = "linux")]
#[test]
fn all_that_is_written_to_a_device_that_cannot_be_opened_again_arrives() {
    let (terminal, master) = terminal();
    change(&terminal, Termios::make_raw);
    let guest = with_stdout(master);
    let pattern: Vec<u8> = (0..0xc00).map(|at| (at % 251) as u8).collect();
    let written = never_stopped(&guest, |guest| {
        guest.put(BUF, &pattern);
        // Buffers that begin and end within words.
        let bufs = [[BUF, 3], [BUF + 3, 0x802], [BUF + 0x805, 0x3fb]];
        transfer(guest, "fd_write", 1, &bufs)
    });
    assert_eq!(written, Ok(0xc00));
    let mut text: Vec<u8> = Vec::new();
    while text.len() < pattern.len() {
        let mut buf = [0_u8; 1000];
        let read = rustix::io::read(&terminal, &mut buf).unwrap();
        text.extend(&buf[..read]);
    }
    assert!(text == pattern);
}

/// A device that is no terminal, and has no non-blocking calls.
#[cfg(target_os = "linux")]
#[test]
fn a_device_that_cannot_be_opened_again_is_read() {
    let guest = Guest::with_stdin(std::fs::File::open("/dev/full").unwrap());
    never_stopped(&guest, |guest| {
        assert_eq!(
            transfer(guest, "fd_read", 0, &[[BUF, 5], [BUF + 9, 2]]),
            Ok(7)
        );
        assert_eq!(
            &guest.memory()[BUF as usize..][..12],
            b"\0\0\0\0\0????\0\0?"
        );
        let [iovs, iovs_len] = guest.iovs(&[[BUF + 16, 4]]);
        assert_eq!(
            guest.errno("fd_pread", [0, iovs, iovs_len, 7, OUT]),
            Success
        );
        assert_eq!(&guest.memory()[BUF as usize + 15..][..6], b"?\0\0\0\0?");
    });
}
