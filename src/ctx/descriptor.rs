use super::parked::Parked;
use crate::abi::{Advice, Errno, Filesize, Filestat};
use crate::host::{self, Direction, Interrupt, SeekFrom, Wait};
use crate::memory::Iovecs;
use crate::vfs::{Dir, OpenFile, Poll, SetTime, StreamHandle, check_range};

/// What a descriptor is open on. Each operation is dispatched to its kind.
///
/// Errors are those of the manual page that an operation names, and [`Errno::Isdir`] for operations on files if
/// it was opened as a directory. For streams that are not the host's, operations on files fail as on Linux for
/// a pipe.
///
/// Reading, writing and `fstat` are inlined into their syscall, down to the call of the host: the compiler
/// would make a call of each layer.
#[derive(Debug)]
pub enum Descriptor {
    /// A file that was opened by a path. It may be a directory, if it was opened without `DIRECTORY`.
    File(OpenFile),
    /// A directory.
    Dir(Dir),
    /// A standard stream that the embedder lent, or a socket that the guest accepted.
    Stream(StreamHandle),
    /// The directory of a preopen, which is opened when it is used.
    Parked(Parked),
}

#[allow(
    clippy::missing_errors_doc,
    reason = "the manual page of the call that an operation names lists them"
)]
impl Descriptor {
    /// Whether it is lent by the embedder: flags that the guest sets on it then apply to the guest alone.
    #[inline]
    pub fn is_lent(&self) -> bool {
        matches!(self, Descriptor::Stream(stream) if stream.is_lent())
    }

    /// The stream, if it is not a file.
    ///
    /// # Errors
    ///
    /// [`Errno::Isdir`]: it was opened as a directory.
    #[inline]
    fn stream(&self) -> Result<&StreamHandle, Errno> {
        match self {
            Descriptor::Stream(stream) => Ok(stream),
            _ => Err(Errno::Isdir),
        }
    }

    /// The host's open file of a stream; `errno` if the stream is not the host's.
    #[inline]
    fn host_stream(&self, errno: Errno) -> Result<&host::File, Errno> {
        self.stream()?.host_or(errno)
    }

    /// `isatty(3)`.
    pub fn is_terminal(&self) -> bool {
        match self {
            Descriptor::File(file) => file.handle().is_terminal(),
            Descriptor::Stream(stream) => stream.is_terminal(),
            Descriptor::Dir(_) | Descriptor::Parked(_) => false,
        }
    }

    /// `fstat(2)`.
    #[inline(always)]
    pub fn stat(&self) -> Result<Filestat, Errno> {
        match self {
            Descriptor::File(file) => file.stat(),
            Descriptor::Stream(stream) => stream.stat(),
            Descriptor::Dir(dir) => dir.as_ref().stat(),
            Descriptor::Parked(parked) => parked.dir()?.stat(),
        }
    }

    /// `futimens(2)`.
    pub fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<(), Errno> {
        match self {
            Descriptor::File(file) => file.handle().set_times(atim, mtim),
            Descriptor::Stream(stream) => {
                Ok(stream.host_or(Errno::Notsup)?.set_times(atim, mtim)?)
            }
            Descriptor::Dir(dir) => dir.as_ref().set_times(atim, mtim),
            Descriptor::Parked(parked) => parked.dir()?.set_times(atim, mtim),
        }
    }

    /// `fsync(2)`.
    pub fn sync(&self) -> Result<(), Errno> {
        match self {
            Descriptor::File(file) => file.handle().sync(false),
            Descriptor::Stream(stream) => Ok(stream.host_or(Errno::Inval)?.sync()?),
            Descriptor::Dir(dir) => dir.as_ref().sync(),
            Descriptor::Parked(parked) => parked.dir()?.sync(),
        }
    }

    /// `fdatasync(2)`.
    pub fn datasync(&self) -> Result<(), Errno> {
        match self {
            Descriptor::File(file) => file.handle().sync(true),
            _ => Ok(self.host_stream(Errno::Inval)?.datasync()?),
        }
    }

    /// `readv(2)`. Blocks as the host's descriptor does.
    #[inline(always)]
    pub fn read(&self, iovs: &Iovecs<'_>, interrupt: &Interrupt) -> Result<usize, Errno> {
        match self {
            Descriptor::File(file) => file.read(iovs, interrupt),
            _ => self.stream()?.read(iovs, interrupt),
        }
    }

    /// `writev(2)`. Blocks as the host's descriptor does.
    #[inline(always)]
    pub fn write(&self, ciovs: &Iovecs<'_>, interrupt: &Interrupt) -> Result<usize, Errno> {
        match self {
            Descriptor::File(file) => file.write(ciovs, interrupt),
            _ => self.stream()?.write(ciovs, interrupt),
        }
    }

