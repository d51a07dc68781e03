use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::node::Node;
use crate::vfs::Result;
use crate::vfs::image::NodeId;

/// The nodes of files of the lower layer: each has at most one, so that all who have the file open share it.
#[derive(Debug, Default)]
pub(super) struct Opened(RwLock<Table>);

#[derive(Debug, Default)]
struct Table {
    nodes: BTreeMap<NodeId, Arc<Node>>,
    /// The number of nodes at which those are dropped that are neither open nor changed.
    full: usize,
}

/// The least number of nodes at which that is done.
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
            // No other `Arc` of it exists, and the table is locked, so none can be made.
            (table.nodes).retain(|_, node| Arc::get_mut(node).is_none_or(|node| node.is_changed()));
            table.full = 2 * table.nodes.len();
        }
        Ok(Arc::clone(table.nodes.entry(id).or_insert(made)))
    }

    /// Drops the node of a file that has no name any more. It lives for as long as it is open.
    pub fn forget(&mut self, id: NodeId) {
        let table = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        table.nodes.remove(&id);
    }

    /// The number of nodes.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .nodes
            .len()
    }
}
