//! A chunk of a Windows image: it starts anew, the length of a block is 16 bits or left out, and calls are always translated back.
//!
//! Source: what differs from [MS-PATCH] is in "LZX compression format details" of wimlib's documentation.

use crate::block::State;
use crate::{BitReader, Damaged, calls};

/// Position slots of the window of 32 KiB.
const SLOTS: usize = 30;
/// Bytes in a block that does not say its length.
const BLOCK: usize = 32768;
/// The file size that calls were translated with.
const CALL_SIZE: i32 = 12_000_000;

/// Fills `out` from one chunk with a window of 32 KiB.
///
/// # Errors
/// Damage.
pub fn unpack_chunk(chunk: &[u8], out: &mut [u8]) -> Result<(), Damaged> {
    let mut reader = BitReader::new(chunk);
    let mut state = State::new(SLOTS);
    let mut done = 0;
    while done < out.len() {
        let kind = reader.take(3);
        let size = if reader.take(1) == 1 { BLOCK } else { usize::from(reader.take(16)) };
        let end = done.checked_add(size).filter(|end| size > 0 && *end <= out.len());
        let end = end.ok_or(Damaged("block length"))?;
        let block = state.begin(&mut reader, kind)?;
        state.fill(&block, &mut reader, &mut out[..end], done)?;
        if kind == 3 {
            reader.end_raw(size);
        }
        done = end;
    }
    if reader.is_past_end() {
        return Err(Damaged("chunk cut short"));
    }
    calls::translate(out, 0, CALL_SIZE);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uncompressed blocks of an odd and an even length, one behind the other; a distance that leads nowhere does no harm there.
    #[test]
    fn raw_blocks_are_taken_as_they_are() {
        // Type 3 (three bits), a length (a zero bit and 16 bits), padding to a whole word.
        let head = |size: u16| {
            let bits = 0b0110u32 << 28 | u32::from(size) << 12;
            [(bits >> 16) as u16, bits as u16].map(u16::to_le_bytes).concat()
        };
        let mut chunk = head(3);
        chunk.extend_from_slice(&[1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, b'a', b'b', b'c', 0]);
        chunk.extend_from_slice(&head(2));
        chunk.extend_from_slice(&[0; 12]);
        chunk.extend_from_slice(b"de");
        let mut out = [0; 5];
        assert_eq!(unpack_chunk(&chunk, &mut out), Ok(()));
        assert_eq!(&out, b"abcde");
        assert!(unpack_chunk(&chunk, &mut [0; 4]).is_err(), "a block past the end");
        assert!(unpack_chunk(&chunk[..chunk.len() - 1], &mut out).is_err(), "cut short");
    }
}
