//! A hive written anew.

use super::Hive;
use crate::base_block::{self, BASE_BLOCK_SIZE, BaseBlock};
use crate::cells::Cells;
use crate::check::{Finding, check_file};
use crate::error::HiveError;
use crate::key_node::KeyNode;
use crate::rebuild::{self, Loss};
use std::collections::HashSet;
use std::mem::offset_of;
use std::sync::OnceLock;

impl Hive {
    /// A fresh hive that holds the same keys and values, with names, types, data, class names, times and access rights,
    /// and no free space but at its end. Its sequence numbers go on from those of this one when it is sealed.
    ///
    /// # Errors
    /// The first thing that cannot be read: nothing is left out.
    pub fn compact(&self) -> Result<Self, HiveError> {
        self.refuse_dirty()?;
        let (cells, root, _) = rebuild::rebuild(&self.cells, self.root, self.minor, false)?;
        Ok(self.rebuilt(cells, root))
    }

    /// Repairs a damaged file: a fresh hive with all that can be read, and what was lost. The third part is what was
    /// found wrong; nothing is written anew, and no bytes are kept that the root key does not reach.
    ///
    /// A file that is dirty has to be recovered from its logs first, as far as there are any.
    ///
    /// # Errors
    /// When it is no hive at all, of another version, or its root key is gone.
    pub fn repair(bytes: &[u8]) -> Result<(Self, Vec<Loss>, Vec<Finding>), HiveError> {
        let needed = u64::from(BASE_BLOCK_SIZE);
        if bytes.len() < BASE_BLOCK_SIZE as usize {
            return Err(HiveError::TooShort { length: bytes.len() as u64, needed });
        }
        let (Some(findings), Some((root, minor))) = (check_file(bytes), rebuild::facts(bytes))
        else {
            return Err(HiveError::NotAHive { found: bytes.get(..4).unwrap_or(bytes).to_vec() });
        };
        // What the base block says of itself can be set right; what kind of file it is cannot.
        match BaseBlock::read(bytes) {
            Ok(_) | Err(HiveError::Checksum { .. } | HiveError::Length { .. }) => {}
            Err(fault) => return Err(fault),
        }
        if !(3..=6).contains(&minor) {
            return Err(HiveError::Version { major: 1, minor });
        }
        // All of the file that is there: the length may be wrong.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).saturating_sub(BASE_BLOCK_SIZE);
        let said = base_block::bins_length(bytes).filter(|said| *said != 0 && *said <= length);
        let (old, _) = Cells::open_damaged(bytes.to_vec(), said.unwrap_or(length));
        KeyNode::read(&old, root)?;
        let (cells, root, losses) = rebuild::rebuild(&old, root, minor, true)?;
        let mut hive = Self {
            cells,
            root,
            minor,
            dirty: None,
            edited: true,
            recovered: false,
            logged: base_block::highest_sequence(bytes),
            sorted: HashSet::new(),
            links: OnceLock::new(),
        };
        hive.clean_base_block();
        Ok((hive, losses, findings))
    }

    /// Makes the sequence numbers equal, as those of a hive without pending writes.
    fn clean_base_block(&mut self) {
        let sequence = self.logged.to_le_bytes();
        self.cells.write_file(offset_of!(BaseBlock, primary_sequence), &sequence);
        self.cells.write_file(offset_of!(BaseBlock, secondary_sequence), &sequence);
        self.cells.write_checksum();
    }

    fn rebuilt(&self, cells: Cells, root: crate::cell::CellOffset) -> Self {
        Self {
            cells,
            root,
            minor: self.minor,
            dirty: None,
            edited: true,
            recovered: false,
            logged: self.logged,
            sorted: HashSet::new(),
            links: OnceLock::new(),
        }
    }
}
