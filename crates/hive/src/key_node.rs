//! Key nodes.
//!
//! Source: M. Suhanov, "Windows registry file format specification", "Key node".

use crate::cell::CellOffset;
use crate::cells::Cells;
use crate::error::{HiveError, Structure};
use crate::name::StoredName;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The key is the root of its hive.
pub(crate) const HIVE_ENTRY: u16 = 0x0004;
/// The key may not be deleted.
pub(crate) const NO_DELETE: u16 = 0x0008;
/// The key is a symbolic link.
pub(crate) const SYM_LINK: u16 = 0x0010;
/// The name is stored with one byte for each unit.
pub(crate) const COMP_NAME: u16 = 0x0020;
/// The key stands for a predefined handle; its value count holds the handle.
pub(crate) const PREDEF_HANDLE: u16 = 0x0040;

/// Levels of keys below the root of the registry.
///
/// Source: Microsoft, "Registry Element Size Limits".
pub(crate) const LEVELS_MAX: u32 = 512;

/// UTF-16 units in the name of a key.
///
/// Source: Microsoft, "Registry Element Size Limits".
pub(crate) const KEY_NAME_MAX: usize = 255;

/// Bytes of a class name, which its length field can tell.
pub(crate) const CLASS_MAX: usize = 0xfffe;

/// A key without its name.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct KeyNode {
    /// `nk`
    pub(crate) signature: [u8; 2],
    pub(crate) flags: U16,
    /// Last write, 100 ns ticks since 1601-01-01 UTC.
    pub(crate) last_write: U64,
    pub(crate) access_bits: U32,
    pub(crate) parent: U32,
    pub(crate) subkey_count: U32,
    /// Left over from memory, as is the list.
    pub(crate) volatile_subkey_count: U32,
    pub(crate) subkeys: U32,
    pub(crate) volatile_subkeys: U32,
    pub(crate) value_count: U32,
    pub(crate) values: U32,
    pub(crate) security: U32,
    pub(crate) class: U32,
    /// Bytes of the longest subkey name, as UTF-16. The upper half is something else and is kept.
    pub(crate) largest_subkey_name: U16,
    /// Bits 4 to 7 are the control flags of registry virtualization.
    pub(crate) virtualization: U16,
    /// Bytes of the longest subkey class name.
    pub(crate) largest_subkey_class: U32,
    /// Bytes of the longest value name, as UTF-16.
    pub(crate) largest_value_name: U32,
    /// Bytes of the longest value data.
    pub(crate) largest_value_data: U32,
    pub(crate) work_var: U32,
    /// Bytes of the name as stored.
    pub(crate) name_length: U16,
    /// Bytes of the class name.
    pub(crate) class_length: U16,
}

impl KeyNode {
    /// A key without subkeys, values and class.
    pub(crate) fn new(parent: CellOffset, security: CellOffset, last_write: u64) -> Self {
        let none = U32::new(CellOffset::NONE.0);
        Self {
            signature: *b"nk",
            flags: U16::new(0),
            last_write: U64::new(last_write),
            access_bits: U32::new(0),
            parent: U32::new(parent.0),
            subkey_count: U32::new(0),
            volatile_subkey_count: U32::new(0),
            subkeys: none,
            volatile_subkeys: none,
            value_count: U32::new(0),
            values: none,
            security: U32::new(security.0),
            class: none,
            largest_subkey_name: U16::new(0),
            virtualization: U16::new(0),
            largest_subkey_class: U32::new(0),
            largest_value_name: U32::new(0),
            largest_value_data: U32::new(0),
            work_var: U32::new(0),
            name_length: U16::new(0),
            class_length: U16::new(0),
        }
    }

    /// Takes over how writes of programs without the rights for them are redirected, where the parent passes that on
    /// (`reg flags ... RECURSE_FLAG`).
    ///
    /// Source: Microsoft, "ORSetVirtualFlags"; M. Suhanov, "Windows registry file format specification", "Key node".
    pub(crate) fn inherit_virtualization(&mut self, parent: &Self) {
        const CONTROL: u16 = 0x00f0;
        const RECURSE: u16 = 0x0080;
        let flags = parent.virtualization.get() & CONTROL;
        if flags & RECURSE != 0 {
            self.virtualization.set(self.virtualization.get() & !CONTROL | flags);
        }
    }

    /// Reads the key at `at`; its name must lie within the cell.
    pub(crate) fn read(
        cells: &Cells,
        at: CellOffset,
    ) -> Result<(&Self, StoredName<'_>), HiveError> {
        let what = Structure::KeyNode;
        let (node, rest) = cells.record::<Self>(at, what)?;
        if node.signature != *b"nk" {
            return Err(HiveError::Signature { what, offset: at.in_file(), found: node.signature });
        }
        let length = usize::from(node.name_length.get());
        let Some(name) = rest.get(..length) else {
            let (needed, found) = (length as u64, rest.len() as u64);
            return Err(HiveError::Truncated { what, offset: at.in_file(), needed, found });
        };
        Ok((node, StoredName::new(name, node.flags.get() & COMP_NAME != 0)))
    }

    pub(crate) fn write(&self, cells: &mut Cells, at: CellOffset) -> Result<(), HiveError> {
        cells.write_record(at, self, Structure::KeyNode)
    }

    pub(crate) fn has(&self, flag: u16) -> bool {
        self.flags.get() & flag != 0
    }

    /// Number of values; a predefined handle has none.
    pub(crate) fn values_listed(&self) -> u32 {
        if self.has(PREDEF_HANDLE) { 0 } else { self.value_count.get() }
    }

    /// The class name's bytes, UTF-16.
    pub(crate) fn class<'c>(&self, cells: &'c Cells) -> Result<Option<&'c [u8]>, HiveError> {
        let length = usize::from(self.class_length.get());
        let at = CellOffset(self.class.get());
        if length == 0 || at == CellOffset::NONE {
            return Ok(None);
        }
        let what = Structure::Class;
        let payload = cells.payload(at, what)?;
        let (needed, found) = (length as u64, payload.len() as u64);
        let short = HiveError::Truncated { what, offset: at.in_file(), needed, found };
        payload.get(..length).map(Some).ok_or(short)
    }
}

/// Number of levels from the root down to `key`: 0 for the root.
pub(crate) fn level(cells: &Cells, root: CellOffset, key: CellOffset) -> Result<u32, HiveError> {
    let mut at = key;
    for level in 0..=LEVELS_MAX {
        if at == root {
            return Ok(level);
        }
        at = CellOffset(KeyNode::read(cells, at)?.0.parent.get());
    }
    Err(HiveError::TooDeep { offset: key.in_file(), max: LEVELS_MAX })
}
