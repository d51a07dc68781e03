//! Waiting for several things at once.
//!
//! Windows has a common wait for sockets (`WSAPoll`), and one for what signals a handle: pipes that are the
//! guest's, and what ends its waits. A pipe of the embedder's signals none, and a console does for more than
//! what can be read. So these, and sockets together with anything else, are looked at again and again, at
//! intervals that begin short and stay bearable. What can be read from a pipe or a console Windows tells,
//! though of a pipe of the embedder's on which another thread waits only when that is over, because it makes
//! the calls on one handle one after the other. That something can be written is taken as given for all but
//! sockets and the guest's pipes.

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

/// The time between two looks, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// The most that `WSAPoll` is told to wait: it counts milliseconds in 32 bits.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// `ppoll(2)`: waits until one of the entries is ready or the time is up (`None`: never), and notes
/// with each entry what was found. The event ends the wait, but not one for sockets alone: that is over when
/// its time is.
pub fn poll(
    entries: &mut [PollEntry<'_>],
    timeout: Option<Duration>,
    event: Option<&Event>,
) -> io::Result<()> {
    // What no clock can count to is never.
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

/// What tells by a handle that something can be done.
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

/// What can be waited for of the entries.
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

/// Waits for a signal, and returns whether it was the event.
fn wait_for(signals: &[Signal<'_>], time: Duration, event: Option<&Event>) -> io::Result<bool> {
    let handles: SmallVec<[_; 4]> = (event.iter().map(|event| event.as_handle()))
        .chain(signals.iter().map(Signal::as_handle))
        .collect();
    let first = event::wait_for_any(&handles, time)?;
    Ok(event.is_some() && first == Some(0))
}

/// Waits until something is ready, unless it is interrupted.
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

/// Whether a call in this direction would find something to do now.
pub(super) fn is_ready(file: &File, direction: Direction) -> io::Result<bool> {
    Ok(look(file, direction)?.is_some())
}

/// What `WSAPoll` can wait for, where that is all.
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

/// How ready something is now, if at all.
fn look(file: &File, direction: Direction) -> io::Result<Option<Readiness>> {
    if let Some(socket) = socket(file) {
        return look_at_socket(socket, direction);
    }
    match (&file.0, direction) {
        (HandleKind::Lent(lent), Direction::Read) => look_at_lent(lent),
        (HandleKind::Pipe(pipe), _) => look_at_pipe(pipe, direction),
        // Of a file, who keeps its offset knows how much there is.
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

/// How ready a pipe of the guest's is. In the other direction a call says at once that there is none.
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

/// What there is to read from what is not a socket.
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
