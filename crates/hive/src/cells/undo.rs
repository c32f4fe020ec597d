//! Taking back an edit that fails.

use std::sync::Arc;

use super::Cells;
use crate::base_block::BASE_BLOCK_SIZE;
use crate::bin;
use crate::error::HiveError;

/// Bytes that an edit overwrote.
struct Overwritten {
    at: usize,
    length: usize,
}

/// What to put back when an edit fails.
#[derive(Default)]
pub(super) struct Undo {
    writes: Vec<Overwritten>,
    /// The overwritten bytes of all `writes`, one after the other.
    old: Vec<u8>,
    /// Pages that were not marked as changed before.
    marked: Vec<usize>,
    file_length: usize,
    bins_length: u32,
}

/// Bytes that are kept in memory for the next edit.
const SPARE_MAX: usize = 64 << 10;

impl Undo {
    /// Keeps bytes that are about to be overwritten. What the edit added to the file goes without.
    pub(super) fn note(&mut self, at: usize, old: &[u8]) {
        if at < self.file_length {
            self.old.extend_from_slice(old);
            self.writes.push(Overwritten { at, length: old.len() });
        }
    }

    /// For another edit, with the memory of this one.
    fn again(mut self) -> Self {
        if self.old.capacity() > SPARE_MAX {
            return Self::default();
        }
        self.writes.clear();
        self.old.clear();
        self.marked.clear();
        self
    }
}

impl Cells {
    /// Runs an edit. When it fails, everything it wrote is taken back.
    pub(crate) fn edit<T>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, HiveError>,
    ) -> Result<T, HiveError> {
        self.undo = Some(Undo {
            file_length: self.bytes.len(),
            bins_length: self.length,
            ..std::mem::take(&mut self.spare_undo)
        });
        let result = change(self);
        if let Some(undo) = self.undo.take() {
            if result.is_err() {
                self.roll_back(&undo);
            }
            self.spare_undo = undo.again();
        }
        result
    }

    /// Notes bytes of the file as changed.
    pub(super) fn mark(&mut self, at: usize, length: usize) {
        self.dirty.mark_noting(at, length, self.undo.as_mut().map(|undo| &mut undo.marked));
    }

    fn roll_back(&mut self, undo: &Undo) {
        let bytes = Arc::make_mut(&mut self.bytes);
        let mut end = undo.old.len();
        for write in undo.writes.iter().rev() {
            let start = end - write.length;
            if let (Some(target), Some(old)) =
                (bytes.get_mut(write.at..write.at + write.length), undo.old.get(start..end))
            {
                target.copy_from_slice(old);
            }
            end = start;
        }
        bytes.truncate(undo.file_length);
        self.length = undo.bins_length;
        self.dirty.unmark(&undo.marked);
        self.free = None;
        let base = BASE_BLOCK_SIZE as usize;
        let bins = self.bytes.get(base..base + self.length as usize).unwrap_or_default();
        // The bytes are those of before, which were walked without a fault or with the same ones.
        self.layout = bin::walk(bins, Some(&mut Vec::new())).unwrap_or_default();
    }
}
