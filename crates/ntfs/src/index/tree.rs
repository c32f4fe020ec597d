//! The nodes of one operation: loaded once, changed in memory, written back at the end.

use std::sync::Arc;

use super::node::Node;
use super::{Collation, IndexDamage, IndexError, IndexStore, NodePlace, block, root};
use crate::Error;

/// Levels that a tree may have.
///
/// A node that is not the root and not damaged has at least two children, so that a tree of 2^32 files, the most that a volume
/// can name, with two names each has at most 34 levels even at the least fill; real ones have at most 5. A deeper one is damaged.
pub(crate) const LEVELS_MAX: usize = 40;

/// A node on the way down, and the index of the entry that was taken there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) place: NodePlace,
    pub(crate) at: usize,
}

/// A node in memory.
struct Loaded {
    place: NodePlace,
    node: Arc<Node>,
    changed: bool,
}

/// An index with the nodes that an operation has seen so far.
pub(crate) struct Tree<'s> {
    store: &'s mut dyn IndexStore,
    block_size: u32,
    /// In the order in which they were seen; few, as a walk forgets those behind it.
    nodes: Vec<Loaded>,
    /// Blocks that the operation emptied; taken again before the store is asked for one.
    emptied: Vec<u64>,
}

impl<'s> Tree<'s> {
    pub(crate) fn open(store: &'s mut dyn IndexStore) -> Result<Self, Error> {
        let block_size = store.block_size();
        block::expect_size(block_size, store.vcn_unit())?;
        Ok(Self { store, block_size, nodes: Vec::with_capacity(8), emptied: Vec::new() })
    }

    /// The node at a place, read if it was not yet.
    pub(crate) fn node(&mut self, place: NodePlace) -> Result<&Node, Error> {
        self.load(place).map(|loaded| &*loaded.node)
    }

    /// The node at a place, to be written at the end.
    pub(crate) fn node_mut(&mut self, place: NodePlace) -> Result<&mut Node, Error> {
        self.load(place)?.changed = true;
        if let (NodePlace::Block(vcn), Some(known)) = (place, self.store.known_nodes()) {
            // What is held twice would be copied. It comes back when it is written.
            known.forget(vcn);
        }
        self.load(place).map(|loaded| Arc::make_mut(&mut loaded.node))
    }

    /// The node that an entry leads down to.
    pub(crate) fn child_of(
        &mut self,
        path: &[Step],
        step: Step,
    ) -> Result<Option<NodePlace>, Error> {
        let node = self.node(step.place)?;
        let Some(child) = node.child(step.at) else { return Ok(None) };
        let place = NodePlace::Block(child);
        if place == step.place || path.iter().any(|above| above.place == place) {
            return Err(node.damaged(step.at, IndexDamage::ReachedTwice { child }));
        }
        if path.len() + 2 > LEVELS_MAX {
            return Err(node.damaged(step.at, IndexDamage::TooDeep { most: LEVELS_MAX }));
        }
        Ok(Some(place))
    }

    /// Goes from the root to where `key` is, or to the place in a leaf where it would be. True when it is there.
    pub(crate) fn descend(
        &mut self,
        collation: Collation<'_>,
        key: &[u8],
    ) -> Result<(Vec<Step>, bool), Error> {
        let mut path = Vec::new();
        let mut place = NodePlace::Root;
        loop {
            let (at, found) = search(self.node(place)?, collation, key)?;
            let step = Step { place, at };
            let below = if found { None } else { self.child_of(&path, step)? };
            path.push(step);
            match below {
                Some(child) => place = child,
                None => return Ok((path, found)),
            }
        }
    }

    /// Extends `path`, whose last step names an entry, to the last or first entry of the leaf below that entry.
    pub(crate) fn descend_to_edge(
        &mut self,
        path: &mut Vec<Step>,
        last: bool,
    ) -> Result<(), Error> {
        while let Some(step) = path.last().copied() {
            let above = path.get(..path.len() - 1).unwrap_or_default();
            let Some(place) = self.child_of(above, step)? else { break };
            let at = if last { self.node(place)?.count() } else { 0 };
            path.push(Step { place, at });
        }
        Ok(())
    }

    /// True when a node has outgrown its place.
    pub(crate) fn overflows(&mut self, place: NodePlace) -> Result<bool, Error> {
        let capacity = match place {
            NodePlace::Root => self.store.root_capacity()?,
            NodePlace::Block(_) => self.node(place)?.block_capacity(),
        };
        Ok(self.node(place)?.size() > capacity)
    }

    /// Bytes that the value of `$INDEX_ROOT` may have.
    pub(crate) fn root_capacity(&mut self) -> Result<usize, Error> {
        self.store.root_capacity()
    }

