use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use super::parked::Parked;
use super::{Descriptor, FileId, Preopen, Slot};
use crate::abi::{Errno, Fdflags, Filestat, Filetype, Rights, RightsPair};
use crate::host::{Room, StreamFlags, Taken, Turn};
use crate::vfs::{Dir, DirRef, ReadDir, StreamHandle};

/// A row of the descriptor table: something open, and what the guest may do with it.
///
/// Entries are shared: a thread in the middle of a call on one keeps it open while another closes
/// its number.
#[derive(Debug)]
pub struct Entry {
    pub(super) descriptor: Descriptor,
    /// What the embedder preopened it as.
    preopen: Option<Arc<Preopen>>,
    /// Whether the host's descriptor of a preopen is kept as long as the guest is.
    stays_open: bool,
    /// What counts the host's descriptor, where the guest opened it.
    _slot: Option<Slot>,
    /// What `path_open` was asked for, which is reported and limits nothing.
    asked: RightsPair,
    /// What the access mode leaves, and the guest has not given up.
    kept: Kept,
    /// What the embedder allows, of this and of all that is opened through it.
    granted: AtomicU64,
    /// The most that this can become.
    most_granted: Rights,
    fdflags: AtomicU16,
    /// How the host opened a standard stream, which is not for the guest to change.
    stream_flags: OnceLock<StreamFlags>,
    /// The directions in which the guest has shut a standard stream: `Sdflags`.
    pub(super) shut: AtomicU8,
    /// Found when first asked for: opening does not need it, and it costs a system call.
    kind: OnceLock<Kind>,
    /// Which file it is; found when first asked for.
    file_id: OnceLock<FileId>,
    /// The place of `fd_readdir` in a directory.
    read_dir: OnceLock<Box<Turn<ReadDir>>>,
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
    /// Those of its kind that a standard stream lacks because the host has not opened it for them.
    lacks: Rights,
}

impl Kind {
    const DIRECTORY: Self = Self {
        filetype: Filetype::Directory,
        rights: RightsPair::DIRECTORY,
        lacks: Rights::empty(),
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
            preopen: None,
            stays_open: false,
            _slot: None,
            asked,
            kept: Kept::new(Rights::all(), Rights::all()),
            granted: AtomicU64::new(granted.bits()),
            most_granted: granted,
            fdflags: AtomicU16::new(fdflags.bits()),
            stream_flags: OnceLock::new(),
            shut: AtomicU8::new(0),
            kind: OnceLock::new(),
            file_id: OnceLock::new(),
            read_dir: OnceLock::new(),
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

    /// The entry, to hold one descriptor of the host.
    #[must_use]
    pub fn in_slot(self, slot: Slot) -> Self {
        Self {
            _slot: Some(slot),
            ..self
        }
    }

    /// A directory that the guest has from the start, the one with this identity. It may do there what
    /// `preopen` allows and has been granted.
    pub fn preopen(dir: Dir, id: FileId, preopen: Preopen, granted: Rights) -> Self {
        let (descriptor, most) = (Descriptor::Dir(dir), preopen.rights);
        Self {
            preopen: Some(Arc::new(preopen)),
            file_id: OnceLock::from(id),
            granted: AtomicU64::new((most & granted).bits()),
            ..Self::new(descriptor, RightsPair::DIRECTORY, most, Fdflags::empty())
        }
    }

    /// The entry, of a preopen to whose path guests may give another meaning.
    #[must_use]
    pub fn staying_open(self) -> Self {
        Self {
            stays_open: true,
            ..self
        }
    }

    /// This preopen without a descriptor of the host, which is opened again when it is used. Itself,
    /// where it is no preopen, or would perhaps not be found again.
    #[must_use]
    pub fn park(self: &Arc<Self>) -> Arc<Self> {
        let parked = |preopen: &Arc<Preopen>| {
            if self.stays_open || !matches!(self.descriptor, Descriptor::Dir(_)) {
                return None;
            }
            let id = *self.file_id.get()?;
            let parked = Parked::new(&preopen.real_path, id);
            Some(Arc::new(Self {
                preopen: Some(Arc::clone(preopen)),
                file_id: OnceLock::from(id),
                granted: AtomicU64::new(self.granted().bits()),
                kept: Kept::new(self.kept.base(), self.kept.inheriting()),
                ..Self::new(
                    Descriptor::Parked(parked),
                    RightsPair::DIRECTORY,
                    self.most_granted,
                    self.fdflags(),
                )
            }))
        };
        (self.preopen.as_ref())
            .and_then(parked)
            .unwrap_or_else(|| Arc::clone(self))
    }

    /// A standard stream, with every right that its kind can have and that has been granted.
    pub fn stdio(stdio: StreamHandle, granted: Rights) -> Self {
        let all = RightsPair {
            base: Rights::all(),
            inheriting: Rights::all(),
        };
        let descriptor = Descriptor::Stream(stdio);
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
        (self.preopen.as_ref()).map(|preopen| preopen.mapped_path.as_bytes())
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
            Descriptor::Dir(_) | Descriptor::Parked(_) => {
                Ok(self.kind.get_or_init(|| Kind::DIRECTORY))
            }
            Descriptor::File(file) => match file.handle().filetype() {
                Some(filetype) => self.note_kind(filetype),
                None => self.kind_in(&self.descriptor.stat()?),
            },
            _ => self.kind_in(&self.descriptor.stat()?),
        }
    }

