//! 8.3 names that are made for long ones.
//!
//! Source: `RtlGenerate8dot3Name` in the Windows driver kit's documentation; names that Windows Server 2003 and 10 made.

/// Names tried in the plain form, `ABCDEF~1` to `ABCDEF~4`, before the long name's checksum goes in.
const PLAIN_MAX: u32 = 4;
/// Numbers tried behind a checksum, of which names in one folder rarely share one.
const NUMBER_MAX: u32 = 9999;
/// A base name of so few characters gets the checksum at once.
const SHORT_BASE: usize = 2;

/// The 8.3 names to try for a long one, best first.
///
/// Spaces, dots but the last one, and what is not ASCII are left out; characters that DOS does not allow become `_`; letters become
/// capitals. (Windows can be told to keep characters of its OEM code page; as it comes, it does not.)
pub(crate) fn candidates(long: &str) -> impl Iterator<Item = String> {
    let trimmed = long.trim_start_matches('.');
    let (base, extension) = match trimmed.rfind('.') {
        Some(dot) => (&trimmed[..dot], &trimmed[dot + 1..]),
        None => (trimmed, ""),
    };
    let base: String = base.chars().filter_map(in_dos).take(6).collect();
    let extension: String = extension.chars().filter_map(in_dos).take(3).collect();
    let units: Vec<u16> = long.encode_utf16().collect();
    let hashed = format!("{}{:04X}", base.get(..SHORT_BASE).unwrap_or(&base), checksum(&units));
    let plain = if base.len() > SHORT_BASE { PLAIN_MAX } else { 0 };
    let numbers = (1..=plain).map(|number| (false, number));
    numbers.chain((1..=NUMBER_MAX).map(|number| (true, number))).map(
        move |(with_checksum, number)| {
            let tail = format!("~{number}");
            let stem = if with_checksum { &hashed } else { &base };
            let stem = stem.get(..8 - tail.len()).unwrap_or(stem);
            let dot = if extension.is_empty() { "" } else { "." };
            format!("{stem}{tail}{dot}{extension}")
        },
    )
}

/// What becomes of a character in an 8.3 name.
fn in_dos(character: char) -> Option<char> {
    match character {
        ' ' | '.' => None,
        '"' | '*' | '+' | ',' | '/' | ':' | ';' | '<' | '=' | '>' | '?' | '[' | '\\' | ']'
        | '|' => Some('_'),
        c if c.is_ascii_graphic() => Some(c.to_ascii_uppercase()),
        _ => None,
    }
}

/// The checksum of a long name, as Windows 7 and later make it.
///
/// Source: T. Galvin, "A Tale of Two File Names" (2015).
fn checksum(units: &[u16]) -> u16 {
    let sum = units.iter().fold(0_u16, |sum, unit| sum.wrapping_mul(37).wrapping_add(*unit));
    let mixed = i32::from(sum).wrapping_mul(314_159_269).unsigned_abs();
    let [high, low] = ((mixed % 1_000_000_007) as u16).to_be_bytes();
    // The four digits in reverse.
    u16::from_be_bytes([low.rotate_left(4), high.rotate_left(4)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_windows() {
        for (long, names) in [
            (
                "SomeStuff.aspx",
                &[
                    "SOMEST~1.ASP",
                    "SOMEST~2.ASP",
                    "SOMEST~3.ASP",
                    "SOMEST~4.ASP",
                    "SOBC84~1.ASP",
                    "SOBC84~2.ASP",
                ][..],
            ),
            ("5+6 June Report.doc", &["5_6JUN~1.DOC"]),
            ("System Volume Information", &["SYSTEM~1"]),
            ("$TxfLogContainer00000000000000000001", &["$TXFLO~1"]),
            ("a.testing.file.bat", &["ATESTI~1.BAT"]),
            (".gitignore", &["GITIGN~1"]),
            (
                "\u{41a}\u{43e}\u{43f}\u{438}\u{44f} (10) \u{422}\u{435}\u{43a}\u{441}\u{442}.txt",
                &["(10)~1.TXT"],
            ),
            ("{3808876b-c176-4e48-b7ae-04046e6cc752}", &["{38088~1"]),
            ("abc.t x t y", &["ABC~1.TXT"]),
        ] {
            let made: Vec<String> = candidates(long).take(names.len()).collect();
            assert_eq!(made, names, "{long}");
        }
        let short = candidates("a b.c").next().unwrap();
        assert!(short.starts_with("AB") && short.ends_with("~1.C") && short.len() == 10, "{short}");
        let tenth = candidates("SomeStuff.aspx").nth(13).unwrap();
        assert_eq!(tenth, "SOBC8~10.ASP");
    }
}
