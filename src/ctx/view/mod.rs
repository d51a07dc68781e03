//! The embedder's view of a guest's files (`wasi.fs`): the same directories, names and resolution of paths, but
//! with descriptors of its own, and without the limits of the guest's capabilities.

mod by_number;
mod by_path;

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};

use super::by_memory::Fingerprint;
use super::cpu_time::CpuTime;
use super::random::RandomSource;
use super::resolve::RequiredRights;
use super::seen::SeenDir;
use super::shared::{Holders, Share};
use super::stop::Stop;
use super::table::Table;
use super::{
    Descriptor, FdEntry, FileId, Grant, Guest, Limits, Preopen, PreopenSource, STDIO, StringArray,
    WasiCtx,
};
use crate::abi::{Errno, Fd, Fdflags, Filetype, Oflags, Rights, RightsPair};
use crate::vfs::{Dir, Directory, NameBuf, OpenHow};

/// The embedder's view of a guest's files.
///
/// Paths are those of the guest, and neither links nor `..` lead out of its directories. An absolute path
/// begins at the preopen with the longest name that it begins with, as in C libraries of guests. A relative one
/// begins at the root: `/`, or the only preopen, whatever its name.
///
/// The rights for a preopen are those of its options, whatever [`Grant`] the guest has. What they do not allow
/// fails: with [`Errno::Rofs`] if it would change something, otherwise with [`Errno::Notcapable`], as does a
/// path that leads out.
#[derive(Debug)]
pub struct View {
    /// A guest that makes no calls, with the same preopens.
    ctx: WasiCtx,
}

/// To open a directory for listing it.
const LIST: OpenHow = OpenHow {
    read: true,
    write: false,
    oflags: Oflags::DIRECTORY,
    fdflags: Fdflags::empty(),
    follow: true,
};

/// A path of the guest, and the preopen that it begins at.
struct ViewPath<'p> {
    base: Arc<FdEntry>,
    /// The rest of the path; `.` if there is none.
    bytes: &'p [u8],
    required: RequiredRights,
}

impl View {
    /// The view of a guest's files: of the preopens that it has not closed.
    ///
    /// # Errors
    ///
    /// What `openat(2)` says of the directories, which are opened again.
    pub fn of(guest: &WasiCtx) -> Result<Self, Errno> {
        let preopens = guest.preopens();
        let entries = (preopens.iter())
            .filter(|preopen| preopen.mounted_path().is_some())
            .map(|preopen| preopen.for_view())
            .collect::<Result<_, _>>()?;
        Ok(Self {
            ctx: WasiCtx::of(Guest {
                roots: guest.roots.clone(),
                mounts: Arc::clone(&guest.mounts),
                random: guest.random.clone(),
                ..without_calls(entries, guest.limits)
            })
            .with_interrupt(guest.interrupt.clone()),
        })
    }

    /// The view of a file system: of a guest whose only preopen is this directory, as `/`.
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says of the directory.
    pub fn over(root: Arc<dyn Directory>) -> Result<Self, Errno> {
        let id = FileId::from(&root.stat()?);
        let preopen = Preopen {
            mapped_path: "/".to_owned(),
            source: PreopenSource::Directory(Arc::clone(&root)),
            rights: Rights::all(),
        };
        let entry = FdEntry::preopen(Dir::Other(root), id, preopen, Rights::all());
        Ok(Self {
            ctx: WasiCtx::of(Guest {
                roots: vec![id],
                ..without_calls(vec![entry], Limits::default())
            }),
        })
    }

    /// Opens the directory at a path for another guest: it has the mounts below, and no more rights than this
    /// view.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: it is no directory. As [`open`](Self::open).
    pub fn directory(self: &Arc<Self>, path: &[u8]) -> Result<Arc<dyn Directory>, Errno> {
        let entry = self.open_entry(path, LIST, Rights::empty())?;
        match entry.descriptor() {
            Descriptor::Dir(Dir::Other(dir)) if self.sees_all(entry.granted()) => {
                Ok(Arc::clone(dir))
            }
            _ => Ok(Arc::new(SeenDir::top(Arc::clone(self), entry))),
        }
    }

