//! GUIDs as text and as the bytes of device elements.

/// A GUID as its bytes lie in device elements.
pub type GuidBytes = [u8; 16];

/// `{guid}` in lower case from its bytes on disk.
pub(super) fn text(bytes: &GuidBytes) -> String {
    let [a0, a1, a2, a3, b0, b1, c0, c1, d @ ..] = bytes;
    let tail: String = d[2..].iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{{{:08x}-{:04x}-{:04x}-{:02x}{:02x}-{tail}}}",
        u32::from_le_bytes([*a0, *a1, *a2, *a3]),
        u16::from_le_bytes([*b0, *b1]),
        u16::from_le_bytes([*c0, *c1]),
        d[0],
        d[1],
    )
}

/// `{guid}` made of random bytes.
///
/// Source: RFC 4122, 4.4: version 4, variant 1.
#[must_use]
pub fn new_guid(random: GuidBytes) -> String {
    let mut bytes = random;
    bytes[7] = bytes[7] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    text(&bytes)
}

/// The bytes of `{guid}`; `None` for what is none.
pub(super) fn bytes(text: &str) -> Option<GuidBytes> {
    let text = super::alias::as_guid(text)?;
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let mut big = [0; 16];
    for (byte, pair) in big.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    let [a0, a1, a2, a3, b0, b1, c0, c1, d @ ..] = big;
    let mut bytes = [a3, a2, a1, a0, b1, b0, c1, c0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes[8..].copy_from_slice(&d);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_go_both_ways() {
        let guid = "{42d3ebcc-3696-4b51-bf30-191a4e4ebe73}";
        let found = bytes(guid).unwrap();
        assert_eq!(found[..8], [0xcc, 0xeb, 0xd3, 0x42, 0x96, 0x36, 0x51, 0x4b]);
        assert_eq!(text(&found), guid);
        assert_eq!(bytes("42D3EBCC-3696-4B51-BF30-191A4E4EBE73"), Some(found));
        assert_eq!(bytes("{bootmgr}"), None);
        assert_eq!(new_guid([0xFF; 16]), "{ffffffff-ffff-4fff-bfff-ffffffffffff}");
    }
}
