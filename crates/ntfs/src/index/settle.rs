//! Bringing a tree back into shape after one of its leaves changed.

use super::node::{Item, end_length, item_length};
use super::tree::{Step, Tree};
use super::{IndexError, NodePlace};
use crate::Error;

/// Splits what overflows and takes out what is empty, from the leaf that `path` ends in up to the root.
pub(crate) fn settle(tree: &mut Tree<'_>, mut path: Vec<Step>) -> Result<(), Error> {
    let growth = growth(tree, &path)?;
    while let Some(step) = path.pop() {
        if tree.overflows(step.place)? {
            match (step.place, path.last()) {
                (NodePlace::Block(vcn), Some(parent)) => split(tree, vcn, *parent, growth)?,
                _ => path.extend(push_down(tree)?),
            }
        } else if let NodePlace::Block(vcn) = step.place
            && tree.node(step.place)?.count() == 0
        {
            if tree.node(step.place)?.has_children() {
                join(tree, vcn, &mut path)?;
            } else {
                take_out_leaf(tree, vcn, &mut path)?;
            }
        }
    }
    Ok(())
}

/// Where more entries are to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Growth {
    Anywhere,
    /// Behind all others: names that are given in order.
    AtTheEnd,
}

/// Tells from the way to a leaf that may have got an entry whether that is the last one of the index.
fn growth(tree: &mut Tree<'_>, path: &[Step]) -> Result<Growth, Error> {
    for (level, step) in path.iter().enumerate() {
        // The entry itself, or the end entry that leads to it.
        let behind = if level + 1 == path.len() { 1 } else { 0 };
        if step.at + behind != tree.node(step.place)?.count() {
            return Ok(Growth::Anywhere);
        }
    }
    Ok(Growth::AtTheEnd)
}

/// Moves the entries of a root that points to one inner block alone up from it, when they fit, which takes a level away.
pub(crate) fn collapse(tree: &mut Tree<'_>) -> Result<(), Error> {
    let root = tree.node(NodePlace::Root)?;
    let (0, Some(vcn), prefix) = (root.count(), root.end_child(), root.prefix_size()) else {
        return Ok(());
    };
    let Some(child) = tree.loaded(NodePlace::Block(vcn)).filter(|child| child.has_children())
    else {
        return Ok(());
    };
    let (items, end_child) = (child.items(), child.end_child());
    if prefix + child.size() - child.prefix_size() > tree.root_capacity()? {
        return Ok(());
    }
    tree.node_mut(NodePlace::Root)?.rebuild(&items, end_child);
    tree.release(vcn);
    Ok(())
}

/// Moves all entries of the root to a new block, to which the root then leads. Returns the way down to that block.
fn push_down(tree: &mut Tree<'_>) -> Result<[Step; 2], Error> {
    let root = tree.node(NodePlace::Root)?;
    let (items, end_child) = (root.items(), root.end_child());
    let (needed, capacity) = (root.prefix_size() + end_length(true), tree.root_capacity()?);
    if needed > capacity || items.is_empty() {
        return Err(IndexError::RootTooSmall { capacity, needed }.into());
    }
    let vcn = tree.allocate_for_root()?;
    tree.node_mut(NodePlace::Block(vcn))?.rebuild(&items, end_child);
    tree.node_mut(NodePlace::Root)?.rebuild(&[], Some(vcn));
    Ok([Step { place: NodePlace::Root, at: 0 }, Step { place: NodePlace::Block(vcn), at: 0 }])
}

/// Cuts a block that overflows into as many as it needs. The entries between the pieces go up to the parent, where `parent` names the
/// entry that leads to the block.
fn split(tree: &mut Tree<'_>, vcn: u64, parent: Step, growth: Growth) -> Result<(), Error> {
    let place = NodePlace::Block(vcn);
    let node = tree.node(place)?;
    let room = node.block_capacity() - node.prefix_size();
    let (items, last_child) = (node.items(), node.end_child());
    let cuts = cuts(&items, last_child.is_some(), room, growth)?;
    let mut left = vcn;
    let mut start = 0;
    for (count, cut) in cuts.iter().copied().chain([items.len()]).enumerate() {
        let piece = items.get(start..cut).unwrap_or_default();
        let separator = items.get(cut);
        let end_child = separator.map_or(last_child, |(_, child)| *child);
        tree.node_mut(NodePlace::Block(left))?.rebuild(piece, end_child);
        if let Some((entry, _)) = separator {
            let right = tree.allocate()?;
            let above = tree.node_mut(parent.place)?;
            above.insert(parent.at + count, entry, Some(left));
            above.set_child(parent.at + count + 1, right);
            left = right;
        }
        start = cut + 1;
    }
    Ok(())
}

