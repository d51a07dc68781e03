//! Resolves a path step by step, where the host cannot resolve it for a guest in one call.
//!
//! The walk goes down by one name at a time: each directory is opened in the one before by an operation that
//! does not follow symbolic links, and the targets of links are read as text. So nothing is ever resolved
//! against the host's root, and each directory lies in the one from which it was reached, whatever is renamed
//! meanwhile.
//!
//! # Open descriptors
//!
//! The present directory is open, and for the time of a step the next one: two host descriptors, however deep
//! the path is; and one more for each mount point above. To go up, the `..` of the present directory is opened.
//! It must be the directory through which the walk came down, so the device and inode number of each of those
//! are kept, and the walk starts over if another directory is there by now. The root itself stays open and
//! needs no `..`.
//!
//! # Mount points
//!
//! Before a name is looked up, the namespace is asked whether something is mounted there. If so, the walk goes
//! on in the root of the mount, with the rights that are granted there, and comes back when a `..` leads above
//! that root.
//!
//! # Why the result never lies above the root
//!
//! An inode number can be reused: while the walk is in a directory, someone may move that away, remove its old
//! parent, and move it into a new directory elsewhere, which has got the inode number of the old parent. The
//! check of `..` would not notice. So what `..` returns is used only for looking at names on the way. After the
//! last step, a walk that has gone up goes down once more from its root, by the names of the directories that
//! it is in. So the directory of the result has been reached by names alone, each opened in the one before, and
//! what `..` returned is closed.
//!
//! Each component takes a fixed number of system calls, and the last way down as many as the path is deep. So
//! the time is linear in the length of the path and of all link targets, which the limits of a path and of
//! links bound; and an interrupted thread ends the walk.

use std::borrow::Cow;
use std::sync::Arc;

use super::mounts::{Mount, MountTable, Mounted};
use super::resolved::{Follow, Last, ParentDir, RequiredRights, ResolvedPath, Special};
use super::rest::Rest;
use super::{FdEntry, FileId, WasiCtx};
use crate::abi::{Errno, Rights};
use crate::vfs::{Dir, DirRef, Name, NameBuf};

/// How often a walk starts over because directories are renamed.
const TRIES: u32 = 4;

/// How many components are walked between two checks for an interruption.
const STRIDE: usize = 64;

/// How many mount points a path may be below at a time.
const MAX_DEPTH: usize = 40;

impl WasiCtx {
    /// [`WasiCtx::resolve`] step by step.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`]. [`Errno::Again`]: directories that the path goes up from were renamed in each
    /// try. [`Errno::Intr`]: the thread is interrupted. [`Errno::Loop`]: it leads through more than 40 mount
    /// points.
    pub fn walk(
        &self,
        base: &Arc<FdEntry>,
        path: &[u8],
        follow: Follow,
        required: RequiredRights,
    ) -> Result<ResolvedPath<'static>, Errno> {
        let mounts = self.mounts.for_paths();
        for _ in 0..TRIES {
            let mut walk = Walk::new(self, mounts.as_deref(), base, path, required);
            match walk.run(follow) {
                Ok(arrival) => {
                    let mut resolved = walk.end(arrival)?;
                    resolved.mounts.clone_from(&mounts);
                    return Ok(resolved);
                }
                Err(Halt::Moved) => {}
                Err(Halt::Errno(errno)) => {
                    if walk.is_deferred {
                        // A guest without the rights gets no other error of a path.
                        walk.check_granted()?;
                    }
                    return Err(errno);
                }
            }
        }
        Err(Errno::Again)
    }
}

/// Why a walk stops.
enum Halt {
    Errno(Errno),
    /// A directory on the way is no longer where it was.
    Moved,
}

impl<E: Into<Errno>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Errno(error.into())
    }
}

/// A walk.
struct Walk<'w> {
    ctx: &'w WasiCtx,
    mounts: Option<&'w MountTable>,
    required: RequiredRights,
    /// Whether the rights are not granted at the base of the path, so that they must be checked where it leads.
    is_deferred: bool,
    at: Position,
    /// The directories of the mount points that it is below, to go back to.
    outer: Vec<Position>,
    rest: Rest<'w>,
    hops: u32,
}

