//! What the embedder sees of a guest's files: the same directories, under the same names, held together by
//! the same resolution; but with descriptors of its own, and not limited by what the guest may call.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};

use super::by_memory::Fingerprint;
use super::cpu_time::CpuTime;
use super::random::RandomSource;
use super::resolve::{Follow, RequiredRights, ResolvedPath};
use super::seen::SeenDir;
use super::shared::{Holders, Share};
use super::stop::Stop;
use super::table::Table;
use super::{
    Descriptor, FdEntry, FileId, Grant, Guest, Limits, Preopen, PreopenSource, STDIO, StringArray,
    WasiCtx,
};
use crate::abi::{Errno, Fd, Fdflags, Filesize, Filestat, Filetype, Oflags, Rights, RightsPair};

use crate::memory::{Iovecs, LinearMemory};
use crate::vfs::{Dir, Directory, NameBuf, OpenHow, SetTime};

/// The embedder's view of a guest's files.
///
/// Paths are those of the guest, with which no link and no `..` leads out. An absolute one begins at the
/// preopen with the longest name that it begins with, as libraries in guests have it. A relative one begins
/// at the root: `/`, or the only preopen, whatever its name.
///
/// What may be done in a preopen is what its options say, whatever [`Grant`] the guest has.
/// What they do not allow is refused: with [`Errno::Rofs`] if it changes something, else with
/// [`Errno::Notcapable`], as is a path that leads out.
#[derive(Debug)]
pub struct View {
    /// A guest that makes no calls, with preopens of the same directories.
    ctx: WasiCtx,
}

/// How a directory is opened to be listed.
const LIST: OpenHow = OpenHow {
    read: true,
    write: false,
    oflags: Oflags::DIRECTORY,
    fdflags: Fdflags::empty(),
    follow: true,
};

/// A path of the guest's, and where it begins.
struct ViewPath<'p> {
    base: Arc<FdEntry>,
    /// `.` where the path has nothing behind what it begins at.
    bytes: &'p [u8],
    required: RequiredRights,
}

impl View {
    /// The view of a guest's files: of the preopens that it has not closed.
    ///
    /// # Errors
    ///
    /// What `openat(2)` says of the directories, which are opened once more.
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

    /// The view of a file system: of a guest that has this directory as `/`, and nothing else.
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

    /// The directory at a path, open, for another guest: what is mounted below is met there, and what may not
    /// be done here may not be done by that guest.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: it is none. As [`open`](Self::open).
    pub fn directory(self: &Arc<Self>, path: &[u8]) -> Result<Arc<dyn Directory>, Errno> {
        let entry = self.open_entry(path, LIST, Rights::empty())?;
        match entry.descriptor() {
            Descriptor::Dir(Dir::Other(dir)) if self.sees_all(entry.granted()) => {
                Ok(Arc::clone(dir))
            }
            _ => Ok(Arc::new(SeenDir::top(Arc::clone(self), entry))),
        }
    }

    /// What is mounted of a file; none for a directory.
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

    /// Whether there is nothing where so much is granted that its file system does not see to itself.
    fn sees_all(&self, granted: Rights) -> bool {
        granted == Rights::all() && self.ctx.mounts.for_paths().is_none()
    }

    /// The guest that it is of, as it makes no calls.
    pub(super) fn ctx(&self) -> &WasiCtx {
        &self.ctx
    }

    /// The guest path of the root, then those of the preopens.
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

    /// Takes the preopens that have been mounted since: paths begin there, too.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of). [`Errno::Nfile`]: as many are open as may be.
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

    /// Gives back what the host holds for the preopens, which are opened again when they are used.
    pub fn park(&self) {
        self.ctx.park_preopens(|_| true);
    }

    /// Closes all that is open.
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

    /// The directory that a path begins at, and what is left of it.
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

