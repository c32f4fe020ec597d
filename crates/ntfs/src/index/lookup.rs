//! Finding and listing entries.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::tree::{Step, Tree};
use super::{Collation, Entry, EntryView, IndexDamage, IndexStore, NodePlace, file_name};
use crate::Error;
use crate::upcase::UpCase;

/// Finds the entry whose key equals `key`. Reads one block for each level below the root.
/// # Errors
/// The store's, and [`super::IndexError::Damaged`].
pub fn find(
    store: &mut dyn IndexStore,
    collation: Collation<'_>,
    key: &[u8],
) -> Result<Option<Entry>, Error> {
    let mut tree = Tree::open(store)?;
    let (path, found) = tree.descend(collation, key)?;
    match path.last() {
        Some(step) if found => Ok(Some(tree.node(step.place)?.entry(step.at).to_entry())),
        _ => Ok(None),
    }
}

/// Finds the entry of a file name index by name; 8.3 names have entries of their own. Without `case_sensitive` an entry
/// that differs in case alone is taken when there is none of exactly this name. Reads one block for each level below the root.
/// # Errors
/// The store's, and [`super::IndexError::Damaged`].
pub fn find_name(
    store: &mut dyn IndexStore,
    upcase: &UpCase,
    name: &[u16],
    case_sensitive: bool,
) -> Result<Option<Entry>, Error> {
    let Some(key) = file_name::search_key(name) else { return Ok(None) };
    let mut tree = Tree::open(store)?;
    let (path, found) = tree.descend(Collation::FileName(upcase), &key)?;
    // Names that differ in case alone lie side by side, and both neighbours of any place are on the way down to it.
    let exact = path.last().filter(|_| found).copied();
    let before =
        path.iter().rev().find(|step| step.at > 0).map(|step| Step { at: step.at - 1, ..*step });
    let mut after = None;
    for step in path.iter().rev() {
        if step.at < tree.node(step.place)?.count() {
            after = Some(*step);
            break;
        }
    }
    let similar = [before, after].into_iter().flatten().filter(|_| !case_sensitive);
    for step in exact.into_iter().chain(similar) {
        let entry = tree.node(step.place)?.entry(step.at);
        let units = file_name::units(file_name::name(entry.key()).unwrap_or_default());
        if units.map(|unit| upcase.upper(unit)).eq(name.iter().map(|unit| upcase.upper(*unit))) {
            return Ok(Some(entry.to_entry()));
        }
    }
    Ok(None)
}

/// Calls `visitor` with every entry in order until it breaks; end entries are left out.
/// # Errors
/// The store's, the visitor's, and [`super::IndexError::Damaged`].
pub fn visit(store: &mut dyn IndexStore, visitor: &mut Visitor<'_>) -> Result<(), Error> {
    let mut tree = Tree::open(store)?;
    let mut path = vec![Step { place: NodePlace::Root, at: 0 }];
    let mut seen = BTreeSet::new();
    enter(&mut tree, &mut path, &mut seen)?;
    walk(&mut tree, path, seen, visitor)
}

/// Calls `visitor` with every entry from `key` on in order until it breaks.
/// # Errors
/// As [`visit`].
pub fn visit_from(
    store: &mut dyn IndexStore,
    collation: Collation<'_>,
    key: &[u8],
    visitor: &mut Visitor<'_>,
) -> Result<(), Error> {
    let mut tree = Tree::open(store)?;
    let (path, _) = tree.descend(collation, key)?;
    let seen = path.iter().map(|step| step.place).collect();
    walk(&mut tree, path, seen, visitor)
}

/// What [`visit`] calls.
pub type Visitor<'v> = dyn FnMut(EntryView<'_>) -> Result<ControlFlow<()>, Error> + 'v;

/// Goes on from the entry that `path` leads to, whose child has been visited.
fn walk(
    tree: &mut Tree<'_>,
    mut path: Vec<Step>,
    mut seen: BTreeSet<NodePlace>,
    visitor: &mut Visitor<'_>,
) -> Result<(), Error> {
    while let Some(step) = path.last_mut() {
        let node = tree.node(step.place)?;
        if step.at < node.count() {
            if visitor(node.entry(step.at))?.is_break() {
                break;
            }
            step.at += 1;
            enter(tree, &mut path, &mut seen)?;
        } else {
            tree.forget(step.place);
            path.pop();
        }
    }
    Ok(())
}

/// Extends `path` to the first entry below the one that it leads to. Each block is entered once, so that walks end whatever the
/// blocks say.
fn enter(
    tree: &mut Tree<'_>,
    path: &mut Vec<Step>,
    seen: &mut BTreeSet<NodePlace>,
) -> Result<(), Error> {
    let depth = path.len();
    tree.descend_to_edge(path, false)?;
    for index in depth..path.len() {
        if let (Some(step), Some(above)) = (path.get(index), path.get(index - 1))
            && let NodePlace::Block(child) = step.place
            && !seen.insert(step.place)
        {
            return Err(tree
                .node(above.place)?
                .damaged(above.at, IndexDamage::ReachedTwice { child }));
        }
    }
    Ok(())
}

/// The entry with the greatest key.
/// # Errors
/// As [`find`].
pub fn last(store: &mut dyn IndexStore) -> Result<Option<Entry>, Error> {
    let mut tree = Tree::open(store)?;
    let at = tree.node(NodePlace::Root)?.count();
    let mut path = vec![Step { place: NodePlace::Root, at }];
    tree.descend_to_edge(&mut path, true)?;
    match path.iter().rev().find(|step| step.at > 0) {
        Some(step) => Ok(Some(tree.node(step.place)?.entry(step.at - 1).to_entry())),
        None => Ok(None),
    }
}

/// All entries in order.
/// # Errors
/// As [`visit`].
pub fn entries(store: &mut dyn IndexStore) -> Result<Vec<Entry>, Error> {
    let mut all = Vec::new();
    visit(store, &mut |entry| {
        all.push(entry.to_entry());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(all)
}

/// True when the index has no entry.
/// # Errors
/// As [`visit`].
pub fn is_empty(store: &mut dyn IndexStore) -> Result<bool, Error> {
    let mut empty = true;
    visit(store, &mut |_| {
        empty = false;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(empty)
}
