//! Encoding and decoding of single records.

use crc::{CRC_64_XZ, Crc, Table};

use super::early::SECTOR;
use crate::host::pages::{PAGE, PAGE_BYTES};

const MAGIC: &[u8; 8] = b"WKJRNL\r\n";
const VERSION: u32 = 3;
pub(super) const HEADER_BYTES: usize = 48;
/// Bytes of a record before its body.
pub(super) const HEAD_BYTES: usize = 24;
pub(super) const SUM_BYTES: usize = 8;
/// The most bytes of an image that one early record covers.
pub(crate) const MAX_EARLY: u64 = 16 << 20;
const MAX_BODY: usize = MAX_EARLY as usize / SECTOR * 4;
pub(super) const END_BODY: usize = 16;
static CRC: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);

/// One page of the image file: the bytes to be written and those they replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageWrite {
    /// Offset of the page in the file.
    pub(crate) offset: u64,
    /// The new bytes, at most a page.
    pub(crate) new: Vec<u8>,
    /// What the file held in the page, up to its end; never longer than `new`.
    pub(crate) old: Vec<u8>,
}

impl PageWrite {
    /// Compares the page as it is now, read up to the end of the file, with what it was and is to be.
    ///
    /// A write cut short may stop between any two bytes, and a file made longer holds zeros first.
    pub(super) fn compare(&self, now: &[u8]) -> Progress {
        let mut progress = Progress::default();
        for (index, new) in self.new.iter().enumerate() {
            let old = self.old.get(index).unwrap_or(&0);
            let now = now.get(index).unwrap_or(&0);
            progress.changed |= now == new && now != old;
            progress.foreign |= now != new && now != old;
        }
        progress
    }
}

/// How far a page got on its way from old to new bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Some byte is the new one and differs from the old one.
    pub(super) changed: bool,
    /// Some byte is neither: somebody else wrote it.
    pub(super) foreign: bool,
}

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// Length of the image file before.
    Ours(u64),
    /// Cut short, damaged or never written.
    Torn,
    Version(u32),
    /// Not a journal at all, although not empty.
    Foreign,
}

/// The first bytes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) offset: u64,
    body: usize,
    a: u32,
    b: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Page = 1,
    Early = 2,
    End = 3,
    Gone = 4,
}

impl Head {
    /// Bytes of the whole record.
    pub(super) fn record_bytes(&self) -> usize {
        HEAD_BYTES + self.body + SUM_BYTES
    }

    /// New bytes of a page.
    pub(super) fn new_bytes(&self) -> usize {
        self.body - self.b as usize
    }

    /// True when the range of an early record was a hole, or that of a gone record is to be one.
    pub(super) fn hole(&self) -> bool {
        self.a == 1
    }

    /// Bytes that an early or gone record covers.
    pub(super) fn covered_bytes(&self) -> u64 {
        (self.body / 4 * SECTOR) as u64
    }
}

/// Encodes the header of a journal.
pub(super) fn encode_header(before: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(PAGE as u32).to_le_bytes());
    bytes.extend_from_slice(&before.to_le_bytes());
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(&CRC.checksum(&bytes).to_le_bytes());
    bytes
}

/// Decodes the header of a journal.
pub(super) fn decode_header(bytes: &[u8]) -> Header {
    let Some(bytes) = bytes.get(..HEADER_BYTES) else { return Header::Torn };
    if !bytes.starts_with(MAGIC) {
        return if bytes.iter().all(|byte| *byte == 0) { Header::Torn } else { Header::Foreign };
    }
    if u64_at(bytes, 40) != CRC.checksum(&bytes[..40]) {
        return Header::Torn;
    }
    match (u32_at(bytes, 8), u32_at(bytes, 12)) {
        (VERSION, page) if page as usize == PAGE => Header::Ours(u64_at(bytes, 16)),
        (VERSION, _) => Header::Torn,
        (version, _) => Header::Version(version),
    }
}

/// Appends the record of one page to `bytes`; returns its checksum.
pub(super) fn encode_page(offset: u64, new: &[u8], old: &[u8], bytes: &mut Vec<u8>) -> u64 {
    let zero = old.iter().all(|byte| *byte == 0);
    let stored: &[u8] = if zero { &[] } else { old };
    encode(Kind::Page, offset, old.len() as u32, stored.len() as u32, &[new, stored], bytes)
}

/// Appends the record of bytes about to be written ahead of the commit; returns its checksum.
pub(super) fn encode_early(offset: u64, hole: bool, sectors: &[u8], bytes: &mut Vec<u8>) -> u64 {
    encode(Kind::Early, offset, u32::from(hole), 0, &[sectors], bytes)
}

/// Appends the record of bytes that are to be zeros; returns its checksum.
pub(super) fn encode_gone(offset: u64, hole: bool, sectors: &[u8], bytes: &mut Vec<u8>) -> u64 {
    encode(Kind::Gone, offset, u32::from(hole), 0, &[sectors], bytes)
}

