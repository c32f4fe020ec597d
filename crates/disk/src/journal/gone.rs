//! Whether an image still holds what an undone commit had put into free space.

use super::Journal;
use super::early::SECTOR;
use super::recover::RecoverFailure;
use crate::host::{HostFile, read_padded};

const PIECE: u64 = 1 << 20;

/// What the sectors of gone records should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Still {
    /// All there.
    Yes,
    /// All zeros.
    No,
    /// Each of them one or the other.
    Perhaps,
}

/// The first offset of a gone sector that the image holds neither as recorded nor, where that may be, as zeros.
pub(crate) fn check_gone(
    journal: &Journal,
    image: &dyn HostFile,
    still: Still,
) -> Result<Option<u64>, RecoverFailure> {
    let failed = |error| RecoverFailure::Io("check", error);
    let mut bytes = Vec::new();
    for gone in &journal.vanishing {
        let sums = journal.sums(gone).map_err(failed)?;
        for (piece, sums) in sums.chunks(PIECE as usize / SECTOR).enumerate() {
            let start = gone.offset + piece as u64 * PIECE;
            bytes.resize(sums.len() * SECTOR, 0);
            read_padded(image, start, &mut bytes).map_err(failed)?;
            for (index, (sector, sum)) in bytes.chunks_exact(SECTOR).zip(sums).enumerate() {
                let zero = || sector.iter().all(|byte| *byte == 0);
                let fits = match still {
                    Still::Yes => crc32fast::hash(sector) == *sum,
                    Still::No => zero(),
                    Still::Perhaps => crc32fast::hash(sector) == *sum || zero(),
                };
                if !fits {
                    return Ok(Some(start + (index * SECTOR) as u64));
                }
            }
        }
    }
    Ok(None)
}
