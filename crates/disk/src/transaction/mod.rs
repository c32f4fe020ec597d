//! The transaction: edits collect above an image and reach it all at once, or not at all.

mod cache;
pub(crate) mod commit;
#[cfg(test)]
mod power_cut;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::device::{Device, DeviceError, check_range};
use crate::host::folder::JournalPlace;
use crate::host::pages::{PAGE_BYTES, Pages};
use crate::image::{Backend, GuestFile, Image, Run};
use crate::overlay::{FlushFailure, Limits, Overlay, Side};
use cache::ReadCache;
pub use commit::CommitError;

/// What stays in the transaction itself.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// Pages that small writes collect in before they go to the image's overlay.
    front: usize,
    /// Fresh bytes from this many on go to the overlay at once.
    large: usize,
}

const SIZES: Sizes = Sizes { front: 2 << 8, large: 64 << 10 };
/// Adjacent pages go to the overlay together, up to this many bytes.
const RUN: usize = 1 << 20;

/// Bytes moved between the program and the image or journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IoCounts {
    /// Guest bytes read from the image.
    pub image_bytes_read: u64,
    /// Guest bytes that commits wrote to the image: whole pages, one that was changed again after it had left memory twice.
    pub image_bytes_written: u64,
    /// Bytes written to the journal.
    pub journal_bytes: u64,
    /// Times data was made durable (image, journal and folder).
    pub flushes: u64,
}

/// What a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitReport {
    /// False when there was nothing to write.
    pub committed: bool,
    /// Counted since the image was opened.
    pub io: IoCounts,
}

/// A device over an image that keeps every write to itself until [`Transaction::commit`]. Dropping it is a rollback.
///
/// It takes little memory, whatever is written. What is too much goes to the journal, or, where [`Device::write_fresh`] says
/// that nothing names the place and the image file holds zeros there, to the image itself, announced in the journal: a
/// rollback, or the next open after a crash, turns that into zeros again.
///
/// Shared as `Arc<Transaction>`; a page whose new bytes equal the image's own is not dirty. Writes are taken over an
/// image that is open for reading only, too: that is a dry run, whose commit fails.
#[derive(Debug)]
#[must_use = "a dropped transaction discards its edits; call `commit`"]
pub struct Transaction {
    image: Image,
    /// The image's backend, or one above it that never reaches it.
    backend: Arc<Backend>,
    sizes: Sizes,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Pages that have not gone to the backend.
    front: Pages,
    cache: ReadCache,
    /// Without what the overlay counts.
    io: IoCounts,
    generation: u64,
    /// Bytes of pages that went to the backend since the last commit.
    passed: u64,
    /// A commit or a write failed: what is in memory may differ from what is in the file.
    failed: bool,
    /// A commit began: it is too late to stop.
    begun: bool,
}

impl State {
    /// Takes in that making room failed. A medium that once failed to make a journal durable may have lost what it was given
    /// before, even if it succeeds the next time: nothing is committed with it any more.
    fn trimmed(&mut self, failure: FlushFailure) -> io::Error {
        self.failed |= matches!(failure.side, Side::Journal);
        failure.source
    }
}

impl Transaction {
    /// Begins a transaction over an open image.
    pub fn begin(image: Image) -> Self {
        let backend =
            if image.is_writable() { Arc::clone(&image.backend) } else { dry_run(&image.backend) };
        Self { image, backend, sizes: SIZES, state: Mutex::default() }
    }

    /// The image below.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Bytes of pages that differ from the image. A page that left memory counts, each time it does.
    #[must_use]
    pub fn dirty_bytes(&self) -> u64 {
        let mut state = self.state();
        // A page that cannot be compared counts as dirty.
        let _ = self.drop_clean_pages(&mut state);
        state.passed + self.page_bytes(&state.front)
    }

    /// I/O since the image was opened.
    #[must_use]
    pub fn io(&self) -> IoCounts {
        self.counts(&self.state())
    }

