//! From a guest's path to a name in a directory of the host.
//!
//! Two ways lead there. Most paths stay below their directory, whatever symbolic links they go
//! through, and the host resolves them in one call ([`Dir::open_parent`], which cannot leave the
//! directory). A path that the host stops because it would leave may still be one that a guest may
//! use: `..` in a directory named `/`, or a symbolic link whose absolute target is a path *of the
//! guest*, in one of its preopens. Those are walked here, component by component, with the directory
//! of each step held open and links read as text, so that nothing is ever resolved against the host's
//! root.
//!
//! Either way what comes out is used with an operation that follows no link: if another thread puts
//! one there in the meantime, the operation meets the link and not what it points to.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Entry, WasiCtx};
use crate::abi::{Errno, Filestat, Rights};
use crate::host::{Dir, Name, errno};

/// Whether a symbolic link as the last component is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// It is what the path names.
    No,
    /// What it points to is.
    Yes,
}

impl From<bool> for Follow {
    fn from(follow: bool) -> Self {
        if follow { Self::Yes } else { Self::No }
    }
}

/// The rights that a directory must have for the path to be used in it. The directory where the path
/// begins has been asked; one that a link leads to is asked when it does.
#[derive(Clone, Copy, Debug)]
pub struct Needed {
    /// Of the directory itself.
    pub base: Rights,
    /// Of what is opened through it.
    pub inheriting: Rights,
    /// Whether that is to be written.
    pub write: bool,
}

impl Needed {
    /// Rights of the directory alone.
    pub fn base(base: Rights) -> Self {
        Self {
            base,
            inheriting: Rights::empty(),
            write: false,
        }
    }

    /// Whether a directory has them.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: not all of them.
    pub fn check(self, entry: &Entry) -> Result<(), Errno> {
        entry.require_to_open(self.base, self.inheriting, self.write)
    }
}

/// Where a path leads.
#[derive(Debug)]
pub struct Place<'p> {
    held: Held<'p>,
    /// The descriptor or preopen that it is below.
    root: Cow<'p, Arc<Entry>>,
    /// None where the path names the directory itself.
    name: Option<Cow<'p, [u8]>>,
    /// Whether the path ends in a slash, and so can name only a directory.
    pub directory: bool,
}

/// An open directory: one of the guest's, or one opened on the way.
#[derive(Clone, Debug)]
enum Held<'p> {
    Entry(Cow<'p, Arc<Entry>>),
    Walked(Arc<Dir>),
}

impl Held<'_> {
    fn dir(&self) -> Result<&Dir, Errno> {
        match self {
            Held::Entry(entry) => entry.dir(),
            Held::Walked(dir) => Ok(dir),
        }
    }
}

impl Place<'_> {
    /// The directory.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: the path began at something else.
    pub fn dir(&self) -> Result<&Dir, Errno> {
        self.held.dir()
    }

    /// What the embedder grants of all that is opened here.
    pub fn granted(&self) -> Rights {
        self.root.granted()
    }

    /// What the guest has not given up for what is opened here.
    pub fn passed_on(&self) -> Rights {
        self.root.passed_on()
    }

    /// Whether what is here may have a name `there`: only where no more is granted of it than here.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: it may not.
    pub fn check_move(&self, there: &Place<'_>) -> Result<(), Errno> {
        if self.granted().contains(there.granted()) {
            Ok(())
        } else {
            Err(Errno::Notcapable)
        }
    }

    /// The name in it; none where the path names the directory itself.
    pub fn name(&self) -> Option<Name<'_>> {
        self.name.as_deref().and_then(Name::new)
    }
}

/// Splits a path without slashes at its end into its directory, with a slash behind it, and its last
/// component.
fn split_last(path: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (Some(&path[..=slash]), &path[slash + 1..]),
        None => (None, path),
    }
}

/// The path without the slashes at its end, and whether there were any.
pub fn trim_slashes(path: &[u8]) -> (&[u8], bool) {
    let end = path.iter().rposition(|byte| *byte != b'/');
    let trimmed = &path[..end.map_or(0, |last| last + 1)];
    (trimmed, trimmed.len() < path.len())
}

impl WasiCtx {
    /// Whether a guest may pass this path at all.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: empty, or with a NUL. [`Errno::Nametoolong`]: beyond the limit.
    /// [`Errno::Notcapable`]: absolute.
    pub fn check_path(&self, path: &[u8]) -> Result<(), Errno> {
        if path.is_empty() || path.contains(&0) {
            Err(Errno::Inval)
        } else if path.len() > self.limits.path_len as usize {
            Err(Errno::Nametoolong)
        } else if path[0] == b'/' {
            Err(Errno::Notcapable)
        } else {
            Ok(())
        }
    }

