//! Interrupting a thread: it stops waiting, whatever it waits for; until then it waits like any other.

use std::cell::Cell;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl};
use wasi_rs::abi::Errno::{self, Again, Intr, Success};
use wasi_rs::abi::{Fdflags, Size};
use wasi_rs::host::{self, Direction, Interrupt, PollEntry};

use crate::support::{BUF, BUF_LEN, END, Guest, OUT, OUT2, Open};

const WAITALL: u64 = 2;
const NONBLOCK: u64 = Fdflags::NONBLOCK.bits() as u64;
/// A hundred years in nanoseconds.
const FOREVER: u64 = 100 * 365 * 24 * 3600 * 1_000_000_000;

/// Makes calls of a guest in a thread of its own, which is interrupted when `asked` returns true.
pub fn in_thread<T: Send>(
    guest: &Guest,
    asked: fn() -> bool,
    calls: impl FnOnce(&Guest) -> T + Send,
) -> T {
    let guest = guest.interruptible(asked);
    thread::scope(|scope| scope.spawn(move || calls(&guest)).join().unwrap())
}

/// `mkfifo(3)`, which rustix does not have on macOS.
fn make_fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

/// Makes calls in a thread that is interrupted before the first one.
pub fn stopped<T: Send>(guest: &Guest, calls: impl FnOnce(&Guest) -> T + Send) -> T {
    in_thread(guest, || true, calls)
}

/// Makes calls in an interruptible thread that is not interrupted.
pub fn never_stopped<T: Send>(guest: &Guest, calls: impl FnOnce(&Guest) -> T + Send) -> T {
    in_thread(guest, || false, calls)
}

/// Both ends of a FIFO in one descriptor, on which non-blocking calls are not supported.
pub fn fifo() -> File {
    let [fifo, ..] = fifos();
    fifo
}

/// Both ends of a FIFO in one descriptor, its end for reading, and its end for writing.
fn fifos() -> [File; 3] {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("fifo");
    make_fifo(&path);
    let open = |read, write| {
        let mut options = File::options();
        options.read(read).write(write).open(&path).unwrap()
    };
    let both = open(true, true);
    [both, open(true, false), open(false, true)]
}

/// Fills a stream, so that it has no room.
fn fill(stream: impl AsFd) {
    let flags = fcntl_getfl(&stream).unwrap();
    fcntl_setfl(&stream, flags | OFlags::NONBLOCK).unwrap();
    for chunk in [&[b'x'; 4096][..], b"x"] {
        while rustix::io::write(&stream, chunk).is_ok() {}
    }
    fcntl_setfl(&stream, flags).unwrap();
}

fn clock(timeout: u64) -> [u8; 48] {
    let mut subscription = [0; 48];
    subscription[16] = 1;
    subscription[24..32].copy_from_slice(&timeout.to_le_bytes());
    subscription
}

fn readable(fd: u32) -> [u8; 48] {
    let mut subscription = [0; 48];
    subscription[8] = 1;
    subscription[16..20].copy_from_slice(&fd.to_le_bytes());
    subscription
}

fn poll(guest: &Guest, subscriptions: &[[u8; 48]]) -> Errno {
    let [at, _] = guest.store(subscriptions.concat());
    guest.errno("poll_oneoff", [at, BUF, subscriptions.len() as u64, OUT])
}

/// `fd_read` or `fd_write` of these buffers. Returns the number of bytes, or the errno.
pub fn transfer(guest: &Guest, name: &str, fd: u64, bufs: &[[u64; 2]]) -> Result<u32, Errno> {
    let [iovs, iovs_len] = guest.iovs(bufs);
    match guest.errno(name, [fd, iovs, iovs_len, OUT]) {
        Success => Ok(number(guest, OUT)),
        errno => Err(errno),
    }
}

pub fn read(guest: &Guest, fd: u64) -> Result<u32, Errno> {
    transfer(guest, "fd_read", fd, &[[BUF, BUF_LEN]])
}

