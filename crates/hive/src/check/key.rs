//! Keys, from the root down.

use super::Check;
use crate::cell::CellOffset;
use crate::error::{HiveError, Structure};
use crate::key_node::{self, KeyNode};
use crate::name::{self, StoredName};
use std::cmp::Ordering;
use std::rc::Rc;

/// A key still to be checked.
struct Todo {
    at: CellOffset,
    /// `None` for the root.
    parent: Option<CellOffset>,
    level: u32,
    /// Path of the parent.
    path: Rc<str>,
}

impl<'a> Check<'a> {
    /// Checks the root key and all below it.
    pub(super) fn tree(&mut self, root: CellOffset) {
        let mut left = vec![Todo { at: root, parent: None, level: 0, path: "\\".into() }];
        while let Some(todo) = left.pop() {
            self.key(&todo, &mut left);
        }
    }

    fn key(&mut self, todo: &Todo, left: &mut Vec<Todo>) {
        let at = todo.at;
        if self.claim(at, Structure::KeyNode, &todo.path).is_none() || self.too_deep(at, todo.level)
        {
            return;
        }
        let cells = self.cells;
        let (node, name) = match KeyNode::read(cells, at) {
            Ok(key) => key,
            Err(HiveError::Truncated { .. }) => {
                return self.add(
                    "key.name",
                    at,
                    format!("name passes the end of the key below {}", todo.path),
                );
            }
            Err(fault) => return self.add("key.signature", at, fault.to_string()),
        };
        let path: Rc<str> = match todo.parent {
            None => Rc::clone(&todo.path),
            Some(_) => name::told_path(&todo.path, name).into(),
        };
        self.identity(todo, node, name, &path);
        self.class(at, node, &path);
        let names = self.subkeys(at, node, &path, |subkey| {
            let (parent, path) = (Some(at), Rc::clone(&path));
            left.push(Todo { at: subkey, parent, level: todo.level + 1, path });
        });
        let hint = u32::from(node.largest_subkey_name.get());
        if hint < names {
            let text =
                format!("{path}: largest subkey name is said to be {hint} bytes, one has {names}");
            self.add("key.maxname", at, text);
        }
        self.values(at, node, &path);
    }

    /// Flags, parent link, name and security cell.
    fn identity(&mut self, todo: &Todo, node: &KeyNode, name: StoredName<'_>, path: &str) {
        let at = todo.at;
        let entry = node.has(key_node::HIVE_ENTRY);
        match todo.parent {
            None if !entry => {
                self.add("key.rootflag", at, "root key lacks the flag of a hive's root");
            }
            None => {}
            Some(parent) => {
                if node.parent.get() != parent.0 {
                    let found = CellOffset(node.parent.get()).in_file();
                    let text = format!(
                        "{path}: parent is said to be {found:#x}, is {:#x}",
                        parent.in_file()
                    );
                    self.add("key.parent", at, text);
                }
                if entry {
                    self.add("key.rootflag", at, format!("{path}: has the flag of a hive's root"));
                }
                if name.len() == 0 {
                    self.add("key.name", at, format!("{path}: empty name"));
                }
            }
        }
        match CellOffset(node.security.get()) {
            CellOffset::NONE => self.add("key.security", at, format!("{path}: no security cell")),
            security => *self.security.entry(security).or_default() += 1,
        }
    }

    fn class(&mut self, at: CellOffset, node: &KeyNode, path: &str) {
        let class = CellOffset(node.class.get());
        let length = usize::from(node.class_length.get());
        if length == 0 || class == CellOffset::NONE {
            return;
        }
        if let Some(payload) = self.claim(class, Structure::Class, path)
            && length > payload.len()
        {
            let text =
                format!("{path}: class name of {length} bytes, its cell holds {}", payload.len());
            self.add("key.class", at, text);
        }
    }

    /// Checks the subkey lists and the order in them; returns bytes of the longest name as UTF-16.
    fn subkeys(
        &mut self,
        at: CellOffset,
        node: &KeyNode,
        path: &str,
        mut found: impl FnMut(CellOffset),
    ) -> u32 {
        let count = node.subkey_count.get();
        let list = CellOffset(node.subkeys.get());
        if count == 0 {
            if list != CellOffset::NONE && list.0 != 0 {
                let text = format!("{path}: no subkeys, but a list at {:#x}", list.in_file());
                self.add("key.sublist", at, text);
            }
            return 0;
        }
        let entries = self.lists(list, path);
        if entries.len() != count as usize {
            let text = format!("{path}: counts {count} subkeys, its lists hold {}", entries.len());
            self.add("key.subcount", at, text);
        }
        let cells = self.cells;
        let mut before: Option<StoredName<'a>> = None;
        let mut longest = 0;
        for entry in entries {
            if let Ok((_, name)) = KeyNode::read(cells, entry.key) {
                longest = longest.max(name.len() * 2);
                if let Some(before) = before
                    && name.cmp(before) != Ordering::Greater
                {
                    let text =
                        format!("{path}: {:?} is before {:?}", before.to_text(), name.to_text());
                    self.add("key.order", entry.key, text);
                }
                before = Some(name);
                self.hint(&entry, name, path);
            }
            found(entry.key);
        }
        u32::try_from(longest).unwrap_or(u32::MAX)
    }
}
