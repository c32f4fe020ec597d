//! Entries come and go; leaves are split when full.

use super::{HEADER, Leaves, List, ListKind, Place, WHAT};
use crate::cell::CellOffset;
use crate::cells::Cells;
use crate::error::{HiveError, Structure};
use crate::key_node::KeyNode;
use crate::name;

/// The name of a subkey that a list takes up.
pub(crate) struct Entry {
    pub(crate) key: CellOffset,
    /// UTF-16 units as spelt.
    pub(crate) units: Vec<u16>,
    /// The same in upper case.
    pub(crate) upper: Vec<u16>,
}

impl Entry {
    fn bytes(&self, kind: ListKind) -> Vec<u8> {
        let mut bytes = self.key.0.to_le_bytes().to_vec();
        match kind {
            ListKind::Fast => bytes.extend(name::hint(self.units.iter().copied())),
            ListKind::Hash => bytes.extend(name::hash(self.upper.iter().copied()).to_le_bytes()),
            ListKind::Index | ListKind::Root => {}
        }
        bytes
    }
}

/// Adds a subkey to the list of `node`, which is in order, and corrects list and count in `node` (not yet in its cell).
pub(crate) fn insert(
    cells: &mut Cells,
    key: CellOffset,
    node: &mut KeyNode,
    minor: u32,
    entry: &Entry,
) -> Result<(), HiveError> {
    let count = node.subkey_count.get();
    if count == 0 {
        let kind = if minor >= 5 { ListKind::Hash } else { ListKind::Fast };
        node.subkeys.set(new_list(cells, kind, &entry.bytes(kind))?.0);
        node.subkey_count.set(1);
        return Ok(());
    }
    let leaves = Leaves::read(cells, key, node)?;
    let Err(mut place) = leaves.search(cells, &entry.upper)? else {
        return Err(HiveError::Unsorted { offset: key.in_file() });
    };
    let Some(leaf) = leaves.leaves.get(place.leaf).copied() else {
        return Err(HiveError::Unsorted { offset: key.in_file() });
    };
    let alone = leaves.root.is_none();
    let mut at = leaf.at;
    let mut kind = leaf.kind;
    let mut length = leaf.len();
    if kind == ListKind::Fast && length >= kind.entries_max() && alone {
        let moved = fast_to_index(cells, leaf.at)?;
        node.subkeys.set(moved.0);
        (at, kind) = (moved, ListKind::Index);
    }
    if length >= kind.entries_max() {
        let (right, left_length) = split(cells, at)?;
        if alone {
            let mut both = at.0.to_le_bytes().to_vec();
            both.extend(right.0.to_le_bytes());
            node.subkeys.set(new_list(cells, ListKind::Root, &both)?.0);
        } else {
            let root = CellOffset(node.subkeys.get());
            let root = insert_bytes(cells, root, place.leaf + 1, &right.0.to_le_bytes(), key)?;
            node.subkeys.set(root.0);
        }
        if place.index > left_length {
            place = Place { leaf: place.leaf + 1, index: place.index - left_length };
            at = right;
            length -= left_length;
        } else {
            length = left_length;
        }
    }
    debug_assert!(place.index <= length, "an entry goes inside its leaf");
    let moved = insert_bytes(cells, at, place.index, &entry.bytes(kind), key)?;
    if moved != at {
        replace_leaf(cells, node, place.leaf, moved)?;
    }
    node.subkey_count.set(count + 1);
    Ok(())
}

/// Removes a subkey from the list of `node`, and corrects list and count in `node` (not yet in its cell).
pub(crate) fn remove(
    cells: &mut Cells,
    key: CellOffset,
    node: &mut KeyNode,
    subkey: CellOffset,
) -> Result<(), HiveError> {
    let leaves = Leaves::read(cells, key, node)?;
    let root = leaves.root.map(|root| root.at);
    let not_listed =
        HiveError::Count { what: WHAT, offset: subkey.in_file(), expected: 1, found: 0 };
    let Some(place) = leaves.place_of(cells, subkey)? else { return Err(not_listed) };
    let Some((at, length)) = leaves.leaves.get(place.leaf).map(|leaf| (leaf.at, leaf.len())) else {
        return Err(not_listed);
    };
    let left = node.subkey_count.get() - 1;
    if length > 1 {
        remove_entry(cells, at, place.index)?;
    } else {
        cells.release(at, WHAT)?;
        match root {
            None => node.subkeys.set(CellOffset::NONE.0),
            Some(root) if List::read(cells, root)?.len() > 1 => {
                remove_entry(cells, root, place.leaf)?;
            }
            Some(root) => {
                cells.release(root, WHAT)?;
                node.subkeys.set(CellOffset::NONE.0);
            }
        }
    }
    if left == 0 && node.subkeys.get() != CellOffset::NONE.0 {
        let (what, offset) = (Structure::KeyNode, key.in_file());
        return Err(HiveError::Count { what, offset, expected: 0, found: 1 });
    }
    node.subkey_count.set(left);
    Ok(())
}

