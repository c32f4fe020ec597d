//! The name of a package's folder in the driver store.

use crate::Target;

/// A hash over the contents of a package.
///
/// Windows' own rule is not published. This one gives the same name for the same contents and another one otherwise, which is all
/// that is asked of it: Windows takes the name from the registry.
#[derive(Debug, Clone, Copy)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Digest {
    /// Takes a file in. Call it in the order of the names.
    pub fn file(&mut self, name: &str, contents: &[u8]) {
        for part in [name.to_lowercase().as_bytes(), contents] {
            self.bytes(&(part.len() as u64).to_le_bytes());
            self.bytes(part);
        }
    }

    /// The hash.
    #[must_use]
    pub fn finish(self) -> u64 {
        self.0
    }

    /// Source: Fowler, Noll and Vo, FNV-1a of 64 bits.
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }
}

/// The name of a package's folder: `viostor.inf_amd64_0123456789abcdef`, up to Windows 7 `viostor.inf_amd64_neutral_...`.
///
/// Source: folders of real driver stores.
#[must_use]
pub fn store_name(inf: &str, target: &Target, digest: u64) -> String {
    let language = if target.version < (6, 2) { "neutral_" } else { "" };
    format!("{}_{}_{language}{digest:016x}", inf.to_lowercase(), target.architecture)
}
