//! Keeping what a commit is about to overwrite.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::file::{Headed, Modified, header, write_date};
use crate::host::folder::JournalPlace;
use crate::host::pages::PAGE_BYTES;
use crate::host::{HostFile, read_padded};
use crate::journal::{self, Extents, Index, Writer, read_page};

/// Bytes of free space that share a record.
const RUN: u64 = 1 << 20;

/// The undo file of one commit.
#[derive(Debug)]
pub(crate) struct Keep {
    place: JournalPlace,
    /// The file is there, and of a commit that may still fail.
    written: AtomicBool,
}

/// What a commit is about to do, all of it in its journal and in the file.
#[derive(Debug)]
pub(crate) struct Commit<'a> {
    pub(crate) journal: &'a dyn HostFile,
    pub(crate) pages: &'a Index,
    /// What was written ahead of it.
    pub(crate) early: &'a Extents,
    pub(crate) file: &'a dyn HostFile,
    /// Lengths of the file.
    pub(crate) before: u64,
    pub(crate) after: u64,
}

impl Keep {
    /// For the image at `image`, an absolute path.
    pub(crate) fn new(place: JournalPlace, image: &Path) -> io::Result<Self> {
        let JournalPlace { folder, name, path } = place;
        let folder = Box::new(Headed { below: folder, header: header(image)? });
        Ok(Self { place: JournalPlace { folder, name, path }, written: AtomicBool::new(false) })
    }

    /// Where the file is, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.place.path
    }

    /// Writes the undo file, durably. Returns how often something was made durable.
    pub(crate) fn write(&self, commit: &Commit<'_>) -> io::Result<u64> {
        let mut writer = Writer::begin(&self.place, commit.after)?;
        self.written.store(true, Ordering::Relaxed);
        let written = reverse(&mut writer, commit)
            .and_then(|()| writer.finish(&self.place, commit.before).map(|_| writer.flushes));
        if written.is_err() {
            self.discard();
        }
        written
    }

    /// Keeps the file for good: its commit is done.
    pub(crate) fn settle(&self) {
        self.written.store(false, Ordering::Relaxed);
    }

    /// Notes the date that the image file has after the commit. Without it, undoing cannot tell as much.
    pub(crate) fn note_date(&self, file: &dyn HostFile) {
        let Ok(Some(date)) = file.modified() else { return };
        if let Ok(Some(own)) = self.place.folder.open(&self.place.name, true) {
            let _ = write_date(&*own, Modified::from(date));
        }
    }

    /// Removes the file again, if it was written: there is nothing to undo. One that stays does no harm.
    pub(crate) fn discard(&self) {
        if self.written.swap(false, Ordering::Relaxed) {
            let _ = journal::discard(&self.place);
        }
    }
}

/// Writes the records that undo a commit.
fn reverse(writer: &mut Writer, commit: &Commit<'_>) -> io::Result<()> {
    let Commit { journal, pages, early, file, before, .. } = commit;
    for (_, position) in pages.iter() {
        let mut page = read_page(*journal, position)?;
        if page.offset >= *before {
            writer.gone(page.offset, true, &page.new)?;
            continue;
        }
        // What the file did not hold when the transaction began was zeros or past its end.
        let held = (*before - page.offset).min(page.old.len() as u64);
        page.old.truncate(held as usize);
        early.mask(page.offset, &mut page.old);
        page.old.resize(page.new.len(), 0);
        writer.page(page.offset, page.sectors, &page.old, &page.new)?;
    }
    let mut bytes = Vec::new();
    for (start, end, hole) in early.iter() {
        let free = |at: u64| pages.get(at / PAGE_BYTES).is_none();
        let mut at = start;
        while at < end {
            let mut to = at;
            while to < end && to - at < RUN && free(to) {
                to += PAGE_BYTES;
            }
            if to == at {
                at += PAGE_BYTES;
                continue;
            }
            bytes.resize((to - at) as usize, 0);
            read_padded(*file, at, &mut bytes)?;
            writer.gone(at, hole, &bytes)?;
            at = to;
        }
    }
    Ok(())
}
