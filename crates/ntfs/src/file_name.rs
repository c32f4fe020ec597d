//! `$FILE_NAME` values: a name, the folder it stands in, and what the folder's index repeats of the file.
//!
//! Source: linux-ntfs documentation, "$FILE_NAME".

use crate::{Error, FileReference, bytes};

/// A name's rules.
pub(crate) mod namespace {
    /// Any name; what further names of a file have, and all where no 8.3 names are made.
    pub(crate) const POSIX: u8 = 0;
    pub(crate) const WIN32: u8 = 1;
    pub(crate) const DOS: u8 = 2;
    pub(crate) const WIN32_AND_DOS: u8 = 3;
}

/// Bytes before the name.
pub(crate) const HEAD: usize = 0x42;
/// Longest name in UTF-16 units.
const NAME_MAX: usize = 255;
/// Attribute bit of folders, in `$FILE_NAME` alone.
pub(crate) const DIRECTORY: u32 = 0x1000_0000;

/// What an index entry repeats of the file it names: bytes 8 to 0x40 of a `$FILE_NAME` value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Duplicated {
    /// Created, modified, record changed, accessed.
    pub(crate) times: [u64; 4],
    pub(crate) allocated: u64,
    pub(crate) size: u64,
    pub(crate) attributes: u32,
    /// Reparse tag, or length of extended attributes.
    pub(crate) tag: u32,
}

impl Duplicated {
    fn to_bytes(self) -> [u8; 0x38] {
        let mut value = [0; 0x38];
        let words = self.times.into_iter().chain([self.allocated, self.size]);
        for (slot, word) in value.chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        value[0x30..0x34].copy_from_slice(&self.attributes.to_le_bytes());
        value[0x34..].copy_from_slice(&self.tag.to_le_bytes());
        value
    }

    /// Puts the facts in a `$FILE_NAME` value.
    pub(crate) fn put(self, value: &mut [u8]) -> bool {
        bytes::put(value, 8, &self.to_bytes())
    }
}

/// A parsed `$FILE_NAME` value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileName {
    pub(crate) parent: FileReference,
    pub(crate) duplicated: Duplicated,
    pub(crate) namespace: u8,
    pub(crate) name: Vec<u16>,
}

impl FileName {
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let word = |at| bytes::u64_at(value, at);
        let length = usize::from(*value.get(0x40)?);
        Some(Self {
            parent: FileReference(word(0)?),
            duplicated: Duplicated {
                times: [word(8)?, word(0x10)?, word(0x18)?, word(0x20)?],
                allocated: word(0x28)?,
                size: word(0x30)?,
                attributes: bytes::u32_at(value, 0x38)?,
                tag: bytes::u32_at(value, 0x3c)?,
            },
            namespace: *value.get(0x41)?,
            name: bytes::utf16_units(bytes::slice_at(value, HEAD, 2 * length)?),
        })
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut value = Vec::with_capacity(HEAD + 2 * self.name.len());
        value.extend_from_slice(&self.parent.0.to_le_bytes());
        value.extend_from_slice(&self.duplicated.to_bytes());
        value.extend_from_slice(&[self.name.len() as u8, self.namespace]);
        self.name.iter().for_each(|unit| value.extend_from_slice(&unit.to_le_bytes()));
        value
    }
}

/// Checks a name by Win32's rules and gives its units.
pub(crate) fn check_name(name: &str) -> Result<Vec<u16>, Error> {
    let refuse = |reason| Err(Error::NameNotAllowed { name: name.to_owned(), reason });
    let units: Vec<u16> = name.encode_utf16().collect();
    if units.is_empty() || units.len() > NAME_MAX {
        return refuse("a name has 1 to 255 UTF-16 units");
    }
    if name.chars().any(|c| c < ' ' || "\"*/:<>?\\|".contains(c)) {
        return refuse("control characters and \"*/:<>?\\| are not allowed");
    }
    if name.ends_with([' ', '.']) {
        return refuse("a name does not end with a space or a dot");
    }
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_uppercase();
    let numbered = |prefix: &str| {
        let digit = stem.strip_prefix(prefix).map(|rest| rest.chars().collect::<Vec<_>>());
        digit.is_some_and(|digits| {
            matches!(digits[..], ['1'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'])
        })
    };
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str())
        || numbered("COM")
        || numbered("LPT")
    {
        return refuse("the name of a device");
    }
    Ok(units)
}

/// Whether a name is also an 8.3 name.
///
/// Source: [MS-FSCC] 2.1.5.2.1, "8.3 Filename". A name in lower case is stored as it is and found as an 8.3 name all the same.
pub(crate) fn fits_dos(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'()-@^_`{}~".contains(c);
    let (stem, extension) = match name.split_once('.') {
        None => (name, ""),
        Some((_, "")) => return false,
        Some(parts) => parts,
    };
    let fits = (1..=8).contains(&stem.len()) && extension.len() <= 3;
    fits && stem.chars().chain(extension.chars()).all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_win32() {
        let allowed = ["a", "a b", "..a", "COM0", "CONSOLE", "nul_", "\u{4e2d}", &"x".repeat(255)];
        for name in allowed {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
        let refused = [
            "",
            ".",
            "..",
            "a.",
            "a ",
            "a:b",
            "a\\b",
            "a/b",
            "a*",
            "con",
            "CON.txt",
            "Com1",
            "lpt9.x",
            "nul .a",
            "\u{1}",
            &"x".repeat(256),
        ];
        for name in refused {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn short_names_are_told_from_long_ones() {
        for name in ["A", "BOOT.INI", "boot.ini", "ABCDEFGH.123", "a~1"] {
            assert!(fits_dos(name), "{name}");
        }
        for name in ["ABCDEFGHI", "a.text", "a b", "a.b.c", ".a", "a+b", "\u{e4}"] {
            assert!(!fits_dos(name), "{name}");
        }
    }
}
