//! Polling several files at once.
//!
//! Windows can wait for sockets together (`WSAPoll`), and for handles that are signalled: those of the guest's
//! own pipes, and the event that ends its waits. A pipe of the embedder signals none, and a console also
//! signals what cannot be read. So these, and sockets together with anything else, are polled again and again,
//! at intervals that begin short and grow up to a limit. Windows tells what can be read from a pipe or a
//! console; but for a pipe of the embedder, only after a pending read of another thread has completed, as calls
//! on one handle are serialized. For writing, everything is assumed to be ready except sockets and the guest's
//! own pipes.

use std::io;
use std::os::windows::io::{AsHandle, BorrowedHandle, BorrowedSocket};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use smallvec::SmallVec;
use windows_sys::Win32::Foundation::ERROR_INVALID_HANDLE;

use super::errno::{error, is};
use super::event::{self, Event};
use super::file::{File, HandleKind};
use super::io::Arrival;
use super::lent::Lent;
use super::pipe::Pipe;
use super::query::{self, Kind};
use crate::host::{Direction, Interrupt, PollEntry, Readiness};

/// The interval between two polls, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// The maximum timeout for `WSAPoll`, which counts milliseconds in 32 bits.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// `ppoll(2)`: waits until one of the entries is ready, the timeout is over (`None`: never) or the event is
/// set. Sets `revents` of each entry that is ready. The event does not end a wait for sockets alone.
pub fn poll(
    entries: &mut [PollEntry<'_>],
    timeout: Option<Duration>,
    event: Option<&Event>,
) -> io::Result<()> {
    // A timeout that is too long for the clock is none.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut pause = FIRST_PAUSE;
    loop {
        for entry in &mut *entries {
            entry.revents = look(entry.file, entry.direction).transpose();
        }
        let left = deadline.map_or(LONGEST_WAIT, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        });
        let found = entries.iter().any(|entry| entry.revents.is_some());
        if found || left.is_zero() {
            return Ok(());
        }
        match sockets(entries) {
            Some(mut sockets) => {
                poll_sockets(&mut sockets, left.min(LONGEST_WAIT))?;
            }
            None => {
                let signals = signals(entries)?;
                let can_wait = signals.len() == entries.len() && signals.len() < event::MOST;
                let time = if can_wait { left } else { left.min(pause) };
                if wait_for(&signals, time, event)? {
                    return Ok(());
                }
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }
}

/// A handle that is signalled when something can be done.
enum Signal<'p> {
    Arrival(Arrival<'p>),
    Room(BorrowedHandle<'p>),
}

impl AsHandle for Signal<'_> {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        match self {
            Signal::Arrival(arrival) => arrival.event(),
            Signal::Room(room) => *room,
        }
    }
}

/// The handles of the entries that can be waited for.
fn signals<'p>(entries: &[PollEntry<'p>]) -> io::Result<SmallVec<[Signal<'p>; 2]>> {
    (entries.iter())
        .filter_map(|entry| match (&entry.file.0, entry.direction) {
            (HandleKind::Pipe(Pipe::Reader(reader)), Direction::Read) => {
                Some(Arrival::of(reader.handle()).map(Signal::Arrival))
            }
            (HandleKind::Pipe(Pipe::Writer(writer)), Direction::Write) => {
                Some(Ok(Signal::Room(writer.room())))
            }
            _ => None,
        })
        .take(event::MOST)
        .collect()
}

/// Waits for one of the handles or the event. Returns whether it was the event.
fn wait_for(signals: &[Signal<'_>], time: Duration, event: Option<&Event>) -> io::Result<bool> {
    let handles: SmallVec<[_; 4]> = (event.iter().map(|event| event.as_handle()))
        .chain(signals.iter().map(Signal::as_handle))
        .collect();
    let first = event::wait_for_any(&handles, time)?;
    Ok(event.is_some() && first == Some(0))
}

/// Waits until a file is ready, or the thread is interrupted.
pub(super) fn wait(file: &File, direction: Direction, interrupt: &Interrupt) -> io::Result<()> {
    let mut entries = [PollEntry {
        file,
        direction,
        revents: None,
    }];
    loop {
        interrupt.poll(&mut entries, None)?;
        if let Some(found) = entries[0].revents.take() {
            return found.map(drop);
        }
    }
}

/// Whether a call in this direction would not block now.
pub(super) fn is_ready(file: &File, direction: Direction) -> io::Result<bool> {
    Ok(look(file, direction)?.is_some())
}

/// The entries for `WSAPoll`, if all of them are sockets.
fn sockets<'a>(entries: &[PollEntry<'a>]) -> Option<Vec<PollFd<'a>>> {
    (!entries.is_empty()).then_some(())?;
    (entries.iter())
        .map(|entry| {
            let socket = socket(entry.file)?;
            Some(PollFd::from_borrowed_fd(socket, events(entry.direction)))
        })
        .collect()
}

