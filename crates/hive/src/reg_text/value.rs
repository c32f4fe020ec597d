//! Values: names, strings, numbers and bytes.

use super::cursor::Cursor;
use super::operation::Version;
use super::{RegAction, RegTextError};
use crate::ValueType;
use encoding_rs::Encoding;
use std::borrow::Cow;

/// Takes a value with its line end.
pub(super) fn line(
    at: &mut Cursor<'_>,
    version: Version,
    ansi: &'static Encoding,
) -> Result<RegAction, RegTextError> {
    let name = if at.take('@') { String::new() } else { quoted(at, "name")?.into_owned() };
    at.skip_blanks();
    if !at.take('=') {
        return Err(at.error(format!("expected \"=\" after the name, found {}", at.show())));
    }
    at.skip_blanks();
    if at.take('-') {
        at.end_line("the deletion of a value")?;
        return Ok(RegAction::DeleteValue { name });
    }
    let (kind, data) = if at.peek() == Some('"') {
        let text = quoted(at, "string")?;
        at.end_line("a string")?;
        (ValueType::Sz, utf16(&text, true))
    } else if at.take_word("dword:") {
        (ValueType::Dword, number(at)?.to_le_bytes().to_vec())
    } else if at.take_word("hex:") {
        (ValueType::Binary, bytes(at)?)
    } else if at.take_word("hex(") {
        let kind = kind(at)?;
        let data = bytes(at)?;
        (kind, if version == Version::Four { widen(kind, data, ansi, at)? } else { data })
    } else {
        let reason = format!(
            "expected a string, \"dword:\", \"hex:\", \"hex(n):\" or \"-\", found {}",
            at.show()
        );
        return Err(at.error(reason));
    };
    Ok(RegAction::SetValue { name, kind, data })
}

/// Takes text in quotes, which may go over several lines.
fn quoted<'t>(at: &mut Cursor<'t>, what: &str) -> Result<Cow<'t, str>, RegTextError> {
    let line = at.line();
    at.next();
    let plain = at.take_while(|letter| !matches!(letter, '"' | '\\'));
    if at.take('"') {
        return Ok(Cow::Borrowed(plain));
    }
    let mut text = plain.to_owned();
    loop {
        match at.next() {
            None => {
                return Err(RegTextError { line, reason: format!("{what} without closing quote") });
            }
            Some('"') => return Ok(Cow::Owned(text)),
            Some('\\') => match at.peek() {
                Some(letter @ ('\\' | '"')) => {
                    at.next();
                    text.push(letter);
                }
                _ => {
                    let reason =
                        format!("{what} with a backslash before {}, write \\\\ for one", at.show());
                    return Err(at.error(reason));
                }
            },
            Some(letter) => text.push(letter),
        }
        text.push_str(at.take_while(|letter| !matches!(letter, '"' | '\\')));
    }
}

/// Takes a number of up to eight hexadecimal digits, with the line end.
fn number(at: &mut Cursor<'_>) -> Result<u32, RegTextError> {
    at.skip_blanks();
    let digits = at.take_while(|letter| letter.is_ascii_hexdigit());
    let error = || {
        at.error(format!("expected 1 to 8 hexadecimal digits after \"dword:\", found {digits:?}"))
    };
    if digits.is_empty() {
        return Err(at.error(format!(
            "expected a hexadecimal number after \"dword:\", found {}",
            at.show()
        )));
    }
    let number = match digits.len() {
        1..=8 => u32::from_str_radix(digits, 16).map_err(|_| error())?,
        _ => return Err(error()),
    };
    at.end_line("a number")?;
    Ok(number)
}

/// Takes the rest of `hex(n):`.
fn kind(at: &mut Cursor<'_>) -> Result<ValueType, RegTextError> {
    let digits = at.take_while(|letter| letter.is_ascii_hexdigit());
    let number = if digits.len() <= 8 { u32::from_str_radix(digits, 16).ok() } else { None };
    let Some(number) = number else {
        return Err(
            at.error(format!("expected a type of 1 to 8 hexadecimal digits, found {digits:?}"))
        );
    };
    if !at.take_word("):") {
        return Err(at.error(format!("expected \"):\" after the type, found {}", at.show())));
    }
    Ok(ValueType::from_raw(number))
}

/// Takes bytes separated by commas, with the line end. A backslash continues them on the next line.
fn bytes(at: &mut Cursor<'_>) -> Result<Vec<u8>, RegTextError> {
    let mut data = Vec::new();
    let mut wants_byte = false;
    loop {
        at.skip_blanks();
        if at.is_at_line_end() {
            if wants_byte {
                return Err(at.error("data end after a comma"));
            }
            at.take_line();
            return Ok(data);
        }
        if at.take('\\') {
            at.end_line("a backslash that continues the line")?;
            skip_blank_lines(at);
            if !at
                .peek()
                .is_some_and(|letter| letter.is_ascii_hexdigit() || letter == ',' || letter == '\\')
            {
                return Err(at.error(format!(
                    "expected more data after the continued line, found {}",
                    at.show()
                )));
            }
            continue;
        }
        if !data.is_empty() && !wants_byte {
            if !at.take(',') {
                return Err(at.error(format!("expected \",\" between bytes, found {}", at.show())));
            }
            wants_byte = true;
            continue;
        }
        let before = *at;
        let digits = at.take_while(|letter| letter.is_ascii_hexdigit());
        match (digits.len(), u8::from_str_radix(digits, 16)) {
            (1 | 2, Ok(byte)) => data.push(byte),
            _ => {
                return Err(at.error(format!(
                    "expected a byte of 1 or 2 hexadecimal digits, found {}",
                    before.show()
                )));
            }
        }
        wants_byte = false;
    }
}

/// Skips blank lines and comments within continued data, and the blanks after them.
fn skip_blank_lines(at: &mut Cursor<'_>) {
    loop {
        at.skip_blanks();
        if at.is_at_end() || !at.is_at_line_end() {
            return;
        }
        at.take_line();
    }
}

/// Data of string types in REGEDIT4 are 8-bit text: makes them UTF-16.
fn widen(
    kind: ValueType,
    data: Vec<u8>,
    ansi: &'static Encoding,
    at: &Cursor<'_>,
) -> Result<Vec<u8>, RegTextError> {
    if !matches!(kind, ValueType::Sz | ValueType::ExpandSz | ValueType::MultiSz) {
        return Ok(data);
    }
    match ansi.decode_without_bom_handling_and_without_replacement(&data) {
        Some(text) => Ok(utf16(&text, false)),
        None => {
            let line = at.line().saturating_sub(1);
            Err(RegTextError { line, reason: format!("string data are not valid {}", ansi.name()) })
        }
    }
}

fn utf16(text: &str, terminated: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() * 2 + 2);
    for unit in text.encode_utf16().chain(terminated.then_some(0)) {
        bytes.extend(unit.to_le_bytes());
    }
    bytes
}
