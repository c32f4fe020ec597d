//! A fresh hive with the same content: for compaction, and for repair, which leaves out what cannot be read.

use crate::base_block::{BASE_BLOCK_SIZE, BaseBlock};
use crate::cell::{CellOffset, CellSet};
use crate::cells::Cells;
use crate::error::{HiveError, Structure};
use crate::key_node::{self, KeyNode};
use crate::name::{self, StoredName};
use crate::subkey_list::{self, Leaves, List, ListKind};
use std::collections::HashMap;
use std::mem::offset_of;
use zerocopy::{FromBytes, IntoBytes};

mod security;
mod unreachable;
mod value;

/// Something that a repair left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Path of the key below the root, without its beginning when it is long; empty for the root itself and for what
    /// belongs to no key.
    pub key: String,
    /// Offset in the damaged file, bytes.
    pub offset: u64,
    /// What was left out, and why.
    pub text: String,
}

/// Losses of one repair that are told one by one.
const LOSSES_MAX: usize = 10_000;

struct Rebuild<'a> {
    from: &'a Cells,
    minor: u32,
    to: Cells,
    /// Cells that are copied already.
    taken: CellSet,
    /// Security cells of the old hive and what they became.
    security: HashMap<CellOffset, CellOffset>,
    /// Security cells of the new hive by descriptor.
    descriptors: HashMap<Vec<u8>, CellOffset>,
    /// The new hive's security cell that the next one is linked behind.
    last_security: Option<CellOffset>,
    /// `None`: the first fault is the error.
    losses: Option<Vec<Loss>>,
}

/// A key whose node is copied and whose values and subkeys are not yet.
struct Todo {
    old: CellOffset,
    new: CellOffset,
    level: u32,
    path: Box<str>,
}

/// Copies all that the root key reaches. With `tolerant`, what cannot be read is left out and told.
///
/// The base block is taken over but for root and length; its checksum is not yet right.
pub(crate) fn rebuild(
    from: &Cells,
    root: CellOffset,
    minor: u32,
    tolerant: bool,
) -> Result<(Cells, CellOffset, Vec<Loss>), HiveError> {
    let base = from.bytes().get(..BASE_BLOCK_SIZE as usize).unwrap_or_default().to_vec();
    let (to, _) = Cells::open_damaged(base, 0);
    let mut this = Rebuild {
        from,
        minor,
        to,
        taken: CellSet::new(from.length()),
        security: HashMap::new(),
        descriptors: HashMap::new(),
        last_security: None,
        losses: tolerant.then(Vec::new),
    };
    let (node, name) = KeyNode::read(from, root)?;
    this.taken.insert(root.0);
    let new = this.copy_node(node, name, CellOffset::NONE, None, "")?;
    let mut left = vec![Todo { old: root, new, level: 0, path: "".into() }];
    while let Some(todo) = left.pop() {
        this.key(&todo, &mut left)?;
    }
    this.tell_unreachable();
    this.to.write_file(offset_of!(BaseBlock, root), &new.0.to_le_bytes());
    this.to.write_checksum();
    this.to.mark_all();
    Ok((this.to, new, this.losses.unwrap_or_default()))
}

impl<'a> Rebuild<'a> {
    /// Leaves something out, unless nothing may be.
    fn lose(
        &mut self,
        key: &str,
        at: CellOffset,
        what: &str,
        fault: HiveError,
    ) -> Result<(), HiveError> {
        if self.losses.is_none() {
            return Err(fault);
        }
        self.tell(key, at, format!("{what}: {fault}"));
        Ok(())
    }

    fn tell(&mut self, key: &str, at: CellOffset, text: String) {
        let Some(losses) = &mut self.losses else { return };
        let (key, offset) = (key.to_owned(), at.in_file());
        match losses.len() {
            0..LOSSES_MAX => losses.push(Loss { key, offset, text }),
            LOSSES_MAX => {
                let text = format!("more than {LOSSES_MAX} losses, the rest is not told");
                losses.push(Loss { key, offset, text });
            }
            _ => {}
        }
    }

    /// Takes a cell, which nothing else may have.
    fn take(&mut self, at: CellOffset, what: Structure) -> Result<(), HiveError> {
        if self.taken.contains(at.0) {
            return Err(HiveError::Shared { what, offset: at.in_file() });
        }
        self.taken.insert(at.0);
        Ok(())
    }

    /// Writes a key without subkeys and values yet.
    fn copy_node(
        &mut self,
        old: &KeyNode,
        name: StoredName<'_>,
        parent: CellOffset,
        inherited: Option<CellOffset>,
        path: &str,
    ) -> Result<CellOffset, HiveError> {
        let security = self.security(old, inherited, path)?;
        let class = self.class(old, path)?;
        let mut node = KeyNode::new(parent, security, old.last_write.get());
        node.flags = old.flags;
        if parent != CellOffset::NONE {
            node.flags.set(old.flags.get() & !key_node::HIVE_ENTRY);
        } else {
            node.flags.set(old.flags.get() | key_node::HIVE_ENTRY);
        }
        node.access_bits = old.access_bits;
        node.virtualization = old.virtualization;
        node.name_length = old.name_length;
        if let Some((at, length)) = class {
            node.class.set(at.0);
            node.class_length.set(length);
        }
        let mut cell = node.as_bytes().to_vec();
        cell.extend(name.bytes());
        self.to.allocate_with(&cell)
    }

