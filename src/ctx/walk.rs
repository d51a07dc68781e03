//! A path step by step, where the host cannot resolve it for a guest in one call.
//!
//! Down it goes by one name at a time: each directory is opened in the one before by an operation that
//! follows no link, and links are read as text. So nothing is ever resolved against the host's root,
//! and each directory lies in the one that it was reached from, whoever moves what at that time.
//!
//! # What is held
//!
//! The directory where the walk has come to, and for the time of a step the next one: two descriptors
//! of the host, however deep the path. To go up, the `..` of the held directory is opened. It must be
//! the very directory through which the walk came down, so of each of those the device and inode
//! number are kept, and the walk begins again if another is there by now. The root itself stays open
//! and needs no `..`.
//!
//! # Why no handle is ever one from above the root
//!
//! An inode number can be used again: when the held directory has been moved away, the one that it lay
//! in removed, and the held one moved by someone who may do that into a new directory elsewhere, that
//! can have the number which is expected. So what `..` gives is good only for looking at names on the
//! way. After the last step a walk that went up goes down once more from its root, by the names of the
//! directories that it is in. The handle that comes out has been reached by names alone, each opened in
//! the one before, and what `..` gave is closed.
//!
//! Each component takes a fixed number of system calls, and the last way down as many as the path is
//! deep, so the time is linear in the text of the path with all link targets. That is bounded by the
//! limits of a path and of links, and a thread that is interrupted does so on the way.

use std::borrow::Cow;
use std::sync::Arc;

use super::FileId;
use super::resolved::{Follow, Last, ParentDir, RequiredRights, ResolvedPath};
use super::{FdEntry, WasiCtx};
use crate::abi::{Errno, Rights};
use crate::vfs::{Dir, DirRef, Name, NameBuf};

/// How often a path is walked through which directories are moved.
const TRIES: u32 = 4;

/// How many components are walked between two checks for an interruption.
const STRIDE: usize = 64;

impl WasiCtx {
    /// [`WasiCtx::resolve`] step by step, for the paths that the host cannot resolve for a guest.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`]. [`Errno::Again`]: directories that the path goes up from were moved
    /// each time that it was tried. [`Errno::Intr`]: the thread is interrupted.
    pub fn walk(
        &self,
        base: &Arc<FdEntry>,
        path: &[u8],
        follow: Follow,
        required: RequiredRights,
    ) -> Result<ResolvedPath<'static>, Errno> {
        for _ in 0..TRIES {
            match Walk::new(self, base, path, required).run(follow) {
                Ok(resolved) => return Ok(resolved),
                Err(Halt::Moved) => {}
                Err(Halt::Errno(errno)) => return Err(errno),
            }
        }
        Err(Errno::Again)
    }
}

/// Why a walk goes no further.
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

/// A path on its way.
struct Walk<'w> {
    ctx: &'w WasiCtx,
    required: RequiredRights,
    /// The directory that must not be left: where the path began, or the preopen that an absolute
    /// link led to.
    root: Arc<FdEntry>,
    /// The directory that the walk is in; none where that is the root.
    here: Option<Dir>,
    /// What the embedder grants there.
    granted: Rights,
    /// The directories above it.
    above: Vec<Above>,
    /// The names of the directories entered below the root, each with a slash behind it.
    names: Vec<u8>,
    /// Whether `here` was reached by `..`.
    ascended: bool,
    /// Whether `here` is known to be one that may be searched.
    searched: bool,
    rest: Rest<'w>,
    hops: u32,
}

/// A directory through which a walk came down.
struct Above {
    /// None where it is the root.
    id: Option<FileId>,
    granted: Rights,
}

impl<'w> Walk<'w> {
    fn new(
        ctx: &'w WasiCtx,
        base: &Arc<FdEntry>,
        path: &'w [u8],
        required: RequiredRights,
    ) -> Self {
        let mut rest = Rest::default();
        rest.put_before(Cow::Borrowed(path));
        Self {
            ctx,
            required,
            root: Arc::clone(base),
            here: None,
            granted: base.granted(),
            above: Vec::new(),
            names: Vec::new(),
            ascended: false,
            searched: false,
            rest,
            hops: 0,
        }
    }

