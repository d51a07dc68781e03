//! From a guest's path to a name in a directory of the host.
//!
//! Two ways lead there. Most paths stay below their directory, whatever symbolic links they go
//! through, and the host resolves them in one call ([`DirRef::open_parent`](crate::vfs::DirRef::open_parent),
//! which cannot leave the directory). A path that the host stops because it would leave may still be one that a guest may
//! use: `..` in a directory named `/`, or a symbolic link whose absolute target is a path *of the
//! guest*, in one of its preopens. Those are walked, component by component (`walk.rs`), as are
//! all paths where the host has no such call, or where each directory on the way must be looked at.
//!
//! Either way what comes out is used with an operation that follows no link: if another thread puts
//! one there in the meantime, the operation meets the link and not what it points to.

use std::borrow::Cow;
use std::sync::Arc;

use super::mounts::{Mount, MountTable, Mounted};
use super::resolved::{Last, ParentDir, Special};
use super::{Descriptor, FdEntry, WasiCtx};
use crate::abi::{Errno, Filestat, Filetype, Oflags, Rights, RightsPair};
use crate::vfs::{Dir, Interrupt, Links, Name, OpenFile, OpenHow, Opened, Result, Step};

pub use super::resolved::{Follow, RequiredRights, ResolvedPath};

/// What [`WasiCtx::open_path`] opened, and what may be done with it because of where it is.
#[derive(Debug)]
pub struct OpenedPath {
    /// What is open.
    pub opened: Opened,
    /// What the embedder grants.
    pub granted: Rights,
    /// What the guest has not given up for what is opened there.
    pub passed_on: Rights,
}

impl OpenedPath {
    /// What the guest gets for it: opened so, and reported to have the rights `asked`.
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

/// The rights that the access mode excludes, as `read(2)`, `write(2)`, `fallocate(2)` and
/// `ftruncate(2)` refuse a file that was opened for something else.
fn excluded(how: OpenHow) -> Rights {
    match (how.read, how.write) {
        (true, true) => Rights::empty(),
        (false, true) => Rights::FD_READ,
        (_, false) => Rights::FD_WRITE | Rights::FD_ALLOCATE | Rights::FD_FILESTAT_SET_SIZE,
    }
}

/// How much of a path may be left to the host.
enum ByHost {
    /// All of it; what is done with a link.
    Whole(Links),
    Nothing,
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

    /// Where `path` leads from the directory `base`, which has the rights `required`.
    ///
    /// Slashes at the end do not make a link followed here: see [`ResolvedPath::directory`].
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::check_path`]. [`Errno::Notcapable`]: it leads out of what the guest has, or to
    /// a directory with fewer rights. [`Errno::Loop`]: through too many links. [`Errno::Again`],
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

    /// Where `path` leads, a link at its end followed if `follow`, or if slashes behind it say so.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`]. [`Errno::Notdir`]: slashes behind what is no directory.
    /// [`Errno::Notcapable`]: what is there has not the rights `required`.
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

    /// `fstatat(2)` of what `path` leads to from the directory `base`.
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
            // Only now is it known that there is a link to follow.
            Filetype::SymbolicLink if follow || directory => {
                self.resolve_existing(base, path, true, required)?.stat()
            }
            filetype if directory && filetype != Filetype::Directory => Err(Errno::Notdir),
            _ => Ok(stat),
        }
    }

    /// The attributes of what `path`, the last component of which is a name, leads to, where its file system
    /// can tell them without being led there first; those of a link itself where it tells no more.
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

    /// `openat(2)` of what `path` leads to from the directory `base`.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`]. [`Errno::Inval`]: to create a directory. [`Errno::Isdir`]: to create what
    /// has slashes behind its name. What `openat(2)` says.
    pub fn open_path(
        &self,
        base: &Arc<FdEntry>,
        path: &[u8],
        how: OpenHow,
        required: RequiredRights,
    ) -> Result<OpenedPath> {
        self.check_path(path)?;
        // Kernels that are older than this rule make a file of it.
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
                // As Linux has it, a name with slashes behind it is never that of a new file.
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

    /// How much of a path of a guest in this namespace may be left to the host: it counts the links as they
    /// are to be counted, and no directory on the way has to be looked at.
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

    /// Whether the paths of this guest may be left to the host, as far as they go through no mount point.
    pub fn host_may_resolve(&self) -> bool {
        self.limits.host_counts_hops() && !self.mounts.restrict_host()
    }

    /// Whether a path may begin at the directory `base`, which has the rights `required`; or would have them,
    /// if the embedder had granted it as much: what is mounted below may have been granted more.
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

    /// What may be done in a preopen, and to all that is opened through it.
    pub(super) fn granted_in(&self, preopen: &FdEntry) -> Rights {
        if self.is_view {
            preopen.granted_at_most()
        } else {
            preopen.granted()
        }
    }

    /// The preopen with the longest name that `path`, an absolute path of the guest's, begins with,
    /// and what of the path is left.
    pub(super) fn preopen_of<'p>(&self, path: &'p [u8]) -> Option<(Arc<FdEntry>, &'p [u8])> {
        longest_of(self.preopens(), |mapped_path| {
            strip_mapped_path(path, mapped_path)
        })
    }

    /// The preopen below which something with a name of this kind is mounted, absolute or not, and what leads
    /// there of `path`, the path of the directory that it lies in.
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

    /// The same of any path, as libraries in guests have it: neither of the path nor of the names it makes a
    /// difference whether a slash stands at the start.
    pub(super) fn preopen_around<'p>(&self, path: &'p [u8]) -> Option<(Arc<FdEntry>, &'p [u8])> {
        longest_of(self.preopens(), |mapped_path| {
            strip_components(path, mapped_path)
        })
    }
}

/// The preopen with the longest name that `strip` takes off a path, and what it leaves.
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

/// Whether a path meets nothing that the file system in which it begins does not know.
fn may_spare(mounts: &MountTable, base: &FdEntry, path: &[u8], required: RequiredRights) -> bool {
    let is_on_host = !matches!(base.descriptor(), Descriptor::Dir(Dir::Other(_)));
    mounts.spares(path, is_on_host)
        && required.check_granted(base.granted()).is_ok()
        && mounts.covering(base).is_none()
}

/// `openat(2)` of what is mounted. A file that is mounted is there, or has been removed where it is from: it
/// is not created.
fn open_mounted(mounted: &Mounted, mut how: OpenHow, interrupt: &Interrupt) -> Result<Opened> {
    if mounted.file.is_some() {
        how.oflags -= Oflags::CREAT;
    }
    mounted.open(how, interrupt)
}

/// Whether a link at the end of a path is followed to open what it points to: slashes behind it say so, too,
/// but what must not be there yet is not looked for behind a link.
fn follow_to_open(how: OpenHow, path: &[u8]) -> Follow {
    match how.follow {
        _ if how.oflags.contains(Oflags::CREAT | Oflags::EXCL) => Follow::No,
        follow if !how.oflags.contains(Oflags::CREAT) => (follow || path.ends_with(b"/")).into(),
        true => Follow::Create,
        false => Follow::No,
    }
}

/// If `path` is `mapped_path` or lies below it: how many components that is, and what is left.
fn strip_mapped_path<'p>(path: &'p [u8], mapped_path: &[u8]) -> Option<(usize, &'p [u8])> {
    if mapped_path.first() != Some(&b'/') {
        return None;
    }
    strip_components(path, mapped_path)
}

/// The same, whether or not slashes stand at the start.
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

/// The components of a path that lead somewhere.
pub(super) fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    path.split(|byte| *byte == b'/')
        .filter(|component| !component.is_empty() && *component != b".")
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
