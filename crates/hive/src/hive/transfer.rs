//! Keys moved within a hive and copied from one to another.

use super::{Hive, KeyId};
use crate::cell::CellOffset;
use crate::edit;
use crate::error::HiveError;
use crate::key_node::{self, CLASS_MAX, KeyNode, LEVELS_MAX};
use crate::name;
use crate::subkey_list;

impl Hive {
    /// Renames a key, or moves it with all below it to another parent of the same hive. Values, class names, access rights
    /// and the times of all below it stay. The key's own number may change: it is returned, or `None` when the key has that
    /// parent and name already.
    ///
    /// # Errors
    /// [`HiveError::Exists`] when the new parent has a subkey of that name already, [`HiveError::IntoItself`],
    /// [`HiveError::KeyName`], [`HiveError::RootKey`], [`HiveError::NoDelete`]; as [`Hive::create_key`] otherwise.
    pub fn move_key(
        &mut self,
        key: KeyId,
        parent: KeyId,
        name: &str,
        now: u64,
    ) -> Result<Option<KeyId>, HiveError> {
        self.refuse_dirty()?;
        if key.cell() == self.root {
            return Err(HiveError::RootKey);
        }
        if name.contains('\0') {
            return Err(HiveError::KeyName { name: name.to_owned() });
        }
        name::refuse_key_name(name)?;
        let (node, own_name) = KeyNode::read(&self.cells, key.cell())?;
        let offset = key.cell().in_file();
        if node.has(key_node::NO_DELETE) {
            return Err(HiveError::NoDelete { offset });
        }
        if node.parent.get() == parent.0 && own_name.units().eq(name::units(name)) {
            return Ok(None);
        }
        self.refuse_below_itself(key, parent)?;
        let depth = key_node::level(&self.cells, self.root, parent.cell())? + self.height(key)? + 1;
        if depth > LEVELS_MAX {
            return Err(HiveError::TooDeep { offset, max: LEVELS_MAX });
        }
        let old_parent = CellOffset(node.parent.get());
        let minor = self.minor;
        let moved = self.cells.edit(|cells| {
            let above = *KeyNode::read(cells, parent.cell())?.0;
            edit::refuse_link(&above, parent.cell())?;
            for at in [old_parent, parent.cell()] {
                let node = *KeyNode::read(cells, at)?.0;
                if !subkey_list::is_sorted(cells, at, &node)? {
                    subkey_list::sort(cells, at, &node)?;
                }
            }
            match subkey_list::find(cells, parent.cell(), &above, &name::upper(name))? {
                Some(other) if other != key.cell() => {
                    Err(HiveError::Exists { offset: other.in_file() })
                }
                _ => edit::move_key(cells, key.cell(), parent.cell(), name, minor, now),
            }
        })?;
        if self.sorted.remove(&key.cell()) {
            self.sorted.insert(moved);
        }
        self.edited = true;
        Ok(Some(KeyId(moved.0)))
    }

    /// Copies the values, class name and subkeys of a key into `to`, with all below them. What is there already is kept,
    /// but for values of the same names. New keys inherit their access rights where they are, as with `reg copy`.
    ///
    /// Returns how many keys were made and how many values were written. `source` may be a copy of this hive.
    ///
    /// # Errors
    /// When what is copied is damaged or its names cannot be spelt, a link, or below itself; as [`Hive::create_key`] and
    /// [`Hive::set_value`] otherwise. Part of it may have been copied then.
    pub fn copy_from(
        &mut self,
        source: &Self,
        from: KeyId,
        to: KeyId,
        now: u64,
    ) -> Result<(u64, u64), HiveError> {
        let (mut keys, mut values) = (0, 0);
        let mut left = vec![(from, to)];
        while let Some((from, to)) = left.pop() {
            let (node, _) = KeyNode::read(&source.cells, from.cell())?;
            edit::refuse_link(node, from.cell())?;
            if let Some(class) = node.class(&source.cells)? {
                self.set_class_bytes(to, class, now)?;
            }
            for value in source.values(from)? {
                let set = self.set_value(to, &value.name, value.kind, &value.data, now)?;
                values += u64::from(set);
            }
            for (name, subkey) in source.subkeys(from)?.into_iter().rev() {
                let (made, new) = self.create_key(to, &name, now)?;
                keys += u64::from(new);
                left.push((subkey, made));
            }
        }
        Ok((keys, values))
    }

    /// Gives a key a class name, or takes it away with an empty one. Returns false when it is so already.
    ///
    /// # Errors
    /// When the name is longer than a key can hold, when the hive is dirty or what is touched is damaged.
    pub fn set_class(&mut self, key: KeyId, class: &str, now: u64) -> Result<bool, HiveError> {
        let bytes: Vec<u8> = name::units(class).flat_map(u16::to_le_bytes).collect();
        self.set_class_bytes(key, &bytes, now)
    }

    fn set_class_bytes(&mut self, key: KeyId, class: &[u8], now: u64) -> Result<bool, HiveError> {
        self.refuse_dirty()?;
        if class.len() > CLASS_MAX {
            let (units, max) = (class.len() / 2, CLASS_MAX / 2);
            return Err(HiveError::NameTooLong { what: "class", units, max });
        }
        let changed = self.cells.edit(|cells| edit::set_class(cells, key.cell(), class, now))?;
        self.edited |= changed;
        Ok(changed)
    }

    fn refuse_below_itself(&self, key: KeyId, parent: KeyId) -> Result<(), HiveError> {
        let mut at = parent.cell();
        for _ in 0..=LEVELS_MAX {
            if at == key.cell() {
                return Err(HiveError::IntoItself { offset: at.in_file() });
            }
            if at == self.root {
                return Ok(());
            }
            at = CellOffset(KeyNode::read(&self.cells, at)?.0.parent.get());
        }
        Err(HiveError::TooDeep { offset: at.in_file(), max: LEVELS_MAX })
    }

    /// Levels of keys below a key.
    fn height(&self, key: KeyId) -> Result<u32, HiveError> {
        let mut highest = 0;
        let mut left = vec![(key, 0)];
        while let Some((key, level)) = left.pop() {
            highest = highest.max(level);
            left.extend(self.subkeys(key)?.into_iter().map(|(_, subkey)| (subkey, level + 1)));
        }
        Ok(highest)
    }
}
