//! Taking an input apart, and putting little-endian numbers together.

/// What is left of an input. Numbers past its end are zero.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// True when nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes up to `length` bytes.
    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = self.take(N);
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    /// Takes a byte.
    pub fn u8(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    /// Takes a 16-bit number.
    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    /// Takes a 32-bit number.
    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    /// Takes a 64-bit number.
    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }
}

/// Overwrites bytes at `at`; what would pass the end is left out.
pub fn put(bytes: &mut [u8], at: usize, data: &[u8]) {
    let room = bytes.get_mut(at..).unwrap_or_default();
    let length = room.len().min(data.len());
    room[..length].copy_from_slice(&data[..length]);
}

/// The 16-bit number at `at`, 0 past the end.
#[must_use]
pub fn u16_at(bytes: &[u8], at: usize) -> u16 {
    Input(bytes.get(at..).unwrap_or_default()).u16()
}

/// The 32-bit number at `at`, 0 past the end.
#[must_use]
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    Input(bytes.get(at..).unwrap_or_default()).u32()
}

/// The 64-bit number at `at`, 0 past the end.
#[must_use]
pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    Input(bytes.get(at..).unwrap_or_default()).u64()
}

/// Little-endian UTF-16.
#[must_use]
pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Applies fixups to a block whose update sequence array lies at `array_at`.
pub fn apply_fixups(block: &mut [u8], array_at: usize, number: u16) {
    let pieces = block.len() / 512;
    put(block, 4, &(array_at as u16).to_le_bytes());
    put(block, 6, &(pieces as u16 + 1).to_le_bytes());
    put(block, array_at, &number.to_le_bytes());
    for piece in 0..pieces {
        let end = 512 * (piece + 1) - 2;
        let saved = u16_at(block, end);
        put(block, array_at + 2 + 2 * piece, &saved.to_le_bytes());
        put(block, end, &number.to_le_bytes());
    }
}
