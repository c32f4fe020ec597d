//! Attributes of a file record: their header, resident values and non-resident extents.
//!
//! Source: linux-ntfs documentation, "Attribute Header".

use crate::bytes::{self, align8};

/// Attribute type codes.
pub(crate) mod kind {
    pub(crate) const STANDARD_INFORMATION: u32 = 0x10;
    pub(crate) const ATTRIBUTE_LIST: u32 = 0x20;
    pub(crate) const FILE_NAME: u32 = 0x30;
    pub(crate) const OBJECT_ID: u32 = 0x40;
    pub(crate) const SECURITY_DESCRIPTOR: u32 = 0x50;
    pub(crate) const VOLUME_NAME: u32 = 0x60;
    pub(crate) const VOLUME_INFORMATION: u32 = 0x70;
    pub(crate) const DATA: u32 = 0x80;
    pub(crate) const INDEX_ROOT: u32 = 0x90;
    pub(crate) const INDEX_ALLOCATION: u32 = 0xa0;
    pub(crate) const BITMAP: u32 = 0xb0;
    pub(crate) const REPARSE_POINT: u32 = 0xc0;
    /// Ends a record's attributes.
    pub(crate) const END: u32 = 0xffff_ffff;
}

/// Attribute flags.
pub(crate) mod flag {
    /// The bits that name a compression method; 1 is LZNT1.
    pub(crate) const COMPRESSION: u16 = 0x00ff;
    pub(crate) const ENCRYPTED: u16 = 0x4000;
    pub(crate) const SPARSE: u16 = 0x8000;
}

/// Bytes of a resident header.
const RESIDENT_HEAD: usize = 0x18;
/// Bytes of a non-resident header without and with the compressed size.
const EXTENT_HEAD: usize = 0x40;
const PACKED_HEAD: usize = 0x48;

/// How an attribute's value is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// In the record.
    Resident {
        value: Vec<u8>,
        /// 1 when the value is a key of an index.
        indexed: u8,
    },
    /// In clusters; this is one extent. The sizes count for the whole value and stand in the extent with VCN 0.
    NonResident {
        lowest: u64,
        /// The last VCN; `lowest - 1` (wrapping) when the extent holds none.
        highest: u64,
        pairs: Vec<u8>,
        /// Clusters per compression unit as a power of two; 0 when not compressed.
        unit: u8,
        allocated: u64,
        size: u64,
        initialized: u64,
        /// Bytes really allocated, for compressed and sparse values.
        packed: Option<u64>,
    },
}

/// An attribute, or one extent of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) kind: u32,
    pub(crate) name: Vec<u16>,
    pub(crate) flags: u16,
    pub(crate) id: u16,
    pub(crate) form: Form,
}

/// The name and the first VCN of the attribute that fills `raw`; `None` when its header is cut short.
pub(crate) fn name_and_lowest(raw: &[u8]) -> Option<(Vec<u16>, u64)> {
    let units = usize::from(*raw.get(9)?);
    let at = usize::from(bytes::u16_at(raw, 0x0a)?);
    let name = if units == 0 {
        Vec::new()
    } else {
        bytes::utf16_units(bytes::slice_at(raw, at, 2 * units)?)
    };
    let lowest = if *raw.get(8)? == 0 { 0 } else { bytes::u64_at(raw, 0x10)? };
    Some((name, lowest))
}

impl Attribute {
    /// A resident attribute.
    pub(crate) fn resident(kind: u32, name: &[u16], value: Vec<u8>) -> Self {
        let indexed = u8::from(kind == kind::FILE_NAME);
        Self { kind, name: name.to_vec(), flags: 0, id: 0, form: Form::Resident { value, indexed } }
    }

