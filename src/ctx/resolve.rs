//! From a guest's path to a name in a directory of the host.
//!
//! Two ways lead there. Most paths stay below their directory, whatever symbolic links they go
//! through, and the host resolves them in one call ([`Dir::open_parent`], which cannot leave the
//! directory). A path that the host stops because it would leave may still be one that a guest may
//! use: `..` in a directory named `/`, or a symbolic link whose absolute target is a path *of the
//! guest*, in one of its preopens. Those are walked, component by component (`walk.rs`), as are
//! all paths where the host has no such call, or where each directory on the way must be looked at.
//!
//! Either way what comes out is used with an operation that follows no link: if another thread puts
//! one there in the meantime, the operation meets the link and not what it points to.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use super::{Entry, FileId, WasiCtx};
use crate::abi::{Errno, Filestat, Rights};
use crate::host::{Dir, Name, errno};

/// Whether a symbolic link as the last component is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// It is what the path names.
    No,
    /// What it points to is.
    Yes,
    /// What it points to is, to be created if it is not there. Slashes end that: no name of a new file
    /// has any behind it.
    Create,
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

    /// Whether the embedder grants as much.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: not all of it.
    pub fn check_granted(self, granted: Rights) -> Result<(), Errno> {
        let mut wanted = self.base;
        wanted.set(Rights::FD_WRITE, self.write);
        if granted.contains(wanted) {
            Ok(())
        } else {
            Err(Errno::Notcapable)
        }
    }
}

/// Where a path leads.
#[derive(Debug)]
pub struct Place<'p> {
    pub(super) held: Held<'p>,
    /// What the embedder grants in the directory.
    pub(super) granted: Rights,
    /// What the guest has not given up for what is opened there.
    pub(super) passed_on: Rights,
    /// None where the path names the directory itself.
    pub(super) name: Option<Cow<'p, [u8]>>,
    /// Whether the path ends in a slash, and so can name only a directory.
    pub directory: bool,
    /// What the embedder grants of what is there, if that is a preopen with fewer rights.
    pub(super) mount: Option<Rights>,
}

/// An open directory: one of the guest's, or one opened on the way.
#[derive(Debug)]
pub(super) enum Held<'p> {
    Entry(Cow<'p, Arc<Entry>>),
    Walked(Dir),
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
        self.granted
    }

    /// Whether the rights that were needed of the directory are granted of what is there, too.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: not all of them.
    pub fn check_target(&self, needed: Needed) -> Result<(), Errno> {
        match self.mount {
            Some(granted) => needed.check_granted(granted),
            None => Ok(()),
        }
    }

    /// Whether the name may come to be that of something else.
    ///
    /// # Errors
    ///
    /// [`Errno::Busy`]: it is that of a preopen with fewer rights than what it lies in.
    pub fn check_replaceable(&self) -> Result<(), Errno> {
        match self.mount {
            Some(_) => Err(Errno::Busy),
            None => Ok(()),
        }
    }

    /// What the guest has not given up for what is opened here.
    pub fn passed_on(&self) -> Rights {
        self.passed_on
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
    /// a directory with fewer rights. [`Errno::Loop`]: through too many links. [`Errno::Again`],
    /// [`Errno::Intr`]: as [`WasiCtx::walk`]. What the host says of a component before the last.
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
        let name = Name::new(last).filter(|_| self.host_may_resolve());
        let Some(name) = name else {
            return self.walk(base, path, follow, needed);
        };
        let held = match parent {
            None => Held::Entry(Cow::Borrowed(base)),
            Some(parent) => match base.dir()?.open_parent(parent) {
                Ok(dir) => Held::Walked(dir),
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
            granted: base.granted(),
            passed_on: base.passed_on(),
            name: Some(Cow::Borrowed(last)),
            directory,
            mount: None,
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
        if Name::new(last).is_none() || !self.host_may_resolve() {
            return Ok(None);
        }
        self.check_path(path)?;
        Ok(base.dir()?.stat_beneath(path, follow == Follow::Yes)?)
    }

    /// Whether a path may be left to the host as a whole: it counts the links as they are to be counted,
    /// and no directory on the way has to be looked at.
    pub fn host_may_resolve(&self) -> bool {
        self.limits.host_counts_hops() && self.mounts.is_empty()
    }

    /// What is granted of something open that was found where so much is `granted`: less if it is a
    /// preopen with fewer rights.
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says.
    pub fn granted_of(
        &self,
        granted: Rights,
        stat: impl FnOnce() -> io::Result<Filestat>,
    ) -> Result<Rights, Errno> {
        if self.mounts.is_empty() {
            return Ok(granted);
        }
        let mount = self.mounts.rights(FileId::from(&stat()?));
        Ok(mount.map_or(granted, |mount| granted & mount))
    }

    /// The preopen with the longest name that `path`, an absolute path of the guest's, begins with,
    /// and what of the path is left.
    pub(super) fn preopen_of<'p>(&self, path: &'p [u8]) -> Option<(Arc<Entry>, &'p [u8])> {
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
