//! Values of a key known by a hash.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Where FNV-1a begins, and by what it multiplies.
const FNV: (u64, u64) = (0xcbf2_9ce4_8422_2325, 0x0000_0100_0000_01b3);

/// Name, type and data of a value in eight bytes: what stays of many that should be there.
///
/// As [`crate::Fingerprint`], it tells accidents and withstands no attacker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueFingerprint(u64);

impl ValueFingerprint {
    /// Bytes of data that a value asked for by its fingerprint may have: more, and `nt-hive` does not read it in hives of format 1.3.
    pub const DATA_BYTES_MAX: usize = 16_344;

    /// Of a value whose name is ASCII, in any case; `None` for other names, of which not everybody has the same idea of case.
    #[must_use]
    pub fn of(name: &str, kind: u32, data: &[u8]) -> Option<Self> {
        name.is_ascii().then(|| Self::of_ascii(name.as_bytes(), kind, data))
    }

    /// Of a value that can be asked for by it: see [`Self::DATA_BYTES_MAX`].
    #[must_use]
    pub fn to_ask_for(name: &str, kind: u32, data: &[u8]) -> Option<Self> {
        Self::of(name, kind, data).filter(|_| data.len() <= Self::DATA_BYTES_MAX)
    }

    pub(crate) fn of_ascii(name: &[u8], kind: u32, data: &[u8]) -> Self {
        let letters = name.iter().map(u8::to_ascii_uppercase);
        let seed = letters
            .chain(kind.to_le_bytes())
            .fold(FNV.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV.1));
        Self(xxh3_64_with_seed(data, seed))
    }
}