    /// Writes every change to the image: journal first, then in place.
    ///
    /// With nothing to write it does nothing, and says so.
    ///
    /// # Errors
    /// See [`CommitError`]: the image is as it was, or the journal beside it makes the next open bring it to its old or new
    /// state. After a failure that concerns the image or its journal the transaction refuses further use.
    pub fn commit(&self) -> Result<CommitReport, CommitError> {
        let mut state = self.state();
        if state.failed {
            return Err(CommitError::Failed);
        }
        if self.image.interrupt.heed() {
            return Err(CommitError::Interrupted);
        }
        state.begun = true;
        self.drop_clean_pages(&mut state)?;
        if state.front.is_empty() && state.passed == 0 {
            return Ok(CommitReport { committed: false, io: self.counts(&state) });
        }
        if !self.image.is_writable() {
            return Err(CommitError::ReadOnly);
        }
        state.failed = true;
        let laid_out = self.pass_on(&mut state).and_then(|()| self.backend.check());
        if let Err(error) = laid_out {
            let journal = self.image.journal.clone();
            return Err(match self.backend.overlay().roll_back() {
                Ok(()) => CommitError::Plan(error),
                Err(source) => CommitError::NotTakenBack { journal, source },
            });
        }
        let committed = commit::commit(self.backend.overlay(), &self.image.journal);
        let committed = committed.map_err(|failure| match &self.image.unpublished {
            Some(overlay) => failure.of_overlay(overlay.out()),
            None => failure,
        })?;
        self.backend.settle();
        state.failed = false;
        let passed = std::mem::take(&mut state.passed);
        if committed.is_some() {
            state.io.image_bytes_written += passed;
        }
        Ok(CommitReport { committed: committed.is_some(), io: self.counts(&state) })
    }

    /// Gives the new overlay its name ([`crate::OpenOptions::overlay`]), with what was committed to it. Without one it does
    /// nothing.
    ///
    /// # Errors
    /// [`CommitError::Overlay`]: the overlay is removed when the transaction is dropped.
    pub fn publish(&self) -> Result<(), CommitError> {
        let Some(overlay) = &self.image.unpublished else { return Ok(()) };
        let mut state = self.state();
        if std::mem::replace(&mut state.failed, true) {
            return Err(CommitError::Failed);
        }
        // What was not committed is not part of it.
        let published = self.backend.overlay().roll_back().and_then(|()| overlay.publish());
        published.map_err(|source| CommitError::Overlay { path: overlay.out().to_owned(), source })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self, state: &State) -> IoCounts {
        let overlay = self.backend.overlay().counts();
        let mut io = state.io;
        io.journal_bytes += overlay.journal_bytes;
        io.flushes += overlay.flushes;
        io
    }

    /// Drops the pages that hold what the backend holds.
    fn drop_clean_pages(&self, state: &mut State) -> Result<(), DeviceError> {
        let State { front, cache, io, .. } = state;
        let size = self.image.virtual_size();
        let mut old = Vec::new();
        front.retain(|offset, page| {
            let length = size.saturating_sub(offset).min(PAGE_BYTES) as usize;
            old.resize(length, 0);
            cache.read(&self.backend, offset, &mut old, &mut io.image_bytes_read)?;
            Ok(page[..length] != old[..])
        })
    }

    /// Passes the pages of the front on to the backend.
    fn pass_on(&self, state: &mut State) -> io::Result<()> {
        let size = self.image.virtual_size();
        let mut joined: Vec<(u64, Vec<u8>, bool)> = Vec::new();
        for (offset, page) in state.front.iter() {
            let bytes = &page.bytes[..size.saturating_sub(offset).min(PAGE_BYTES) as usize];
            match joined.last_mut() {
                Some((start, run, fresh))
                    if *start + run.len() as u64 == offset
                        && run.len() < RUN
                        && *fresh == page.fresh =>
                {
                    run.extend_from_slice(bytes);
                }
                _ => joined.push((offset, bytes.to_vec(), page.fresh)),
            }
        }
        state.passed += self.page_bytes(&state.front);
        for (offset, _) in state.front.iter() {
            state.cache.forget(offset);
        }
        state.front.clear();
        let runs = joined.iter();
        let runs = runs.map(|(offset, data, fresh)| Run { offset: *offset, data, fresh: *fresh });
        self.backend.write(&runs.collect::<Vec<_>>())
    }

    /// Makes room in memory.
    fn make_room(&self, state: &mut State) -> Result<(), io::Error> {
        if state.front.len() >= self.sizes.front {
            // A page that cannot be compared counts as dirty.
            let _ = self.drop_clean_pages(state);
            if let Err(error) = self.pass_on(state) {
                // Some of it may have got through to the format's tables in memory.
                state.failed = true;
                return Err(error);
            }
        }
        self.backend.overlay().trim().map_err(|failure| state.trimmed(failure))
    }

