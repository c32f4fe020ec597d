//! Values: `vk` cells, their types and where their data lie.
//!
//! Source: M. Suhanov, "Windows registry file format specification", "Key values list" and "Key value".

use crate::big_data;
use crate::cell::CellOffset;
use crate::cells::{CELL_MAX, Cells};
use crate::error::{HiveError, Structure};
use crate::hive::ValueSet;
use crate::key_node::KeyNode;
use crate::name::{NewName, StoredName};
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

const WHAT: Structure = Structure::KeyValue;

/// Set in the length when the data are in the offset field.
const INLINE: u32 = 0x8000_0000;

/// Bytes that fit into the offset field.
const INLINE_MAX: usize = 4;

/// The name is stored with one byte for each unit.
const COMP_NAME: u16 = 0x0001;

/// UTF-16 units in the name of a value.
///
/// Source: Microsoft, "Registry Element Size Limits".
pub(crate) const VALUE_NAME_MAX: usize = 16383;

/// Registry value type; a number we do not know is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// `REG_NONE`, 0.
    None,
    /// `REG_SZ`, 1.
    Sz,
    /// `REG_EXPAND_SZ`, 2.
    ExpandSz,
    /// `REG_BINARY`, 3.
    Binary,
    /// `REG_DWORD`, 4.
    Dword,
    /// `REG_DWORD_BIG_ENDIAN`, 5.
    DwordBigEndian,
    /// `REG_LINK`, 6.
    Link,
    /// `REG_MULTI_SZ`, 7.
    MultiSz,
    /// `REG_RESOURCE_LIST`, 8.
    ResourceList,
    /// `REG_FULL_RESOURCE_DESCRIPTOR`, 9.
    FullResourceDescriptor,
    /// `REG_RESOURCE_REQUIREMENTS_LIST`, 10.
    ResourceRequirementsList,
    /// `REG_QWORD`, 11.
    Qword,
    /// Any other number.
    Other(u32),
}

impl ValueType {
    /// The type of a stored number.
    #[must_use]
    pub fn from_raw(raw: u32) -> Self {
        match raw {
            0 => Self::None,
            1 => Self::Sz,
            2 => Self::ExpandSz,
            3 => Self::Binary,
            4 => Self::Dword,
            5 => Self::DwordBigEndian,
            6 => Self::Link,
            7 => Self::MultiSz,
            8 => Self::ResourceList,
            9 => Self::FullResourceDescriptor,
            10 => Self::ResourceRequirementsList,
            11 => Self::Qword,
            other => Self::Other(other),
        }
    }

    /// The number as stored.
    #[must_use]
    pub fn raw(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Sz => 1,
            Self::ExpandSz => 2,
            Self::Binary => 3,
            Self::Dword => 4,
            Self::DwordBigEndian => 5,
            Self::Link => 6,
            Self::MultiSz => 7,
            Self::ResourceList => 8,
            Self::FullResourceDescriptor => 9,
            Self::ResourceRequirementsList => 10,
            Self::Qword => 11,
            Self::Other(raw) => raw,
        }
    }
}

/// A value without its name.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct KeyValue {
    /// `vk`
    pub(crate) signature: [u8; 2],
    /// Bytes of the name as stored; 0 for the default value.
    pub(crate) name_length: U16,
    /// Bytes of data; the highest bit tells that they are in `data`.
    pub(crate) data_length: U32,
    /// Cell of the data, or the data.
    pub(crate) data: U32,
    pub(crate) kind: U32,
    pub(crate) flags: U16,
    pub(crate) spare: U16,
}

