//! The end of an overlay's pages: all in the file, or none.

use std::io;

use super::flush::{FlushFailure, Side, begun, flush};
use super::{Limits, Overlay, State};
use crate::host::HostFile;
use crate::journal::{self, Extents, Index, Mark, Writer};
use crate::undo::Commit;

/// Everything that a commit needs, in a complete journal. Nothing of it is in the overlay any more.
#[derive(Debug)]
pub(crate) struct Sealed {
    writer: Writer,
    /// Where the journal ended before it was complete.
    mark: Mark,
    pages: Index,
    early: Extents,
    before: u64,
    length: u64,
}

/// Why a journal was not completed.
#[derive(Debug)]
pub(crate) enum SealFailure {
    /// Everything was taken back.
    Undone(FlushFailure),
    /// What was written ahead of the commit could not be taken back.
    NotUndone(io::Error),
    /// The journal may be complete, and could not be made incomplete.
    Complete(io::Error),
}

/// Why pages could not be put back after a commit failed.
#[derive(Debug)]
pub(crate) enum UndoFailure {
    /// The journal is complete.
    Complete,
    /// The journal is incomplete; the next open takes back what it announces.
    Incomplete,
}

impl Overlay {
    /// Takes back what was written to the file, and drops everything else.
    pub(crate) fn roll_back(&self) -> io::Result<()> {
        let Some(limits) = &self.0.limits else { return Ok(()) };
        let mut state = self.state();
        state.roll_back(&*self.0.file, limits)
    }

    /// Moves all pages to the journal and completes it. `None` when there is nothing to write.
    pub(crate) fn seal(&self) -> Result<Option<Sealed>, SealFailure> {
        let Some(limits) = &self.0.limits else { return Ok(None) };
        let file = &*self.0.file;
        let mut state = self.state();
        let fresh = state.pages.iter().filter(|(_, page)| page.fresh).count();
        let early = limits.early && fresh >= limits.early_at_commit;
        let flushed = flush(&self.0.file, limits, &mut state, early).and_then(|()| state.land());
        if let Err(failure) = flushed {
            return Err(state.take_back(file, limits, failure));
        }
        if state.spilled.is_empty() && state.early.is_empty() && state.length == state.before {
            // A journal may have been begun for nothing.
            let taken = state.roll_back(file, limits);
            return taken.map(|()| None).map_err(SealFailure::NotUndone);
        }
        if !state.early.is_empty() {
            // Before the end record: a complete journal vouches for what was written ahead.
            state.counts.flushes += 1;
            if let Err(source) = file.sync() {
                return Err(state.take_back(
                    file,
                    limits,
                    FlushFailure { side: Side::Image, source },
                ));
            }
        }
        let (before, length) = (state.before, state.length);
        let mark = match begun(&mut state.writer, limits, before) {
            Ok(writer) => writer.mark(),
            Err(failure) => return Err(state.take_back(file, limits, failure)),
        };
        let Some(mut writer) = state.writer.take() else { return Ok(None) };
        if let Some(keep) = &limits.undo {
            let State { spilled: pages, early, .. } = &*state;
            let journal = writer.file();
            // Durable before the end record: from there on the commit is finished, whatever happens.
            match keep.write(&Commit { journal, pages, early, file, before, after: length }) {
                Ok(flushes) => state.counts.flushes += flushes,
                Err(source) => {
                    state.writer = Some(writer);
                    let failure = FlushFailure { side: Side::Undo, source };
                    return Err(state.take_back(file, limits, failure));
                }
            }
        }
        if let Err(source) = writer.finish(&limits.place, length) {
            let undone = writer.unfinish(mark);
            state.writer = Some(writer);
            return Err(match undone {
                Ok(()) => {
                    state.take_back(file, limits, FlushFailure { side: Side::Journal, source })
                }
                Err(_) => {
                    state.forget();
                    SealFailure::Complete(source)
                }
            });
        }
        let pages = std::mem::take(&mut state.spilled);
        let early = std::mem::take(&mut state.early);
        Ok(Some(Sealed { writer, mark, pages, early, before, length }))
    }

    /// Writes the pages to the file. `written` grows by what reached it, also when it fails.
    pub(crate) fn write_in_place(&self, sealed: &Sealed, written: &mut u64) -> io::Result<()> {
        let (journal, file) = (sealed.writer.file(), &*self.0.file);
        journal::write_in_place(journal, &sealed.pages, file, sealed.length, written)?;
        self.state().counts.flushes += 1;
        file.sync()
    }

    /// The file as it was before the commit, which had written `written` bytes, and no journal.
    pub(crate) fn put_back(&self, mut sealed: Sealed, written: u64) -> Result<(), UndoFailure> {
        let Some(limits) = &self.0.limits else { return Ok(()) };
        let file = &*self.0.file;
        let length = sealed.before.max(sealed.early.end());
        let journal = sealed.writer.file();
        journal::put_back(journal, &sealed.pages, file, length, written)
            .map_err(|_| UndoFailure::Complete)?;
        if !sealed.early.is_empty() {
            // A complete journal vouches for what is about to be taken back.
            sealed.writer.unfinish(sealed.mark).map_err(|_| UndoFailure::Complete)?;
            let taken = sealed.early.take_back(file, sealed.before).and_then(|()| file.sync());
            taken.map_err(|_| UndoFailure::Incomplete)?;
        }
        let discarded = journal::discard(&limits.place);
        if sealed.early.is_empty() {
            // The next open finishes the commit, which can then be undone.
            discarded.map_err(|_| UndoFailure::Complete)?;
        }
        // An incomplete journal does no harm.
        if let Some(keep) = &limits.undo {
            keep.discard();
        }
        Ok(())
    }

    /// Removes the journal of a commit that is done.
    pub(crate) fn settle(&self, sealed: Sealed) -> io::Result<()> {
        let Some(limits) = &self.0.limits else { return Ok(()) };
        let mut state = self.state();
        state.counts.journal_bytes += sealed.writer.bytes;
        state.counts.flushes += sealed.writer.flushes + 1;
        state.before = sealed.length;
        if let Some(keep) = &limits.undo {
            keep.settle();
        }
        journal::discard(&limits.place)?;
        if let Some(keep) = &limits.undo {
            keep.note_date(&*self.0.file);
        }
        Ok(())
    }
}

impl State {
    /// Forgets everything above the file.
    fn forget(&mut self) {
        self.pages.clear();
        self.spilled.clear();
        self.early.clear();
        self.length = self.before;
        if let Some(writer) = self.writer.take() {
            self.counts.journal_bytes += writer.bytes;
            self.counts.flushes += writer.flushes;
        }
    }

    fn roll_back(&mut self, file: &dyn HostFile, limits: &Limits) -> io::Result<()> {
        // What did not get there need not be taken back.
        let _ = self.land();
        let early = std::mem::take(&mut self.early);
        let begun = self.writer.is_some();
        self.forget();
        if !early.is_empty() {
            early.take_back(file, self.before)?;
            self.counts.flushes += 1;
            file.sync()?;
        }
        if begun {
            // The file is as it was: what is left of the journal does no harm.
            let _ = journal::discard(&limits.place);
        }
        Ok(())
    }

    /// Rolls back after a failure.
    fn take_back(
        &mut self,
        file: &dyn HostFile,
        limits: &Limits,
        failure: FlushFailure,
    ) -> SealFailure {
        if let Some(keep) = &limits.undo {
            keep.discard();
        }
        match self.roll_back(file, limits) {
            Ok(()) => SealFailure::Undone(failure),
            Err(error) => SealFailure::NotUndone(error),
        }
    }
}
