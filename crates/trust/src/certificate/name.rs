//! Distinguished names as text.

use crate::der::{Element, OBJECT_IDENTIFIER};
use crate::error::Error;
use crate::oid::dotted;

const COMMON_NAME: &str = "2.5.4.3";

/// The parts of a name, in the order they are written: the kind with dots, and the text.
fn parts(name: &Element<'_>) -> Result<Vec<(String, String)>, Error> {
    let mut found = Vec::new();
    for set in name.all()? {
        for part in set.all()? {
            let mut inside = part.inside();
            let kind = inside.expect(OBJECT_IDENTIFIER, "name")?.content;
            if let Some(value) = inside.next()? {
                found.push((dotted(kind), string(&value)));
            }
        }
    }
    Ok(found)
}

/// Most specific part first, as Windows shows a name.
pub(super) fn text(name: &Element<'_>) -> Result<String, Error> {
    let parts = parts(name)?;
    let shown: Vec<_> =
        parts.iter().rev().map(|(kind, text)| format!("{}={text}", short(kind))).collect();
    Ok(shown.join(", "))
}

/// The common name, or all of the name.
pub(super) fn common_name(name: &Element<'_>) -> Result<String, Error> {
    match parts(name)?.into_iter().rev().find(|(kind, _)| kind == COMMON_NAME) {
        Some((_, text)) => Ok(text),
        None => text(name),
    }
}

fn short(kind: &str) -> &str {
    match kind {
        COMMON_NAME => "CN",
        "2.5.4.5" => "SERIALNUMBER",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "S",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.15" => "businessCategory",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "E",
        other => other,
    }
}

/// A string of any of ASN.1's types; what would steer a terminal is replaced.
pub(crate) fn string(value: &Element<'_>) -> String {
    let text = match value.tag {
        0x1e => utf16(value.content, u16::from_be_bytes),
        0x14 => value.content.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(value.content).into_owned(),
    };
    printable(&text)
}

pub(crate) fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (units, _) = bytes.as_chunks::<2>();
    let units: Vec<_> = units.iter().map(|bytes| unit(*bytes)).collect();
    String::from_utf16_lossy(&units)
}

pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
