//! Keys and values, as reg.exe shows them and as JSON.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value as Json, json};
use winkiln_bake::value_text::type_name;
use winkiln_hive::{Value, ValueType};

use crate::clock;
use crate::render::text::{hex, printable};

/// A key as it was read.
#[derive(Debug)]
pub(crate) struct KeyFacts {
    /// Full path.
    pub(crate) path: String,
    /// 100 ns ticks since 1601.
    pub(crate) last_write: u64,
    /// Where it leads, when it is a symbolic link.
    pub(crate) link: Option<String>,
    /// Those asked for.
    pub(crate) values: Vec<Value>,
    /// Names.
    pub(crate) subkeys: Vec<String>,
}

/// `reg query --json`.
#[derive(Debug, Serialize)]
pub(crate) struct QueryJson {
    keys: Vec<KeyJson>,
}

#[derive(Debug, Serialize)]
struct KeyJson {
    key: String,
    last_write: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    values: Vec<ValueJson>,
    subkeys: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ValueJson {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    data: Json,
    hex: String,
}

/// The JSON form: the key asked for first, with `-s` all below it after it.
pub(crate) fn query_json(keys: &[KeyFacts]) -> QueryJson {
    let value = |value: &Value| ValueJson {
        name: value.name.clone(),
        kind: type_name(value.kind),
        data: data_json(value),
        hex: hex(&value.data),
    };
    let key = |key: &KeyFacts| KeyJson {
        key: key.path.clone(),
        last_write: clock::rfc3339(key.last_write),
        link: key.link.clone(),
        values: key.values.iter().map(value).collect(),
        subkeys: key.subkeys.clone(),
    };
    QueryJson { keys: keys.iter().map(key).collect() }
}

/// Text, numbers, lists of text; hexadecimal digits for everything else and for data that its type does not fit.
fn data_json(value: &Value) -> Json {
    match (value.kind, value.data.as_slice()) {
        (ValueType::Sz | ValueType::ExpandSz | ValueType::Link, data) if data.len() % 2 == 0 => {
            json!(string(data))
        }
        (ValueType::MultiSz, data) if data.len() % 2 == 0 => json!(strings(data)),
        (ValueType::Dword, &[a, b, c, d]) => json!(u32::from_le_bytes([a, b, c, d])),
        (ValueType::DwordBigEndian, &[a, b, c, d]) => json!(u32::from_be_bytes([a, b, c, d])),
        (ValueType::Qword, &[a, b, c, d, e, f, g, h]) => {
            json!(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
        }
        (_, data) => json!(hex(data)),
    }
}

/// The text form of reg.exe: each key's path, its values, its subkeys' paths.
pub(crate) fn query_text(keys: &[KeyFacts], recursive: bool) -> String {
    let mut text = String::new();
    for key in keys {
        // The root of a loose hive has no name.
        let path = if key.path.is_empty() { "\\" } else { &key.path };
        let _ = writeln!(text, "\n{}", printable(path));
        for value in &key.values {
            let name = if value.name.is_empty() { "(Default)" } else { &value.name };
            let _ = writeln!(
                text,
                "    {}    {}    {}",
                printable(name),
                type_name(value.kind),
                printable(&data_text(value))
            );
        }
        if !recursive && !key.subkeys.is_empty() {
            text.push('\n');
            for subkey in &key.subkeys {
                let _ = writeln!(text, "{}\\{}", printable(&key.path), printable(subkey));
            }
        }
    }
    text
}

fn data_text(value: &Value) -> String {
    match (value.kind, value.data.as_slice()) {
        (ValueType::Sz | ValueType::ExpandSz | ValueType::Link, data) if data.len() % 2 == 0 => {
            string(data)
        }
        (ValueType::MultiSz, data) if data.len() % 2 == 0 => strings(data).join("\\0"),
        (ValueType::Dword, &[a, b, c, d]) => format!("{:#x}", u32::from_le_bytes([a, b, c, d])),
        (ValueType::DwordBigEndian, &[a, b, c, d]) => {
            format!("{:#x}", u32::from_be_bytes([a, b, c, d]))
        }
        (ValueType::Qword, &[a, b, c, d, e, f, g, h]) => {
            format!("{:#x}", u64::from_le_bytes([a, b, c, d, e, f, g, h]))
        }
        (_, data) => hex(data),
    }
}

/// UTF-16 text without its closing zero.
fn string(data: &[u8]) -> String {
    let text = utf16(data);
    text.strip_suffix('\0').map(str::to_owned).unwrap_or(text)
}

fn strings(data: &[u8]) -> Vec<String> {
    utf16(data).split('\0').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn utf16(data: &[u8]) -> String {
    let units = data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(kind: ValueType, data: &[u8]) -> Value {
        Value { name: "v".into(), kind, data: data.to_vec() }
    }

    #[test]
    fn data_shows_as_reg_exe_shows_it() {
        let rows = [
            (ValueType::Sz, &b"a\0b\0\0\0"[..], "ab", json!("ab")),
            (ValueType::MultiSz, b"a\0\0\0b\0\0\0\0\0", r"a\0b", json!(["a", "b"])),
            (ValueType::Dword, &[1, 0, 0, 0], "0x1", json!(1)),
            (ValueType::Dword, &[1, 0], "0100", json!("0100")),
            (ValueType::Qword, &[0, 0, 0, 0, 1, 0, 0, 0], "0x100000000", json!(1u64 << 32)),
            (ValueType::Binary, &[0xde, 0xad], "DEAD", json!("DEAD")),
            (ValueType::None, &[], "", json!("")),
        ];
        for (kind, data, text, in_json) in rows {
            let value = value(kind, data);
            assert_eq!(data_text(&value), text, "{kind:?}");
            assert_eq!(data_json(&value), in_json, "{kind:?}");
        }
    }
}
