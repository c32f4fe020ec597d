//! Registry values as text: read as `reg add` reads them, shown as reports show them.

use winkiln_hive::ValueType;

use crate::secret;

/// Why a type or its data could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueTextError {
    /// No such type.
    #[error("unknown registry value type {name:?}{}", did_you_mean(*.nearest))]
    UnknownType {
        /// As given.
        name: String,
        /// The known name nearest to it.
        nearest: Option<&'static str>,
    },
    /// The data does not fit the type.
    #[error("{data:?} is not data of type {kind}: expected {expected}")]
    BadData {
        /// As given, shortened.
        data: String,
        /// The type's name.
        kind: &'static str,
        /// What would be right.
        expected: &'static str,
    },
}

impl ValueTextError {
    /// The same of the data of a value with this name: without the data, if that is a secret.
    #[must_use]
    pub fn of_value(self, name: &str) -> Self {
        match self {
            Self::BadData { kind, expected, .. } if secret::is_name(name) => {
                Self::BadData { data: secret::HIDDEN.to_owned(), kind, expected }
            }
            other => other,
        }
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

/// The names that Windows gives to value types, in the order of their numbers.
const TYPES: [(&str, ValueType); 12] = [
    ("REG_NONE", ValueType::None),
    ("REG_SZ", ValueType::Sz),
    ("REG_EXPAND_SZ", ValueType::ExpandSz),
    ("REG_BINARY", ValueType::Binary),
    ("REG_DWORD", ValueType::Dword),
    ("REG_DWORD_BIG_ENDIAN", ValueType::DwordBigEndian),
    ("REG_LINK", ValueType::Link),
    ("REG_MULTI_SZ", ValueType::MultiSz),
    ("REG_RESOURCE_LIST", ValueType::ResourceList),
    ("REG_FULL_RESOURCE_DESCRIPTOR", ValueType::FullResourceDescriptor),
    ("REG_RESOURCE_REQUIREMENTS_LIST", ValueType::ResourceRequirementsList),
    ("REG_QWORD", ValueType::Qword),
];

/// Reads a type's name (`REG_DWORD`, in any case) or its number (`7`, `0x12`).
///
/// # Errors
/// [`ValueTextError::UnknownType`].
pub fn parse_type(name: &str) -> Result<ValueType, ValueTextError> {
    if let Some((_, kind)) = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        return Ok(*kind);
    }
    if let Some(number) = parse_number(name).and_then(|number| u32::try_from(number).ok()) {
        return Ok(type_of(number));
    }
    let known: Vec<String> = TYPES.iter().map(|(known, _)| known.to_lowercase()).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let nearest = crate::nearest::nearest(name, &known)
        .and_then(|found| TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(found)))
        .map(|(known, _)| *known);
    Err(ValueTextError::UnknownType { name: shorten(name), nearest })
}

/// The number that stands for a type in a hive.
#[must_use]
pub fn type_number(kind: ValueType) -> u32 {
    match kind {
        ValueType::Other(number) => number,
        known => TYPES.iter().position(|(_, kind)| *kind == known).unwrap_or_default() as u32,
    }
}

/// The type that a number stands for.
fn type_of(number: u32) -> ValueType {
    TYPES.get(number as usize).map_or(ValueType::Other(number), |(_, kind)| *kind)
}

/// The name that Windows gives to a type; `REG_TYPE_0x12` when it has none.
#[must_use]
pub fn type_name(kind: ValueType) -> String {
    match kind {
        ValueType::Other(number) => format!("REG_TYPE_{number:#x}"),
        known => TYPES[type_number(known) as usize].0.to_owned(),
    }
}

/// Reads a type and data as `reg add -t TYPE -d DATA` does.
///
/// Numbers are decimal or `0x` hexadecimal, `\0` separates the strings of REG_MULTI_SZ, all binary types take hexadecimal bytes.
///
/// # Errors
/// An unknown type, data that does not fit it.
pub fn parse_value(
    type_name: &str,
    data_text: &str,
) -> Result<(ValueType, Vec<u8>), ValueTextError> {
    let kind = parse_type(type_name)?;
    let data = match kind {
        ValueType::Sz | ValueType::ExpandSz => string_data(data_text),
        ValueType::MultiSz => multi_data(&split_multi(data_text))?,
        ValueType::Dword => dword(data_text, "REG_DWORD")?.to_le_bytes().to_vec(),
        ValueType::DwordBigEndian => {
            dword(data_text, "REG_DWORD_BIG_ENDIAN")?.to_be_bytes().to_vec()
        }
        ValueType::Qword => parse_number(data_text)
            .ok_or_else(|| bad(data_text, "REG_QWORD", "a number from 0 to 2^64-1"))?
            .to_le_bytes()
            .to_vec(),
        // A link's target carries no closing zero.
        ValueType::Link => data_text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        _ => parse_hex(data_text)
            .ok_or_else(|| bad(data_text, "REG_BINARY", "hexadecimal bytes such as 01ff"))?,
    };
    Ok((kind, data))
}