    /// Parses an attribute that fills `raw`; the error says what is wrong.
    pub(crate) fn parse(raw: &[u8]) -> Result<Self, &'static str> {
        const SHORT: &str = "attribute header cut short";
        let flags = bytes::u16_at(raw, 0x0c).ok_or(SHORT)?;
        let name_length = usize::from(*raw.get(9).ok_or(SHORT)?);
        let name_at = usize::from(bytes::u16_at(raw, 0x0a).ok_or(SHORT)?);
        let name = match name_length {
            0 => Vec::new(),
            n => bytes::utf16_units(
                bytes::slice_at(raw, name_at, 2 * n).ok_or("attribute name out of bounds")?,
            ),
        };
        let form = if raw.get(8) == Some(&0) {
            let length = bytes::u32_at(raw, 0x10).ok_or(SHORT)? as usize;
            let at = usize::from(bytes::u16_at(raw, 0x14).ok_or(SHORT)?);
            let value = bytes::slice_at(raw, at, length).ok_or("resident value out of bounds")?;
            Form::Resident { value: value.to_vec(), indexed: *raw.get(0x16).ok_or(SHORT)? }
        } else {
            let field = |at| bytes::u64_at(raw, at).ok_or(SHORT);
            let pairs_at = usize::from(bytes::u16_at(raw, 0x20).ok_or(SHORT)?);
            let lowest = field(0x10)?;
            // What stands first behind the header, the name or the mapping pairs, tells how long it is.
            let head = if name_length == 0 { pairs_at } else { pairs_at.min(name_at) };
            let packed = flags & (flag::COMPRESSION | flag::SPARSE) != 0 && lowest == 0;
            Form::NonResident {
                lowest,
                highest: field(0x18)?,
                pairs: raw.get(pairs_at..).ok_or("mapping pairs out of bounds")?.to_vec(),
                unit: *raw.get(0x22).ok_or(SHORT)?,
                allocated: field(0x28)?,
                size: field(0x30)?,
                initialized: field(0x38)?,
                packed: if packed && head >= PACKED_HEAD { Some(field(0x40)?) } else { None },
            }
        };
        let kind = bytes::u32_at(raw, 0).ok_or(SHORT)?;
        Ok(Self { kind, name, flags, id: bytes::u16_at(raw, 0x0e).ok_or(SHORT)?, form })
    }

    /// Bytes that [`Attribute::to_bytes`] gives.
    pub(crate) fn length(&self) -> usize {
        let (head, body) = self.parts();
        align8(align8(head + 2 * self.name.len()) + body)
    }

    fn parts(&self) -> (usize, usize) {
        match &self.form {
            Form::Resident { value, .. } => (RESIDENT_HEAD, value.len()),
            Form::NonResident { pairs, packed: None, .. } => (EXTENT_HEAD, pairs.len()),
            Form::NonResident { pairs, .. } => (PACKED_HEAD, pairs.len()),
        }
    }

    /// The attribute as it stands in a record.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let (head, _) = self.parts();
        let body_at = align8(head + 2 * self.name.len());
        let mut raw = vec![0; self.length()];
        let length = raw.len() as u32;
        let mut put = |at: usize, data: &[u8]| raw[at..at + data.len()].copy_from_slice(data);
        put(0, &self.kind.to_le_bytes());
        put(4, &length.to_le_bytes());
        put(9, &[self.name.len() as u8]);
        // Windows gives an unnamed attribute the place where its name would be.
        put(0x0a, &(head as u16).to_le_bytes());
        put(0x0c, &self.flags.to_le_bytes());
        put(0x0e, &self.id.to_le_bytes());
        put(head, &bytes::utf16_bytes(&self.name));
        match &self.form {
            Form::Resident { value, indexed } => {
                put(0x10, &(value.len() as u32).to_le_bytes());
                put(0x14, &(body_at as u16).to_le_bytes());
                put(0x16, &[*indexed]);
                put(body_at, value);
            }
            Form::NonResident {
                lowest,
                highest,
                pairs,
                unit,
                allocated,
                size,
                initialized,
                packed,
            } => {
                put(8, &[1]);
                put(0x10, &lowest.to_le_bytes());
                put(0x18, &highest.to_le_bytes());
                put(0x20, &(body_at as u16).to_le_bytes());
                put(0x22, &[*unit]);
                put(0x28, &allocated.to_le_bytes());
                put(0x30, &size.to_le_bytes());
                put(0x38, &initialized.to_le_bytes());
                if let Some(packed) = packed {
                    put(0x40, &packed.to_le_bytes());
                }
                put(body_at, pairs);
            }
        }
        raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sparse attribute with the short header: behind it stands a name, not the compressed size.
    #[test]
    fn a_name_is_no_compressed_size() {
        let form = Form::NonResident {
            lowest: 0,
            highest: 0,
            pairs: vec![0x11, 1, 9, 0],
            unit: 4,
            allocated: 512,
            size: 512,
            initialized: 512,
            packed: None,
        };
        let name = [u16::from(b'n'); 4].to_vec();
        let sparse = Attribute { kind: kind::DATA, name, flags: flag::SPARSE, id: 1, form };
        let again = Attribute::parse(&sparse.to_bytes()).expect("an attribute");
        assert!(matches!(again.form, Form::NonResident { packed: None, .. }), "{again:?}");
    }
}
