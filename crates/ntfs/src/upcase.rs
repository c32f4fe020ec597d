//! The volume's upper-case table, `$UpCase`: names compare by what it maps their UTF-16 units to.
//!
//! Source: linux-ntfs documentation, "$UpCase": 65,536 little-endian 16-bit units, one for each UTF-16 unit.

use std::cmp::Ordering;

/// Units in a table.
const UNITS: usize = 65536;
/// Bytes of a complete `$UpCase` file.
pub const TABLE_BYTES: usize = UNITS * 2;

/// An upper-case table of 65,536 units.
#[derive(Clone)]
pub struct UpCase {
    table: Box<[u16]>,
}

impl UpCase {
    /// Builds the table from the contents of `$UpCase`; units that a short file does not cover map to themselves.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut table: Vec<u16> = (0..=u16::MAX).collect();
        for (slot, pair) in table.iter_mut().zip(bytes.chunks_exact(2)) {
            *slot = u16::from_le_bytes([pair[0], pair[1]]);
        }
        Self { table: table.into_boxed_slice() }
    }

    /// The upper-case form of one UTF-16 unit.
    #[must_use]
    pub fn upper(&self, unit: u16) -> u16 {
        self.table.get(usize::from(unit)).copied().unwrap_or(unit)
    }

    /// Compares two names without regard to case, unit by unit.
    #[must_use]
    pub fn compare(&self, left: &[u16], right: &[u16]) -> Ordering {
        let upper = |unit: &u16| self.upper(*unit);
        left.iter().map(upper).cmp(right.iter().map(upper))
    }
}

impl std::fmt::Debug for UpCase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpCase").finish_non_exhaustive()
    }
}