pub fn write(guest: &Guest, fd: u64) -> Result<u32, Errno> {
    transfer(guest, "fd_write", fd, &[[BUF, BUF_LEN]])
}

fn number(guest: &Guest, at: u64) -> u32 {
    let memory = guest.memory();
    Size::from_le_bytes(*memory[at as usize..].first_chunk().unwrap())
}

fn recv(guest: &Guest, fd: u64, len: u64, riflags: u64) -> Result<u32, Errno> {
    let [iovs, iovs_len] = guest.iovs(&[[BUF, len / 2], [BUF + len / 2, len - len / 2]]);
    match guest.errno("sock_recv", [fd, iovs, iovs_len, riflags, OUT, OUT2]) {
        Success => Ok(number(guest, OUT)),
        errno => Err(errno),
    }
}

fn send(guest: &Guest, fd: u64) -> Errno {
    let [ciovs, ciovs_len] = guest.iovs(&[[BUF, 1]]);
    guest.errno("sock_send", [fd, ciovs, ciovs_len, 0, OUT])
}

#[test]
fn waiting_for_a_time_is_interrupted() {
    let guest = Guest::new();
    stopped(&guest, |guest| {
        assert_eq!(poll(guest, &[clock(FOREVER)]), Intr);
        assert_eq!(poll(guest, &[clock(u64::MAX)]), Intr);
    });
}

#[test]
fn waiting_for_a_stream_is_interrupted() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let guest = Guest::with_stdin(reader);
    stopped(&guest, |guest| {
        assert_eq!(poll(guest, &[readable(0)]), Intr);
        assert_eq!(poll(guest, &[readable(0), clock(FOREVER)]), Intr);
    });
}

/// Streams with nothing to read, and what keeps them open.
fn empty() -> Vec<(&'static str, OwnedFd, OwnedFd)> {
    let (reader, writer) = std::io::pipe().unwrap();
    let (socket, peer) = UnixStream::pair().unwrap();
    let (datagrams, sender) = UnixDatagram::pair().unwrap();
    let fifo = fifo();
    let mut streams = vec![
        ("pipe", reader.into(), writer.into()),
        ("FIFO", fifo.try_clone().unwrap().into(), fifo.into()),
        ("socket", socket.into(), peer.into()),
        ("datagrams", datagrams.into(), sender.into()),
    ];
    if cfg!(target_os = "linux") {
        let mut options = File::options();
        let terminal = options.read(true).write(true).open("/dev/ptmx").unwrap();
        let other = terminal.try_clone().unwrap();
        streams.push(("terminal", terminal.into(), other.into()));
    }
    streams
}

#[test]
fn reading_an_empty_stream_is_interrupted() {
    for (name, stream, other) in empty() {
        for nonblocking in [false, true] {
            let stream = stream.try_clone().unwrap();
            if nonblocking {
                fcntl_setfl(&stream, fcntl_getfl(&stream).unwrap() | OFlags::NONBLOCK).unwrap();
            }
            let guest = Guest::with_stdin(stream);
            assert_eq!(stopped(&guest, |guest| read(guest, 0)), Err(Intr), "{name}");
            guest.ok("fd_fdstat_set_flags", [0, NONBLOCK]);
            assert_eq!(
                stopped(&guest, |guest| read(guest, 0)),
                Err(Again),
                "{name}"
            );
        }
        drop(other);
    }
}

/// Streams without room, and what keeps them open.
fn full() -> Vec<(&'static str, OwnedFd, OwnedFd)> {
    let (reader, writer) = std::io::pipe().unwrap();
    let (socket, peer) = UnixStream::pair().unwrap();
    let fifo = fifo();
    let streams = vec![
        ("pipe", writer.into(), reader.into()),
        ("FIFO", fifo.try_clone().unwrap().into(), fifo.into()),
        ("socket", socket.into(), peer.into()),
    ];
    streams.iter().for_each(|(_, stream, _)| fill(stream));
    streams
}

