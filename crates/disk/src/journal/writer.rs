//! Writing a journal.

use std::io;
use std::sync::Arc;

use super::early::SECTOR;
use super::format::{
    HEADER_BYTES, Sectors, chain, encode_early, encode_end, encode_gone, encode_header, encode_page,
};
use crate::host::folder::JournalPlace;
use crate::host::{HostFile, write_counted, write_zeros};

/// Records are gathered up to this many bytes per write.
const CHUNK: usize = 1 << 20;
const ROOM: u64 = 512 << 10;

/// A journal that is being written. It only ever grows, so that what was made durable stays readable.
#[derive(Debug)]
pub(crate) struct Writer {
    file: Arc<dyn HostFile>,
    /// Bytes that are in the file.
    written: u64,
    /// Records that follow them.
    buffer: Vec<u8>,
    /// Zeros follow the records up to here, so that the file need not grow each time that it is made durable.
    room: u64,
    count: u64,
    chain: u64,
    /// The journal's name is durable.
    named: bool,
    /// Times something was made durable.
    pub(crate) flushes: u64,
    /// Bytes written to the file.
    pub(crate) bytes: u64,
}

/// A place in a journal to go back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    length: u64,
    count: u64,
    chain: u64,
}

impl Mark {
    /// Behind the header.
    pub(crate) const START: Self = Self { length: HEADER_BYTES as u64, count: 0, chain: 0 };
}

impl Writer {
    /// Creates the journal of an image file that is `before` bytes long.
    pub(crate) fn begin(place: &JournalPlace, before: u64) -> io::Result<Self> {
        let file = place.folder.create(&place.name)?;
        let (buffer, named) = (encode_header(before), false);
        Ok(Self {
            file,
            written: 0,
            buffer,
            room: 0,
            count: 0,
            chain: 0,
            named,
            flushes: 0,
            bytes: 0,
        })
    }

    pub(crate) fn file(&self) -> &dyn HostFile {
        &*self.file
    }

    /// Where the journal ends now.
    pub(crate) fn mark(&self) -> Mark {
        let length = self.written + self.buffer.len() as u64;
        Mark { length, count: self.count, chain: self.chain }
    }

    /// Forgets the records after `mark`, which the next ones replace.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.buffer.truncate(mark.length.saturating_sub(self.written) as usize);
        self.written = self.written.min(mark.length);
        (self.count, self.chain) = (mark.count, mark.chain);
    }

    /// Adds these sectors of a page: `new` is to replace `old` in the page at `offset`. Returns the record's position, at
    /// which it can be read after [`Writer::flush`].
    pub(crate) fn page(
        &mut self,
        offset: u64,
        sectors: Sectors,
        new: &[u8],
        old: &[u8],
    ) -> io::Result<u64> {
        let position = self.mark().length;
        let sum = encode_page(offset, sectors, (new, old), &mut self.buffer);
        self.added(sum)?;
        Ok(position)
    }

    /// Adds the announcement of adjacent pages to be written from `offset` on, where there were zeros.
    pub(crate) fn early<'a>(
        &mut self,
        offset: u64,
        hole: bool,
        pages: impl Iterator<Item = &'a [u8]>,
    ) -> io::Result<()> {
        let mut sectors = Vec::new();
        for page in pages {
            for sector in page.chunks_exact(SECTOR) {
                sectors.extend_from_slice(&crc32fast::hash(sector).to_le_bytes());
            }
        }
        let sum = encode_early(offset, hole, &sectors, &mut self.buffer);
        self.added(sum)
    }

    /// Adds bytes from `offset` on that are to be zeros; a last sector that is cut short counts as filled up with zeros.
    pub(crate) fn gone(&mut self, offset: u64, hole: bool, bytes: &[u8]) -> io::Result<()> {
        let sums = bytes.chunks(SECTOR).map(|sector| {
            let mut whole = [0; SECTOR];
            whole[..sector.len()].copy_from_slice(sector);
            crc32fast::hash(&whole).to_le_bytes()
        });
        let sums: Vec<u8> = sums.flatten().collect();
        let sum = encode_gone(offset, hole, &sums, &mut self.buffer);
        self.added(sum)
    }

    fn added(&mut self, sum: u64) -> io::Result<()> {
        self.count += 1;
        self.chain = chain(self.chain, sum);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(())
    }

    /// Hands all records to the file.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        write_counted(&*self.file, self.written, &self.buffer, &mut self.bytes)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Hands all records to the file, with more to come, and makes its name durable. The records are when the file that it
    /// returns was synced, which the caller counts.
    pub(crate) fn hand_over(&mut self, place: &JournalPlace) -> io::Result<Arc<dyn HostFile>> {
        self.flush()?;
        if self.written > self.room {
            write_zeros(&*self.file, self.written, ROOM)?;
            self.room = self.written + ROOM;
        }
        self.name(place)?;
        Ok(Arc::clone(&self.file))
    }

    fn sync(&mut self, place: &JournalPlace) -> io::Result<()> {
        self.file.sync_data()?;
        self.flushes += 1;
        self.name(place)
    }

    /// Makes the journal's name durable.
    fn name(&mut self, place: &JournalPlace) -> io::Result<()> {
        if !self.named {
            place.folder.sync()?;
            self.flushes += 1;
            self.named = true;
        }
        Ok(())
    }

    /// Completes the journal: the image file is to be `after` bytes long. Returns where it ended before.
    pub(crate) fn finish(&mut self, place: &JournalPlace, after: u64) -> io::Result<Mark> {
        let mark = self.mark();
        encode_end(after, self.count, self.chain, &mut self.buffer);
        self.flush()?;
        if self.file.len()? > self.written {
            self.file.set_len(self.written)?;
        }
        self.sync(place)?;
        Ok(mark)
    }

    /// Makes a complete journal incomplete again, for good.
    pub(crate) fn unfinish(&mut self, mark: Mark) -> io::Result<()> {
        self.file.set_len(mark.length)?;
        self.rewind(mark);
        self.file.sync_data()?;
        self.flushes += 1;
        Ok(())
    }
}
