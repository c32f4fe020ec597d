//! Taking pages out of memory: into the file where it holds zeros in a place that nothing names, else into the journal.

use std::io::{self, IoSlice};

use super::{Limits, Overlay, State};
use crate::host::pages::{PAGE, PAGE_BYTES};
use crate::host::{HostFile, read_padded, write_parts};
use crate::journal::{MAX_EARLY, Mark, Writer};

/// Adjacent pages are written together, up to this many (1 MiB): systems take 1024 parts at a time.
const RUN: usize = 256;

/// Why pages could not leave memory. Those that did not are still there.
#[derive(Debug)]
pub(crate) struct FlushFailure {
    pub(crate) side: Side,
    pub(crate) source: io::Error,
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Image,
    Journal,
    Undo,
}

impl Side {
    pub(super) fn failed(self) -> impl Fn(io::Error) -> FlushFailure {
        move |source| FlushFailure { side: self, source }
    }
}

/// Adjacent pages to be written to the file ahead of the commit.
#[derive(Debug)]
struct Ahead {
    offset: u64,
    length: u64,
    hole: bool,
}

impl Overlay {
    /// Makes room when more pages are in memory than there should be.
    pub(crate) fn trim(&self) -> Result<(), FlushFailure> {
        let Some(limits) = &self.0.limits else { return Ok(()) };
        let mut state = self.state();
        if state.pages.len() < limits.pages {
            return Ok(());
        }
        flush(&*self.0.file, limits, &mut state, limits.early)
    }
}

/// Takes every page out of memory; with `early`, to the file where that is allowed.
pub(super) fn flush(
    file: &dyn HostFile,
    limits: &Limits,
    state: &mut State,
    early: bool,
) -> Result<(), FlushFailure> {
    if early {
        let ahead = choose(file, state).map_err(Side::Image.failed())?;
        if !ahead.is_empty() {
            write_ahead(file, limits, state, &ahead)?;
        }
    }
    spill(file, limits, state)
}

/// The pages that may be written to the file at once, because taking them back exactly is possible: fresh ones where the file
/// holds zeros.
fn choose(file: &dyn HostFile, state: &State) -> io::Result<Vec<Ahead>> {
    let mut ahead: Vec<Ahead> = Vec::new();
    let mut zeros = Zeros { file, before: state.before, hole_end: 0 };
    for (offset, page) in state.pages.iter() {
        if !page.fresh
            || offset + PAGE_BYTES > state.length
            || state.spilled.get(offset / PAGE_BYTES).is_some()
            || state.early.touch(offset, PAGE_BYTES)
            || page.bytes.iter().all(|byte| *byte == 0)
        {
            continue;
        }
        let Some(hole) = zeros.at(offset)? else { continue };
        match ahead.last_mut() {
            Some(last)
                if last.offset + last.length == offset
                    && last.hole == hole
                    && last.length < MAX_EARLY =>
            {
                last.length += PAGE_BYTES;
            }
            _ => ahead.push(Ahead { offset, length: PAGE_BYTES, hole }),
        }
    }
    Ok(ahead)
}

/// Announces pages in the journal, then writes them to the file and drops them from memory.
fn write_ahead(
    file: &dyn HostFile,
    limits: &Limits,
    state: &mut State,
    ahead: &[Ahead],
) -> Result<(), FlushFailure> {
    let State { pages, early, before, writer, .. } = state;
    let writer = begun(writer, limits, *before)?;
    let mark = writer.mark();
    let announced = ahead.iter().try_for_each(|part| {
        let pages = pages.iter_from(part.offset).take((part.length / PAGE_BYTES) as usize);
        writer.early(part.offset, part.hole, pages.map(|(_, page)| &*page.bytes))
    });
    // Durable before the bytes: a cut must not leave any that nobody can tell from the image's own.
    if let Err(source) = announced.and_then(|()| writer.sync_amid(&limits.place)) {
        writer.rewind(mark);
        return Err(FlushFailure { side: Side::Journal, source });
    }
    for part in ahead {
        early.add(part.offset, part.length, part.hole);
    }
    for part in ahead {
        let mut start = part.offset;
        let mut rest = (part.length / PAGE_BYTES) as usize;
        while rest > 0 {
            let count = rest.min(RUN);
            let run = pages.iter_from(start).take(count);
            let mut run: Vec<IoSlice<'_>> =
                run.map(|(_, page)| IoSlice::new(&page.bytes)).collect();
            write_parts(file, start, &mut run).map_err(Side::Image.failed())?;
            start += count as u64 * PAGE_BYTES;
            rest -= count;
        }
        // The commit waits for all of it; most should be there by then.
        file.start_writing(part.offset, part.length);
    }
    for part in ahead {
        for page in 0..part.length / PAGE_BYTES {
            pages.remove(part.offset + page * PAGE_BYTES);
        }
    }
    Ok(())
}