    fn class(&mut self, old: &KeyNode, path: &str) -> Result<Option<(CellOffset, u16)>, HiveError> {
        let at = CellOffset(old.class.get());
        let class = match old.class(self.from) {
            Ok(None) => return Ok(None),
            Ok(Some(class)) => self.take(at, Structure::Class).map(|()| class),
            Err(fault) => Err(fault),
        };
        match class {
            Ok(class) => {
                let length = u16::try_from(class.len()).unwrap_or(u16::MAX);
                Ok(Some((self.to.allocate_with(class)?, length)))
            }
            Err(fault) => self.lose(path, at, "class name", fault).map(|()| None),
        }
    }

    fn key(&mut self, todo: &Todo, left: &mut Vec<Todo>) -> Result<(), HiveError> {
        let from = self.from;
        let (old, _) = KeyNode::read(from, todo.old)?;
        let mut node = *KeyNode::read(&self.to, todo.new)?.0;
        self.values(old, todo.old, &mut node, &todo.path)?;
        let mut subkeys: Vec<(StoredName<'a>, CellOffset)> = Vec::new();
        for at in self.listed(old, todo.old, &todo.path)? {
            match self.subkey(at, todo) {
                Ok(name) => subkeys.push((name, at)),
                Err(fault) => self.lose(&todo.path, at, "a subkey with all below it", fault)?,
            }
        }
        subkeys.sort_by(|(a, _), (b, _)| a.cmp(*b));
        let mut entries: Vec<(CellOffset, StoredName<'_>)> = Vec::with_capacity(subkeys.len());
        let security = Some(CellOffset(node.security.get()));
        let first = left.len();
        for (name, at) in subkeys {
            let path = name::told_path(&todo.path, name);
            if entries.last().is_some_and(|(_, before)| before.cmp(name).is_eq()) {
                let fault = HiveError::Unsorted { offset: todo.old.in_file() };
                self.lose(&path, at, "the second of two keys of this name", fault)?;
                continue;
            }
            let (child, _) = KeyNode::read(from, at)?;
            let new = self.copy_node(child, name, todo.new, security, &path)?;
            let length = u16::try_from(name.len() * 2).unwrap_or(u16::MAX);
            node.largest_subkey_name.set(node.largest_subkey_name.get().max(length));
            let class = u32::from(child.class_length.get());
            node.largest_subkey_class.set(node.largest_subkey_class.get().max(class));
            entries.push((new, name));
            left.push(Todo { old: at, new, level: todo.level + 1, path: path.into() });
        }
        // The first subkey is copied first.
        if let Some(pushed) = left.get_mut(first..) {
            pushed.reverse();
        }
        node.subkey_count.set(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        if !entries.is_empty() {
            node.subkeys.set(subkey_list::write_all(&mut self.to, self.minor, &entries)?.0);
        }
        node.write(&mut self.to, todo.new)
    }

    /// Checks a subkey that is listed, and takes it.
    fn subkey(&mut self, at: CellOffset, parent: &Todo) -> Result<StoredName<'a>, HiveError> {
        let from = self.from;
        let (node, name) = KeyNode::read(from, at)?;
        let offset = at.in_file();
        if parent.level >= key_node::LEVELS_MAX {
            return Err(HiveError::TooDeep { offset, max: key_node::LEVELS_MAX });
        }
        if node.parent.get() != parent.old.0 {
            let said = CellOffset(node.parent.get());
            // In a repair being listed is enough, unless the key is listed where it says it belongs too.
            let elsewhere = || {
                let (node, _) = KeyNode::read(from, said).ok()?;
                let leaves = Leaves::read(from, said, node).ok()?;
                leaves.keys().any(|key| key == at).then_some(())
            };
            if self.losses.is_none() || elsewhere().is_some() {
                let (found, expected) = (said.in_file(), parent.old.in_file());
                return Err(HiveError::Parent { offset, found, expected });
            }
        }
        if name.len() == 0 {
            let (what, field) = (Structure::KeyNode, "name length");
            return Err(HiveError::Field { what, offset, field, found: 0 });
        }
        self.take(at, Structure::KeyNode)?;
        Ok(name)
    }

    /// The subkeys that the lists of a key name.
    fn listed(
        &mut self,
        node: &KeyNode,
        key: CellOffset,
        path: &str,
    ) -> Result<Vec<CellOffset>, HiveError> {
        let mut all = Vec::new();
        if node.subkey_count.get() == 0 {
            return Ok(all);
        }
        let mut lists = vec![(CellOffset(node.subkeys.get()), true)];
        while let Some((at, may_be_root)) = lists.pop() {
            let list = self
                .take(at, Structure::SubkeyList)
                .and_then(|()| List::read(self.from, at))
                .and_then(|list| match list.kind {
                    ListKind::Root if !may_be_root => {
                        let (what, found) = (Structure::SubkeyList, *b"ri");
                        Err(HiveError::Signature { what, offset: at.in_file(), found })
                    }
                    _ => Ok(list),
                });
            match list {
                Ok(list) if list.kind == ListKind::Root => {
                    lists.extend(list.cells().rev().map(|at| (at, false)));
                }
                Ok(list) => all.extend(list.cells()),
                Err(fault) => self.lose(path, at, "a list of subkeys", fault)?,
            }
        }
        if all.len() != node.subkey_count.get() as usize {
            let (expected, found) = (u64::from(node.subkey_count.get()), all.len() as u64);
            let (what, offset) = (Structure::KeyNode, key.in_file());
            let fault = HiveError::Count { what, offset, expected, found };
            self.lose(path, key, "subkeys that no list names, if there were any", fault)?;
        }
        Ok(all)
    }
}

/// The root key that the base block names, and the version.
pub(crate) fn facts(bytes: &[u8]) -> Option<(CellOffset, u32)> {
    let (base, _) = BaseBlock::read_from_prefix(bytes).ok()?;
    Some((CellOffset(base.root.get()), base.minor.get()))
}
