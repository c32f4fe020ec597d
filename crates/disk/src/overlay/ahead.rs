//! Pages on their way to the file ahead of the commit, while the next ones are gathered.
//!
//! One batch at a time is under way, in a thread of its own. Until it has arrived nobody else writes to the file or its journal,
//! so that every write has the same place in the order of writes as without the thread.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread::{Builder, JoinHandle};

use super::flush::{FlushFailure, Side, begun};
use super::{Counts, Limits, Overlay, State};
use crate::host::pages::{PAGE, PAGE_BYTES, Pages};
use crate::host::{HostFile, write_counted};
use crate::journal::{Extents, MAX_EARLY, Writer};

/// Adjacent pages are written together, up to so many.
const RUN: usize = 256;
/// The medium is told to begin after so many.
const STRETCH: usize = 1024;

/// Pages to be written to the file ahead of the commit.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pages: Pages,
    ranges: Vec<Range>,
    /// The ranges again.
    extents: Extents,
}

/// Adjacent pages.
#[derive(Debug)]
struct Range {
    offset: u64,
    length: u64,
    hole: bool,
}

/// A batch that is being written.
#[derive(Debug)]
pub(super) struct Underway {
    batch: Arc<Batch>,
    journal: Arc<dyn HostFile>,
    /// What the journal had cost when the batch left.
    counts: Counts,
    carrier: Carrier,
}

#[derive(Debug)]
enum Carrier {
    Thread(JoinHandle<Option<Arrived>>),
    /// There was no thread to be had.
    Nobody(Arrived),
}

#[derive(Debug)]
struct Arrived {
    writer: Writer,
    /// The journal says where the pages are.
    announced: bool,
    result: Result<(), FlushFailure>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Adds the place of a page behind all others.
    pub(super) fn add(&mut self, offset: u64, hole: bool) {
        self.extents.add(offset, PAGE_BYTES, hole);
        match self.ranges.last_mut() {
            Some(last)
                if last.offset + last.length == offset
                    && last.hole == hole
                    && last.length < MAX_EARLY =>
            {
                last.length += PAGE_BYTES;
            }
            _ => self.ranges.push(Range { offset, length: PAGE_BYTES, hole }),
        }
    }

    /// Takes its pages out of `pages`.
    pub(super) fn load(&mut self, pages: &mut Pages) {
        let ranges: Vec<_> = self.ranges.iter().map(|range| (range.offset, range.length)).collect();
        self.pages = pages.take_out(&ranges);
    }

    /// Gives its pages back.
    pub(super) fn unload(&self, pages: &mut Pages) {
        pages.put_back(&self.pages);
    }

    /// Writes the batch in the background. The next one waits for it.
    pub(super) fn send(
        self,
        overlay: &Overlay,
        limits: &Limits,
        state: &mut State,
    ) -> Result<(), FlushFailure> {
        if let Err(failure) = begun(&mut state.writer, limits, state.before) {
            self.unload(&mut state.pages);
            return Err(failure);
        }
        let Some(writer) = state.writer.take() else { return Ok(()) };
        let journal = Arc::clone(writer.file());
        let counts = writer.counts();
        let batch = Arc::new(self);
        let (sender, receiver) = mpsc::channel::<(Overlay, Arc<Self>, Writer)>();
        let thread = Builder::new().name("write ahead".to_owned()).spawn(move || {
            let (overlay, batch, writer) = receiver.recv().ok()?;
            let limits = overlay.0.limits.as_ref()?;
            Some(batch.carry(&*overlay.0.file, limits, writer))
        });
        let carrier = match thread {
            Ok(thread) => match sender.send((overlay.clone(), Arc::clone(&batch), writer)) {
                Ok(()) => Carrier::Thread(thread),
                Err(unsent) => Carrier::Nobody(batch.carry(&*overlay.0.file, limits, unsent.0.2)),
            },
            Err(_) => Carrier::Nobody(batch.carry(&*overlay.0.file, limits, writer)),
        };
        state.underway = Some(Underway { batch, journal, counts, carrier });
        Ok(())
    }

