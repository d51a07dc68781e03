//! Resolves a path of a guest to a name in a directory.
//!
//! There are two ways. Most paths stay below their directory, whatever symbolic links are in them, and the file
//! system resolves them in one call that cannot leave the directory
//! ([`DirRef::open_parent`](crate::vfs::DirRef::open_parent)). A path that would leave it is stopped there, but
//! may still be one that a guest may use: `..` in a directory named `/`, or a symbolic link with an absolute
//! target, which is a path *of the guest* in one of its preopens. Those are walked component by component
//! (`walk.rs`), and so are all paths where the host has no such call, or where each directory on the way must
//! be checked.
//!
//! Either way, the result is used with operations that do not follow symbolic links: if another thread puts one
//! there in the meantime, the operation is applied to the link, not to its target.

use std::borrow::Cow;
use std::sync::Arc;

use super::mounts::{Mount, MountTable, Mounted};
use super::resolved::{Last, ParentDir, Special};
use super::{Descriptor, FdEntry, WasiCtx};
use crate::abi::{Errno, Filestat, Filetype, Oflags, Rights, RightsPair};
use crate::vfs::{Dir, Interrupt, Links, Name, OpenFile, OpenHow, Opened, Result, Step};

pub use super::resolved::{Follow, RequiredRights, ResolvedPath};

/// What [`WasiCtx::open_path`] has opened, with the rights that follow from its place.
#[derive(Debug)]
pub struct OpenedPath {
    /// What is open.
    pub opened: Opened,
    /// What the embedder grants.
    pub granted: Rights,
    /// What the guest has not removed for what is opened in its directory.
    pub passed_on: Rights,
}

impl OpenedPath {
    /// The entry for it, which was opened with `how`, and for which the rights `asked` are reported.
    #[inline]
    pub fn into_entry(self, how: OpenHow, asked: RightsPair) -> FdEntry {
        let descriptor = match self.opened {
            Opened::Dir(dir) => Descriptor::Dir(dir),
            Opened::Stream(stream) => Descriptor::Stream(stream),
            Opened::File(file) => Descriptor::File(OpenFile::new(file, how.fdflags)),
        };
        FdEntry::new(descriptor, asked, self.granted, how.fdflags)
            .keeping(self.passed_on, excluded(how))
    }
}

/// The rights that the access mode excludes: `read(2)`, `write(2)`, `fallocate(2)` and `ftruncate(2)` fail for
/// a file that was not opened for them.
fn excluded(how: OpenHow) -> Rights {
    match (how.read, how.write) {
        (true, true) => Rights::empty(),
        (false, true) => Rights::FD_READ,
        (_, false) => Rights::FD_WRITE | Rights::FD_ALLOCATE | Rights::FD_FILESTAT_SET_SIZE,
    }
}

/// How much of the resolution is left to the file system.
enum ByHost {
    /// All of it, with symbolic links treated like this.
    Whole(Links),
    Nothing,
}