    /// `open(2)`: the lowest number that is free, from 3 up.
    ///
    /// # Errors
    ///
    /// [`Errno::Nfile`]: the limit is reached. As [`WasiCtx::open_path`].
    pub fn open(&self, path: &[u8], how: OpenHow) -> Result<Fd, Errno> {
        let reserved = self.ctx.reserve()?;
        Ok(reserved.fill(self.open_entry(path, how, Rights::empty())?))
    }

    /// What is at a path, opened to use the rights `besides` those that opening takes.
    fn open_entry(&self, path: &[u8], how: OpenHow, besides: Rights) -> Result<FdEntry, Errno> {
        let mut required = RequiredRights::to_open(how, refusal);
        required.base |= besides;
        let path = self.path_to(path, required)?;
        let opened = (self.ctx).open_path(&path.base, path.bytes, how, path.required)?;
        Ok(opened.into_entry(how, RightsPair::ALL))
    }

    /// What has the number `fd`, to use `right`; `without` is answered where the way it was opened leaves
    /// that out.
    fn entry(&self, fd: Fd, right: Rights, without: Errno) -> Result<Arc<FdEntry>, Errno> {
        let entry = self.ctx.entry(fd)?;
        if entry.mapped_path().is_some() {
            return Err(Errno::Badf);
        }
        match entry.require(right) {
            Ok(()) => Ok(entry),
            Err(Errno::Notcapable) if entry.granted().contains(right) => Err(without),
            Err(Errno::Notcapable) => Err(refusal(right)),
            Err(error) => Err(error),
        }
    }

    /// `close(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open.
    pub fn close(&self, fd: Fd) -> Result<(), Errno> {
        self.entry(fd, Rights::empty(), Errno::Badf)?;
        self.ctx.close(fd)
    }

    /// Whether to read or write what has this number may run what is the embedder's own.
    pub fn calls_back(&self, fd: Fd) -> bool {
        (self.ctx.entry(fd)).is_ok_and(|entry| match entry.descriptor() {
            Descriptor::File(file) => file.handle().calls_back(),
            _ => false,
        })
    }

    /// `read(2)`, or `pread(2)` at an offset: how many bytes.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open for reading. [`Errno::Isdir`]. [`Errno::Spipe`]: it has no offsets. What
    /// `pread(2)` says.
    pub fn read(&self, fd: Fd, to: &mut [u8], at: Option<Filesize>) -> Result<usize, Errno> {
        let entry = self.entry(fd, Rights::empty(), Errno::Badf)?;
        if entry.filetype()? == Filetype::Directory {
            return Err(Errno::Isdir);
        }
        self.entry(fd, Rights::FD_READ, Errno::Badf)?;
        let memory = LinearMemory::exclusive(to);
        let iovs = Iovecs::all_of(&memory);
        match at {
            None => entry.read(&iovs, self.ctx.interrupt()),
            Some(_) if entry.is_stream()? => Err(Errno::Spipe),
            Some(offset) => entry.read_at(&iovs, offset, self.ctx.interrupt()),
        }
    }

    /// `write(2)`, or `pwrite(2)` at an offset: how many bytes. It takes them as if they were to be written
    /// to, and does not.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open for writing. [`Errno::Spipe`]: it has no offsets. What `pwrite(2)` says.
    pub fn write(&self, fd: Fd, from: &mut [u8], at: Option<Filesize>) -> Result<usize, Errno> {
        let entry = self.entry(fd, Rights::FD_WRITE, Errno::Badf)?;
        let memory = LinearMemory::exclusive(from);
        let ciovs = Iovecs::all_of(&memory);
        match at {
            None => entry.write(ciovs, self.ctx.interrupt()),
            Some(_) if entry.is_stream()? => Err(Errno::Spipe),
            Some(offset) => entry.write_at(&ciovs, offset, self.ctx.interrupt()),
        }
    }

    /// `fstat(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open. What `fstat(2)` says.
    pub fn fstat(&self, fd: Fd) -> Result<Filestat, Errno> {
        let entry = self.entry(fd, Rights::empty(), Errno::Badf)?;
        entry.descriptor().stat()
    }

