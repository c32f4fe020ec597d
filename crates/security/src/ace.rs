//! Access control entries.
//!
//! Source: MS-DTYP 2.4.4.

use super::{SecurityError, sid};
use crate::bytes;

/// Flag: files inherit the entry.
pub(crate) const OBJECT_INHERIT: u8 = 0x01;
/// Flag: folders inherit the entry.
pub(crate) const CONTAINER_INHERIT: u8 = 0x02;
/// Flag: what inherits the entry does not pass it on.
pub(crate) const NO_PROPAGATE: u8 = 0x04;
/// Flag: the entry counts for what inherits it alone.
pub(crate) const INHERIT_ONLY: u8 = 0x08;
/// Flag: the entry came from the parent.
pub(crate) const INHERITED: u8 = 0x10;
/// All flags that say how the entry is passed on.
const INHERITANCE: u8 =
    OBJECT_INHERIT | CONTAINER_INHERIT | NO_PROPAGATE | INHERIT_ONLY | INHERITED;

/// What follows the first four bytes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An access mask, then an identifier, then possibly a condition: allow, deny, audit.
    Access,
    /// As `Access` with flags and up to two GUIDs before the identifier. They matter to the directory service alone.
    ObjectAccess,
    /// As `Access`, but the mask is not one of file rights: integrity labels, resource attributes, central policies.
    Policy,
    /// Not inherited: alarms, compound entries, trust labels, and types not known.
    Other,
}

/// An entry of an access control list whose length has been checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ace<'a> {
    /// Offset in the descriptor, for errors.
    pub(crate) offset: usize,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Ace<'a> {
    pub(crate) fn type_code(&self) -> u8 {
        self.bytes.first().copied().unwrap_or_default()
    }

    pub(crate) fn flags(&self) -> u8 {
        self.bytes.get(1).copied().unwrap_or_default()
    }

    pub(crate) fn mask(&self) -> u32 {
        bytes::u32_at(self.bytes, 4).unwrap_or_default()
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.type_code() {
            0x00..=0x02 | 0x09 | 0x0a | 0x0d => Kind::Access,
            0x05..=0x07 | 0x0b | 0x0c | 0x0f => Kind::ObjectAccess,
            0x11..=0x13 => Kind::Policy,
            _ => Kind::Other,
        }
    }

    /// True for an object entry that only objects of one class inherit, which files are not.
    pub(crate) fn is_for_one_class(&self) -> bool {
        self.kind() == Kind::ObjectAccess && self.object_flags() & 2 != 0
    }

    /// The identifier that the entry is about.
    pub(crate) fn sid(&self) -> Result<&'a [u8], SecurityError> {
        sid::at(self.bytes, self.sid_at()).map_err(|error| match error {
            SecurityError::Descriptor { offset, problem } => {
                SecurityError::Descriptor { offset: self.offset + offset, problem }
            }
            error => error,
        })
    }

    /// A copy with other flags of inheritance, mask and identifier.
    pub(crate) fn with(
        &self,
        inheritance: u8,
        mask: u32,
        sid: &[u8],
    ) -> Result<Vec<u8>, SecurityError> {
        let tail_at = self.sid_at() + self.sid()?.len();
        let mut copy = self.bytes.get(..self.sid_at()).unwrap_or_default().to_vec();
        copy.extend_from_slice(sid);
        copy.extend_from_slice(self.bytes.get(tail_at..).unwrap_or_default());
        let size = u16::try_from(copy.len())
            .map_err(|_| SecurityError::ListTooLong { size: copy.len() })?;
        let flags = self.flags() & !INHERITANCE | inheritance;
        let put = bytes::put(&mut copy, 1, &[flags])
            && bytes::put(&mut copy, 2, &size.to_le_bytes())
            && bytes::put(&mut copy, 4, &mask.to_le_bytes());
        if put {
            Ok(copy)
        } else {
            Err(SecurityError::Descriptor { offset: self.offset, problem: "an entry is cut short" })
        }
    }

    /// A copy with another mask.
    pub(crate) fn with_mask(&self, mask: u32) -> Result<Vec<u8>, SecurityError> {
        let mut copy = self.bytes.to_vec();
        if bytes::put(&mut copy, 4, &mask.to_le_bytes()) {
            Ok(copy)
        } else {
            Err(SecurityError::Descriptor { offset: self.offset, problem: "an entry is cut short" })
        }
    }

    /// The object type and the inherited object type of an object entry.
    pub(crate) fn guids(&self) -> [Option<&'a [u8; 16]>; 2] {
        if !self.has_object_layout() {
            return [None, None];
        }
        let guid = |at: usize| self.bytes.get(at..).and_then(|rest| rest.first_chunk());
        let (flags, second_at) =
            (self.object_flags(), 12 + 16 * (self.object_flags() & 1) as usize);
        [guid(12).filter(|_| flags & 1 != 0), guid(second_at).filter(|_| flags & 2 != 0)]
    }

    /// Offset of the identifier.
    pub(crate) fn sid_at(&self) -> usize {
        if self.has_object_layout() {
            12 + 16 * (self.object_flags() & 3).count_ones() as usize
        } else {
            8
        }
    }

    /// True for types with flags and up to two GUIDs before the identifier, alarms (0x08, 0x10) among them.
    fn has_object_layout(&self) -> bool {
        matches!(self.type_code(), 0x05..=0x08 | 0x0b | 0x0c | 0x0f | 0x10)
    }

    /// Bit 0: an object type is there; bit 1: an inherited object type is there.
    fn object_flags(&self) -> u32 {
        bytes::u32_at(self.bytes, 8).unwrap_or_default()
    }
}
