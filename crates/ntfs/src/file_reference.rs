//! References to file records.

/// A file record's number (low 48 bits) and sequence number (high 16 bits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileReference(pub u64);

impl FileReference {
    /// Joins a record number and a sequence number.
    #[must_use]
    pub fn new(record: u64, sequence: u16) -> Self {
        Self(record & 0x0000_ffff_ffff_ffff | u64::from(sequence) << 48)
    }

    /// The record number.
    #[must_use]
    pub fn record(self) -> u64 {
        self.0 & 0x0000_ffff_ffff_ffff
    }

    /// The sequence number; 0 in references that match any.
    #[must_use]
    pub fn sequence(self) -> u16 {
        (self.0 >> 48) as u16
    }
}
