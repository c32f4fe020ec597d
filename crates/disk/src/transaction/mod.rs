//! The transaction: edits collect above an image and reach it all at once, or not at all.

mod cache;
mod commit;
#[cfg(test)]
mod power_cut;

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::device::{Device, DeviceError, check_range};
use crate::host::pages::{PAGE_BYTES, Pages};
use crate::image::Image;
use cache::ReadCache;
pub use commit::CommitError;

/// Bytes moved between the program and the image or journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IoCounts {
    /// Guest bytes read from the image.
    pub image_bytes_read: u64,
    /// Guest bytes written to the image.
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
/// Shared as `Arc<Transaction>`; a page whose new bytes equal the image's own is not dirty. Writes are taken over an
/// image that is open for reading only, too: that is a dry run, whose commit fails.
#[derive(Debug)]
#[must_use = "a dropped transaction discards its edits; call `commit`"]
pub struct Transaction {
    image: Image,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pages: Pages,
    cache: ReadCache,
    io: IoCounts,
    generation: u64,
    /// A commit failed: what is in memory may differ from what is in the file.
    failed: bool,
}

impl Transaction {
    /// Begins a transaction over an open image.
    pub fn begin(image: Image) -> Self {
        Self { image, state: Mutex::default() }
    }

    /// The image below.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Bytes of pages that differ from the image.
    #[must_use]
    pub fn dirty_bytes(&self) -> u64 {
        let mut state = self.state();
        // A page that cannot be compared counts as dirty.
        let _ = self.drop_clean_pages(&mut state);
        self.page_bytes(&state.pages)
    }

    /// I/O since the image was opened.
    #[must_use]
    pub fn io(&self) -> IoCounts {
        self.state().io
    }

    /// Writes every dirty page to the image: journal first, then in place.
    ///
    /// With nothing to write it does nothing, and says so.
    ///
    /// # Errors
    /// See [`CommitError`]: the image is as it was, or the journal beside it is complete and the next open finishes it.
    /// After a failure that concerns the image or its journal the transaction refuses further use.
    pub fn commit(&self) -> Result<CommitReport, CommitError> {
        let mut state = self.state();
        if state.failed {
            return Err(CommitError::Failed);
        }
        self.drop_clean_pages(&mut state)?;
        if state.pages.is_empty() {
            return Ok(CommitReport { committed: false, io: state.io });
        }
        let target = self.image.target.as_ref().ok_or(CommitError::ReadOnly)?;
        let bytes = self.page_bytes(&state.pages);
        state.failed = true;
        let plan = self.image.backend.plan(&state.pages).map_err(CommitError::Plan)?;
        commit::commit(target, &plan, &mut state.io)?;
        state.failed = false;
        state.io.image_bytes_written += bytes;
        self.image.backend.settle();
        let State { pages, cache, .. } = &mut *state;
        for (offset, _) in pages.iter() {
            cache.forget(offset);
        }
        pages.clear();
        Ok(CommitReport { committed: true, io: state.io })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops the pages that hold what the image holds.
    fn drop_clean_pages(&self, state: &mut State) -> Result<(), DeviceError> {
        let State { pages, cache, io, .. } = state;
        let size = self.image.virtual_size();
        let mut old = Vec::new();
        pages.retain(|offset, page| {
            let length = size.saturating_sub(offset).min(PAGE_BYTES) as usize;
            old.resize(length, 0);
            cache.read(&self.image.backend, offset, &mut old, &mut io.image_bytes_read)?;
            Ok(page[..length] != old[..])
        })
    }

    /// Bytes of the disk in these pages: the last page of the disk may be short.
    fn page_bytes(&self, pages: &Pages) -> u64 {
        let size = self.image.virtual_size();
        let last = pages.iter().last().map_or(0, |(offset, _)| offset + PAGE_BYTES);
        pages.len() as u64 * PAGE_BYTES - last.saturating_sub(size)
    }

    /// Refuses work on a transaction whose commit failed.
    fn check_usable(
        state: &State,
        action: &'static str,
        offset: u64,
        length: usize,
    ) -> Result<(), DeviceError> {
        if state.failed {
            let source = io::Error::other("a commit failed; open the image again");
            return Err(DeviceError::Io { action, offset, length: length as u64, source });
        }
        Ok(())
    }
}

impl Device for Transaction {
    fn len(&self) -> u64 {
        self.image.virtual_size()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        check_range(offset, buf.len(), self.len())?;
        let mut state = self.state();
        Self::check_usable(&state, "read", offset, buf.len())?;
        let State { pages, cache, io, .. } = &mut *state;
        pages.read(offset, buf, |at, buf| {
            cache.read(&self.image.backend, at, buf, &mut io.image_bytes_read)
        })
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        let size = self.len();
        check_range(offset, data.len(), size)?;
        let mut state = self.state();
        Self::check_usable(&state, "write", offset, data.len())?;
        let State { pages, cache, io, generation, .. } = &mut *state;
        // Counted first: a write that fails half-way has changed bytes too.
        *generation += 1;
        pages.write(offset, data, size, |at, buf| {
            cache.read(&self.image.backend, at, buf, &mut io.image_bytes_read)
        })
    }

    fn read_original_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        check_range(offset, buf.len(), self.len())?;
        let mut state = self.state();
        Self::check_usable(&state, "read", offset, buf.len())?;
        let State { cache, io, .. } = &mut *state;
        cache.read(&self.image.backend, offset, buf, &mut io.image_bytes_read)
    }

    fn generation(&self) -> Option<u64> {
        Some(self.state().generation)
    }
}
