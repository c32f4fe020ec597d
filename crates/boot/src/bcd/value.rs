//! The value of an element, as stored and as `bcdedit` shows it.
//!
//! The second hexadecimal digit of an element's number is its format.
//! Source: Microsoft's BCD reference, "BcdElement"; observed on stores of Windows 7 to 11.

use winkiln_hive::ValueType;

use super::alias;
use super::device::{self, Device};

/// The format of an element's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Device,
    String,
    Object,
    ObjectList,
    Integer,
    Boolean,
    IntegerList,
    Unknown,
}

impl Format {
    pub(super) fn of(id: u32) -> Self {
        match (id >> 24) & 0xF {
            1 => Self::Device,
            2 => Self::String,
            3 => Self::Object,
            4 => Self::ObjectList,
            5 => Self::Integer,
            6 => Self::Boolean,
            7 => Self::IntegerList,
            _ => Self::Unknown,
        }
    }
}

/// The value of an element in `bcdedit`'s terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElementValue {
    /// Device.
    Device(Device),
    /// Text.
    String(String),
    /// One object, `{guid}` in lower case.
    Object(String),
    /// Objects in order.
    ObjectList(Vec<String>),
    /// Number.
    Integer(u64),
    /// Yes or no.
    Boolean(bool),
    /// Numbers.
    IntegerList(Vec<u64>),
    /// Not understood; kept as it is, with its registry type.
    Raw(ValueType, Vec<u8>),
}

