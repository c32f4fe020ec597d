//! Bins: blocks of 4096 bytes or a multiple that tile the hive and are tiled by cells.
//!
//! Source: M. Suhanov, "Windows registry file format specification", "Hive bin" and "Cell".

use crate::base_block::{BASE_BLOCK_SIZE, PAGE};
use crate::cell::{CELL_UNIT, CellSet};
use crate::error::HiveError;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Length of a bin's header, bytes.
pub(crate) const BIN_HEADER: u32 = 32;

/// Header of a bin.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct BinHeader {
    /// `hbin`
    pub(crate) signature: [u8; 4],
    /// Offset of this bin from the first one, bytes.
    pub(crate) offset: U32,
    /// Size of this bin, bytes.
    pub(crate) size: U32,
    pub(crate) reserved: [u8; 8],
    /// Time of the last write; meaningful in the first bin only, where it backs up the base block's.
    pub(crate) last_write: U64,
    pub(crate) spare: U32,
}

/// Where the bins and the cells of a hive start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layout {
    /// Offsets of the bins, ascending.
    pub(crate) bins: Vec<u32>,
    /// Offsets of all cells, free or allocated.
    pub(crate) cells: CellSet,
}

/// Walks all bins and all cells. `bins` are the bytes after the base block, cut to the length of all bins.
///
/// With `faults`, a damaged bin or cell is reported there and the walk goes on where it can: the rest of a bin after a
/// bad cell is skipped, a bad bin ends the walk. Without, the first fault is the error.
pub(crate) fn walk(
    bins: &[u8],
    mut faults: Option<&mut Vec<HiveError>>,
) -> Result<Layout, HiveError> {
    let length = u32::try_from(bins.len()).unwrap_or(u32::MAX);
    let mut layout = Layout { bins: Vec::new(), cells: CellSet::new(length) };
    let mut report = |fault: HiveError| match &mut faults {
        Some(faults) => {
            faults.push(fault);
            Ok(())
        }
        None => Err(fault),
    };
    let mut at = 0;
    while at < length {
        let offset = in_file(at);
        let Some(Ok((header, _))) = bins.get(at as usize..).map(BinHeader::ref_from_prefix) else {
            report(HiveError::BinSize { offset, found: 0 })?;
            break;
        };
        if header.signature != *b"hbin" {
            report(HiveError::BinSignature { offset, found: header.signature })?;
            break;
        }
        if header.offset.get() != at {
            report(HiveError::BinOffset { offset, found: header.offset.get(), expected: at })?;
        }
        let size = header.size.get();
        let end = match at.checked_add(size) {
            Some(end) if size != 0 && size % PAGE == 0 && end <= length => end,
            _ => {
                report(HiveError::BinSize { offset, found: size })?;
                break;
            }
        };
        layout.bins.push(at);
        let mut cell = at + BIN_HEADER;
        while cell < end {
            let Some(size) = bins.get(cell as usize..).and_then(<[u8]>::first_chunk::<4>) else {
                break;
            };
            let size = i32::from_le_bytes(*size);
            let length = size.unsigned_abs();
            if length < CELL_UNIT || !length.is_multiple_of(CELL_UNIT) || length > end - cell {
                report(HiveError::CellSize { offset: in_file(cell), found: size })?;
                break;
            }
            layout.cells.insert(cell);
            cell += length;
        }
        at = end;
    }
    Ok(layout)
}

fn in_file(at: u32) -> u64 {
    u64::from(BASE_BLOCK_SIZE) + u64::from(at)
}