    /// The file at a path, as what another guest can mount; `None` for a directory.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn file(self: &Arc<Self>, path: &[u8]) -> Result<Option<PreopenSource>, Errno> {
        if self.stat(path, true)?.filetype == Filetype::Directory {
            return Ok(None);
        }
        let path = self.path(path, Rights::PATH_FILESTAT_GET)?;
        let place = self.existing(&path, true)?;
        let name = place
            .name()
            .map(|name| NameBuf::new(name.as_bytes().to_vec()));
        let name = name.flatten().ok_or(Errno::Isdir)?;
        let dir = match place.dir()?.open_itself()? {
            Dir::Other(dir) if self.sees_all(place.granted()) => dir,
            dir => SeenDir::with(Arc::clone(self), dir, place.granted()),
        };
        Ok(Some(PreopenSource::File(dir, name)))
    }

    /// Whether a directory with the rights `granted` needs no checks beyond those of its own file system.
    fn sees_all(&self, granted: Rights) -> bool {
        granted == Rights::all() && self.ctx.mounts.for_paths().is_none()
    }

    /// The guest of the view, which makes no calls.
    pub(super) fn ctx(&self) -> &WasiCtx {
        &self.ctx
    }

    /// The path of the root, then the names of the preopens.
    pub fn mapped_paths(&self) -> Vec<Vec<u8>> {
        let preopens = self.ctx.preopens();
        let name = |entry: &Arc<FdEntry>| entry.mapped_path().unwrap_or(b"/").to_vec();
        let root = only(&preopens).map_or(b"/".to_vec(), name);
        [root]
            .into_iter()
            .chain(
                preopens
                    .iter()
                    .filter(|entry| entry.mounted_path().is_some())
                    .map(name),
            )
            .collect()
    }

    /// Adds the preopens that have been mounted since.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of). [`Errno::Nfile`]: too many are open.
    pub fn follow(&self, guest: &WasiCtx) -> Result<(), Errno> {
        let known = self.ctx.preopens();
        for preopen in guest.preopens() {
            let is_known = known.iter().any(|other| other.is_same_preopen(&preopen));
            if !is_known && preopen.mounted_path().is_some() {
                let entry = Arc::new(preopen.for_view()?);
                self.ctx.table().push(entry)?;
            }
        }
        Ok(())
    }

    /// Closes the host descriptors of the preopens, which are opened again when they are used.
    pub fn park(&self) {
        self.ctx.park_preopens(|_| true);
    }

    /// Closes everything.
    pub fn close_all(&self) {
        self.ctx.close_all();
    }

    fn path<'p>(&self, path: &'p [u8], rights: Rights) -> Result<ViewPath<'p>, Errno> {
        self.path_to(
            path,
            RequiredRights {
                refusal: refusal(rights),
                ..RequiredRights::base(rights)
            },
        )
    }

    /// The preopen that a path begins at, and the rest of the path.
    fn base_of<'p>(&self, path: &'p [u8]) -> Result<(Arc<FdEntry>, &'p [u8]), Errno> {
        let root = match path.first() {
            None => return Err(Errno::Noent),
            Some(b'/') => None,
            Some(_) => only(&self.ctx.preopens()).map(Arc::clone),
        };
        match root {
            Some(root) => Ok((root, path)),
            None => self.ctx.preopen_around(path).ok_or(Errno::Noent),
        }
    }

    fn path_to<'p>(&self, path: &'p [u8], required: RequiredRights) -> Result<ViewPath<'p>, Errno> {
        let (base, rest) = self.base_of(path)?;
        self.ctx.check_base(&base, required)?;
        let name = rest.iter().position(|byte| *byte != b'/');
        Ok(ViewPath {
            base,
            bytes: name.map_or(b".", |name| &rest[name..]),
            required,
        })
    }

    /// `open(2)`: the lowest free number, from 3 up.
    ///
    /// # Errors
    ///
    /// [`Errno::Nfile`]: the limit is reached. As [`WasiCtx::open_path`].
    pub fn open(&self, path: &[u8], how: OpenHow) -> Result<Fd, Errno> {
        let reserved = self.ctx.reserve()?;
        Ok(reserved.fill(self.open_entry(path, how, Rights::empty())?))
    }

    /// Opens a path. Needs the rights `besides` in addition to those for opening.
    fn open_entry(&self, path: &[u8], how: OpenHow, besides: Rights) -> Result<FdEntry, Errno> {
        let mut required = RequiredRights::to_open(how, refusal);
        required.base |= besides;
        let path = self.path_to(path, required)?;
        let opened = (self.ctx).open_path(&path.base, path.bytes, how, path.required)?;
        Ok(opened.into_entry(how, RightsPair::ALL))
    }
}

/// A guest that makes no calls. Its descriptors are numbered as those of any guest.
fn without_calls(preopens: Vec<FdEntry>, limits: Limits) -> Guest {
    Guest {
        args: StringArray::default(),
        environ: StringArray::default(),
        limits,
        calls: AtomicU64::new(Grant::NONE.calls),
        refused: AtomicU64::default(),
        roots: Vec::new(),
        read_dir_room: Arc::default(),
        table: Mutex::new(Table::numbered_from(STDIO, preopens, limits.descriptors)),
        granted: AtomicU64::new(Grant::NONE.preopens.bits()),
        mounts: Arc::default(),
        is_view: true,
        random: RandomSource::host(),
        given_clocks: OnceLock::new(),
        stop: Stop::default(),
        cpu_time: CpuTime::default(),
        share: Share::default(),
        holders: Holders::default(),
        fingerprint: Fingerprint::default(),
        ended: AtomicBool::new(false),
    }
}

/// The only preopen, devices not counted.
fn only(preopens: &[Arc<FdEntry>]) -> Option<&Arc<FdEntry>> {
    let mut all =
        (preopens.iter()).filter(|entry| !entry.is_devices() && entry.mounted_path().is_some());
    all.next().filter(|_| all.next().is_none())
}

/// The error if one of these rights is missing.
fn refusal(rights: Rights) -> Errno {
    if Rights::READ_ONLY.contains(rights) {
        Errno::Notcapable
    } else {
        Errno::Rofs
    }
}
