//! Values and their data.

use super::Rebuild;
use crate::cell::CellOffset;
use crate::error::{HiveError, Structure};
use crate::key_node::{KeyNode, PREDEF_HANDLE};
use crate::upcase::upcase;
use crate::value::{self, KeyValue};
use std::collections::HashSet;
use zerocopy::IntoBytes;

impl Rebuild<'_> {
    /// Copies the values of a key and corrects list, count and hints in `node` (not yet in its cell).
    pub(super) fn values(
        &mut self,
        old: &KeyNode,
        key: CellOffset,
        node: &mut KeyNode,
        path: &str,
    ) -> Result<(), HiveError> {
        if old.has(PREDEF_HANDLE) {
            node.value_count = old.value_count;
            return Ok(());
        }
        let mut list = Vec::new();
        let mut names: HashSet<Vec<u16>> = HashSet::new();
        for at in self.value_cells(old, key, path)? {
            match self.value(at, &mut names) {
                Ok((new, name, data)) => {
                    node.largest_value_name.set(node.largest_value_name.get().max(name));
                    node.largest_value_data.set(node.largest_value_data.get().max(data));
                    list.extend(new.0.to_le_bytes());
                }
                Err(fault) => {
                    let name = KeyValue::read(self.from, at).map_or_else(
                        |_| "a value".into(),
                        |(_, name)| format!("value {:?}", name.to_text()),
                    );
                    self.lose(path, at, &name, fault)?;
                }
            }
        }
        if !list.is_empty() {
            node.value_count.set(u32::try_from(list.len() / 4).unwrap_or(u32::MAX));
            node.values.set(self.to.allocate_with(&list)?.0);
        }
        Ok(())
    }

    fn value_cells(
        &mut self,
        old: &KeyNode,
        key: CellOffset,
        path: &str,
    ) -> Result<Vec<CellOffset>, HiveError> {
        if old.values_listed() == 0 {
            return Ok(Vec::new());
        }
        let at = CellOffset(old.values.get());
        let listed = value::list(self.from, old).map(Iterator::collect::<Vec<_>>);
        match self.take(at, Structure::ValueList).and(listed) {
            Ok(cells) => Ok(cells),
            Err(fault) => {
                let what = format!("all {} values", old.values_listed());
                self.lose(path, key, &what, fault).map(|()| Vec::new())
            }
        }
    }

    /// Copies a value: its cell, bytes of its name as UTF-16 and of its data.
    fn value(
        &mut self,
        at: CellOffset,
        names: &mut HashSet<Vec<u16>>,
    ) -> Result<(CellOffset, u32, u32), HiveError> {
        let from = self.from;
        self.take(at, Structure::KeyValue)?;
        let (old, name) = KeyValue::read(from, at)?;
        let place = old.place(from, at, self.minor)?;
        for (cell, what) in place.cells() {
            self.take(cell, what)?;
        }
        if !names.insert(name.units().map(upcase).collect()) {
            return Err(HiveError::Duplicate { offset: at.in_file() });
        }
        let (length, data) = value::store(&mut self.to, &place.to_vec(), self.minor)?;
        let mut new = *old;
        new.data_length.set(length);
        new.data.set(data);
        let mut cell = new.as_bytes().to_vec();
        cell.extend(name.bytes());
        let new = self.to.allocate_with(&cell)?;
        Ok((new, u32::try_from(name.len() * 2).unwrap_or(u32::MAX), old.length()))
    }
}