#[test]
fn writing_to_a_full_stream_is_interrupted() {
    for (name, stream, other) in full() {
        let guest = Guest::with_stdin(stream);
        assert_eq!(
            stopped(&guest, |guest| write(guest, 0)),
            Err(Intr),
            "{name}"
        );
        guest.ok("fd_fdstat_set_flags", [0, NONBLOCK]);
        assert_eq!(
            stopped(&guest, |guest| write(guest, 0)),
            Err(Again),
            "{name}"
        );
        drop(other);
    }
}

/// What was written is reported; only the next call reports the interruption.
#[test]
fn an_interrupted_write_returns_the_bytes_that_were_written() {
    let (_reader, writer) = std::io::pipe().unwrap();
    let (socket, _peer) = UnixStream::pair().unwrap();
    for stream in [OwnedFd::from(writer), fifo().into(), socket.into()] {
        let guest = Guest::with_stdin(stream);
        let all = [[0, END]; 64];
        let written = stopped(&guest, |guest| transfer(guest, "fd_write", 0, &all)).unwrap();
        assert!((1..64 * END).contains(&u64::from(written)), "{written}");
        assert_eq!(stopped(&guest, |guest| write(guest, 0)), Err(Intr));
    }
}

#[test]
fn waiting_on_a_socket_is_interrupted() {
    let (socket, mut peer) = UnixStream::pair().unwrap();
    let guest = Guest::with_stdin(socket);
    stopped(&guest, |guest| {
        assert_eq!(recv(guest, 0, 8, 0), Err(Intr));
        assert_eq!(recv(guest, 0, 8, WAITALL), Err(Intr));
        peer.write_all(b"some").unwrap();
        assert_eq!(recv(guest, 0, 8, WAITALL), Ok(4));
        fill(guest.stdio(0));
        assert_eq!(send(guest, 0), Intr);
    });
}

#[test]
fn waiting_for_a_connection_is_interrupted() {
    for nonblocking in [false, true] {
        let guest = Guest::with(|setup| {
            let listener = UnixListener::bind(setup.scratch.host_path("../socket")).unwrap();
            listener.set_nonblocking(nonblocking).unwrap();
            setup.stdio[0] = listener.into();
        });
        stopped(&guest, |guest| {
            assert_eq!(guest.errno("sock_accept", [0, 0, OUT]), Intr);
            assert_eq!(guest.errno("sock_accept", [0, NONBLOCK, OUT]), Again);
        });
    }
}

/// Accepts a pending connection, in an interruptible thread.
fn accept(guest: &Guest) -> u64 {
    never_stopped(guest, |guest| {
        assert_eq!(guest.errno("sock_accept", [0, 0, OUT]), Success);
        number(guest, OUT).into()
    })
}

#[test]
fn what_the_guest_opened_and_accepted_itself_ends_too() {
    let guest = Guest::with(|setup| {
        let listener = UnixListener::bind(setup.scratch.host_path("../socket")).unwrap();
        setup.stdio[0] = listener.into();
        let fifo = setup.scratch.host_path("fifo");
        make_fifo(&fifo);
    });
    let _peer = UnixStream::connect(guest.scratch.host_path("../socket")).unwrap();
    let mut options = File::options();
    let _fifo = options
        .read(true)
        .write(true)
        .open(guest.scratch.host_path("fifo"))
        .unwrap();
    let fifo = guest.open("fifo", Open::READ);
    let socket = accept(&guest);
    stopped(&guest, |guest| {
        assert_eq!(read(guest, socket), Err(Intr));
        fill(guest.stdio(0));
        assert_eq!(read(guest, fifo), Err(Intr));
    });
}

/// Streams to read from, with their other end.
fn connected() -> Vec<(&'static str, OwnedFd, File)> {
    let (reader, writer) = std::io::pipe().unwrap();
    let (socket, peer) = UnixStream::pair().unwrap();
    let [_, fifo_reader, fifo_writer] = fifos();
    vec![
        ("pipe", reader.into(), OwnedFd::from(writer).into()),
        ("FIFO", fifo_reader.into(), fifo_writer),
        ("socket", socket.into(), OwnedFd::from(peer).into()),
    ]
}

