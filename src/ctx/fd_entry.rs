use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use super::access::Access;
use super::given_socket::BoundPath;
use super::kind::Kind;
use super::parked::Parked;
use super::{Descriptor, FileId, Preopen, PreopenSource, Slot};
use crate::abi::{Errno, Fdflags, Filestat, Filetype, Rights, RightsPair};
use crate::host::{Interrupt, InterruptibleGuard, InterruptibleMutex, Room, StreamFlags};
use crate::vfs::{Dir, DirRef, ReadDir, StreamHandle};

/// The options of a preopen or a mount.
#[derive(Debug)]
struct Root {
    preopen: Preopen,
    /// Whether it has been unmounted: no path leads to it by its name any more, but it may still be open.
    is_unmounted: AtomicBool,
}

/// Where a descriptor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// A preopen, or opened or accepted later.
    Other,
    /// A standard stream that the guest was started with.
    StandardStream,
    /// A socket that the guest was started with.
    Socket,
}

/// A row of the descriptor table: something open, and the rights for it.
///
/// Entries are shared: a thread in a call keeps its entry open while another thread closes the number.
#[derive(Debug)]
pub struct FdEntry {
    pub(super) descriptor: Descriptor,
    /// The options of a preopen.
    root: Option<Arc<Root>>,
    /// Whether the host descriptor of a preopen is kept open until the guest is dropped.
    stays_open: bool,
    /// Where it comes from.
    origin: Origin,
    /// The path that a socket is bound to. It is unlinked on drop.
    _bound: Option<Box<BoundPath>>,
    /// Its host descriptor in the budget, if the guest opened it.
    _slot: Option<Slot>,
    pub(super) access: Access,
    pub(super) fdflags: AtomicU16,
    /// The flags with which the host opened a standard stream. The guest cannot change them.
    pub(super) stream_flags: OnceLock<StreamFlags>,
    /// The directions in which the guest has shut down a standard stream: `Sdflags`.
    pub(super) shut: AtomicU8,
    /// Set when it is first needed.
    pub(super) kind: OnceLock<Kind>,
    /// The identity of the file; set when it is first needed.
    file_id: OnceLock<FileId>,
    /// The directory stream of `fd_readdir`.
    read_dir: OnceLock<Box<InterruptibleMutex<ReadDir>>>,
}

/// The directory stream of `fd_readdir` while a call uses it.
#[derive(Debug)]
pub enum StreamInUse<'e> {
    /// Locked.
    Held(InterruptibleGuard<'e, ReadDir>),
    /// Taken out, and put back on drop.
    Taken {
        /// The directory stream.
        read_dir: ReadDir,
        /// Where to put it back.
        place: &'e InterruptibleMutex<ReadDir>,
        /// The interrupt of the thread: once interrupted, it is not put back.
        interrupt: &'e Interrupt,
    },
}

impl Deref for StreamInUse<'_> {
    type Target = ReadDir;

    fn deref(&self) -> &ReadDir {
        match self {
            StreamInUse::Held(read_dir) => read_dir,
            StreamInUse::Taken { read_dir, .. } => read_dir,
        }
    }
}

impl DerefMut for StreamInUse<'_> {
    fn deref_mut(&mut self) -> &mut ReadDir {
        match self {
            StreamInUse::Held(read_dir) => read_dir,
            StreamInUse::Taken { read_dir, .. } => read_dir,
        }
    }
}

impl Drop for StreamInUse<'_> {
    fn drop(&mut self) {
        if let StreamInUse::Taken {
            read_dir,
            place,
            interrupt,
        } = self
            && let Ok(mut held) = place.lock(interrupt)
        {
            mem::swap(&mut *held, read_dir);
        }
    }
}

impl FdEntry {
    /// An entry for which the rights `asked` are reported. Everything that is granted can be done with it.
    pub fn new(
        descriptor: Descriptor,
        asked: RightsPair,
        granted: Rights,
        fdflags: Fdflags,
    ) -> Self {
        Self::with(descriptor, Access::new(asked, granted, granted), fdflags)
    }