/// Moves every page to the journal, but for those that say what the file says.
fn spill(file: &dyn HostFile, limits: &Limits, state: &mut State) -> Result<(), FlushFailure> {
    let mark = state.writer.as_ref().map_or(Mark::START, Writer::mark);
    match record(file, limits, state) {
        Ok(records) => {
            state.spilled.extend(records);
            state.pages.clear();
            Ok(())
        }
        Err(failure) => {
            if let Some(writer) = &mut state.writer {
                writer.rewind(mark);
            }
            Err(failure)
        }
    }
}

/// Adds the records; returns page numbers and positions.
fn record(
    file: &dyn HostFile,
    limits: &Limits,
    state: &mut State,
) -> Result<Vec<(u64, u64)>, FlushFailure> {
    let State { pages, length, before, spilled, writer, .. } = state;
    let file_length = file.len().map_err(Side::Image.failed())?;
    let mut records = Vec::new();
    let mut old = [0; PAGE];
    for (offset, page) in pages.iter() {
        let new = &page.bytes[..length.saturating_sub(offset).min(PAGE_BYTES) as usize];
        let held = file_length.saturating_sub(offset).min(new.len() as u64) as usize;
        let old = &mut old[..new.len()];
        read_padded(file, offset, old).map_err(Side::Image.failed())?;
        let number = offset / PAGE_BYTES;
        if new == old && spilled.get(number).is_none() {
            continue;
        }
        let writer = begun(writer, limits, *before)?;
        let position = writer.page(offset, new, &old[..held]).map_err(Side::Journal.failed())?;
        records.push((number, position));
    }
    if let Some(writer) = writer
        && !records.is_empty()
    {
        writer.flush().map_err(Side::Journal.failed())?;
    }
    Ok(records)
}

/// The journal, begun if it was not.
pub(super) fn begun<'a>(
    writer: &'a mut Option<Writer>,
    limits: &Limits,
    before: u64,
) -> Result<&'a mut Writer, FlushFailure> {
    match writer {
        Some(writer) => Ok(writer),
        None => {
            let begun = Writer::begin(&limits.place, before).map_err(Side::Journal.failed())?;
            Ok(writer.insert(begun))
        }
    }
}

/// Tells where a file holds zeros.
struct Zeros<'a> {
    file: &'a dyn HostFile,
    /// The file's length before anything was written to it.
    before: u64,
    /// Up to here the last hole goes.
    hole_end: u64,
}

impl Zeros<'_> {
    /// Whether the page at `offset` is a hole, or stored zeros; `None` when it holds something.
    fn at(&mut self, offset: u64) -> io::Result<Option<bool>> {
        let end = offset + PAGE_BYTES;
        if offset >= self.before {
            return Ok(Some(true));
        }
        if end > self.before {
            return Ok(None);
        }
        if end > self.hole_end {
            self.hole_end = self.file.hole_end(offset)?;
        }
        if end <= self.hole_end {
            return Ok(Some(true));
        }
        let mut bytes = [0; PAGE];
        read_padded(self.file, offset, &mut bytes)?;
        Ok(bytes.iter().all(|byte| *byte == 0).then_some(false))
    }
}