thread_local!(static LOOKS: Cell<u32> = const { Cell::new(0) });

/// Set when this thread has been checked three times; another thread waits for that.
static LOOKED: AtomicBool = AtomicBool::new(false);

fn look() -> bool {
    LOOKS.set(LOOKS.get() + 1);
    LOOKED.fetch_or(LOOKS.get() == 3, SeqCst);
    false
}

#[test]
fn data_that_comes_late_is_waited_for() {
    for (name, stream, mut writer) in connected() {
        let guest = Guest::with_stdin(stream);
        LOOKED.store(false, SeqCst);
        let late = thread::spawn(move || {
            while !LOOKED.load(SeqCst) {
                thread::yield_now();
            }
            writer.write_all(b"late").unwrap();
            writer
        });
        assert_eq!(
            in_thread(&guest, look, |guest| read(guest, 0)),
            Ok(4),
            "{name}"
        );
        drop(late.join().unwrap());
    }
}

#[test]
fn a_time_is_waited_for() {
    let guest = Guest::new();
    never_stopped(&guest, |guest| {
        let now = || -> u64 { guest.record("clock_time_get", &[1, 0]) };
        let until = now() + 170_000_000;
        assert_eq!(poll(guest, &[clock(170_000_000)]), Success);
        assert!(now() >= until);
    });
}

#[test]
fn all_that_a_guest_writes_is_written() {
    let half: Vec<_> = (0..0x7fff).map(|at| (at % 251) as u8).collect();
    let all = half.repeat(32);
    for (name, reader, writer) in connected() {
        let guest = Guest::with_stdin(writer);
        let mut reader = File::from(reader).take(all.len() as u64);
        let other = thread::spawn(move || {
            let mut text = Vec::new();
            reader.read_to_end(&mut text).unwrap();
            text
        });
        let written = never_stopped(&guest, |guest| {
            guest.put(BUF, &half);
            transfer(guest, "fd_write", 0, &[[BUF, half.len() as u64]; 32])
        });
        assert_eq!(written, Ok(all.len() as u32), "{name}");
        assert!(other.join().unwrap() == all, "{name}");
    }
}

#[test]
fn nothing_is_read_and_written_without_waiting() {
    for (name, streams) in [("fd_read", empty()), ("fd_write", full())] {
        for (stream_name, stream, _other) in streams {
            let guest = Guest::with_stdin(stream);
            let moved = stopped(&guest, |guest| transfer(guest, name, 0, &[[BUF, 0]; 2]));
            assert_eq!(moved, Ok(0), "{name}, {stream_name}");
        }
    }
}

#[test]
fn a_stream_at_its_end_is_not_waited_for() {
    let (reader, _) = std::io::pipe().unwrap();
    let (socket, _) = UnixStream::pair().unwrap();
    for stream in [OwnedFd::from(reader), socket.into()] {
        let guest = Guest::with_stdin(stream);
        assert_eq!(never_stopped(&guest, |guest| read(guest, 0)), Ok(0));
    }
    let (_, writer) = std::io::pipe().unwrap();
    let guest = Guest::with_stdin(writer);
    let written = never_stopped(&guest, |guest| write(guest, 0));
    assert_eq!(written, Err(Errno::Pipe));
}

/// Nobody has opened it for writing, and its reader was opened with `O_NONBLOCK`.
#[test]
fn a_fifo_without_a_writer_ends() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("fifo");
    make_fifo(&path);
    let reader = rustix::fs::open(&path, OFlags::NONBLOCK, Mode::empty()).unwrap();
    let guest = Guest::with_stdin(reader);
    assert_eq!(never_stopped(&guest, |guest| read(guest, 0)), Ok(0));
}

