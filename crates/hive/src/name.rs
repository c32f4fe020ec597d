//! Names of keys and values: Latin-1 ("compressed") or UTF-16, compared without regard to case.

mod spelling;

use crate::error::HiveError;
use crate::key_node::KEY_NAME_MAX;
use crate::upcase::upcase;
use std::borrow::Cow;
use std::cmp::Ordering;

pub(crate) use spelling::{units, units_count};

/// A name as it is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredName<'a> {
    bytes: &'a [u8],
    /// One byte for each unit, the low half of a UTF-16 unit whose high half is 0.
    compressed: bool,
}

impl<'a> StoredName<'a> {
    pub(crate) fn new(bytes: &'a [u8], compressed: bool) -> Self {
        Self { bytes, compressed }
    }

    /// UTF-16 units as stored.
    pub(crate) fn units(self) -> impl Iterator<Item = u16> + Clone + 'a {
        let step = if self.compressed { 1 } else { 2 };
        self.bytes.chunks_exact(step).map(|unit| match *unit {
            [low, high] => u16::from_le_bytes([low, high]),
            [unit] => u16::from(unit),
            _ => 0,
        })
    }

    /// The bytes as stored.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Number of UTF-16 units.
    pub(crate) fn len(self) -> usize {
        if self.compressed { self.bytes.len() } else { self.bytes.len() / 2 }
    }

    /// The name as text from which [`units`] makes the same name.
    pub(crate) fn to_text(self) -> String {
        if self.compressed && self.bytes.is_ascii() && !self.bytes.contains(&0) {
            return String::from_utf8_lossy(self.bytes).into_owned();
        }
        spelling::spell(self.units(), &['\0'])
    }

    /// The name of a key as [`StoredName::to_text`], so that it can be part of a path and of a line.
    pub(crate) fn to_key_text(self) -> String {
        const APART: [char; 4] = ['\0', '\r', '\n', '\\'];
        let plain = |byte: &u8| byte.is_ascii() && !APART.contains(&char::from(*byte));
        if self.compressed && self.bytes.iter().all(plain) {
            return String::from_utf8_lossy(self.bytes).into_owned();
        }
        spelling::spell(self.units(), &APART)
    }

    /// Compares with a name of which [`upper`] was taken.
    pub(crate) fn cmp_upper(self, upper: &[u16]) -> Ordering {
        let upper = upper.iter().copied();
        if self.compressed {
            return self.bytes.iter().map(|unit| upcase(u16::from(*unit))).cmp(upper);
        }
        self.units().map(upcase).cmp(upper)
    }

    /// Compares two names.
    pub(crate) fn cmp(self, other: StoredName<'_>) -> Ordering {
        self.units().map(upcase).cmp(other.units().map(upcase))
    }

    /// The hash of an `lh` list.
    ///
    /// Source: M. Suhanov, "Windows registry file format specification", "Hash leaf".
    pub(crate) fn hash(self) -> u32 {
        hash(self.units().map(upcase))
    }

    /// The hint of an `lf` list: the first four letters, or zero when one of them is not Latin-1.
    pub(crate) fn hint(self) -> [u8; 4] {
        hint(self.units())
    }
}

/// The path of a key below `parent`, as findings tell it: of a long one the beginning is left out, since a hive of some
/// hundred levels has more in its paths than in its cells.
pub(crate) fn told_path(parent: &str, name: StoredName<'_>) -> String {
    const MAX: usize = 1024;
    match parent {
        "" | "\\" => format!("{parent}{}", name.to_key_text()),
        _ if parent.len() > MAX => format!("...\\{}", name.to_key_text()),
        _ => format!("{parent}\\{}", name.to_key_text()),
    }
}

/// The units of a name in upper case.
pub(crate) fn upper(name: &str) -> Vec<u16> {
    units(name).map(upcase).collect()
}

/// The hash of an `lh` list, of units in upper case.
pub(crate) fn hash(upper: impl Iterator<Item = u16>) -> u32 {
    upper.fold(0, |hash: u32, unit| hash.wrapping_mul(37).wrapping_add(u32::from(unit)))
}

/// The hint of an `lf` list, of units as spelt.
pub(crate) fn hint(units: impl Iterator<Item = u16>) -> [u8; 4] {
    let mut hint = [0; 4];
    for (target, unit) in hint.iter_mut().zip(units) {
        let Ok(unit) = u8::try_from(unit) else { return [0; 4] };
        *target = unit;
    }
    hint
}

/// Refuses names that Windows gives to no key.
pub(crate) fn refuse_key_name(name: &str) -> Result<(), HiveError> {
    if name.is_empty() || units(name).any(|unit| unit == u16::from(b'\\')) {
        return Err(HiveError::KeyName { name: name.to_owned() });
    }
    let units = units_count(name);
    if units > KEY_NAME_MAX {
        return Err(HiveError::NameTooLong { what: "key", units, max: KEY_NAME_MAX });
    }
    Ok(())
}

/// A name ready to be stored.
pub(crate) struct NewName<'a> {
    pub(crate) bytes: Cow<'a, [u8]>,
    pub(crate) compressed: bool,
}

impl<'a> NewName<'a> {
    /// Stores `name` with one byte for each unit where that is possible, as Windows does.
    pub(crate) fn new(name: &'a str) -> Self {
        if name.is_ascii() {
            return Self { bytes: Cow::Borrowed(name.as_bytes()), compressed: true };
        }
        let narrow: Result<Vec<u8>, _> = units(name).map(u8::try_from).collect();
        let compressed = narrow.is_ok();
        let bytes = narrow.unwrap_or_else(|_| units(name).flat_map(u16::to_le_bytes).collect());
        Self { bytes: Cow::Owned(bytes), compressed }
    }
}

/// UTF-16 bytes as text, spelt as names are.
pub(crate) fn utf16_text(bytes: &[u8]) -> String {
    StoredName::new(bytes, false).to_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_hints_follow_the_specification() {
        let name = StoredName::new(b"Select", true);
        let mut expected = 0u32;
        for byte in b"SELECT" {
            expected = expected.wrapping_mul(37).wrapping_add(u32::from(*byte));
        }
        assert_eq!(name.hash(), expected);
        assert_eq!(name.hint(), *b"Sele");
        assert_eq!(StoredName::new(b"ab", true).hint(), *b"ab\0\0");
        assert_eq!(StoredName::new(&[0x61, 0, 0x41, 4], false).hint(), [0; 4]);
    }

    #[test]
    fn names_compare_by_upper_case() {
        let name = NewName::new("straße");
        assert!(name.compressed);
        let stored = StoredName::new(&name.bytes, true);
        assert_eq!(stored.cmp_upper(&upper("STRAßE")), Ordering::Equal);
        assert_eq!(stored.to_text(), "straße");
        let wide = NewName::new("Ключ");
        assert!(!wide.compressed);
        assert_eq!(StoredName::new(&wide.bytes, false).cmp_upper(&upper("КЛЮЧ")), Ordering::Equal);
        assert_eq!(stored.cmp(StoredName::new(b"strb", true)), Ordering::Less);
    }
}
