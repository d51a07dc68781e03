use std::fs;
use std::io::{self, IsTerminal, Seek};
use std::os::windows::io::{AsRawHandle, BorrowedHandle, BorrowedSocket};

use super::errno::would_block;
use super::io::{self as kernel, At};
use super::query::{self, Kind};
use super::{File, crt, poll, socket, stat, wait};
use crate::abi::{Filesize, Filestat, Filetype};
use crate::host::interrupt::PollLock;
use crate::host::{Direction, Interrupt, StreamFlags, Wait};
use crate::memory::Iovecs;

/// A descriptor of the embedder, lent to the guest as a standard stream.
///
/// When the guest closes its descriptor, the embedder's stays open. Whether a call blocks is decided for each
/// call. Bytes are written to a console and read from it unchanged, as with node:wasi; the code page of the
/// console says what they mean.
#[derive(Debug)]
pub(super) struct Lent(i32);

impl Lent {
    /// The descriptor with this number.
    ///
    /// # Errors
    ///
    /// `ERROR_INVALID_HANDLE`: it is not open.
    pub fn new(fd: i32) -> io::Result<Self> {
        crt::handle(fd)?;
        Ok(Self(fd))
    }

    /// Its flags and its access mode.
    pub fn flags(&self) -> io::Result<StreamFlags> {
        query::flags(self.handle()?)
    }

    pub fn handle(&self) -> io::Result<BorrowedHandle<'_>> {
        crt::handle(self.0)
    }

    /// What it is open on.
    pub fn kind(&self) -> io::Result<Kind> {
        query::kind(self.handle()?)
    }

    /// It as a socket.
    ///
    /// # Errors
    ///
    /// `WSAENOTSOCK`: it is no socket.
    pub fn socket(&self) -> io::Result<BorrowedSocket<'_>> {
        let socket = crt::socket(self.handle()?);
        socket::filetype(socket)?;
        Ok(socket)
    }

    /// It as a file, if it is one.
    pub fn to_file(&self) -> io::Result<Option<fs::File>> {
        Ok(match self.kind()? {
            Kind::Disk => Some(self.duplicate()?),
            _ => None,
        })
    }

    /// A duplicate of its handle, as a file, which it is known to be.
    fn duplicate(&self) -> io::Result<fs::File> {
        Ok(self.handle()?.try_clone_to_owned()?.into())
    }

    /// The number of bytes from its position to its end, if it is a file.
    pub fn bytes_left(&self) -> io::Result<Filesize> {
        let mut file = self.duplicate()?;
        let len = file.metadata()?.len();
        Ok(len.saturating_sub(file.stream_position()?))
    }

    pub fn stat(&self) -> io::Result<Filestat> {
        Ok(stat::of_stream(match self.kind()? {
            Kind::Disk => return stat::fstat(&self.duplicate()?),
            Kind::Console | Kind::Device => Filetype::CharacterDevice,
            // For a guest, a pipe is a stream socket, as with node:wasi.
            Kind::Stream => {
                (self.socket().and_then(socket::filetype)).unwrap_or(Filetype::SocketStream)
            }
        }))
    }

    pub fn is_terminal(&self) -> bool {
        self.handle().is_ok_and(|handle| handle.is_terminal())
    }

    /// The lock for polling it and then making a call. Windows tells the identity of files alone, so each
    /// handle has its own lock.
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is interrupted.
    pub fn lock(&self, direction: Direction, interrupt: &Interrupt) -> io::Result<PollLock> {
        let handle = self.handle()?.as_raw_handle() as u64;
        PollLock::lock(([handle, 0, 0], direction), interrupt)
    }
}

impl File {
    /// Reads from a lent descriptor. Waits unless `nonblock`.
    pub(super) fn read_lent(
        &self,
        lent: &Lent,
        iovs: &Iovecs<'_>,
        wait: Wait<'_>,
    ) -> io::Result<usize> {
        if wait.nonblock && !poll::is_ready(self, Direction::Read)? {
            return Err(would_block());
        }
        wait::retry(self, Direction::Read, wait, || {
            let handle = lent.handle()?;
            kernel::read(handle, iovs, place(query::kind(handle)?))
        })
    }

    /// Writes to a lent descriptor. Waits unless `nonblock`.
    pub(super) fn write_lent(
        &self,
        lent: &Lent,
        ciovs: &Iovecs<'_>,
        wait: Wait<'_>,
    ) -> io::Result<usize> {
        if wait.nonblock && !poll::is_ready(self, Direction::Write)? {
            return Err(would_block());
        }
        wait::retry(self, Direction::Write, wait, || {
            let handle = lent.handle()?;
            kernel::write(handle, ciovs, place(query::kind(handle)?), wait.interrupt)
        })
    }
}

/// The place of the next read or write.
fn place(kind: Kind) -> At {
    match kind {
        Kind::Disk => At::Position,
        Kind::Console | Kind::Device => At::Device,
        Kind::Stream => At::Stream,
    }
}