#[test]
fn files_and_devices_are_not_waited_for() {
    let guest = Guest::with(|setup| {
        let mut options = File::options();
        options.read(true).write(true);
        setup.stdio[0] = options
            .open(setup.scratch.host_path("file"))
            .unwrap()
            .into();
    });
    let fd = guest.open("file", Open::FILE);
    stopped(&guest, |guest| {
        for fd in [0, fd] {
            assert_eq!(guest.read(fd), "0123456789");
        }
        for fd in [0, fd] {
            guest.write(fd, "more");
        }
        assert_eq!(read(guest, 2), Ok(0));
        guest.write(1, "nowhere");
        assert_eq!(poll(guest, &[readable(0), clock(FOREVER)]), Success);
    });
}

#[test]
fn a_message_is_whole() {
    let (socket, peer) = UnixDatagram::pair().unwrap();
    let guest = Guest::with_stdin(socket);
    never_stopped(&guest, |guest| {
        assert_eq!(write(guest, 0), Ok(BUF_LEN as u32));
        let mut message = vec![0; END as usize];
        assert_eq!(peer.recv(&mut message).unwrap(), BUF_LEN as usize);
        for message in ["first", "second"] {
            peer.send(message.as_bytes()).unwrap();
        }
        assert_eq!(recv(guest, 0, 64, WAITALL), Ok(5));
        assert_eq!(guest.read(0), "second");
    });
}

#[test]
fn all_that_is_to_come_is_received() {
    let (socket, mut peer) = UnixStream::pair().unwrap();
    let guest = Guest::with_stdin(socket);
    let sender = thread::spawn(move || {
        for byte in *b"hello, world" {
            peer.write_all(&[byte]).unwrap();
            thread::yield_now();
        }
    });
    never_stopped(&guest, |guest| {
        assert_eq!(recv(guest, 0, 10, WAITALL), Ok(10));
        assert_eq!(&guest.memory()[BUF as usize..][..10], b"hello, wor");
        assert_eq!(recv(guest, 0, 10, WAITALL), Ok(2), "and then the end");
    });
    sender.join().unwrap();
}

/// One byte wakes all readers, and only one of them gets it: the others must not block in the kernel.
#[test]
fn of_many_that_wait_for_one_stream_each_can_be_stopped() {
    static ASKED: AtomicBool = AtomicBool::new(false);
    for (name, stream, mut writer) in connected() {
        let guest = Guest::with_stdin(stream);
        for _ in 0..20 {
            ASKED.store(false, SeqCst);
            let read = |guest: Guest| transfer(&guest, "fd_read", 0, &[[BUF, 1]]);
            let results: Vec<_> = thread::scope(|scope| {
                let readers: Vec<_> = (0..8)
                    .map(|_| {
                        let guest = guest.interruptible(|| ASKED.load(SeqCst));
                        scope.spawn(move || read(guest))
                    })
                    .collect();
                writer.write_all(b"x").unwrap();
                while !readers.iter().any(|reader| reader.is_finished()) {
                    thread::yield_now();
                }
                ASKED.store(true, SeqCst);
                (readers.into_iter())
                    .map(|reader| reader.join().unwrap())
                    .collect()
            });
            let got = results.iter().filter(|result| **result == Ok(1)).count();
            let stopped = (results.iter())
                .filter(|result| **result == Err(Intr))
                .count();
            assert_eq!((got, stopped), (1, 7), "{name}");
        }
    }
}

/// Even if the other end never stops reading or writing.
#[test]
fn a_call_that_goes_on_and_on_ends() {
    for (name, reader, writer) in connected() {
        let guest = Guest::with_stdin(writer);
        let mut reader = File::from(reader);
        let other =
            thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()).unwrap());
        let all = [[0, END]; 64];
        let written = stopped(&guest, |guest| transfer(guest, "fd_write", 0, &all)).unwrap();
        assert!(u64::from(written) < 64 * END, "{name}: {written}");
        drop(guest);
        assert_eq!(other.join().unwrap(), written.into(), "{name}");
    }
    let (socket, mut peer) = UnixStream::pair().unwrap();
    // Room for only a few bytes at a time.
    rustix::net::sockopt::set_socket_send_buffer_size(&peer, 1).unwrap();
    let guest = Guest::with_stdin(socket);
    peer.write_all(b"x").unwrap();
    let sender = thread::spawn(move || while peer.write_all(b"x").is_ok() {});
    let received = stopped(&guest, |guest| recv(guest, 0, BUF_LEN, WAITALL)).unwrap();
    assert!((1..BUF_LEN).contains(&u64::from(received)), "{received}");
    drop(guest);
    sender.join().unwrap();
}

