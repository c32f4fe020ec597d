//! The 8.3 names of directory entries.
//!
//! Source: Microsoft, "FAT32 File System Specification" 1.03, "Generating 8.3 Names from Long Names".

use std::collections::HashSet;

/// Eleven bytes: eight of the name, three of the extension, padded with spaces.
pub(super) type ShortName = [u8; 11];

/// Text of a short name. `case` holds the lower-case flags of Windows NT (bit 3 name, bit 4 extension).
///
/// Bytes above ASCII have an OEM code page that the volume does not name; they show as U+FFFD.
pub(super) fn text(raw: &ShortName, case: u8) -> String {
    let part = |bytes: &[u8], lower: bool| -> String {
        bytes
            .trim_ascii_end()
            .iter()
            .enumerate()
            .map(|(at, byte)| match (at, *byte) {
                // A first byte of E5 marks a deleted entry; 05 stands for a real one.
                (0, 0x05) | (_, 0x80..) => char::REPLACEMENT_CHARACTER,
                (_, byte) if lower => char::from(byte.to_ascii_lowercase()),
                (_, byte) => char::from(byte),
            })
            .collect()
    };
    let (name, extension) = (part(&raw[..8], case & 8 != 0), part(&raw[8..], case & 16 != 0));
    if extension.is_empty() { name } else { format!("{name}.{extension}") }
}

/// The sum that ties long-name entries to their short name.
pub(super) fn checksum(raw: &ShortName) -> u8 {
    raw.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}

/// The short name for a new file, and whether it says the whole name so that no long name is needed.
///
/// `taken` holds the folder's short names. `None` when a million of them are like this one.
pub(super) fn for_name(name: &str, taken: &HashSet<ShortName>) -> Option<(ShortName, bool)> {
    let (stem, extension) = match name.trim_start_matches('.').rsplit_once('.') {
        Some((stem, extension)) => (stem, extension),
        None => (name, ""),
    };
    let (stem, stem_exact) = basis(stem, 8);
    let (extension, extension_exact) = basis(extension, 3);
    let exact = stem_exact && extension_exact && !stem.is_empty() && !name.starts_with('.');
    if exact {
        let raw = padded(&stem, &extension);
        if !taken.contains(&raw) {
            return Some((raw, text(&raw, 0) == name));
        }
    }
    (1..1_000_000).find_map(|number| {
        let tail = format!("~{number}");
        let mut short = stem.clone();
        short.truncate(8 - tail.len());
        let raw = padded(&(short + &tail), &extension);
        (!taken.contains(&raw)).then_some((raw, false))
    })
}

/// `part` in upper case with what 8.3 names may hold, and whether nothing but case was lost.
fn basis(part: &str, length: usize) -> (String, bool) {
    let mut exact = true;
    let mut kept = String::new();
    for c in part.chars() {
        let c = match c {
            ' ' | '.' => {
                exact = false;
                continue;
            }
            c if c.is_ascii_alphanumeric() || "$%'-_@~`!(){}^#&".contains(c) => {
                c.to_ascii_uppercase()
            }
            _ => {
                exact = false;
                '_'
            }
        };
        if kept.len() == length {
            exact = false;
            break;
        }
        kept.push(c);
    }
    (kept, exact)
}

fn padded(stem: &str, extension: &str) -> ShortName {
    let mut raw = [b' '; 11];
    raw[..stem.len()].copy_from_slice(stem.as_bytes());
    raw[8..8 + extension.len()].copy_from_slice(extension.as_bytes());
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_made_as_windows_makes_them() {
        let mut taken = HashSet::new();
        for (name, short, alone) in [
            ("BOOTMGR", b"BOOTMGR    ", true),
            ("BOOTX64.EFI", b"BOOTX64 EFI", true),
            ("bootmgfw.efi", b"BOOTMGFWEFI", false),
            ("BCD.LOG1", b"BCD~1   LOG", false),
            ("BCD.LOG2", b"BCD~2   LOG", false),
            ("long file name.txt", b"LONGFI~1TXT", false),
            ("long file name 2.txt", b"LONGFI~2TXT", false),
            (".hidden", b"HIDDEN~1   ", false),
            ("a.b.c", b"AB~1    C  ", false),
            ("\u{444}\u{430}", b"__~1       ", false),
            ("+,;=[]", b"______~1   ", false),
        ] {
            let (raw, whole) = for_name(name, &taken).unwrap();
            assert_eq!((raw.as_slice(), whole), (short.as_slice(), alone), "{name}");
            taken.insert(raw);
        }
    }

    #[test]
    fn texts_follow_the_case_flags() {
        assert_eq!(text(b"BOOT    INI", 0), "BOOT.INI");
        assert_eq!(text(b"BOOT    INI", 8 | 16), "boot.ini");
        assert_eq!(text(b"BOOT       ", 8), "boot");
        assert_eq!(text(b"\x05\x80A        ", 0), "\u{fffd}\u{fffd}A");
    }
}
