//! A directory record.

use crate::source::field;

/// Bytes before the name.
const FIXED: usize = 33;

/// A directory record. Source: ECMA-119, section 9.1.
#[derive(Debug, Clone)]
pub(super) struct Record {
    block: u32,
    attribute_blocks: u8,
    /// Size in bytes.
    pub size: u32,
    flags: u8,
    interleaved: bool,
    name: Vec<u8>,
    /// The system use field.
    pub system_use: Vec<u8>,
}

impl Record {
    /// Reads a record of at least its fixed bytes and name.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let length = usize::from(field::u8(bytes, 32)?);
        let name = bytes.get(FIXED..FIXED + length)?.to_vec();
        let own = usize::from(bytes[0]).min(bytes.len());
        let rest = FIXED + length + usize::from(length % 2 == 0);
        Some(Self {
            block: field::u32(bytes, 2)?,
            attribute_blocks: bytes[1],
            size: field::u32(bytes, 10)?,
            flags: bytes[25],
            interleaved: bytes[26] != 0 || bytes[27] != 0,
            name,
            system_use: bytes.get(rest..own).unwrap_or(&[]).to_vec(),
        })
    }

    /// The block in which the contents begin, after an extended attribute record.
    pub fn first_block(&self) -> u64 {
        u64::from(self.block) + u64::from(self.attribute_blocks)
    }

    pub fn is_folder(&self) -> bool {
        self.flags & 2 != 0
    }

    pub fn is_associated(&self) -> bool {
        self.flags & 4 != 0
    }

    /// True when the next record has more of the same file.
    pub fn continues(&self) -> bool {
        self.flags & 0x80 != 0
    }

    pub fn is_interleaved(&self) -> bool {
        self.interleaved
    }

    pub fn is_self_or_parent(&self) -> bool {
        matches!(self.name[..], [0 | 1])
    }

    /// The name without its version number.
    pub fn plain_name(&self) -> Result<String, Vec<u8>> {
        let text = std::str::from_utf8(&self.name).map_err(|_| self.name.clone())?;
        Ok(without_version(text))
    }

    /// A name in UTF-16, big-endian.
    pub fn joliet_name(&self) -> Result<String, Vec<u8>> {
        let (units, []) = self.name.as_chunks::<2>() else { return Err(self.name.clone()) };
        let units: Vec<_> = units.iter().map(|&unit| u16::from_be_bytes(unit)).collect();
        let text = String::from_utf16(&units).map_err(|_| self.name.clone())?;
        Ok(without_version(&text))
    }
}

fn without_version(name: &str) -> String {
    let name = match name.rsplit_once(';') {
        Some((name, version)) if version.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => name,
    };
    name.strip_suffix('.').unwrap_or(name).to_owned()
}
