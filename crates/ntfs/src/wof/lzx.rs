//! LZX decompression of one chunk with a window of 32 KiB, as it is used in Windows images: every chunk starts anew, the length of
//! a block is 16 bits or left out, and calls are always translated back.
//!
//! Source: [MS-PATCH] 2.1 to 2.4 and "Microsoft LZX Data Compression Format" (1997); for what differs, "LZX compression format
//! details" of wimlib's documentation.

use super::bit_reader::BitReader;
use super::huffman::Code;
use super::{BadChunk, copy_match};

/// Position slots of the window.
const SLOTS: usize = 30;
/// Symbols of the main code: bytes, and for each slot eight heads of a match length.
const MAIN: usize = 256 + 8 * SLOTS;
/// Symbols of the code for lengths that do not fit the head.
const LENGTHS: usize = 249;
/// Shortest match.
const MATCH_MIN: usize = 2;
/// Bytes in a block that does not say its length.
const BLOCK: usize = 32768;
/// The file size that calls were translated with.
const CALL_SIZE: i32 = 12_000_000;

/// What stays from one block of a chunk to the next.
struct State {
    main: [u8; MAIN],
    lengths: [u8; LENGTHS],
    /// The distances used last.
    recent: [u32; 3],
}

/// Fills `out` from one chunk.
pub(crate) fn decompress(chunk: &[u8], out: &mut [u8]) -> Result<(), BadChunk> {
    let mut reader = BitReader::new(chunk);
    let mut state = State { main: [0; MAIN], lengths: [0; LENGTHS], recent: [1; 3] };
    let mut done = 0;
    while done < out.len() {
        let kind = reader.take(3);
        let size = if reader.take(1) == 1 { BLOCK } else { usize::from(reader.take(16)) };
        let end = done.checked_add(size).filter(|end| size > 0 && *end <= out.len());
        let block = out.get_mut(..end.ok_or(BadChunk("block length"))?).unwrap_or_default();
        match kind {
            1 | 2 => state.packed_block(&mut reader, block, done, kind == 2)?,
            3 => state.raw_block(&mut reader, &mut block[done..])?,
            _ => return Err(BadChunk("block type")),
        }
        done = block.len();
    }
    if reader.is_past_end() {
        return Err(BadChunk("chunk cut short"));
    }
    translate_calls(out);
    Ok(())
}

impl State {
    /// An uncompressed block: the recent distances, then bytes.
    fn raw_block(&mut self, reader: &mut BitReader<'_>, out: &mut [u8]) -> Result<(), BadChunk> {
        let raw = reader.raw(12 + out.len()).ok_or(BadChunk("chunk cut short"))?;
        let (recent, bytes) = raw.split_at(12);
        for (distance, bytes) in self.recent.iter_mut().zip(recent.as_chunks::<4>().0) {
            *distance = u32::from_le_bytes(*bytes);
        }
        out.copy_from_slice(bytes);
        Ok(())
    }

    /// A block of bytes and matches, from `done` to the end of `out`.
    fn packed_block(
        &mut self,
        reader: &mut BitReader<'_>,
        out: &mut [u8],
        mut done: usize,
        is_aligned: bool,
    ) -> Result<(), BadChunk> {
        let mut aligned = None;
        if is_aligned {
            let lengths: [u8; 8] = std::array::from_fn(|_| reader.take(3) as u8);
            aligned = Some(Code::new(&lengths)?);
        }
        let (bytes, matches) = self.main.split_at_mut(256);
        read_lengths(reader, bytes)?;
        read_lengths(reader, matches)?;
        read_lengths(reader, &mut self.lengths)?;
        let (main, lengths) = (Code::new(&self.main)?, Code::new(&self.lengths)?);
        while done < out.len() {
            let symbol = main.read(reader)?;
            if let Ok(literal) = u8::try_from(symbol) {
                out[done] = literal;
                done += 1;
                continue;
            }
            let (slot, head) = (usize::from(symbol - 256) / 8, usize::from(symbol) % 8);
            let more = if head == 7 { usize::from(lengths.read(reader)?) } else { 0 };
            let distance = self.distance(reader, slot, aligned.as_ref())?;
            done = copy_match(out, done, distance, head + more + MATCH_MIN)?;
        }
        Ok(())
    }

