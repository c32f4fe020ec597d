//! Subkey lists: `lf`, `lh` and `li` leaves, alone or below an `ri` root.
//!
//! Source: M. Suhanov, "Windows registry file format specification", "Index leaf" to "Index root".

use crate::cell::CellOffset;
use crate::cells::Cells;
use crate::error::{HiveError, Structure};
use crate::key_node::KeyNode;
use crate::name;
use crate::upcase::upcase;
use std::cmp::Ordering;

mod edit;
mod write;

pub(crate) use edit::{Entry, insert, remove};
pub(crate) use write::{sort, write_all};

const WHAT: Structure = Structure::SubkeyList;

/// Signature and count before the entries, bytes.
const HEADER: usize = 4;

/// A smallest key: cell size, node and a name of one letter, rounded to 8; bounds what lists may name.
const KEY_CELL_MIN: u32 = 80;

/// How a list keeps its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListKind {
    /// Keys with the first letters of their names.
    Fast,
    /// Keys with hashes of their names.
    Hash,
    /// Keys alone.
    Index,
    /// Other lists.
    Root,
}

impl ListKind {
    fn from_signature(signature: [u8; 2]) -> Option<Self> {
        match &signature {
            b"lf" => Some(Self::Fast),
            b"lh" => Some(Self::Hash),
            b"li" => Some(Self::Index),
            b"ri" => Some(Self::Root),
            _ => None,
        }
    }

    fn signature(self) -> [u8; 2] {
        match self {
            Self::Fast => *b"lf",
            Self::Hash => *b"lh",
            Self::Index => *b"li",
            Self::Root => *b"ri",
        }
    }

    /// Bytes of one entry.
    fn entry_size(self) -> usize {
        match self {
            Self::Fast | Self::Hash => 8,
            Self::Index | Self::Root => 4,
        }
    }

    /// Entries at which Windows turns to another list: an `lf` leaf becomes `li`, the others are split.
    ///
    /// Source: leaves of hives written by Windows XP to 11 have up to 1012 entries (`lh`, `li`), `lf` ones fewer than 508.
    fn entries_max(self) -> usize {
        match self {
            Self::Fast => 507,
            Self::Hash | Self::Index => 1012,
            Self::Root => usize::from(u16::MAX),
        }
    }
}

/// A list as it lies in its cell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List<'a> {
    pub(crate) at: CellOffset,
    pub(crate) kind: ListKind,
    entries: &'a [u8],
    /// Bytes that the cell has for entries.
    room: usize,
}

impl<'a> List<'a> {
    pub(crate) fn read(cells: &'a Cells, at: CellOffset) -> Result<Self, HiveError> {
        let payload = cells.payload(at, WHAT)?;
        let offset = at.in_file();
        let (needed, found) = (HEADER as u64, payload.len() as u64);
        let Some((&[a, b, low, high], rest)) = payload.split_first_chunk::<HEADER>() else {
            return Err(HiveError::Truncated { what: WHAT, offset, needed, found });
        };
        let Some(kind) = ListKind::from_signature([a, b]) else {
            return Err(HiveError::Signature { what: WHAT, offset, found: [a, b] });
        };
        let length = usize::from(u16::from_le_bytes([low, high])) * kind.entry_size();
        let Some(entries) = rest.get(..length) else {
            let needed = (HEADER + length) as u64;
            return Err(HiveError::Truncated { what: WHAT, offset, needed, found });
        };
        Ok(Self { at, kind, entries, room: rest.len() })
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len() / self.kind.entry_size()
    }

    /// Cells that the entries name.
    pub(crate) fn cells(
        &self,
    ) -> impl DoubleEndedIterator<Item = CellOffset> + ExactSizeIterator + 'a {
        self.entries.chunks_exact(self.kind.entry_size()).map(|entry| CellOffset(word(entry, 0)))
    }

    pub(crate) fn get(&self, index: usize) -> Option<CellOffset> {
        let entry = self.entries.get(index * self.kind.entry_size()..)?.first_chunk::<4>()?;
        Some(CellOffset(u32::from_le_bytes(*entry)))
    }

    /// Hash or hint of each entry; 0 in lists that have none.
    pub(crate) fn hints(&self) -> impl Iterator<Item = u32> + 'a {
        self.entries.chunks_exact(self.kind.entry_size()).map(|entry| word(entry, 4))
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk::<4>).map_or(0, |word| u32::from_le_bytes(*word))
}

/// The leaves of a key's subkey list, in order, and the `ri` list that names them.
pub(crate) struct Leaves<'a> {
    pub(crate) root: Option<List<'a>>,
    pub(crate) leaves: Vec<List<'a>>,
}

