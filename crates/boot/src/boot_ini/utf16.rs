//! A `boot.ini` in UTF-16, as some editors save it: NTLDR reads bytes, and finds nothing in it.

/// The text of a file that begins with the mark of UTF-16; `None` for any other, and where it is no text.
#[must_use]
pub fn utf16_text(bytes: &[u8]) -> Option<String> {
    let (is_little, units) = match bytes {
        [0xFF, 0xFE, rest @ ..] => (true, rest),
        [0xFE, 0xFF, rest @ ..] => (false, rest),
        _ => return None,
    };
    if !units.len().is_multiple_of(2) {
        return None;
    }
    let units = units.chunks_exact(2).map(|pair| match is_little {
        true => u16::from_le_bytes([pair[0], pair[1]]),
        false => u16::from_be_bytes([pair[0], pair[1]]),
    });
    char::decode_utf16(units).collect::<Result<String, _>>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_of_bytes_are_read() {
        assert_eq!(utf16_text(b"\xFF\xFEa\0\x1F\x04").as_deref(), Some("a\u{41F}"));
        assert_eq!(utf16_text(b"\xFE\xFF\0a\x04\x1F").as_deref(), Some("a\u{41F}"));
        for none in [&b"[boot loader]"[..], b"\xFF\xFEa", b"\xFF\xFE\0\xD8", b""] {
            assert_eq!(utf16_text(none), None, "{none:?}");
        }
    }
}