/// Splits a path, which does not end in a slash, into its parent directory, with a slash at the end, and its
/// last component.
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
    /// Checks the text of a path.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: it is empty, or has a NUL. [`Errno::Nametoolong`]: it is longer than the limit.
    /// [`Errno::Notcapable`]: it is absolute.
    pub fn check_path(&self, path: &[u8]) -> Result<()> {
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

    /// Resolves `path` relative to the directory `base`, which has the rights `required`.
    ///
    /// A slash at the end does not make a symbolic link followed here: see [`ResolvedPath::directory`].
    ///
    /// # Errors
    ///
    /// Those of [`WasiCtx::check_path`]. [`Errno::Notcapable`]: it leads out of what the guest has, or to a
    /// directory with fewer rights. [`Errno::Loop`]: too many symbolic links. [`Errno::Again`],
    /// [`Errno::Intr`]: as [`WasiCtx::walk`]. What the host says of a component before the last.
    pub fn resolve<'p>(
        &self,
        base: &'p Arc<FdEntry>,
        path: &'p [u8],
        follow: Follow,
        required: RequiredRights,
    ) -> Result<ResolvedPath<'p>> {
        self.check_path(path)?;
        let (trimmed, directory) = trim_slashes(path);
        let (parent, last) = split_last(trimmed);
        let mounts = self.mounts.for_paths();
        let by_host = self.by_host(mounts.as_deref(), base, path, required);
        let (Some(name), ByHost::Whole(links)) = (Name::new(last), by_host) else {
            return self.walk(base, path, follow, required);
        };
        let parent = match parent {
            None => ParentDir::Descriptor(Cow::Borrowed(base)),
            Some(parent) => match base.dir()?.open_parent(parent, links)? {
                Step::Done(dir) => ParentDir::Opened(dir),
                Step::Walk => return self.walk(base, path, follow, required),
            },
        };
        let resolved = ResolvedPath {
            parent,
            last: Last::Name(name),
            granted: base.granted(),
            passed_on: base.passed_on(),
            special: None,
            mounts,
            directory,
        };
        if follow == Follow::Yes {
            match resolved.dir()?.read_link_at(name) {
                Ok(_) => return self.walk(base, path, follow, required),
                Err(Errno::Inval | Errno::Noent) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(resolved)
    }

    /// Resolves `path`. A symbolic link at its end is followed with `follow`, or if the path ends in a slash.
    ///
    /// # Errors
    ///
    /// Those of [`WasiCtx::resolve`]. [`Errno::Notdir`]: the path ends in a slash, and it is no directory.
    /// [`Errno::Notcapable`]: what is there does not have the rights `required`.
    pub fn resolve_existing<'p>(
        &self,
        base: &'p Arc<FdEntry>,
        path: &'p [u8],
        follow: bool,
        required: RequiredRights,
    ) -> Result<ResolvedPath<'p>> {
        let follow = follow || path.ends_with(b"/");
        let resolved = self.resolve(base, path, follow.into(), required)?;
        resolved.require_directory()?;
        resolved.check_target(required)?;
        Ok(resolved)
    }

    /// `fstatat(2)` of `path` relative to the directory `base`.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve_existing`]. What `fstatat(2)` says.
    pub fn stat_path(
        &self,
        base: &Arc<FdEntry>,
        path: &[u8],
        follow: bool,
        required: RequiredRights,
    ) -> Result<Filestat> {
        let (stat, directory) = match self.stat_beneath(base, path, follow, required)? {
            Step::Done(stat) => (stat, false),
            Step::Walk => {
                let resolved = self.resolve(base, path, Follow::No, required)?;
                resolved.check_target(required)?;
                (resolved.stat()?, resolved.directory)
            }
        };
        match stat.filetype {
            // Here it turns out that there is a symbolic link to follow.
            Filetype::SymbolicLink if follow || directory => {
                self.resolve_existing(base, path, true, required)?.stat()
            }
            filetype if directory && filetype != Filetype::Directory => Err(Errno::Notdir),
            _ => Ok(stat),
        }
    }

    /// The attributes of what is at `path`, if its file system can tell them in one step. Those of a symbolic
    /// link itself may be returned even with `follow`. The last component must be a name.
    #[inline]
    fn stat_beneath(
        &self,
        base: &FdEntry,
        path: &[u8],
        follow: bool,
        required: RequiredRights,
    ) -> Result<Step<Filestat>> {
        let (parent, last) = split_last(path);
        let Some(name) = Name::new(last) else {
            return Ok(Step::Walk);
        };
        let mounts = self.mounts.for_paths();
        let ByHost::Whole(links) = self.by_host(mounts.as_deref(), base, path, required) else {
            return Ok(Step::Walk);
        };
        self.check_path(path)?;
        match parent {
            Some(_) => base.dir()?.stat_beneath(path, follow, links),
            None => base.dir()?.stat_at(name).map(Step::Done),
        }
    }

    /// `openat(2)` of `path` relative to the directory `base`.
    ///
    /// # Errors
    ///
    /// Those of [`WasiCtx::resolve`]. [`Errno::Inval`]: `CREAT` and `DIRECTORY`. [`Errno::Isdir`]: `CREAT`, and
    /// the path ends in a slash. What `openat(2)` says.
    pub fn open_path(
        &self,
        base: &Arc<FdEntry>,
        path: &[u8],
        how: OpenHow,
        required: RequiredRights,
    ) -> Result<OpenedPath> {
        self.check_path(path)?;
        // Older kernels create a file instead.
        if how.oflags.contains(Oflags::CREAT | Oflags::DIRECTORY) {
            return Err(Errno::Inval);
        }
        let mounts = self.mounts.for_paths();
        if let ByHost::Whole(links) = self.by_host(mounts.as_deref(), base, path, required)
            && let Step::Done(opened) =
                base.dir()?
                    .open_beneath(path, how, links, &self.interrupt)?
        {
            return Ok(OpenedPath {
                opened,
                granted: base.granted(),
                passed_on: base.passed_on(),
            });
        }
        self.open_walked(base, path, how, required)
    }

    #[cold]
    fn open_walked(
        &self,
        base: &Arc<FdEntry>,
        path: &[u8],
        mut how: OpenHow,
        required: RequiredRights,
    ) -> Result<OpenedPath> {
        let resolved = self.walk(base, path, follow_to_open(how, path), required)?;
        let has_name = resolved.name().is_some();
        if resolved.directory && has_name {
            if how.oflags.contains(Oflags::CREAT) {
                // As on Linux, a path to create a file must not end in a slash.
                resolved.require_search()?;
                return Err(Errno::Isdir);
            }
            how.oflags |= Oflags::DIRECTORY;
        }
        let (opened, granted) = match resolved.special.as_deref() {
            Some(Special::Mount(mounted, granted)) => {
                if how.oflags.contains(Oflags::CREAT | Oflags::EXCL) {
                    return Err(Errno::Exist);
                }
                required.check_granted(*granted)?;
                (open_mounted(mounted, how, &self.interrupt)?, *granted)
            }
            _ => {
                let opened = resolved
                    .dir()?
                    .open_at(resolved.name(), how, &self.interrupt)?;
                let granted = match &resolved.mounts {
                    Some(mounts) if has_name => {
                        mounts.granted(resolved.granted(), || opened.stat())?
                    }
                    _ => resolved.granted(),
                };
                (opened, granted)
            }
        };
        Ok(OpenedPath {
            opened,
            granted,
            passed_on: resolved.passed_on(),
        })
    }

    /// Whether the file system may resolve a path in this namespace by itself: its limit of symbolic links is
    /// the guest's, and there is nothing on the way that it does not know.
    #[inline]
    fn by_host(
        &self,
        mounts: Option<&MountTable>,
        base: &FdEntry,
        path: &[u8],
        required: RequiredRights,
    ) -> ByHost {
        if !self.limits.host_counts_hops() {
            return ByHost::Nothing;
        }
        match mounts {
            None => ByHost::Whole(Links::Follow),
            Some(mounts) if may_spare(mounts, base, path, required) => ByHost::Whole(Links::Walk),
            Some(_) => ByHost::Nothing,
        }
    }

    /// Whether the host may resolve paths of this guest, as long as they go through no mount point.
    pub fn host_may_resolve(&self) -> bool {
        self.limits.host_counts_hops() && !self.mounts.restrict_host()
    }

    /// Checks that a path may begin at the directory `base`: it has the rights `required`, or lacks only those
    /// that the embedder did not grant it, while something that is mounted was granted more.
    ///
    /// # Errors
    ///
    /// As [`RequiredRights::check`].
    #[inline]
    pub fn check_base(&self, base: &FdEntry, required: RequiredRights) -> Result<()> {
        match required.check(base) {
            Err(errno)
                if errno == required.refusal && self.may_be_granted_below(base, required)? =>
            {
                Ok(())
            }
            result => result,
        }
    }

    #[cold]
    fn may_be_granted_below(&self, base: &FdEntry, required: RequiredRights) -> Result<bool> {
        let Some(mounts) = self.mounts.for_paths() else {
            return Ok(false);
        };
        let is_granted = |mount: &Mount| {
            let granted = self.granted_in(&mount.target.root);
            mount.is_on_the_way() && required.check_granted(granted).is_ok()
        };
        Ok(mounts.mounts().iter().any(is_granted)
            && base.may_if_granted(required.base, required.inheriting)?)
    }

    /// What the embedder grants for a preopen and all that is opened through it.
    pub(super) fn granted_in(&self, preopen: &FdEntry) -> Rights {
        if self.is_view {
            preopen.granted_at_most()
        } else {
            preopen.granted()
        }
    }

    /// The preopen for an absolute path of the guest: the one with the longest name that `path` begins with.
    /// Returns it and the rest of the path.
    pub(super) fn preopen_of<'p>(&self, path: &'p [u8]) -> Option<(Arc<FdEntry>, &'p [u8])> {
        longest_of(self.preopens(), |mapped_path| {
            strip_mapped_path(path, mapped_path)
        })
    }

    /// The preopen in which something is mounted, and the rest of `path`, the path of its parent directory.
    /// `is_absolute` says whether the name of what is mounted is absolute.
    pub(super) fn preopen_above<'p>(
        &self,
        path: &'p [u8],
        is_absolute: bool,
    ) -> Option<(Arc<FdEntry>, &'p [u8])> {
        if is_absolute {
            return self.preopen_of(path).or_else(|| self.preopen_around(path));
        }
        longest_of(self.preopens(), |mapped_path| {
            let is_relative = mapped_path.first() != Some(&b'/');
            is_relative.then(|| strip_components(path, mapped_path))?
        })
    }

    /// The same for any path, as C libraries in guests do it: a slash at the start, of the path or of the name
    /// of a preopen, makes no difference.
    pub(super) fn preopen_around<'p>(&self, path: &'p [u8]) -> Option<(Arc<FdEntry>, &'p [u8])> {
        longest_of(self.preopens(), |mapped_path| {
            strip_components(path, mapped_path)
        })
    }
}

