//! What to do about a journal that an interrupted transaction left.

use std::io;

use super::checks::{check_early, survey};
use super::gone::{Still, check_gone};
use super::reader::{Decoded, read};
use super::{Journal, discard, write_in_place};
use crate::host::HostFile;
use crate::host::folder::JournalPlace;

/// Why a journal could not be dealt with.
#[derive(Debug)]
pub(crate) enum RecoverFailure {
    Io(&'static str, io::Error),
    /// Not a journal, although it has the name of one.
    Foreign,
    /// A journal of a version this program does not know.
    Version(u32),
    /// The image holds, at this offset of its file, neither what the transaction found nor what it wrote.
    Mismatch(u64),
    /// The journal is damaged, and the image already holds a part of it, at this offset.
    Damaged(u64),
}

/// What stands beside an image.
#[derive(Debug)]
pub(crate) enum Found {
    Nothing,
    /// A complete journal that fits the image.
    Complete(Journal),
    /// One that was never finished: of it, the image holds no more than what was written ahead.
    Incomplete(Journal),
}

/// Reads the journal of an image, if there is one, and checks that it fits.
pub(crate) fn find(place: &JournalPlace, image: &dyn HostFile) -> Result<Found, RecoverFailure> {
    let failed = |error| RecoverFailure::Io("read", error);
    let Some(file) = place.folder.open(&place.name, false).map_err(failed)? else {
        return Ok(Found::Nothing);
    };
    match read(file).map_err(failed)? {
        Decoded::Complete(journal) => {
            let (_, foreign) = survey(&journal, image, true)?;
            let foreign = match foreign {
                None => check_early(&journal, image, true)?,
                Some(offset) => Some(offset),
            };
            let foreign = match foreign {
                None => check_gone(&journal, image, Still::Perhaps)?,
                Some(offset) => Some(offset),
            };
            match foreign {
                Some(offset) => Err(RecoverFailure::Mismatch(offset)),
                None => Ok(Found::Complete(journal)),
            }
        }
        Decoded::Incomplete(journal) => {
            let (changed, _) = survey(&journal, image, false)?;
            if let Some(offset) = changed {
                return Err(RecoverFailure::Damaged(offset));
            }
            match check_early(&journal, image, false)? {
                Some(offset) => Err(RecoverFailure::Mismatch(offset)),
                None => Ok(Found::Incomplete(journal)),
            }
        }
        Decoded::Version(version) => Err(RecoverFailure::Version(version)),
        Decoded::Foreign => Err(RecoverFailure::Foreign),
    }
}

/// Writes the pages of a complete journal to the image, makes them durable, and removes the journal.
pub(crate) fn finish(
    place: &JournalPlace,
    journal: &Journal,
    image: &dyn HostFile,
) -> Result<(), RecoverFailure> {
    let failed = |error| RecoverFailure::Io("finish", error);
    write_in_place(journal.file(), &journal.pages, image, journal.length_after, &mut 0)
        .and_then(|()| clear_gone(journal, image))
        .map_err(failed)?;
    image.sync().map_err(failed)?;
    discard(place).map_err(|error| RecoverFailure::Io("remove", error))
}

/// Turns what is to be gone into zeros, and cuts the file to its length.
fn clear_gone(journal: &Journal, image: &dyn HostFile) -> io::Result<()> {
    if journal.gone.is_empty() && journal.length_after >= journal.length_before {
        return Ok(());
    }
    journal.gone.take_back(image, journal.length_after)
}

/// Takes back what an incomplete journal says was written ahead, makes that durable, and removes the journal.
pub(crate) fn undo(
    place: &JournalPlace,
    journal: &Journal,
    image: &dyn HostFile,
) -> Result<(), RecoverFailure> {
    let failed = |error| RecoverFailure::Io("undo", error);
    if !journal.early.is_empty() {
        journal.early.take_back(image, journal.length_before).map_err(failed)?;
        image.sync().map_err(failed)?;
    }
    discard(place).map_err(|error| RecoverFailure::Io("remove", error))
}
