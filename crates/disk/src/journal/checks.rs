//! Whether a journal fits the image beside it.

use std::io;

use super::Journal;
use super::early::SECTOR;
use super::reader::{Announced, read_page};
use super::recover::RecoverFailure;
use crate::host::pages::PAGE_BYTES;
use crate::host::{HostFile, read_padded};

const PIECE: u64 = 1 << 20;

/// The first offsets at which the image already holds new bytes, and at which it holds foreign ones.
pub(super) fn survey(
    journal: &Journal,
    image: &dyn HostFile,
    complete: bool,
) -> Result<(Option<u64>, Option<u64>), RecoverFailure> {
    let failed = |error| RecoverFailure::Io("check", error);
    let length = image.len().map_err(failed)?;
    let (mut changed, mut foreign) = (None, None);
    let (before, after) = (journal.length_before, journal.length_after);
    let bounds = before.min(after)..=before.max(after);
    let bound = !journal.pages.is_empty() || !journal.gone.is_empty();
    if complete && bound && !bounds.contains(&length) {
        foreign = Some(length);
    }
    for (number, position) in journal.pages.iter() {
        if !complete && journal.early.touch(number * PAGE_BYTES, PAGE_BYTES) {
            // What it was to replace was written ahead, and may not have reached the medium.
            continue;
        }
        let page = read_page(journal.file(), position).map_err(failed)?;
        let present = length.saturating_sub(page.offset).min(PAGE_BYTES) as usize;
        let mut now = vec![0; present];
        read_padded(image, page.offset, &mut now).map_err(failed)?;
        let progress = page.compare(&now);
        if progress.changed {
            changed = changed.or(Some(page.offset));
        }
        if progress.foreign {
            foreign = foreign.or(Some(page.offset));
        }
    }
    Ok((changed, foreign))
}

/// The first offset at which the image holds what the transaction neither found nor wrote ahead.
///
/// With a complete journal all of it must be there, except where its pages replace it.
pub(super) fn check_early(
    journal: &Journal,
    image: &dyn HostFile,
    complete: bool,
) -> Result<Option<u64>, RecoverFailure> {
    if journal.early.is_empty() {
        return Ok(None);
    }
    let check = || {
        let length = image.len()?;
        if length < journal.length_before {
            return Ok(Some(length));
        }
        if !complete {
            let grown = journal.length_before.max(journal.early.end());
            if length > grown {
                return Ok(Some(grown));
            }
            if let Some(offset) = stray(journal, image, length)? {
                return Ok(Some(offset));
            }
        }
        first_unfit(journal, image, &journal.announced, |offset, sector, sum| {
            // A complete journal vouches for all of it; an incomplete one for none.
            let excused = if complete {
                journal.pages.get(offset / PAGE_BYTES).is_some()
            } else {
                sector.iter().all(|byte| *byte == 0)
            };
            excused || crc32fast::hash(sector) == sum
        })
    };
    check().map_err(|error| RecoverFailure::Io("check", error))
}

/// The first page past the file's old end that holds something although nobody announced it.
fn stray(journal: &Journal, image: &dyn HostFile, length: u64) -> io::Result<Option<u64>> {
    let mut position = journal.length_before;
    let mut bytes = Vec::new();
    while position < length {
        bytes.resize((length - position).min(PIECE) as usize, 0);
        read_padded(image, position, &mut bytes)?;
        journal.early.mask(position, &mut bytes);
        if let Some(at) = bytes.iter().position(|byte| *byte != 0) {
            return Ok(Some(position + at as u64));
        }
        position += bytes.len() as u64;
    }
    Ok(None)
}

/// The first of the sectors of `announced` that does not fit, by its offset, what the image holds there, and its checksum.
pub(super) fn first_unfit(
    journal: &Journal,
    image: &dyn HostFile,
    announced: &[Announced],
    fits: impl Fn(u64, &[u8], u32) -> bool,
) -> io::Result<Option<u64>> {
    let mut bytes = Vec::new();
    for range in announced {
        let sums = journal.sums(range)?;
        for (piece, sums) in sums.chunks(PIECE as usize / SECTOR).enumerate() {
            let start = range.offset + piece as u64 * PIECE;
            bytes.resize(sums.len() * SECTOR, 0);
            read_padded(image, start, &mut bytes)?;
            for (index, (sector, sum)) in bytes.chunks_exact(SECTOR).zip(sums).enumerate() {
                let offset = start + (index * SECTOR) as u64;
                if !fits(offset, sector, *sum) {
                    return Ok(Some(offset));
                }
            }
        }
    }
    Ok(None)
}
