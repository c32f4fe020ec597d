//! Pages on their way to the file ahead of the commit: written by a thread of their own, so that the next ones can be filled
//! while the medium is waited for. There is one flight at a time, and nothing else is written before it has landed.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

#[cfg(test)]
use super::Overlay;
use super::State;
use super::flush::{FlushFailure, Side};
use crate::host::pages::{PAGE_BYTES, Pages};
use crate::host::{HostFile, write_parts};
use crate::journal::{Extents, Mark};

/// Adjacent pages are written together, up to this many (1 MiB): systems take 1024 parts at a time.
const RUN: usize = 256;

/// Pages that are being written.
#[derive(Debug)]
pub(super) struct Flight {
    /// Until they have landed they are read from here.
    pages: Arc<Pages>,
    /// Where they go: nothing but zeros so far.
    places: Extents,
    /// Where the journal ended before it announced them.
    mark: Mark,
    thread: JoinHandle<Result<(), FlushFailure>>,
}

impl Flight {
    /// Makes the journal durable, then writes the pages to their places in the file.
    pub(super) fn begin(
        journal: Arc<dyn HostFile>,
        file: Arc<dyn HostFile>,
        pages: Pages,
        places: Extents,
        mark: Mark,
    ) -> Result<Self, (io::Error, Pages)> {
        let pages = Arc::new(pages);
        let (cargo, route) = (Arc::clone(&pages), places.clone());
        let begun = thread::Builder::new().spawn(move || {
            // Durable before the bytes: a cut must not leave any that nobody can tell from the image's own.
            journal.sync_data().map_err(Side::Journal.failed())?;
            for (start, end, _) in route.iter() {
                write(&*file, &cargo, start, end).map_err(Side::Image.failed())?;
            }
            Ok(())
        });
        match begun {
            Ok(thread) => Ok(Self { pages, places, mark, thread }),
            Err(error) => Err((error, Arc::into_inner(pages).unwrap_or_default())),
        }
    }

    /// The pages, which are newer than what lies below them.
    pub(super) fn pages(&self) -> &Pages {
        &self.pages
    }

    /// Where they go.
    pub(super) fn places(&self) -> &Extents {
        &self.places
    }
}

fn write(file: &dyn HostFile, pages: &Pages, start: u64, end: u64) -> io::Result<()> {
    let mut at = start;
    while at < end {
        let count = (((end - at) / PAGE_BYTES) as usize).min(RUN);
        let run = pages.iter_from(at).take(count);
        let mut run: Vec<IoSlice<'_>> = run.map(|(_, page)| IoSlice::new(&page.bytes)).collect();
        write_parts(file, at, &mut run)?;
        let length = count as u64 * PAGE_BYTES;
        // The commit waits for all of it; most should be there by then.
        file.start_writing(at, length);
        at += length;
    }
    Ok(())
}

#[cfg(test)]
impl Overlay {
    /// Waits until the pages under way are in the file.
    pub(crate) fn land(&self) -> Result<(), FlushFailure> {
        self.state().land()
    }
}

impl State {
    /// Pages in memory, those on their way out of it included.
    pub(super) fn in_memory(&self) -> usize {
        self.pages.len() + self.flight.as_ref().map_or(0, |flight| flight.pages().len())
    }

    /// Waits until the pages under way are in the file. Where that failed, they are in memory again.
    pub(super) fn land(&mut self) -> Result<(), FlushFailure> {
        let Some(Flight { pages, places, mark, thread }) = self.flight.take() else {
            return Ok(());
        };
        let landed = thread.join().unwrap_or_else(|_| {
            Err(Side::Image.failed()(io::Error::other("the thread that writes pages panicked")))
        });
        // The thread is gone, and with it the other owner.
        let pages = Arc::into_inner(pages).unwrap_or_default();
        match &landed {
            Err(FlushFailure { side: Side::Journal, .. }) => {
                if let Some(writer) = &mut self.writer {
                    writer.rewind(mark);
                }
                self.pages.put_below(pages);
                return landed;
            }
            Err(_) => self.pages.put_below(pages),
            Ok(()) => self.pages.reuse(pages),
        }
        if let Some(writer) = &mut self.writer {
            writer.flushes += 1;
        }
        for (start, end, hole) in places.iter() {
            self.early.add(start, end - start, hole);
        }
        landed
    }
}
