//! Encoding and decoding of single records.

use std::borrow::Cow;
use std::ops::Range;

use crc::{CRC_64_XZ, Crc, Table};

use super::early::SECTOR;
use crate::host::pages::{PAGE, PAGE_BYTES};

const MAGIC: &[u8; 8] = b"WKJRNL\r\n";
const VERSION: u32 = 4;
/// The version before, in which every record holds whole pages.
const WHOLE_PAGES: u32 = 3;
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
    pub(crate) sectors: Sectors,
    /// The new bytes of these sectors, at most a page.
    pub(crate) new: Vec<u8>,
    /// What the file held in them, up to its end; never longer than `new`.
    pub(crate) old: Vec<u8>,
}

impl PageWrite {
    /// Compares the page as it is now, read up to the end of the file, with what it was and is to be.
    ///
    /// A write cut short may stop between any two bytes, and a file made longer holds zeros first.
    pub(super) fn compare(&self, now: &[u8]) -> Progress {
        let mut progress = Progress::default();
        for (offset, new, old) in self.runs() {
            let now = now.get((offset - self.offset) as usize..).unwrap_or_default();
            for (at, new) in new.iter().enumerate() {
                let (old, now) = (old.get(at).unwrap_or(&0), now.get(at).unwrap_or(&0));
                progress.changed |= now == new && now != old;
                progress.foreign |= now != new && now != old;
            }
        }
        progress
    }

    /// The adjacent sectors with their offsets in the file: new bytes, and what the file held of the old ones.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (u64, &[u8], &[u8])> {
        self.sectors.runs(self.new.len()).map(|(within, range)| {
            let old = range.start.min(self.old.len())..range.end.min(self.old.len());
            (self.offset + within as u64, &self.new[range], &self.old[old])
        })
    }
}

/// The sectors of a page that a record holds, one bit each from the lowest on; none for the whole page, however long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sectors(u8);

impl Sectors {
    /// All of the page.
    pub(crate) const ALL: Self = Self(0);

    /// Those in which two pages differ.
    pub(crate) fn that_differ(new: &[u8], old: &[u8]) -> Self {
        let sectors = new.chunks(SECTOR).zip(old.chunks(SECTOR)).enumerate();
        let bits = sectors.map(|(at, (new, old))| u8::from(new != old) << at);
        let bits = bits.fold(0, |all, bit| all | bit);
        if bits == u8::MAX { Self::ALL } else { Self(bits) }
    }

    /// Bytes of new data that a record of these sectors has; `None` when any number up to a page will do.
    fn bytes(self) -> Option<usize> {
        (self != Self::ALL).then_some(self.0.count_ones() as usize * SECTOR)
    }

    /// Adjacent sectors: where in the page they begin, and where they are among the `length` bytes of a record.
    pub(crate) fn runs(self, length: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
        let mut left = u32::from(self.0);
        let mut at = 0;
        let mut whole = (self == Self::ALL).then_some((0, 0..length));
        std::iter::from_fn(move || {
            if let Some(whole) = whole.take() {
                return Some(whole);
            }
            let first = (left != 0).then_some(left.trailing_zeros())?;
            let count = (!(left >> first)).trailing_zeros();
            left &= !(((1 << count) - 1) << first);
            let start = at;
            at += count as usize * SECTOR;
            Some((first as usize * SECTOR, start..at))
        })
    }

    /// The bytes of these sectors of a page.
    pub(crate) fn of<'p>(self, page: &'p [u8]) -> Cow<'p, [u8]> {
        let Some(length) = self.bytes() else { return Cow::Borrowed(page) };
        let runs = self.runs(length);
        let parts: Vec<&[u8]> =
            runs.filter_map(|(within, range)| page.get(within..within + range.len())).collect();
        Cow::Owned(parts.concat())
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

/// Where `a` of a page says which sectors it holds; below are the bytes that the file held of them.
const SECTORS_SHIFT: u32 = 24;

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

    /// Bytes of a page up to the last new one.
    pub(super) fn page_end(&self) -> usize {
        let runs = self.sectors().runs(self.new_bytes());
        runs.map(|(within, range)| within + range.len()).max().unwrap_or(0)
    }

    /// The sectors of a page.
    pub(super) fn sectors(&self) -> Sectors {
        Sectors((self.a >> SECTORS_SHIFT) as u8)
    }

    /// Bytes of a page that the file held.
    fn held(&self) -> usize {
        (self.a & ((1 << SECTORS_SHIFT) - 1)) as usize
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
        (VERSION | WHOLE_PAGES, page) if page as usize == PAGE => Header::Ours(u64_at(bytes, 16)),
        (VERSION | WHOLE_PAGES, _) => Header::Torn,
        (version, _) => Header::Version(version),
    }
}

