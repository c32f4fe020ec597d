//! An image file as it is once its journal has been dealt with, for readers that may not do that. Takes no writes.

use std::io;
use std::sync::Arc;

use super::{Journal, read_bytes};
use crate::host::pages::PAGE_BYTES;
use crate::host::{HostFile, read_padded};

/// An image file seen through its journal.
#[derive(Debug)]
pub(crate) struct View {
    image: Arc<dyn HostFile>,
    journal: Journal,
    complete: bool,
    length: u64,
}

impl View {
    /// The image with its commit finished.
    pub(crate) fn finished(image: Arc<dyn HostFile>, journal: Journal) -> io::Result<Self> {
        let undone = journal.length_after < journal.length_before;
        let after = journal.length_after;
        let length = if undone { after } else { image.len()?.max(after) };
        Ok(Self { image, journal, complete: true, length })
    }

    /// The image as it was before the transaction.
    pub(crate) fn undone(image: Arc<dyn HostFile>, journal: Journal) -> io::Result<Self> {
        let grown = !journal.early.is_empty();
        let length = if grown { journal.length_before } else { image.len()? };
        Ok(Self { image, journal, complete: false, length })
    }

    fn finished_bytes(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let end = offset + buf.len() as u64;
        for (number, position) in
            self.journal.pages.range(offset / PAGE_BYTES, end.div_ceil(PAGE_BYTES))
        {
            let start = number * PAGE_BYTES;
            let (from, to) = (start.max(offset), (start + PAGE_BYTES).min(end));
            let part = &mut buf[(from - offset) as usize..(to - offset) as usize];
            read_bytes(self.journal.file(), position, from - start, part)?;
        }
        Ok(())
    }
}

impl HostFile for View {
    fn len(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.length.saturating_sub(offset).min(buf.len() as u64) as usize;
        let buf = &mut buf[..count];
        read_padded(&*self.image, offset, buf)?;
        if self.complete {
            self.finished_bytes(offset, buf)?;
            self.journal.gone.mask(offset, buf);
        } else {
            self.journal.early.mask(offset, buf);
        }
        Ok(count)
    }
}