/// Writes a list of one or two entries.
fn new_list(cells: &mut Cells, kind: ListKind, entries: &[u8]) -> Result<CellOffset, HiveError> {
    let count = u16::try_from(entries.len() / kind.entry_size()).unwrap_or(u16::MAX);
    let mut list = kind.signature().to_vec();
    list.extend(count.to_le_bytes());
    list.extend(entries);
    cells.allocate_with(&list)
}

/// Puts an entry into a list, which may have to move: where it is then.
fn insert_bytes(
    cells: &mut Cells,
    at: CellOffset,
    index: usize,
    entry: &[u8],
    key: CellOffset,
) -> Result<CellOffset, HiveError> {
    let list = List::read(cells, at)?;
    let Ok(count) = u16::try_from(list.len() + 1) else {
        return Err(HiveError::TooMany { offset: key.in_file(), what: "subkeys" });
    };
    let length = list.entries.len();
    let from = index * entry.len();
    let mut tail = entry.to_vec();
    tail.extend(list.entries.get(from..).unwrap_or_default());
    let mut at = at;
    if length + entry.len() > list.room {
        // Half as much again, so that lists that grow do not move each time.
        at = cells.resize(at, HEADER + length + (length / 2).max(entry.len()), WHAT)?;
    }
    cells.write(at, HEADER + from, &tail, WHAT)?;
    cells.write(at, 2, &count.to_le_bytes(), WHAT)?;
    Ok(at)
}

fn remove_entry(cells: &mut Cells, at: CellOffset, index: usize) -> Result<(), HiveError> {
    let list = List::read(cells, at)?;
    let size = list.kind.entry_size();
    let tail = list.entries.get((index + 1) * size..).unwrap_or_default().to_vec();
    let count = u16::try_from(list.len() - 1).unwrap_or(u16::MAX);
    cells.write(at, HEADER + index * size, &tail, WHAT)?;
    cells.write(at, 2, &count.to_le_bytes(), WHAT)
}

/// Turns an `lf` leaf into an `li` one, as Windows does when it gets long.
fn fast_to_index(cells: &mut Cells, at: CellOffset) -> Result<CellOffset, HiveError> {
    let entries: Vec<u8> =
        List::read(cells, at)?.cells().flat_map(|key| key.0.to_le_bytes()).collect();
    cells.release(at, WHAT)?;
    new_list(cells, ListKind::Index, &entries)
}

/// Moves the upper half of a leaf to a new one: where that is, and how many entries stay.
fn split(cells: &mut Cells, at: CellOffset) -> Result<(CellOffset, usize), HiveError> {
    let list = List::read(cells, at)?;
    let stay = list.len() / 2;
    let upper = list.entries.get(stay * list.kind.entry_size()..).unwrap_or_default().to_vec();
    let right = new_list(cells, list.kind, &upper)?;
    let count = u16::try_from(stay).unwrap_or(u16::MAX);
    cells.write(at, 2, &count.to_le_bytes(), WHAT)?;
    Ok((right, stay))
}

/// Enters the new place of a leaf where its old one was.
fn replace_leaf(
    cells: &mut Cells,
    node: &mut KeyNode,
    leaf: usize,
    at: CellOffset,
) -> Result<(), HiveError> {
    let first = CellOffset(node.subkeys.get());
    // A leaf that moved is freed already, so what is named now can only be an index root.
    match List::read(cells, first) {
        Ok(root) if root.kind == ListKind::Root => cells.write(
            first,
            HEADER + leaf * ListKind::Root.entry_size(),
            &at.0.to_le_bytes(),
            WHAT,
        ),
        _ => {
            node.subkeys.set(at.0);
            Ok(())
        }
    }
}