fn dword(text: &str, kind: &'static str) -> Result<u32, ValueTextError> {
    parse_number(text)
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| bad(text, kind, "a number from 0 to 4294967295"))
}

/// UTF-16LE with a closing zero, as REG_SZ and REG_EXPAND_SZ are stored.
#[must_use]
pub fn string_data(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// Strings with a closing zero each and one more at the end, as REG_MULTI_SZ is stored.
///
/// # Errors
/// An empty string, or a zero inside of one: either would end the list early.
pub fn multi_data<S: AsRef<str>>(strings: &[S]) -> Result<Vec<u8>, ValueTextError> {
    let mut data = Vec::new();
    for string in strings {
        let string = string.as_ref();
        if string.is_empty() || string.contains('\0') {
            return Err(bad(string, "REG_MULTI_SZ", "strings that are not empty"));
        }
        data.extend(string_data(string));
    }
    data.extend([0, 0]);
    Ok(data)
}

/// Splits at `\0` (a backslash and a zero); one at the end is allowed.
fn split_multi(text: &str) -> Vec<&str> {
    let text = text.strip_suffix("\\0").unwrap_or(text);
    if text.is_empty() { Vec::new() } else { text.split("\\0").collect() }
}

fn parse_number(text: &str) -> Option<u64> {
    let text = text.trim();
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = hex.map_or((text, 10), |digits| (digits, 16));
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// Hexadecimal bytes, with or without `0x` in front and commas or spaces between.
fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let mut digits = Vec::with_capacity(text.len());
    for letter in text.chars().filter(|letter| !matches!(letter, ',' | ' ')) {
        digits.push(letter.to_digit(16)? as u8);
    }
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn bad(data: &str, kind: &'static str, expected: &'static str) -> ValueTextError {
    ValueTextError::BadData { data: shorten(data), kind, expected }
}

fn shorten(text: &str) -> String {
    const LETTERS_MAX: usize = 80;
    if text.chars().count() <= LETTERS_MAX {
        return text.to_owned();
    }
    text.chars().take(LETTERS_MAX).chain(['…']).collect()
}

/// Shows a value in a report: as [`display_value`] does, unless its name says that it is a secret, of which type and length are
/// told. Passwords in commands and product keys are left out of text.
#[must_use]
pub fn report_value(name: &str, kind: ValueType, data: &[u8]) -> String {
    if secret::is_name(name) { hidden_value(kind, data) } else { show(kind, data, secret::without) }
}

/// Shows that there is a value, and nothing of what it holds.
#[must_use]
pub fn hidden_value(kind: ValueType, data: &[u8]) -> String {
    format!("{} (a secret of {} bytes)", type_name(kind), data.len())
}

/// Shows a value as reports do: `REG_DWORD 0x00000001`, `REG_SZ "text"`, long data shortened with its length.
#[must_use]
pub fn display_value(kind: ValueType, data: &[u8]) -> String {
    show(kind, data, str::to_owned)
}

fn show(kind: ValueType, data: &[u8], told: impl Fn(&str) -> String) -> String {
    let name = type_name(kind);
    match (kind, data) {
        (ValueType::Dword, &[a, b, c, d]) => {
            format!("{name} {:#010x}", u32::from_le_bytes([a, b, c, d]))
        }
        (ValueType::DwordBigEndian, &[a, b, c, d]) => {
            format!("{name} {:#010x}", u32::from_be_bytes([a, b, c, d]))
        }
        (ValueType::Qword, &[a, b, c, d, e, f, g, h]) => {
            format!("{name} {:#018x}", u64::from_le_bytes([a, b, c, d, e, f, g, h]))
        }
        (ValueType::Sz | ValueType::ExpandSz, data) if data.len().is_multiple_of(2) => {
            let text = utf16(data);
            format!("{name} {}", quoted(&told(text.strip_suffix('\0').unwrap_or(&text))))
        }
        (ValueType::MultiSz, data) if data.len().is_multiple_of(2) => {
            let text = utf16(data);
            let strings: Vec<String> = text
                .split('\0')
                .filter(|string| !string.is_empty())
                .map(|string| quoted(&told(string)))
                .collect();
            format!("{name} [{}]", strings.join(", "))
        }
        (_, []) => format!("{name} (empty)"),
        (_, data) => format!("{name} {}", hex(data)),
    }
}

fn utf16(data: &[u8]) -> String {
    let units = data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn quoted(text: &str) -> String {
    const LETTERS_MAX: usize = 200;
    let length = text.chars().count();
    if length <= LETTERS_MAX {
        return format!("{text:?}");
    }
    let head: String = text.chars().take(LETTERS_MAX).collect();
    format!("{head:?}… ({length} characters)")
}

fn hex(data: &[u8]) -> String {
    const BYTES_MAX: usize = 32;
    let mut text: String = data.iter().take(BYTES_MAX).map(|byte| format!("{byte:02x}")).collect();
    if data.len() > BYTES_MAX {
        text.push_str(&format!("… ({} bytes)", data.len()));
    }
    text
}
