//! The rules that order an index's keys.

use std::cmp::Ordering;

use super::{IndexError, file_name};
use crate::upcase::UpCase;

/// How the keys of an index are ordered.
///
/// Source: linux-ntfs documentation, "Collation rules" of `$INDEX_ROOT`.
#[derive(Debug, Clone, Copy)]
pub enum Collation<'a> {
    /// `COLLATION_FILENAME` (0x01): `$FILE_NAME` values by upper-cased name; names that differ in case alone by UTF-16 units.
    FileName(&'a UpCase),
    /// `COLLATION_NTOFS_ULONG` (0x10): one 32-bit number (`$SII`, `$Q`).
    Ulong,
    /// `COLLATION_NTOFS_SECURITY_HASH` (0x12): a hash, then a security id (`$SDH`).
    SecurityHash,
    /// `COLLATION_NTOFS_ULONGS` (0x13): a row of 32-bit numbers (`$O` of `$ObjId`, `$R`).
    Ulongs,
}

impl<'a> Collation<'a> {
    /// The collation with the code that `$INDEX_ROOT` holds at offset 4.
    /// # Errors
    /// [`IndexError::UnsupportedCollation`].
    pub fn from_code(code: u32, upcase: &'a UpCase) -> Result<Self, IndexError> {
        match code {
            0x01 => Ok(Self::FileName(upcase)),
            0x10 => Ok(Self::Ulong),
            0x12 => Ok(Self::SecurityHash),
            0x13 => Ok(Self::Ulongs),
            code => Err(IndexError::UnsupportedCollation { code }),
        }
    }

    /// The code of the rule in `$INDEX_ROOT`.
    #[must_use]
    pub fn code(&self) -> u32 {
        match self {
            Self::FileName(_) => 0x01,
            Self::Ulong => 0x10,
            Self::SecurityHash => 0x12,
            Self::Ulongs => 0x13,
        }
    }

    /// Orders two keys. Keys that [`Collation::accepts`] rejects compare as if they were empty.
    #[must_use]
    pub fn compare(&self, left: &[u8], right: &[u8]) -> Ordering {
        match self {
            Self::FileName(upcase) => {
                let units = |key| file_name::units(file_name::name(key).unwrap_or_default());
                let upper = |key| units(key).map(|unit| upcase.upper(unit));
                upper(left).cmp(upper(right)).then_with(|| units(left).cmp(units(right)))
            }
            Self::Ulong | Self::SecurityHash | Self::Ulongs => ulongs(left).cmp(ulongs(right)),
        }
    }

    /// True when `key` has the shape of this index's keys.
    #[must_use]
    pub fn accepts(&self, key: &[u8]) -> bool {
        match self {
            Self::FileName(_) => file_name::name(key).is_some(),
            Self::Ulong => key.len() == 4,
            Self::SecurityHash => key.len() == 8,
            Self::Ulongs => !key.is_empty() && key.len().is_multiple_of(4),
        }
    }

    /// True when entries of this index hold a file reference instead of the place of their data.
    #[must_use]
    pub fn is_file_name(&self) -> bool {
        matches!(self, Self::FileName(_))
    }
}

fn ulongs(key: &[u8]) -> impl Iterator<Item = u32> {
    key.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes))
}