#[test]
fn random_bytes_without_end_end() {
    let guest = Guest::with(|setup| setup.limits.random_chunk = 0x1000);
    stopped(&guest, |guest| {
        assert_eq!(guest.errno("random_get", [BUF, 0x1000]), Success);
        assert_eq!(guest.errno("random_get", [BUF, 0x1001]), Intr);
    });
}

/// A wait for a time reads the clock again before it is over: the time in which the process was stopped, or the
/// machine asleep, must not be added.
#[test]
fn a_long_wait_reads_the_clock_again() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let file = host::File::lent(reader.as_raw_fd()).unwrap();
    let mut entries = [PollEntry {
        file: &file,
        direction: Direction::Read,
        revents: None,
    }];
    let forever = Some(Duration::from_nanos(FOREVER));
    Interrupt::NEVER.poll(&mut entries, forever).unwrap();
    assert!(entries[0].revents.is_none());
    Interrupt::NEVER.poll(&mut [], forever).unwrap();
}

/// A guest in a worker waits for the other end of a FIFO when it opens one, and is interrupted with its worker.
#[cfg(target_os = "linux")]
mod opening {
    use wasi_rs::abi::{Oflags, Rights};

    use super::*;
    use crate::support::PREOPEN;

    fn with_fifo() -> Guest {
        Guest::with(|setup| {
            let fifo = setup.scratch.host_path("fifo");
            make_fifo(&fifo);
        })
    }

    fn open(guest: &Guest, how: Open) -> Errno {
        guest.scoped(|| guest.errno("path_open", guest.open_args(PREOPEN, "fifo", how)))
    }

    const WRITE: Open = Open {
        base: Rights::FD_WRITE.bits(),
        ..Open::READ
    };

    #[test]
    fn waiting_for_the_other_end_of_a_fifo_is_interrupted() {
        let guest = with_fifo();
        stopped(&guest, |guest| {
            // Without CREAT, EXCL has no effect.
            for oflags in [Oflags::empty(), Oflags::EXCL] {
                assert_eq!(open(guest, Open::READ.oflags(oflags)), Intr, "{oflags:?}");
                assert_eq!(open(guest, WRITE.oflags(oflags)), Intr, "{oflags:?}");
            }
        });
    }

    #[test]
    fn a_guest_that_does_not_wait_for_it_is_told_so() {
        let guest = with_fifo();
        stopped(&guest, |guest| {
            let nonblock = |open| Open {
                fdflags: Fdflags::NONBLOCK,
                ..open
            };
            assert_eq!(open(guest, nonblock(WRITE)), Errno::Nxio);
            assert_eq!(open(guest, nonblock(Open::READ)), Success);
        });
    }

    /// The other end must have been opened, even if nothing was written.
    #[test]
    fn opening_a_fifo_waits_for_a_writer_and_not_for_data() {
        let guest = with_fifo();
        let path = guest.scratch.host_path("fifo");
        LOOKED.store(false, SeqCst);
        let writer = thread::spawn(move || {
            while !LOOKED.load(SeqCst) {
                thread::yield_now();
            }
            File::options().write(true).open(path).unwrap()
        });
        in_thread(&guest, look, |guest| {
            let fd = guest.open("fifo", Open::READ);
            let mut writer = writer.join().unwrap();
            writer.write_all(b"late").unwrap();
            assert_eq!(guest.read(fd), "late");
            drop(writer);
            assert_eq!(guest.read(fd), "", "the end");
        });
    }