    /// `ftruncate(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open. [`Errno::Inval`]: not for writing. What `ftruncate(2)` says.
    pub fn set_size(&self, fd: Fd, size: Filesize) -> Result<(), Errno> {
        let entry = self.entry(fd, Rights::FD_FILESTAT_SET_SIZE, Errno::Inval)?;
        entry.descriptor().set_size(size)
    }

    /// `futimens(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open. What `futimens(2)` says.
    pub fn set_times(&self, fd: Fd, atim: SetTime, mtim: SetTime) -> Result<(), Errno> {
        let entry = self.entry(fd, Rights::FD_FILESTAT_SET_TIMES, Errno::Badf)?;
        entry.descriptor().set_times(atim, mtim)
    }

    /// `fsync(2)`; `fdatasync(2)` where `data_only`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open. What `fsync(2)` says.
    pub fn sync(&self, fd: Fd, data_only: bool) -> Result<(), Errno> {
        let entry = self.entry(fd, Rights::empty(), Errno::Badf)?;
        if data_only && entry.filetype()? != Filetype::Directory {
            entry.descriptor().datasync()
        } else {
            entry.descriptor().sync()
        }
    }

    /// `stat(2)`; `lstat(2)` unless `follow`.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::stat_path`].
    pub fn stat(&self, path: &[u8], follow: bool) -> Result<Filestat, Errno> {
        let path = self.path(path, Rights::PATH_FILESTAT_GET)?;
        (self.ctx).stat_path(&path.base, path.bytes, follow, path.required)
    }

    /// `access(2)`: whether it is there; and if it is a file, or a directory to be read, whether it can be
    /// opened so.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat) and [`open`](Self::open).
    pub fn access(&self, path: &[u8], read: bool, write: bool) -> Result<(), Errno> {
        let stat = self.stat(path, true)?;
        if write {
            let required = RequiredRights {
                write: true,
                refusal: Errno::Rofs,
                ..RequiredRights::base(Rights::PATH_OPEN)
            };
            self.existing(&self.path_to(path, required)?, true)?;
        }
        let how = match stat.filetype {
            Filetype::RegularFile if read || write => OpenHow {
                read,
                write,
                oflags: Oflags::empty(),
                ..LIST
            },
            Filetype::Directory if read => LIST,
            _ => return Ok(()),
        };
        self.open_entry(path, how, Rights::empty()).map(drop)
    }

    /// `utimensat(2)`, of a link itself unless `follow`.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve_existing`]. What `utimensat(2)` says.
    pub fn set_times_of(
        &self,
        path: &[u8],
        follow: bool,
        atim: SetTime,
        mtim: SetTime,
    ) -> Result<(), Errno> {
        let path = self.path(path, Rights::PATH_FILESTAT_SET_TIMES)?;
        let place = self.existing(&path, follow)?;
        place.set_times(atim, mtim)
    }

    /// Calls `each` with every name in a directory but `.` and `..`, and its type.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: it is none. As [`open`](Self::open). What `getdents(2)` says.
    pub fn list(&self, path: &[u8], mut each: impl FnMut(&[u8], Filetype)) -> Result<(), Errno> {
        let entry = self.open_entry(path, LIST, Rights::FD_READDIR)?;
        // It may itself be a preopen that has fewer rights than those on the way.
        entry.require(Rights::FD_READDIR)?;
        let mut listing = self.ctx.read_dir(&entry)?;
        listing.seek(0, self.ctx.interrupt())?;
        while let Some(listed) = listing.read(self.ctx.interrupt())? {
            if !matches!(listed.name, b"." | b"..") {
                each(listed.name, listed.filetype);
            }
        }
        Ok(())
    }

    /// `readlink(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: it is no link. As [`WasiCtx::resolve_existing`]. What `readlink(2)` says.
    pub fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, Errno> {
        let path = self.path(path, Rights::PATH_READLINK)?;
        self.existing(&path, false)?.read_link()
    }

