//! What the `path_*` calls have in common.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::abi::{Errno, Fd, Filestat, Rights};
use crate::ctx::resolve::{Follow, RequiredRights, ResolvedPath};
use crate::ctx::{FdEntry, WasiCtx};
use crate::memory::GuestSlice;

/// The bytes of a path; those of most need no allocation.
pub(super) type PathBytes = SmallVec<[u8; 128]>;

/// A path that a guest passed: where it begins, and its bytes.
pub(super) struct GuestPath {
    base: Arc<FdEntry>,
    required: RequiredRights,
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
        let required = RequiredRights::base(base);
        let base = ctx.entry(fd)?;
        ctx.check_base(&base, required)?;
        Ok(Self {
            base,
            required,
            bytes: read(ctx, bytes)?,
        })
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the path begins.
    pub(super) fn base(&self) -> &Arc<FdEntry> {
        &self.base
    }

    /// Where the path leads.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`].
    pub(super) fn resolve(&self, ctx: &WasiCtx, follow: Follow) -> Result<ResolvedPath<'_>, Errno> {
        ctx.resolve(&self.base, &self.bytes, follow, self.required)
    }

    /// `fstatat(2)` of what the path names.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::stat_path`].
    pub(super) fn stat(&self, ctx: &WasiCtx, follow: bool) -> Result<Filestat, Errno> {
        ctx.stat_path(&self.base, &self.bytes, follow, self.required)
    }

    /// Where the path leads, a link at its end followed if `follow`, or if slashes behind it say so.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve_existing`].
    pub(super) fn resolve_existing(
        &self,
        ctx: &WasiCtx,
        follow: bool,
    ) -> Result<ResolvedPath<'_>, Errno> {
        ctx.resolve_existing(&self.base, &self.bytes, follow, self.required)
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
