//! Old-format logs: a bitmap of the hive's sectors, then those whose bit is set.

use super::log::SECTOR;

/// The pages that `bytes`, which begin with the vector, hold of bins of `length` bytes in all.
///
/// `None` when there is no vector, or fewer pages than it says.
pub(super) fn pages(bytes: &[u8], length: u32) -> Option<Vec<(u32, &[u8])>> {
    let vector = bytes.strip_prefix(b"DIRT")?;
    let sectors = length as usize / SECTOR;
    let bitmap = vector.get(..sectors.div_ceil(8))?;
    let mut data = bytes.get((4 + bitmap.len()).next_multiple_of(SECTOR)..)?;
    let mut pages = Vec::new();
    for sector in 0..sectors {
        let byte = bitmap.get(sector / 8)?;
        if byte >> (sector % 8) & 1 == 1 {
            let (page, left) = data.split_at_checked(SECTOR)?;
            pages.push((u32::try_from(sector * SECTOR).ok()?, page));
            data = left;
        }
    }
    (!pages.is_empty()).then_some(pages)
}
