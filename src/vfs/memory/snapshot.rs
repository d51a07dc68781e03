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
    /// All that there is now, as an image. No byte of a file is copied that is in memory.
    ///
    /// The names are those of one moment; the content of each file is that of one moment shortly after.
    ///
    /// # Errors
    ///
    /// What a directory of the host below says.
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

    /// The names of an image, and the files that it is to get the content of.
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
                // The rest is told when nothing is locked.
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

/// Where a file of a snapshot has its content from.
enum Source {
    Node(Arc<Node>),
    /// A file below that nobody has changed.
    Below(Blob),
}
