use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::node::Node;
use crate::vfs::Result;
use crate::vfs::image::NodeId;

/// The files of the image below that are open, or that are not as they are there: each is one node for all
/// that have it open.
#[derive(Debug, Default)]
pub(super) struct Opened(RwLock<Table>);

#[derive(Debug, Default)]
struct Table {
    nodes: BTreeMap<NodeId, Arc<Node>>,
    /// At how many of them those are forgotten that nobody has open.
    full: usize,
}

/// The least of them for which it is worth to look.
const LEAST: usize = 256;

impl Opened {
    /// The node of a file, if it has one.
    pub fn get(&self, id: NodeId) -> Option<Arc<Node>> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        table.nodes.get(&id).cloned()
    }

    /// The node of a file, made if it has none.
    pub fn get_or_make(
        &self,
        id: NodeId,
        make: impl FnOnce() -> Result<Arc<Node>>,
    ) -> Result<Arc<Node>> {
        if let Some(node) = self.get(id) {
            return Ok(node);
        }
        let made = make()?;
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if table.nodes.len() >= table.full.max(LEAST) {
            // Where it is here alone, nobody can come to have it meanwhile.
            (table.nodes).retain(|_, node| Arc::get_mut(node).is_none_or(|node| node.is_changed()));
            table.full = 2 * table.nodes.len();
        }
        Ok(Arc::clone(table.nodes.entry(id).or_insert(made)))
    }

    /// Forgets a file that has no name any more: it lives for as long as it is open.
    pub fn forget(&mut self, id: NodeId) {
        let table = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        table.nodes.remove(&id);
    }

    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .nodes
            .len()
    }
}
