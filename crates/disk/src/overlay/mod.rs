//! A host file whose writes are kept above it until they are committed, in little memory whatever is written.
//!
//! The format driver of a qcow2 changes tables and refcounts as it writes. Here all of that collects in pages above the
//! untouched file, like the pages of a raw image, so that a commit can journal it and a crash leaves old or new metadata.
//! Pages that do not fit into memory leave it in one of two ways: into the journal, as the commit needs them there anyway, or,
//! where the file holds nothing but zeros in a place that nothing names, into the file itself, announced in the journal.

mod flight;
mod flush;
mod settle;
mod storage;

use std::fmt::{self, Display};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imago::storage::drivers::CommonStorageHelper;

use crate::host::folder::JournalPlace;
use crate::host::pages::{PAGE_BYTES, Pages};
use crate::host::{HostFile, read_padded};
use crate::journal::{Extents, Index, Writer, read_bytes};
use crate::undo::Keep;
use flight::Flight;
pub(crate) use flush::{FlushFailure, Side};
pub(crate) use settle::{SealFailure, UndoFailure};

/// A shared handle on an overlay; what the format driver reads and writes.
#[derive(Debug, Clone)]
pub(crate) struct Overlay(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Arc<dyn HostFile>,
    name: String,
    limits: Option<Limits>,
    state: Mutex<State>,
    helper: CommonStorageHelper,
}

/// What an overlay that is written to does with what it cannot keep.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Where its journal goes.
    pub(crate) place: JournalPlace,
    /// Pages may be written to the file ahead of the commit. Only where that can be taken back exactly.
    pub(crate) early: bool,
    /// Of a page that changes in part the journal and the file get the changed sectors alone. Only where a write of them harms
    /// nothing beside them: in regular files, which the file system writes in blocks of its own.
    pub(crate) sectors: bool,
    /// Pages kept in memory, those on their way out of it included.
    pub(crate) pages: usize,
    /// A commit writes pages ahead only when they are so many: it costs one more wait for the medium.
    pub(crate) early_at_commit: usize,
    /// Where a commit keeps what it overwrites.
    pub(crate) undo: Option<Keep>,
}

impl Limits {
    /// The usual ones: 12 MiB in memory, and changed sectors alone where pages may be written ahead.
    pub(crate) fn new(place: JournalPlace, early: bool) -> Self {
        let (pages, early_at_commit) = (12 << 8, 2 << 8);
        Self { place, early, sectors: early, pages, early_at_commit, undo: None }
    }
}

#[derive(Debug)]
struct State {
    pages: Pages,
    /// Length that the file is to have.
    length: u64,
    /// Length of the file when the transaction began.
    before: u64,
    /// Pages that went to the journal.
    spilled: Index,
    /// What went to the file.
    early: Extents,
    /// What is on its way there.
    flight: Option<Flight>,
    writer: Option<Writer>,
    counts: Counts,
}

/// What an overlay wrote so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) journal_bytes: u64,
    pub(crate) flushes: u64,
}

