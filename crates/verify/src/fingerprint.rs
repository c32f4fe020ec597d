//! Contents known by their length and a hash.

use std::fmt;

use xxhash_rust::xxh3::Xxh3;

/// Length and XXH3 (128 bits) of a file's contents: what stays of them when they are too long to keep.
///
/// Two contents that differ have different fingerprints but for accidents of one in 2^128. It withstands no attacker, and need not:
/// what is compared are our own bytes, before and after they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Bytes.
    pub length: u64,
    hash: u128,
}

impl Fingerprint {
    /// The fingerprint of bytes in memory.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Fingerprinter::default();
        hasher.update(bytes);
        hasher.finish()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.hash)
    }
}

/// Takes contents piece by piece, in order.
#[derive(Clone, Default)]
pub struct Fingerprinter {
    length: u64,
    hasher: Xxh3,
}

impl fmt::Debug for Fingerprinter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fingerprinter").field("length", &self.length).finish_non_exhaustive()
    }
}

impl Fingerprinter {
    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.length = self.length.saturating_add(piece.len() as u64);
        self.hasher.update(piece);
    }

    /// The fingerprint of all pieces so far.
    #[must_use]
    pub fn finish(&self) -> Fingerprint {
        Fingerprint { length: self.length, hash: self.hasher.digest128() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fingerprint, Fingerprinter};

    #[test]
    fn hashes_are_those_of_xxhash() {
        // Source: xxHash's own sanity checks, of nothing and seed 0.
        assert_eq!(Fingerprint::of(b"").to_string(), "99aa06d3014798d86001c324468d497f");
        let bytes: Vec<u8> = (0..70_000_u64).map(|n| ((n * n) >> 7) as u8).collect();
        let whole = Fingerprint::of(&bytes);
        let mut pieces = Fingerprinter::default();
        bytes.chunks(777).for_each(|piece| pieces.update(piece));
        assert_eq!(pieces.finish(), whole);
        let mut other = bytes;
        other[69_999] ^= 1;
        assert_ne!(Fingerprint::of(&other), whole);
    }
}