/// The preopen with the longest name that `strip` can remove from a path, and the rest of the path.
fn longest_of<'p>(
    preopens: Vec<Arc<FdEntry>>,
    strip: impl Fn(&[u8]) -> Option<(usize, &'p [u8])>,
) -> Option<(Arc<FdEntry>, &'p [u8])> {
    let mut longest = None;
    let mut longest_len = 0;
    for preopen in preopens {
        let Some((len, rest)) = preopen.mounted_path().and_then(&strip) else {
            continue;
        };
        if longest.is_none() || len > longest_len {
            longest = Some((preopen, rest));
            longest_len = len;
        }
    }
    longest
}

/// Whether there is nothing on the way of a path that the file system of its base does not know.
fn may_spare(mounts: &MountTable, base: &FdEntry, path: &[u8], required: RequiredRights) -> bool {
    let is_on_host = !matches!(base.descriptor(), Descriptor::Dir(Dir::Other(_)));
    mounts.spares(path, is_on_host)
        && required.check_granted(base.granted()).is_ok()
        && mounts.covering(base).is_none()
}

/// `openat(2)` of what is mounted. A mounted file exists, or has been removed from its file system: it is never
/// created.
fn open_mounted(mounted: &Mounted, mut how: OpenHow, interrupt: &Interrupt) -> Result<Opened> {
    if mounted.file.is_some() {
        how.oflags -= Oflags::CREAT;
    }
    mounted.open(how, interrupt)
}

