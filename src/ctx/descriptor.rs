use super::parked::Parked;
use crate::abi::{Advice, Errno, Filesize, Filestat};
use crate::host::{self, Direction, Interrupt, SeekFrom, Wait};
use crate::memory::Iovecs;
use crate::vfs::{Dir, OpenFile, Poll, SetTime, StreamHandle, check_range};

/// What is open behind a descriptor. Each operation goes to the kind that it is of.
///
/// Errors are those of the manual page of the call that an operation names, and [`Errno::Isdir`] of what
/// was opened as a directory and only a file can have done. Of a stream that is not the host's, what is
/// done with files alone fails as Linux has it for a pipe.
///
/// What reads, writes and asks for attributes is inlined into its syscall, down to the call of the host: left
/// alone, the compiler makes a call of each layer.
#[derive(Debug)]
pub enum Descriptor {
    /// What was opened by a path: a file, or a directory that was opened without saying so.
    File(OpenFile),
    /// A directory.
    Dir(Dir),
    /// A standard stream, which is lent by the embedder; or a socket that the guest accepted.
    Stream(StreamHandle),
    /// The directory of a preopen, not open until it is used.
    Parked(Parked),
}

#[allow(
    clippy::missing_errors_doc,
    reason = "the manual page of the call that an operation names lists them"
)]
impl Descriptor {
    /// Whether it is the embedder's, and what the guest sets of it holds for the guest alone.
    #[inline]
    pub fn is_lent(&self) -> bool {
        matches!(self, Descriptor::Stream(stream) if stream.is_lent())
    }

    /// The stream, of what is no file.
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

    /// The host's open file behind a stream; of another stream, `errno`.
    #[inline]
    fn host_stream(&self, errno: Errno) -> Result<&host::File, Errno> {
        self.stream()?.host_or(errno)
    }

    /// Whether it is a terminal.
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

    /// `readv(2)`, waiting as the host's descriptor does.
    #[inline(always)]
    pub fn read(&self, iovs: &Iovecs<'_>, interrupt: &Interrupt) -> Result<usize, Errno> {
        match self {
            Descriptor::File(file) => file.read(iovs, interrupt),
            _ => self.stream()?.read(iovs, interrupt),
        }
    }

    /// `writev(2)`, waiting as the host's descriptor does.
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

    /// `posix_fadvise(2)`. Of what is lent, advice would stay with the open file for all that share it; it
    /// is checked and ignored.
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

    /// `poll(2)`: what there is, or on what of the host to wait for it.
    pub fn poll(&self, direction: Direction) -> Result<Poll<'_>, Errno> {
        match self {
            Descriptor::File(file) => Ok(file.poll()),
            _ => Ok(self.stream()?.poll(direction)),
        }
    }

    /// The bytes that can be read up to the end of a file, of which the host knows no offset.
    pub fn bytes_left(&self, interrupt: &Interrupt) -> Option<Filesize> {
        match self {
            Descriptor::File(file) => file.bytes_left(interrupt).ok().flatten(),
            _ => None,
        }
    }

    /// The socket, or what the host will say is none.
    ///
    /// # Errors
    ///
    /// [`Errno::Notsock`]: it is certainly none.
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
