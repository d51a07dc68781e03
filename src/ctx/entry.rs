use std::sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::abi::{Errno, Fdflags, Filesize, Filestat, Filetype, Rights, RightsPair};
use crate::host::{
    Dir, File, FileRef, ReadDir, SYNCHRONOUS, SeekFrom, SetTime, Socket, SocketRef, Stdio, stop,
};
use crate::memory::Iovecs;

/// What a syscall may talk to.
#[derive(Debug)]
pub enum Descriptor {
    /// A file of the host, or a directory that was opened without saying so.
    File(File),
    /// A directory of the host.
    Dir(Dir),
    /// One of the embedder's descriptors, lent as a standard stream.
    Stdio(Stdio),
    /// A socket that the guest accepted.
    Socket(Socket),
}

/// A row of the descriptor table: something open, and what the guest may do with it.
///
/// Entries are shared: a thread in the middle of a call on one keeps it open while another closes
/// its number.
#[derive(Debug)]
pub struct Entry {
    descriptor: Descriptor,
    /// The name under which the embedder preopened it.
    mapped_path: Option<Vec<u8>>,
    /// What `path_open` was asked for, which is reported and limits nothing.
    asked: RightsPair,
    /// What the access mode leaves, and the guest has not given up.
    kept: Kept,
    /// What the embedder allows, of this and of all that is opened through it.
    granted: AtomicU64,
    /// The most that this can become.
    most_granted: Rights,
    fdflags: AtomicU16,
    /// The flags that the host keeps, which are not for the guest to take back.
    host_fdflags: OnceLock<Fdflags>,
    /// Found when first asked for: opening does not need it, and it costs a system call.
    kind: OnceLock<Kind>,
    /// The directory that a [`Descriptor::File`] turned out to be.
    directory: OnceLock<Dir>,
    /// The place of `fd_readdir` in a directory, while no call is using it.
    read_dir: Mutex<Option<Box<ReadDir>>>,
}

/// What a guest may still do, of all rights that there are: with the descriptor, and with what is
/// opened through it.
#[derive(Debug)]
struct Kept {
    base: AtomicU64,
    inheriting: AtomicU64,
}

impl Kept {
    fn new(base: Rights, inheriting: Rights) -> Self {
        Self {
            base: AtomicU64::new(base.bits()),
            inheriting: AtomicU64::new(inheriting.bits()),
        }
    }

    #[inline]
    fn base(&self) -> Rights {
        Rights::from_bits_retain(self.base.load(Relaxed))
    }

    fn inheriting(&self) -> Rights {
        Rights::from_bits_retain(self.inheriting.load(Relaxed))
    }

    /// Two threads that shrink at the same time leave what both allow.
    fn shrink(&self, to: RightsPair) {
        self.base.fetch_and(to.base.bits(), Relaxed);
        self.inheriting.fetch_and(to.inheriting.bits(), Relaxed);
    }
}

#[derive(Clone, Copy, Debug)]
struct Kind {
    filetype: Filetype,
    /// The most that a descriptor of this kind can have.
    rights: RightsPair,
}

impl Kind {
    const DIRECTORY: Self = Self {
        filetype: Filetype::Directory,
        rights: RightsPair::DIRECTORY,
    };
}

impl Entry {
    /// Something open, for which `asked` was asked: all may be done with it that is granted.
    pub fn new(
        descriptor: Descriptor,
        asked: RightsPair,
        granted: Rights,
        fdflags: Fdflags,
    ) -> Self {
        Self {
            descriptor,
            mapped_path: None,
            asked,
            kept: Kept::new(Rights::all(), Rights::all()),
            granted: AtomicU64::new(granted.bits()),
            most_granted: granted,
            fdflags: AtomicU16::new(fdflags.bits()),
            host_fdflags: OnceLock::new(),
            kind: OnceLock::new(),
            directory: OnceLock::new(),
            read_dir: Mutex::new(None),
        }
    }

    /// The same with no more than `kept`, as the guest gave up the rest for what is opened where this
    /// was, and without what the access mode excludes.
    #[must_use]
    pub fn keeping(self, kept: Rights, excluded: Rights) -> Self {
        Self {
            kept: Kept::new(kept - excluded, kept),
            ..self
        }
    }

    /// A directory that the guest has from the start, under the name `mapped_path`. It may do there
    /// what is in `most` and has been granted.
    pub fn preopen(dir: Dir, mapped_path: Vec<u8>, most: Rights, granted: Rights) -> Self {
        let descriptor = Descriptor::Dir(dir);
        Self {
            mapped_path: Some(mapped_path),
            granted: AtomicU64::new((most & granted).bits()),
            ..Self::new(descriptor, RightsPair::DIRECTORY, most, Fdflags::empty())
        }
    }

