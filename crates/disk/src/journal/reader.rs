//! Reading a journal from its start, record by record, in memory that does not follow its length.

use std::io;
use std::sync::Arc;

use super::early::{Extents, SECTOR};
use super::format::{
    HEAD_BYTES, HEADER_BYTES, Head, Header, Kind, PageWrite, Sectors, chain, decode_body,
    decode_end, decode_head, decode_header, page_of,
};
use super::index::Index;
use crate::host::pages::{PAGE, PAGE_BYTES};
use crate::host::{HostFile, read_padded};

/// Pages are taken into the index in batches.
const BATCH: usize = 4096;
const WINDOW: usize = 1 << 20;

/// A transaction as the journal describes it.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(super) file: Arc<dyn HostFile>,
    /// Length of the image file before.
    pub(crate) length_before: u64,
    /// Length of the image file after; that before when the journal is incomplete.
    pub(crate) length_after: u64,
    pub(crate) pages: Index,
    /// New bytes in the records of pages.
    pub(crate) page_bytes: u64,
    pub(crate) early: Extents,
    /// The early records as they came.
    pub(super) announced: Vec<Announced>,
    /// What is to be zeros.
    pub(crate) gone: Extents,
    /// The gone records as they came.
    pub(super) vanishing: Vec<Announced>,
}

/// An early or gone record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Announced {
    pub(super) offset: u64,
    pub(super) length: u64,
    /// Where in the journal its checksums are.
    pub(super) sums: u64,
}

/// What reading found.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// Header, every record and the end are there and right.
    Complete(Journal),
    /// Cut short or damaged; holds the records before the damage.
    Incomplete(Journal),
    /// A journal of a version this program does not know.
    Version(u32),
    /// Not a journal at all, although not empty.
    Foreign,
}

/// Reads a journal.
pub(crate) fn read(file: Arc<dyn HostFile>) -> io::Result<Decoded> {
    let length = file.len()?;
    let mut window = Window { start: 0, bytes: Vec::new(), length };
    let header = decode_header(window.get(&*file, 0, HEADER_BYTES)?);
    let length_before = match header {
        Header::Ours(before) => before,
        Header::Torn => 0,
        Header::Version(version) => return Ok(Decoded::Version(version)),
        Header::Foreign => return Ok(Decoded::Foreign),
    };
    let mut journal = Journal {
        file: Arc::clone(&file),
        length_before,
        length_after: length_before,
        page_bytes: 0,
        pages: Index::default(),
        early: Extents::default(),
        announced: Vec::new(),
        gone: Extents::default(),
        vanishing: Vec::new(),
    };
    if header == Header::Torn {
        return Ok(Decoded::Incomplete(journal));
    }
    let (mut count, mut sums, mut pages) = (0, 0, Vec::new());
    let mut position = HEADER_BYTES as u64;
    let mut reach = 0;
    let mut complete = false;
    while let Some(head) = decode_head(window.get(&*file, position, HEAD_BYTES)?) {
        let bytes = window.get(&*file, position, head.record_bytes())?;
        let Some((body, sum)) = decode_body(&head, bytes) else { break };
        let next = position + head.record_bytes() as u64;
        match head.kind {
            Kind::Page => {
                reach = reach.max(head.offset + head.page_end() as u64);
                pages.push((head.offset / PAGE_BYTES, position));
                journal.page_bytes += head.new_bytes() as u64;
            }
            Kind::Early => {
                let (offset, length) = (head.offset, head.covered_bytes());
                if journal.early.touch(offset, length) {
                    break;
                }
                reach = reach.max(offset + length);
                journal.early.add(offset, length, head.hole());
                let sums = position + HEAD_BYTES as u64;
                journal.announced.push(Announced { offset, length, sums });
            }
            Kind::Gone => {
                let (offset, length) = (head.offset, head.covered_bytes());
                if journal.gone.touch(offset, length) {
                    break;
                }
                journal.gone.add(offset, length, head.hole());
                let sums = position + HEAD_BYTES as u64;
                journal.vanishing.push(Announced { offset, length, sums });
            }
            Kind::End => {
                complete = decode_end(body) == (count, sums)
                    && next == length
                    && reach <= head.offset.max(length_before);
                if complete {
                    journal.length_after = head.offset;
                }
                break;
            }
        }
        if pages.len() >= BATCH {
            journal.pages.extend(std::mem::take(&mut pages));
        }
        count += 1;
        sums = chain(sums, sum);
        position = next;
    }
    journal.pages.extend(pages);
    Ok(if complete { Decoded::Complete(journal) } else { Decoded::Incomplete(journal) })
}

