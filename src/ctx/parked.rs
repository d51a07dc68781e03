//! Preopens of a command that has exited.

use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

use super::{FdEntry, FileId, WasiCtx};
use crate::abi::Errno;
use crate::host;
use crate::vfs::{Dir, DirRef};

/// A directory that is not open, with its path and its identity.
///
/// A command has exited when its `_start` has returned. Most hosts drop it then, and its host descriptors must
/// not stay open until it is collected; but some call another export, which must find the same directory.
#[derive(Debug)]
pub struct Parked {
    path: PathBuf,
    id: FileId,
    again: OnceLock<Dir>,
}

impl Parked {
    /// The directory with this identity, at `path`.
    pub fn new(path: &Path, id: FileId) -> Self {
        Self {
            path: path.to_owned(),
            id,
            again: OnceLock::new(),
        }
    }

    /// The same directory, not open.
    #[must_use]
    pub fn once_more(&self) -> Self {
        Self::new(&self.path, self.id)
    }

    /// The directory, which is opened if it is not.
    ///
    /// # Errors
    ///
    /// [`Errno::Stale`]: the path leads to another directory. What `open(2)` says.
    pub fn dir(&self) -> Result<DirRef<'_>, Errno> {
        if let Some(dir) = self.again.get() {
            return Ok(dir.as_ref());
        }
        let dir = Dir::Host(host::Dir::open_ambient(&self.path)?);
        if FileId::of(dir.as_ref())? != self.id {
            return Err(Errno::Stale);
        }
        Ok(self.again.get_or_init(|| dir).as_ref())
    }
}

impl WasiCtx {
    /// Ends a command: closes all that the guest has opened.
    ///
    /// What it was started with stays, for a host that calls another export. But no preopen keeps a host
    /// descriptor until it is used again.
    pub fn end(&self) {
        self.ended.store(true, Relaxed);
        self.park_preopens(FdEntry::is_standard_stream);
    }

    /// Parks the preopens, and closes everything else except what `stays`.
    pub(super) fn park_preopens(&self, stays: impl Fn(&FdEntry) -> bool) {
        // System calls come before the table is locked.
        let parked: Vec<_> = (self.roots().into_iter())
            .map(|preopen| (preopen.park(), preopen))
            .collect();
        let unparked = self.mounts.change(|table| {
            let mut unparked = Vec::new();
            for mount in table.mounts_mut() {
                let root = &mut mount.target.root;
                if let Some((parked, _)) = parked.iter().find(|(_, each)| Arc::ptr_eq(each, root)) {
                    unparked.push(mem::replace(root, Arc::clone(parked)));
                }
            }
            unparked
        });
        let closed = self.table().replace(|entry| {
            let parked = parked.iter().find(|(_, each)| Arc::ptr_eq(each, entry));
            match parked {
                Some((parked, _)) => Some(Arc::clone(parked)),
                None => stays(entry).then(|| Arc::clone(entry)),
            }
        });
        drop((closed, unparked));
    }
}
