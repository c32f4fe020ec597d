//! Names as text and back, without loss.
//!
//! A name is any UTF-16 units; text is whole characters. What text cannot hold, and what would take a path apart, is spelt as
//! U+FFFD and four hexadecimal digits: an unpaired surrogate as `\u{fffd}d800`, a NUL as `\u{fffd}0000`, U+FFFD itself as
//! `\u{fffd}fffd`. In text that is read, U+FFFD without four digits behind it stands for itself.

const MARK: char = char::REPLACEMENT_CHARACTER;

/// Units as text; `apart` are the characters that are spelt too.
pub(super) fn spell(units: impl Iterator<Item = u16>, apart: &[char]) -> String {
    let mut text = String::new();
    let mark = |text: &mut String, unit: u32| {
        text.push(MARK);
        text.extend(
            (0..4).rev().filter_map(|digit| char::from_digit(unit >> (digit * 4) & 0xf, 16)),
        );
    };
    for letter in char::decode_utf16(units) {
        match letter {
            Ok(letter) if letter == MARK || apart.contains(&letter) => {
                mark(&mut text, u32::from(letter));
            }
            Ok(letter) => text.push(letter),
            Err(unpaired) => mark(&mut text, u32::from(unpaired.unpaired_surrogate())),
        }
    }
    text
}

/// The units of a name that is given as text.
pub(crate) fn units(text: &str) -> impl Iterator<Item = u16> + '_ {
    let mut letters = text.chars();
    let mut second = None;
    std::iter::from_fn(move || {
        if let Some(unit) = second.take() {
            return Some(unit);
        }
        let letter = letters.next()?;
        if letter.is_ascii() {
            return Some(letter as u16);
        }
        let digits = letters.as_str().get(..4).filter(|_| letter == MARK);
        let digits = digits.filter(|text| text.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if let Some(unit) = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
            letters.nth(3);
            return Some(unit);
        }
        let mut buffer = [0; 2];
        match *letter.encode_utf16(&mut buffer) {
            [unit] => Some(unit),
            [unit, low] => {
                second = Some(low);
                Some(unit)
            }
            _ => None,
        }
    })
}

/// Number of units of a name that is given as text.
pub(crate) fn units_count(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { units(text).count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back() {
        for (name, text) in [
            (&[0x61, 0xd800, 0x62][..], "a\u{fffd}d800b"),
            (&[0xd83d, 0xde00], "\u{1f600}"),
            (&[0xde00, 0xd83d], "\u{fffd}de00\u{fffd}d83d"),
            (&[0xfffd, 0x30, 0x30, 0x34, 0x31], "\u{fffd}fffd0041"),
            (&[0x61, 0, 0x62], "a\u{fffd}0000b"),
            (&[0x5c], "\\"),
            (&[], ""),
        ] {
            assert_eq!(spell(name.iter().copied(), &['\0']), text);
            assert_eq!(units(text).collect::<Vec<_>>(), name, "{text}");
        }
        assert_eq!(spell([0x5c].into_iter(), &['\\']), "\u{fffd}005c");
        for text in ["\u{fffd}", "\u{fffd}12", "\u{fffd}+123", "\u{fffd}12\u{e9}4"] {
            assert!(units(text).eq(text.encode_utf16()), "{text}");
        }
    }
}
