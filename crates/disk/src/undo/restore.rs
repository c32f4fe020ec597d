//! Whether a commit can be undone, and undoing it.

use std::io;

use super::UndoError;
use crate::host::folder::JournalPlace;
use crate::host::{HostFile, read_padded, write_counted};
use crate::journal::recover::{self, Found, RecoverFailure};
use crate::journal::{self, Journal, Still, check_gone, read_page};

const PIECE: u64 = 1 << 20;

/// How an image stands to the commit whose reverse a journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Byte by byte as the commit left it, where it wrote.
    Committed,
    /// Byte by byte as it was before.
    Before,
    /// Neither: the first offset that differs from what the commit left.
    Changed(u64),
}

/// Compares an image with what a commit left, and with what it found.
pub(crate) fn state(journal: &Journal, image: &dyn HostFile) -> io::Result<State> {
    match differs(journal, image, Still::Yes)? {
        None => Ok(State::Committed),
        Some(offset) => Ok(match differs(journal, image, Still::No)? {
            None => State::Before,
            Some(_) => State::Changed(offset),
        }),
    }
}

/// The first offset at which the image is not as the commit left it, or with `Still::No` as it was before.
fn differs(journal: &Journal, image: &dyn HostFile, still: Still) -> io::Result<Option<u64>> {
    let before = still == Still::No;
    let length = image.len()?;
    let expected = if before { journal.length_after } else { journal.length_before };
    if length != expected {
        return Ok(Some(length.min(expected)));
    }
    let mut now = Vec::new();
    for (_, position) in journal.pages.iter() {
        let page = read_page(journal.file(), position)?;
        for (offset, new, old) in page.runs() {
            let wanted = if before { new } else { old };
            let present = length.saturating_sub(offset).min(wanted.len() as u64);
            now.resize(present as usize, 0);
            read_padded(image, offset, &mut now)?;
            if let Some(at) = now.iter().zip(wanted).position(|(now, wanted)| now != wanted) {
                return Ok(Some(offset + at as u64));
            }
        }
    }
    check_gone(journal, image, still).map_err(|failure| match failure {
        RecoverFailure::Io(_, error) => error,
        _ => io::ErrorKind::InvalidData.into(),
    })
}

/// Makes the reverse of a commit the image's journal, and finishes it.
pub(crate) fn put_back(
    reverse: &dyn HostFile,
    place: &JournalPlace,
    image: &dyn HostFile,
) -> Result<(), UndoError> {
    if let Err(source) = copy(reverse, place) {
        // Cut short it asks for nothing.
        let _ = journal::discard(place);
        return Err(UndoError::Io { action: "write", path: place.path.clone(), source });
    }
    let unfinished = |failure| {
        let source = match failure {
            RecoverFailure::Io(_, error) => error,
            _ => io::ErrorKind::InvalidData.into(),
        };
        UndoError::Unfinished { journal: place.path.clone(), source }
    };
    match recover::find(place, image).map_err(unfinished)? {
        Found::Complete(journal) => recover::finish(place, &journal, image).map_err(unfinished),
        Found::Incomplete(_) | Found::Nothing => {
            let _ = journal::discard(place);
            let source = io::Error::new(io::ErrorKind::InvalidData, "the copy is not complete");
            Err(UndoError::Io { action: "write", path: place.path.clone(), source })
        }
    }
}

/// Copies a journal to its place, durably.
fn copy(from: &dyn HostFile, place: &JournalPlace) -> io::Result<()> {
    let to = place.folder.create(&place.name)?;
    let length = from.len()?;
    let mut bytes = Vec::new();
    let mut position = 0;
    while position < length {
        bytes.resize((length - position).min(PIECE) as usize, 0);
        read_padded(from, position, &mut bytes)?;
        write_counted(&*to, position, &bytes, &mut 0)?;
        position += bytes.len() as u64;
    }
    // In any order: until all of it is there, it is no complete journal.
    to.sync_data()?;
    place.folder.sync()
}
