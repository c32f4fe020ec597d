//! The access rights of keys.

use super::{Hive, KeyId};
use crate::cell::CellOffset;
use crate::edit;
use crate::error::HiveError;
use crate::key_node::KeyNode;
use crate::security::SecurityCell;
use std::rc::Rc;
use winkiln_security::{
    Domains, Lists, Objects, ParentChange, assign, from_sddl, owner_and_group, propagate, to_sddl,
};

/// A key that has another security descriptor now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityChange {
    /// Its path below the key that was asked for; empty for that one.
    pub path: String,
    /// What it had, as SDDL.
    pub before: String,
    /// What it has.
    pub after: String,
}

/// What became of a key and all below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecurityChanges {
    /// Keys with another descriptor, each before those below it.
    pub changed: Vec<SecurityChange>,
    /// How many have the descriptor that they had.
    pub unchanged: usize,
}

/// A key whose descriptor changed, with what of that reaches the keys below.
struct Parent {
    old: Vec<u8>,
    new: Vec<u8>,
    lists: Lists,
}

impl Hive {
    /// The key's self-relative security descriptor.
    ///
    /// # Errors
    /// When the key or its security cell is damaged.
    pub fn security(&self, key: KeyId) -> Result<Vec<u8>, HiveError> {
        let (node, _) = KeyNode::read(&self.cells, key.cell())?;
        let (_, descriptor) = SecurityCell::read(&self.cells, CellOffset(node.security.get()))?;
        Ok(descriptor.to_vec())
    }

    /// The key's security descriptor as a line of SDDL, such as `O:BAG:SYD:(A;CI;KA;;;BA)`.
    ///
    /// # Errors
    /// As [`Hive::security`]; [`HiveError::SecurityDescriptor`] for one that is malformed.
    pub fn sddl(&self, key: KeyId) -> Result<String, HiveError> {
        Ok(to_sddl(Objects::Keys, &self.security(key)?)?)
    }

    /// Gives the key those parts of a security descriptor that a line of SDDL holds; the others stay. False when it has
    /// them already. Subkeys keep theirs.
    ///
    /// Generic rights become those of a key. A list that is not protected also gets what the parent passes on, but that of the hive's
    /// root is taken as it is given.
    ///
    /// # Errors
    /// [`HiveError::SecurityDescriptor`] for text that is not SDDL or means accounts of a domain that `domains` does not name, and
    /// for a malformed descriptor of the key; when the hive is dirty or what is touched is damaged.
    pub fn set_sddl(
        &mut self,
        key: KeyId,
        text: &str,
        domains: Domains<'_>,
        now: u64,
    ) -> Result<bool, HiveError> {
        Ok(!self.change_sddl(key, text, domains, false, now)?.changed.is_empty())
    }

    /// As [`Hive::set_sddl`], and tells what changed. With `below`, the lists are passed on to all keys below: entries of their own
    /// stay, inherited ones are replaced, and what is below something protected stays. A given owner or group becomes that of all
    /// below.
    ///
    /// # Errors
    /// As [`Hive::set_sddl`].
    pub fn change_sddl(
        &mut self,
        key: KeyId,
        text: &str,
        domains: Domains<'_>,
        below: bool,
        now: u64,
    ) -> Result<SecurityChanges, HiveError> {
        let given = from_sddl(text, domains)?;
        let people = owner_and_group(&given)?;
        let mut changes = SecurityChanges::default();
        let mut left: Vec<(_, _, Option<Rc<Parent>>)> = vec![(key, String::new(), None)];
        while let Some((key, path, above)) = left.pop() {
            let old = self.security(key)?;
            let (new, lists) = match above {
                Some(above) => {
                    let Parent { old: before, new, lists } = &*above;
                    let (old_parent, people) = (Some(&before[..]), people.as_deref());
                    let change = ParentChange { old: old_parent, new, lists: *lists, people };
                    propagate(&old, change, Objects::Keys, true)?
                }
                None => (self.assigned(key, &given)?, Lists::of(&given)?),
            };
            if self.set_security(key, &new, now)? {
                let text = |descriptor| to_sddl(Objects::Keys, descriptor);
                let (before, after) = (text(&old)?, text(&new)?);
                changes.changed.push(SecurityChange { path: path.clone(), before, after });
            } else {
                changes.unchanged += 1;
            }
            if !below || people.is_none() && !lists.any() {
                continue;
            }
            let above = Rc::new(Parent { old, new, lists });
            for (name, subkey) in self.subkeys(key)?.into_iter().rev() {
                let path = if path.is_empty() { name } else { format!("{path}\\{name}") };
                left.push((subkey, path, Some(Rc::clone(&above))));
            }
        }
        Ok(changes)
    }

    /// The descriptor of a key that is given these parts.
    fn assigned(&self, key: KeyId, given: &[u8]) -> Result<Vec<u8>, HiveError> {
        let parent = if key == self.root() {
            None
        } else {
            let (node, _) = KeyNode::read(&self.cells, key.cell())?;
            let (node, _) = KeyNode::read(&self.cells, CellOffset(node.parent.get()))?;
            let cell = CellOffset(node.security.get());
            Some(SecurityCell::read(&self.cells, cell)?.1)
        };
        Ok(assign(&self.security(key)?, given, parent, Objects::Keys, true)?)
    }

    /// Gives the key this self-relative security descriptor, which it shares with all keys that have the same. False when
    /// it has it already. Subkeys keep theirs.
    ///
    /// # Errors
    /// [`HiveError::SecurityDescriptor`] when the bytes are none; when the hive is dirty or what is touched is damaged.
    pub fn set_security(
        &mut self,
        key: KeyId,
        descriptor: &[u8],
        now: u64,
    ) -> Result<bool, HiveError> {
        self.refuse_dirty()?;
        winkiln_security::validate(descriptor)?;
        let changed =
            self.cells.edit(|cells| edit::set_security(cells, key.cell(), descriptor, now))?;
        self.edited |= changed;
        Ok(changed)
    }
}