    fn run(mut self, follow: Follow) -> Result<ResolvedPath<'static>, Halt> {
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
                // Slashes behind the last component ask for a directory, not for a link to be followed.
                name if self.rest.is_empty() => {
                    let ends = match follow {
                        Follow::No => true,
                        Follow::Yes => false,
                        Follow::Create => self.rest.slashes,
                    };
                    if ends || !self.follow(name)? {
                        return self.arrive(NameBuf::new(component));
                    }
                }
                name => self.descend(name)?,
            }
        }
        self.arrive(None)
    }

    fn dir(&self) -> Result<DirRef<'_>, Errno> {
        match &self.here {
            Some(dir) => Ok(dir.as_ref()),
            None => self.root.dir(),
        }
    }

    fn arrive(mut self, name: Option<NameBuf>) -> Result<ResolvedPath<'static>, Halt> {
        if self.ascended {
            self.descend_again()?;
        }
        if !self.above.is_empty() {
            self.required.check_granted(self.granted)?;
        }
        let mount = match &name {
            Some(name) if !self.ctx.mounts.is_empty() => (self.dir()?.stat_at(name.as_name()).ok())
                .and_then(|stat| self.ctx.mounts.rights(FileId::from(&stat))),
            _ => None,
        };
        Ok(ResolvedPath {
            passed_on: self.root.passed_on(),
            directory: name.is_none() || self.rest.slashes,
            parent: match self.here {
                Some(dir) => ParentDir::Opened(dir),
                None => ParentDir::Descriptor(Cow::Owned(self.root)),
            },
            last: name.map_or(Last::Itself, Last::NameBuf),
            granted: self.granted,
            mount,
        })
    }

    /// Sees to it that the directory may be searched, which even `.` and `..` take. Once is enough.
    fn search(&mut self) -> Result<(), Halt> {
        if !self.searched {
            self.dir()?.check_search()?;
            self.searched = true;
        }
        Ok(())
    }

    /// Goes to the directory above, which for a guest's root is the root.
    fn ascend(&mut self) -> Result<(), Halt> {
        let Some(above) = self.above.pop() else {
            let is_root = self.root.mapped_path() == Some(b"/");
            return if is_root {
                Ok(())
            } else {
                Err(Errno::Notcapable.into())
            };
        };
        self.here = match above.id {
            None => None,
            Some(id) => {
                let dir = self.dir()?.open_dotdot()?;
                if FileId::of(dir.as_ref())? != id {
                    return Err(Halt::Moved);
                }
                Some(dir)
            }
        };
        self.ascended = self.here.is_some();
        self.searched = false;
        self.granted = above.granted;
        self.names.pop();
        let name = self.names.iter().rposition(|byte| *byte == b'/');
        self.names.truncate(name.map_or(0, |slash| slash + 1));
        Ok(())
    }

    /// Goes into a directory, or through a link to one.
    fn descend(&mut self, name: &[u8]) -> Result<(), Halt> {
        let entered = self
            .dir()?
            .open_dir_at(Name::new(name).ok_or(Errno::Inval)?);
        match entered {
            Ok(dir) => self.enter(name, dir),
            Err(Errno::Notdir | Errno::Loop) if self.follow(name)? => Ok(()),
            Err(Errno::Loop) => Err(Errno::Notdir.into()),
            Err(error) => Err(error.into()),
        }
    }

    fn enter(&mut self, name: &[u8], dir: Dir) -> Result<(), Halt> {
        self.above.push(Above {
            id: (self.here.as_ref())
                .map(|dir| FileId::of(dir.as_ref()))
                .transpose()?,
            granted: self.granted,
        });
        self.granted = self.ctx.granted_of(self.granted, || dir.as_ref().stat())?;
        self.names.extend_from_slice(name);
        self.names.push(b'/');
        self.here = Some(dir);
        self.searched = false;
        Ok(())
    }

    /// Goes to where the walk is once more, from the root and by names alone.
    fn descend_again(&mut self) -> Result<(), Halt> {
        let id = FileId::of(self.dir()?)?;
        self.here = None;
        self.granted = self.root.granted();
        for name in self.names.split(|byte| *byte == b'/') {
            let Some(name) = Name::new(name) else {
                continue;
            };
            let dir = match self.dir()?.open_dir_at(name) {
                Err(Errno::Noent | Errno::Notdir | Errno::Loop) => return Err(Halt::Moved),
                dir => dir?,
            };
            self.granted = self.ctx.granted_of(self.granted, || dir.as_ref().stat())?;
            self.here = Some(dir);
        }
        if FileId::of(self.dir()?)? == id {
            Ok(())
        } else {
            Err(Halt::Moved)
        }
    }

    /// Puts the target of a link in its place. False where the name is no link, or nothing.
    fn follow(&mut self, name: &[u8]) -> Result<bool, Halt> {
        let name = Name::new(name).ok_or(Errno::Inval)?;
        let mut target = match self.dir()?.read_link_at(name) {
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
            self.required.check(&preopen)?;
            target = rest.to_vec();
            self.granted = preopen.granted();
            self.root = preopen;
            self.here = None;
            self.above.clear();
            self.names.clear();
            self.ascended = false;
            self.searched = false;
        }
        self.rest.put_before(Cow::Owned(target));
        Ok(true)
    }
}