/// Appends the record of these sectors of one page to `bytes`; returns its checksum.
pub(super) fn encode_page(
    offset: u64,
    sectors: Sectors,
    (new, old): (&[u8], &[u8]),
    bytes: &mut Vec<u8>,
) -> u64 {
    let zero = old.iter().all(|byte| *byte == 0);
    let stored: &[u8] = if zero { &[] } else { old };
    let a = u32::from(sectors.0) << SECTORS_SHIFT | old.len() as u32;
    encode(Kind::Page, offset, a, stored.len() as u32, &[new, stored], bytes)
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
    let (body, held, stored) = (body as usize, head.held(), b as usize);
    let sane = match kind {
        Kind::Page => {
            let new = body.checked_sub(stored)?;
            new > 0
                && new <= PAGE
                && head.sectors().bytes().is_none_or(|bytes| new == bytes && held == bytes)
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
    old.resize(head.held(), 0);
    PageWrite { offset: head.offset, sectors: head.sectors(), new: new.to_vec(), old }
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
        let sectors = Sectors::ALL;
        let page = PageWrite { offset: 0, sectors, new: vec![2; PAGE], old: vec![1; PAGE] };
        let seen = |changed, foreign| Progress { changed, foreign };
        assert_eq!(page.compare(&page.old), seen(false, false), "untouched");
        assert_eq!(page.compare(&page.new), seen(true, false), "done");
        let torn = [vec![2; 1001], vec![1; PAGE - 1001]].concat();
        assert_eq!(page.compare(&torn), seen(true, false), "torn");
        let foreign = [vec![2; 1001], vec![7], vec![1; PAGE - 1002]].concat();
        assert_eq!(page.compare(&foreign), seen(true, true), "foreign");
        let grown = PageWrite { offset: 0, sectors, new: vec![2; PAGE], old: Vec::new() };
        assert_eq!(grown.compare(&[]), seen(false, false), "not yet grown");
        assert_eq!(grown.compare(&[2; 513]), seen(true, false), "grown in part");
        assert_eq!(grown.compare(&[0; PAGE]), seen(false, false), "grown, not written");
    }

    #[test]
    fn sectors_of_a_page() {
        let old: Vec<u8> = (0..PAGE).map(|at| (at / 7) as u8).collect();
        let mut new = old.clone();
        for at in [0, 511, 1024, 1600, 4095] {
            new[at] ^= 1;
        }
        let sectors = Sectors::that_differ(&new, &old);
        let mut bytes = Vec::new();
        encode_page(8192, sectors, (&sectors.of(&new), &sectors.of(&old)), &mut bytes);
        assert_eq!(bytes.len(), HEAD_BYTES + 2 * 4 * SECTOR + SUM_BYTES);
        let head = decode_head(&bytes).unwrap();
        let (body, _) = decode_body(&head, &bytes).unwrap();
        let page = page_of(&head, body);
        assert_eq!((page.sectors, head.page_end()), (sectors, PAGE));
        let runs: Vec<(u64, usize)> =
            page.runs().map(|(offset, new, old)| (offset, new.len().min(old.len()))).collect();
        assert_eq!(runs, [(8192, 512), (8192 + 1024, 1024), (8192 + 3584, 512)]);
        let mut written = old.clone();
        for (offset, new, before) in page.runs() {
            let at = (offset - 8192) as usize;
            assert_eq!(before, &old[at..at + before.len()]);
            written[at..at + new.len()].copy_from_slice(new);
        }
        assert!(written == new);
        assert_eq!(page.compare(&old), Progress { changed: false, foreign: false });
        assert_eq!(page.compare(&new), Progress { changed: true, foreign: false });
        // A sector that is not in the record is nobody's business here.
        let mut other = old.clone();
        other[600] ^= 1;
        assert_eq!(page.compare(&other), Progress { changed: false, foreign: false });
        other[1024] ^= 2;
        assert_eq!(page.compare(&other), Progress { changed: false, foreign: true });
        let all: Vec<u8> = old.iter().map(|byte| !byte).collect();
        assert_eq!(Sectors::that_differ(&all, &old), Sectors::ALL);
        // New bytes that are not those of the sectors.
        bytes[4..8].copy_from_slice(&(2 * 3 * SECTOR as u32).to_le_bytes());
        assert_eq!(decode_head(&bytes), None);
    }
}