impl<'a> Leaves<'a> {
    /// Reads the list of the key at `key`; its entries must be as many as the key counts.
    pub(crate) fn read(
        cells: &'a Cells,
        key: CellOffset,
        node: &KeyNode,
    ) -> Result<Self, HiveError> {
        let expected = node.subkey_count.get();
        let mut all = Self { root: None, leaves: Vec::new() };
        if expected == 0 {
            return Ok(all);
        }
        let first = List::read(cells, CellOffset(node.subkeys.get()))?;
        let most = u64::from(cells.length() / KEY_CELL_MIN);
        let mut found = 0;
        if first.kind == ListKind::Root {
            all.root = Some(first);
            for at in first.cells() {
                let leaf = List::read(cells, at)?;
                if leaf.kind == ListKind::Root {
                    let offset = at.in_file();
                    return Err(HiveError::Signature { what: WHAT, offset, found: *b"ri" });
                }
                found += leaf.len() as u64;
                if found > most {
                    break;
                }
                all.leaves.push(leaf);
            }
        } else {
            found = first.len() as u64;
            all.leaves.push(first);
        }
        if found != u64::from(expected) || found > most {
            let (what, offset) = (Structure::KeyNode, key.in_file());
            return Err(HiveError::Count { what, offset, expected: u64::from(expected), found });
        }
        Ok(all)
    }

    /// All subkeys in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = CellOffset> {
        self.leaves.iter().flat_map(List::cells)
    }

    /// The leaf and the place in it where the subkey with this name is (`Ok`) or belongs (`Err`), by binary search.
    fn search(&self, cells: &Cells, upper: &[u16]) -> Result<Result<Place, Place>, HiveError> {
        let mut leaf = 0;
        let (mut low, mut high) = (0, self.leaves.len());
        // The first leaf whose last key is not below the name; the last leaf when there is none.
        while low < high {
            let middle = low + (high - low) / 2;
            let last = self.leaves.get(middle).and_then(|leaf| leaf.cells().next_back());
            match last {
                Some(last) if KeyNode::read(cells, last)?.1.cmp_upper(upper) == Ordering::Less => {
                    low = middle + 1;
                }
                _ => high = middle,
            }
        }
        if let Some(last) = self.leaves.len().checked_sub(1) {
            leaf = low.min(last);
        }
        let Some(list) = self.leaves.get(leaf) else { return Ok(Err(Place { leaf, index: 0 })) };
        let (mut low, mut high) = (0, list.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(key) = list.get(middle) else { break };
            match KeyNode::read(cells, key)?.1.cmp_upper(upper) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(Ok(Place { leaf, index: middle })),
            }
        }
        Ok(Err(Place { leaf, index: low }))
    }

    /// Where a subkey is listed: by its name, entry by entry only in lists that are out of order.
    fn place_of(&self, cells: &Cells, subkey: CellOffset) -> Result<Option<Place>, HiveError> {
        let upper: Vec<u16> = KeyNode::read(cells, subkey)?.1.units().map(upcase).collect();
        if let Ok(Ok(place)) = self.search(cells, &upper)
            && self.key_at(place) == Some(subkey)
        {
            return Ok(Some(place));
        }
        Ok(self.leaves.iter().enumerate().find_map(|(leaf, list)| {
            let index = list.cells().position(|entry| entry == subkey)?;
            Some(Place { leaf, index })
        }))
    }

    fn key_at(&self, place: Place) -> Option<CellOffset> {
        self.leaves.get(place.leaf)?.get(place.index)
    }
}

/// An entry of a leaf.
#[derive(Debug, Clone, Copy)]
struct Place {
    leaf: usize,
    index: usize,
}

/// Finds a subkey by name. Lists that are out of order are searched entry by entry.
pub(crate) fn find(
    cells: &Cells,
    key: CellOffset,
    node: &KeyNode,
    upper: &[u16],
) -> Result<Option<CellOffset>, HiveError> {
    let leaves = Leaves::read(cells, key, node)?;
    if let Ok(place) = leaves.search(cells, upper)? {
        return Ok(leaves.key_at(place));
    }
    let hash = name::hash(upper.iter().copied());
    for leaf in &leaves.leaves {
        for (subkey, hint) in leaf.cells().zip(leaf.hints()) {
            let skip = leaf.kind == ListKind::Hash && hint != hash;
            if !skip && KeyNode::read(cells, subkey)?.1.cmp_upper(upper) == Ordering::Equal {
                return Ok(Some(subkey));
            }
        }
    }
    Ok(None)
}

/// Finds a subkey of a list that is known to be in order.
pub(crate) fn find_sorted(
    cells: &Cells,
    key: CellOffset,
    node: &KeyNode,
    upper: &[u16],
) -> Result<Option<CellOffset>, HiveError> {
    let leaves = Leaves::read(cells, key, node)?;
    Ok(leaves.search(cells, upper)?.ok().and_then(|place| leaves.key_at(place)))
}

/// True when a list is in the order in which Windows searches it.
pub(crate) fn is_sorted(cells: &Cells, key: CellOffset, node: &KeyNode) -> Result<bool, HiveError> {
    let leaves = Leaves::read(cells, key, node)?;
    let mut before = None;
    for subkey in leaves.keys() {
        let name = KeyNode::read(cells, subkey)?.1;
        if before.is_some_and(|before| name.cmp(before) != Ordering::Greater) {
            return Ok(false);
        }
        before = Some(name);
    }
    Ok(true)
}
