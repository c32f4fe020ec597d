//! A hive gets longer by bins.

use super::{Cells, file_index};
use crate::base_block::{BaseBlock, PAGE};
use crate::bin::{BIN_HEADER, BinHeader};
use crate::cell::CELL_HEADER;
use crate::error::HiveError;
use std::mem::offset_of;
use std::sync::Arc;
use zerocopy::IntoBytes;
use zerocopy::little_endian::{U32, U64};

/// Greatest length of all bins: offsets use 31 bits, the highest tells volatile cells.
const BINS_MAX: u64 = 0x7fff_f000;

impl Cells {
    /// Adds a bin with room for a cell of `size` bytes after the last one: its one free cell, (place, size).
    ///
    /// What follows the bins in the file is overwritten, and the file grows only when that does not suffice.
    pub(super) fn add_bin(&mut self, size: u32) -> Result<(u32, u32), HiveError> {
        let bin_size = (size + BIN_HEADER).next_multiple_of(PAGE);
        let start = self.length;
        let end = u64::from(start) + u64::from(bin_size);
        if end > BINS_MAX {
            return Err(HiveError::Full { max: BINS_MAX });
        }
        let file_end = file_index(start) + bin_size as usize;
        if self.bytes.len() < file_end {
            let grown_from = self.bytes.len();
            Arc::make_mut(&mut self.bytes).resize(file_end, 0);
            self.mark(grown_from, file_end - grown_from);
        }
        self.length = start + bin_size;
        self.layout.bins.push(start);
        self.layout.cells.grow(self.length);
        let header = BinHeader {
            signature: *b"hbin",
            offset: U32::new(start),
            size: U32::new(bin_size),
            reserved: [0; 8],
            last_write: U64::new(0),
            spare: U32::new(0),
        };
        let mut bin = vec![0; bin_size as usize];
        let (at, room) = (start + BIN_HEADER, bin_size - BIN_HEADER);
        if let Some(target) = bin.get_mut(..BIN_HEADER as usize) {
            target.copy_from_slice(header.as_bytes());
        }
        if let Some(target) = bin.get_mut(BIN_HEADER as usize..(BIN_HEADER + CELL_HEADER) as usize)
        {
            target.copy_from_slice(&room.to_le_bytes());
        }
        self.write_file(file_index(start), &bin);
        self.layout.cells.insert(at);
        self.free_cells().insert(at, room);
        let length = offset_of!(BaseBlock, length);
        self.write_file(length, &self.length.to_le_bytes());
        self.write_checksum();
        Ok((at, room))
    }
}
