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

/// A descriptor of the embedder's, lent to the guest: one of its three standard streams.
///
/// Closing the guest's descriptor leaves the embedder's open. Whether the guest waits is decided here,
/// call by call. Bytes go to a console and come from it as they are, as with node:wasi, and mean what
/// its code page says.
#[derive(Debug)]
pub(super) struct Lent(i32);

impl Lent {
    /// The open descriptor with this number.
    ///
    /// # Errors
    ///
    /// `ERROR_INVALID_HANDLE`: there is none.
    pub fn new(fd: i32) -> io::Result<Self> {
        crt::handle(fd)?;
        Ok(Self(fd))
    }

    /// How it is open.
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

    /// The socket that it is.
    ///
    /// # Errors
    ///
    /// `WSAENOTSOCK`: it is none.
    pub fn socket(&self) -> io::Result<BorrowedSocket<'_>> {
        let socket = crt::socket(self.handle()?);
        socket::filetype(socket)?;
        Ok(socket)
    }

    /// The file that it is, if it is one.
    pub fn to_file(&self) -> io::Result<Option<fs::File>> {
        Ok(match self.kind()? {
            Kind::Disk => Some(self.duplicate()?),
            _ => None,
        })
    }

    /// The file of which it is known that it is one.
    fn duplicate(&self) -> io::Result<fs::File> {
        Ok(self.handle()?.try_clone_to_owned()?.into())
    }

    /// The bytes from the position of the file that it is to the end.
    pub fn bytes_left(&self) -> io::Result<Filesize> {
        let mut file = self.duplicate()?;
        let len = file.metadata()?.len();
        Ok(len.saturating_sub(file.stream_position()?))
    }

    pub fn stat(&self) -> io::Result<Filestat> {
        Ok(stat::of_stream(match self.kind()? {
            Kind::Disk => return stat::fstat(&self.duplicate()?),
            Kind::Console | Kind::Device => Filetype::CharacterDevice,
            // A pipe is to a guest, as with node:wasi, a stream like a socket.
            Kind::Stream => {
                (self.socket().and_then(socket::filetype)).unwrap_or(Filetype::SocketStream)
            }
        }))
    }

    pub fn is_terminal(&self) -> bool {
        self.handle().is_ok_and(|handle| handle.is_terminal())
    }

    /// The lock to look at it and then make a call. Which file it is Windows tells of files alone, so that
    /// each handle has turns of its own.
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
    /// Reads from what is lent, waiting unless `nonblock`.
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

    /// Writes to what is lent, waiting unless `nonblock`.
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

/// Where the next read or write of something takes place.
fn place(kind: Kind) -> At {
    match kind {
        Kind::Disk => At::Position,
        Kind::Console | Kind::Device => At::Device,
        Kind::Stream => At::Stream,
    }
}
