//! Whether an image still holds what an undone commit had put into free space.

use super::Journal;
use super::checks::first_unfit;
use super::recover::RecoverFailure;
use crate::host::HostFile;

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
    let fits = |_, sector: &[u8], sum| match still {
        Still::Yes => crc32fast::hash(sector) == sum,
        Still::No => is_zero(sector),
        Still::Perhaps => crc32fast::hash(sector) == sum || is_zero(sector),
    };
    first_unfit(journal, image, &journal.vanishing, fits)
        .map_err(|error| RecoverFailure::Io("check", error))
}

fn is_zero(sector: &[u8]) -> bool {
    sector.iter().all(|byte| *byte == 0)
}