    /// Where `path` leads from the directory `base`, which has the rights `needed`.
    ///
    /// Slashes at the end do not make a link followed here: see [`Place::directory`].
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::check_path`]. [`Errno::Notcapable`]: it leads out of what the guest has, or to
    /// a directory with fewer rights. [`Errno::Loop`]: through too many links. What the host says of
    /// a component before the last.
    pub fn resolve<'p>(
        &self,
        base: &'p Arc<Entry>,
        path: &'p [u8],
        follow: Follow,
        needed: Needed,
    ) -> Result<Place<'p>, Errno> {
        self.check_path(path)?;
        let (trimmed, directory) = trim_slashes(path);
        let (parent, last) = split_last(trimmed);
        let name = Name::new(last).filter(|_| self.limits.host_counts_hops());
        let Some(name) = name else {
            return self.walk(base, path, follow, needed);
        };
        let held = match parent {
            None => Held::Entry(Cow::Borrowed(base)),
            Some(parent) => match base.dir()?.open_parent(parent) {
                Ok(dir) => Held::Walked(Arc::new(dir)),
                Err(error) if errno::is_escape(&error) => {
                    return self.walk(base, path, follow, needed);
                }
                Err(error) => return Err(error.into()),
            },
        };
        if follow == Follow::Yes {
            match held.dir()?.read_link_at(name).map_err(Errno::from) {
                Ok(_) => return self.walk(base, path, follow, needed),
                Err(Errno::Inval | Errno::Noent) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Place {
            held,
            root: Cow::Borrowed(base),
            name: Some(Cow::Borrowed(last)),
            directory,
        })
    }

    /// The attributes of what `path` leads to from the directory `base`, where the host can tell them
    /// without being led there first. None where it takes [`WasiCtx::resolve`] to know.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`].
    pub fn stat_beneath(
        &self,
        base: &Entry,
        path: &[u8],
        follow: Follow,
    ) -> Result<Option<Filestat>, Errno> {
        let (Some(_), last) = split_last(path) else {
            return Ok(None);
        };
        if Name::new(last).is_none() || !self.limits.host_counts_hops() {
            return Ok(None);
        }
        self.check_path(path)?;
        Ok(base.dir()?.stat_beneath(path, follow == Follow::Yes)?)
    }

    /// [`WasiCtx::resolve`] step by step, for the paths that the host cannot resolve for a guest.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`].
    pub fn walk(
        &self,
        base: &Arc<Entry>,
        path: &[u8],
        follow: Follow,
        needed: Needed,
    ) -> Result<Place<'static>, Errno> {
        let mut walk = Walk {
            ctx: self,
            needed,
            root: Arc::clone(base),
            below: Vec::new(),
            rest: path.to_vec(),
            hops: 0,
        };
        loop {
            let component = walk.next_component();
            // Slashes behind the last component ask for a directory, not for a link to be followed.
            let (last, directory) = (trim_slashes(&walk.rest).0.is_empty(), !walk.rest.is_empty());
            match component.as_slice() {
                b"" => return Ok(walk.arrive(None, true)),
                b"." => {}
                b".." => walk.ascend()?,
                name if last => {
                    if follow == Follow::No || !walk.follow(name)? {
                        return Ok(walk.arrive(Some(component), directory));
                    }
                }
                name => walk.descend(name)?,
            }
        }
    }

    /// The preopen with the longest name that `path`, an absolute path of the guest's, begins with,
    /// and what of the path is left.
    fn preopen_of<'p>(&self, path: &'p [u8]) -> Option<(Arc<Entry>, &'p [u8])> {
        let mut longest = None;
        let mut longest_len = 0;
        for preopen in self.preopens() {
            let Some((len, rest)) = strip_mapped_path(path, preopen.mapped_path()?) else {
                continue;
            };
            if longest.is_none() || len > longest_len {
                longest = Some((preopen, rest));
                longest_len = len;
            }
        }
        longest
    }
}

/// A path on its way.
struct Walk<'c> {
    ctx: &'c WasiCtx,
    needed: Needed,
    /// The directory that must not be left: where the path began, or the preopen that an absolute
    /// link led to.
    root: Arc<Entry>,
    /// The directories entered below it.
    below: Vec<Arc<Dir>>,
    /// What is left of the path, the targets of links put in their place.
    rest: Vec<u8>,
    hops: u32,
}

