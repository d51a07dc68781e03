use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::abi::{Errno, Filetype, Inode};
use crate::host::Permissions;
use crate::vfs::Result;
use crate::vfs::image::{Attributes, Blob, Entries, HostNode, HostTree, Image, Kind, NodeId};

/// What a file system in memory was made over, its lower layer. What nobody has changed is read from there.
#[derive(Clone, Debug)]
pub(super) enum Below {
    Image(Arc<Image>),
    /// A directory of the host.
    Host(Arc<HostTree>),
}

/// The entries of a directory of the lower layer.
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
    /// The greatest inode number that a file of the lower layer can have.
    pub fn last_ino(&self) -> Inode {
        match self {
            Below::Image(image) => image.files() + 1,
            // Files are numbered as they are found, so there may be as many as there are numbers.
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

    /// The entries of a directory; empty for anything else.
    pub fn entries(&self, id: NodeId) -> Result<EntriesRef<'_>> {
        match self {
            Below::Image(image) => Ok(match &image.node(id).kind {
                Kind::Dir(entries) => EntriesRef::Image(entries),
                Kind::File(_) | Kind::Link(_) => EntriesRef::None,
            }),
            Below::Host(tree) => tree.listed(id).map(EntriesRef::Host),
        }
    }

    /// Whether a directory has been listed. If not, there can be no changes in it.
    pub fn is_known(&self, id: NodeId) -> bool {
        match self {
            Below::Image(_) => true,
            Below::Host(tree) => tree.node(id).entries().is_some(),
        }
    }

    /// The subdirectories of a directory, by their numbers.
    fn dirs_in(&self, dir: NodeId) -> Result<HashMap<NodeId, Vec<u8>>> {
        let entries = self.entries(dir)?;
        let dirs = (entries.iter()).filter(|(_, id)| self.filetype(*id) == Filetype::Directory);
        Ok(dirs.map(|(name, id)| (id, name.to_vec())).collect())
    }

    /// The content of a file; empty for anything else.
    pub fn content(&self, id: NodeId) -> Result<Blob> {
        match self {
            Below::Image(image) => Ok(match &image.node(id).kind {
                Kind::File(blob) => blob.clone(),
                Kind::Dir(_) | Kind::Link(_) => Blob::from(Vec::new()),
            }),
            Below::Host(tree) => Ok(Blob::Host(tree.content(id))),
        }
    }

    /// The permissions of a file or directory; `None` if it has none, as all in an image.
    pub fn permissions(&self, id: NodeId) -> Result<Option<Permissions>> {
        match self {
            Below::Image(_) => Ok(None),
            Below::Host(tree) => tree.permissions(id),
        }
    }

    /// The target of a symbolic link; empty for anything else.
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

/// Finds the paths of names in the lower layer. Each directory is listed once, however many paths are asked
/// for.
#[derive(Debug)]
pub(super) struct Paths<'b> {
    below: &'b Below,
    /// The subdirectories of each directory that was listed.
    names: HashMap<NodeId, HashMap<NodeId, Vec<u8>>>,
}

impl<'b> Paths<'b> {
    pub fn new(below: &'b Below) -> Self {
        Self {
            below,
            names: HashMap::new(),
        }
    }

    /// The path of a name in a directory.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: there is no such directory.
    pub fn of(&mut self, (dir, name): &(NodeId, Vec<u8>)) -> Result<Vec<u8>> {
        let mut above = Vec::new();
        let mut dir = *dir;
        while dir != Image::ROOT {
            above.push(dir);
            dir = self.below.parent(dir);
        }
        let mut path = Vec::new();
        for id in above.into_iter().rev() {
            path.extend_from_slice(self.names_in(dir)?.get(&id).ok_or(Errno::Io)?);
            path.push(b'/');
            dir = id;
        }
        path.extend_from_slice(name);
        Ok(path)
    }

    fn names_in(&mut self, dir: NodeId) -> Result<&HashMap<NodeId, Vec<u8>>> {
        let names = match self.names.remove(&dir) {
            Some(names) => names,
            None => self.below.dirs_in(dir)?,
        };
        Ok(self.names.entry(dir).or_insert(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::Name;
    use crate::vfs::image::Builder;

    #[test]
    fn a_directory_is_gone_through_once_however_many_paths_lead_through_it() {
        let mut builder = Builder::new(0);
        for index in 0..100 {
            let name = format!("dir{index}");
            let name = Name::new(name.as_bytes()).unwrap();
            builder.dir(Image::ROOT, name, 0).unwrap();
        }
        let below = Below::Image(Arc::new(builder.finish()));
        let mut paths = Paths::new(&below);
        for (name, id) in below.entries(Image::ROOT).unwrap().iter() {
            let path = [name, b"/file"].concat();
            assert_eq!(paths.of(&(id, b"file".to_vec())), Ok(path));
        }
        assert_eq!(paths.names.len(), 1);
    }
}
