//! Bits of 16-bit little-endian words, the highest bit of a word first, with whole bytes in between.

/// Reads bits; at least 16 are held at any time, so that bytes in between start behind the words already taken.
///
/// Source: [MS-XCA] 2.2.4, "Processing", which says when a word is taken.
pub struct BitReader<'a> {
    data: &'a [u8],
    at: usize,
    /// The bits held, from the highest on.
    bits: u32,
    held: u32,
    /// Zero bits given in place of words past the end.
    lent: u32,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

impl<'a> BitReader<'a> {
    /// Reads from the first byte on.
    pub fn new(data: &'a [u8]) -> Self {
        let mut reader = Self { data, at: 0, bits: 0, held: 0, lent: 0 };
        reader.fill();
        reader
    }

    fn fill(&mut self) {
        while self.held < 16 {
            let word = u16_at(self.data, self.at);
            self.lent = self.lent.saturating_add(if word.is_none() { 16 } else { 0 });
            self.bits |= u32::from(word.unwrap_or(0)) << (16 - self.held);
            self.held += 16;
            self.at += 2;
        }
    }

    /// The next 16 bits, which stay.
    pub fn peek(&self) -> u16 {
        (self.bits >> 16) as u16
    }

    /// Leaves out up to 16 bits.
    pub fn skip(&mut self, count: u32) {
        debug_assert!(count <= 16);
        self.bits <<= count;
        self.held -= count;
        self.fill();
    }

    /// Takes up to 16 bits as a number.
    pub fn take(&mut self, count: u32) -> u16 {
        let value = (u32::from(self.peek()) >> (16 - count)) as u16;
        self.skip(count);
        value
    }

    /// Takes a byte that stands between the words.
    pub fn byte(&mut self) -> Option<u8> {
        let byte = *self.data.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// Takes `count` bytes behind the word in which the next bit stands; more follow with [`BitReader::more_raw`] until
    /// [`BitReader::end_raw`]. Only for data without bytes between the words so far.
    pub fn raw(&mut self, count: usize) -> Option<&'a [u8]> {
        // A word of which no bit was taken is left out.
        self.at = if self.held > 16 { self.at - 2 } else { self.at };
        self.more_raw(count)
    }

    /// Takes bytes from the first on, as if a run of raw bytes went on there. Only before anything else was read.
    pub fn go_on_raw(&mut self) {
        self.at = 0;
    }

    /// Takes `count` bytes behind those that were taken last.
    pub fn more_raw(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let bytes = self.data.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    /// True when no byte is left behind those that were taken last.
    pub fn is_raw_end(&self) -> bool {
        self.at >= self.data.len()
    }

    /// Goes on with words: behind a byte more when the run of raw bytes had an odd `length`.
    pub fn end_raw(&mut self, length: usize) {
        *self = Self { data: self.data, at: self.at + length % 2, bits: 0, held: 0, lent: 0 };
        self.fill();
    }

    /// True when bits were used that are not there.
    pub fn is_past_end(&self) -> bool {
        self.lent > self.held
    }
}
