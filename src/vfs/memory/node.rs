use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::content::{Content, MAX_SIZE};
use super::now;
use super::volume::{Usage, Volume};
use crate::abi::{Errno, Filesize, Filestat, Filetype, Inode, Timestamp};
use crate::memory::Iovecs;
use crate::vfs::image::{Attributes, Blob, KeepOpen, NodeId};
use crate::vfs::{Result, SetTime};

/// What a file or a link costs beside its content: its [`Node`], and what the allocator adds.
const NODE_COST: usize = 128;

/// The times of a file, in nanoseconds after 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub atim: Timestamp,
    pub mtim: Timestamp,
    pub ctim: Timestamp,
}

impl Times {
    /// Those of what is made at this time.
    pub fn new(now: Timestamp) -> Self {
        Self {
            atim: now,
            mtim: now,
            ctim: now,
        }
    }

    /// Those of what is changed at this time.
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

/// A regular file; or a symbolic link, whose content is its target. When it is dropped, it has no name and
/// nobody has it open: what it took is given back.
#[derive(Debug)]
pub(super) struct Node {
    volume: Arc<Volume>,
    ino: Inode,
    /// How many names it has, each of which takes more memory than lets them be 2^32. Changed under the lock
    /// of the names.
    links: AtomicU32,
    pub filetype: Filetype,
    /// Whether its content or its times have been changed, or its names.
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
    /// An empty one without a name.
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

    /// A file or a link of the image below, which takes of the limits what is written.
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

    /// The file of the image below that it is, if it is one.
    pub fn id_below(&self) -> Option<NodeId> {
        self.volume.id_below(self.ino)
    }

    /// Whether its content or its times have been changed.
    pub fn is_modified(&self) -> bool {
        self.modified.load(Relaxed)
    }

    /// Whether it is in any way not as the image below has it.
    pub fn is_changed(&self) -> bool {
        self.is_modified() || self.renamed.load(Relaxed)
    }

    /// Whether it has a name.
    pub fn has_name(&self) -> bool {
        self.links.load(Relaxed) > 0
    }

    /// Sees to it that what lies below can be read: [`Blob::prepare`].
    ///
    /// # Errors
    ///
    /// It cannot.
    pub fn prepare(&self) -> Result<KeepOpen> {
        self.read().content.prepare()
    }

    /// The bytes as they are now, to be had by others as well.
    pub fn share(&self) -> Blob {
        self.write().content.share()
    }

    /// One that has these bytes, without a name.
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

    /// Takes note of one name more.
    pub fn add_link(&self) {
        self.renamed.store(true, Relaxed);
        self.links.fetch_add(1, Relaxed);
    }

    /// Takes note of one name less.
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

    /// Takes note that the number of names has changed, or one of them.
    pub fn set_changed(&self, now: Timestamp) {
        self.renamed.store(true, Relaxed);
        self.write().times.ctim = now;
    }

    /// Where a symbolic link points.
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
    /// What lies below cannot be read.
    pub fn read_at(&self, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        let mut rest = iovs.clone();
        (self.read().content).read(offset, iovs.len(), |piece| {
            rest.scatter(piece);
            rest.advance(piece.len());
        })
    }

    /// `pwritev(2)`, at the end where there is no offset: the number of bytes, and where they end.
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

    /// Makes it `size` bytes long, if it is shorter.
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
