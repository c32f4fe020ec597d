//! Keys that get another name, parent or class name.

use crate::cell::CellOffset;
use crate::cells::Cells;
use crate::error::{HiveError, Structure};
use crate::key_node::{self, KeyNode};
use crate::name::{self, NewName};
use crate::subkey_list::{self, Entry, Leaves};
use zerocopy::IntoBytes;

/// Gives a key the name `name` below `parent`, which has no subkey of that name but perhaps this one: where it is then.
pub(crate) fn move_key(
    cells: &mut Cells,
    key: CellOffset,
    parent: CellOffset,
    name: &str,
    minor: u32,
    now: u64,
) -> Result<CellOffset, HiveError> {
    let old_parent = CellOffset(KeyNode::read(cells, key)?.0.parent.get());
    let mut node = *KeyNode::read(cells, old_parent)?.0;
    subkey_list::remove(cells, old_parent, &mut node, key)?;
    node.last_write.set(now);
    node.write(cells, old_parent)?;

    let stored = NewName::new(name);
    let mut own = *KeyNode::read(cells, key)?.0;
    own.parent.set(parent.0);
    own.last_write.set(now);
    own.name_length.set(u16::try_from(stored.bytes.len()).unwrap_or(u16::MAX));
    let flags = own.flags.get() & !key_node::COMP_NAME;
    own.flags.set(if stored.compressed { flags | key_node::COMP_NAME } else { flags });
    let mut cell = own.as_bytes().to_vec();
    cell.extend(stored.bytes.iter());
    let moved = cells.resize(key, cell.len(), Structure::KeyNode)?;
    cells.write(moved, 0, &cell, Structure::KeyNode)?;
    if moved != key {
        let subkeys: Vec<CellOffset> = Leaves::read(cells, moved, &own)?.keys().collect();
        for subkey in subkeys {
            let mut node = *KeyNode::read(cells, subkey)?.0;
            node.parent.set(moved.0);
            node.write(cells, subkey)?;
        }
    }

    let units: Vec<u16> = name::units(name).collect();
    let length = u16::try_from(units.len() * 2).unwrap_or(u16::MAX);
    let entry = Entry { key: moved, units, upper: name::upper(name) };
    let mut node = *KeyNode::read(cells, parent)?.0;
    subkey_list::insert(cells, parent, &mut node, minor, &entry)?;
    let class = u32::from(own.class_length.get());
    node.largest_subkey_name.set(node.largest_subkey_name.get().max(length));
    node.largest_subkey_class.set(node.largest_subkey_class.get().max(class));
    node.last_write.set(now);
    node.write(cells, parent)?;
    Ok(moved)
}

/// Gives a key a class name, UTF-16 bytes, or takes it away; false when it has it already.
pub(crate) fn set_class(
    cells: &mut Cells,
    key: CellOffset,
    class: &[u8],
    now: u64,
) -> Result<bool, HiveError> {
    let what = Structure::Class;
    let mut node = *KeyNode::read(cells, key)?.0;
    let old = node.class(cells)?;
    if old.unwrap_or_default() == class {
        return Ok(false);
    }
    if old.is_some() {
        cells.release(CellOffset(node.class.get()), what)?;
    }
    let at = if class.is_empty() { CellOffset::NONE } else { cells.allocate_with(class)? };
    node.class.set(at.0);
    node.class_length.set(u16::try_from(class.len()).unwrap_or(u16::MAX));
    node.last_write.set(now);
    node.write(cells, key)?;
    let parent = CellOffset(node.parent.get());
    // The root's parent is nowhere.
    if !node.has(key_node::HIVE_ENTRY) && parent != CellOffset::NONE {
        let mut above = *KeyNode::read(cells, parent)?.0;
        let longest = above.largest_subkey_class.get().max(u32::from(node.class_length.get()));
        above.largest_subkey_class.set(longest);
        above.write(cells, parent)?;
    }
    Ok(true)
}
