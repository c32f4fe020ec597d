//! Reading keys and values.

use super::{Hive, KeyId};
use crate::cell::CellOffset;
use crate::error::{HiveError, Structure};
use crate::key_node::{self, KeyNode};
use crate::name::{self, StoredName};
use crate::subkey_list::{self, Leaves};
use crate::upcase::upcase;
use crate::value::{self, KeyValue, ValueType};
use std::collections::HashSet;

/// One value of a key. The default value has an empty name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Name; empty for the default value. What text cannot hold is spelt, as in names of keys.
    pub name: String,
    /// Type.
    pub kind: ValueType,
    /// Data as stored.
    pub data: Vec<u8>,
}

/// Facts of a key besides its subkeys and values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Name as spelt in the hive. What text cannot hold (unpaired surrogates, NUL), and what would take a path apart, is
    /// U+FFFD and four hexadecimal digits, in which every name that is given as text may be written too.
    pub name: String,
    /// Last write, 100 ns ticks since 1601-01-01 UTC.
    pub last_write: u64,
    /// Subkeys.
    pub subkey_count: u32,
    /// Values.
    pub value_count: u32,
    /// Class name, when there is one.
    pub class: Option<String>,
    /// True for a symbolic link, which is not followed.
    pub is_link: bool,
}

impl Hive {
    /// Finds a key by its path below `from`, components separated by `\`, case-insensitive; "" is `from` itself.
    ///
    /// Links are not followed: what lies below one is not found.
    ///
    /// # Errors
    /// What is damaged on the way.
    pub fn find(&self, from: KeyId, path: &str) -> Result<Option<KeyId>, HiveError> {
        let mut at = from.cell();
        for name in components(path) {
            let (node, _) = KeyNode::read(&self.cells, at)?;
            let find = match self.sorted.contains(&at) {
                true => subkey_list::find_sorted,
                false => subkey_list::find,
            };
            match find(&self.cells, at, node, &name::upper(name))? {
                Some(subkey) => at = subkey,
                None => return Ok(None),
            }
        }
        KeyNode::read(&self.cells, at)?;
        Ok(Some(KeyId(at.0)))
    }

    /// Name, time, counts, class.
    ///
    /// # Errors
    /// When the key or its class name is damaged.
    pub fn info(&self, key: KeyId) -> Result<KeyInfo, HiveError> {
        let (node, name) = KeyNode::read(&self.cells, key.cell())?;
        Ok(KeyInfo {
            name: name.to_key_text(),
            last_write: node.last_write.get(),
            subkey_count: node.subkey_count.get(),
            value_count: node.values_listed(),
            class: node.class(&self.cells)?.map(name::utf16_text),
            is_link: node.has(key_node::SYM_LINK),
        })
    }

    /// Subkeys in the hive's order: (name, key).
    ///
    /// What it returns is always a tree, also in a damaged hive: whoever follows it comes to an end.
    ///
    /// # Errors
    /// When the list or one of the keys is damaged, when a subkey is listed twice or does not name `key` as its parent,
    /// when `key` lies deeper than the registry allows.
    pub fn subkeys(&self, key: KeyId) -> Result<Vec<(String, KeyId)>, HiveError> {
        self.list_subkeys(key, |name, _| Ok(name.to_key_text()))
    }

    /// Reads all subkeys of a key as [`Hive::subkeys`] does, and keeps none.
    ///
    /// # Errors
    /// As [`Hive::subkeys`].
    pub fn check_subkeys(&self, key: KeyId) -> Result<(), HiveError> {
        self.list_subkeys(key, |_, _| Ok(())).map(drop)
    }

    /// Subkeys with their names in upper case.
    pub(crate) fn upper_subkeys(
        &self,
        key: KeyId,
    ) -> Result<Vec<(Vec<u16>, String, KeyId)>, HiveError> {
        let spelt = self.list_subkeys(key, |name, _| {
            Ok((name.units().map(upcase).collect(), name.to_key_text()))
        })?;
        Ok(spelt.into_iter().map(|((upper, name), key)| (upper, name, key)).collect())
    }

