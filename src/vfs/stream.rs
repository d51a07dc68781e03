use std::fmt::Debug;
use std::sync::Arc;

use super::Result;
use crate::abi::{Errno, Fdflags, Filesize, Filestat};
use crate::host::{self, Direction, Interrupt, Readiness, SeekFrom, StreamFlags, Wait};
use crate::memory::Iovecs;

/// What has no offsets, and may block: a pipe, a terminal, a buffer or a callback.
///
/// Several threads may call at once.
pub trait Stream: Debug + Send + Sync + 'static {
    /// `fstat(2)`. The type, a socket or a character device, decides which rights the guest has.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`].
    fn stat(&self) -> Result<Filestat>;

    /// `isatty(3)`. False by default.
    fn is_terminal(&self) -> bool {
        false
    }

    /// Whether it can be read. True by default.
    fn is_readable(&self) -> bool {
        true
    }

    /// Whether it can be written. True by default.
    fn is_writable(&self) -> bool {
        true
    }

    /// Whether offsets are accepted and ignored, as for Linux's `/dev/null`: `lseek(2)` returns 0, and
    /// `preadv(2)` and `pwritev(2)` work as `readv(2)` and `writev(2)`. Otherwise, which is the default, they
    /// fail with [`Errno::Spipe`].
    fn ignores_offsets(&self) -> bool {
        false
    }

    /// `readv(2)`: the number of bytes read; 0 at the end.
    ///
    /// # Errors
    ///
    /// [`Errno::Again`]: there is nothing to read yet, and `nonblock` is set. [`Errno::Intr`]: the thread is
    /// interrupted. [`Errno::Badf`]: it is open for writing only. [`Errno::Io`].
    fn read(&self, iovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize>;

    /// `writev(2)`: the number of bytes written, all of them unless `nonblock`.
    ///
    /// # Errors
    ///
    /// [`Errno::Again`]: there is no room yet, and `nonblock` is set. [`Errno::Intr`]: the thread is
    /// interrupted, and nothing has been written. [`Errno::Badf`]: it is open for reading only.
    /// [`Errno::Pipe`]: there is no reader any more. [`Errno::Nospc`]: it has reached its limit. [`Errno::Io`].
    fn write(&self, ciovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize>;

    /// `poll(2)`: whether it is ready in one direction, or which file of the host to wait for.
    fn poll(&self, direction: Direction) -> Poll<'_>;
}

/// Whether a descriptor is ready, or how `poll_oneoff` waits until it is.
#[derive(Clone, Copy, Debug)]
pub enum Poll<'a> {
    /// It is ready now.
    Ready(Readiness),
    /// It is not ready, and the embedder will say when it is.
    Unready,
    /// It is ready when this file of the host is.
    Host(&'a host::File),
}

/// An open stream.
#[derive(Debug)]
pub enum StreamHandle {
    /// A file of the host: a descriptor that the embedder lent as a standard stream, which may be open on
    /// anything, or a socket that the guest accepted.
    Host(host::File),
    /// A stream that the embedder implements.
    Other(Arc<dyn Stream>),
}

#[allow(clippy::missing_errors_doc, reason = "the trait lists them")]
impl StreamHandle {
    /// The host's open file, if it is one.
    pub fn host(&self) -> Option<&host::File> {
        match self {
            StreamHandle::Host(file) => Some(file),
            StreamHandle::Other(_) => None,
        }
    }

    /// The host's open file, for operations that no other stream has.
    ///
    /// # Errors
    ///
    /// `errno`, which should be what Linux says of a pipe: it is another stream.
    pub fn host_or(&self, errno: Errno) -> Result<&host::File> {
        self.host().ok_or(errno)
    }

    /// Whether it is lent by the embedder: flags that the guest sets on it then apply to the guest alone.
    #[inline]
    pub fn is_lent(&self) -> bool {
        match self {
            StreamHandle::Host(file) => file.is_lent(),
            StreamHandle::Other(_) => true,
        }
    }

    /// The access mode and flags with which the embedder opened it.
    ///
    /// # Errors
    ///
    /// What `fcntl(2)` says.
    pub fn flags(&self) -> Result<StreamFlags> {
        match self {
            StreamHandle::Host(file) => Ok(file.flags()?),
            StreamHandle::Other(stream) => Ok(StreamFlags {
                fdflags: Fdflags::empty(),
                read: stream.is_readable(),
                write: stream.is_writable(),
            }),
        }
    }

    /// [`Stream::stat`].
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says.
    #[inline(always)]
    pub fn stat(&self) -> Result<Filestat> {
        match self {
            StreamHandle::Host(file) => Ok(file.stat()?),
            StreamHandle::Other(stream) => stream.stat(),
        }
    }

    /// [`Stream::is_terminal`].
    pub fn is_terminal(&self) -> bool {
        match self {
            StreamHandle::Host(file) => file.is_terminal(),
            StreamHandle::Other(stream) => stream.is_terminal(),
        }
    }

    /// `readv(2)`. Waits as [`host::File::read`] does.
    #[inline(always)]
    pub fn read(&self, iovs: &Iovecs<'_>, interrupt: &Interrupt) -> Result<usize> {
        match self {
            StreamHandle::Host(file) => Ok(file.read(iovs, interrupt)?),
            StreamHandle::Other(stream) => stream.read(iovs, interrupt.waiting()),
        }
    }

    /// `writev(2)`. Waits as [`host::File::write`] does.
    #[inline(always)]
    pub fn write(&self, ciovs: &Iovecs<'_>, interrupt: &Interrupt) -> Result<usize> {
        match self {
            StreamHandle::Host(file) => Ok(file.write(ciovs, interrupt)?),
            StreamHandle::Other(stream) => stream.write(ciovs, interrupt.waiting()),
        }
    }

    /// `readv(2)`, interruptible. Waits unless `nonblock`.
    ///
    /// # Errors
    ///
    /// [`Errno::Intr`]: the thread is interrupted.
    pub fn read_interruptible(&self, iovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize> {
        match self {
            StreamHandle::Host(file) => Ok(file.read_interruptible(iovs, wait)?),
            StreamHandle::Other(stream) => stream.read(iovs, wait),
        }
    }

    /// `writev(2)`, interruptible. Waits unless `nonblock`.
    ///
    /// # Errors
    ///
    /// [`Errno::Intr`]: the thread is interrupted, and nothing has been written.
    pub fn write_interruptible(&self, ciovs: Iovecs<'_>, wait: Wait<'_>) -> Result<usize> {
        match self {
            StreamHandle::Host(file) => Ok(file.write_interruptible(ciovs, wait)?),
            StreamHandle::Other(stream) => stream.write(&ciovs, wait),
        }
    }

    /// `preadv(2)`.
    #[inline(always)]
    pub fn read_at(
        &self,
        iovs: &Iovecs<'_>,
        offset: Filesize,
        interrupt: &Interrupt,
    ) -> Result<usize> {
        match self {
            StreamHandle::Host(file) => Ok(file.read_at(iovs, offset)?),
            StreamHandle::Other(stream) if stream.ignores_offsets() => {
                stream.read(iovs, interrupt.waiting())
            }
            StreamHandle::Other(_) => Err(Errno::Spipe),
        }
    }

    /// `pwritev(2)`.
    #[inline(always)]
    pub fn write_at(
        &self,
        ciovs: &Iovecs<'_>,
        offset: Filesize,
        interrupt: &Interrupt,
    ) -> Result<usize> {
        match self {
            StreamHandle::Host(file) => Ok(file.write_at(ciovs, offset)?),
            StreamHandle::Other(stream) if stream.ignores_offsets() => {
                stream.write(ciovs, interrupt.waiting())
            }
            StreamHandle::Other(_) => Err(Errno::Spipe),
        }
    }

    /// `preadv(2)`, interruptible. Waits unless `nonblock`.
    pub fn read_at_interruptible(
        &self,
        iovs: &Iovecs<'_>,
        offset: Filesize,
        wait: Wait<'_>,
    ) -> Result<usize> {
        match self {
            StreamHandle::Host(file) => Ok(file.read_at_interruptible(iovs, offset, wait)?),
            StreamHandle::Other(_) => self.read_at(iovs, offset, wait.interrupt),
        }
    }

    /// `pwritev(2)`, interruptible. Waits unless `nonblock`.
    pub fn write_at_interruptible(
        &self,
        ciovs: Iovecs<'_>,
        offset: Filesize,
        wait: Wait<'_>,
    ) -> Result<usize> {
        match self {
            StreamHandle::Host(file) => Ok(file.write_at_interruptible(ciovs, offset, wait)?),
            StreamHandle::Other(_) => self.write_at(&ciovs, offset, wait.interrupt),
        }
    }

    /// `lseek(2)`.
    pub fn seek(&self, to: SeekFrom) -> Result<Filesize> {
        match self {
            StreamHandle::Host(file) => Ok(file.seek(to)?),
            StreamHandle::Other(stream) if stream.ignores_offsets() => Ok(0),
            StreamHandle::Other(_) => Err(Errno::Spipe),
        }
    }

    /// [`Stream::poll`].
    pub fn poll(&self, direction: Direction) -> Poll<'_> {
        match self {
            StreamHandle::Host(file) => Poll::Host(file),
            StreamHandle::Other(stream) => stream.poll(direction),
        }
    }
}
