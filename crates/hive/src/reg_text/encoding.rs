//! From bytes to text.

use super::RegTextError;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// The header of version 4 files, which are in an 8-bit code page.
const REGEDIT4: &[u8] = b"REGEDIT4";

/// A code page by its name: `CP1251`, `windows-1251`, `1251`, `CP866`, `CP932`, `UTF-8`, ...
#[must_use]
pub fn code_page(name: &str) -> Option<&'static Encoding> {
    let lower = name.trim().to_ascii_lowercase();
    let number = lower.strip_prefix("cp").or_else(|| lower.strip_prefix("windows-"));
    let label = match number.unwrap_or(&lower) {
        "932" => "shift_jis",
        "936" => "gbk",
        "949" => "euc-kr",
        "950" => "big5",
        "866" => "ibm866",
        "874" => "windows-874",
        "65001" => "utf-8",
        "1200" => "utf-16le",
        number @ ("1250" | "1251" | "1252" | "1253" | "1254" | "1255" | "1256" | "1257"
        | "1258") => {
            return Encoding::for_label(format!("windows-{number}").as_bytes());
        }
        _ => &lower,
    };
    Encoding::for_label(label.as_bytes())
}

/// Decodes a file; `ansi` is the code page of 8-bit text.
pub(super) fn decode<'b>(
    bytes: &'b [u8],
    ansi: &'static Encoding,
) -> Result<Cow<'b, str>, RegTextError> {
    let (encoding, text) = detect(bytes, ansi);
    if (encoding == UTF_16LE || encoding == UTF_16BE) && text.len() % 2 != 0 {
        return Err(RegTextError { line: 0, reason: "UTF-16 text ends within a character".into() });
    }
    let (decoded, malformed) = encoding.decode_without_bom_handling(text);
    if malformed {
        let good = decoded.split(char::REPLACEMENT_CHARACTER).next().unwrap_or_default();
        let line = u32::try_from(good.matches('\n').count() + 1).unwrap_or(u32::MAX);
        let reason = format!("text is not valid {}", encoding.name());
        return Err(RegTextError { line, reason });
    }
    Ok(decoded)
}

/// The encoding of a file, and its text after the byte order mark.
fn detect<'a>(bytes: &'a [u8], ansi: &'static Encoding) -> (&'static Encoding, &'a [u8]) {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return (encoding, bytes.get(mark..).unwrap_or_default());
    }
    let start = bytes.trim_ascii_start();
    // A header without mark: an ASCII letter, then the upper half of its UTF-16 unit.
    if matches!(bytes, [letter, 0, ..] if letter.is_ascii()) {
        return (UTF_16LE, bytes);
    }
    let is_version_4 =
        start.get(..REGEDIT4.len()).is_some_and(|start| start.eq_ignore_ascii_case(REGEDIT4));
    if !is_version_4 && std::str::from_utf8(bytes).is_ok() {
        return (UTF_8, bytes);
    }
    (ansi, bytes)
}
