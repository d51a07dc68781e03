use std::collections::HashMap;
use std::sync::Arc;

use super::MemoryFs;
use super::dirs::Dirs;
use super::node::Node;
use super::tree::{Child, Seen};
use super::volume::Volume;
use super::walk::walk;
use crate::abi::{Errno, Filetype};
use crate::vfs::image::{Blob, Builder, Image, NodeId};
use crate::vfs::{Name, Result};

impl MemoryFs {
    /// An image of the present state. Contents are shared, not copied, except those of files of the host.
    ///
    /// The names are those of one moment. The content of each file is that of a moment shortly after.
    ///
    /// # Errors
    ///
    /// Those of reading a directory of the host below.
    pub fn snapshot(&self) -> Result<Image> {
        let (mut builder, files) = self.copy_names()?;
        for (id, file) in files {
            match file {
                Source::Below(content) => builder.set_content(id, content.freeze()?),
                Source::Node(node) => {
                    match node.filetype {
                        Filetype::SymbolicLink => builder.set_target(id, &node.target()?),
                        _ => builder.set_content(id, node.share().freeze()?),
                    }
                    builder.set_mtim(id, node.stat().mtim);
                }
            }
        }
        Ok(builder.finish())
    }

    /// An image with the names, and the files whose content is still missing in it.
    fn copy_names(&self) -> Result<(Builder, Vec<(NodeId, Source)>)> {
        let tree = self.0.read();
        let mut builder = Builder::new(tree.dirs.stat(Dirs::ROOT).mtim);
        let mut files = Vec::new();
        let mut copied = HashMap::new();
        walk(&tree, Image::ROOT, |step| {
            let (parent, name) = (*step.above, Name::new(step.name).ok_or(Errno::Io)?);
            let seen = tree.seen(step.found);
            let (ino, mtim) = match &seen {
                Seen::Child(Child::Dir(key)) => {
                    let dir = builder.dir(parent, name, tree.dirs.stat(*key).mtim);
                    return dir.map(Some);
                }
                // Its content and its time are set later, when nothing is locked.
                Seen::Child(Child::Node(node)) => (node.ino(), 0),
                Seen::Below(id) => (
                    Volume::ino_below(*id),
                    tree.dirs.below().attributes(*id).mtim,
                ),
            };
            if let Some(id) = copied.get(&ino) {
                builder.link(parent, name, *id)?;
                return Ok(None);
            }
            let id = builder.file(parent, name, mtim, Blob::from(Vec::new()))?;
            copied.insert(ino, id);
            match seen {
                Seen::Child(Child::Node(node)) => files.push((id, Source::Node(node))),
                Seen::Below(below)
                    if tree.dirs.below().filetype(below) == Filetype::SymbolicLink =>
                {
                    builder.set_target(id, &tree.dirs.below().target(below)?);
                }
                Seen::Below(below) => {
                    files.push((id, Source::Below(tree.dirs.below().content(below)?)));
                }
                Seen::Child(Child::Dir(_)) => {}
            }
            Ok(None)
        })?;
        Ok((builder, files))
    }
}

/// Where the content of a file of a snapshot comes from.
enum Source {
    Node(Arc<Node>),
    /// An unchanged file of the lower layer.
    Below(Blob),
}