/// Where the data of a value are.
pub(crate) enum Place<'a> {
    /// In the value's own cell.
    Inline(&'a [u8]),
    /// In one cell, which may be longer.
    Cell(CellOffset, &'a [u8]),
    /// In segments.
    Big(big_data::BigData<'a>),
}

impl KeyValue {
    /// Reads the value at `at`; its name must lie within the cell.
    pub(crate) fn read(
        cells: &Cells,
        at: CellOffset,
    ) -> Result<(&Self, StoredName<'_>), HiveError> {
        let (value, rest) = cells.record::<Self>(at, WHAT)?;
        let offset = at.in_file();
        if value.signature != *b"vk" {
            return Err(HiveError::Signature { what: WHAT, offset, found: value.signature });
        }
        let length = usize::from(value.name_length.get());
        let Some(name) = rest.get(..length) else {
            let (needed, found) = (length as u64, rest.len() as u64);
            return Err(HiveError::Truncated { what: WHAT, offset, needed, found });
        };
        Ok((value, StoredName::new(name, value.flags.get() & COMP_NAME != 0)))
    }

    /// Bytes of data.
    pub(crate) fn length(&self) -> u32 {
        self.data_length.get() & !INLINE
    }

    /// Finds the data. `at` is where the value is, `minor` the hive's version.
    pub(crate) fn place<'c>(
        &'c self,
        cells: &'c Cells,
        at: CellOffset,
        minor: u32,
    ) -> Result<Place<'c>, HiveError> {
        let length = self.length();
        let wanted = length as usize;
        if self.data_length.get() & INLINE != 0 {
            return match self.data.as_bytes().get(..wanted) {
                Some(data) => Ok(Place::Inline(data)),
                None => {
                    let (offset, field, found) = (at.in_file(), "inline length", u64::from(length));
                    Err(HiveError::Field { what: WHAT, offset, field, found })
                }
            };
        }
        if length == 0 {
            return Ok(Place::Inline(&[]));
        }
        if length > cells.length() {
            let (offset, field, found) = (at.in_file(), "data length", u64::from(length));
            return Err(HiveError::Field { what: WHAT, offset, field, found });
        }
        let cell = CellOffset(self.data.get());
        let payload = cells.payload(cell, Structure::ValueData)?;
        if minor >= 4 && wanted > big_data::SEGMENT && payload.starts_with(b"db") {
            return Ok(Place::Big(big_data::BigData::read(cells, cell, wanted)?));
        }
        match payload.get(..wanted) {
            Some(data) => Ok(Place::Cell(cell, data)),
            None => {
                let (what, offset) = (Structure::ValueData, cell.in_file());
                let (needed, found) = (u64::from(length), payload.len() as u64);
                Err(HiveError::Truncated { what, offset, needed, found })
            }
        }
    }
}

impl Place<'_> {
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::Inline(data) | Self::Cell(_, data) => data.to_vec(),
            Self::Big(big) => big.data(),
        }
    }

    pub(crate) fn is(&self, data: &[u8]) -> bool {
        match self {
            Self::Inline(own) | Self::Cell(_, own) => *own == data,
            Self::Big(big) => big.is(data),
        }
    }

    /// The cells that hold the data.
    pub(crate) fn cells(&self) -> Vec<(CellOffset, Structure)> {
        match self {
            Self::Inline(_) => Vec::new(),
            Self::Cell(at, _) => vec![(*at, Structure::ValueData)],
            Self::Big(big) => big.cells(),
        }
    }
}

/// The cells of a key's values, in order.
pub(crate) fn list<'c>(
    cells: &'c Cells,
    node: &KeyNode,
) -> Result<impl ExactSizeIterator<Item = CellOffset> + use<'c>, HiveError> {
    let count = node.values_listed() as usize;
    let mut entries: &[u8] = &[];
    if count > 0 {
        let at = CellOffset(node.values.get());
        let what = Structure::ValueList;
        let payload = cells.payload(at, what)?;
        entries = count.checked_mul(4).and_then(|length| payload.get(..length)).ok_or(
            HiveError::Truncated {
                what,
                offset: at.in_file(),
                needed: u64::from(node.values_listed()) * 4,
                found: payload.len() as u64,
            },
        )?;
    }
    Ok(entries.chunks_exact(4).map(|entry| {
        CellOffset(entry.first_chunk::<4>().map_or(u32::MAX, |entry| u32::from_le_bytes(*entry)))
    }))
}

