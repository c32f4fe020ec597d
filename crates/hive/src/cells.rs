//! The file's bytes as cells that can be read, allocated, resized and released.

use crate::base_block::{self, BASE_BLOCK_SIZE};
use crate::bin::{self, BIN_HEADER, Layout};
use crate::cell::{CELL_HEADER, CELL_UNIT, CellOffset, FreeCells};
use crate::dirty::DirtyPages;
use crate::error::{HiveError, Structure};
use std::ops::Range;
use std::sync::Arc;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

mod grow;
mod undo;
mod walk;

use undo::Undo;

/// Greatest size of one cell, bytes.
///
/// Source: the kernel calls a larger allocation insane (`HSANE_CELL_MAX` in published debug symbols).
pub(crate) const CELL_MAX: u32 = 1024 * 1024;

/// Memory that is kept for the next cell's content, bytes.
const SPARE_CELL_MAX: usize = 64 << 10;

/// What a new key inherits.
pub(crate) struct Inherited {
    /// The descriptor above.
    pub(crate) parent: Vec<u8>,
    /// That of the new key.
    pub(crate) child: Vec<u8>,
}

/// A hive's bytes with the map of its cells.
pub(crate) struct Cells {
    /// Shared with whoever asked for the bytes; copied when written while they hold them.
    bytes: Arc<Vec<u8>>,
    /// Length of all bins, bytes.
    length: u32,
    layout: Layout,
    /// Built when first needed.
    free: Option<FreeCells>,
    dirty: DirtyPages,
    undo: Option<Undo>,
    /// Memory for the next edit's.
    spare_undo: Undo,
    /// Memory for the next new cell's content.
    spare_cell: Vec<u8>,
    /// What the last new key inherited.
    pub(crate) inherited: Option<Inherited>,
}

impl Cells {
    /// Takes a file whose base block says that its bins are `length` bytes long, and walks bins and cells.
    pub(crate) fn open(bytes: Arc<Vec<u8>>, length: u32) -> Result<Self, HiveError> {
        let end = BASE_BLOCK_SIZE as usize + length as usize;
        let Some(bins) = bytes.get(BASE_BLOCK_SIZE as usize..end) else {
            return Err(HiveError::Length { length, file: bytes.len() as u64 });
        };
        let layout = bin::walk(bins, None)?;
        Ok(Self::new(bytes, length, layout))
    }

    /// As [`Cells::open`], but keeps what can be walked of a damaged file, and returns the faults.
    pub(crate) fn open_damaged(bytes: Vec<u8>, length: u32) -> (Self, Vec<HiveError>) {
        let mut faults = Vec::new();
        let base = BASE_BLOCK_SIZE as usize;
        let length =
            length.min(u32::try_from(bytes.len().saturating_sub(base)).unwrap_or(u32::MAX));
        let bins = bytes.get(base..base + length as usize).unwrap_or_default();
        let layout = bin::walk(bins, Some(&mut faults)).unwrap_or_default();
        (Self::new(bytes.into(), length, layout), faults)
    }

