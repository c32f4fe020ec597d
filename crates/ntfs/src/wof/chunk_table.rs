//! Where the chunks of a compressed value lie: a table of offsets, then the chunks.
//!
//! Source: linux-ntfs' and wimlib's documentation of compressed resources, whose layout the overlay filter's stream shares.

/// The geometry of a chunk table. Offsets count from the end of the table; the first chunk has no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkTable {
    /// Bytes of the whole value, unpacked.
    size: u64,
    /// Bytes that each chunk but the last unpacks to.
    chunk: u64,
}

impl ChunkTable {
    pub(crate) fn new(size: u64, chunk: u64) -> Self {
        Self { size, chunk }
    }

    /// Number of chunks.
    pub(crate) fn count(self) -> u64 {
        self.size.div_ceil(self.chunk)
    }

    /// Bytes that a chunk unpacks to.
    pub(crate) fn unpacked(self, number: u64) -> u64 {
        self.size.saturating_sub(number.saturating_mul(self.chunk)).min(self.chunk)
    }

    /// Bytes of an entry: 4, or 8 when the value is 4 GiB or longer.
    pub(crate) fn entry_size(self) -> u64 {
        if self.size > u32::MAX.into() { 8 } else { 4 }
    }

    /// Bytes of the table.
    pub(crate) fn length(self) -> u64 {
        self.count().saturating_sub(1).saturating_mul(self.entry_size())
    }

    /// Where the entry of a chunk stands; chunk 0 has none.
    pub(crate) fn entry_at(self, number: u64) -> Option<u64> {
        Some(number.checked_sub(1)? * self.entry_size())
    }

    /// The number in an entry of [`ChunkTable::entry_size`] bytes.
    pub(crate) fn offset(self, entry: &[u8]) -> u64 {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(entry).for_each(|(byte, value)| *byte = *value);
        u64::from_le_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_an_entry_for_each_chunk_but_the_first() {
        let check = |size, count, length, last| {
            let table = ChunkTable::new(size, 4096);
            let found = (table.count(), table.length(), table.unpacked(count - 1));
            assert_eq!(found, (count, length, last), "{size}");
        };
        check(1, 1, 0, 1);
        check(4096, 1, 0, 4096);
        check(4097, 2, 4, 1);
        check((1 << 32) - 1, 1 << 20, 4 * ((1 << 20) - 1), 4095);
        check(1 << 32, 1 << 20, 8 * ((1 << 20) - 1), 4096);
        let table = ChunkTable::new(1 << 20, 4096);
        assert_eq!(
            (table.entry_at(0), table.entry_at(1), table.entry_at(3)),
            (None, Some(0), Some(8))
        );
        assert_eq!(table.offset(&[1, 2, 0, 0]), 0x201);
    }
}
