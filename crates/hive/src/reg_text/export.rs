//! A part of a hive as 5.00 text.

use super::{RegAction, RegOperation};
use crate::{Hive, HiveError, KeyId, Value, ValueType};
use std::fmt::Write as _;
use std::rc::Rc;

const HEADER: &str = "Windows Registry Editor Version 5.00\r\n";

/// A line of bytes is folded after the first comma at or past this many characters.
const COLUMNS: usize = 77;

/// Writes a key with all below it as 5.00 text (CRLF, without BOM; encode as UTF-16LE with BOM for regedit).
/// `prefix` is the full path under which `key` is shown; empty, paths begin with `\`.
///
/// Importing the text gives the same keys, values, types and bytes. Class names, security and times are not in it.
///
/// # Errors
/// When the hive cannot be read.
pub fn export(hive: &Hive, key: KeyId, prefix: &str) -> Result<String, HiveError> {
    let mut text = String::from(HEADER);
    export_all(&mut text, hive, key, prefix)?;
    text.push_str("\r\n");
    Ok(text)
}

/// Adds a key with all below it to text that [`export`] or [`write()`] began, which may come from other hives.
///
/// # Errors
/// As [`export`].
pub fn export_all(
    text: &mut String,
    hive: &Hive,
    key: KeyId,
    prefix: &str,
) -> Result<(), HiveError> {
    let prefix = if prefix.is_empty() { "\\" } else { prefix };
    // The path of the key above and the name: a full path for each that waits would be more than the hive holds.
    let top: Rc<str> = "".into();
    let mut left = vec![(key, top, prefix.to_owned())];
    while let Some((key, above, name)) = left.pop() {
        let separator = if above.is_empty() || above.ends_with('\\') { "" } else { "\\" };
        let path = format!("{above}{separator}{name}");
        text.push_str("\r\n[");
        text.push_str(&path);
        text.push_str("]\r\n");
        for value in hive.values(key)? {
            write_value(text, &value);
        }
        let above: Rc<str> = path.into();
        for (name, subkey) in hive.subkeys(key)?.into_iter().rev() {
            left.push((subkey, Rc::clone(&above), name));
        }
    }
    Ok(())
}

/// Writes operations as 5.00 text, in their order: read back, it gives the same operations. Without operations it gives
/// the header alone, to which [`export_all`] can add keys.
///
/// # Errors
/// [`Unspellable`] for names that such text cannot hold.
pub fn write(operations: &[RegOperation]) -> Result<String, Unspellable> {
    let mut text = String::from(HEADER);
    let mut current = None;
    for RegOperation { key, action, .. } in operations {
        let unfit = |name: &str| Unspellable { name: name.to_owned() };
        if key.contains(['\0', '\r', '\n']) {
            return Err(unfit(key));
        }
        if let RegAction::SetValue { name, .. } | RegAction::DeleteValue { name } = action
            && name.contains('\0')
        {
            return Err(unfit(name));
        }
        if matches!(action, RegAction::DeleteKey) {
            let _ = write!(text, "\r\n[-{key}]\r\n");
            current = None;
            continue;
        }
        if current != Some(key) || matches!(action, RegAction::CreateKey) {
            let _ = write!(text, "\r\n[{key}]\r\n");
            current = Some(key);
        }
        match action {
            RegAction::SetValue { name, kind, data } => {
                let value = Value { name: name.clone(), kind: *kind, data: data.clone() };
                write_value(&mut text, &value);
            }
            RegAction::DeleteValue { name } => {
                write_name(&mut text, name);
                text.push_str("=-\r\n");
            }
            RegAction::CreateKey | RegAction::DeleteKey => {}
        }
    }
    Ok(text)
}

/// A name that text cannot spell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name {name:?} cannot be written as text")]
pub struct Unspellable {
    /// The name.
    pub name: String,
}

fn write_name(text: &mut String, name: &str) {
    if name.is_empty() {
        text.push('@');
    } else {
        write_quoted(text, name);
    }
}

fn write_value(text: &mut String, value: &Value) {
    let start = text.len();
    write_name(text, &value.name);
    text.push('=');
    match (value.kind, string(value), value.data.as_slice()) {
        (ValueType::Sz, Some(string), _) => write_quoted(text, &string),
        (ValueType::Dword, _, &[a, b, c, d]) => {
            // Writing to a string cannot fail.
            let _ = write!(text, "dword:{:08x}", u32::from_le_bytes([a, b, c, d]));
        }
        (kind, _, data) => {
            match kind {
                ValueType::Binary => text.push_str("hex:"),
                kind => {
                    let _ = write!(text, "hex({:x}):", kind.raw());
                }
            }
            let column = text.get(start..).map_or(0, |line| line.chars().count());
            write_bytes(text, data, column);
        }
    }
    text.push_str("\r\n");
}

/// The text of a value if quoting it gives the same bytes back: whole characters, one NUL, and that at the end.
fn string(value: &Value) -> Option<String> {
    let units = value.data.chunks_exact(2);
    if !units.remainder().is_empty() {
        return None;
    }
    let units =
        units.filter_map(|unit| unit.first_chunk::<2>()).map(|unit| u16::from_le_bytes(*unit));
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    let text = text.strip_suffix('\0')?;
    (!text.contains(['\0', '\r', '\n'])).then(|| text.to_owned())
}

fn write_quoted(text: &mut String, quoted: &str) {
    text.push('"');
    for letter in quoted.chars() {
        if matches!(letter, '"' | '\\') {
            text.push('\\');
        }
        text.push(letter);
    }
    text.push('"');
}

fn write_bytes(text: &mut String, data: &[u8], mut column: usize) {
    for (index, byte) in data.iter().enumerate() {
        let _ = write!(text, "{byte:02x}");
        column += 2;
        if index + 1 < data.len() {
            text.push(',');
            column += 1;
            if column >= COLUMNS {
                text.push_str("\\\r\n  ");
                column = 2;
            }
        }
    }
}
