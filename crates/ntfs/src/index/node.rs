//! A node of an index: the entries of the root or of a block, ended by an end entry.

use super::block;
use super::entry::{CHILD, Entry, EntryView, HEAD};
use super::root;
use super::{IndexDamage, IndexError, NodePlace};
use crate::Error;

/// Bytes of the header before a node's entries: offset of the entries, their end, bytes allocated, flags. Offsets count from the header.
///
/// Source: linux-ntfs documentation, "Index header".
pub(crate) const NODE_HEADER: usize = 0x10;
/// Offset of the flags in a node's header.
const FLAGS_AT: usize = 0x0c;
/// Flag: the node's entries have children (`LARGE_INDEX` in the root, `INDEX_NODE` in a block).
const HAS_CHILDREN: u8 = 1;

/// A node taken apart; every entry's length and key lie within it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    place: NodePlace,
    /// All bytes before the entries, as they were read.
    prefix: Vec<u8>,
    /// Bytes from the header to the end of the space for entries; the root's follows its length.
    allocated: usize,
    has_children: bool,
    /// The entries one after another, the end entry last.
    entries: Vec<u8>,
    /// Where each entry starts in `entries`, the end entry included.
    starts: Vec<usize>,
}

/// An entry with its child.
pub(crate) type Item = (Entry, Option<u64>);

impl Node {
    /// Takes the value of `$INDEX_ROOT` or an index block apart.
    pub(crate) fn parse(place: NodePlace, bytes: &[u8]) -> Result<Self, Error> {
        let header_at = header_at(place);
        let damaged =
            |offset, damage| Error::from(IndexError::Damaged { node: place, offset, damage });
        let header: &[u8; NODE_HEADER] = bytes
            .get(header_at..)
            .and_then(|rest| rest.first_chunk())
            .ok_or_else(|| damaged(0, IndexDamage::TooShort { size: bytes.len() }))?;
        let field = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let (start, end) = (u64::from(field(0)), u64::from(field(4)));
        let allocated = match place {
            NodePlace::Root => bytes.len() - header_at,
            NodePlace::Block(_) => {
                (bytes.len() - header_at).min(usize::try_from(field(8)).unwrap_or(usize::MAX))
            }
        };
        let outside =
            || damaged(header_at, IndexDamage::EntriesOutside { start, end, size: bytes.len() });
        if start < NODE_HEADER as u64
            || !start.is_multiple_of(8)
            || start > end
            || end > allocated as u64
        {
            return Err(outside());
        }
        let start = header_at + usize::try_from(start).map_err(|_| outside())?;
        let end = header_at + usize::try_from(end).map_err(|_| outside())?;
        let (prefix, entries) =
            bytes.get(..end).and_then(|used| used.split_at_checked(start)).ok_or_else(outside)?;

        let mut starts = Vec::new();
        let mut at = 0;
        // Each round passes an entry of at least 16 bytes.
        let last = loop {
            let rest = entries.get(at..).filter(|rest| !rest.is_empty());
            let rest = rest.ok_or_else(|| damaged(start + at, IndexDamage::NoEnd))?;
            let entry = EntryView::parse(rest).ok_or_else(|| {
                let length = rest
                    .get(8..10)
                    .map_or(0, |raw| usize::from(u16::from_le_bytes([raw[0], raw[1]])));
                damaged(start + at, IndexDamage::EntryLength { length, room: rest.len() })
            })?;
            starts.push(at);
            at += entry.length();
            if entry.is_end() {
                break entry;
            }
        };
        let node = Self {
            place,
            prefix: prefix.to_vec(),
            allocated,
            has_children: last.has_child(),
            entries: entries.get(..at).unwrap_or_default().to_vec(),
            starts,
        };
        let mixed =
            (0..node.count()).find(|index| node.entry(*index).has_child() != node.has_children);
        match mixed {
            Some(index) => Err(node.damaged(index, IndexDamage::MixedNode)),
            None => Ok(node),
        }
    }

    /// An empty node with these bytes before its entries.
    pub(crate) fn empty(place: NodePlace, prefix: Vec<u8>, allocated: usize) -> Self {
        let mut node = Self {
            place,
            prefix,
            allocated,
            has_children: false,
            entries: Vec::new(),
            starts: Vec::new(),
        };
        node.rebuild(&[], None);
        node
    }

    /// The node's bytes.
    pub(crate) fn to_bytes(&self, block_size: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write_to(block_size, &mut bytes);
        bytes
    }

    /// Replaces `bytes` by the node's; a block's end with zeros.
    pub(crate) fn write_to(&self, block_size: usize, bytes: &mut Vec<u8>) {
        let header_at = header_at(self.place);
        bytes.clear();
        bytes.reserve(self.size().max(block_size));
        bytes.extend_from_slice(&self.prefix);
        bytes.extend_from_slice(&self.entries);
        let end = u32::try_from(bytes.len() - header_at).unwrap_or(u32::MAX);
        let flags = &mut bytes[header_at + FLAGS_AT];
        *flags = *flags & !HAS_CHILDREN | if self.has_children { HAS_CHILDREN } else { 0 };
        bytes[header_at + 4..header_at + 8].copy_from_slice(&end.to_le_bytes());
        match self.place {
            NodePlace::Root => {
                bytes[header_at + 8..header_at + 12].copy_from_slice(&end.to_le_bytes());
            }
            NodePlace::Block(_) => bytes.resize(block_size, 0),
        }
    }

