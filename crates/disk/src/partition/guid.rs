//! GUIDs as disks store them.

use std::fmt;
use std::str::FromStr;

/// A GUID in its on-disk (mixed-endian) byte order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub [u8; 16]);

/// The error of parsing a GUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a GUID: expected 8-4-4-4-12 hexadecimal digits, with or without braces")]
pub struct ParseGuidError {
    text: String,
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let g = &self.0;
        write!(
            f,
            "{{{:08x}-{:04x}-{:04x}-{:02x}{:02x}-{:02x}{:02x}{:02x}{:02x}{:02x}{:02x}}}",
            u32::from_le_bytes([g[0], g[1], g[2], g[3]]),
            u16::from_le_bytes([g[4], g[5]]),
            u16::from_le_bytes([g[6], g[7]]),
            g[8],
            g[9],
            g[10],
            g[11],
            g[12],
            g[13],
            g[14],
            g[15]
        )
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Guid {
    type Err = ParseGuidError;

    /// Parses `8-4-4-4-12` hexadecimal digits, with or without braces.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseGuidError { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<Guid> {
    let inner = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    let mut groups = inner.split('-');
    let mut number = |digits: usize| {
        let group = groups.next()?;
        let hex = group.len() == digits && group.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex.then(|| u64::from_str_radix(group, 16).ok()).flatten()
    };
    let (first, second, third) = (number(8)?, number(4)?, number(4)?);
    let (fourth, last) = (number(4)?, number(12)?);
    if groups.next().is_some() {
        return None;
    }
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&(first as u32).to_le_bytes());
    bytes[4..6].copy_from_slice(&(second as u16).to_le_bytes());
    bytes[6..8].copy_from_slice(&(third as u16).to_le_bytes());
    bytes[8..10].copy_from_slice(&(fourth as u16).to_be_bytes());
    bytes[10..].copy_from_slice(&last.to_be_bytes()[2..]);
    Some(Guid(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_are_inverse() {
        let text = "{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}";
        let guid: Guid = text.parse().unwrap();
        assert_eq!(guid.0[..4], [0x28, 0x73, 0x2a, 0xc1], "first group is little-endian");
        assert_eq!(guid.0[8..], [0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b]);
        assert_eq!(guid.to_string(), text);
        assert_eq!("C12A7328-F81F-11D2-BA4B-00A0C93EC93B".parse(), Ok(guid));
    }

    #[test]
    fn what_is_not_a_guid_is_refused() {
        for text in [
            "",
            "{}",
            "{c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
            "c12a7328-f81f-11d2-ba4b-00a0c93ec93b}",
            "c12a7328-f81f-11d2-ba4b-00a0c93ec93",
            "+12a7328-f81f-11d2-ba4b-00a0c93ec93b",
            "c12a7328-f81f-11d2-ba4b-00a0c93ec93b-",
            "c12a7328f81f11d2ba4b00a0c93ec93b",
        ] {
            assert!(text.parse::<Guid>().is_err(), "{text}");
        }
    }
}