    /// A standard stream, with every right that its kind can have and that has been granted.
    pub fn stdio(stdio: Stdio, granted: Rights) -> Self {
        let all = RightsPair {
            base: Rights::all(),
            inheriting: Rights::all(),
        };
        let descriptor = Descriptor::Stdio(stdio);
        Self {
            granted: AtomicU64::new(granted.bits()),
            ..Self::new(descriptor, all, Rights::all(), Fdflags::empty())
        }
    }

    /// What is open.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The name of a preopen.
    pub fn mapped_path(&self) -> Option<&[u8]> {
        self.mapped_path.as_deref()
    }

    /// The type of what is open.
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says.
    pub fn filetype(&self) -> Result<Filetype, Errno> {
        self.kind().map(|kind| kind.filetype)
    }

    #[inline]
    fn kind(&self) -> Result<&Kind, Errno> {
        match self.kind.get() {
            Some(kind) => Ok(kind),
            None => self.find_kind(),
        }
    }

    #[cold]
    fn find_kind(&self) -> Result<&Kind, Errno> {
        match &self.descriptor {
            Descriptor::Dir(_) => Ok(self.kind.get_or_init(|| Kind::DIRECTORY)),
            _ => Ok(self.kind_in(&self.stat()?)),
        }
    }

    /// The kind, which its attributes tell.
    fn kind_in(&self, stat: &Filestat) -> &Kind {
        self.kind.get_or_init(|| {
            let filetype = Filetype::from_raw(stat.filetype.into()).unwrap_or(Filetype::Unknown);
            let rights = match filetype {
                Filetype::RegularFile => RightsPair::REGULAR_FILE,
                Filetype::Directory => RightsPair::DIRECTORY,
                Filetype::SocketStream | Filetype::SocketDgram => RightsPair::SOCKET,
                Filetype::CharacterDevice if self.is_terminal() => RightsPair::TTY,
                Filetype::CharacterDevice | Filetype::BlockDevice => RightsPair::DEVICE,
                Filetype::SymbolicLink | Filetype::Unknown => RightsPair {
                    base: Rights::empty(),
                    inheriting: Rights::empty(),
                },
            };
            Kind { filetype, rights }
        })
    }

    fn is_terminal(&self) -> bool {
        self.file().is_ok_and(FileRef::is_terminal)
    }

    /// Whether it is of a kind that has no offsets.
    ///
    /// # Errors
    ///
    /// As [`Entry::filetype`].
    pub fn is_stream(&self) -> Result<bool, Errno> {
        Ok(!self.kind()?.rights.base.contains(Rights::FD_SEEK))
    }

    /// The rights that are reported: those that were asked for, as far as the guest may use them.
    ///
    /// # Errors
    ///
    /// As [`Entry::filetype`].
    pub fn rights(&self) -> Result<RightsPair, Errno> {
        let most = self.kind()?.rights;
        let granted = self.granted();
        Ok(RightsPair {
            base: self.asked.base & self.kept.base() & most.base & granted,
            inheriting: self.asked.inheriting & self.kept.inheriting() & most.inheriting & granted,
        })
    }

    /// The rights that the guest has not given up for what is opened through this.
    pub fn passed_on(&self) -> Rights {
        self.kept.inheriting()
    }

    /// What the embedder allows, of this and of all that is opened through it.
    pub fn granted(&self) -> Rights {
        Rights::from_bits_retain(self.granted.load(Relaxed))
    }

    /// Lets the guest do more, up to the most that it ever may.
    pub fn grant(&self, granted: Rights) {
        self.granted
            .fetch_or((granted & self.most_granted).bits(), Relaxed);
    }

    /// Whether the guest may open something through this directory: it needs the rights `base`, and
    /// those that it wants for what is opened must be rights, and none that it gave up for that.
    ///
    /// Rights that the embedder withholds do not count among those wanted, unless the guest means to
    /// write: language runtimes ask for all that a directory can pass on whatever they open.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: it may not. As [`Entry::filetype`].
    pub fn require_to_open(
        &self,
        base: Rights,
        inheriting: Rights,
        write: bool,
    ) -> Result<(), Errno> {
        self.require(base)?;
        let passed_on = self.passed_on().contains(inheriting);
        let may_write = !write || self.granted().contains(Rights::FD_WRITE);
        if passed_on && may_write {
            Ok(())
        } else {
            Err(Errno::Notcapable)
        }
    }

    /// Whether the guest may use these rights: the kind of file and the access mode have them, the
    /// embedder grants them, and the guest has not given them up. What `path_open` was asked for does
    /// not count.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: not all of them. As [`Entry::filetype`].
    #[inline]
    pub fn require(&self, base: Rights) -> Result<(), Errno> {
        let most = self.kind()?.rights.base;
        if (self.kept.base() & most & self.granted()).contains(base) {
            Ok(())
        } else {
            Err(Errno::Notcapable)
        }
    }

