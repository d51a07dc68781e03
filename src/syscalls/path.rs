//! What the `path_*` calls have in common.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::abi::{Errno, Fd, Filestat, Filetype, Rights};
use crate::ctx::resolve::{Follow, Needed, Place};
use crate::ctx::{Entry, WasiCtx};
use crate::host::Name;
use crate::memory::GuestSlice;

/// The bytes of a path; those of most need no allocation.
pub(super) type PathBytes = SmallVec<[u8; 128]>;

/// A path that a guest passed: where it begins, and its bytes.
pub(super) struct GuestPath {
    base: Arc<Entry>,
    needed: Needed,
    bytes: PathBytes,
}

impl GuestPath {
    /// The path in `bytes` from the directory `fd`, to use the right `base`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open. [`Errno::Notcapable`]: without the right.
    /// [`Errno::Nametoolong`]: beyond the limit.
    #[inline]
    pub(super) fn new(
        ctx: &WasiCtx,
        fd: Fd,
        base: Rights,
        bytes: GuestSlice<'_>,
    ) -> Result<Self, Errno> {
        Ok(Self {
            base: ctx.get(fd, base)?,
            needed: Needed::base(base),
            bytes: read(ctx, bytes)?,
        })
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the path begins.
    pub(super) fn base(&self) -> &Arc<Entry> {
        &self.base
    }

    /// Where the path leads.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`].
    pub(super) fn resolve(&self, ctx: &WasiCtx, follow: Follow) -> Result<Place<'_>, Errno> {
        ctx.resolve(&self.base, &self.bytes, follow, self.needed)
    }

    /// The attributes of what the path names, where the host tells them in one step.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`].
    pub(super) fn stat_beneath(
        &self,
        ctx: &WasiCtx,
        follow: bool,
    ) -> Result<Option<Filestat>, Errno> {
        ctx.stat_beneath(&self.base, &self.bytes, follow.into())
    }

    /// Where the path leads, a link at its end followed if `follow`, or if slashes behind it say so.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`]. [`Errno::Notdir`]: slashes behind what is no directory.
    pub(super) fn resolve_existing(&self, ctx: &WasiCtx, follow: bool) -> Result<Place<'_>, Errno> {
        let follow = follow || self.bytes.ends_with(b"/");
        let place = self.resolve(ctx, follow.into())?;
        require_directory(&place)?;
        self.check_target(&place)?;
        Ok(place)
    }

    /// Whether what is there may be used so, which is a question of its own where it is a preopen.
    ///
    /// # Errors
    ///
    /// As [`Place::check_target`].
    pub(super) fn check_target(&self, place: &Place<'_>) -> Result<(), Errno> {
        place.check_target(self.needed)
    }
}

/// The bytes of a path, whose length the guest chose.
///
/// # Errors
///
/// [`Errno::Nametoolong`]: beyond the limit.
#[inline]
pub(super) fn read(ctx: &WasiCtx, path: GuestSlice<'_>) -> Result<PathBytes, Errno> {
    if path.len() > ctx.limits.path_len as usize {
        return Err(Errno::Nametoolong);
    }
    let mut bytes = PathBytes::from_elem(0, path.len());
    path.read(&mut bytes);
    Ok(bytes)
}

/// Sees to it that slashes at the end of a path stand behind a directory.
///
/// # Errors
///
/// [`Errno::Notdir`]: it is something else. [`Errno::Noent`]: nothing.
pub(super) fn require_directory(place: &Place<'_>) -> Result<(), Errno> {
    if place.directory && !is_directory(place)? {
        return Err(Errno::Notdir);
    }
    Ok(())
}

/// The name that is to be made at a place, as what `mkdirat(2)` does not make.
///
/// # Errors
///
/// [`Errno::Exist`]: the path names a directory that is open, or has slashes behind what is there.
/// [`Errno::Noent`]: slashes behind nothing. What `fstatat(2)` says.
pub(super) fn new_name<'p>(place: &'p Place<'_>) -> Result<Name<'p>, Errno> {
    let name = place.name().ok_or(Errno::Exist)?;
    if place.directory {
        place.dir()?.stat_at(name)?;
        return Err(Errno::Exist);
    }
    Ok(name)
}

/// Sees to it that something is there.
///
/// # Errors
///
/// What `fstatat(2)` says: [`Errno::Noent`] where nothing is.
pub(super) fn require_there(place: &Place<'_>) -> Result<(), Errno> {
    if let Some(name) = place.name() {
        place.dir()?.stat_at(name)?;
    }
    Ok(())
}

/// Sees to it that the directory of a place may be searched, which is looked at before what is there.
///
/// # Errors
///
/// [`Errno::Acces`]: it may not.
pub(super) fn require_search(place: &Place<'_>) -> Result<(), Errno> {
    Ok(place.dir()?.check_search()?)
}

/// Whether a directory is there.
///
/// # Errors
///
/// What `fstatat(2)` says: [`Errno::Noent`] where nothing is.
pub(super) fn is_directory(place: &Place<'_>) -> Result<bool, Errno> {
    match place.name() {
        Some(name) => Ok(place.dir()?.stat_at(name)?.filetype == Filetype::Directory.raw()),
        None => Ok(true),
    }
}