/// Finds a value by name: its place in the list and its cell.
pub(crate) fn find(
    cells: &Cells,
    node: &KeyNode,
    upper: &[u16],
) -> Result<Option<(usize, CellOffset)>, HiveError> {
    for (index, at) in list(cells, node)?.enumerate() {
        let (_, name) = KeyValue::read(cells, at)?;
        if name.len() == upper.len() && name.cmp_upper(upper).is_eq() {
            return Ok(Some((index, at)));
        }
    }
    Ok(None)
}

/// Most bytes of data in a value.
pub(crate) fn data_max(minor: u32) -> usize {
    if minor >= 4 { big_data::SEGMENT * big_data::SEGMENTS_MAX } else { CELL_MAX as usize - 4 }
}

/// Stores data and returns the fields `data_length` and `data`.
pub(crate) fn store(cells: &mut Cells, data: &[u8], minor: u32) -> Result<(u32, u32), HiveError> {
    let max = data_max(minor);
    let length = match u32::try_from(data.len()) {
        Ok(length) if data.len() <= max => length,
        _ => return Err(HiveError::DataTooLong { length: data.len(), max }),
    };
    if data.len() <= INLINE_MAX {
        let mut field = [0; INLINE_MAX];
        for (target, byte) in field.iter_mut().zip(data) {
            *target = *byte;
        }
        return Ok((length | INLINE, u32::from_le_bytes(field)));
    }
    let at = if data.len() > big_data::SEGMENT && minor >= 4 {
        big_data::store(cells, data)?
    } else {
        cells.allocate_with(data)?
    };
    Ok((length, at.0))
}

/// Writes a new value cell.
pub(crate) fn create(
    cells: &mut Cells,
    name: &str,
    kind: ValueType,
    data: &[u8],
    minor: u32,
) -> Result<CellOffset, HiveError> {
    let (data_length, data) = store(cells, data, minor)?;
    let stored = NewName::new(name);
    let compressed = stored.compressed && !name.is_empty();
    let value = KeyValue {
        signature: *b"vk",
        name_length: U16::new(u16::try_from(stored.bytes.len()).unwrap_or(u16::MAX)),
        data_length: U32::new(data_length),
        data: U32::new(data),
        kind: U32::new(kind.raw()),
        flags: U16::new(if compressed { COMP_NAME } else { 0 }),
        spare: U16::new(0),
    };
    let length = size_of::<KeyValue>() + stored.bytes.len();
    cells.allocate_parts(length, &[value.as_bytes(), &stored.bytes])
}

/// Replaces type and data of a value, unless they are so already: what became of it.
pub(crate) fn replace(
    cells: &mut Cells,
    at: CellOffset,
    kind: ValueType,
    data: &[u8],
    minor: u32,
) -> Result<ValueSet, HiveError> {
    let (value, _) = KeyValue::read(cells, at)?;
    let mut new = *value;
    let place = value.place(cells, at, minor)?;
    let same_data = place.is(data);
    if value.kind.get() == kind.raw() && same_data {
        return Ok(ValueSet::Unchanged);
    }
    let before = ValueSet::Replaced(ValueType::from_raw(value.kind.get()), place.to_vec());
    new.kind.set(kind.raw());
    if !same_data {
        let reuse = match &place {
            Place::Cell(cell, _) if data.len() > INLINE_MAX => {
                let one_cell = data.len() <= big_data::SEGMENT || minor < 4;
                let room = cells.payload(*cell, Structure::ValueData)?.len();
                (one_cell && data.len() <= room).then(|| vec![*cell])
            }
            Place::Big(big) => big.reusable(data.len()),
            _ => None,
        };
        if let Some(reuse) = reuse {
            match reuse.as_slice() {
                [cell] => cells.write(*cell, 0, data, Structure::ValueData)?,
                segments => big_data::overwrite(cells, segments, data)?,
            }
            new.data_length.set(u32::try_from(data.len()).unwrap_or(u32::MAX));
        } else {
            for (cell, what) in place.cells() {
                cells.release(cell, what)?;
            }
            let (length, field) = store(cells, data, minor)?;
            new.data_length.set(length);
            new.data.set(field);
        }
    }
    cells.write_record(at, &new, WHAT)?;
    Ok(before)
}