    /// Announces the pages in the journal, then writes them to the file.
    fn carry(&self, file: &dyn HostFile, limits: &Limits, mut writer: Writer) -> Arrived {
        let mark = writer.mark();
        let announced = self
            .ranges
            .iter()
            .try_for_each(|range| writer.early(range.offset, range.hole, self.pages(range)));
        // Durable before the bytes: a cut must not leave any that nobody can tell from the image's own.
        if let Err(source) = announced.and_then(|()| writer.sync_amid(&limits.place)) {
            writer.rewind(mark);
            let result = Err(FlushFailure { side: Side::Journal, source });
            return Arrived { writer, announced: false, result };
        }
        let written = self.ranges.iter().try_for_each(|range| self.write(file, range));
        let result = written.map_err(Side::Image.failed());
        Arrived { writer, announced: true, result }
    }

    fn pages(&self, range: &Range) -> impl Iterator<Item = &[u8]> {
        let pages = self.pages.iter_from(range.offset);
        pages.take((range.length / PAGE_BYTES) as usize).map(|(_, page)| &*page.bytes)
    }

    fn write(&self, file: &dyn HostFile, range: &Range) -> io::Result<()> {
        let pages: Vec<&[u8]> = self.pages(range).collect();
        let mut offset = range.offset;
        let mut copy = Vec::with_capacity(RUN * PAGE);
        for stretch in pages.chunks(STRETCH) {
            let start = offset;
            for run in stretch.chunks(RUN) {
                copy.clear();
                run.iter().for_each(|page| copy.extend_from_slice(page));
                // From one place in memory: Linux takes four times as long to gather single pages.
                write_counted(file, offset, &copy, &mut 0)?;
                offset += copy.len() as u64;
            }
            // The commit waits for all of it; most should be there by then.
            file.start_writing(start, offset - start);
        }
        Ok(())
    }
}

impl Underway {
    pub(super) fn journal(&self) -> &dyn HostFile {
        &*self.journal
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Fills `buf` from `offset`: the batch's pages first, the rest through `below`.
    pub(super) fn read(
        &self,
        offset: u64,
        buf: &mut [u8],
        below: impl FnMut(u64, &mut [u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        self.batch.pages.read(offset, buf, below)
    }

    /// Makes the parts of `buf`, read from `offset` of the file, what they were.
    pub(super) fn mask(&self, offset: u64, buf: &mut [u8]) {
        self.batch.extents.mask(offset, buf);
    }
}

#[cfg(test)]
impl Overlay {
    /// True while a batch is on its way.
    pub(crate) fn is_underway(&self) -> bool {
        self.state().underway.is_some()
    }

    /// Waits for the batch that is on its way.
    pub(crate) fn wait(&self) {
        self.state().arrive().expect("arrives");
    }
}

impl State {
    /// Waits for what is under way. What did not arrive is in memory again.
    pub(super) fn arrive(&mut self) -> Result<(), FlushFailure> {
        let Some(Underway { batch, carrier, .. }) = self.underway.take() else { return Ok(()) };
        let arrived = match carrier {
            Carrier::Nobody(arrived) => Some(arrived),
            Carrier::Thread(thread) => match thread.join() {
                Ok(arrived) => arrived,
                // The journal stays: the next open takes back what it announces.
                Err(fault) => std::panic::resume_unwind(fault),
            },
        };
        let Some(Arrived { writer, announced, result }) = arrived else {
            batch.unload(&mut self.pages);
            let source = io::Error::other("the journal was lost");
            return Err(FlushFailure { side: Side::Journal, source });
        };
        self.writer = Some(writer);
        if announced {
            for range in &batch.ranges {
                self.early.add(range.offset, range.length, range.hole);
            }
        }
        if result.is_err() {
            batch.unload(&mut self.pages);
        } else if let Some(batch) = Arc::into_inner(batch) {
            self.pages.reuse(batch.pages);
        }
        result
    }
}