    /// Values with their names in upper case.
    pub(crate) fn upper_values(&self, key: KeyId) -> Result<Vec<(Vec<u16>, Value)>, HiveError> {
        self.list_values(key, |name| name.units().map(upcase).collect())
    }

    fn list_subkeys<T>(
        &self,
        key: KeyId,
        spell: impl Fn(StoredName<'_>, CellOffset) -> Result<T, HiveError>,
    ) -> Result<Vec<(T, KeyId)>, HiveError> {
        let at = key.cell();
        let (node, _) = KeyNode::read(&self.cells, at)?;
        if node.subkey_count.get() > 0 {
            key_node::level(&self.cells, self.root, at)?;
        }
        let leaves = Leaves::read(&self.cells, at, node)?;
        let mut seen = HashSet::new();
        leaves
            .keys()
            .map(|subkey| {
                let (node, name) = KeyNode::read(&self.cells, subkey)?;
                let (offset, parent) = (subkey.in_file(), CellOffset(node.parent.get()));
                if parent != at {
                    let (found, expected) = (parent.in_file(), at.in_file());
                    return Err(HiveError::Parent { offset, found, expected });
                }
                if !seen.insert(subkey) {
                    return Err(HiveError::Shared { what: Structure::KeyNode, offset });
                }
                Ok((spell(name, subkey)?, KeyId(subkey.0)))
            })
            .collect()
    }

    /// All values with their data, in the hive's order.
    ///
    /// # Errors
    /// When the list or one of the values is damaged.
    pub fn values(&self, key: KeyId) -> Result<Vec<Value>, HiveError> {
        let values = self.list_values(key, |_| ())?;
        Ok(values.into_iter().map(|((), value)| value).collect())
    }

    fn list_values<T>(
        &self,
        key: KeyId,
        spell: impl Fn(StoredName<'_>) -> T,
    ) -> Result<Vec<(T, Value)>, HiveError> {
        let (node, _) = KeyNode::read(&self.cells, key.cell())?;
        // More than the hive holds is there more than once: it would take memory without bound.
        let mut left = self.cells.length() as usize;
        value::list(&self.cells, node)?
            .map(|at| {
                let (value, name) = KeyValue::read(&self.cells, at)?;
                let shared = HiveError::Shared { what: Structure::KeyValue, offset: at.in_file() };
                left = left.checked_sub(value.length() as usize).ok_or(shared)?;
                Ok((spell(name), self.read_value(at)?))
            })
            .collect()
    }

    /// Reads all values of a key as [`Hive::values`] does, and keeps none.
    ///
    /// # Errors
    /// As [`Hive::values`].
    pub fn check_values(&self, key: KeyId) -> Result<(), HiveError> {
        let (node, _) = KeyNode::read(&self.cells, key.cell())?;
        value::list(&self.cells, node)?.try_for_each(|at| {
            let (value, _) = KeyValue::read(&self.cells, at)?;
            value.place(&self.cells, at, self.minor).map(drop)
        })
    }

    /// One value by name, case-insensitive; "" is the default value.
    ///
    /// # Errors
    /// When the list or the value is damaged.
    pub fn value(&self, key: KeyId, name: &str) -> Result<Option<Value>, HiveError> {
        let (node, _) = KeyNode::read(&self.cells, key.cell())?;
        let found = value::find(&self.cells, node, &name::upper(name))?;
        found.map(|(_, at)| self.read_value(at)).transpose()
    }

    fn read_value(&self, at: CellOffset) -> Result<Value, HiveError> {
        let (value, name) = KeyValue::read(&self.cells, at)?;
        let data = value.place(&self.cells, at, self.minor)?.to_vec();
        Ok(Value { name: name.to_text(), kind: ValueType::from_raw(value.kind.get()), data })
    }
}

/// The names in a path; separators at its ends and doubled ones do not count.
pub(super) fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('\\').filter(|name| !name.is_empty())
}