    /// The kind, which its attributes tell.
    #[inline]
    fn kind_in(&self, stat: &Filestat) -> Result<&Kind, Errno> {
        match self.kind.get() {
            Some(kind) => Ok(kind),
            None => self.note_kind(stat.filetype),
        }
    }

    #[cold]
    fn note_kind(&self, filetype: Filetype) -> Result<&Kind, Errno> {
        let mut rights = match filetype {
            Filetype::RegularFile => RightsPair::REGULAR_FILE,
            Filetype::Directory => RightsPair::DIRECTORY,
            Filetype::SocketStream | Filetype::SocketDgram => RightsPair::SOCKET,
            Filetype::CharacterDevice if self.descriptor.is_terminal() => RightsPair::TTY,
            Filetype::CharacterDevice | Filetype::BlockDevice => RightsPair::DEVICE,
            Filetype::SymbolicLink | Filetype::Unknown => RightsPair {
                base: Rights::empty(),
                inheriting: Rights::empty(),
            },
        };
        let mut lacks = Rights::empty();
        if let Descriptor::Stream(stream) = &self.descriptor
            && stream.is_lent()
        {
            let StreamFlags { read, write, .. } = self.stream_flags(stream)?;
            lacks.set(Rights::FD_READ, !read);
            lacks.set(Rights::FD_WRITE, !write);
            lacks &= rights.base;
            rights.base -= lacks;
        }
        // Found before it is kept: what asks the host must not keep other threads waiting.
        Ok(self.kind.get_or_init(|| Kind {
            filetype,
            rights,
            lacks,
        }))
    }

    /// How the host opened a standard stream.
    fn stream_flags(&self, stream: &StreamHandle) -> Result<StreamFlags, Errno> {
        if let Some(flags) = self.stream_flags.get() {
            return Ok(*flags);
        }
        let flags = stream.flags()?;
        Ok(*self.stream_flags.get_or_init(|| flags))
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
        // One that is open in one direction alone is a pipe: no socket, as the host will say.
        let kind = self.kind()?;
        let has = self.kept.base() & (kind.rights.base | kind.lacks);
        if has.contains(RightsPair::SOCKET.base) && self.granted().contains(Rights::SOCKET_ONLY) {
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
        Ok(match &self.descriptor {
            Descriptor::File(file) => file.handle().synchronous(),
            Descriptor::Stream(stream) if stream.is_lent() => {
                self.stream_flags(stream)?.fdflags - Fdflags::NONBLOCK
            }
            Descriptor::Dir(_) | Descriptor::Stream(_) | Descriptor::Parked(_) => Fdflags::empty(),
        })
    }

    /// Sets the flags: with the host where the descriptor is the guest's own, else for the guest alone.
    ///
    /// # Errors
    ///
    /// What `fcntl(2)` says.
    pub fn set_fdflags(&self, fdflags: Fdflags) -> Result<(), Errno> {
        match &self.descriptor {
            Descriptor::File(file) => file.set_fdflags(fdflags)?,
            Descriptor::Stream(StreamHandle::Host(file)) if !file.is_lent() => {
                file.set_fdflags(fdflags)?;
            }
            Descriptor::Dir(_) | Descriptor::Stream(_) | Descriptor::Parked(_) => {}
        }
        self.fdflags.store(fdflags.bits(), Relaxed);
        Ok(())
    }

    /// The directory.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: it is something else.
    pub fn dir(&self) -> Result<DirRef<'_>, Errno> {
        match &self.descriptor {
            Descriptor::Dir(dir) => Ok(dir.as_ref()),
            Descriptor::File(file) if self.filetype()? == Filetype::Directory => {
                Ok(DirRef::Host(file.handle().as_dir()?))
            }
            Descriptor::Parked(parked) => parked.dir(),
            _ => Err(Errno::Notdir),
        }
    }

    /// `fstat(2)`, to use the right `base`: whether that is there may become known by the same
    /// system call.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: without it. What the host says.
    pub fn stat_with(&self, base: Rights) -> Result<Filestat, Errno> {
        let stat = self.descriptor.stat()?;
        self.kind_in(&stat)?;
        self.require(base)?;
        Ok(stat)
    }

    /// Which file it is.
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says.
    pub fn file_id(&self) -> Result<FileId, Errno> {
        if let Some(file_id) = self.file_id.get() {
            return Ok(*file_id);
        }
        let file_id = FileId::from(&self.descriptor.stat()?);
        Ok(*self.file_id.get_or_init(|| file_id))
    }

    /// The place of `fd_readdir`, when no other thread uses it. What it keeps between calls comes out
    /// of `room`.
    ///
    /// # Errors
    ///
    /// [`Errno::Intr`]: the thread is asked to stop.
    pub fn read_dir(&self, room: &Arc<Room>) -> Result<Taken<'_, ReadDir>, Errno> {
        let read_dir = match self.read_dir.get() {
            Some(read_dir) => read_dir,
            None => {
                let new = ReadDir::new(self.dir()?, room);
                self.read_dir.get_or_init(|| Box::new(Turn::new(new)))
            }
        };
        Ok(read_dir.take()?)
    }
}
