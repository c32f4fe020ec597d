//! The disk in a qcow2 image: guest bytes go through the format driver into the overlay.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use imago::{FormatAccess, Mapping};

use super::backend::Run;
use super::overlap::Tables;
use super::refcounts;
use crate::host::HostFile;
use crate::overlay::{Original, Overlay};

/// Opens the image once more, over another view of its file.
pub(crate) type Reopen =
    Box<dyn Fn(Arc<dyn HostFile>) -> io::Result<FormatAccess<Overlay>> + Send + Sync>;

/// The disk in a qcow2 image.
pub(crate) struct Qcow2Disk {
    pub(crate) access: FormatAccess<Overlay>,
    pub(crate) overlay: Overlay,
    pub(crate) cluster_bits: u32,
    pub(crate) reopen: Reopen,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The disk as it was when the transaction began, opened when first needed.
    original: Option<FormatAccess<Overlay>>,
    /// Guest ranges that were written: end by start.
    written: BTreeMap<u64, u64>,
}

impl fmt::Debug for Qcow2Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Qcow2Disk").field("overlay", &self.overlay).finish_non_exhaustive()
    }
}

impl Qcow2Disk {
    pub(crate) fn new(
        access: FormatAccess<Overlay>,
        overlay: Overlay,
        cluster_bits: u32,
        reopen: Reopen,
    ) -> Self {
        Self { access, overlay, cluster_bits, reopen, state: Mutex::default() }
    }

    /// Fills `buf` with the guest bytes from `offset` as they were when the transaction began.
    pub(super) fn read_original(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        if self.overlay.is_untouched() {
            return self.access.read(buf, offset);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.original(&mut state)?.read(buf, offset)
    }

    fn original<'a>(&self, state: &'a mut State) -> io::Result<&'a FormatAccess<Overlay>> {
        match &mut state.original {
            Some(original) => Ok(original),
            none => Ok(none.insert((self.reopen)(Arc::new(Original(self.overlay.clone())))?)),
        }
    }

    /// Writes through the driver, and tells the overlay which of its pages hold fresh data alone.
    pub(super) fn write(&self, runs: &[Run<'_>]) -> io::Result<()> {
        for run in runs {
            self.access.write(run.data, run.offset)?;
        }
        self.access.flush()?;
        let tables = Tables::read(&|offset, buf| self.overlay.read(offset, buf))?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for run in runs {
            let length = run.data.len() as u64;
            tables.check(&self.access, run.offset, length)?;
            remember(&mut state.written, run.offset, run.offset + length);
            if run.fresh {
                self.mark_fresh(&mut state, run.offset, length)?;
            }
        }
        Ok(())
    }

    /// Fresh guest bytes are fresh in the file where the place is new, or was already theirs.
    fn mark_fresh(&self, state: &mut State, offset: u64, length: u64) -> io::Result<()> {
        let end = offset + length;
        let before = self.overlay.length_before();
        let mut position = offset;
        while position < end {
            let (mapping, mut count) = self.access.get_mapping(position, end - position)?;
            if let Mapping::Raw { storage, offset: place, writable: true, .. } = mapping
                && storage.is(&self.overlay)
            {
                let fresh = if place >= before {
                    true
                } else {
                    let original = self.original(state)?;
                    let (was, same) = original.get_mapping(position, count)?;
                    count = count.min(same.max(1));
                    matches!(was, Mapping::Raw { offset, writable: true, .. } if offset == place)
                };
                if fresh {
                    self.overlay.mark_fresh(place, count);
                }
            }
            position += count.max(1);
        }
        Ok(())
    }

    /// Refuses to commit guest bytes that lie on the image's own tables, and clusters that were in use when they were handed out.
    pub(super) fn check(&self) -> io::Result<()> {
        let now = |offset, buf: &mut [u8]| self.overlay.read(offset, buf);
        let then = |offset, buf: &mut [u8]| self.overlay.read_original(offset, buf);
        let tables = Tables::read(&now)?;
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut written = state.written.iter();
        written.try_for_each(|(start, end)| tables.check(&self.access, *start, end - start))?;
        let (before, after) = (self.overlay.length_before(), self.overlay.length());
        refcounts::check_owners(&then, &now, before, after, &state.written)
    }

    /// The file holds what was written.
    pub(super) fn settle(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }
}

/// Adds a range, joined with those that it touches.
fn remember(ranges: &mut BTreeMap<u64, u64>, mut start: u64, mut end: u64) {
    if let Some((before, until)) = ranges.range(..=start).next_back()
        && *until >= start
    {
        (start, end) = (*before, end.max(*until));
    }
    while let Some((next, until)) = ranges.range(start..=end).next() {
        end = end.max(*until);
        let next = *next;
        ranges.remove(&next);
    }
    ranges.insert(start, end);
}
