//! Edits of keys and values, on cells.

use crate::cell::CellOffset;
use crate::cells::{Cells, Inherited};
use crate::descriptor;
use crate::error::{HiveError, Structure};
use crate::key_node::{self, KeyNode, PREDEF_HANDLE, SYM_LINK};
use crate::name::{self, NewName};
use crate::security::{self, SecurityCell};
use crate::subkey_list::{self, Entry, Leaves};
use crate::value::{self, KeyValue};
use std::collections::{BTreeMap, HashSet};
use zerocopy::IntoBytes;

mod access;
mod relocate;
mod values;

pub(crate) use access::{replace_security, set_security};
pub(crate) use relocate::{move_key, set_class};
pub(crate) use values::set_values;

/// Makes a subkey that is not there yet.
pub(crate) fn create_subkey(
    cells: &mut Cells,
    parent: CellOffset,
    name: &str,
    minor: u32,
    now: u64,
) -> Result<CellOffset, HiveError> {
    let mut node = *KeyNode::read(cells, parent)?.0;
    let stored = NewName::new(name);
    let security = inherit_security(cells, CellOffset(node.security.get()))?;
    let mut key = KeyNode::new(parent, security, now);
    key.flags.set(if stored.compressed { key_node::COMP_NAME } else { 0 });
    key.name_length.set(u16::try_from(stored.bytes.len()).unwrap_or(u16::MAX));
    key.inherit_virtualization(&node);
    let mut cell = key.as_bytes().to_vec();
    cell.extend(stored.bytes.iter());
    let at = cells.allocate_with(&cell)?;

    let units: Vec<u16> = name::units(name).collect();
    let length = u16::try_from(units.len() * 2).unwrap_or(u16::MAX);
    let entry = Entry { key: at, units, upper: name::upper(name) };
    subkey_list::insert(cells, parent, &mut node, minor, &entry)?;
    node.largest_subkey_name.set(node.largest_subkey_name.get().max(length));
    node.last_write.set(now);
    node.write(cells, parent)?;
    Ok(at)
}

/// Counts one more key with the descriptor that a key below one with `parent` gets.
fn inherit_security(cells: &mut Cells, parent: CellOffset) -> Result<CellOffset, HiveError> {
    // Keys are mostly made below the same key.
    let last = cells.inherited.take();
    let (_, own) = SecurityCell::read(cells, parent)?;
    let inherited = match last {
        Some(inherited) if inherited.parent == own => inherited,
        _ => Inherited { parent: own.to_vec(), child: descriptor::inherit(own) },
    };
    let shared = security::share(cells, parent, &inherited.child);
    cells.inherited = Some(inherited);
    shared
}

/// All cells that belong to a key and the keys below it.
#[derive(Default)]
struct Tree {
    cells: Vec<(CellOffset, Structure)>,
    seen: HashSet<CellOffset>,
    /// Security cells and how many of the keys name each.
    security: BTreeMap<CellOffset, u32>,
}

impl Tree {
    fn add(&mut self, at: CellOffset, what: Structure) -> Result<(), HiveError> {
        if !self.seen.insert(at) {
            return Err(HiveError::Shared { what, offset: at.in_file() });
        }
        self.cells.push((at, what));
        Ok(())
    }

