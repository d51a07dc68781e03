//! Pipes: one end is a guest's, the other has a descriptor of Node's C runtime.
//!
//! Windows has two ways of waiting for a pipe that can be used here. A read of 0 bytes completes when there is
//! data. And a thread of ours may block in a write for as long as it likes: what a guest writes goes through a
//! buffer to such a thread. So the buffer has room or not, and what was written arrives even if the guest has
//! ended.

#![allow(unsafe_code, reason = "calls of Windows")]

use std::fs;
use std::io::{self, Write};
use std::os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle};
use std::ptr::null_mut;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use windows_sys::Win32::Foundation::ERROR_NOT_SUPPORTED;
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};

use super::errno::{error, is, would_block};
use super::file::{File, HandleKind};
use super::io::{self as kernel, At};
use super::named_pipe::{self, CAPACITY};
use super::{Event, crt, query, wait};
use crate::host::{Direction, Wait};
use crate::memory::Iovecs;

/// The stack size, in bytes, of a thread that makes one call.
const STACK_SIZE: usize = 64 << 10;

/// The end of a pipe that is not the guest's. It is closed on drop.
#[derive(Debug)]
pub struct OtherEnd(OwnedHandle);

impl OtherEnd {
    /// Its descriptor, which the caller must close.
    ///
    /// # Errors
    ///
    /// `ERROR_TOO_MANY_OPEN_FILES`: the C runtime has no number left. `ERROR_NOT_SUPPORTED`: the program is
    /// not Node.
    pub fn into_fd(self) -> io::Result<i32> {
        crt::open(self.0)
    }
}

impl From<OtherEnd> for OwnedHandle {
    fn from(end: OtherEnd) -> Self {
        end.0
    }
}

/// `pipe(2)`: the guest's end for this direction, and the other one.
///
/// # Errors
///
/// Those of Windows. `ERROR_NOT_ENOUGH_MEMORY`: no thread can be made.
pub fn pipe(direction: Direction) -> io::Result<(File, OtherEnd)> {
    let (guest, host) = named_pipe::pair(direction)?;
    let pipe = match direction {
        Direction::Read => Pipe::Reader(Reader {
            handle: guest,
            turn: Mutex::new(()),
        }),
        Direction::Write => Pipe::Writer(Writer::new(guest.into())?),
    };
    Ok((File(HandleKind::Pipe(pipe)), OtherEnd(host)))
}

/// An end of a pipe that is the guest's alone.
#[derive(Debug)]
pub(super) enum Pipe {
    Reader(Reader),
    Writer(Writer),
}

impl Pipe {
    pub fn direction(&self) -> Direction {
        match self {
            Pipe::Reader(_) => Direction::Read,
            Pipe::Writer(_) => Direction::Write,
        }
    }

    /// Reads what is there; 0 bytes at the end.
    ///
    /// # Errors
    ///
    /// `WSAEWOULDBLOCK`: there is nothing yet. `ERROR_NOT_SUPPORTED`: it is the writing end.
    pub fn read(&self, iovs: &Iovecs<'_>) -> io::Result<usize> {
        match self {
            Pipe::Reader(reader) => reader.read(iovs),
            Pipe::Writer(_) => Err(error(ERROR_NOT_SUPPORTED)),
        }
    }

    /// Writes what there is room for.
    ///
    /// # Errors
    ///
    /// `WSAEWOULDBLOCK`: there is none. `ERROR_NO_DATA`, `ERROR_BROKEN_PIPE`: there is no reader.
    /// `ERROR_NOT_SUPPORTED`: it is the reading end.
    pub fn write(&self, ciovs: &Iovecs<'_>) -> io::Result<usize> {
        match self {
            Pipe::Reader(_) => Err(error(ERROR_NOT_SUPPORTED)),
            Pipe::Writer(writer) => writer.0.write(ciovs),
        }
    }
}

impl File {
    /// Reads from a pipe. Waits unless `nonblock`.
    pub(super) fn read_pipe(
        &self,
        pipe: &Pipe,
        iovs: &Iovecs<'_>,
        wait: Wait<'_>,
    ) -> io::Result<usize> {
        wait::retry(self, Direction::Read, wait, || pipe.read(iovs))
    }

    /// Writes to a pipe. Waits unless `nonblock`.
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is interrupted, and nothing has been written.
    pub(super) fn write_pipe(
        &self,
        pipe: &Pipe,
        ciovs: Iovecs<'_>,
        wait: Wait<'_>,
    ) -> io::Result<usize> {
        wait.write_all(ciovs, |ciovs, _| {
            wait::retry(self, Direction::Write, wait, || pipe.write(ciovs))
        })
    }
}

/// The reading end of a guest.
#[derive(Debug)]
pub(super) struct Reader {
    handle: OwnedHandle,
    /// Locked for polling it and then reading.
    turn: Mutex<()>,
}

