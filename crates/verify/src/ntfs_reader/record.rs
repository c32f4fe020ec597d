//! File records.

use std::io::{Read, Seek, SeekFrom};

use ntfs::{NtfsFile, NtfsFileFlags};

use super::{Cursor, Parts};
use crate::error::Trouble;

/// Opens a file record that should be in use.
pub(super) fn open<'n>(
    parts: &'n Parts,
    cursor: &mut Cursor,
    number: u64,
) -> Result<NtfsFile<'n>, Trouble> {
    let file = match parts.ntfs.file(cursor, number) {
        Ok(file) => file,
        Err(_) if parts.mft_is_split && parts.map.is_none() => {
            return Err(Trouble::Unasked(format!(
                "file record {number} lies past the first part of an $MFT with an attribute list"
            )));
        }
        Err(error) => return Err(error.into()),
    };
    if !file.flags().contains(NtfsFileFlags::IN_USE) {
        return Err(Trouble::Disagrees(format!("file record {number} is not in use")));
    }
    Ok(file)
}

/// The bytes of a file record, which the crate does not show; `None` when their fixups cannot be undone.
///
/// Source: linux-ntfs documentation, "Fixup": the last two bytes of each 512 are kept in the update sequence array.
pub(super) fn bytes(
    parts: &Parts,
    cursor: &mut Cursor,
    file: &NtfsFile<'_>,
) -> Result<Option<Vec<u8>>, Trouble> {
    let Some(position) = file.position().value() else { return Ok(None) };
    // The crate has read a record of this size before.
    let mut bytes = vec![0; parts.ntfs.file_record_size() as usize];
    cursor.seek(SeekFrom::Start(position.get()))?;
    cursor.read_exact(&mut bytes)?;
    let short = |bytes: &[u8], at: usize| -> Option<usize> {
        Some(u16::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?).into())
    };
    let array = short(&bytes, 4).unwrap_or_default();
    let count = short(&bytes, 6).unwrap_or_default();
    for sector in 1..count {
        let kept: Option<[u8; 2]> =
            bytes.get(array + 2 * sector..).and_then(|rest| rest.first_chunk().copied());
        let Some(kept) = kept else { return Ok(None) };
        let Some(place) = bytes.get_mut(sector * 512 - 2..sector * 512) else { return Ok(None) };
        place.copy_from_slice(&kept);
    }
    Ok(Some(bytes))
}

/// Reads a 64-bit field of a file record.
pub(super) fn field_u64(
    parts: &Parts,
    cursor: &mut Cursor,
    file: &NtfsFile<'_>,
    offset: u64,
) -> Result<Option<u64>, Trouble> {
    let Some(bytes) = bytes(parts, cursor, file)? else { return Ok(None) };
    let field = usize::try_from(offset).ok().and_then(|at| bytes.get(at..)?.first_chunk().copied());
    Ok(field.map(u64::from_le_bytes))
}