    /// Bytes of the node up to the end of its entries.
    pub(crate) fn size(&self) -> usize {
        self.prefix.len() + self.entries.len()
    }

    /// Bytes that a block's node may have. A root's limit is its store's.
    pub(crate) fn block_capacity(&self) -> usize {
        header_at(self.place) + self.allocated
    }

    /// Bytes before the entries.
    pub(crate) fn prefix_size(&self) -> usize {
        self.prefix.len()
    }

    /// The bytes before the entries.
    pub(crate) fn prefix_mut(&mut self) -> &mut [u8] {
        &mut self.prefix
    }

    pub(crate) fn has_children(&self) -> bool {
        self.has_children
    }

    /// Number of entries, the end entry not counted.
    pub(crate) fn count(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// An entry; the end entry is the one at [`Node::count`].
    pub(crate) fn entry(&self, index: usize) -> EntryView<'_> {
        let start = self.starts.get(index).or(self.starts.last()).copied().unwrap_or_default();
        self.entries.get(start..).and_then(EntryView::parse).unwrap_or_else(EntryView::nothing)
    }

    /// Child of an entry or of the end entry.
    pub(crate) fn child(&self, index: usize) -> Option<u64> {
        self.entry(index).child()
    }

    /// All entries but the end entry.
    pub(crate) fn items(&self) -> Vec<Item> {
        (0..self.count()).map(|index| (self.entry(index).to_entry(), self.child(index))).collect()
    }

    /// The child of the end entry.
    pub(crate) fn end_child(&self) -> Option<u64> {
        self.child(self.count())
    }

    /// Replaces all entries. Children are given for all or for none.
    pub(crate) fn rebuild(&mut self, items: &[Item], end_child: Option<u64>) {
        self.has_children = end_child.is_some();
        self.entries.clear();
        self.starts.clear();
        if let NodePlace::Block(_) = self.place {
            self.entries.reserve(self.allocated);
        }
        for (entry, child) in items {
            self.starts.push(self.entries.len());
            self.entries.extend(entry.encode(*child));
        }
        self.starts.push(self.entries.len());
        self.entries.extend(Entry::end().encode(end_child));
    }

    /// Inserts an entry before the one at `index`.
    pub(crate) fn insert(&mut self, index: usize, entry: &Entry, child: Option<u64>) {
        self.splice(index, index, &entry.encode(child));
    }

    /// Takes an entry out; its child is lost.
    pub(crate) fn remove(&mut self, index: usize) -> Entry {
        let entry = self.entry(index).to_entry();
        self.splice(index, index + 1, &[]);
        entry
    }

    /// Replaces an entry and keeps its child.
    pub(crate) fn replace(&mut self, index: usize, entry: &Entry) {
        let child = self.child(index);
        self.splice(index, index + 1, &entry.encode(child));
    }

    /// Points an entry, or the end entry, to another child.
    pub(crate) fn set_child(&mut self, index: usize, vcn: u64) {
        let entry = self.entry(index).to_entry();
        self.splice(index, index + 1, &entry.encode(Some(vcn)));
        self.has_children = true;
    }

    /// The error for an entry of this node.
    pub(crate) fn damaged(&self, index: usize, damage: IndexDamage) -> Error {
        let offset =
            self.prefix.len() + self.starts.get(index).copied().unwrap_or(self.entries.len());
        IndexError::Damaged { node: self.place, offset, damage }.into()
    }

    /// Puts one entry, or none, in the place of those from `from` up to `to`.
    fn splice(&mut self, from: usize, to: usize, with: &[u8]) {
        let start_of = |index: usize| self.starts.get(index).copied().unwrap_or(self.entries.len());
        let (start, end, length) = (start_of(from), start_of(to), self.entries.len());
        let next = start + with.len();
        if next > end {
            self.entries.resize(length + next - end, 0);
        }
        self.entries.copy_within(end..length, next);
        self.entries.truncate(length + next - end);
        self.entries[start..next].copy_from_slice(with);
        let (from, to) = (from.min(self.starts.len()), to.min(self.starts.len()));
        for later in &mut self.starts[to..] {
            *later = *later + next - end;
        }
        self.starts.splice(from..to, (!with.is_empty()).then_some(start));
    }
}

/// Bytes of an entry in a node with or without children.
pub(crate) fn item_length(entry: &Entry, has_children: bool) -> usize {
    entry.length() + if has_children { CHILD } else { 0 }
}

/// Bytes of an end entry in a node with or without children.
pub(crate) fn end_length(has_children: bool) -> usize {
    HEAD + if has_children { CHILD } else { 0 }
}

fn header_at(place: NodePlace) -> usize {
    match place {
        NodePlace::Root => root::HEAD,
        NodePlace::Block(_) => block::HEAD,
    }
}
