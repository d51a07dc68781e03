use std::fs;
use std::io::{self, IsTerminal, Seek};
use std::os::windows::io::{BorrowedHandle, BorrowedSocket};

use windows_sys::Win32::Foundation::ERROR_SEEK_ON_DEVICE;
use winx::file::{AccessMode, FileModeInformation};

use super::errno::{error, would_block};
use super::file::Which;
use super::io::{self as kernel, At};
use super::query::{self, Kind};
use super::{FileRef, crt, poll, socket, stat, wait};
use crate::abi::{Fdflags, Filesize, Filestat, Filetype};
use crate::host::{Direction, SYNCHRONOUS, StreamFlags};
use crate::memory::Iovecs;

/// A descriptor of the embedder's, lent to the guest: one of its three standard streams.
///
/// Closing the guest's descriptor leaves the embedder's open. Whether the guest waits is decided here,
/// call by call. Bytes go to a console and come from it as they are, as with node:wasi, and mean what
/// its code page says.
#[derive(Debug)]
pub struct Stdio(i32);

impl Stdio {
    /// The open descriptor with this number.
    ///
    /// # Errors
    ///
    /// `ERROR_INVALID_HANDLE`: there is none.
    pub fn new(fd: i32) -> io::Result<Self> {
        crt::handle(fd)?;
        Ok(Self(fd))
    }

    /// The stream, for what it has in common with every file.
    pub fn as_ref(&self) -> FileRef<'_> {
        FileRef(Which::Stdio(self))
    }

    /// What the host does of itself with what is written, and for what it is open. What Windows does not
    /// tell of a handle is taken as given.
    pub fn flags(&self) -> io::Result<StreamFlags> {
        let handle = self.handle()?;
        let mut flags = StreamFlags {
            fdflags: Fdflags::empty(),
            read: true,
            write: true,
        };
        if let Ok(access) = winx::file::query_access_information(handle) {
            flags.read = access.contains(AccessMode::FILE_READ_DATA);
            flags.write =
                access.intersects(AccessMode::FILE_WRITE_DATA | AccessMode::FILE_APPEND_DATA);
            let appends = !access.contains(AccessMode::FILE_WRITE_DATA);
            let disk = query::kind(handle)? == Kind::Disk;
            (flags.fdflags).set(Fdflags::APPEND, disk && flags.write && appends);
        }
        if query::kind(handle)? == Kind::Disk {
            let mode = winx::file::query_mode_information(handle)?;
            let through = mode.contains(FileModeInformation::FILE_WRITE_THROUGH);
            flags.fdflags.set(SYNCHRONOUS, through);
        }
        Ok(flags)
    }

    /// `readv(2)` that waits, whatever the descriptor itself would do.
    pub fn read(&self, iovs: &Iovecs<'_>) -> io::Result<usize> {
        self.read_unless(iovs, false)
    }

    /// `writev(2)` that waits, whatever the descriptor itself would do.
    pub fn write(&self, ciovs: &Iovecs<'_>) -> io::Result<usize> {
        self.write_unless(ciovs, false)
    }

    pub(super) fn read_unless(&self, iovs: &Iovecs<'_>, nonblock: bool) -> io::Result<usize> {
        if nonblock && !poll::is_ready(self.as_ref(), Direction::Read)? {
            return Err(would_block());
        }
        wait::retry(self.as_ref(), Direction::Read, nonblock, || {
            let handle = self.handle()?;
            kernel::read(handle, iovs, place(query::kind(handle)?))
        })
    }

    pub(super) fn write_unless(&self, ciovs: &Iovecs<'_>, nonblock: bool) -> io::Result<usize> {
        if nonblock && !poll::is_ready(self.as_ref(), Direction::Write)? {
            return Err(would_block());
        }
        wait::retry(self.as_ref(), Direction::Write, nonblock, || {
            let handle = self.handle()?;
            kernel::write(handle, ciovs, place(query::kind(handle)?))
        })
    }

    pub(super) fn handle(&self) -> io::Result<BorrowedHandle<'_>> {
        crt::handle(self.0)
    }

    /// What it is open on.
    pub(super) fn kind(&self) -> io::Result<Kind> {
        query::kind(self.handle()?)
    }

    /// The socket that it is.
    ///
    /// # Errors
    ///
    /// `WSAENOTSOCK`: it is none.
    pub(super) fn socket(&self) -> io::Result<BorrowedSocket<'_>> {
        let socket = crt::socket(self.handle()?);
        socket::filetype(socket)?;
        Ok(socket)
    }

    /// The file that it is, or what will say that it is none.
    ///
    /// # Errors
    ///
    /// `ERROR_SEEK_ON_DEVICE`: it is none.
    pub(super) fn to_file(&self) -> io::Result<fs::File> {
        match self.kind()? {
            Kind::Disk => Ok(self.handle()?.try_clone_to_owned()?.into()),
            _ => Err(error(ERROR_SEEK_ON_DEVICE)),
        }
    }

    /// The bytes from the position of the file that it is to the end.
    pub(super) fn bytes_left(&self) -> io::Result<Filesize> {
        let mut file = self.to_file()?;
        let len = file.metadata()?.len();
        Ok(len.saturating_sub(file.stream_position()?))
    }

    pub(super) fn stat(&self) -> io::Result<Filestat> {
        Ok(stat::of_stream(match self.kind()? {
            Kind::Disk => return stat::fstat(&self.to_file()?),
            Kind::Console | Kind::Device => Filetype::CharacterDevice,
            // A pipe is to a guest, as with node:wasi, a stream like a socket.
            Kind::Stream => {
                (self.socket().and_then(socket::filetype)).unwrap_or(Filetype::SocketStream)
            }
        }))
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.handle().is_ok_and(|handle| handle.is_terminal())
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
