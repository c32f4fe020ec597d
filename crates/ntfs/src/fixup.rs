//! Update sequences: the last two bytes of each 512-byte piece of a record or index block are replaced on disk, so that a torn
//! write shows.
//!
//! Source: linux-ntfs documentation, "Fixup". The stride is 512 bytes whatever the sector size.

use crate::{Error, bytes};

/// Bytes that one entry of the update sequence guards.
const STRIDE: usize = 512;

/// The place of the update sequence array inside `block`: (offset, entries without the number itself).
fn array(block: &[u8]) -> Option<(usize, usize)> {
    let offset = usize::from(bytes::u16_at(block, 4)?);
    let count = usize::from(bytes::u16_at(block, 6)?);
    let pieces = block.len() / STRIDE;
    let fits = block.len().is_multiple_of(STRIDE)
        && count == pieces + 1
        && offset >= 8
        && offset.is_multiple_of(2);
    // The array lies in the first piece, before that piece's own guarded bytes.
    (fits && offset + 2 * count <= STRIDE - 2).then_some((offset, pieces))
}

/// Undoes the fixups of a block as it lies on disk.
///
/// # Errors
/// [`Error::Damaged`] when the array has no valid place, [`Error::TornWrite`] when a piece does not carry the number.
pub(crate) fn undo(block: &mut [u8], structure: &'static str, number: u64) -> Result<(), Error> {
    let damaged = || Error::Damaged {
        structure,
        record: number,
        problem: "update sequence array out of place",
        found: 0,
    };
    let (offset, pieces) = array(block).ok_or_else(damaged)?;
    let expected = bytes::u16_at(block, offset).ok_or_else(damaged)?;
    for sector in 0..pieces {
        let end = (sector + 1) * STRIDE - 2;
        let found = bytes::u16_at(block, end).ok_or_else(damaged)?;
        if found != expected {
            return Err(Error::TornWrite { structure, number, sector, found, expected });
        }
        let saved = bytes::u16_at(block, offset + 2 + 2 * sector).ok_or_else(damaged)?;
        if !bytes::put(block, end, &saved.to_le_bytes()) {
            return Err(damaged());
        }
    }
    Ok(())
}

/// The sequence number after `old`: 0 and 0xffff are not used.
pub(crate) fn next(old: u16) -> u16 {
    if old >= 0xfffe { 1 } else { old + 1 }
}

/// Applies fixups with the next sequence number, making a block ready for the disk.
///
/// # Errors
/// [`Error::Damaged`] when the array has no valid place.
pub(crate) fn apply(block: &mut [u8], structure: &'static str, number: u64) -> Result<(), Error> {
    let damaged = || Error::Damaged {
        structure,
        record: number,
        problem: "update sequence array out of place",
        found: 0,
    };
    let (offset, pieces) = array(block).ok_or_else(damaged)?;
    let old = bytes::u16_at(block, offset).ok_or_else(damaged)?;
    let next = next(old);
    let mut done = bytes::put(block, offset, &next.to_le_bytes());
    for sector in 0..pieces {
        let end = (sector + 1) * STRIDE - 2;
        let saved = bytes::u16_at(block, end).ok_or_else(damaged)?;
        done &= bytes::put(block, offset + 2 + 2 * sector, &saved.to_le_bytes());
        done &= bytes::put(block, end, &next.to_le_bytes());
    }
    if done { Ok(()) } else { Err(damaged()) }
}
