//! Entries of `AddReg`: `root,[subkey],[name],[flags],[value],...`.

use super::super::super::{Entry, InfError, InfProblem, Text};
use super::{Existing, RegistryData, RegistryEdit, RegistryOperation, edit};

const NO_CLOBBER: u32 = 0x0000_0002;
const DELETE: u32 = 0x0000_0004;
const APPEND: u32 = 0x0000_0008;
const KEY_ONLY: u32 = 0x0000_0010;
const OVERWRITE_ONLY: u32 = 0x0000_0020;
const KEY_ONLY_COMMON: u32 = 0x0000_2000;
/// Marks entries of `DelReg`; in `AddReg` they mean nothing.
const DELETION: u32 = 0x0000_8000;

/// The part of the flags that is the type.
const TYPE: u32 = 0xFFFF_0001;
const SZ: u32 = 0;
const MULTI_SZ: u32 = 0x0001_0000;
const EXPAND_SZ: u32 = 0x0002_0000;
const BINARY: u32 = 0x0000_0001;
const DWORD: u32 = 0x0001_0001;
const NONE: u32 = 0x0002_0001;

/// `None` for an entry that means nothing.
pub(super) fn entry_edit(entry: &Entry<'_>) -> Result<Option<RegistryEdit>, InfError> {
    let flags = entry.number(3, "flags of AddReg")?.unwrap_or(0);
    if flags & DELETION != 0 {
        return Ok(None);
    }
    let name = entry.text(2);
    let operation = if flags & DELETE != 0 {
        if name.is_empty() {
            RegistryOperation::DeleteKey
        } else {
            RegistryOperation::DeleteValue { name }
        }
    } else if flags & (KEY_ONLY | KEY_ONLY_COMMON) != 0 || entry.len() <= 2 {
        RegistryOperation::CreateKey
    } else if flags & APPEND != 0 && flags & TYPE == MULTI_SZ {
        RegistryOperation::Append { name, strings: strings(entry) }
    } else {
        let existing = match flags {
            flags if flags & NO_CLOBBER != 0 => Existing::Keep,
            flags if flags & OVERWRITE_ONLY != 0 => Existing::Only,
            _ => Existing::Replace,
        };
        RegistryOperation::Set { name, data: data(entry, flags)?, existing }
    };
    edit(entry, flags, operation).map(Some)
}

fn data(entry: &Entry<'_>, flags: u32) -> Result<RegistryData, InfError> {
    Ok(match flags & TYPE {
        SZ => RegistryData::Sz(entry.text(4)),
        EXPAND_SZ => RegistryData::ExpandSz(entry.text(4)),
        MULTI_SZ => RegistryData::MultiSz(strings(entry)),
        DWORD => RegistryData::Dword(dword(entry)?),
        NONE => RegistryData::Binary { kind: 0, bytes: bytes(entry)? },
        BINARY => RegistryData::Binary { kind: 3, bytes: bytes(entry)? },
        other if other & 1 != 0 => RegistryData::Binary { kind: other >> 16, bytes: bytes(entry)? },
        _ => return Err(entry.error(InfProblem::UnknownType { flags })),
    })
}

fn strings(entry: &Entry<'_>) -> Vec<Text> {
    // An empty string would end the value.
    (4..entry.len()).map(|index| entry.text(index)).filter(|text| !text.is_empty()).collect()
}

/// One number, or its four bytes, the lowest first.
fn dword(entry: &Entry<'_>) -> Result<u32, InfError> {
    if entry.len() <= 5 {
        return Ok(entry.number(4, "REG_DWORD")?.unwrap_or(0));
    }
    let bytes = bytes(entry)?;
    let bytes: [u8; 4] = bytes.try_into().map_err(|_| {
        entry.error(InfProblem::NotANumber {
            field: "REG_DWORD",
            found: "a list of values".to_owned(),
        })
    })?;
    Ok(u32::from_le_bytes(bytes))
}

fn bytes(entry: &Entry<'_>) -> Result<Vec<u8>, InfError> {
    let mut fields: Vec<_> = (4..entry.len()).map(|index| entry.string(index)).collect();
    while fields.last().is_some_and(String::is_empty) {
        fields.pop();
    }
    fields
        .into_iter()
        .map(|field| byte(&field).ok_or_else(|| entry.error(InfProblem::NotAByte { found: field })))
        .collect()
}

/// Two digits, perhaps after `0x`; nothing is 0.
fn byte(field: &str) -> Option<u8> {
    let digits = field.trim();
    let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).unwrap_or(digits);
    match digits {
        "" => Some(0),
        digits if digits.starts_with('+') => None,
        digits => u8::from_str_radix(digits, 16).ok(),
    }
}