    /// `readv(2)`, waiting unless `nonblock`, and interruptible.
    pub fn read_interruptible(&self, iovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize, Errno> {
        match self {
            Descriptor::File(file) => file.read_interruptible(iovs, wait),
            _ => self.stream()?.read_interruptible(iovs, wait),
        }
    }

    /// `writev(2)`, waiting unless `nonblock`, and interruptible.
    pub fn write_interruptible(&self, ciovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize, Errno> {
        match self {
            Descriptor::File(file) => file.write_interruptible(ciovs, wait),
            _ => self.stream()?.write_interruptible(ciovs.clone(), wait),
        }
    }

    /// `preadv(2)`.
    #[inline(always)]
    pub fn read_at(
        &self,
        iovs: &Iovecs<'_>,
        offset: Filesize,
        interrupt: &Interrupt,
    ) -> Result<usize, Errno> {
        match self {
            Descriptor::File(file) => file.handle().read_at(iovs, offset),
            Descriptor::Stream(stream) => stream.read_at(iovs, offset, interrupt),
            Descriptor::Dir(_) | Descriptor::Parked(_) => Err(Errno::Isdir),
        }
    }

    /// `pwritev(2)`.
    #[inline(always)]
    pub fn write_at(
        &self,
        ciovs: &Iovecs<'_>,
        offset: Filesize,
        interrupt: &Interrupt,
    ) -> Result<usize, Errno> {
        match self {
            Descriptor::File(file) => file.write_at(ciovs, offset),
            Descriptor::Stream(stream) => stream.write_at(ciovs, offset, interrupt),
            Descriptor::Dir(_) | Descriptor::Parked(_) => Err(Errno::Isdir),
        }
    }

    /// `preadv(2)`, waiting unless `nonblock`, and interruptible.
    pub fn read_at_interruptible(
        &self,
        iovs: &Iovecs<'_>,
        offset: Filesize,
        wait: Wait<'_>,
    ) -> Result<usize, Errno> {
        match self {
            Descriptor::File(file) => file.handle().read_at_interruptible(iovs, offset, wait),
            Descriptor::Stream(stream) => stream.read_at_interruptible(iovs, offset, wait),
            Descriptor::Dir(_) | Descriptor::Parked(_) => Err(Errno::Isdir),
        }
    }

    /// `pwritev(2)`, waiting unless `nonblock`, and interruptible.
    pub fn write_at_interruptible(
        &self,
        ciovs: &Iovecs<'_>,
        offset: Filesize,
        wait: Wait<'_>,
    ) -> Result<usize, Errno> {
        match self {
            Descriptor::File(file) => file.write_at_interruptible(ciovs, offset, wait),
            Descriptor::Stream(stream) => {
                stream.write_at_interruptible(ciovs.clone(), offset, wait)
            }
            Descriptor::Dir(_) | Descriptor::Parked(_) => Err(Errno::Isdir),
        }
    }

    /// `lseek(2)`.
    #[inline]
    pub fn seek(&self, to: SeekFrom, interrupt: &Interrupt) -> Result<Filesize, Errno> {
        match self {
            Descriptor::File(file) => file.seek(to, interrupt),
            Descriptor::Stream(stream) => stream.seek(to),
            Descriptor::Dir(_) | Descriptor::Parked(_) => Err(Errno::Isdir),
        }
    }

    /// `ftruncate(2)`.
    pub fn set_size(&self, size: Filesize) -> Result<(), Errno> {
        match self {
            Descriptor::File(file) => file.handle().set_size(size),
            _ => Ok(self.host_stream(Errno::Inval)?.set_size(size)?),
        }
    }

    /// `posix_fallocate(3)`.
    pub fn allocate(&self, offset: Filesize, len: Filesize) -> Result<(), Errno> {
        match self {
            Descriptor::File(file) => file.handle().allocate(offset, len),
            _ => Ok(self.host_stream(Errno::Spipe)?.allocate(offset, len)?),
        }
    }

    /// `posix_fadvise(2)`. For a lent descriptor it is checked and ignored, as it would apply to all that share
    /// the open file description.
    pub fn advise(&self, offset: Filesize, len: Filesize, advice: Advice) -> Result<(), Errno> {
        match self {
            Descriptor::File(file) => file.handle().advise(offset, len, advice),
            Descriptor::Stream(StreamHandle::Host(file)) if !file.is_lent() => {
                Ok(file.advise(offset, len, advice)?)
            }
            Descriptor::Stream(_) => check_range(offset, len),
            Descriptor::Dir(_) | Descriptor::Parked(_) => Err(Errno::Isdir),
        }
    }

    /// `poll(2)`: whether it is ready, or which file of the host to wait for.
    pub fn poll(&self, direction: Direction) -> Result<Poll<'_>, Errno> {
        match self {
            Descriptor::File(file) => Ok(file.poll()),
            _ => Ok(self.stream()?.poll(direction)),
        }
    }

    /// The bytes that can be read up to the end of a file whose offset is kept here.
    pub fn bytes_left(&self, interrupt: &Interrupt) -> Option<Filesize> {
        match self {
            Descriptor::File(file) => file.bytes_left(interrupt).ok().flatten(),
            _ => None,
        }
    }

    /// The host's open file, as a socket. If it is none, the host will say so.
    ///
    /// # Errors
    ///
    /// [`Errno::Notsock`]: it is not the host's.
    pub fn socket(&self) -> Result<&host::File, Errno> {
        self.host_file().ok_or(Errno::Notsock)
    }

    /// The host's open file, if it is one.
    pub fn host_file(&self) -> Option<&host::File> {
        match self {
            Descriptor::File(file) => file.handle().host(),
            Descriptor::Stream(stream) => stream.host(),
            Descriptor::Dir(_) | Descriptor::Parked(_) => None,
        }
    }
}