fn socket(file: &File) -> Option<BorrowedSocket<'_>> {
    match &file.0 {
        HandleKind::Socket(socket) => Some(socket.as_socket()),
        HandleKind::Lent(lent) if lent.kind().ok()? == Kind::Stream => lent.socket().ok(),
        HandleKind::Lent(_) | HandleKind::Disk(_) | HandleKind::Pipe(_) => None,
    }
}

fn events(direction: Direction) -> PollFlags {
    match direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    }
}

fn poll_sockets(sockets: &mut [PollFd<'_>], timeout: Duration) -> io::Result<usize> {
    let timeout = Timespec {
        tv_sec: timeout.as_secs() as _,
        tv_nsec: timeout.subsec_nanos() as _,
    };
    Ok(rustix::event::poll(sockets, Some(&timeout))?)
}

/// The state of a file, if it is ready.
fn look(file: &File, direction: Direction) -> io::Result<Option<Readiness>> {
    if let Some(socket) = socket(file) {
        return look_at_socket(socket, direction);
    }
    match (&file.0, direction) {
        (HandleKind::Lent(lent), Direction::Read) => look_at_lent(lent),
        (HandleKind::Pipe(pipe), _) => look_at_pipe(pipe, direction),
        // The number of bytes is added where the offset of the file is kept.
        _ => Ok(Some(Readiness::default())),
    }
}

fn look_at_socket(
    socket: BorrowedSocket<'_>,
    direction: Direction,
) -> io::Result<Option<Readiness>> {
    let mut fds = [PollFd::from_borrowed_fd(socket, events(direction))];
    poll_sockets(&mut fds, Duration::ZERO)?;
    let revents = fds[0].revents();
    if revents.is_empty() {
        return Ok(None);
    }
    if revents.contains(PollFlags::NVAL) {
        return Err(error(ERROR_INVALID_HANDLE));
    }
    Ok(Some(Readiness {
        nbytes: match direction {
            Direction::Read => rustix::io::ioctl_fionread(socket).unwrap_or(0),
            Direction::Write => 0,
        },
        hangup: revents.intersects(PollFlags::HUP | PollFlags::ERR),
    }))
}

/// The state of a pipe of the guest. Ready in the wrong direction: the call fails at once.
fn look_at_pipe(pipe: &Pipe, direction: Direction) -> io::Result<Option<Readiness>> {
    let mut readiness = Readiness::default();
    let ready = match (pipe, direction) {
        (Pipe::Reader(reader), Direction::Read) => {
            let bytes = reader.bytes()?;
            readiness.nbytes = bytes.unwrap_or(0).into();
            readiness.hangup = bytes.is_none();
            bytes != Some(0)
        }
        (Pipe::Writer(writer), Direction::Write) => {
            readiness.hangup = writer.is_broken();
            writer.is_ready()
        }
        _ => true,
    };
    Ok(ready.then_some(readiness))
}

/// The state of a lent descriptor for reading, if it is no socket.
fn look_at_lent(lent: &Lent) -> io::Result<Option<Readiness>> {
    let handle = lent.handle()?;
    let mut readiness = Readiness::default();
    let ready = match query::kind(handle)? {
        Kind::Disk => {
            readiness.nbytes = lent.bytes_left()?;
            true
        }
        Kind::Console => query::console_has_input(handle)?,
        Kind::Device => true,
        Kind::Stream => {
            match query::pipe_bytes(handle) {
                Ok(nbytes) => readiness.nbytes = nbytes.into(),
                Err(error) if query::HANGUP.iter().any(|code| is(&error, *code)) => {
                    readiness.hangup = true;
                }
                Err(error) => return Err(error),
            }
            readiness != Readiness::default()
        }
    };
    Ok(ready.then_some(readiness))
}
