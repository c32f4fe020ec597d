//! Encoding and decoding.

use crc::{CRC_64_XZ, Crc, Table};

use crate::host::pages::{PAGE, PAGE_BYTES};

const MAGIC: &[u8; 8] = b"WKJRNL\r\n";
const END_MAGIC: &[u8; 8] = b"WKJRNEND";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 48;
const RECORD_HEAD_BYTES: usize = 24;
const END_BYTES: usize = 24;
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
    pub(crate) fn compare(&self, now: &[u8]) -> Progress {
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
pub(crate) struct Progress {
    /// Some byte is the new one and differs from the old one.
    pub(crate) changed: bool,
    /// Some byte is neither: somebody else wrote it.
    pub(crate) foreign: bool,
}

/// A commit as the journal describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Journal {
    /// Length of the image file before and after.
    pub(crate) length_before: u64,
    pub(crate) length_after: u64,
    /// Pages in the order of their offsets.
    pub(crate) pages: Vec<PageWrite>,
}

/// What decoding found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// Header, every record and the end mark are there and right.
    Complete(Journal),
    /// Cut short or damaged; holds the records before the damage.
    Incomplete(Journal),
    /// A journal of a version this program does not know.
    Version(u32),
    /// Not a journal at all, although not empty.
    Foreign,
}

/// Encodes the header of a journal.
pub(super) fn encode_header(before: u64, after: u64, count: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(PAGE as u32).to_le_bytes());
    bytes.extend_from_slice(&before.to_le_bytes());
    bytes.extend_from_slice(&after.to_le_bytes());
    bytes.extend_from_slice(&count.to_le_bytes());
    bytes.extend_from_slice(&CRC.checksum(&bytes).to_le_bytes());
    bytes
}

/// Appends the record of one page to `bytes` and its checksum to `sums`.
pub(super) fn encode_record(page: &PageWrite, bytes: &mut Vec<u8>, sums: &mut Vec<u8>) {
    let start = bytes.len();
    let zero = page.old.iter().all(|byte| *byte == 0);
    let stored: &[u8] = if zero { &[] } else { &page.old };
    bytes.extend_from_slice(&page.offset.to_le_bytes());
    for length in [page.new.len(), page.old.len(), stored.len(), 0] {
        bytes.extend_from_slice(&(length as u32).to_le_bytes());
    }
    bytes.extend_from_slice(&page.new);
    bytes.extend_from_slice(stored);
    let sum = CRC.checksum(&bytes[start..]).to_le_bytes();
    bytes.extend_from_slice(&sum);
    sums.extend_from_slice(&sum);
}

/// Encodes the end mark.
pub(super) fn encode_end(count: u64, sums: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(END_BYTES);
    bytes.extend_from_slice(END_MAGIC);
    bytes.extend_from_slice(&count.to_le_bytes());
    bytes.extend_from_slice(&CRC.checksum(sums).to_le_bytes());
    bytes
}

/// Decodes a whole journal file.
pub(crate) fn decode(bytes: &[u8]) -> Decoded {
    let mut journal = Journal::default();
    if bytes.len() < HEADER_BYTES {
        return Decoded::Incomplete(journal);
    }
    if !bytes.starts_with(MAGIC) {
        let blank = bytes[..HEADER_BYTES].iter().all(|byte| *byte == 0);
        return if blank { Decoded::Incomplete(journal) } else { Decoded::Foreign };
    }
    if u64_at(bytes, 40) != Some(CRC.checksum(&bytes[..40])) {
        return Decoded::Incomplete(journal);
    }
    match (u32_at(bytes, 8), u32_at(bytes, 12)) {
        (Some(VERSION), Some(page)) if page as usize == PAGE => {}
        (Some(version), _) => return Decoded::Version(version),
        _ => return Decoded::Incomplete(journal),
    }
    journal.length_before = u64_at(bytes, 16).unwrap_or_default();
    journal.length_after = u64_at(bytes, 24).unwrap_or_default();
    let count = u64_at(bytes, 32).unwrap_or_default();
    let mut sums = Vec::new();
    let mut position = HEADER_BYTES;
    let mut next_offset = 0;
    for _ in 0..count {
        let Some((page, sum, length)) = decode_record(&bytes[position..]) else {
            return Decoded::Incomplete(journal);
        };
        let end = page.offset.checked_add(page.new.len() as u64);
        let in_file = end.is_some_and(|end| end <= journal.length_after);
        if page.offset < next_offset || page.offset % PAGE_BYTES != 0 || !in_file {
            return Decoded::Incomplete(journal);
        }
        next_offset = page.offset + PAGE_BYTES;
        sums.extend_from_slice(&sum.to_le_bytes());
        journal.pages.push(page);
        position += length;
    }
    if bytes[position..] == encode_end(count, &sums) {
        Decoded::Complete(journal)
    } else {
        Decoded::Incomplete(journal)
    }
}

/// Decodes the record at the start of `bytes`; also its checksum and its length.
fn decode_record(bytes: &[u8]) -> Option<(PageWrite, u64, usize)> {
    let offset = u64_at(bytes, 0)?;
    let [length, old_length, stored] = [8, 12, 16].map(|at| u32_at(bytes, at));
    let (length, old_length, stored) = (length? as usize, old_length? as usize, stored? as usize);
    if length == 0 || length > PAGE || old_length > length || (stored != 0 && stored != old_length)
    {
        return None;
    }
    let middle = RECORD_HEAD_BYTES + length;
    let end = middle + stored;
    let new = bytes.get(RECORD_HEAD_BYTES..middle)?.to_vec();
    let mut old = bytes.get(middle..end)?.to_vec();
    old.resize(old_length, 0);
    let sum = u64_at(bytes, end)?;
    if sum != CRC.checksum(&bytes[..end]) {
        return None;
    }
    Some((PageWrite { offset, new, old }, sum, end + 8))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Vec<u8>, Journal) {
        let pages = vec![
            PageWrite { offset: 0, new: vec![1; PAGE], old: vec![0; PAGE] },
            PageWrite { offset: 2 * PAGE_BYTES, new: vec![2; PAGE], old: vec![3; 700] },
            PageWrite { offset: 9 * PAGE_BYTES, new: vec![4; 10], old: Vec::new() },
        ];
        let mut bytes = encode_header(9000, 9 * PAGE_BYTES + 10, 3);
        let mut sums = Vec::new();
        for page in &pages {
            encode_record(page, &mut bytes, &mut sums);
        }
        bytes.extend(encode_end(3, &sums));
        (bytes, Journal { length_before: 9000, length_after: 9 * PAGE_BYTES + 10, pages })
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let (bytes, journal) = sample();
        assert_eq!(decode(&bytes), Decoded::Complete(journal));
    }

    #[test]
    fn every_cut_is_incomplete() {
        let (bytes, _) = sample();
        for length in 0..bytes.len() {
            assert!(matches!(decode(&bytes[..length]), Decoded::Incomplete(_)), "cut at {length}");
        }
    }

    #[test]
    fn no_flipped_bit_passes() {
        let (bytes, _) = sample();
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x10;
            assert!(!matches!(decode(&bytes), Decoded::Complete(_)), "byte {at}");
        }
    }

    #[test]
    fn a_longer_file_is_not_complete() {
        let (mut bytes, _) = sample();
        bytes.push(0);
        assert!(matches!(decode(&bytes), Decoded::Incomplete(_)));
    }

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
