//! The access rights of keys.

use super::{Hive, KeyId};
use crate::cell::CellOffset;
use crate::edit;
use crate::error::HiveError;
use crate::key_node::KeyNode;
use crate::security::SecurityCell;
use winkiln_security::{Domains, Objects, assign, to_sddl};

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
        Ok(self.change_sddl(key, text, domains, false, now)?.changed().next().is_some())
    }

    /// The descriptor of a key that is given these parts.
    pub(super) fn assigned(&self, key: KeyId, given: &[u8]) -> Result<Vec<u8>, HiveError> {
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