impl Reader {
    fn read(&self, iovs: &Iovecs<'_>) -> io::Result<usize> {
        if iovs.is_empty() {
            return Ok(0);
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let available = match self.bytes()? {
            Some(0) => return Err(would_block()),
            Some(available) => available,
            None => return Ok(0),
        };
        let mut iovs = iovs.clone();
        iovs.truncate(available as usize);
        // `io::read` fills only one buffer if it may block. These bytes are known to be there.
        let mut total = 0;
        while !iovs.is_empty() {
            match kernel::read(self.handle(), &iovs, At::Stream) {
                Ok(count) if count > 0 => {
                    total += count;
                    iovs.advance(count);
                }
                Err(error) if total == 0 => return Err(error),
                Ok(_) | Err(_) => break,
            }
        }
        Ok(total)
    }

    /// The number of bytes that are there; `None` if it is empty and has no writer.
    pub fn bytes(&self) -> io::Result<Option<u32>> {
        match query::pipe_bytes(self.handle()) {
            Err(error) if query::HANGUP.iter().any(|code| is(&error, *code)) => Ok(None),
            result => result.map(Some),
        }
    }

    pub fn handle(&self) -> BorrowedHandle<'_> {
        self.handle.as_handle()
    }
}

/// The writing end of a guest. What was written arrives even if it is dropped.
#[derive(Debug)]
pub(super) struct Writer(Arc<Buffer>);

impl Writer {
    fn new(pipe: fs::File) -> io::Result<Self> {
        keep_code()?;
        let room = Event::new()?;
        room.set();
        let buffer = Arc::new(Buffer {
            state: Mutex::default(),
            changed: Condvar::new(),
            room,
        });
        let taken = Arc::clone(&buffer);
        thread::Builder::new()
            .name("wasi-rs".into())
            .stack_size(STACK_SIZE)
            .spawn(move || taken.carry(pipe))?;
        Ok(Self(buffer))
    }

    /// The event that is set while there is room, or no reader.
    pub fn room(&self) -> BorrowedHandle<'_> {
        self.0.room.as_handle()
    }

    /// Whether there is room, or no reader.
    pub fn is_ready(&self) -> bool {
        self.0.state().is_ready()
    }

    /// Whether a write has failed as there is no reader.
    pub fn is_broken(&self) -> bool {
        self.0.state().error.is_some()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.state().is_closed = true;
        self.0.changed.notify_one();
    }
}

/// The bytes that a guest has written and the thread of the pipe has not taken: at most [`CAPACITY`]. The
/// thread's `WriteFile` may have as many again, and so may the buffer of the kernel. So without a reader, a
/// guest can write more than twice, and at most three times that before there is no room.
#[derive(Debug)]
struct Buffer {
    state: Mutex<State>,
    /// Notified when there are bytes, or will be no more.
    changed: Condvar,
    /// Set while there is room, or the other end is closed.
    room: Event,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    /// Whether the guest has closed its end.
    is_closed: bool,
    /// The error of a write that has failed. All later writes fail with it.
    error: Option<i32>,
}

impl State {
    fn is_ready(&self) -> bool {
        self.error.is_some() || self.bytes.len() < CAPACITY
    }
}

impl Buffer {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, ciovs: &Iovecs<'_>) -> io::Result<usize> {
        let mut state = self.state();
        if let Some(code) = state.error {
            return Err(io::Error::from_raw_os_error(code));
        }
        let begin = state.bytes.len();
        let count = ciovs.len().min(CAPACITY.saturating_sub(begin));
        if count == 0 && !ciovs.is_empty() {
            return Err(would_block());
        }
        state.bytes.resize(begin + count, 0);
        ciovs.gather(&mut state.bytes[begin..]);
        if !state.is_ready() {
            self.room.reset();
        }
        self.changed.notify_one();
        Ok(count)
    }

    /// Writes the bytes to the pipe until the guest has closed its end, or there is no reader.
    fn carry(&self, mut pipe: fs::File) {
        while let Some(bytes) = self.take() {
            if let Err(error) = pipe.write_all(&bytes) {
                let mut state = self.state();
                state.error = Some(error.raw_os_error().unwrap_or(0));
                self.room.set();
                return;
            }
        }
    }

    /// Waits for bytes; `None` if the guest has closed its end.
    fn take(&self) -> Option<Vec<u8>> {
        let mut state = self.state();
        while state.bytes.is_empty() && !state.is_closed {
            state = (self.changed.wait(state)).unwrap_or_else(PoisonError::into_inner);
        }
        let bytes = std::mem::take(&mut state.bytes);
        self.room.set();
        (!bytes.is_empty()).then_some(bytes)
    }
}

/// Keeps this library loaded until the process ends: the thread of a pipe may be in its code for as long.
fn keep_code() -> io::Result<()> {
    let mut module = null_mut();
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    let address = keep_code as fn() -> io::Result<()> as *const u16;
    // SAFETY: with these flags the call takes an address in a library, as that of a function in it is, and
    // writes one handle.
    if unsafe { GetModuleHandleExW(flags, address, &mut module) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
