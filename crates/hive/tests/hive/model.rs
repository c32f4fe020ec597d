//! What a hive holds, read whole and kept beside it while both are edited.

use std::collections::BTreeMap;
use winkiln_hive::{Hive, KeyId, ValueType};

/// A key: name as spelt, values by name in their order, subkeys by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Key {
    pub values: Vec<(String, ValueType, Vec<u8>)>,
    pub subkeys: Vec<(String, Key)>,
    pub class: Option<String>,
}

/// Upper case of a name for the letters that the tests use, by a rule of its own.
pub fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_uppercase).collect()
}

impl Key {
    pub fn read(hive: &Hive, key: KeyId) -> Self {
        let values = hive
            .values(key)
            .unwrap()
            .into_iter()
            .map(|value| (value.name, value.kind, value.data))
            .collect();
        let subkeys = hive.subkeys(key).unwrap();
        let subkeys =
            subkeys.into_iter().map(|(name, subkey)| (name, Self::read(hive, subkey))).collect();
        Self { values, subkeys, class: hive.info(key).unwrap().class }
    }

    pub fn find(&mut self, path: &[String]) -> Option<&mut Self> {
        let Some((name, rest)) = path.split_first() else { return Some(self) };
        let name = fold(name);
        self.subkeys.iter_mut().find(|(own, _)| fold(own) == name)?.1.find(rest)
    }

    pub fn create(&mut self, path: &[String]) -> u32 {
        let Some((name, rest)) = path.split_first() else { return 0 };
        let folded = fold(name);
        if let Some((_, subkey)) = self.subkeys.iter_mut().find(|(own, _)| fold(own) == folded) {
            return subkey.create(rest);
        }
        let mut subkey = Self::default();
        let made = subkey.create(rest);
        let order = |name: &str| fold(name).encode_utf16().collect::<Vec<_>>();
        let at = self.subkeys.partition_point(|(own, _)| order(own) < order(name));
        self.subkeys.insert(at, (name.clone(), subkey));
        made + 1
    }

    /// Moves a key below `to`; false, and nothing moved, when that cannot be.
    pub fn relocate(&mut self, path: &[String], to: &[String], name: &str) -> bool {
        let Some((own, parent)) = path.split_last() else { return false };
        let same = parent == to && fold(own) == fold(name);
        let taken = |key: &Self| key.subkeys.iter().any(|(own, _)| fold(own) == fold(name));
        if to.starts_with(path) || (!same && taken(self.find(to).unwrap())) {
            return false;
        }
        let siblings = &mut self.find(parent).unwrap().subkeys;
        let at = siblings.iter().position(|(sibling, _)| sibling == own).unwrap();
        let (_, key) = siblings.remove(at);
        let target = self.find(to).unwrap();
        target.create(&[name.to_owned()]);
        *target.find(&[name.to_owned()]).unwrap() = key;
        true
    }

    pub fn delete(&mut self, path: &[String]) {
        let (name, parent) = path.split_last().unwrap();
        let name = fold(name);
        self.find(parent).unwrap().subkeys.retain(|(own, _)| fold(own) != name);
    }

    pub fn value(&self, name: &str) -> Option<(ValueType, &[u8])> {
        let folded = fold(name);
        let (_, kind, data) = self.values.iter().find(|(own, ..)| fold(own) == folded)?;
        Some((*kind, data))
    }

    /// True when something changed.
    pub fn set(&mut self, name: &str, kind: ValueType, data: &[u8]) -> bool {
        let folded = fold(name);
        match self.values.iter_mut().find(|(own, ..)| fold(own) == folded) {
            Some((_, own_kind, own_data)) => {
                let changed = *own_kind != kind || own_data != data;
                (*own_kind, *own_data) = (kind, data.to_vec());
                changed
            }
            None => {
                self.values.push((name.to_owned(), kind, data.to_vec()));
                true
            }
        }
    }

    pub fn unset(&mut self, name: &str) -> bool {
        let before = self.values.len();
        let name = fold(name);
        self.values.retain(|(own, ..)| fold(own) != name);
        self.values.len() != before
    }

    /// Paths of all keys, the root's empty one first.
    pub fn paths(&self) -> Vec<Vec<String>> {
        let mut all = vec![Vec::new()];
        for (name, subkey) in &self.subkeys {
            for mut path in subkey.paths() {
                path.insert(0, name.clone());
                all.push(path);
            }
        }
        all
    }

    /// Keys and values as other readers list them: path in upper case, then values by name in upper case.
    pub fn flat(&self) -> BTreeMap<String, BTreeMap<String, (u32, Vec<u8>)>> {
        let mut all = BTreeMap::new();
        self.flatten(String::new(), &mut all);
        all
    }

    fn flatten(&self, path: String, all: &mut BTreeMap<String, BTreeMap<String, (u32, Vec<u8>)>>) {
        let values = self
            .values
            .iter()
            .map(|(name, kind, data)| (name.clone(), (kind.raw(), data.clone())))
            .collect();
        for (name, subkey) in &self.subkeys {
            subkey.flatten(format!("{path}\\{name}"), all);
        }
        assert!(all.insert(path.clone(), values).is_none(), "{path} twice");
    }
}
