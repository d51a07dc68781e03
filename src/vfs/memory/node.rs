use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::content::{Content, MAX_SIZE};
use super::now;
use super::volume::{Usage, Volume};
use crate::abi::{Errno, Filesize, Filestat, Filetype, Inode, Timestamp};
use crate::memory::Iovecs;
use crate::vfs::image::{Attributes, Blob, KeepOpen, NodeId};
use crate::vfs::{Result, SetTime};

/// What a file or a link costs in bytes beside its content: its [`Node`], and the overhead of the allocator.
const NODE_COST: usize = 128;

/// The times of a file, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub atim: Timestamp,
    pub mtim: Timestamp,
    pub ctim: Timestamp,
}

impl Times {
    /// Those of a file that is created now.
    pub fn new(now: Timestamp) -> Self {
        Self {
            atim: now,
            mtim: now,
            ctim: now,
        }
    }

    /// A write: sets `mtim` and `ctim`.
    pub fn modify(&mut self, now: Timestamp) {
        self.mtim = now;
        self.ctim = now;
    }

    /// `utimensat(2)`.
    pub fn set(&mut self, atim: SetTime, mtim: SetTime, now: Timestamp) {
        if (atim, mtim) == (SetTime::Omit, SetTime::Omit) {
            return;
        }
        for (time, to) in [(&mut self.atim, atim), (&mut self.mtim, mtim)] {
            match to {
                SetTime::Omit => {}
                SetTime::Now => *time = now,
                SetTime::At(at) => *time = at,
            }
        }
        self.ctim = now;
    }
}

/// A regular file, or a symbolic link, whose content is its target. When it is dropped, it has no name and is
/// not open: then its usage is given back.
#[derive(Debug)]
pub(super) struct Node {
    volume: Arc<Volume>,
    ino: Inode,
    /// The number of its names. It cannot overflow, as each takes memory. Changed while the tree is locked.
    links: AtomicU32,
    pub filetype: Filetype,
    /// Whether its content, its times or its names were changed.
    modified: AtomicBool,
    renamed: AtomicBool,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    times: Times,
    content: Content,
}

impl Node {
    /// An empty file without a name.
    ///
    /// # Errors
    ///
    /// [`Errno::Nospc`].
    pub fn new(volume: &Arc<Volume>, filetype: Filetype, now: Timestamp) -> Result<Arc<Self>> {
        volume.take(Usage::of_file(NODE_COST))?;
        Ok(Arc::new(Self {
            volume: Arc::clone(volume),
            ino: volume.new_ino(),
            links: AtomicU32::new(0),
            filetype,
            modified: AtomicBool::new(false),
            renamed: AtomicBool::new(false),
            state: RwLock::new(State {
                times: Times::new(now),
                content: Content::default(),
            }),
        }))
    }

    /// A file or symbolic link of the lower layer. Only what is written counts against the limits.
    pub fn over(volume: &Arc<Volume>, id: NodeId, below: &Attributes, content: Blob) -> Arc<Self> {
        Arc::new(Self {
            volume: Arc::clone(volume),
            ino: Volume::ino_below(id),
            links: AtomicU32::new(below.links.try_into().unwrap_or(u32::MAX)),
            filetype: below.filetype,
            modified: AtomicBool::new(false),
            renamed: AtomicBool::new(false),
            state: RwLock::new(State {
                times: Times::new(below.mtim),
                content: Content::over(content),
            }),
        })
    }

    /// Its number in the lower layer, if it comes from there.
    pub fn id_below(&self) -> Option<NodeId> {
        self.volume.id_below(self.ino)
    }

    /// Whether its content or its times were changed.
    pub fn is_modified(&self) -> bool {
        self.modified.load(Relaxed)
    }

    /// Whether it differs in any way from the lower layer.
    pub fn is_changed(&self) -> bool {
        self.is_modified() || self.renamed.load(Relaxed)
    }

    /// Whether it has a name.
    pub fn has_name(&self) -> bool {
        self.links.load(Relaxed) > 0
    }

    /// Makes the content below readable: [`Blob::prepare`].
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn prepare(&self) -> Result<KeepOpen> {
        self.read().content.prepare()
    }

    /// The present content, shared copy-on-write.
    pub fn share(&self) -> Blob {
        self.write().content.share()
    }