    /// Whether the guest may use this as a socket: it has all rights of one, and the embedder grants
    /// those that nothing else has. (Reading and writing may be granted for sockets alone.)
    ///
    /// # Errors
    ///
    /// As [`Entry::require`].
    pub fn require_socket(&self) -> Result<(), Errno> {
        let most = self.kind()?.rights.base;
        let all = (self.kept.base() & most).contains(RightsPair::SOCKET.base);
        if all && self.granted().contains(Rights::SOCKET_ONLY) {
            Ok(())
        } else {
            Err(Errno::Notcapable)
        }
    }

    /// Gives up all rights but these: from now on they are all that the guest may use.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: these are more than are reported.
    pub fn set_rights(&self, rights: RightsPair) -> Result<(), Errno> {
        let had = self.rights()?;
        if !had.base.contains(rights.base) || !had.inheriting.contains(rights.inheriting) {
            return Err(Errno::Notcapable);
        }
        self.kept.shrink(rights);
        Ok(())
    }

    /// The flags, as the guest set them.
    pub fn fdflags(&self) -> Fdflags {
        Fdflags::from_bits_retain(self.fdflags.load(Relaxed))
    }

    /// The flags that the host keeps for this descriptor, whatever the guest sets.
    ///
    /// # Errors
    ///
    /// What `fcntl(2)` says.
    pub fn host_fdflags(&self) -> Result<Fdflags, Errno> {
        if let Some(fdflags) = self.host_fdflags.get() {
            return Ok(*fdflags);
        }
        let fdflags = match &self.descriptor {
            Descriptor::File(file) => file.synchronous(),
            Descriptor::Stdio(stdio) => stdio.as_ref().fdflags()? - Fdflags::NONBLOCK,
            Descriptor::Dir(_) | Descriptor::Socket(_) => Fdflags::empty(),
        };
        Ok(*self.host_fdflags.get_or_init(|| fdflags))
    }

    /// Sets the flags: with the host where the descriptor is the guest's own, else for the guest alone.
    ///
    /// # Errors
    ///
    /// What `fcntl(2)` says.
    pub fn set_fdflags(&self, fdflags: Fdflags) -> Result<(), Errno> {
        match &self.descriptor {
            Descriptor::File(file) => file.as_ref().set_fdflags(fdflags)?,
            Descriptor::Socket(socket) => socket.as_ref().set_fdflags(fdflags)?,
            Descriptor::Dir(_) | Descriptor::Stdio(_) => {}
        }
        self.fdflags.store(fdflags.bits(), Relaxed);
        Ok(())
    }

