use std::collections::BTreeMap;

use super::{Blob, Entries, Image, Kind, Node, NodeId};
use crate::abi::{Errno, Filesize, Timestamp};
use crate::vfs::{Name, Result};

/// The most bytes that a name may have: `NAME_MAX`.
pub(in crate::vfs) const NAME_MAX: usize = 255;

/// An image under construction.
#[derive(Debug)]
pub(in crate::vfs) struct Builder {
    drafts: Vec<Draft>,
}

#[derive(Debug)]
struct Draft {
    links: u32,
    mtim: Timestamp,
    kind: DraftKind,
}

#[derive(Debug)]
enum DraftKind {
    File(Blob),
    Dir(BTreeMap<Box<[u8]>, NodeId>),
    Link(Box<[u8]>),
}

impl Builder {
    /// An image with an empty root.
    pub fn new(mtim: Timestamp) -> Self {
        let root = Draft {
            links: 1,
            mtim,
            kind: DraftKind::Dir(BTreeMap::new()),
        };
        Self { drafts: vec![root] }
    }

    pub fn set_mtim(&mut self, id: NodeId, mtim: Timestamp) {
        self.drafts[id as usize].mtim = mtim;
    }

    /// Sets the content of a file.
    pub fn set_content(&mut self, id: NodeId, content: Blob) {
        self.drafts[id as usize].kind = DraftKind::File(content);
    }

    /// Makes a file a symbolic link with this target.
    pub fn set_target(&mut self, id: NodeId, target: &[u8]) {
        self.drafts[id as usize].kind = DraftKind::Link(target.into());
    }

    /// The file that a name in a directory stands for, and whether it is a directory.
    pub fn find(&self, dir: NodeId, name: Name<'_>) -> Option<(NodeId, bool)> {
        let DraftKind::Dir(names) = &self.drafts[dir as usize].kind else {
            return None;
        };
        let id = *names.get(name.as_bytes())?;
        Some((id, self.is_dir(id)))
    }

    pub fn is_dir(&self, id: NodeId) -> bool {
        matches!(self.drafts[id as usize].kind, DraftKind::Dir(_))
    }

    /// The directory with this name, created if it does not exist.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: the name is that of a file. [`Errno::Nametoolong`]. [`Errno::Nospc`]: there are 2^32
    /// files.
    pub fn dir(&mut self, parent: NodeId, name: Name<'_>, mtim: Timestamp) -> Result<NodeId> {
        match self.find(parent, name) {
            Some((id, true)) => Ok(id),
            Some((_, false)) => Err(Errno::Notdir),
            None => self.add(parent, name, mtim, DraftKind::Dir(BTreeMap::new())),
        }
    }

    /// Adds a file. It replaces another file of that name.
    ///
    /// # Errors
    ///
    /// [`Errno::Isdir`]: the name is that of a directory. [`Errno::Notdir`]: `parent` is no directory.
    /// [`Errno::Nametoolong`]. [`Errno::Nospc`].
    pub fn file(
        &mut self,
        parent: NodeId,
        name: Name<'_>,
        mtim: Timestamp,
        content: Blob,
    ) -> Result<NodeId> {
        self.add(parent, name, mtim, DraftKind::File(content))
    }

    /// Adds a symbolic link. It replaces a file of that name.
    ///
    /// # Errors
    ///
    /// As [`Builder::file`].
    pub fn symlink(
        &mut self,
        parent: NodeId,
        name: Name<'_>,
        mtim: Timestamp,
        target: &[u8],
    ) -> Result<NodeId> {
        self.add(parent, name, mtim, DraftKind::Link(target.into()))
    }

    /// Adds a hard link to a file. It replaces another file of that name.
    ///
    /// # Errors
    ///
    /// As [`Builder::file`]. [`Errno::Perm`]: `id` is a directory. [`Errno::Mlink`]: it has 2^32 names.
    pub fn link(&mut self, parent: NodeId, name: Name<'_>, id: NodeId) -> Result<()> {
        if self.is_dir(id) {
            return Err(Errno::Perm);
        }
        // It is this file already.
        if self.find(parent, name) == Some((id, false)) {
            return Ok(());
        }
        let links = self.drafts[id as usize].links.checked_add(1);
        let links = links.ok_or(Errno::Mlink)?;
        self.put(parent, name, id)?;
        self.drafts[id as usize].links = links;
        Ok(())
    }

    fn add(
        &mut self,
        parent: NodeId,
        name: Name<'_>,
        mtim: Timestamp,
        kind: DraftKind,
    ) -> Result<NodeId> {
        let id = NodeId::try_from(self.drafts.len()).map_err(|_| Errno::Nospc)?;
        self.put(parent, name, id)?;
        let links = 1;
        self.drafts.push(Draft { links, mtim, kind });
        Ok(id)
    }

    fn put(&mut self, parent: NodeId, name: Name<'_>, id: NodeId) -> Result<()> {
        if name.as_bytes().len() > NAME_MAX {
            return Err(Errno::Nametoolong);
        }
        let replaced = self.find(parent, name);
        if matches!(replaced, Some((_, true))) {
            return Err(Errno::Isdir);
        }
        let DraftKind::Dir(names) = &mut self.drafts[parent as usize].kind else {
            return Err(Errno::Notdir);
        };
        names.insert(name.as_bytes().into(), id);
        if let Some((replaced, _)) = replaced {
            self.drafts[replaced as usize].links -= 1;
        }
        Ok(())
    }

    /// The image. Files that have no name any more are left out.
    pub fn finish(self) -> Image {
        let mut drafts: Vec<_> = self.drafts.into_iter().map(Some).collect();
        let mut numbers = vec![None; drafts.len()];
        let mut order = vec![(Image::ROOT, Image::ROOT)];
        numbers[0] = Some(Image::ROOT);
        let mut nodes = Vec::new();
        let mut bytes: Filesize = 0;
        // Breadth first: files are numbered in the order in which they are met, the root first.
        let mut at = 0;
        while let Some((draft, parent)) = order.get(at).copied() {
            at += 1;
            let Some(draft) = drafts[draft as usize].take() else {
                continue;
            };
            let number = nodes.len() as NodeId;
            let kind = match draft.kind {
                DraftKind::Link(target) => Kind::Link(target),
                DraftKind::File(blob) => {
                    bytes = blob.len().saturating_add(bytes);
                    Kind::File(blob)
                }
                DraftKind::Dir(names) => {
                    let mut subdirs = 0;
                    let list = names.into_iter().map(|(name, child)| {
                        let known = &mut numbers[child as usize];
                        let id = *known.get_or_insert_with(|| {
                            order.push((child, number));
                            order.len() as NodeId - 1
                        });
                        let dir = drafts[child as usize].as_ref();
                        if dir.is_some_and(|dir| matches!(dir.kind, DraftKind::Dir(_))) {
                            subdirs += 1;
                        }
                        (name, id)
                    });
                    let list = list.collect();
                    Kind::Dir(Entries::new(list, subdirs))
                }
            };
            nodes.push(Node {
                parent,
                links: draft.links,
                mtim: draft.mtim,
                kind,
            });
        }
        Image {
            nodes: nodes.into(),
            bytes,
            handle: Default::default(),
        }
    }
}
