//! Dirty hives of which nothing more is left than the file.

use std::mem::offset_of;
use std::sync::Arc;

use super::Hive;
use crate::base_block::BaseBlock;
use crate::check;
use crate::error::HiveError;

impl Hive {
    /// Reads a dirty hive that has no logs, and takes it as it is where its structure is whole.
    ///
    /// What was still to be written to it is lost with its logs. As after [`Hive::recover`], the hive counts as modified,
    /// though not as edited: [`Hive::seal`] makes it a clean one.
    ///
    /// # Errors
    /// What is damaged or not supported; [`HiveError::Dirty`] when [`Hive::check`] finds something wrong with it, which may
    /// be the half of a write.
    pub fn open_without_logs(bytes: impl Into<Arc<Vec<u8>>>) -> Result<Self, HiveError> {
        let mut hive = Self::open_unrecovered(bytes)?;
        if let Some((primary, _)) = hive.dirty {
            if hive.check().iter().any(|finding| finding.id != check::DIRTY) {
                hive.refuse_dirty()?;
            }
            let secondary = offset_of!(BaseBlock, secondary_sequence);
            hive.cells.write_file(secondary, &primary.to_le_bytes());
            hive.cells.write_checksum();
            hive.dirty = None;
            hive.recovered = true;
        }
        Ok(hive)
    }
}
