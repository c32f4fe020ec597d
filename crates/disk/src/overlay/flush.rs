//! Taking pages out of memory: into the file where it holds zeros in a place that nothing names, else into the journal.

use std::io;
use std::sync::Arc;

use super::flight::Flight;
use super::{Limits, Overlay, State};
use crate::host::pages::{PAGE, PAGE_BYTES, Pages};
use crate::host::{HostFile, read_padded};
use crate::journal::{Extents, MAX_EARLY, Mark, Sectors, Writer};

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
        if state.in_memory() < limits.pages {
            return Ok(());
        }
        state.land()?;
        if state.pages.len() < limits.pages {
            return Ok(());
        }
        flush(&self.0.file, limits, &mut state, limits.early)?;
        state.land()
    }

    /// Makes room while more comes: half of the pages that there may be are filled while the other half is on its way.
    pub(crate) fn trim_behind(&self) -> Result<(), FlushFailure> {
        let Some(limits) = &self.0.limits else { return Ok(()) };
        let mut state = self.state();
        if state.pages.len() < limits.pages / 2 && state.in_memory() < limits.pages {
            return Ok(());
        }
        flush(&self.0.file, limits, &mut state, limits.early)
    }
}

/// Takes every page out of memory; with `early`, to the file where that is allowed: those are on their way when it returns.
pub(super) fn flush(
    file: &Arc<dyn HostFile>,
    limits: &Limits,
    state: &mut State,
    early: bool,
) -> Result<(), FlushFailure> {
    state.land()?;
    let mut ahead = Vec::new();
    if early {
        ahead = choose(&**file, state).map_err(Side::Image.failed())?;
    }
    let pages = state.pages.take(ahead.iter().map(|part| (part.offset, part.length)));
    if let Err(failure) = spill(&**file, limits, state) {
        state.pages.put_below(pages);
        return Err(failure);
    }
    if ahead.is_empty() { Ok(()) } else { write_ahead(file, limits, state, &ahead, pages) }
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

/// Announces pages in the journal, and sends them to the file.
fn write_ahead(
    file: &Arc<dyn HostFile>,
    limits: &Limits,
    state: &mut State,
    ahead: &[Ahead],
    pages: Pages,
) -> Result<(), FlushFailure> {
    let (writer, mark) = match begun(&mut state.writer, limits, state.before) {
        Ok(writer) => {
            let mark = writer.mark();
            (writer, mark)
        }
        Err(failure) => {
            state.pages.put_below(pages);
            return Err(failure);
        }
    };
    let announced = ahead.iter().try_for_each(|part| {
        let pages = pages.iter_from(part.offset).take((part.length / PAGE_BYTES) as usize);
        writer.early(part.offset, part.hole, pages.map(|(_, page)| &*page.bytes))
    });
    let mut places = Extents::default();
    ahead.iter().for_each(|part| places.add(part.offset, part.length, part.hole));
    let begun = match announced.and_then(|()| writer.hand_over(&limits.place)) {
        Ok(journal) => Flight::begin(journal, Arc::clone(file), pages, places, mark),
        Err(source) => Err((source, pages)),
    };
    match begun {
        Ok(flight) => {
            state.flight = Some(flight);
            Ok(())
        }
        Err((source, pages)) => {
            writer.rewind(mark);
            state.pages.put_below(pages);
            Err(FlushFailure { side: Side::Journal, source })
        }
    }
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
    let State { pages, length, before, spilled, early, writer, .. } = state;
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
        // What was written ahead is vouched for page by page, and what lies past the end is undone by cutting it off.
        let whole = !limits.sectors || early.touch(offset, PAGE_BYTES);
        let in_part = !whole && offset + PAGE_BYTES <= *before;
        let sectors = if in_part { Sectors::that_differ(new, old) } else { Sectors::ALL };
        let (new, old) = (sectors.of(new), sectors.of(&old[..held]));
        let writer = begun(writer, limits, *before)?;
        let position = writer.page(offset, sectors, &new, &old).map_err(Side::Journal.failed())?;
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
