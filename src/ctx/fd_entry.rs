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

/// What a descriptor is a preopen as, or a mount that never was one.
#[derive(Debug)]
struct Root {
    preopen: Preopen,
    /// Whether it has been unmounted: its name leads to it no more, though it may be open.
    is_unmounted: AtomicBool,
}

/// Where a guest has a descriptor from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// A preopen, or what was opened or accepted since.
    Other,
    /// It is a standard stream from the start.
    StandardStream,
    /// It is a socket from the start.
    Socket,
}

/// A row of the descriptor table: something open, and what the guest may do with it.
///
/// Entries are shared: a thread in the middle of a call on one keeps it open while another closes
/// its number.
#[derive(Debug)]
pub struct FdEntry {
    pub(super) descriptor: Descriptor,
    /// What the embedder preopened it as.
    root: Option<Arc<Root>>,
    /// Whether the host's descriptor of a preopen is kept as long as the guest is.
    stays_open: bool,
    /// Where the guest has it from.
    origin: Origin,
    /// The name of a socket, which goes when the descriptor does.
    _bound: Option<Box<BoundPath>>,
    /// What counts the host's descriptor, where the guest opened it.
    _slot: Option<Slot>,
    pub(super) access: Access,
    pub(super) fdflags: AtomicU16,
    /// How the host opened a standard stream, which is not for the guest to change.
    pub(super) stream_flags: OnceLock<StreamFlags>,
    /// The directions in which the guest has shut a standard stream: `Sdflags`.
    pub(super) shut: AtomicU8,
    /// Found when first asked for.
    pub(super) kind: OnceLock<Kind>,
    /// Which file it is; found when first asked for.
    file_id: OnceLock<FileId>,
    /// The place of `fd_readdir` in a directory.
    read_dir: OnceLock<Box<InterruptibleMutex<ReadDir>>>,
}

/// The place of `fd_readdir`, for the time of one call.
#[derive(Debug)]
pub enum StreamInUse<'e> {
    /// Held.
    Held(InterruptibleGuard<'e, ReadDir>),
    /// Taken from where it is put back.
    Taken {
        /// The place.
        read_dir: ReadDir,
        /// Where it is put back.
        place: &'e InterruptibleMutex<ReadDir>,
        /// What interrupts the thread, and it is then not put back.
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
    /// Something open, for which `asked` was asked: all may be done with it that is granted.
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

    /// The same with no more than `kept`, as the guest gave up the rest for what is opened where this
    /// was, and without what the access mode excludes.
    #[must_use]
    pub fn keeping(mut self, kept: Rights, excluded: Rights) -> Self {
        self.access.keep(kept, excluded);
        self
    }

    /// The entry, to hold one descriptor of the host.
    #[must_use]
    pub fn in_slot(mut self, slot: Slot) -> Self {
        self._slot = Some(slot);
        self
    }

    /// A directory that the guest has from the start, the one with this identity. It may do there what
    /// `preopen` allows and has been granted.
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

    /// The entry, of a preopen to whose path guests may give another meaning.
    #[must_use]
    pub fn staying_open(self) -> Self {
        Self {
            stays_open: true,
            ..self
        }
    }

    /// This preopen without a descriptor of the host, which is opened again when it is used. Itself,
    /// where it is none of the host's directories, or would perhaps not be found again.
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

    /// This preopen for the embedder's view: the same directory, opened once more, with all that the
    /// embedder ever allows in it.
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

    /// A standard stream, with every right that its kind can have and that has been granted.
    pub fn stdio(stdio: StreamHandle, granted: Rights) -> Self {
        let access = Access::new(RightsPair::ALL, granted, Rights::all());
        Self {
            origin: Origin::StandardStream,
            ..Self::with(Descriptor::Stream(stdio), access, Fdflags::empty())
        }
    }

    /// Whether the guest has it from the start as one of its standard streams, be it renumbered since.
    pub fn is_standard_stream(&self) -> bool {
        self.origin == Origin::StandardStream
    }

    /// A socket that the guest has from the start, and the name that goes with it.
    pub fn given_socket(socket: Descriptor, bound: Option<Box<BoundPath>>) -> Self {
        Self {
            origin: Origin::Socket,
            _bound: bound,
            ..Self::new(socket, RightsPair::SOCKET, Rights::all(), Fdflags::empty())
        }
    }

    /// Whether the guest has it from the start as a socket, be it renumbered since.
    pub fn is_given_socket(&self) -> bool {
        self.origin == Origin::Socket
    }

    /// What is open.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The name of a preopen.
    pub fn mapped_path(&self) -> Option<&[u8]> {
        (self.preopen_options()).map(|preopen| preopen.mapped_path.as_bytes())
    }

    /// The name of a preopen by which paths still lead to it.
    pub fn mounted_path(&self) -> Option<&[u8]> {
        let root = self.root.as_ref()?;
        let is_unmounted = root.is_unmounted.load(Relaxed);
        (!is_unmounted).then(|| root.preopen.mapped_path.as_bytes())
    }

    /// What the embedder preopened it as.
    pub fn preopen_options(&self) -> Option<&Preopen> {
        self.root.as_ref().map(|root| &root.preopen)
    }

    /// Takes its name from a preopen: no path leads to it any more, be it open or not.
    pub fn unmount(&self) {
        if let Some(root) = &self.root {
            root.is_unmounted.store(true, Relaxed);
        }
    }

    /// Whether both are the same preopen, be one of them parked or the embedder's.
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

    /// The directory, where it was not opened as one.
    fn dir_of_other(&self) -> Result<DirRef<'_>, Errno> {
        match &self.descriptor {
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
    /// of `room`. Of a directory whose calls may come back it is not held: what comes back has one of its own,
    /// and the last to end leaves its own here.
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