    #[inline]
    fn with(descriptor: Descriptor, access: Access, fdflags: Fdflags) -> Self {
        Self {
            descriptor,
            root: None,
            stays_open: false,
            origin: Origin::Other,
            _bound: None,
            _slot: None,
            access,
            fdflags: AtomicU16::new(fdflags.bits()),
            stream_flags: OnceLock::new(),
            shut: AtomicU8::new(0),
            kind: OnceLock::new(),
            file_id: OnceLock::new(),
            read_dir: OnceLock::new(),
        }
    }

    /// The same without the rights that the guest has removed from what is opened through the directory (all
    /// but `kept`), and those that the access mode excludes.
    #[must_use]
    pub fn keeping(mut self, kept: Rights, excluded: Rights) -> Self {
        self.access.keep(kept, excluded);
        self
    }

    /// The same, with a host descriptor in the budget.
    #[must_use]
    pub fn in_slot(mut self, slot: Slot) -> Self {
        self._slot = Some(slot);
        self
    }

    /// A preopen: a directory with this identity. Its rights are those that `preopen` allows and that are
    /// granted.
    pub fn preopen(dir: Dir, id: FileId, preopen: Preopen, granted: Rights) -> Self {
        let ceiling = preopen.rights;
        let access = Access::new(RightsPair::DIRECTORY, ceiling & granted, ceiling);
        let root = Root {
            preopen,
            is_unmounted: AtomicBool::new(false),
        };
        Self {
            root: Some(Arc::new(root)),
            file_id: OnceLock::from(id),
            ..Self::with(Descriptor::Dir(dir), access, Fdflags::empty())
        }
    }

    /// The same, for a preopen that might not be found again by its path.
    #[must_use]
    pub fn staying_open(self) -> Self {
        Self {
            stays_open: true,
            ..self
        }
    }

    /// This preopen without an open host descriptor; it is opened again when it is used. Returns the same entry
    /// if it is no directory of the host, or might not be found again.
    #[must_use]
    pub fn park(self: &Arc<Self>) -> Arc<Self> {
        let parked = |root: &Arc<Root>| {
            let PreopenSource::Path(path) = &root.preopen.source else {
                return None;
            };
            if self.stays_open || !matches!(self.descriptor, Descriptor::Dir(_)) {
                return None;
            }
            let id = *self.file_id.get()?;
            let parked = Parked::new(path, id);
            Some(Arc::new(Self {
                root: Some(Arc::clone(root)),
                file_id: OnceLock::from(id),
                ..Self::with(
                    Descriptor::Parked(parked),
                    self.access.clone(),
                    self.fdflags(),
                )
            }))
        };
        (self.root.as_ref())
            .and_then(parked)
            .unwrap_or_else(|| Arc::clone(self))
    }

    /// This preopen for the embedder's view: another descriptor of the same directory, with the most that the
    /// embedder can grant.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: it is no directory. What `openat(2)` says.
    pub fn for_view(&self) -> Result<Self, Errno> {
        let descriptor = match &self.descriptor {
            Descriptor::Parked(parked) => Descriptor::Parked(parked.once_more()),
            _ => Descriptor::Dir(self.dir()?.open_itself()?),
        };
        Ok(Self {
            root: self.root.clone(),
            stays_open: self.stays_open,
            file_id: OnceLock::from(self.file_id()?),
            ..Self::with(descriptor, self.access.at_most(), self.fdflags())
        })
    }

    /// A standard stream, with every right that its type can have and that is granted.
    pub fn stdio(stdio: StreamHandle, granted: Rights) -> Self {
        let access = Access::new(RightsPair::ALL, granted, Rights::all());
        Self {
            origin: Origin::StandardStream,
            ..Self::with(Descriptor::Stream(stdio), access, Fdflags::empty())
        }
    }

    /// Whether the guest was started with it as a standard stream. It may have another number since.
    pub fn is_standard_stream(&self) -> bool {
        self.origin == Origin::StandardStream
    }