impl Overlay {
    /// An overlay above `file`. Without limits nothing is ever written to it.
    pub(crate) fn new(
        file: Arc<dyn HostFile>,
        name: String,
        limits: Option<Limits>,
    ) -> io::Result<Self> {
        let length = file.len()?;
        let state = State {
            pages: Pages::default(),
            length,
            before: length,
            spilled: Index::default(),
            early: Extents::default(),
            flight: None,
            writer: None,
            counts: Counts::default(),
        };
        let helper = CommonStorageHelper::default();
        Ok(Self(Arc::new(Inner { file, name, limits, state: Mutex::new(state), helper })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn helper(&self) -> &CommonStorageHelper {
        &self.0.helper
    }

    /// True when both are the same overlay.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// True when there is nothing above the file.
    pub(crate) fn is_untouched(&self) -> bool {
        let state = self.state();
        state.pages.is_empty() && state.writer.is_none() && state.length == state.before
    }

    /// What was written to journal and file so far.
    pub(crate) fn counts(&self) -> Counts {
        let state = self.state();
        let mut counts = state.counts;
        if let Some(writer) = &state.writer {
            counts.journal_bytes += writer.bytes;
            counts.flushes += writer.flushes;
        }
        counts
    }

    /// Where a commit keeps what it overwrites.
    pub(crate) fn undo(&self) -> Option<&Keep> {
        self.0.limits.as_ref()?.undo.as_ref()
    }

    pub(crate) fn length(&self) -> u64 {
        self.state().length
    }

    /// Length of the file when the transaction began.
    pub(crate) fn length_before(&self) -> u64 {
        self.state().before
    }

    /// Fills `buf` from `offset`; zeros past the end.
    pub(crate) fn read(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        state.pages.read(offset, buf, |at, buf| state.read_below(&*self.0.file, at, buf))
    }

    /// Fills `buf` from `offset` as the file was when the transaction began; zeros past the end.
    pub(crate) fn read_original(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let present = state.before.saturating_sub(offset).min(buf.len() as u64) as usize;
        let (buf, past) = buf.split_at_mut(present);
        past.fill(0);
        read_padded(&*self.0.file, offset, buf)?;
        state.early.mask(offset, buf);
        if let Some(flight) = &state.flight {
            flight.places().mask(offset, buf);
        }
        Ok(())
    }

    /// Keeps `data` at `offset`, which may make the file longer. `fresh`: nothing named the place when the transaction began.
    pub(crate) fn write(&self, offset: u64, data: &[u8], fresh: bool) -> io::Result<()> {
        let end = offset.checked_add(data.len() as u64).ok_or(io::ErrorKind::InvalidInput)?;
        let mut state = self.state();
        let limit = state.length;
        // The pages are taken out so that what lies below them can be read meanwhile.
        let mut pages = std::mem::take(&mut state.pages);
        let below = |at, buf: &mut [u8]| state.read_below(&*self.0.file, at, buf);
        let written = pages.write(offset, data, fresh, limit, below);
        state.pages = pages;
        written?;
        state.length = limit.max(end);
        Ok(())
    }

    /// Says that nothing named `offset..offset + length` when the transaction began.
    pub(crate) fn mark_fresh(&self, offset: u64, length: u64) {
        let mut state = self.state();
        let mut page = offset.next_multiple_of(PAGE_BYTES);
        while page + PAGE_BYTES <= offset + length {
            state.pages.mark_fresh(page);
            page += PAGE_BYTES;
        }
    }

    /// Makes the file longer; it is never made shorter.
    fn grow(&self, length: u64) -> io::Result<()> {
        let mut state = self.state();
        if length < state.length {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "images are never made shorter",
            ));
        }
        state.length = length;
        Ok(())
    }
}

impl State {
    /// Fills `buf` with what lies below the pages in memory.
    fn read_below(&self, file: &dyn HostFile, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let below = |at, buf: &mut [u8]| self.read_files(file, at, buf);
        match &self.flight {
            Some(flight) => flight.pages().read(offset, buf, below),
            None => below(offset, buf),
        }
    }

    /// Fills `buf` with what file and journal hold.
    fn read_files(&self, file: &dyn HostFile, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        read_padded(file, offset, buf)?;
        let Some(writer) = &self.writer else { return Ok(()) };
        let end = offset + buf.len() as u64;
        for (number, position) in self.spilled.range(offset / PAGE_BYTES, end.div_ceil(PAGE_BYTES))
        {
            let start = number * PAGE_BYTES;
            let (from, to) = (start.max(offset), (start + PAGE_BYTES).min(end));
            let part = &mut buf[(from - offset) as usize..(to - offset) as usize];
            read_bytes(writer.file(), position, from - start, part)?;
        }
        Ok(())
    }
}

/// The file below an overlay as it was when the transaction began.
#[derive(Debug)]
pub(crate) struct Original(pub(crate) Overlay);

impl HostFile for Original {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.length_before())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let rest = self.0.length_before().saturating_sub(offset);
        let count = rest.min(buf.len() as u64) as usize;
        self.0.read_original(offset, &mut buf[..count])?;
        Ok(count)
    }
}

impl Display for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name)
    }
}