    /// Collects `top` and all below. Whatever is damaged is an error: part of it might be somebody else's.
    fn collect(cells: &Cells, top: CellOffset, minor: u32) -> Result<Self, HiveError> {
        let mut tree = Self::default();
        let mut left = vec![(top, 0)];
        while let Some((at, level)) = left.pop() {
            let (node, _) = KeyNode::read(cells, at)?;
            tree.add(at, Structure::KeyNode)?;
            if level > key_node::LEVELS_MAX {
                return Err(HiveError::TooDeep { offset: at.in_file(), max: key_node::LEVELS_MAX });
            }
            if node.has(key_node::NO_DELETE) {
                return Err(HiveError::NoDelete { offset: at.in_file() });
            }
            *tree.security.entry(CellOffset(node.security.get())).or_default() += 1;
            if node.class(cells)?.is_some() {
                tree.add(CellOffset(node.class.get()), Structure::Class)?;
            }
            let leaves = Leaves::read(cells, at, node)?;
            for list in leaves.root.iter().chain(&leaves.leaves) {
                tree.add(list.at, Structure::SubkeyList)?;
            }
            for subkey in leaves.keys() {
                let parent = CellOffset(KeyNode::read(cells, subkey)?.0.parent.get());
                if parent != at {
                    let (offset, found, expected) =
                        (subkey.in_file(), parent.in_file(), at.in_file());
                    return Err(HiveError::Parent { offset, found, expected });
                }
                left.push((subkey, level + 1));
            }
            if node.values_listed() > 0 {
                tree.add(CellOffset(node.values.get()), Structure::ValueList)?;
            }
            for value in value::list(cells, node)? {
                tree.add(value, Structure::KeyValue)?;
                let (own, _) = KeyValue::read(cells, value)?;
                for (cell, what) in own.place(cells, value, minor)?.cells() {
                    tree.add(cell, what)?;
                }
            }
        }
        Ok(tree)
    }
}

/// Deletes a key with all below it.
pub(crate) fn delete_key(
    cells: &mut Cells,
    key: CellOffset,
    minor: u32,
    now: u64,
) -> Result<Vec<CellOffset>, HiveError> {
    let parent = CellOffset(KeyNode::read(cells, key)?.0.parent.get());
    let tree = Tree::collect(cells, key, minor)?;
    let mut node = *KeyNode::read(cells, parent)?.0;
    subkey_list::remove(cells, parent, &mut node, key)?;
    if node.subkey_count.get() == 0 {
        node.largest_subkey_name.set(0);
        node.largest_subkey_class.set(0);
    }
    node.last_write.set(now);
    node.write(cells, parent)?;
    for (at, keys) in &tree.security {
        security::drop_references(cells, *at, *keys)?;
    }
    for (at, what) in &tree.cells {
        cells.release(*at, *what)?;
    }
    Ok(tree
        .cells
        .iter()
        .filter(|(_, what)| *what == Structure::KeyNode)
        .map(|(at, _)| *at)
        .collect())
}

/// Deletes a value; false when there is none.
pub(crate) fn delete_value(
    cells: &mut Cells,
    key: CellOffset,
    name: &str,
    minor: u32,
    now: u64,
) -> Result<bool, HiveError> {
    let mut node = *KeyNode::read(cells, key)?.0;
    refuse_handle(&node, key)?;
    let Some((index, at)) = value::find(cells, &node, &name::upper(name))? else {
        return Ok(false);
    };
    let (own, _) = KeyValue::read(cells, at)?;
    let mut freed = own.place(cells, at, minor)?.cells();
    freed.push((at, Structure::KeyValue));

    let what = Structure::ValueList;
    let list = CellOffset(node.values.get());
    let left = node.value_count.get() - 1;
    if left == 0 {
        cells.release(list, what)?;
        node.values.set(CellOffset::NONE.0);
        node.largest_value_name.set(0);
        node.largest_value_data.set(0);
    } else {
        let end = node.value_count.get() as usize * 4;
        let tail =
            cells.payload(list, what)?.get((index + 1) * 4..end).unwrap_or_default().to_vec();
        cells.write(list, index * 4, &tail, what)?;
    }
    for (cell, what) in freed {
        cells.release(cell, what)?;
    }
    node.value_count.set(left);
    node.last_write.set(now);
    node.write(cells, key)?;
    Ok(true)
}

/// A predefined handle keeps no values: its count is the handle.
fn refuse_handle(node: &KeyNode, key: CellOffset) -> Result<(), HiveError> {
    if node.has(PREDEF_HANDLE) {
        return Err(HiveError::NotPlain { offset: key.in_file(), kind: "predefined handle" });
    }
    Ok(())
}

/// Keys below a link or a handle are elsewhere.
pub(crate) fn refuse_link(node: &KeyNode, key: CellOffset) -> Result<(), HiveError> {
    if node.has(SYM_LINK) {
        return Err(HiveError::NotPlain { offset: key.in_file(), kind: "symbolic link" });
    }
    refuse_handle(node, key)
}