    /// `mkdir(2)` with mode 0777.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`] and [`ResolvedPath::create_dir`].
    pub fn create_dir(&self, path: &[u8]) -> Result<(), Errno> {
        let path = self.path(path, Rights::PATH_CREATE_DIRECTORY)?;
        self.resolve(&path)?.create_dir()
    }

    /// `rmdir(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Busy`]: it is what the guest was given. As [`WasiCtx::resolve`] and
    /// [`ResolvedPath::remove_dir`].
    pub fn remove_dir(&self, path: &[u8]) -> Result<(), Errno> {
        // Whatever may be done in it, as on Linux.
        let (_, rest) = self.base_of(path)?;
        if rest.iter().all(|byte| *byte == b'/') {
            return Err(Errno::Busy);
        }
        let path = self.path(path, Rights::PATH_REMOVE_DIRECTORY)?;
        self.resolve(&path)?.remove_dir(path.bytes)
    }

    /// `unlink(2)`.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`] and [`ResolvedPath::unlink`].
    pub fn unlink(&self, path: &[u8]) -> Result<(), Errno> {
        let path = self.path(path, Rights::PATH_UNLINK_FILE)?;
        self.resolve(&path)?.unlink()
    }

    /// `rename(2)`.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`] and [`ResolvedPath::rename_to`].
    pub fn rename(&self, old: &[u8], new: &[u8]) -> Result<(), Errno> {
        let old = self.path(old, Rights::PATH_RENAME_SOURCE)?;
        let new = self.path(new, Rights::PATH_RENAME_TARGET)?;
        self.resolve(&old)?.rename_to(|| self.resolve(&new))
    }

    /// `link(2)`, of a symbolic link itself.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve_existing`] and [`ResolvedPath::link_to`].
    pub fn link(&self, old: &[u8], new: &[u8]) -> Result<(), Errno> {
        let old = self.path(old, Rights::PATH_LINK_SOURCE)?;
        let new = self.path(new, Rights::PATH_LINK_TARGET)?;
        (self.existing(&old, false)?).link_to(|| self.resolve(&new))
    }

    /// `symlink(2)`. Unlike a guest, the embedder may let it point anywhere: following it leads to where a
    /// path of the guest can, and nowhere else.
    ///
    /// # Errors
    ///
    /// [`Errno::Noent`]: an empty target. As [`WasiCtx::resolve`] and [`ResolvedPath::symlink`].
    pub fn symlink(&self, target: &[u8], path: &[u8]) -> Result<(), Errno> {
        if target.is_empty() {
            return Err(Errno::Noent);
        }
        let path = self.path(path, Rights::PATH_SYMLINK)?;
        self.resolve(&path)?.symlink(target)
    }

    fn resolve<'p>(&self, path: &'p ViewPath<'_>) -> Result<ResolvedPath<'p>, Errno> {
        (self.ctx).resolve(&path.base, path.bytes, Follow::No, path.required)
    }

    fn existing<'p>(
        &self,
        path: &'p ViewPath<'_>,
        follow: bool,
    ) -> Result<ResolvedPath<'p>, Errno> {
        (self.ctx).resolve_existing(&path.base, path.bytes, follow, path.required)
    }
}

/// A guest that makes no calls. What is opened has the numbers that a guest would give it.
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

/// The only preopen, the one of the devices not counted.
fn only(preopens: &[Arc<FdEntry>]) -> Option<&Arc<FdEntry>> {
    let mut all =
        (preopens.iter()).filter(|entry| !entry.is_devices() && entry.mounted_path().is_some());
    all.next().filter(|_| all.next().is_none())
}

/// What is answered where these rights are missing.
fn refusal(rights: Rights) -> Errno {
    if Rights::READ_ONLY.contains(rights) {
        Errno::Notcapable
    } else {
        Errno::Rofs
    }
}