/// Appends the record that ends a journal of `count` records.
pub(super) fn encode_end(after: u64, count: u64, chain: u64, bytes: &mut Vec<u8>) {
    encode(Kind::End, after, 0, 0, &[&count.to_le_bytes(), &chain.to_le_bytes()], bytes);
}

/// Count and chained checksum that an end record holds.
pub(super) fn decode_end(body: &[u8]) -> (u64, u64) {
    (u64_at(body, 0), u64_at(body, 8))
}

/// The checksum over all record checksums so far and the next.
pub(super) fn chain(so_far: u64, sum: u64) -> u64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&so_far.to_le_bytes());
    bytes[8..].copy_from_slice(&sum.to_le_bytes());
    CRC.checksum(&bytes)
}

fn encode(kind: Kind, offset: u64, a: u32, b: u32, body: &[&[u8]], bytes: &mut Vec<u8>) -> u64 {
    let start = bytes.len();
    let length: usize = body.iter().map(|part| part.len()).sum();
    bytes.extend_from_slice(&(kind as u32).to_le_bytes());
    bytes.extend_from_slice(&(length as u32).to_le_bytes());
    bytes.extend_from_slice(&offset.to_le_bytes());
    bytes.extend_from_slice(&a.to_le_bytes());
    bytes.extend_from_slice(&b.to_le_bytes());
    for part in body {
        bytes.extend_from_slice(part);
    }
    let sum = CRC.checksum(&bytes[start..]);
    bytes.extend_from_slice(&sum.to_le_bytes());
    sum
}

/// Decodes the first bytes of a record and checks that they make sense. They are not proven right before
/// [`decode_body`] has seen all of the record.
pub(super) fn decode_head(bytes: &[u8]) -> Option<Head> {
    let bytes = bytes.get(..HEAD_BYTES)?;
    let kind = match u32_at(bytes, 0) {
        1 => Kind::Page,
        2 => Kind::Early,
        3 => Kind::End,
        4 => Kind::Gone,
        _ => return None,
    };
    let [body, a, b] = [4, 16, 20].map(|at| u32_at(bytes, at));
    let head = Head { kind, offset: u64_at(bytes, 8), body: body as usize, a, b };
    let (body, held, stored) = (body as usize, a as usize, b as usize);
    let sane = match kind {
        Kind::Page => {
            let new = body.checked_sub(stored)?;
            new > 0
                && new <= PAGE
                && held <= new
                && (stored == 0 || stored == held)
                && head.offset.is_multiple_of(PAGE_BYTES)
        }
        Kind::Early | Kind::Gone => {
            body > 0
                && body.is_multiple_of(4)
                && body <= MAX_BODY
                && head.offset.is_multiple_of(SECTOR as u64)
        }
        Kind::End => body == END_BODY,
    };
    let ends = head.offset.checked_add(MAX_EARLY).is_some();
    (sane && ends).then_some(head)
}

/// Checks a whole record; returns its body and its checksum.
pub(super) fn decode_body<'a>(head: &Head, bytes: &'a [u8]) -> Option<(&'a [u8], u64)> {
    let end = HEAD_BYTES + head.body;
    let bytes = bytes.get(..end + SUM_BYTES)?;
    let sum = u64_at(bytes, end);
    (sum == CRC.checksum(&bytes[..end])).then_some((&bytes[HEAD_BYTES..end], sum))
}

/// The checksum of a header or a record.
#[cfg(any(test, feature = "simulated"))]
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    CRC.checksum(bytes)
}

/// The page that a record of one holds.
pub(super) fn page_of(head: &Head, body: &[u8]) -> PageWrite {
    let (new, stored) = body.split_at(head.new_bytes());
    let mut old = stored.to_vec();
    old.resize(head.a as usize, 0);
    PageWrite { offset: head.offset, new: new.to_vec(), old }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_of_a_page() {
        let page = PageWrite { offset: 0, new: vec![2; PAGE], old: vec![1; PAGE] };
        let seen = |changed, foreign| Progress { changed, foreign };
        assert_eq!(page.compare(&page.old), seen(false, false), "untouched");
        assert_eq!(page.compare(&page.new), seen(true, false), "done");
        let torn = [vec![2; 1001], vec![1; PAGE - 1001]].concat();
        assert_eq!(page.compare(&torn), seen(true, false), "torn");
        let foreign = [vec![2; 1001], vec![7], vec![1; PAGE - 1002]].concat();
        assert_eq!(page.compare(&foreign), seen(true, true), "foreign");
        let grown = PageWrite { offset: 0, new: vec![2; PAGE], old: Vec::new() };
        assert_eq!(grown.compare(&[]), seen(false, false), "not yet grown");
        assert_eq!(grown.compare(&[2; 513]), seen(true, false), "grown in part");
        assert_eq!(grown.compare(&[0; PAGE]), seen(false, false), "grown, not written");
    }
}
