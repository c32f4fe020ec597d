//! What to do about a journal that an interrupted commit left.

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

use super::format::{Decoded, decode};
use super::{Journal, discard};
use crate::host::folder::JournalPlace;
use crate::host::pages::{PAGE, PAGE_BYTES, Pages};
use crate::host::{HostFile, read_padded, write_counted};

/// Why a journal could not be dealt with.
#[derive(Debug)]
pub(crate) enum RecoverFailure {
    Io(&'static str, io::Error),
    /// Not a journal, although it has the name of one.
    Foreign,
    /// A journal of a version this program does not know.
    Version(u32),
    /// The image holds, at this offset of its file, neither what the commit found nor what it wrote.
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
    /// One that was never finished; the image holds nothing of it.
    Incomplete,
}

/// Reads the journal of an image, if there is one, and checks that it fits.
pub(crate) fn find(place: &JournalPlace, image: &dyn HostFile) -> Result<Found, RecoverFailure> {
    let failed = |error| RecoverFailure::Io("read", error);
    let Some(file) = place.folder.open(&place.name, false).map_err(failed)? else {
        return Ok(Found::Nothing);
    };
    let length = usize::try_from(file.len().map_err(failed)?).unwrap_or(usize::MAX);
    let bytes = read_bounded(&*file, length).map_err(failed)?;
    match decode(&bytes) {
        Decoded::Complete(journal) => {
            let (_, foreign) = survey(&journal, image)?;
            match foreign {
                Some(offset) => Err(RecoverFailure::Mismatch(offset)),
                None => Ok(Found::Complete(journal)),
            }
        }
        Decoded::Incomplete(part) => {
            let (changed, _) = survey(&part, image)?;
            match changed {
                Some(offset) => Err(RecoverFailure::Damaged(offset)),
                None => Ok(Found::Incomplete),
            }
        }
        Decoded::Version(version) => Err(RecoverFailure::Version(version)),
        Decoded::Foreign => Err(RecoverFailure::Foreign),
    }
}

/// Reads a file piece by piece, so that memory follows what is really there.
fn read_bounded(file: &dyn HostFile, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let start = bytes.len();
        bytes.resize(length.min(start + (1 << 20)), 0);
        read_padded(file, start as u64, &mut bytes[start..])?;
    }
    Ok(bytes)
}

/// The first offsets at which the image already holds new bytes, and at which it holds foreign ones.
fn survey(
    journal: &Journal,
    image: &dyn HostFile,
) -> Result<(Option<u64>, Option<u64>), RecoverFailure> {
    let failed = |error| RecoverFailure::Io("check", error);
    let length = image.len().map_err(failed)?;
    let (mut changed, mut foreign) = (None, None);
    let bounds = journal.length_before.min(journal.length_after)..=journal.length_after;
    if !journal.pages.is_empty() && !bounds.contains(&length) {
        foreign = Some(length);
    }
    for page in &journal.pages {
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

/// Writes the pages of a complete journal to the image, makes them durable, and removes the journal.
pub(crate) fn finish(
    place: &JournalPlace,
    journal: &Journal,
    image: &dyn HostFile,
) -> Result<(), RecoverFailure> {
    let failed = |error| RecoverFailure::Io("finish", error);
    for page in &journal.pages {
        write_counted(image, page.offset, &page.new, &mut 0).map_err(failed)?;
    }
    if image.len().map_err(failed)? < journal.length_after {
        image.set_len(journal.length_after).map_err(failed)?;
    }
    image.sync().map_err(failed)?;
    discard(place).map_err(|error| RecoverFailure::Io("remove", error))
}

/// An image file seen through its complete journal: as it will be once the commit is finished. Takes no writes.
#[derive(Debug)]
pub(crate) struct Finished {
    image: Arc<dyn HostFile>,
    pages: Pages,
    length: u64,
}

impl Finished {
    pub(crate) fn new(image: Arc<dyn HostFile>, journal: &Journal) -> io::Result<Self> {
        let length = image.len()?.max(journal.length_after);
        let mut pages = Pages::default();
        for page in &journal.pages {
            let limit = length.min(page.offset + PAGE as u64);
            pages.write(page.offset, &page.new, limit, |at, buf| read_padded(&*image, at, buf))?;
        }
        Ok(Self { image, pages, length })
    }
}

impl HostFile for Finished {
    fn len(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.length.saturating_sub(offset).min(buf.len() as u64) as usize;
        self.pages.read(offset, &mut buf[..count], |at, buf| read_padded(&*self.image, at, buf))?;
        Ok(count)
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn sync(&self) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}