    /// Passes large fresh data on to the backend at once, but for what does not fill its pages. Returns the range passed on.
    fn pass_fresh(
        &self,
        state: &mut State,
        offset: u64,
        data: &[u8],
    ) -> io::Result<(usize, usize)> {
        let from = (offset.next_multiple_of(PAGE_BYTES) - offset) as usize;
        let to = data.len() - ((offset + data.len() as u64) % PAGE_BYTES) as usize;
        let mut start = from;
        while start < to {
            let run = &data[start..to.min(start + RUN)];
            let at = offset + start as u64;
            for page in (at..at + run.len() as u64).step_by(PAGE_BYTES as usize) {
                state.front.remove(page);
                state.cache.forget(page);
            }
            state.passed += run.len() as u64;
            if let Err(error) = self.backend.write(&[Run { offset: at, data: run, fresh: true }]) {
                state.failed = true;
                return Err(error);
            }
            self.backend.overlay().trim_behind().map_err(|failure| state.trimmed(failure))?;
            start += run.len();
        }
        Ok((from, to))
    }

    /// Bytes of the disk in these pages: the last page of the disk may be short.
    fn page_bytes(&self, pages: &Pages) -> u64 {
        let size = self.image.virtual_size();
        let last = pages.iter().last().map_or(0, |(offset, _)| offset + PAGE_BYTES);
        pages.len() as u64 * PAGE_BYTES - last.saturating_sub(size)
    }

    fn keep(&self, offset: u64, data: &[u8], fresh: bool) -> Result<(), DeviceError> {
        let size = self.len();
        check_range(offset, data.len(), size)?;
        let mut state = self.state();
        self.check_usable(&state, "write", offset, data.len())?;
        // Counted first: a write that fails half-way has changed bytes too.
        state.generation += 1;
        let length = data.len() as u64;
        let failed = |source| DeviceError::Io { action: "write", offset, length, source };
        let (from, to) = if fresh && data.len() >= self.sizes.large {
            self.pass_fresh(&mut state, offset, data).map_err(failed)?
        } else {
            (data.len(), data.len())
        };
        let State { front, cache, io, .. } = &mut *state;
        for (at, part) in [(offset, &data[..from]), (offset + to as u64, &data[to..])] {
            front.write(at, part, fresh, size, |at, buf| {
                cache.read(&self.backend, at, buf, &mut io.image_bytes_read)
            })?;
        }
        self.make_room(&mut state).map_err(failed)
    }

    /// Refuses work on a transaction whose commit failed, or that is to stop.
    fn check_usable(
        &self,
        state: &State,
        action: &'static str,
        offset: u64,
        length: usize,
    ) -> Result<(), DeviceError> {
        if state.failed {
            let source = io::Error::other("a commit or a write failed; open the image again");
            return Err(DeviceError::Io { action, offset, length: length as u64, source });
        }
        if !state.begun && self.image.interrupt.heed() {
            Err(DeviceError::Interrupted)
        } else {
            Ok(())
        }
    }
}

impl Drop for Transaction {
    /// Rolls back. What cannot be taken back now, the next open takes back.
    fn drop(&mut self) {
        let _ = self.backend.overlay().roll_back();
    }
}

/// A backend above one that takes no writes.
fn dry_run(below: &Arc<Backend>) -> Arc<Backend> {
    let guest = Arc::new(GuestFile(Arc::clone(below)));
    let limits = Limits::new(JournalPlace::nowhere(), false);
    // Only asking for the file's length could fail, and this one knows it.
    match Overlay::new(guest, String::new(), Some(limits)) {
        Ok(overlay) => Arc::new(Backend::dry_run(Arc::clone(below), overlay)),
        Err(_) => Arc::clone(below),
    }
}

impl Device for Transaction {
    fn len(&self) -> u64 {
        self.image.virtual_size()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        check_range(offset, buf.len(), self.len())?;
        let mut state = self.state();
        self.check_usable(&state, "read", offset, buf.len())?;
        let State { front, cache, io, .. } = &mut *state;
        front.read(offset, buf, |at, buf| {
            cache.read(&self.backend, at, buf, &mut io.image_bytes_read)
        })
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.keep(offset, data, false)
    }

    fn write_fresh(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.keep(offset, data, true)
    }

    fn read_original_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        check_range(offset, buf.len(), self.len())?;
        let mut state = self.state();
        self.check_usable(&state, "read", offset, buf.len())?;
        let State { cache, io, passed, .. } = &mut *state;
        if *passed == 0 {
            // The backend is as it was, and its blocks may be at hand.
            return cache.read(&self.backend, offset, buf, &mut io.image_bytes_read);
        }
        io.image_bytes_read += buf.len() as u64;
        let length = buf.len() as u64;
        let failed = |source| DeviceError::Io { action: "read", offset, length, source };
        self.backend.read_original(offset, buf).map_err(failed)
    }

    fn generation(&self) -> Option<u64> {
        Some(self.state().generation)
    }
}
