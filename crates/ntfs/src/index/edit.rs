//! Changing entries.

use super::settle::{collapse, settle};
use super::tree::{LEVELS_MAX, Step, Tree};
use super::{Collation, Entry, IndexError, IndexStore, block};
use crate::Error;

/// Inserts an entry. Writes the blocks that change alone.
///
/// Names of a folder that differ in case alone are different keys: look for them with [`super::find_name`] first.
/// # Errors
/// [`IndexError::KeyExists`], [`IndexError::EntryTooLarge`], [`IndexError::BadEntry`], [`IndexError::Damaged`], and the store's.
/// Nothing but allocated blocks has changed then, unless the error came from writing.
pub fn insert(
    store: &mut dyn IndexStore,
    collation: Collation<'_>,
    entry: &Entry,
) -> Result<(), Error> {
    entry.expect_kind(collation)?;
    // Two of the largest entries must fit a block, or splits would leave empty ones.
    let (size, most) = (entry.length(), block::entry_max(store.block_size()));
    if size > most {
        return Err(IndexError::EntryTooLarge { size, most }.into());
    }
    let mut tree = Tree::open(store)?;
    let (path, found) = tree.descend(collation, entry.key())?;
    if found {
        return Err(IndexError::KeyExists.into());
    }
    if let Some(leaf) = path.last() {
        tree.node_mut(leaf.place)?.insert(leaf.at, entry, None);
    }
    settle(&mut tree, path)?;
    tree.finish()
}

/// Takes the entry with this key out of the index and returns it; `None` when there is none. Empty blocks are freed.
/// # Errors
/// [`IndexError::Damaged`], and the store's.
pub fn remove(
    store: &mut dyn IndexStore,
    collation: Collation<'_>,
    key: &[u8],
) -> Result<Option<Entry>, Error> {
    let mut tree = Tree::open(store)?;
    // Each round but the last one removes an empty leaf that lay below the entry.
    for _ in 0..LEVELS_MAX {
        let (mut path, found) = tree.descend(collation, key)?;
        let Some(step) = path.last().copied().filter(|_| found) else { return Ok(None) };
        let removed = tree.node(step.place)?.entry(step.at).to_entry();
        let done = if tree.node(step.place)?.has_children() {
            replace_by_predecessor(&mut tree, &mut path, step)?
        } else {
            tree.node_mut(step.place)?.remove(step.at);
            true
        };
        settle(&mut tree, path)?;
        if done {
            collapse(&mut tree)?;
            tree.finish()?;
            return Ok(Some(removed));
        }
    }
    Err(tree.too_deep())
}

/// Replaces the entry whose key equals that of `entry`: its reference, data, or the fields of a `$FILE_NAME` value beside the
/// name. False when there is none. Writes one node, or none when nothing differs.
/// # Errors
/// [`IndexError::SizeChanged`] when the lengths differ, [`IndexError::BadEntry`], [`IndexError::Damaged`], and the store's.
pub fn update(
    store: &mut dyn IndexStore,
    collation: Collation<'_>,
    entry: &Entry,
) -> Result<bool, Error> {
    entry.expect_kind(collation)?;
    update_with(store, collation, entry.key(), &mut |_| Ok(Some(entry.clone())))
}

/// Replaces the entry with this key by what `change` makes of it; `None` leaves it. False when there is none. Writes one node, or
/// none when nothing differs.
/// # Errors
/// As [`update`], and those of `change`.
pub fn update_with(
    store: &mut dyn IndexStore,
    collation: Collation<'_>,
    key: &[u8],
    change: &mut dyn FnMut(&Entry) -> Result<Option<Entry>, Error>,
) -> Result<bool, Error> {
    let mut tree = Tree::open(store)?;
    let (path, found) = tree.descend(collation, key)?;
    let Some(step) = path.last().filter(|_| found) else { return Ok(false) };
    let there = tree.node(step.place)?.entry(step.at).to_entry();
    let Some(entry) = change(&there)?.filter(|entry| *entry != there) else { return Ok(true) };
    entry.expect_kind(collation)?;
    if there.length() != entry.length() {
        return Err(
            IndexError::SizeChanged { found: there.length(), wanted: entry.length() }.into()
        );
    }
    tree.node_mut(step.place)?.replace(step.at, &entry);
    tree.finish()?;
    Ok(true)
}

/// Puts the greatest entry below an inner entry in its place. False when the leaf that should hold it is empty.
fn replace_by_predecessor(
    tree: &mut Tree<'_>,
    path: &mut Vec<Step>,
    step: Step,
) -> Result<bool, Error> {
    tree.descend_to_edge(path, true)?;
    let Some(leaf) = path.last().copied() else { return Ok(false) };
    let Some(last) = tree.node(leaf.place)?.count().checked_sub(1) else { return Ok(false) };
    let predecessor = tree.node_mut(leaf.place)?.remove(last);
    tree.node_mut(step.place)?.replace(step.at, &predecessor);
    Ok(true)
}