impl Journal {
    pub(crate) fn file(&self) -> &dyn HostFile {
        &*self.file
    }

    /// The checksums of an early or gone record's sectors.
    pub(super) fn sums(&self, announced: &Announced) -> io::Result<Vec<u32>> {
        let mut bytes = vec![0; announced.length as usize / SECTOR * 4];
        read_padded(&*self.file, announced.sums, &mut bytes)?;
        let sums = bytes.chunks_exact(4);
        Ok(sums.map(|sum| u32::from_le_bytes([sum[0], sum[1], sum[2], sum[3]])).collect())
    }
}

/// Reads the page record at `position` and checks it.
pub(crate) fn read_page(file: &dyn HostFile, position: u64) -> io::Result<PageWrite> {
    let mut bytes = [0; HEAD_BYTES + 8].to_vec();
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a journal record changed");
    let whole = |head: &Head| head.kind == Kind::Page;
    read_padded(file, position, &mut bytes[..HEAD_BYTES])?;
    let head = decode_head(&bytes).filter(whole).ok_or_else(damaged)?;
    bytes.resize(head.record_bytes(), 0);
    read_padded(file, position, &mut bytes)?;
    let (body, _) = decode_body(&head, &bytes).ok_or_else(damaged)?;
    Ok(page_of(&head, body))
}

/// Puts the new bytes of the page record at `position` into `buf`, which begins at byte `within` of the page.
pub(crate) fn read_bytes(
    file: &dyn HostFile,
    position: u64,
    within: u64,
    buf: &mut [u8],
) -> io::Result<()> {
    let mut head = [0; HEAD_BYTES];
    read_padded(file, position, &mut head)?;
    let head = decode_head(&head).filter(|head| head.kind == Kind::Page);
    let head = head.ok_or(io::ErrorKind::InvalidData)?;
    if head.sectors() == Sectors::ALL && head.new_bytes() < PAGE {
        // The file ends within the page.
        buf.fill(0);
    }
    let (from, to) = (within as usize, within as usize + buf.len());
    for (start, range) in head.sectors().runs(head.new_bytes()) {
        let (first, last) = (start.max(from), (start + range.len()).min(to));
        if first < last {
            let place = position + (HEAD_BYTES + range.start + first - start) as u64;
            read_padded(file, place, &mut buf[first - from..last - from])?;
        }
    }
    Ok(())
}

/// A piece of the journal in memory.
#[derive(Debug)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
    length: u64,
}

impl Window {
    /// `count` bytes from `position`; fewer at the end of the file.
    fn get(&mut self, file: &dyn HostFile, position: u64, count: usize) -> io::Result<&[u8]> {
        let count = self.length.saturating_sub(position).min(count as u64);
        let held = self.start..self.start + self.bytes.len() as u64;
        if position < held.start || position + count > held.end {
            let fetch = (self.length - position.min(self.length)).min((WINDOW as u64).max(count));
            self.bytes.resize(fetch as usize, 0);
            self.start = position;
            read_padded(file, position, &mut self.bytes)?;
        }
        let from = (position - self.start) as usize;
        Ok(&self.bytes[from..from + count as usize])
    }
}
