//! Blocks: the codes of one, and the bytes and matches in it.

use crate::{BitReader, Code, Damaged, copy_match};

/// Symbols of the code for lengths that do not fit the head.
const LENGTHS: usize = 249;
/// Shortest match.
const MATCH_MIN: usize = 2;
/// Bits behind a position slot, at most.
const BITS_MAX: u32 = 17;

/// How the bytes of a block are packed.
pub(crate) enum Block {
    Packed(Box<Codes>),
    Raw,
}

/// The codes of a block: bytes with heads of matches, lengths that do not fit those, the last bits of distances.
pub(crate) struct Codes {
    main: Code,
    lengths: Code,
    aligned: Option<Code>,
}

/// What stays from one block to the next.
pub(crate) struct State {
    /// Bits of the main code's symbols: bytes, and for each slot eight heads of a match length.
    main: Vec<u8>,
    lengths: [u8; LENGTHS],
    /// The distances used last.
    recent: [u32; 3],
}

impl State {
    /// The state before the first block, for a window with this many position slots.
    pub fn new(slots: usize) -> Self {
        Self { main: vec![0; 256 + 8 * slots], lengths: [0; LENGTHS], recent: [1; 3] }
    }

    /// Reads what stands before the bytes of a block of a kind.
    pub fn begin(&mut self, reader: &mut BitReader<'_>, kind: u16) -> Result<Block, Damaged> {
        match kind {
            1 | 2 => self.read_codes(reader, kind == 2),
            3 => {
                let raw = reader.raw(12).ok_or(Damaged("chunk cut short"))?;
                for (distance, bytes) in self.recent.iter_mut().zip(raw.as_chunks::<4>().0) {
                    *distance = u32::from_le_bytes(*bytes);
                }
                Ok(Block::Raw)
            }
            _ => Err(Damaged("block type")),
        }
    }

    fn read_codes(
        &mut self,
        reader: &mut BitReader<'_>,
        is_aligned: bool,
    ) -> Result<Block, Damaged> {
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
        Ok(Block::Packed(Box::new(Codes { main, lengths, aligned })))
    }

    /// Fills `out` from `done` to its end.
    pub fn fill(
        &mut self,
        block: &Block,
        reader: &mut BitReader<'_>,
        out: &mut [u8],
        mut done: usize,
    ) -> Result<(), Damaged> {
        let codes = match block {
            Block::Packed(codes) => codes,
            Block::Raw => {
                let rest = out.get_mut(done..).unwrap_or_default();
                let raw = reader.more_raw(rest.len()).ok_or(Damaged("chunk cut short"))?;
                rest.copy_from_slice(raw);
                return Ok(());
            }
        };
        while done < out.len() {
            let symbol = codes.main.read(reader)?;
            if let Ok(literal) = u8::try_from(symbol) {
                out[done] = literal;
                done += 1;
                continue;
            }
            let (slot, head) = (usize::from(symbol - 256) / 8, usize::from(symbol) % 8);
            let more = if head == 7 { usize::from(codes.lengths.read(reader)?) } else { 0 };
            let distance = self.distance(reader, slot, codes.aligned.as_ref())?;
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
    ) -> Result<usize, Damaged> {
        if slot < 3 {
            self.recent.swap(0, slot);
            return Ok(self.recent[0] as usize);
        }
        let (base, bits) = slot_range(slot);
        let low = match aligned {
            Some(code) if bits >= 3 => {
                u32::from(reader.take(bits - 3)) << 3 | u32::from(code.read(reader)?)
            }
            _ => {
                let high = bits.saturating_sub(16);
                let above = u32::from(reader.take(high)) << 16;
                above | u32::from(reader.take(bits - high))
            }
        };
        let distance = base + low - 2;
        self.recent = [distance, self.recent[0], self.recent[1]];
        Ok(distance as usize)
    }
}

/// The first number of a position slot, and the bits that follow: two slots for each count of bits, then all with the most.
fn slot_range(slot: usize) -> (u32, u32) {
    let slot = slot as u32;
    if slot < 4 {
        return (slot, 0);
    }
    let bits = slot / 2 - 1;
    if bits >= BITS_MAX {
        return ((slot - 2 * BITS_MAX) << BITS_MAX, BITS_MAX);
    }
    ((2 + slot % 2) << bits, bits)
}

/// Reads code lengths as differences from those that the block before had.
fn read_lengths(reader: &mut BitReader<'_>, lengths: &mut [u8]) -> Result<(), Damaged> {
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
                (run, if by > 16 { return Err(Damaged("code length")) } else { changed(old, by) })
            }
            by => (1, changed(old, by)),
        };
        let end = (at + usize::from(run)).min(lengths.len());
        lengths[at..end].fill(value);
        at = end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_follow_each_other() {
        let mut next = 0;
        for slot in 0..50 {
            let (base, bits) = slot_range(slot);
            assert_eq!(base, next, "{slot}");
            next = base + (1 << bits);
            let ends = [(29, 15), (31, 16), (33, 17), (35, 18), (37, 19), (41, 20), (49, 21)];
            let window = ends.iter().find(|(last, _)| *last == slot);
            assert!(window.is_none_or(|(_, bits)| next == 1 << bits), "{slot}");
        }
    }
}