    /// A file with this content, without a name.
    ///
    /// # Errors
    ///
    /// [`Errno::Nospc`]. [`Errno::Fbig`].
    pub fn with_bytes(
        volume: &Arc<Volume>,
        filetype: Filetype,
        now: Timestamp,
        mut bytes: &[u8],
    ) -> Result<Arc<Self>> {
        let node = Self::new(volume, filetype, now)?;
        let len = bytes.len();
        let written = node.write().content.write(volume, 0, len, |to| {
            let (these, rest) = bytes.split_at(to.len());
            to.copy_from_slice(these);
            bytes = rest;
        })?;
        if written < len {
            return Err(Errno::Nospc);
        }
        Ok(node)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn ino(&self) -> Inode {
        self.ino
    }

    /// Counts one more name.
    pub fn add_link(&self) {
        self.renamed.store(true, Relaxed);
        self.links.fetch_add(1, Relaxed);
    }

    /// Counts one name less.
    pub fn remove_link(&self) {
        self.renamed.store(true, Relaxed);
        self.links.fetch_sub(1, Relaxed);
    }

    pub fn stat(&self) -> Filestat {
        let state = self.read();
        let Times { atim, mtim, ctim } = state.times;
        Filestat {
            dev: self.volume.dev,
            ino: self.ino,
            filetype: self.filetype,
            nlink: self.links.load(Relaxed).into(),
            size: state.content.len(),
            atim,
            mtim,
            ctim,
        }
    }

    pub fn set_times(&self, atim: SetTime, mtim: SetTime) {
        let now = now();
        let mut state = self.write();
        self.modified.store(true, Relaxed);
        state.times.set(atim, mtim, now);
    }

    /// Records that its names have changed.
    pub fn set_changed(&self, now: Timestamp) {
        self.renamed.store(true, Relaxed);
        self.write().times.ctim = now;
    }

    /// The target of a symbolic link.
    ///
    /// # Errors
    ///
    /// As [`Node::read_at`].
    pub fn target(&self) -> Result<Vec<u8>> {
        let state = self.read();
        let len = state.content.len() as usize;
        let mut target = Vec::with_capacity(len);
        (state.content).read(0, len, |piece| target.extend_from_slice(piece))?;
        Ok(target)
    }

    /// `preadv(2)`.
    ///
    /// # Errors
    ///
    /// The content below cannot be read.
    pub fn read_at(&self, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        let mut rest = iovs.clone();
        (self.read().content).read(offset, iovs.len(), |piece| {
            rest.scatter(piece);
            rest.advance(piece.len());
        })
    }

    /// `pwritev(2)`; without an offset, at the end. Returns the number of bytes, and the offset behind them.
    ///
    /// # Errors
    ///
    /// [`Errno::Fbig`]. [`Errno::Nospc`].
    pub fn write_at(
        &self,
        ciovs: &Iovecs<'_>,
        offset: Option<Filesize>,
    ) -> Result<(usize, Filesize)> {
        let now = now();
        let mut rest = ciovs.clone();
        let mut state = self.write();
        let offset = offset.unwrap_or(state.content.len());
        let written = (state.content).write(&self.volume, offset, ciovs.len(), |piece| {
            rest.gather(piece);
            rest.advance(piece.len());
        })?;
        if written > 0 {
            self.modified.store(true, Relaxed);
            state.times.modify(now);
        }
        Ok((written, offset + written as Filesize))
    }

    /// `ftruncate(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Fbig`].
    pub fn set_size(&self, size: Filesize) -> Result<()> {
        self.resize(|_| size)
    }

    /// Grows it to at least `size` bytes.
    ///
    /// # Errors
    ///
    /// [`Errno::Fbig`].
    pub fn grow(&self, size: Filesize) -> Result<()> {
        self.resize(|old| old.max(size))
    }

    fn resize(&self, to: impl FnOnce(Filesize) -> Filesize) -> Result<()> {
        let now = now();
        let mut state = self.write();
        let size = to(state.content.len());
        if size > MAX_SIZE {
            return Err(Errno::Fbig);
        }
        self.modified.store(true, Relaxed);
        state.content.set_len(&self.volume, size);
        state.times.modify(now);
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let bytes = state.content.allocated();
        self.volume.give(match self.volume.id_below(self.ino) {
            None => Usage::of_file(NODE_COST + bytes),
            Some(_) => Usage::of_bytes(bytes),
        });
    }
}