    /// The distance of a match: one of the recent ones, which moves to the front, or a new one.
    fn distance(
        &mut self,
        reader: &mut BitReader<'_>,
        slot: usize,
        aligned: Option<&Code>,
    ) -> Result<usize, BadChunk> {
        if slot < 3 {
            self.recent.swap(0, slot);
            return Ok(self.recent[0] as usize);
        }
        let (base, bits) = slot_range(slot);
        let low = match aligned {
            Some(code) if bits >= 3 => {
                u32::from(reader.take(bits - 3)) << 3 | u32::from(code.read(reader)?)
            }
            _ => u32::from(reader.take(bits)),
        };
        let distance = base + low - 2;
        self.recent = [distance, self.recent[0], self.recent[1]];
        Ok(distance as usize)
    }
}

/// The first number of a position slot, and the bits that follow: two slots for each count of bits.
fn slot_range(slot: usize) -> (u32, u32) {
    if slot < 4 {
        return (slot as u32, 0);
    }
    let bits = slot as u32 / 2 - 1;
    ((2 + slot as u32 % 2) << bits, bits)
}

/// Reads code lengths as differences from those that the block before had.
fn read_lengths(reader: &mut BitReader<'_>, lengths: &mut [u8]) -> Result<(), BadChunk> {
    let bits: [u8; 20] = std::array::from_fn(|_| reader.take(4) as u8);
    let code = Code::new(&bits)?;
    let changed = |old: u8, by: u16| (u16::from(old) + 17 - by) as u8 % 17;
    let mut at = 0;
    while at < lengths.len() {
        let old = lengths[at];
        let (run, value) = match code.read(reader)? {
            17 => (4 + reader.take(4), 0),
            18 => (20 + reader.take(5), 0),
            19 => {
                let run = 4 + reader.take(1);
                let by = code.read(reader)?;
                (run, if by > 16 { return Err(BadChunk("code length")) } else { changed(old, by) })
            }
            by => (1, changed(old, by)),
        };
        let end = (at + usize::from(run)).min(lengths.len());
        lengths[at..end].fill(value);
        at = end;
    }
    Ok(())
}

/// Makes the targets of calls (0xE8) relative again.
fn translate_calls(out: &mut [u8]) {
    let end = out.len().saturating_sub(10);
    let mut at = 0;
    while at < end {
        if out[at] != 0xe8 {
            at += 1;
            continue;
        }
        if let Some(field) = out.get_mut(at + 1..).and_then(<[u8]>::first_chunk_mut::<4>) {
            let (target, place) = (i32::from_le_bytes(*field), at as i32);
            if (0..CALL_SIZE).contains(&target) {
                *field = (target - place).to_le_bytes();
            } else if (-place..0).contains(&target) {
                *field = (target + CALL_SIZE).to_le_bytes();
            }
        }
        at += 5;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_follow_each_other() {
        let mut next = 0;
        for slot in 0..SLOTS {
            let (base, bits) = slot_range(slot);
            assert_eq!(base, next, "{slot}");
            next = base + (1 << bits);
        }
        assert_eq!(next, 32768);
    }

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
        assert_eq!(decompress(&chunk, &mut out), Ok(()));
        assert_eq!(&out, b"abcde");
        assert!(decompress(&chunk, &mut [0; 4]).is_err(), "a block past the end");
        assert!(decompress(&chunk[..chunk.len() - 1], &mut out).is_err(), "cut short");
    }

    #[test]
    fn calls_become_relative() {
        let mut code = vec![0x90; 40];
        code[0] = 0xe8;
        code[1..5].copy_from_slice(&100i32.to_le_bytes());
        code[10] = 0xe8;
        code[11..15].copy_from_slice(&(-10i32).to_le_bytes());
        code[20] = 0xe8;
        code[21..25].copy_from_slice(&CALL_SIZE.to_le_bytes());
        code[30] = 0xe8;
        translate_calls(&mut code);
        let field = |at: usize| code[at..].first_chunk().copied().map(i32::from_le_bytes);
        assert_eq!(field(1), Some(100));
        assert_eq!(field(11), Some(CALL_SIZE - 10));
        assert_eq!(field(21), Some(CALL_SIZE), "too far to be a target");
        assert_eq!(code[31..35], [0x90; 4], "the last ten bytes stay");
    }
}