/// What is left of a path: the texts of links that are being followed, and at last of the path itself.
#[derive(Default)]
struct Rest<'p> {
    /// The next one last, each with how much of it is done. All have a component left.
    texts: Vec<(Cow<'p, [u8]>, usize)>,
    /// Whether slashes stood behind the last component of all.
    slashes: bool,
}

impl<'p> Rest<'p> {
    fn put_before(&mut self, text: Cow<'p, [u8]>) {
        if text.iter().any(|byte| *byte != b'/') {
            self.texts.push((text, 0));
        }
    }

    /// Whether no component is left.
    fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Takes the next component; false where there is none.
    fn next(&mut self, component: &mut Vec<u8>) -> bool {
        let Some((text, done)) = self.texts.last_mut() else {
            return false;
        };
        let rest = &text[*done..];
        let start = rest.iter().position(|byte| *byte != b'/').unwrap_or(0);
        let name = &rest[start..];
        let len = (name.iter().position(|byte| *byte == b'/')).unwrap_or(name.len());
        component.clear();
        component.extend_from_slice(&name[..len]);
        let behind = &name[len..];
        if behind.iter().all(|byte| *byte == b'/') {
            let slashes = !behind.is_empty();
            self.texts.pop();
            self.slashes |= slashes && self.texts.is_empty();
        } else {
            *done += start + len;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The components of a path in which each text takes the place of the component that it is put
    /// behind, and whether slashes stand behind the last.
    fn components(path: &str, links: &[(&str, &str)]) -> (Vec<String>, bool) {
        let mut rest = Rest::default();
        rest.put_before(Cow::Borrowed(path.as_bytes()));
        let mut links = links.iter();
        let mut link = links.next();
        let (mut all, mut component) = (Vec::new(), Vec::new());
        while rest.next(&mut component) {
            let name = String::from_utf8(component.clone()).unwrap();
            match link {
                Some((at, target)) if *at == name => {
                    rest.put_before(Cow::Borrowed(target.as_bytes()));
                    link = links.next();
                }
                _ => all.push(name),
            }
        }
        (all, rest.slashes)
    }

    #[test]
    fn a_path_falls_into_components() {
        for (path, expected, slashes) in [
            ("a", &["a"][..], false),
            ("a/", &["a"], true),
            ("a//b///", &["a", "b"], true),
            ("./a/../b", &[".", "a", "..", "b"], false),
            ("a/.", &["a", "."], false),
        ] {
            let (all, behind) = components(path, &[]);
            assert_eq!(all, expected, "{path}");
            assert_eq!(behind, slashes, "{path}");
        }
    }

    #[test]
    fn the_target_of_a_link_takes_its_place() {
        for (path, links, expected, slashes) in [
            ("l", &[("l", "a")][..], &["a"][..], false),
            ("l", &[("l", "a/")], &["a"], true),
            ("l//", &[("l", "a")], &["a"], true),
            ("l/b", &[("l", "a/")], &["a", "b"], false),
            ("x/l/b", &[("l", "../a")], &["x", "..", "a", "b"], false),
            ("l/c", &[("l", "m/b"), ("m", "a")], &["a", "b", "c"], false),
            ("l", &[("l", "m/"), ("m", "a")], &["a"], true),
            ("l/b", &[("l", "/")], &["b"], false),
            ("l", &[("l", "")], &[], false),
        ] {
            let (all, behind) = components(path, links);
            assert_eq!(all, expected, "{path} {links:?}");
            assert_eq!(behind, slashes, "{path} {links:?}");
        }
    }
}
