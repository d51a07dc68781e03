//! What the `path_*` calls have in common.

use std::sync::Arc;

use crate::abi::{Errno, Fd, Filestat, Rights};
use crate::ctx::resolve::{Follow, RequiredRights, ResolvedPath};
use crate::ctx::{FdEntry, WasiCtx};
use crate::memory::GuestSlice;

/// A buffer for the bytes of a path; most paths need no allocation.
pub(super) struct PathBytes {
    short: [u8; 128],
    long: Vec<u8>,
}

impl PathBytes {
    /// A buffer for one path.
    #[inline]
    pub(super) fn new() -> Self {
        Self {
            short: [0; 128],
            long: Vec::new(),
        }
    }

    /// The first `len` bytes of it.
    #[inline]
    fn room(&mut self, len: usize) -> &mut [u8] {
        match self.short.get_mut(..len) {
            Some(short) => short,
            None => {
                self.long = vec![0; len];
                &mut self.long
            }
        }
    }
}

/// A path that a guest passed, and the directory that it is relative to.
pub(super) struct GuestPath<'b> {
    base: Arc<FdEntry>,
    required: RequiredRights,
    bytes: &'b [u8],
}

impl<'b> GuestPath<'b> {
    /// Reads a path, relative to the directory `fd`, which must have the right `base`. The bytes are read into
    /// the caller's `buf`, as moving them would take longer than reading them.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open. [`Errno::Notcapable`]: without the right.
    /// [`Errno::Nametoolong`]: the path is longer than the limit.
    #[inline]
    pub(super) fn new(
        ctx: &WasiCtx,
        fd: Fd,
        base: Rights,
        bytes: GuestSlice<'_>,
        buf: &'b mut PathBytes,
    ) -> Result<Self, Errno> {
        let required = RequiredRights::base(base);
        let base = ctx.entry(fd)?;
        ctx.check_base(&base, required)?;
        Ok(Self {
            base,
            required,
            bytes: read(ctx, bytes, buf)?,
        })
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// The directory that the path is relative to.
    pub(super) fn base(&self) -> &Arc<FdEntry> {
        &self.base
    }

    /// Resolves the path.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`].
    pub(super) fn resolve(&self, ctx: &WasiCtx, follow: Follow) -> Result<ResolvedPath<'_>, Errno> {
        ctx.resolve(&self.base, self.bytes, follow, self.required)
    }

    /// `fstatat(2)` of what the path names.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::stat_path`].
    pub(super) fn stat(&self, ctx: &WasiCtx, follow: bool) -> Result<Filestat, Errno> {
        ctx.stat_path(&self.base, self.bytes, follow, self.required)
    }

    /// Resolves the path. A symbolic link at its end is followed with `follow`, or if the path ends in a slash.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve_existing`].
    pub(super) fn resolve_existing(
        &self,
        ctx: &WasiCtx,
        follow: bool,
    ) -> Result<ResolvedPath<'_>, Errno> {
        ctx.resolve_existing(&self.base, self.bytes, follow, self.required)
    }
}

/// Reads the bytes of a path into `buf`. The guest has chosen the length.
///
/// # Errors
///
/// [`Errno::Nametoolong`]: it is longer than the limit.
#[inline]
pub(super) fn read<'b>(
    ctx: &WasiCtx,
    path: GuestSlice<'_>,
    buf: &'b mut PathBytes,
) -> Result<&'b [u8], Errno> {
    if path.len() > ctx.limits.path_len as usize {
        return Err(Errno::Nametoolong);
    }
    let bytes = buf.room(path.len());
    path.read(bytes);
    Ok(bytes)
}
