//! A log file: a copy of the base block's first sector, then what was to be written.

use super::entry::{self, Entry};
use super::{dirty_vector, stamp};
use crate::base_block::{self, BaseBlock};
use std::mem::offset_of;
use zerocopy::FromBytes;

/// Length of the base block's copy, and what everything behind is aligned to, bytes.
pub(super) const SECTOR: usize = 512;

/// Type of a new-format log.
const NEW_FORMAT: u32 = 6;

/// Types of old-format logs.
const OLD_FORMATS: [u32; 2] = [1, 2];

/// A log whose own base block is whole.
pub(super) struct Log<'a> {
    pub(super) base: BaseBlock,
    bytes: &'a [u8],
}

impl<'a> Log<'a> {
    /// Reads a log; `None` when it is empty, torn or something else: Windows does not use it then.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (base, _) = BaseBlock::read_from_prefix(bytes).ok()?;
        let whole = base.signature == *b"regf"
            && base_block::stored_checksum(bytes)? == base_block::checksum(bytes)?
            && base.primary_sequence == base.secondary_sequence
            && base.major.get() == 1
            && base.length.get().is_multiple_of(base_block::PAGE);
        whole.then_some(Self { base, bytes })
    }

    /// Bytes of the log.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The entries of a new-format log, as far as they follow each other; none of another log.
    pub(super) fn entries(&self) -> Vec<Entry<'a>> {
        if self.base.file_type.get() != NEW_FORMAT {
            return Vec::new();
        }
        entry::chain(self.bytes.get(SECTOR..).unwrap_or_default())
    }

    /// The pages of an old-format log: offset from the first bin, content.
    pub(super) fn dirty_pages(&self) -> Option<Vec<(u32, &'a [u8])>> {
        if !OLD_FORMATS.contains(&self.base.file_type.get()) {
            return None;
        }
        dirty_vector::pages(self.bytes.get(SECTOR..)?, self.base.length.get())
    }

    /// Replaces a torn base block; false when the file has no room for one.
    pub(super) fn restore_base_block(&self, file: &mut [u8]) -> bool {
        let (Some(target), Some(copy)) = (file.get_mut(..SECTOR), self.bytes.get(..SECTOR)) else {
            return false;
        };
        target.copy_from_slice(copy);
        let kind = offset_of!(BaseBlock, file_type);
        if let Some(field) = file.get_mut(kind..kind + 4) {
            field.copy_from_slice(&[0; 4]);
        }
        stamp(file, self.base.primary_sequence.get(), self.base.length.get());
        true
    }
}