/// Which entries of a block go up so that what lies between them fits `room`, each cut near the middle by bytes and never at an end.
/// An index that grows at its end leaves blocks behind that are nearly full.
fn cuts(
    items: &[Item],
    has_children: bool,
    room: usize,
    growth: Growth,
) -> Result<Vec<usize>, Error> {
    let mut cuts = Vec::new();
    let mut pieces = vec![(0, items.len())];
    while let Some((start, end)) = pieces.pop() {
        let piece = items.get(start..end).unwrap_or_default();
        let lengths = piece.iter().map(|(entry, _)| item_length(entry, has_children));
        let total: usize = lengths.clone().sum();
        if total + end_length(has_children) <= room {
            continue;
        }
        if piece.len() < 3 {
            return Err(IndexError::EntryTooLarge { size: total, most: room }.into());
        }
        let mut before = 0;
        let left = match growth {
            Growth::Anywhere => total / 2,
            Growth::AtTheEnd => {
                (total / 2).max((room - room / 16).saturating_sub(end_length(has_children)))
            }
        };
        let middle = lengths.take_while(|length| {
            before += length;
            before <= left
        });
        let cut = start + middle.count().clamp(1, piece.len() - 2);
        cuts.push(cut);
        pieces.extend([(start, cut), (cut + 1, end)]);
    }
    cuts.sort_unstable();
    Ok(cuts)
}

/// Frees an empty leaf. The entry that separated it from a neighbour goes into the nearest leaf there, to which `path` leads then;
/// it leads to the parent before.
fn take_out_leaf(tree: &mut Tree<'_>, vcn: u64, path: &mut Vec<Step>) -> Result<(), Error> {
    let Some(parent) = path.last_mut() else { return Ok(()) };
    let above = tree.node_mut(parent.place)?;
    if above.count() == 0 {
        // The parent led to this leaf alone and is an empty leaf now.
        above.rebuild(&[], None);
        tree.release(vcn);
        return Ok(());
    }
    let leftwards = parent.at > 0;
    parent.at = parent.at.saturating_sub(1);
    let neighbour = above.child(if leftwards { parent.at } else { 1 });
    let separator = above.remove(parent.at);
    if let Some(neighbour) = neighbour {
        above.set_child(parent.at, neighbour);
    }
    tree.release(vcn);
    tree.descend_to_edge(path, leftwards)?;
    if let Some(leaf) = path.last() {
        tree.node_mut(leaf.place)?.insert(leaf.at, &separator, None);
    }
    Ok(())
}

/// Joins an inner block that leads to one child alone with a neighbour, to which `path` leads then; it leads to the parent before.
fn join(tree: &mut Tree<'_>, vcn: u64, path: &mut Vec<Step>) -> Result<(), Error> {
    let Some((parent, above)) = path.split_last_mut() else { return Ok(()) };
    if tree.node(parent.place)?.count() == 0 {
        return Ok(());
    }
    let leftwards = parent.at > 0;
    let separator_at = parent.at.saturating_sub(1);
    let beside = Step { at: if leftwards { separator_at } else { 1 }, ..*parent };
    let Some(place @ NodePlace::Block(neighbour)) = tree.child_of(above, beside)? else {
        return Ok(());
    };
    let lone_child = tree.node(NodePlace::Block(vcn))?.end_child();
    let separator = tree.node(parent.place)?.entry(separator_at).to_entry();
    let node = tree.node(place)?;
    let (mut items, mut end_child) = (node.items(), node.end_child());
    let room = node.block_capacity() - node.prefix_size();
    if leftwards {
        items.push((separator, end_child));
        end_child = lone_child;
    } else {
        items.insert(0, (separator, lone_child));
    }
    // Trees that others built may have leaves beside inner nodes, or entries too large to be cut apart again: they stay.
    if !node.has_children() || cuts(&items, true, room, Growth::Anywhere).is_err() {
        return Ok(());
    }
    tree.node_mut(place)?.rebuild(&items, end_child);
    let node = tree.node_mut(parent.place)?;
    node.remove(separator_at);
    node.set_child(separator_at, neighbour);
    tree.release(vcn);
    parent.at = separator_at;
    path.push(Step { place, at: 0 });
    Ok(())
}
