//! GUIDs of setup classes and providers.

use std::fmt;

/// A GUID, shown in braces and upper case as the registry has it; all zeros by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid {
    digits: [u8; 16],
}

impl Guid {
    /// Parses `{4d36e97b-e325-11ce-bfc1-08002be10318}`, with or without braces.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let inner = match text.strip_prefix('{') {
            Some(rest) => rest.strip_suffix('}')?,
            None => text,
        };
        let mut digits = [0; 16];
        let mut place = 0_usize;
        for (index, c) in inner.chars().enumerate() {
            if matches!(index, 8 | 13 | 18 | 23) {
                if c != '-' {
                    return None;
                }
                continue;
            }
            let digit = u8::try_from(c.to_digit(16)?).ok()?;
            let byte = digits.get_mut(place / 2)?;
            *byte = (*byte << 4) | digit;
            place += 1;
        }
        (place == 32).then_some(Self { digits })
    }

    /// The 16 bytes as Windows keeps them: the first three groups in little endian.
    #[must_use]
    pub fn to_bytes_le(self) -> [u8; 16] {
        let d = self.digits;
        [
            d[3], d[2], d[1], d[0], d[5], d[4], d[7], d[6], d[8], d[9], d[10], d[11], d[12], d[13],
            d[14], d[15],
        ]
    }
}

impl Guid {
    /// The GUID of 16 bytes as Windows keeps them.
    #[must_use]
    pub fn from_bytes_le(bytes: [u8; 16]) -> Self {
        // The same places change in both directions.
        Self { digits: Self { digits: bytes }.to_bytes_le() }
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, digit) in self.digits.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{digit:02X}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::Guid;

    #[test]
    fn guids_parse_and_print() {
        let text = "{4D36E97B-E325-11CE-BFC1-08002BE10318}";
        let guid = Guid::parse(&text.to_lowercase()).expect("a GUID");
        assert_eq!(guid.to_string(), text);
        assert_eq!(guid.to_bytes_le()[..8], [0x7B, 0xE9, 0x36, 0x4D, 0x25, 0xE3, 0xCE, 0x11]);
        for bad in [
            "",
            "{}",
            "{4D36E97B-E325-11CE-BFC1-08002BE1031}",
            "4D36E97B+E325-11CE-BFC1-08002BE10318",
            "{4D36E97B-E325-11CE-BFC1-08002BE10318",
        ] {
            assert_eq!(Guid::parse(bad), None, "{bad}");
        }
    }
}