/// Whether a symbolic link at the end of a path is followed to open its target. A slash at the end says so as
/// well; with `EXCL` it is never followed.
fn follow_to_open(how: OpenHow, path: &[u8]) -> Follow {
    match how.follow {
        _ if how.oflags.contains(Oflags::CREAT | Oflags::EXCL) => Follow::No,
        follow if !how.oflags.contains(Oflags::CREAT) => (follow || path.ends_with(b"/")).into(),
        true => Follow::Create,
        false => Follow::No,
    }
}

/// If `path` is `mapped_path` or below it: the number of components of that, and the rest.
fn strip_mapped_path<'p>(path: &'p [u8], mapped_path: &[u8]) -> Option<(usize, &'p [u8])> {
    if mapped_path.first() != Some(&b'/') {
        return None;
    }
    strip_components(path, mapped_path)
}

/// The same, whether or not there are slashes at the start.
fn strip_components<'p>(path: &'p [u8], mapped_path: &[u8]) -> Option<(usize, &'p [u8])> {
    let mut len = 0;
    let mut rest = path;
    for component in components(mapped_path) {
        rest = skip_to_name(rest).strip_prefix(component)?;
        if !rest.is_empty() && rest[0] != b'/' {
            return None;
        }
        len += 1;
    }
    Some((len, rest))
}

/// The components of a path without empty ones and `.`.
pub(super) fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    path.split(|byte| *byte == b'/')
        .filter(|component| !component.is_empty() && *component != b".")
}

/// The path without slashes and `.` at its start.
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
    fn slashes_at_the_end_are_trimmed() {
        assert_eq!(trim_slashes(b"a/b"), (&b"a/b"[..], false));
        assert_eq!(trim_slashes(b"a/b//"), (&b"a/b"[..], true));
        assert_eq!(trim_slashes(b"///"), (&b""[..], true));
    }
}
