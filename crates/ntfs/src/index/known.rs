//! Index blocks that were parsed before and still hold.

use std::sync::Arc;

use super::node::Node;
use crate::numbered::Numbered;

/// Nodes kept (about 5 MiB).
const NODES_MAX: usize = 1024;

/// The blocks of one index, by VCN, as they stand in their store.
#[derive(Debug, Default)]
pub struct KnownNodes {
    nodes: Numbered<Arc<Node>>,
    changed: bool,
    /// What a block is put together in.
    pub(crate) scratch: Vec<u8>,
}

impl KnownNodes {
    pub(crate) fn get(&self, vcn: u64) -> Option<Arc<Node>> {
        self.nodes.get(&vcn).cloned()
    }

    /// Keeps a block that was read.
    pub(crate) fn keep(&mut self, vcn: u64, node: Arc<Node>) {
        if self.nodes.len() >= NODES_MAX {
            self.nodes.clear();
        }
        self.nodes.insert(vcn, node);
    }

    /// Keeps a block that was written.
    pub(crate) fn keep_written(&mut self, vcn: u64, node: Arc<Node>) {
        self.changed = true;
        self.keep(vcn, node);
    }

    /// Forgets a block: one that was freed, or is about to change.
    pub(crate) fn forget(&mut self, vcn: u64) {
        self.nodes.remove(&vcn);
    }

    /// Forgets every block.
    pub(crate) fn clear(&mut self) {
        self.nodes.clear();
    }

    /// Whether a block was written since this was asked last.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}