impl ElementValue {
    /// The value as `bcdedit` prints it, without the words that depend on the element; well-known objects by alias,
    /// lists one item a line.
    #[must_use]
    pub fn to_text(&self) -> String {
        let shown =
            |guid: &String| alias::alias_of(guid).map_or_else(|| guid.clone(), str::to_owned);
        match self {
            Self::Device(device) => device.to_text(),
            Self::String(text) => text.clone(),
            Self::Object(guid) => shown(guid),
            Self::ObjectList(guids) => guids.iter().map(shown).collect::<Vec<_>>().join("\n"),
            Self::Integer(number) => number.to_string(),
            Self::Boolean(yes) => if *yes { "Yes" } else { "No" }.to_owned(),
            Self::IntegerList(numbers) => {
                numbers.iter().map(|number| format!("{number:#x}")).collect::<Vec<_>>().join("\n")
            }
            Self::Raw(_, bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

/// Decodes what the registry value `Element` of element `id` holds. What does not fit the format stays raw.
///
/// Windows writes integers of 8 bytes; template stores hold shorter ones.
#[must_use]
pub fn decode(id: u32, kind: ValueType, data: &[u8]) -> ElementValue {
    let known = match (Format::of(id), kind) {
        (Format::Device, ValueType::Binary) => Some(ElementValue::Device(device::decode(data))),
        (Format::String, ValueType::Sz) => first_text(data).map(ElementValue::String),
        (Format::Object, ValueType::Sz) => {
            first_text(data).and_then(|text| alias::as_guid(&text)).map(ElementValue::Object)
        }
        (Format::ObjectList, ValueType::MultiSz) => texts(data)
            .and_then(|list| list.iter().map(|text| alias::as_guid(text)).collect())
            .map(ElementValue::ObjectList),
        (Format::Integer, ValueType::Binary) => integer(data).map(ElementValue::Integer),
        (Format::Boolean, ValueType::Binary) => match data {
            [0] => Some(ElementValue::Boolean(false)),
            [_] => Some(ElementValue::Boolean(true)),
            _ => None,
        },
        (Format::IntegerList, ValueType::Binary) if data.len().is_multiple_of(8) => {
            data.chunks(8).map(integer).collect::<Option<_>>().map(ElementValue::IntegerList)
        }
        _ => None,
    };
    known.unwrap_or_else(|| ElementValue::Raw(kind, data.to_vec()))
}

/// Encodes a value as Windows writes it: registry type and data of the value `Element`.
#[must_use]
pub fn encode(value: &ElementValue) -> (ValueType, Vec<u8>) {
    match value {
        ElementValue::Device(device) => (ValueType::Binary, device.encode()),
        ElementValue::Raw(kind, raw) => (*kind, raw.clone()),
        ElementValue::String(text) | ElementValue::Object(text) => {
            (ValueType::Sz, terminated(text))
        }
        ElementValue::ObjectList(list) => {
            let mut data: Vec<u8> = list.iter().flat_map(|text| terminated(text)).collect();
            data.extend([0, 0]);
            (ValueType::MultiSz, data)
        }
        ElementValue::Integer(number) => (ValueType::Binary, number.to_le_bytes().to_vec()),
        ElementValue::Boolean(yes) => (ValueType::Binary, vec![u8::from(*yes)]),
        ElementValue::IntegerList(numbers) => {
            (ValueType::Binary, numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
        }
    }
}

/// A little-endian number of 1 to 8 bytes.
fn integer(data: &[u8]) -> Option<u64> {
    if data.is_empty() {
        return None;
    }
    let mut wide = [0; 8];
    wide.get_mut(..data.len())?.copy_from_slice(data);
    Some(u64::from_le_bytes(wide))
}

/// UTF-16LE text up to its first NUL; `None` for what is not text.
pub(super) fn first_text(data: &[u8]) -> Option<String> {
    let units = units(data)?;
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16(&units[..end]).ok()
}

fn texts(data: &[u8]) -> Option<Vec<String>> {
    units(data)?
        .split(|unit| *unit == 0)
        .take_while(|part| !part.is_empty())
        .map(|part| String::from_utf16(part).ok())
        .collect()
}

fn units(data: &[u8]) -> Option<Vec<u16>> {
    data.len()
        .is_multiple_of(2)
        .then(|| data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect())
}

/// UTF-16 with a NUL behind it.
pub(crate) fn terminated(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn round(id: u32, value: &ElementValue) {
        let (kind, data) = encode(value);
        assert_eq!(&decode(id, kind, &data), value);
    }

    #[test]
    fn values_round_trip() {
        let guid = "{9dea862c-5cdd-4e70-acc1-f32b344d4795}".to_owned();
        round(0x1200_0004, &ElementValue::String("Windows\u{a0}11".into()));
        round(0x1200_0004, &ElementValue::String(String::new()));
        round(0x2300_0003, &ElementValue::Object(guid.clone()));
        round(0x2400_0001, &ElementValue::ObjectList(vec![guid.clone(), guid]));
        round(0x2500_0004, &ElementValue::Integer(30));
        round(0x1600_0049, &ElementValue::Boolean(true));
        round(0x1700_0077, &ElementValue::IntegerList(vec![0x1500_0075, u64::MAX]));
    }

    #[test]
    fn what_does_not_fit_stays_raw() {
        for (id, kind, data) in [
            (0x1600_0049, ValueType::Binary, &[1, 0][..]),
            (0x1600_0049, ValueType::Dword, &[1]),
            (0x2500_0004, ValueType::Binary, &[]),
            (0x2500_0004, ValueType::Binary, &[0; 9]),
            (0x1700_0077, ValueType::Binary, &[0; 9]),
            (0x1200_0004, ValueType::Sz, &[0x41]),
            (0x1200_0004, ValueType::Sz, &[0x00, 0xD8]),
            (0x2300_0003, ValueType::Sz, &[0x41, 0]),
            (0x1F00_0000, ValueType::Binary, &[1]),
        ] {
            let raw = ElementValue::Raw(kind, data.to_vec());
            assert_eq!(decode(id, kind, data), raw, "{id:#x}");
        }
        assert_eq!(
            decode(0x2500_0004, ValueType::Binary, &[0, 0xC2, 1]),
            ElementValue::Integer(115_200)
        );
    }
}