    /// A block without entries.
    pub(crate) fn allocate(&mut self) -> Result<u64, Error> {
        let vcn = match self.emptied.pop() {
            Some(vcn) => vcn,
            None => self.store.allocate_block()?,
        };
        let place = NodePlace::Block(vcn);
        let node = Arc::new(block::empty(vcn, self.block_size));
        self.nodes.retain(|loaded| loaded.place != place);
        self.nodes.push(Loaded { place, node, changed: true });
        Ok(vcn)
    }

    /// A block without entries for what the root has no room for.
    ///
    /// The root is emptied in the store first: a file record too full for the root has no room for `$INDEX_ALLOCATION` either.
    pub(crate) fn allocate_for_root(&mut self) -> Result<u64, Error> {
        let mut emptied = self.node(NodePlace::Root)?.clone();
        emptied.rebuild(&[], None);
        let before = self.store.read_root()?;
        self.store.write_root(&emptied.to_bytes(0))?;
        self.allocate().inspect_err(|_| {
            // The caller learns why there is no block; a root that cannot be put back is lost with the transaction.
            let _ = self.store.write_root(&before);
        })
    }

    /// Gives a block up. Nothing may lead to it any more.
    pub(crate) fn release(&mut self, vcn: u64) {
        self.nodes.retain(|loaded| loaded.place != NodePlace::Block(vcn));
        self.emptied.push(vcn);
    }

    /// A node that the operation has seen already.
    pub(crate) fn loaded(&self, place: NodePlace) -> Option<&Node> {
        let loaded = self.nodes.iter().find(|loaded| loaded.place == place);
        loaded.map(|loaded| &*loaded.node)
    }

    /// The error of a tree in which no way down ends.
    pub(crate) fn too_deep(&self) -> Error {
        let damage = IndexDamage::TooDeep { most: LEVELS_MAX };
        IndexError::Damaged { node: NodePlace::Root, offset: 0, damage }.into()
    }

    /// Drops an unchanged node from memory.
    pub(crate) fn forget(&mut self, place: NodePlace) {
        self.nodes.retain(|loaded| loaded.changed || loaded.place != place);
    }

    /// Writes the changed nodes, children before the root, and frees the blocks that are not used any more.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        let size = self.block_size as usize;
        self.nodes.retain(|loaded| loaded.changed);
        self.nodes.sort_unstable_by_key(|loaded| std::cmp::Reverse(loaded.place));
        let known = self.store.known_nodes();
        let mut bytes = known.map(|known| std::mem::take(&mut known.scratch)).unwrap_or_default();
        for Loaded { place, mut node, .. } in self.nodes {
            match place {
                NodePlace::Root => self.store.write_root(&node.to_bytes(0))?,
                NodePlace::Block(vcn) => {
                    node.write_to(size, &mut bytes);
                    self.store.write_block(vcn, &mut bytes)?;
                    if let Some(known) = self.store.known_nodes() {
                        block::count_write(Arc::make_mut(&mut node));
                        known.keep_written(vcn, node);
                    }
                }
            }
        }
        if let Some(known) = self.store.known_nodes() {
            known.scratch = bytes;
        }
        self.emptied.iter().try_for_each(|vcn| self.store.free_block(*vcn))
    }

    fn load(&mut self, place: NodePlace) -> Result<&mut Loaded, Error> {
        let at = match self.nodes.iter().position(|loaded| loaded.place == place) {
            Some(at) => at,
            None => {
                let node = match place {
                    NodePlace::Root => Arc::new(root::parse(&self.store.read_root()?)?),
                    NodePlace::Block(vcn) => self.block(vcn)?,
                };
                self.nodes.push(Loaded { place, node, changed: false });
                self.nodes.len() - 1
            }
        };
        Ok(&mut self.nodes[at])
    }

    /// A block that is known, or read.
    fn block(&mut self, vcn: u64) -> Result<Arc<Node>, Error> {
        if let Some(node) = self.store.known_nodes().and_then(|known| known.get(vcn)) {
            return Ok(node);
        }
        let bytes = self.store.read_block(vcn)?;
        let node = Arc::new(block::parse(vcn, &bytes, self.block_size)?);
        if let Some(known) = self.store.known_nodes() {
            known.keep(vcn, node.clone());
        }
        Ok(node)
    }
}

/// The index of the entry with `key`, or of the first one after it. True when it is the one.
fn search(node: &Node, collation: Collation<'_>, key: &[u8]) -> Result<(usize, bool), Error> {
    let (mut low, mut high) = (0, node.count());
    while low < high {
        let middle = low + (high - low) / 2;
        let there = node.entry(middle).key();
        if !collation.accepts(there) {
            return Err(node.damaged(middle, IndexDamage::Key { length: there.len() }));
        }
        match collation.compare(there, key) {
            std::cmp::Ordering::Equal => return Ok((middle, true)),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Ok((low, false))
}
