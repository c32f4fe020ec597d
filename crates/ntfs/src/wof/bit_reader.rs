//! Bits of 16-bit little-endian words, the highest bit of a word first, with whole bytes in between.

/// Reads bits; at least 16 are held at any time, so that bytes in between start behind the words already taken.
///
/// Source: [MS-XCA] 2.2.4, "Processing", which says when a word is taken.
pub(crate) struct BitReader<'a> {
    data: &'a [u8],
    at: usize,
    /// The bits held, from the highest on.
    bits: u32,
    held: u32,
    /// Zero bits given in place of words past the end.
    lent: u32,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        let mut reader = Self { data, at: 0, bits: 0, held: 0, lent: 0 };
        reader.fill();
        reader
    }

    fn fill(&mut self) {
        while self.held < 16 {
            let word = crate::bytes::u16_at(self.data, self.at);
            self.lent = self.lent.saturating_add(if word.is_none() { 16 } else { 0 });
            self.bits |= u32::from(word.unwrap_or(0)) << (16 - self.held);
            self.held += 16;
            self.at += 2;
        }
    }

    /// The next 16 bits, which stay.
    pub(crate) fn peek(&self) -> u16 {
        (self.bits >> 16) as u16
    }

    /// Leaves out up to 16 bits.
    pub(crate) fn skip(&mut self, count: u32) {
        debug_assert!(count <= 16);
        self.bits <<= count;
        self.held -= count;
        self.fill();
    }

    /// Takes up to 16 bits as a number.
    pub(crate) fn take(&mut self, count: u32) -> u16 {
        let value = (u32::from(self.peek()) >> (16 - count)) as u16;
        self.skip(count);
        value
    }

    /// Takes a byte that stands between the words.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let byte = *self.data.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// Takes `count` bytes behind the word in which the next bit stands, then goes on with words behind them, at an even place.
    /// Only for data without bytes between the words so far.
    pub(crate) fn raw(&mut self, count: usize) -> Option<&'a [u8]> {
        // A word of which no bit was taken is left out.
        let start = if self.held > 16 { self.at - 2 } else { self.at };
        let bytes = crate::bytes::slice_at(self.data, start, count)?;
        let at = start + count.next_multiple_of(2);
        *self = Self { data: self.data, at, bits: 0, held: 0, lent: 0 };
        self.fill();
        Some(bytes)
    }

    /// True when bits were used that are not there.
    pub(crate) fn is_past_end(&self) -> bool {
        self.lent > self.held
    }
}
