//! Security cells: one for each descriptor, in one ring.

use super::Rebuild;
use crate::cell::CellOffset;
use crate::descriptor;
use crate::error::HiveError;
use crate::key_node::KeyNode;
use crate::security::{self, SecurityCell};

impl Rebuild<'_> {
    /// The new security cell of a key, which is counted there. One that cannot be read becomes what the key would inherit.
    pub(super) fn security(
        &mut self,
        key: &KeyNode,
        inherited: Option<CellOffset>,
        path: &str,
    ) -> Result<CellOffset, HiveError> {
        let from = self.from;
        let old = CellOffset(key.security.get());
        if let Some(new) = self.security.get(&old).copied() {
            security::count_more(&mut self.to, new, 1)?;
            return Ok(new);
        }
        let own = SecurityCell::read(from, old).map(|(_, descriptor)| descriptor);
        let descriptor = match own {
            Ok(own) if self.losses.is_none() || descriptor::is_well_formed(own) => {
                self.taken.insert(old.0);
                own.to_vec()
            }
            fault => {
                let fault = fault.err().unwrap_or(HiveError::Descriptor { offset: old.in_file() });
                self.lose(path, old, "access rights, replaced by inherited ones", fault)?;
                let parent = match inherited {
                    Some(parent) => SecurityCell::read(&self.to, parent)?.1.to_vec(),
                    None => descriptor::for_new_hive(),
                };
                let new = self.shared(&descriptor::inherit(&parent))?;
                // Not remembered: keys elsewhere inherit something else.
                return Ok(new);
            }
        };
        let new = self.shared(&descriptor)?;
        self.security.insert(old, new);
        Ok(new)
    }

    fn shared(&mut self, descriptor: &[u8]) -> Result<CellOffset, HiveError> {
        if let Some(at) = self.descriptors.get(descriptor).copied() {
            security::count_more(&mut self.to, at, 1)?;
            return Ok(at);
        }
        let at = security::add_to_ring(&mut self.to, self.last_security, descriptor)?;
        self.last_security = Some(at);
        self.descriptors.insert(descriptor.to_vec(), at);
        Ok(at)
    }
}
