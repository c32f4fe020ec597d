//! A whole subkey list at once.

use super::{HEADER, Leaves, ListKind, WHAT};
use crate::cell::CellOffset;
use crate::cells::Cells;
use crate::error::HiveError;
use crate::key_node::KeyNode;
use crate::name::StoredName;

/// Writes the list of a key with these subkeys, which are in order.
pub(crate) fn write_all(
    cells: &mut Cells,
    minor: u32,
    entries: &[(CellOffset, StoredName<'_>)],
) -> Result<CellOffset, HiveError> {
    let kind = match minor {
        5.. => ListKind::Hash,
        _ if entries.len() <= ListKind::Fast.entries_max() => ListKind::Fast,
        _ => ListKind::Index,
    };
    let mut leaves = Vec::new();
    for part in entries.chunks(kind.entries_max()) {
        let mut bytes = Vec::with_capacity(part.len() * kind.entry_size());
        for (key, name) in part {
            bytes.extend(entry(kind, *key, *name));
        }
        leaves.push(write(cells, kind, part.len(), &bytes)?);
    }
    match leaves.as_slice() {
        [leaf] => Ok(*leaf),
        leaves => {
            let bytes: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.0.to_le_bytes()).collect();
            write(cells, ListKind::Root, leaves.len(), &bytes)
        }
    }
}

/// The bytes of an entry in a leaf of that kind.
fn entry(kind: ListKind, key: CellOffset, name: StoredName<'_>) -> Vec<u8> {
    let mut bytes = key.0.to_le_bytes().to_vec();
    match kind {
        ListKind::Fast => bytes.extend(name.hint()),
        ListKind::Hash => bytes.extend(name.hash().to_le_bytes()),
        ListKind::Index | ListKind::Root => {}
    }
    bytes
}

/// Puts the entries of a key's list in the order in which Windows searches them, each leaf keeping its length.
///
/// # Errors
/// [`HiveError::Unsorted`] when two subkeys have the same name: no order helps then.
pub(crate) fn sort(cells: &mut Cells, key: CellOffset, node: &KeyNode) -> Result<(), HiveError> {
    let leaves = Leaves::read(cells, key, node)?;
    let mut keys = Vec::new();
    for subkey in leaves.keys() {
        keys.push((subkey, KeyNode::read(cells, subkey)?.1));
    }
    keys.sort_by(|(_, a), (_, b)| a.cmp(*b));
    if keys.windows(2).any(|pair| matches!(pair, [(_, a), (_, b)] if a.cmp(*b).is_eq())) {
        return Err(HiveError::Unsorted { offset: key.in_file() });
    }
    let mut keys = keys.into_iter();
    let mut written = Vec::new();
    for leaf in &leaves.leaves {
        let part = keys.by_ref().take(leaf.len());
        let bytes: Vec<u8> =
            part.flat_map(|(subkey, name)| entry(leaf.kind, subkey, name)).collect();
        written.push((leaf.at, bytes));
    }
    for (at, bytes) in written {
        cells.write(at, HEADER, &bytes, WHAT)?;
    }
    Ok(())
}

fn write(
    cells: &mut Cells,
    kind: ListKind,
    count: usize,
    entries: &[u8],
) -> Result<CellOffset, HiveError> {
    let Ok(count) = u16::try_from(count) else {
        return Err(HiveError::TooMany { offset: 0, what: "subkeys" });
    };
    let mut list = kind.signature().to_vec();
    list.extend(count.to_le_bytes());
    list.extend(entries);
    cells.allocate_with(&list)
}
