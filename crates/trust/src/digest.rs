//! The hashes that signatures and catalogs use.

use sha1::Digest as _;

use crate::oid;

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384; of certificates only.
    Sha384,
    /// SHA-512; of certificates only.
    Sha512,
}

impl Algorithm {
    pub(crate) fn from_oid(bytes: &[u8]) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512]
            .into_iter()
            .find(|known| known.oid() == bytes)
    }

    pub(crate) fn oid(self) -> &'static [u8] {
        match self {
            Self::Sha1 => oid::SHA1,
            Self::Sha256 => oid::SHA256,
            Self::Sha384 => oid::SHA384,
            Self::Sha512 => oid::SHA512,
        }
    }

    /// Hashes pieces as if they were one.
    pub fn hash(self, pieces: &[&[u8]]) -> Vec<u8> {
        fn run<D: sha1::Digest>(pieces: &[&[u8]]) -> Vec<u8> {
            let mut hasher = D::new();
            for piece in pieces {
                hasher.update(piece);
            }
            hasher.finalize().to_vec()
        }
        match self {
            Self::Sha1 => run::<sha1::Sha1>(pieces),
            Self::Sha256 => run::<sha2::Sha256>(pieces),
            Self::Sha384 => run::<sha2::Sha384>(pieces),
            Self::Sha512 => run::<sha2::Sha512>(pieces),
        }
    }
}

/// SHA-1, for thumbprints.
pub(crate) fn sha1(bytes: &[u8]) -> [u8; 20] {
    sha1::Sha1::digest(bytes).into()
}

/// Digits, two for a byte, in upper case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