/// A position below one root.
struct Position {
    /// The directory that must not be left, except to where it is mounted: the base of the path, the preopen
    /// that an absolute link led to, or a mounted directory.
    root: Arc<FdEntry>,
    /// The present directory; `None` if it is the root.
    here: Option<Dir>,
    /// Its identity, once it is known.
    id: Option<FileId>,
    /// What the embedder grants in the root.
    root_granted: Rights,
    /// What it grants in the present directory.
    granted: Rights,
    /// What the guest has not removed for what is opened there.
    passed_on: Rights,
    /// The directories above it, below the root.
    above: Vec<Above>,
    /// The names of the directories from the root to here, each with a slash behind it.
    names: Vec<u8>,
    /// Whether `here` was reached by `..`.
    ascended: bool,
    /// Whether `here` is known to be searchable.
    searched: bool,
}

/// A directory through which a walk came down.
struct Above {
    /// `None` if it is the root.
    id: Option<FileId>,
    granted: Rights,
}

/// The last component of a path that has been walked, and what is mounted there.
struct Arrival {
    name: Option<NameBuf>,
    mounted: Option<Mounted>,
}

impl Position {
    fn at(root: Arc<FdEntry>, granted: Rights, passed_on: Rights) -> Self {
        Self {
            root,
            here: None,
            id: None,
            root_granted: granted,
            granted,
            passed_on,
            above: Vec::new(),
            names: Vec::new(),
            ascended: false,
            searched: false,
        }
    }

    fn dir(&self) -> Result<DirRef<'_>, Errno> {
        match &self.here {
            Some(dir) => Ok(dir.as_ref()),
            None => self.root.dir(),
        }
    }

    /// Its identity.
    fn id(&mut self) -> Result<FileId, Errno> {
        if let Some(id) = self.id {
            return Ok(id);
        }
        let id = match &self.here {
            Some(dir) => FileId::of(dir.as_ref())?,
            None => self.root.file_id()?,
        };
        self.id = Some(id);
        Ok(id)
    }

    fn go(&mut self, here: Option<Dir>, id: Option<FileId>, granted: Rights) {
        self.here = here;
        self.id = id;
        self.granted = granted;
        self.searched = false;
    }
}

impl<'w> Walk<'w> {
    fn new(
        ctx: &'w WasiCtx,
        mounts: Option<&'w MountTable>,
        base: &Arc<FdEntry>,
        path: &'w [u8],
        required: RequiredRights,
    ) -> Self {
        let mut rest = Rest::default();
        rest.put_before(Cow::Borrowed(path));
        Self {
            ctx,
            mounts,
            required,
            is_deferred: required.check_granted(base.granted()).is_err(),
            at: begin(ctx, mounts, base),
            outer: Vec::new(),
            rest,
            hops: 0,
        }
    }

    fn run(&mut self, follow: Follow) -> Result<Arrival, Halt> {
        let mut component = Vec::new();
        let mut walked = 0;
        while self.rest.next(&mut component) {
            walked += 1;
            if walked % STRIDE == 0 {
                self.ctx.interrupt.check()?;
            }
            match component.as_slice() {
                b"." => self.search()?,
                b".." => {
                    self.search()?;
                    self.ascend()?;
                }
                // A slash at the end asks for a directory, not for a link to be followed.
                name if self.rest.is_empty() => {
                    let ends = match follow {
                        Follow::No => true,
                        Follow::Yes => false,
                        Follow::Create => self.rest.slashes,
                    };
                    let mounted = self.mounted_at(name)?.map(|mount| mount.target.clone());
                    if mounted.is_some() {
                        // Looking up a name requires that the directory may be searched.
                        self.search()?;
                    }
                    if mounted.is_some() || ends || !self.follow(name)? {
                        return self.arrive(NameBuf::new(component), mounted);
                    }
                }
                name => self.descend(name)?,
            }
        }
        self.arrive(None, None)
    }

    /// Whether it is a preopen that is mounted below another one.
    fn is_on_the_way(&self, preopen: &FdEntry) -> bool {
        let mount = self.mounts.and_then(|mounts| mounts.of_root(preopen));
        mount.is_some_and(Mount::is_on_the_way)
    }