    /// The file or stream.
    ///
    /// # Errors
    ///
    /// [`Errno::Isdir`]: it was opened as a directory.
    pub fn file(&self) -> Result<FileRef<'_>, Errno> {
        match &self.descriptor {
            Descriptor::File(file) => Ok(file.as_ref()),
            Descriptor::Stdio(stdio) => Ok(stdio.as_ref()),
            Descriptor::Socket(socket) => Ok(socket.as_ref()),
            Descriptor::Dir(_) => Err(Errno::Isdir),
        }
    }

    /// The directory.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: it is something else.
    pub fn dir(&self) -> Result<&Dir, Errno> {
        match &self.descriptor {
            Descriptor::Dir(dir) => Ok(dir),
            Descriptor::File(file) if self.filetype()? == Filetype::Directory => {
                if let Some(dir) = self.directory.get() {
                    return Ok(dir);
                }
                let dir = Dir::from_file(file)?;
                Ok(self.directory.get_or_init(|| dir))
            }
            _ => Err(Errno::Notdir),
        }
    }

    /// `readv(2)`, waiting unless the guest made the descriptor non-blocking.
    ///
    /// # Errors
    ///
    /// [`Errno::Isdir`]: it is a directory. What the host says.
    pub fn read(&self, iovs: &Iovecs<'_>) -> Result<usize, Errno> {
        if iovs.bufs().is_empty() {
            return Ok(0);
        }
        Ok(match &self.descriptor {
            _ if stop::may_be_asked() && self.may_wait() => self.read_unless_stopped(iovs)?,
            Descriptor::Stdio(stdio) => stdio.read(iovs, self.is_nonblock())?,
            _ => self.file()?.read(iovs)?,
        })
    }

    /// `writev(2)`, waiting unless the guest made the descriptor non-blocking.
    ///
    /// # Errors
    ///
    /// [`Errno::Isdir`]: it is a directory. What the host says.
    pub fn write(&self, ciovs: Iovecs<'_>) -> Result<usize, Errno> {
        if ciovs.bufs().is_empty() {
            return Ok(0);
        }
        let nwritten = match &self.descriptor {
            _ if stop::may_be_asked() && self.may_wait() => self.write_unless_stopped(ciovs)?,
            Descriptor::Stdio(stdio) => {
                if self.emulated(Fdflags::APPEND)? {
                    // What cannot seek has no end to append to.
                    let _ = stdio.as_ref().seek(SeekFrom::End(0));
                }
                stdio.write(ciovs, self.is_nonblock())?
            }
            _ => self.file()?.write(&ciovs)?,
        };
        self.synchronise()?;
        Ok(nwritten)
    }

    /// `preadv(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Isdir`]: it is a directory. What the host says.
    pub fn read_at(&self, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize, Errno> {
        if iovs.bufs().is_empty() {
            return Ok(0);
        }
        Ok(self.file()?.read_at(iovs, offset)?)
    }

    /// `pwritev(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Isdir`]: it is a directory. What the host says.
    pub fn write_at(&self, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize, Errno> {
        if ciovs.bufs().is_empty() {
            return Ok(0);
        }
        let nwritten = self.file()?.write_at(ciovs, offset)?;
        self.synchronise()?;
        Ok(nwritten)
    }

    /// Whether the guest does not want to wait on this descriptor.
    pub fn is_nonblock(&self) -> bool {
        self.fdflags().contains(Fdflags::NONBLOCK)
    }

    #[cold]
    fn read_unless_stopped(&self, iovs: &Iovecs<'_>) -> Result<usize, Errno> {
        Ok((self.file()?).read_unless_stopped(iovs, self.is_nonblock())?)
    }

    #[cold]
    fn write_unless_stopped(&self, ciovs: Iovecs<'_>) -> Result<usize, Errno> {
        Ok((self.file()?).write_unless_stopped(ciovs, self.is_nonblock())?)
    }

    /// Whether there is something that a read or write would wait for: a disk is as fast as it is.
    #[cold]
    fn may_wait(&self) -> bool {
        use Filetype::{BlockDevice, Directory, RegularFile};
        !matches!(
            self.filetype(),
            Ok(RegularFile | Directory | BlockDevice) | Err(_)
        )
    }

    /// Whether the guest set one of these flags and the host does not keep it.
    fn emulated(&self, fdflags: Fdflags) -> Result<bool, Errno> {
        let set = self.fdflags() & fdflags;
        Ok(!set.is_empty() && !self.host_fdflags()?.contains(set))
    }

    /// Brings to the disk what was written, where the guest asked for that after opening: the host
    /// takes such a flag only when it opens.
    fn synchronise(&self) -> Result<(), Errno> {
        if self.emulated(SYNCHRONOUS)? {
            self.file()?.sync()?;
        }
        Ok(())
    }

    /// `fstat(2)`.
    ///
    /// # Errors
    ///
    /// What the host says.
    pub fn stat(&self) -> Result<Filestat, Errno> {
        Ok(match &self.descriptor {
            Descriptor::Dir(dir) => dir.stat()?,
            _ => self.file()?.stat()?,
        })
    }

    /// [`Entry::stat`], to use the right `base`: whether that is there may become known by the same
    /// system call.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: without it. What the host says.
    pub fn stat_with(&self, base: Rights) -> Result<Filestat, Errno> {
        let stat = self.stat()?;
        self.kind_in(&stat);
        self.require(base)?;
        Ok(stat)
    }

    /// `futimens(2)`.
    ///
    /// # Errors
    ///
    /// What the host says.
    pub fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<(), Errno> {
        match &self.descriptor {
            Descriptor::Dir(dir) => dir.set_times(atim, mtim)?,
            _ => self.file()?.set_times(atim, mtim)?,
        }
        Ok(())
    }

    /// `fsync(2)`.
    ///
    /// # Errors
    ///
    /// What the host says.
    pub fn sync(&self) -> Result<(), Errno> {
        match &self.descriptor {
            Descriptor::Dir(dir) => dir.sync()?,
            _ => self.file()?.sync()?,
        }
        Ok(())
    }

    /// The socket, or what the host will say is none.
    ///
    /// # Errors
    ///
    /// [`Errno::Notsock`]: it is a directory.
    pub fn socket(&self) -> Result<SocketRef<'_>, Errno> {
        self.file().map(SocketRef::from).map_err(|_| Errno::Notsock)
    }

    /// Takes the place of `fd_readdir` for the time of a call; another thread's call meanwhile gets
    /// one of its own.
    pub fn take_read_dir(&self) -> Option<Box<ReadDir>> {
        self.lock_read_dir().take()
    }

    /// Gives the place of `fd_readdir` back.
    pub fn put_read_dir(&self, read_dir: Box<ReadDir>) {
        *self.lock_read_dir() = Some(read_dir);
    }

    fn lock_read_dir(&self) -> std::sync::MutexGuard<'_, Option<Box<ReadDir>>> {
        self.read_dir.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