    #[test]
    fn opening_a_fifo_sees_a_writer_that_has_closed_it() {
        let guest = with_fifo();
        let path = guest.scratch.host_path("fifo");
        let writer = thread::spawn(move || {
            let mut writer = File::options().write(true).open(path).unwrap();
            writer.write_all(b"gone").unwrap();
        });
        never_stopped(&guest, |guest| {
            let fd = guest.open("fifo", Open::READ);
            assert_eq!(guest.read(fd), "gone");
            assert_eq!(guest.read(fd), "");
        });
        writer.join().unwrap();
    }

    #[test]
    fn a_reader_is_waited_for() {
        let guest = with_fifo();
        let path = guest.scratch.host_path("fifo");
        let reader = thread::spawn(move || {
            let mut text = String::new();
            File::open(path).unwrap().read_to_string(&mut text).unwrap();
            text
        });
        never_stopped(&guest, |guest| {
            let fd = guest.open("fifo", WRITE);
            guest.write(fd, "all of it");
            guest.ok("fd_close", [fd]);
        });
        assert_eq!(reader.join().unwrap(), "all of it");
    }

    #[test]
    fn two_guests_meet() {
        let guest = with_fifo();
        thread::scope(|scope| {
            let writes = guest.thread();
            scope.spawn(move || {
                never_stopped(&writes, |guest| {
                    let fd = guest.open("fifo", WRITE);
                    guest.write(fd, "met");
                });
            });
            let text = never_stopped(&guest, |guest| {
                let fd = guest.open("fifo", Open::READ);
                guest.read(fd)
            });
            assert_eq!(text, "met");
        });
    }

    /// A FIFO that cannot have a reader is refused as usual.
    #[test]
    fn a_socket_is_no_fifo() {
        let guest = with_fifo();
        let _listener = UnixListener::bind(guest.scratch.host_path("socket")).unwrap();
        never_stopped(&guest, |guest| {
            let args = guest.open_args(PREOPEN, "socket", WRITE);
            assert_eq!(guest.errno("path_open", args), Errno::Nxio);
        });
    }

    /// Nothing that a guest in a worker opens blocks in the kernel, and the guest does not notice: neither
    /// there nor in another thread.
    #[test]
    fn what_was_opened_so_waits_in_any_thread() {
        let guest = with_fifo();
        let path = guest.scratch.host_path("fifo");
        let mut host = File::options().read(true).write(true).open(path).unwrap();
        let how = Open {
            base: (Rights::FD_READ | Rights::FD_FDSTAT_SET_FLAGS).bits(),
            ..Open::READ
        };
        let fd = never_stopped(&guest, |guest| guest.open("fifo", how));
        guest.ok("fd_fdstat_set_flags", [fd, 0]);
        assert_eq!(crate::fd_stat::fdstat(&guest, fd).fs_flags, 0);
        assert_eq!(stopped(&guest, |guest| read(guest, fd)), Err(Intr));
        let writer = thread::spawn(move || {
            thread::yield_now();
            host.write_all(b"late").unwrap();
            host
        });
        assert_eq!(guest.read(fd), "late");
        let _host = writer.join().unwrap();
        guest.ok("fd_fdstat_set_flags", [fd, NONBLOCK]);
        assert_eq!(read(&guest, fd), Err(Again));
    }
}

/// With `SO_LINGER` of its listener, closing an accepted socket would block.
#[test]
fn closing_a_socket_does_not_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let day = Duration::from_secs(24 * 3600);
    rustix::net::sockopt::set_socket_linger(&listener, Some(day / 4)).unwrap();
    let guest = Guest::with_stdin(listener);
    let _peer = TcpStream::connect(address).unwrap();
    let socket = accept(&guest);
    stopped(&guest, |guest| {
        let all = [[0, END]; 64];
        while transfer(guest, "fd_write", socket, &all).is_ok() {}
        guest.ok("fd_close", [socket]);
    });
}
