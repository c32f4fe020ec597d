//! From bytes to text.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The code page of that number, for 8-bit text: 1250 to 1258, 866, 874, 932, 936, 949, 950.
#[must_use]
pub fn code_page(number: u16) -> Option<&'static Encoding> {
    let label = match number {
        1250..=1258 => format!("windows-{number}"),
        866 => "ibm866".to_owned(),
        874 => "windows-874".to_owned(),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

/// Text of 8 bits is in this code page unless the caller knows better.
pub(super) const DEFAULT: &Encoding = WINDOWS_1252;

/// Decodes a file; `ansi` is the code page of 8-bit text that is not UTF-8. What is malformed becomes U+FFFD: it can only be part
/// of a text for people, and Windows takes such files too.
pub(super) fn decode(bytes: &[u8], ansi: &'static Encoding) -> String {
    let (encoding, text) = detect(bytes, ansi);
    let even = text.len() - text.len() % 2;
    let wide = encoding == UTF_16LE || encoding == UTF_16BE;
    let text = if wide { text.get(..even).unwrap_or_default() } else { text };
    encoding.decode_without_bom_handling(text).0.into_owned()
}

/// The encoding of a file, and its text after the byte order mark.
fn detect<'a>(bytes: &'a [u8], ansi: &'static Encoding) -> (&'static Encoding, &'a [u8]) {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return (encoding, bytes.get(mark..).unwrap_or_default());
    }
    // Without a mark: an ASCII character in one half of the first unit, nothing in the other.
    match bytes {
        [letter, 0, ..] if letter.is_ascii() && *letter != 0 => return (UTF_16LE, bytes),
        [0, letter, ..] if letter.is_ascii() && *letter != 0 => return (UTF_16BE, bytes),
        _ => {}
    }
    if std::str::from_utf8(bytes).is_ok() { (UTF_8, bytes) } else { (ansi, bytes) }
}
