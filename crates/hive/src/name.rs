//! Names of keys and values: Latin-1 ("compressed") or UTF-16, compared without regard to case.

use crate::upcase::upcase;
use std::cmp::Ordering;

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

    /// The name as text; units that are no characters become U+FFFD.
    pub(crate) fn to_text(self) -> String {
        if self.compressed && self.bytes.is_ascii() {
            return String::from_utf8_lossy(self.bytes).into_owned();
        }
        char::decode_utf16(self.units())
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    }

    /// The name as text; `None` when it holds units that are no characters.
    pub(crate) fn to_exact_text(self) -> Option<String> {
        char::decode_utf16(self.units()).collect::<Result<_, _>>().ok()
    }

    /// Compares with a name of which [`upper`] was taken.
    pub(crate) fn cmp_upper(self, upper: &[u16]) -> Ordering {
        self.units().map(upcase).cmp(upper.iter().copied())
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

/// The units of a name in upper case.
pub(crate) fn upper(name: &str) -> Vec<u16> {
    name.encode_utf16().map(upcase).collect()
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

/// A name ready to be stored.
pub(crate) struct NewName {
    pub(crate) bytes: Vec<u8>,
    pub(crate) compressed: bool,
}

impl NewName {
    /// Stores `name` with one byte for each unit where that is possible, as Windows does.
    pub(crate) fn new(name: &str) -> Self {
        match name.chars().map(|letter| u8::try_from(u32::from(letter))).collect() {
            Ok(bytes) => Self { bytes, compressed: true },
            Err(_) => Self {
                bytes: name.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                compressed: false,
            },
        }
    }
}

/// Text as UTF-16 bytes; units that are no characters become U+FFFD.
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
