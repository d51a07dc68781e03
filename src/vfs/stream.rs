use std::fmt::Debug;
use std::sync::Arc;

use super::Result;
use crate::abi::{Errno, Fdflags, Filesize, Filestat};
use crate::host::{self, Direction, Interrupt, Readiness, SeekFrom, StreamFlags, Wait};
use crate::memory::Iovecs;

/// A pipe, a terminal, a buffer or a callback: what has no offsets, and may have to be waited for.
///
/// Several threads may call at once.
pub trait Stream: Debug + Send + Sync + 'static {
    /// `fstat(2)`. The type says which rights the guest gets: a socket's, or a character device's.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`].
    fn stat(&self) -> Result<Filestat>;

    /// Whether it is a terminal.
    ///
    /// Of itself, it is none.
    fn is_terminal(&self) -> bool {
        false
    }

    /// Whether it can be read.
    ///
    /// Of itself, it can.
    fn is_readable(&self) -> bool {
        true
    }

    /// Whether it can be written.
    ///
    /// Of itself, it can.
    fn is_writable(&self) -> bool {
        true
    }

    /// Whether offsets are accepted and mean nothing, as of Linux's `/dev/null`: `lseek(2)` is always at
    /// 0, and `preadv(2)` and `pwritev(2)` read and write. Otherwise they fail with [`Errno::Spipe`].
    ///
    /// Of itself, it has no offsets.
    fn ignores_offsets(&self) -> bool {
        false
    }

    /// `readv(2)`: the number of bytes read; 0 at the end.
    ///
    /// # Errors
    ///
    /// [`Errno::Again`]: there is nothing yet, and `nonblock` says not to wait. [`Errno::Intr`]: the
    /// thread is interrupted. [`Errno::Badf`]: it can be written alone. [`Errno::Io`].
    fn read(&self, iovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize>;

    /// `writev(2)`: the number of bytes written, all of them unless `nonblock`.
    ///
    /// # Errors
    ///
    /// [`Errno::Again`]: there is no room yet, and `nonblock` says not to wait. [`Errno::Intr`]: the
    /// thread is interrupted, and nothing has been written. [`Errno::Badf`]: it can be read alone.
    /// [`Errno::Pipe`]: nobody reads it any more. [`Errno::Nospc`]: it has a limit. [`Errno::Io`].
    fn write(&self, ciovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize>;

    /// `poll(2)`: what there is in one direction, or on what of the host to wait for it.
    fn poll(&self, direction: Direction) -> Poll<'_>;
}

/// How `poll_oneoff` finds out about one thing.
#[derive(Clone, Copy, Debug)]
pub enum Poll<'a> {
    /// It is ready now.
    Ready(Readiness),
    /// It is not, and only the embedder can say when it is.
    Unready,
    /// It is ready when this file of the host is.
    Host(&'a host::File),
}

/// A stream, of the host or not.
#[derive(Debug)]
pub enum StreamHandle {
    /// One of the embedder's descriptors, which is lent as a standard stream, whatever it is open on; or a
    /// socket that the guest accepted.
    Host(host::File),
    /// What the embedder has made up.
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

    /// The host's open file, for what only that can do.
    ///
    /// # Errors
    ///
    /// `errno`: it is another stream. That is what Linux says of a pipe.
    pub fn host_or(&self, errno: Errno) -> Result<&host::File> {
        self.host().ok_or(errno)
    }

    /// Whether it is the embedder's, and what the guest sets of it holds for the guest alone.
    #[inline]
    pub fn is_lent(&self) -> bool {
        match self {
            StreamHandle::Host(file) => file.is_lent(),
            StreamHandle::Other(_) => true,
        }
    }

    /// How the embedder has opened it.
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

    /// `readv(2)`, waiting as [`host::File::read`] does.
    #[inline(always)]
    pub fn read(&self, iovs: &Iovecs<'_>, interrupt: &Interrupt) -> Result<usize> {
        match self {
            StreamHandle::Host(file) => Ok(file.read(iovs, interrupt)?),
            StreamHandle::Other(stream) => stream.read(iovs, interrupt.waiting()),
        }
    }

    /// `writev(2)`, waiting as [`host::File::write`] does.
    #[inline(always)]
    pub fn write(&self, ciovs: &Iovecs<'_>, interrupt: &Interrupt) -> Result<usize> {
        match self {
            StreamHandle::Host(file) => Ok(file.write(ciovs, interrupt)?),
            StreamHandle::Other(stream) => stream.write(ciovs, interrupt.waiting()),
        }
    }

    /// `readv(2)`, waiting unless `nonblock`, and interruptible.
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

    /// `writev(2)`, waiting unless `nonblock`, and interruptible.
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

    /// `preadv(2)`, waiting unless `nonblock`, and interruptible.
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

    /// `pwritev(2)`, waiting unless `nonblock`, and interruptible.
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
