//! Subkey lists.

use super::Check;
use crate::cell::CellOffset;
use crate::error::{HiveError, Structure};
use crate::name::StoredName;
use crate::subkey_list::{List, ListKind};

/// A subkey as a list names it.
pub(super) struct Entry {
    pub(super) key: CellOffset,
    kind: ListKind,
    hint: u32,
}

impl<'a> Check<'a> {
    /// The entries of a list and of the lists it names.
    pub(super) fn lists(&mut self, at: CellOffset, path: &str) -> Vec<Entry> {
        let mut entries = Vec::new();
        let Some(list) = self.list(at, path) else { return entries };
        if list.kind != ListKind::Root {
            self.leaf(&list, path, &mut entries);
            return entries;
        }
        // Each leaf is claimed once, so what is collected is bounded by the hive's size.
        for at in list.cells() {
            let Some(leaf) = self.list(at, path) else { continue };
            if leaf.kind == ListKind::Root {
                self.add("list.nested", at, format!("{path}: index root below an index root"));
                continue;
            }
            self.leaf(&leaf, path, &mut entries);
        }
        entries
    }

    fn list(&mut self, at: CellOffset, path: &str) -> Option<List<'a>> {
        self.claim(at, Structure::SubkeyList, path)?;
        match List::read(self.cells, at) {
            Ok(list) => Some(list),
            Err(fault) => {
                let id = match fault {
                    HiveError::Signature { .. } => "list.signature",
                    _ => "list.size",
                };
                self.add(id, at, format!("{path}: {fault}"));
                None
            }
        }
    }

    fn leaf(&mut self, list: &List<'_>, path: &str, entries: &mut Vec<Entry>) {
        if list.kind == ListKind::Hash && self.minor < 5 {
            self.add(
                "list.kind",
                list.at,
                format!("{path}: \"lh\" list in version 1.{}", self.minor),
            );
        }
        let kind = list.kind;
        entries.extend(list.cells().zip(list.hints()).map(|(key, hint)| Entry { key, kind, hint }));
    }

    /// Checks hash or hint of an entry against the name.
    pub(super) fn hint(&mut self, entry: &Entry, name: StoredName<'_>, path: &str) {
        match entry.kind {
            ListKind::Hash => {
                let expected = name.hash();
                if entry.hint != expected {
                    let name = name.to_text();
                    let text = format!(
                        "{path}\\{name}: hash is {:#010x}, computed {expected:#010x}",
                        entry.hint
                    );
                    self.add("key.hash", entry.key, text);
                }
            }
            ListKind::Fast => {
                let found = entry.hint.to_le_bytes();
                if found != [0; 4] && !found.eq_ignore_ascii_case(&name.hint()) {
                    let name = name.to_text();
                    self.add(
                        "key.hint",
                        entry.key,
                        format!("{path}\\{name}: hint is {found:02x?}"),
                    );
                }
            }
            ListKind::Index | ListKind::Root => {}
        }
    }
}