    /// What is mounted at a name in the present directory.
    fn mounted_at(&mut self, name: &[u8]) -> Result<Option<&'w Mount>, Errno> {
        match self.mounts {
            Some(mounts) => mounts.at(name, || self.at.id()),
            None => Ok(None),
        }
    }

    /// Checks that the required rights are granted in the present directory.
    fn check_granted(&self) -> Result<(), Errno> {
        self.required.check_granted(self.at.granted)
    }

    fn arrive(&mut self, name: Option<NameBuf>, mounted: Option<Mounted>) -> Result<Arrival, Halt> {
        if self.at.ascended {
            self.descend_again()?;
        }
        Ok(Arrival { name, mounted })
    }

    /// The result of the walk.
    fn end(&mut self, arrival: Arrival) -> Result<ResolvedPath<'static>, Errno> {
        let Arrival { name, mounted } = arrival;
        let special = match mounted {
            Some(mounted) => Some(self.mount(mounted)),
            None => self.special_at(name.as_ref())?,
        };
        let granted_there = match &special {
            Some(Special::Mount(_, granted)) => self.required.check_granted(*granted),
            _ => Err(Errno::Notcapable),
        };
        if granted_there.is_err() {
            self.check_granted()?;
        }
        let root = Arc::clone(&self.at.root);
        Ok(ResolvedPath {
            passed_on: self.at.passed_on,
            directory: name.is_none() || self.rest.slashes,
            parent: match self.at.here.take() {
                Some(dir) => ParentDir::Opened(dir),
                None => ParentDir::Descriptor(Cow::Owned(root)),
            },
            last: name.map_or(Last::Itself, Last::NameBuf),
            granted: self.at.granted,
            special: special.map(Box::new),
            mounts: None,
        })
    }

    fn mount(&self, mounted: Mounted) -> Special {
        let granted = self.ctx.granted_in(&mounted.root);
        Special::Mount(mounted, granted)
    }

    /// The mount or the restriction at a name, if there is one.
    fn special_at(&mut self, name: Option<&NameBuf>) -> Result<Option<Special>, Errno> {
        let (Some(mounts), Some(name)) = (self.mounts, name) else {
            return Ok(None);
        };
        let name = name.as_name();
        if !mounts.knows_ids(name.as_bytes()) {
            return Ok(None);
        }
        let Ok(stat) = self.at.dir()?.stat_at(name) else {
            return Ok(None);
        };
        let id = FileId::from(&stat);
        let over = mounts.over(id, name.as_bytes(), || self.at.id())?;
        Ok(match over {
            Some(mount) => Some(self.mount(mount.target.clone())),
            None => mounts.rights(id).map(Special::Restricted),
        })
    }

    /// Checks, once, that the present directory may be searched. Even `.` and `..` require that.
    fn search(&mut self) -> Result<(), Halt> {
        if !self.at.searched {
            self.at.dir()?.check_search()?;
            self.at.searched = true;
        }
        Ok(())
    }

    /// Goes to the parent directory. That of a guest's root is the root.
    fn ascend(&mut self) -> Result<(), Halt> {
        let Some(above) = self.at.above.pop() else {
            return self.leave();
        };
        let here = match above.id {
            None => None,
            Some(id) => {
                let dir = self.at.dir()?.open_dotdot()?;
                if FileId::of(dir.as_ref())? != id {
                    return Err(Halt::Moved);
                }
                Some(dir)
            }
        };
        let at = &mut self.at;
        at.ascended = here.is_some();
        at.go(here, above.id, above.granted);
        at.names.pop();
        let name = at.names.iter().rposition(|byte| *byte == b'/');
        at.names.truncate(name.map_or(0, |slash| slash + 1));
        Ok(())
    }

    /// Goes from a root to the parent directory of its mount point.
    fn leave(&mut self) -> Result<(), Halt> {
        if let Some(outer) = self.outer.pop() {
            self.at = outer;
            return Ok(());
        }
        if self.at.root.mapped_path() == Some(b"/") {
            return Ok(());
        }
        // The path did not come through the mount point, so the name of the mount leads there.
        let mount = self.mounts.and_then(|mounts| mounts.of_root(&self.at.root));
        let Some(Mount {
            path,
            point: Some(_),
            ..
        }) = mount
        else {
            return Err(Errno::Notcapable.into());
        };
        let above = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        let above = &path[..above];
        let is_absolute = self
            .at
            .root
            .mapped_path()
            .is_some_and(|name| name.starts_with(b"/"));
        let (preopen, rest) =
            (self.ctx.preopen_above(above, is_absolute)).ok_or(Errno::Notcapable)?;
        self.ctx.check_base(&preopen, self.required)?;
        let rest = rest.to_vec();
        let passed_on = self.at.passed_on;
        self.at = begin(self.ctx, self.mounts, &preopen);
        self.at.passed_on &= passed_on;
        self.rest.put_before(Cow::Owned(rest));
        Ok(())
    }

    /// Goes into a directory, or follows a link to one.
    fn descend(&mut self, name: &[u8]) -> Result<(), Halt> {
        if let Some(mount) = self.mounted_at(name)? {
            return self.cross(&mount.target);
        }
        let entered = (self.at.dir()?).open_dir_at(Name::new(name).ok_or(Errno::Inval)?);
        match entered {
            Ok(dir) => self.enter(name, dir),
            Err(Errno::Notdir | Errno::Loop) if self.follow(name)? => Ok(()),
            Err(Errno::Loop) => Err(Errno::Notdir.into()),
            Err(error) => Err(error.into()),
        }
    }

    fn enter(&mut self, name: &[u8], dir: Dir) -> Result<(), Halt> {
        let mut id = None;
        let mut granted = self.at.granted;
        if let Some(mounts) = self.mounts.filter(|mounts| mounts.knows_ids(name)) {
            let known = FileId::of(dir.as_ref())?;
            if let Some(mount) = mounts.over(known, name, || self.at.id())? {
                return self.cross(&mount.target);
            }
            if let Some(rights) = mounts.rights(known) {
                granted &= rights;
            }
            id = Some(known);
        }
        let at = &mut self.at;
        let above_id = match at.here {
            Some(_) => Some(at.id()?),
            None => None,
        };
        at.above.push(Above {
            id: above_id,
            granted: at.granted,
        });
        at.names.extend_from_slice(name);
        at.names.push(b'/');
        at.go(Some(dir), id, granted);
        Ok(())
    }

    /// Goes into what is mounted at a name in the present directory.
    fn cross(&mut self, mounted: &Mounted) -> Result<(), Halt> {
        if mounted.file.is_some() {
            return Err(Errno::Notdir.into());
        }
        if self.outer.len() == MAX_DEPTH {
            return Err(Errno::Loop.into());
        }
        self.search()?;
        let granted = self.ctx.granted_in(&mounted.root);
        let inner = Position::at(Arc::clone(&mounted.root), granted, self.at.passed_on);
        self.outer.push(std::mem::replace(&mut self.at, inner));
        Ok(())
    }

    /// Opens the present directory once more, from the root and by names alone.
    fn descend_again(&mut self) -> Result<(), Halt> {
        let at = &mut self.at;
        let id = at.id()?;
        at.go(None, None, at.root_granted);
        for name in at.names.split(|byte| *byte == b'/') {
            let Some(name) = Name::new(name) else {
                continue;
            };
            let dir = match &at.here {
                Some(dir) => dir.as_ref().open_dir_at(name),
                None => at.root.dir()?.open_dir_at(name),
            };
            let dir = match dir {
                Err(Errno::Noent | Errno::Notdir | Errno::Loop) => return Err(Halt::Moved),
                dir => dir?,
            };
            if let Some(mounts) = self.mounts {
                at.granted = mounts.granted(at.granted, || dir.as_ref().stat())?;
            }
            at.here = Some(dir);
        }
        if at.id()? == id {
            Ok(())
        } else {
            Err(Halt::Moved)
        }
    }

    /// Puts the target of a symbolic link in its place. False if the name is no link, or does not exist.
    fn follow(&mut self, name: &[u8]) -> Result<bool, Halt> {
        let name = Name::new(name).ok_or(Errno::Inval)?;
        let mut target = match self.at.dir()?.read_link_at(name) {
            Ok(target) => target,
            Err(Errno::Inval | Errno::Noent) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        self.hops += 1;
        if self.hops > self.ctx.limits.symlink_hops {
            return Err(Errno::Loop.into());
        }
        if target.is_empty() {
            return Err(Errno::Noent.into());
        }
        if target[0] == b'/' {
            let (preopen, rest) = self.ctx.preopen_of(&target).ok_or(Errno::Notcapable)?;
            self.ctx.check_base(&preopen, self.required)?;
            if self.is_deferred && !self.is_on_the_way(&preopen) {
                // An absolute link must not lead from where something is not granted to where it is.
                self.check_granted()?;
            }
            target = rest.to_vec();
            self.at = begin(self.ctx, self.mounts, &preopen);
            self.outer.clear();
        }
        self.rest.put_before(Cow::Owned(target));
        Ok(true)
    }
}

/// Where a path from this directory begins: there, or in what has been mounted over it.
fn begin(ctx: &WasiCtx, mounts: Option<&MountTable>, base: &Arc<FdEntry>) -> Position {
    match mounts.and_then(|mounts| mounts.covering(base)) {
        Some(mount) => {
            let root = &mount.target.root;
            let granted = ctx.granted_in(root);
            Position::at(Arc::clone(root), granted, base.passed_on())
        }
        None => Position::at(Arc::clone(base), base.granted(), base.passed_on()),
    }
}