    fn new(bytes: Arc<Vec<u8>>, length: u32, layout: Layout) -> Self {
        Self {
            bytes,
            length,
            layout,
            free: None,
            dirty: DirtyPages::default(),
            undo: None,
            spare_undo: Undo::default(),
            spare_cell: Vec::new(),
            inherited: None,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn shared_bytes(&self) -> Arc<Vec<u8>> {
        Arc::clone(&self.bytes)
    }

    /// Length of all bins, bytes.
    pub(crate) fn length(&self) -> u32 {
        self.length
    }

    pub(crate) fn bins(&self) -> &[u32] {
        &self.layout.bins
    }

    /// The signed size field of the cell that starts at `at`; `None` if no cell starts there.
    pub(crate) fn size_field(&self, at: CellOffset) -> Option<i32> {
        if !self.layout.cells.contains(at.0) {
            return None;
        }
        let field = self.bytes.get(file_index(at.0)..)?.first_chunk::<4>()?;
        Some(i32::from_le_bytes(*field))
    }

    /// Total size of an allocated cell, bytes.
    fn size(&self, at: CellOffset, what: Structure) -> Result<u32, HiveError> {
        match self.size_field(at) {
            None => Err(HiveError::NoCell { what, offset: at.in_file() }),
            Some(size) if size > 0 => Err(HiveError::FreeCell { what, offset: at.in_file() }),
            Some(size) => Ok(size.unsigned_abs()),
        }
    }

    /// The payload of an allocated cell.
    pub(crate) fn payload(&self, at: CellOffset, what: Structure) -> Result<&[u8], HiveError> {
        let size = self.size(at, what)?;
        let start = file_index(at.0) + CELL_HEADER as usize;
        let end = file_index(at.0) + size as usize;
        self.bytes.get(start..end).ok_or(HiveError::NoCell { what, offset: at.in_file() })
    }

    /// The structure at the beginning of an allocated cell, and what follows it.
    pub(crate) fn record<T: FromBytes + KnownLayout + Immutable + Unaligned>(
        &self,
        at: CellOffset,
        what: Structure,
    ) -> Result<(&T, &[u8]), HiveError> {
        let payload = self.payload(at, what)?;
        T::ref_from_prefix(payload).map_err(|_| HiveError::Truncated {
            what,
            offset: at.in_file(),
            needed: size_of::<T>() as u64,
            found: payload.len() as u64,
        })
    }

    /// Overwrites bytes of the file, which has them already.
    pub(crate) fn write_file(&mut self, at: usize, data: &[u8]) {
        let range = at..at + data.len();
        let Some(old) = self.bytes.get(range.clone()).filter(|old| *old != data) else { return };
        if let Some(undo) = &mut self.undo {
            undo.note(at, old);
        }
        if let Some(target) = Arc::make_mut(&mut self.bytes).get_mut(range) {
            target.copy_from_slice(data);
        }
        self.mark(at, data.len());
    }

    /// Overwrites a part of a cell's payload, `skip` bytes into it.
    ///
    /// # Errors
    /// When the cell is not allocated or ends before.
    pub(crate) fn write(
        &mut self,
        at: CellOffset,
        skip: usize,
        data: &[u8],
        what: Structure,
    ) -> Result<(), HiveError> {
        let found = self.payload(at, what)?.len();
        let needed = skip + data.len();
        if needed > found {
            let (needed, found) = (needed as u64, found as u64);
            return Err(HiveError::Truncated { what, offset: at.in_file(), needed, found });
        }
        self.write_file(file_index(at.0) + CELL_HEADER as usize + skip, data);
        Ok(())
    }

    /// Overwrites the structure at the beginning of a cell.
    pub(crate) fn write_record<T: IntoBytes + Immutable>(
        &mut self,
        at: CellOffset,
        record: &T,
        what: Structure,
    ) -> Result<(), HiveError> {
        self.write(at, 0, record.as_bytes(), what)
    }

    /// Allocates a cell that holds `length` bytes, all zero.
    ///
    /// # Errors
    /// [`HiveError::DataTooLong`] above [`CELL_MAX`], [`HiveError::Full`] when the hive cannot grow.
    pub(crate) fn allocate(&mut self, length: usize) -> Result<CellOffset, HiveError> {
        self.allocate_parts(length, &[])
    }

    /// Allocates a cell and fills it.
    pub(crate) fn allocate_with(&mut self, data: &[u8]) -> Result<CellOffset, HiveError> {
        self.allocate_parts(data.len(), &[data])
    }

    /// Allocates a cell of `length` bytes that begins with these parts, the rest zero.
    pub(crate) fn allocate_parts(
        &mut self,
        length: usize,
        parts: &[&[u8]],
    ) -> Result<CellOffset, HiveError> {
        let size = cell_size(length)?;
        let (at, room) = match self.free_cells().best_fit(size) {
            Some(found) => found,
            None => self.add_bin(size)?,
        };
        self.free_cells().remove(at, room);
        let (size, rest) = halves(room, size);
        // Written at once, with the size field of the free cell behind it.
        let mut cell = std::mem::take(&mut self.spare_cell);
        cell.clear();
        cell.extend(negative(size).to_le_bytes());
        parts.iter().for_each(|part| cell.extend_from_slice(part));
        cell.resize(size as usize, 0);
        if rest > 0 {
            cell.extend(rest.to_le_bytes());
        }
        self.write_file(file_index(at), &cell);
        if cell.len() <= SPARE_CELL_MAX {
            self.spare_cell = cell;
        }
        self.enter_free(at + size, rest);
        Ok(CellOffset(at))
    }

    /// Makes the first `size` bytes of the `room` bytes at `at` an allocated cell and the rest a free one.
    fn keep(&mut self, at: u32, room: u32, size: u32) {
        let (size, rest) = halves(room, size);
        self.write_file(file_index(at), &negative(size).to_le_bytes());
        if rest > 0 {
            self.write_file(file_index(at + size), &rest.to_le_bytes());
        }
        self.enter_free(at + size, rest);
    }

    /// Notes a free cell of `size` bytes, unless there are none.
    fn enter_free(&mut self, at: u32, size: u32) {
        if size > 0 {
            self.layout.cells.insert(at);
            self.free_cells().insert(at, size);
        }
    }

    /// Frees a cell and joins it with free neighbours in its bin.
    pub(crate) fn release(&mut self, at: CellOffset, what: Structure) -> Result<(), HiveError> {
        let mut size = self.size(at, what)?;
        let bin = self.bin_of(at.0);
        let mut start = at.0;
        let next = start + size;
        if next < bin.end
            && let Some(more) = self.free_size(next)
        {
            self.free_cells().remove(next, more);
            self.layout.cells.remove(next);
            size += more;
        }
        if let Some(before) = self.layout.cells.before(start)
            && before >= bin.start + BIN_HEADER
            && let Some(more) = self.free_size(before)
        {
            self.free_cells().remove(before, more);
            self.layout.cells.remove(start);
            start = before;
            size += more;
        }
        // Noted first: free cells that are only now looked for would have it already.
        self.free_cells().insert(start, size);
        self.write_file(file_index(start), &size.to_le_bytes());
        Ok(())
    }

    /// Makes a cell hold at least `length` bytes and keeps its content: where it is when it has the room or a free
    /// neighbour has, else elsewhere.
    pub(crate) fn resize(
        &mut self,
        at: CellOffset,
        length: usize,
        what: Structure,
    ) -> Result<CellOffset, HiveError> {
        let size = self.size(at, what)?;
        let wanted = cell_size(length)?;
        if wanted <= size {
            return Ok(at);
        }
        let next = at.0 + size;
        if next < self.bin_of(at.0).end
            && let Some(more) = self.free_size(next)
            && size + more >= wanted
        {
            self.free_cells().remove(next, more);
            self.layout.cells.remove(next);
            self.keep(at.0, size + more, wanted);
            let start = file_index(next);
            self.write_file(start, &vec![0; (wanted - size) as usize]);
            return Ok(at);
        }
        let content = self.payload(at, what)?.to_vec();
        let moved = self.allocate(length)?;
        self.write(moved, 0, &content, what)?;
        self.release(at, what)?;
        Ok(moved)
    }

    /// Size of the free cell at `at`; `None` when no cell starts there or it is allocated.
    fn free_size(&self, at: u32) -> Option<u32> {
        self.size_field(CellOffset(at)).and_then(|size| u32::try_from(size).ok())
    }

    /// The bin that holds `at`.
    fn bin_of(&self, at: u32) -> Range<u32> {
        let after = self.layout.bins.partition_point(|&bin| bin <= at);
        let start =
            after.checked_sub(1).and_then(|bin| self.layout.bins.get(bin)).copied().unwrap_or(0);
        let end = self.layout.bins.get(after).copied().unwrap_or(self.length);
        start..end
    }

    fn free_cells(&mut self) -> &mut FreeCells {
        if self.free.is_none() {
            self.free = Some(self.find_free_cells());
        }
        self.free.get_or_insert_default()
    }

    fn find_free_cells(&self) -> FreeCells {
        let mut free = FreeCells::default();
        for (at, size) in self.each() {
            if let Ok(size) = u32::try_from(size) {
                free.insert(at.0, size);
            }
        }
        free
    }

    /// Makes the base block's checksum that of its content.
    pub(crate) fn write_checksum(&mut self) {
        if let Some(sum) = base_block::checksum(&self.bytes) {
            self.write_file(base_block::CHECKSUM_AT, &sum.to_le_bytes());
        }
    }

    pub(crate) fn dirty(&self) -> &DirtyPages {
        &self.dirty
    }

    /// Notes as changed what differs from `before`, sector by sector.
    pub(crate) fn mark_differences(&mut self, before: &[u8]) {
        const SECTOR: usize = 512;
        for (index, now) in self.bytes.chunks(SECTOR).enumerate() {
            let at = index * SECTOR;
            if before.get(at..at + now.len()) != Some(now) {
                self.dirty.mark(at, now.len());
            }
        }
    }

    /// Notes the whole file as changed.
    pub(crate) fn mark_all(&mut self) {
        self.dirty.mark(0, self.bytes.len());
    }
}

/// Total size of a cell with a payload of `length` bytes.
fn cell_size(length: usize) -> Result<u32, HiveError> {
    let max = (CELL_MAX - CELL_HEADER) as usize;
    match u32::try_from(length) {
        Ok(payload) if length <= max => Ok((payload + CELL_HEADER).next_multiple_of(CELL_UNIT)),
        _ => Err(HiveError::DataTooLong { length, max }),
    }
}

/// The sizes of an allocated cell of at least `size` bytes in a room of `room`, and of the free cell behind it.
fn halves(room: u32, size: u32) -> (u32, u32) {
    if room - size >= CELL_UNIT { (size, room - size) } else { (room, 0) }
}

fn file_index(at: u32) -> usize {
    BASE_BLOCK_SIZE as usize + at as usize
}

/// The size field of an allocated cell.
fn negative(size: u32) -> i32 {
    i32::try_from(size).map_or(i32::MIN, |size| -size)
}
