//! Journals whose bytes were changed, with their checksums put right: for tests that are to get past those.

use super::format::{
    END_BODY, HEAD_BYTES as HEAD, HEADER_BYTES, SUM_BYTES as SUM, chain, checksum,
};

/// The kind of the last record.
const END: u32 = 3;

/// Puts the checksums of header and records right, and what the end says of them.
pub(crate) fn mend(bytes: &mut [u8]) {
    let Some(header) = bytes.get_mut(..HEADER_BYTES) else { return };
    let sum = checksum(&header[..HEADER_BYTES - SUM]);
    header[HEADER_BYTES - SUM..].copy_from_slice(&sum.to_le_bytes());
    let (mut at, mut count, mut sums) = (HEADER_BYTES, 0_u64, 0);
    loop {
        let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let Some((kind, length)) = word(at).zip(word(at + 4)) else { return };
        let Some(end) = (at + HEAD).checked_add(length as usize) else { return };
        let Some(record) = bytes.get_mut(at..end + SUM) else { return };
        let (body, tail) = record.split_at_mut(end - at);
        if kind == END && length as usize == END_BODY {
            body[HEAD..HEAD + 8].copy_from_slice(&count.to_le_bytes());
            body[HEAD + 8..].copy_from_slice(&u64::to_le_bytes(sums));
        }
        let sum = checksum(body);
        tail.copy_from_slice(&sum.to_le_bytes());
        (count, sums) = (count + 1, chain(sums, sum));
        at = end + SUM;
    }
}
