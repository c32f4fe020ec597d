//! Canonical Huffman codes, given by the length of each symbol's code.
//!
//! Source: [MS-XCA] 2.2.4 and [MS-PATCH] 2.3.3, which build them alike: shorter codes first, then by symbol.

use crate::BitReader;
use crate::Damaged;

/// Longest code in bits.
const BITS_MAX: usize = 16;
/// Codes up to this many bits are found by one look into a table.
const FAST_BITS: usize = 10;

/// A code to read symbols with.
pub struct Code {
    /// By the first [`FAST_BITS`] bits: the symbol times 16, and the bits of its code; 0 for a longer one.
    fast: [u16; 1 << FAST_BITS],
    /// Symbols by length of their code, then by value.
    symbols: Vec<u16>,
    /// For each length: its first code, how many there are, where their symbols start.
    lengths: [(u32, u32, usize); BITS_MAX + 1],
}

impl Code {
    /// Builds a code from the bits of each symbol's code; 0 for a symbol without. No symbol at all is a code that reads nothing.
    pub fn new(bits: &[u8]) -> Result<Self, Damaged> {
        let mut lengths = [(0u32, 0u32, 0usize); BITS_MAX + 1];
        for bits in bits.iter().filter(|bits| **bits > 0) {
            lengths.get_mut(usize::from(*bits)).ok_or(Damaged("code length"))?.1 += 1;
        }
        let (mut next, mut start) = (0u32, 0usize);
        for (length, entry) in lengths.iter_mut().enumerate().skip(1) {
            next <<= 1;
            *entry = (next, entry.1, start);
            next += entry.1;
            start += entry.1 as usize;
            if next > 1 << length {
                return Err(Damaged("code lengths overlap"));
            }
        }
        if start > 0 && next != 1 << BITS_MAX {
            return Err(Damaged("code lengths leave gaps"));
        }
        let mut symbols = Vec::with_capacity(start);
        let mut fast = [0; 1 << FAST_BITS];
        for (length, (first, ..)) in lengths.iter().enumerate().skip(1) {
            let of_length = bits.iter().zip(0u16..).filter(|(b, _)| usize::from(**b) == length);
            for (code, (_, symbol)) in (*first as usize..).zip(of_length) {
                symbols.push(symbol);
                if let Some(wide) = FAST_BITS.checked_sub(length) {
                    fast[code << wide..(code + 1) << wide].fill(symbol << 4 | length as u16);
                }
            }
        }
        Ok(Self { fast, symbols, lengths })
    }

    /// Reads a symbol.
    pub fn read(&self, reader: &mut BitReader<'_>) -> Result<u16, Damaged> {
        let bits = reader.peek();
        let entry = self.fast[usize::from(bits) >> (16 - FAST_BITS)];
        if entry != 0 {
            reader.skip(u32::from(entry & 15));
            return Ok(entry >> 4);
        }
        for (length, (first, count, start)) in self.lengths.iter().enumerate().skip(FAST_BITS + 1) {
            let code = u32::from(bits) >> (BITS_MAX - length);
            if let Some(at) = code.checked_sub(*first).filter(|at| at < count)
                && let Some(symbol) = self.symbols.get(start + at as usize)
            {
                reader.skip(length as u32);
                return Ok(*symbol);
            }
        }
        Err(Damaged("no such code"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_complete_or_refused() {
        let check = |bits: &[u8], fine| assert_eq!(Code::new(bits).is_ok(), fine, "{bits:?}");
        check(&[0; 249], true);
        check(&[1, 1], true);
        check(&[0, 2, 1, 2], true);
        check(&[1], false);
        check(&[1, 1, 1], false);
        check(&[17, 1, 1], false);
        let mut longest: Vec<u8> = (1..=16).collect();
        check(&longest, false);
        longest.push(16);
        check(&longest, true);
        let code = Code::new(&longest).expect("a code");
        // Sixteen ones, fifteen ones and a zero, a zero.
        let mut reader = BitReader::new(&[0xff, 0xff, 0xfe, 0xff, 0, 0, 0, 0]);
        let symbols: Vec<u16> = (0..3).filter_map(|_| code.read(&mut reader).ok()).collect();
        assert_eq!(symbols, [16, 15, 0]);
        assert!(Code::new(&[]).is_ok_and(|code| code.read(&mut reader).is_err()));
    }
}
