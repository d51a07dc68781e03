//! What the `path_*` calls have in common.

use std::sync::Arc;

use crate::abi::{Errno, Fd, Filestat, Rights};
use crate::ctx::resolve::{Follow, RequiredRights, ResolvedPath};
use crate::ctx::{FdEntry, WasiCtx};
use crate::memory::GuestSlice;

/// Room for the bytes of a path; those of most need no allocation.
pub(super) struct PathBytes {
    short: [u8; 128],
    long: Vec<u8>,
}

impl PathBytes {
    /// Room for one path.
    #[inline]
    pub(super) fn new() -> Self {
        Self {
            short: [0; 128],
            long: Vec::new(),
        }
    }

    /// Where `len` bytes go.
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

/// A path that a guest passed: where it begins, and its bytes.
pub(super) struct GuestPath<'b> {
    base: Arc<FdEntry>,
    required: RequiredRights,
    bytes: &'b [u8],
}

impl<'b> GuestPath<'b> {
    /// The path in `bytes` from the directory `fd`, to use the right `base`. It is read into `buf`, which
    /// stays where it is: to move the bytes takes longer than to read them.
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
        ctx.resolve_existing(&self.base, self.bytes, follow, self.required)
    }
}

/// Reads the bytes of a path, whose length the guest chose, into `buf`.
///
/// # Errors
///
/// [`Errno::Nametoolong`]: beyond the limit.
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