impl Walk<'_> {
    fn here(&self) -> Held<'static> {
        match self.below.last() {
            Some(dir) => Held::Walked(Arc::clone(dir)),
            None => Held::Entry(Cow::Owned(Arc::clone(&self.root))),
        }
    }

    fn arrive(&self, name: Option<Vec<u8>>, directory: bool) -> Place<'static> {
        Place {
            held: self.here(),
            root: Cow::Owned(Arc::clone(&self.root)),
            name: name.map(Cow::Owned),
            directory,
        }
    }

    /// Takes the next component off the rest, which keeps the slashes behind it; empty at the end.
    fn next_component(&mut self) -> Vec<u8> {
        let start = (self.rest.iter())
            .position(|byte| *byte != b'/')
            .unwrap_or(self.rest.len());
        let len = (self.rest[start..].iter())
            .position(|byte| *byte == b'/')
            .unwrap_or(self.rest.len() - start);
        let behind = self.rest.split_off(start + len);
        std::mem::replace(&mut self.rest, behind).split_off(start)
    }

    /// Goes to the directory above, which for a guest's root is the root.
    fn ascend(&mut self) -> Result<(), Errno> {
        if self.below.pop().is_none() && self.root.mapped_path() != Some(b"/") {
            return Err(Errno::Notcapable);
        }
        Ok(())
    }

    /// Goes into a directory, or through a link to one.
    fn descend(&mut self, name: &[u8]) -> Result<(), Errno> {
        let here = self.here();
        let entered = here
            .dir()?
            .open_dir_at(Name::new(name).ok_or(Errno::Inval)?);
        match entered.map_err(Errno::from) {
            Ok(dir) => self.below.push(Arc::new(dir)),
            Err(error @ (Errno::Notdir | Errno::Loop)) => {
                if !self.follow(name)? {
                    return Err(if error == Errno::Loop {
                        Errno::Notdir
                    } else {
                        error
                    });
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Puts the target of a link in its place. False where the name is no link, or nothing.
    fn follow(&mut self, name: &[u8]) -> Result<bool, Errno> {
        let here = self.here();
        let name = Name::new(name).ok_or(Errno::Inval)?;
        let target = match here.dir()?.read_link_at(name).map_err(Errno::from) {
            Ok(target) => target,
            Err(Errno::Inval | Errno::Noent) => return Ok(false),
            Err(error) => return Err(error),
        };
        self.hops += 1;
        if self.hops > self.ctx.limits.symlink_hops {
            return Err(Errno::Loop);
        }
        if target.is_empty() {
            return Err(Errno::Noent);
        }
        if target[0] == b'/' {
            let (preopen, rest) = self.ctx.preopen_of(&target).ok_or(Errno::Notcapable)?;
            self.needed.check(&preopen)?;
            self.root = preopen;
            self.below.clear();
            self.rest.splice(..0, rest.iter().copied());
        } else {
            self.rest.splice(..0, target);
        }
        Ok(true)
    }
}

/// If `path` is `mapped_path` or lies below it: how many components that is, and what is left.
fn strip_mapped_path<'p>(path: &'p [u8], mapped_path: &[u8]) -> Option<(usize, &'p [u8])> {
    if mapped_path.first() != Some(&b'/') {
        return None;
    }
    let mut len = 0;
    let mut rest = path;
    for component in mapped_path.split(|byte| *byte == b'/') {
        if component.is_empty() || component == b"." {
            continue;
        }
        rest = skip_to_name(rest).strip_prefix(component)?;
        if !rest.is_empty() && rest[0] != b'/' {
            return None;
        }
        len += 1;
    }
    Some((len, rest))
}

/// The path without the slashes and the `.` at its start.
fn skip_to_name(mut path: &[u8]) -> &[u8] {
    loop {
        let name = path.iter().position(|byte| *byte != b'/');
        path = &path[name.unwrap_or(path.len())..];
        match path {
            b"." => return b"",
            [b'.', b'/', ..] => path = &path[1..],
            _ => return path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_path_ends_at_a_component() {
        let strip = |path: &'static str, mapped: &str| {
            strip_mapped_path(path.as_bytes(), mapped.as_bytes())
                .map(|(len, rest)| (len, str::from_utf8(rest).unwrap()))
        };
        assert_eq!(strip("/a/b", "/"), Some((0, "/a/b")));
        assert_eq!(strip("/a/b", "/a"), Some((1, "/b")));
        assert_eq!(strip("//a//b/", "/a/"), Some((1, "//b/")));
        assert_eq!(strip("/a/b", "/a/./b"), Some((2, "")));
        assert_eq!(strip("/./a//.//b", "/a/b"), Some((2, "")));
        assert_eq!(strip("/.a", "/a"), None);
        assert_eq!(strip("/ab", "/a"), None);
        assert_eq!(strip("/a", "/a/b"), None);
        assert_eq!(
            strip("/a", "a"),
            None,
            "a relative name is no place for an absolute path"
        );
        assert_eq!(strip("/a", ""), None);
    }

    #[test]
    fn slashes_at_the_end_are_noted() {
        assert_eq!(trim_slashes(b"a/b"), (&b"a/b"[..], false));
        assert_eq!(trim_slashes(b"a/b//"), (&b"a/b"[..], true));
        assert_eq!(trim_slashes(b"///"), (&b""[..], true));
    }
}