    /// A socket that a guest is started with, and the path that it is bound to.
    pub fn given_socket(socket: Descriptor, bound: Option<Box<BoundPath>>) -> Self {
        Self {
            origin: Origin::Socket,
            _bound: bound,
            ..Self::new(socket, RightsPair::SOCKET, Rights::all(), Fdflags::empty())
        }
    }

    /// Whether the guest was started with it as a socket. It may have another number since.
    pub fn is_given_socket(&self) -> bool {
        self.origin == Origin::Socket
    }

    /// What it is open on.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The name of a preopen.
    pub fn mapped_path(&self) -> Option<&[u8]> {
        (self.preopen_options()).map(|preopen| preopen.mapped_path.as_bytes())
    }

    /// The name of a preopen, unless it has been unmounted.
    pub fn mounted_path(&self) -> Option<&[u8]> {
        let root = self.root.as_ref()?;
        let is_unmounted = root.is_unmounted.load(Relaxed);
        (!is_unmounted).then(|| root.preopen.mapped_path.as_bytes())
    }

    /// The options of a preopen.
    pub fn preopen_options(&self) -> Option<&Preopen> {
        self.root.as_ref().map(|root| &root.preopen)
    }

    /// Records that a preopen is unmounted: no path leads to it by its name any more, whether it is open or
    /// not.
    pub fn unmount(&self) {
        if let Some(root) = &self.root {
            root.is_unmounted.store(true, Relaxed);
        }
    }

    /// Whether both are the same preopen. One may be parked, or of the embedder's view.
    pub fn is_same_preopen(&self, other: &Self) -> bool {
        match (&self.root, &other.root) {
            (Some(root), Some(other)) => Arc::ptr_eq(root, other),
            _ => false,
        }
    }

    /// Whether it is the directory of the guest's devices.
    pub fn is_devices(&self) -> bool {
        self.preopen_options()
            .is_some_and(|preopen| matches!(preopen.source, PreopenSource::Devices))
    }

    /// The directory.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: it is something else.
    #[inline]
    pub fn dir(&self) -> Result<DirRef<'_>, Errno> {
        match &self.descriptor {
            Descriptor::Dir(dir) => Ok(dir.as_ref()),
            _ => self.dir_of_other(),
        }
    }

    /// The directory, if it was not opened as one.
    fn dir_of_other(&self) -> Result<DirRef<'_>, Errno> {
        match &self.descriptor {
            Descriptor::File(file) if self.filetype()? == Filetype::Directory => {
                Ok(DirRef::Host(file.handle().as_dir()?))
            }
            Descriptor::Parked(parked) => parked.dir(),
            _ => Err(Errno::Notdir),
        }
    }

    /// `fstat(2)`, with a check of the right `base`. If the type is not known yet, one system call serves both.
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

    /// The identity of the file.
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

    /// The directory stream of `fd_readdir`; waits until no other thread uses it. The memory that it keeps
    /// between calls is taken from `room`. If the directory calls back into the guest, the stream is not locked
    /// meanwhile: a call within has a stream of its own, and the call that ends last puts its stream back.
    ///
    /// # Errors
    ///
    /// [`Errno::Intr`]: the thread is interrupted.
    pub fn read_dir<'e>(
        &'e self,
        room: &Arc<Room>,
        interrupt: &'e Interrupt,
    ) -> Result<StreamInUse<'e>, Errno> {
        let new = || Ok::<_, Errno>(ReadDir::new(self.dir()?, room));
        let place = match self.read_dir.get() {
            Some(place) => place,
            None => {
                let new = new()?;
                self.read_dir
                    .get_or_init(|| Box::new(InterruptibleMutex::new(new)))
            }
        };
        let mut held = place.lock(interrupt)?;
        Ok(if self.dir()?.calls_back() {
            let read_dir = mem::replace(&mut *held, new()?);
            StreamInUse::Taken {
                read_dir,
                place,
                interrupt,
            }
        } else {
            StreamInUse::Held(held)
        })
    }
}
