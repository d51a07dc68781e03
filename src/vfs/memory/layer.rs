use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::MemoryFs;
use super::below::Below;
use super::changes::{What, changes, check_path};
use super::dirs::Key;
use super::names::Found;
use super::node::Node;
use super::tree::{Child, Seen, Tree};
use super::volume::Volume;
use super::walk::walk;
use crate::abi::{Filetype, Inode, Timestamp};
use crate::host::Permissions;
use crate::vfs::Result;
use crate::vfs::image::{Blob, NodeId};

/// Files to write to another place, and paths to remove there first.
#[derive(Debug, Default)]
pub struct Layer {
    /// Paths to remove, directories with all that is in them.
    pub(in crate::vfs) removed: Vec<Vec<u8>>,
    /// Each directory comes before what is in it.
    pub(in crate::vfs) items: Vec<Item>,
    /// Whether these are changes, to be applied to a copy of the lower layer; otherwise it is complete.
    pub(in crate::vfs) is_over: bool,
}

/// A file of a layer.
#[derive(Debug)]
pub(in crate::vfs) struct Item {
    /// The path from the root, without a slash before it.
    pub path: Vec<u8>,
    pub mtim: Timestamp,
    /// The permissions that it has on the host; `None` if it does not come from a directory of the host.
    pub permissions: Option<Permissions>,
    pub content: ItemContent,
}

#[derive(Debug)]
pub(in crate::vfs) enum ItemContent {
    Dir,
    File(Blob),
    /// A symbolic link, with its target.
    Link(Vec<u8>),
    /// A hard link to the file that is the item with this index.
    Again(usize),
}

impl MemoryFs {
    /// All files.
    ///
    /// # Errors
    ///
    /// Those of [`changes`](Self::changes), and of reading a file of the host below.
    pub fn all(&self) -> Result<Layer> {
        let items = Items::collect(&self.0.read(), true)?;
        Ok(Layer {
            removed: Vec::new(),
            items: items.fill()?,
            is_over: false,
        })
    }

    /// The changes that turn a copy of the lower layer into this. A renamed directory is in it with all that is
    /// in it.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    pub fn changed(&self) -> Result<Layer> {
        let (items, changes) = {
            let tree = self.0.read();
            (Items::collect(&tree, false)?, changes(&tree)?)
        };
        let items = items.fill()?;
        // A file replaces another one by being written, so only what a directory replaces has to be removed
        // first.
        let replaced = items.iter().filter(|item| !item.is_dir());
        let replaced: BTreeSet<_> = replaced.map(|item| &*item.path).collect();
        let removed = changes.into_iter().filter_map(|change| match change.what {
            What::Removed => Some((change.path, change.filetype)),
            What::Renamed(from) => Some((from, change.filetype)),
            What::Created | What::Modified => None,
        });
        let removed = removed.filter(|(path, filetype)| {
            *filetype == Filetype::Directory || !replaced.contains(&**path)
        });
        Ok(Layer {
            removed: topmost(removed.map(|(path, _)| path).collect()),
            items,
            is_over: true,
        })
    }
}

/// Leaves out paths below others. They are removed with the directory above; removing them later would make it
/// anew.
fn topmost(mut paths: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    // Slashes sort first, so that what is below a directory follows it directly.
    paths.sort_by(|one, other| order(one).cmp(order(other)));
    paths.dedup_by(|path, above| {
        (path.strip_prefix(&**above)).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    });
    paths
}

fn order(path: &[u8]) -> impl Iterator<Item = u8> {
    path.iter()
        .map(|byte| if *byte == b'/' { 0 } else { *byte })
}

impl Item {
    pub fn is_dir(&self) -> bool {
        matches!(self.content, ItemContent::Dir)
    }
}

/// Collects the items of a layer while the tree is locked.
struct Items {
    below: Below,
    items: Vec<Item>,
    /// The first item of each file, for hard links.
    known: HashMap<Inode, usize>,
    /// Items whose content is read later, when nothing is locked.
    nodes: Vec<(usize, Arc<Node>)>,
    /// Items that come from the lower layer.
    ids: Vec<(usize, NodeId)>,
}

impl Items {
    /// Collects all items, or those that differ from the lower layer.
    fn collect(tree: &Tree, all: bool) -> Result<Self> {
        let mut items = Self {
            below: tree.dirs.below().clone(),
            items: Vec::new(),
            known: HashMap::new(),
            nodes: Vec::new(),
            ids: Vec::new(),
        };
        // Below a directory that is an item everything is: `all` is passed down.
        walk(tree, all, |step| {
            check_path(step.path)?;
            let all = *step.above || matches!(step.found, Found::Own(_));
            match tree.seen(step.found) {
                Seen::Child(Child::Dir(key)) => {
                    if all {
                        let id = match key {
                            Key::Own(_) => None,
                            Key::Below(id) => Some(id),
                        };
                        let mtim = tree.dirs.stat(key).mtim;
                        items.push(step.path, id, mtim, ItemContent::Dir);
                    }
                    return Ok(Some(all).filter(|all| *all || tree.dirs.is_known(key)));
                }
                Seen::Child(Child::Node(node)) if all || node.is_modified() => {
                    items.add_node(step.path, node);
                }
                Seen::Below(id) if all => items.add_below(step.path, id)?,
                Seen::Child(Child::Node(_)) | Seen::Below(_) => {}
            }
            Ok(None)
        })?;
        Ok(items)
    }

    fn push(&mut self, path: &[u8], id: Option<NodeId>, mtim: Timestamp, content: ItemContent) {
        let path = path.to_vec();
        self.ids.extend(id.map(|id| (self.items.len(), id)));
        self.items.push(Item {
            path,
            mtim,
            permissions: None,
            content,
        });
    }

    /// Adds a hard link if this file is an item already. If not, remembers that the next item is this file.
    fn add_again(&mut self, path: &[u8], ino: Inode) -> bool {
        let next = self.items.len();
        let first = *self.known.entry(ino).or_insert(next);
        if first < next {
            let mtim = self.items[first].mtim;
            self.push(path, None, mtim, ItemContent::Again(first));
        }
        first < next
    }

    fn add_node(&mut self, path: &[u8], node: Arc<Node>) {
        if !self.add_again(path, node.ino()) {
            let id = node.id_below();
            self.nodes.push((self.items.len(), node));
            self.push(path, id, 0, ItemContent::Link(Vec::new()));
        }
    }

    fn add_below(&mut self, path: &[u8], id: NodeId) -> Result<()> {
        if self.add_again(path, Volume::ino_below(id)) {
            return Ok(());
        }
        let below = &self.below;
        let attributes = below.attributes(id);
        let content = match attributes.filetype {
            Filetype::SymbolicLink => ItemContent::Link(below.target(id)?),
            _ => ItemContent::File(below.content(id)?),
        };
        self.push(path, Some(id), attributes.mtim, content);
        Ok(())
    }

    /// The items with their contents. Called when nothing is locked.
    fn fill(mut self) -> Result<Vec<Item>> {
        for (index, node) in self.nodes {
            let item = &mut self.items[index];
            item.mtim = node.stat().mtim;
            item.content = match node.filetype {
                Filetype::SymbolicLink => ItemContent::Link(node.target()?),
                _ => ItemContent::File(node.share()),
            };
        }
        for (index, id) in self.ids {
            let item = &mut self.items[index];
            if !matches!(item.content, ItemContent::Link(_)) {
                item.permissions = self.below.permissions(id)?;
            }
        }
        Ok(self.items)
    }
}
