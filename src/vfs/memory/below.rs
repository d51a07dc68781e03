use std::ops::Deref;
use std::sync::Arc;

use crate::abi::{Errno, Filetype, Inode};
use crate::vfs::Result;
use crate::vfs::image::{Attributes, Blob, Entries, HostNode, HostTree, Image, Kind, NodeId};

/// What a file system in memory is made over: all that nobody has changed in it is still there.
#[derive(Clone, Debug)]
pub(super) enum Below {
    Image(Arc<Image>),
    /// A directory of the host.
    Host(Arc<HostTree>),
}

/// The entries of a directory below.
#[derive(Debug)]
pub(super) enum EntriesRef<'b> {
    None,
    Image(&'b Entries),
    Host(Arc<HostNode>),
}

impl Deref for EntriesRef<'_> {
    type Target = Entries;

    fn deref(&self) -> &Entries {
        match self {
            EntriesRef::None => Entries::EMPTY,
            EntriesRef::Image(entries) => entries,
            EntriesRef::Host(node) => node.entries().unwrap_or(Entries::EMPTY),
        }
    }
}

impl Below {
    /// What the inode numbers of files here come to.
    pub fn last_ino(&self) -> Inode {
        match self {
            Below::Image(image) => image.files() + 1,
            // All that there may come to be.
            Below::Host(_) => Inode::from(NodeId::MAX) + 1,
        }
    }

    pub fn parent(&self, id: NodeId) -> NodeId {
        match self {
            Below::Image(image) => image.node(id).parent,
            Below::Host(tree) => tree.node(id).parent,
        }
    }

    pub fn filetype(&self, id: NodeId) -> Filetype {
        match self {
            Below::Image(image) => image.node(id).filetype(),
            Below::Host(tree) => tree.node(id).attributes.filetype,
        }
    }

    pub fn attributes(&self, id: NodeId) -> Attributes {
        match self {
            Below::Image(image) => image.node(id).attributes(),
            Below::Host(tree) => tree.node(id).attributes,
        }
    }

    /// The entries of a directory; none of what is none.
    pub fn entries(&self, id: NodeId) -> Result<EntriesRef<'_>> {
        match self {
            Below::Image(image) => Ok(match &image.node(id).kind {
                Kind::Dir(entries) => EntriesRef::Image(entries),
                Kind::File(_) | Kind::Link(_) => EntriesRef::None,
            }),
            Below::Host(tree) => tree.listed(id).map(EntriesRef::Host),
        }
    }

    /// Whether anybody has looked into a directory, so that there may be changes in it.
    pub fn is_known(&self, id: NodeId) -> bool {
        match self {
            Below::Image(_) => true,
            Below::Host(tree) => tree.node(id).entries().is_some(),
        }
    }

    /// The path of a name in a directory.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: there is no such directory.
    pub fn path(&self, (dir, name): &(NodeId, Vec<u8>)) -> Result<Vec<u8>> {
        let (mut dir, mut path) = (*dir, name.clone());
        while dir != Image::ROOT {
            let parent = self.parent(dir);
            let entries = self.entries(parent)?;
            let named = entries.iter().find(|(_, id)| *id == dir);
            let (name, _) = named.ok_or(Errno::Io)?;
            path = [name, b"/", &path].concat();
            dir = parent;
        }
        Ok(path)
    }

    /// The bytes of a file; none of what is none.
    pub fn content(&self, id: NodeId) -> Result<Blob> {
        match self {
            Below::Image(image) => Ok(match &image.node(id).kind {
                Kind::File(blob) => blob.clone(),
                Kind::Dir(_) | Kind::Link(_) => Blob::from(Vec::new()),
            }),
            Below::Host(tree) => Ok(Blob::Host(tree.content(id))),
        }
    }

    /// Where a symbolic link points; nothing of what is none.
    pub fn target(&self, id: NodeId) -> Result<Vec<u8>> {
        match self {
            Below::Image(image) => Ok(match &image.node(id).kind {
                Kind::Link(target) => target.to_vec(),
                Kind::Dir(_) | Kind::File(_) => Vec::new(),
            }),
            Below::Host(tree) => tree.target(id),
        }
    }
}
