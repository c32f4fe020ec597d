//! Self-relative security descriptors: taking one apart and putting one together.
//!
//! Source: MS-DTYP 2.4.5 and 2.4.6.

use super::ace::Ace;
use super::{SecurityError, sid};
use crate::bytes;

/// Bytes before the parts: revision, control bits, offsets of owner, group, SACL and DACL.
const HEAD: usize = 20;
/// Bytes before a list's entries: revision, size, count.
const LIST_HEAD: usize = 8;
/// Control bit: a DACL is there, even if its offset is 0.
pub(crate) const DACL_PRESENT: u16 = 0x0004;
/// Control bit: a SACL is there.
pub(crate) const SACL_PRESENT: u16 = 0x0010;
/// Control bit: the DACL's entries came from the parent.
pub(crate) const DACL_AUTO_INHERITED: u16 = 0x0400;
/// Control bit: the SACL's entries came from the parent.
pub(crate) const SACL_AUTO_INHERITED: u16 = 0x0800;
/// Control bits of the DACL: present, default, auto-inherit request, auto-inherited, protected.
pub(crate) const DACL_BITS: u16 = DACL_PRESENT | 0x0008 | 0x0100 | DACL_AUTO_INHERITED | 0x1000;
/// Those of the SACL.
pub(crate) const SACL_BITS: u16 = SACL_PRESENT | 0x0020 | 0x0200 | SACL_AUTO_INHERITED | 0x2000;
/// Control bit: offsets instead of pointers.
const SELF_RELATIVE: u16 = 0x8000;

/// A descriptor whose parts have been found in its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Descriptor<'a> {
    pub(crate) control: u16,
    pub(crate) owner: Option<&'a [u8]>,
    pub(crate) group: Option<&'a [u8]>,
    pub(crate) sacl: Option<List<'a>>,
    /// `None` is a list that is not there, or the null list, which both let everybody in.
    pub(crate) dacl: Option<List<'a>>,
}

/// An access control list.
#[derive(Debug, Clone)]
pub(crate) struct List<'a> {
    pub(crate) revision: u8,
    pub(crate) entries: Vec<Ace<'a>>,
}

/// Checks that bytes are a self-relative security descriptor.
///
/// # Errors
/// [`SecurityError::Descriptor`].
pub fn validate(bytes: &[u8]) -> Result<(), SecurityError> {
    Descriptor::parse(bytes).map(drop)
}

impl<'a> Descriptor<'a> {
    /// Takes a descriptor apart.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, SecurityError> {
        let malformed = |offset, problem| SecurityError::Descriptor { offset, problem };
        if bytes.len() < HEAD {
            return Err(malformed(0, "too short"));
        }
        if bytes.first() != Some(&1) {
            return Err(malformed(0, "unknown revision"));
        }
        let control = bytes::u16_at(bytes, 2).unwrap_or_default();
        if control & SELF_RELATIVE == 0 {
            return Err(malformed(2, "not self-relative"));
        }
        let part = |at| {
            bytes::u32_at(bytes, at)
                .map_or(0, |offset| usize::try_from(offset).unwrap_or(usize::MAX))
        };
        let sid = |at| if part(at) == 0 { Ok(None) } else { sid::at(bytes, part(at)).map(Some) };
        let list = |at, present| {
            if part(at) == 0 || control & present == 0 {
                Ok(None)
            } else {
                List::parse(bytes, part(at)).map(Some)
            }
        };
        Ok(Self {
            control,
            owner: sid(4)?,
            group: sid(8)?,
            sacl: list(12, SACL_PRESENT)?,
            dacl: list(16, DACL_PRESENT)?,
        })
    }
}

impl<'a> List<'a> {
    fn parse(bytes: &'a [u8], at: usize) -> Result<Self, SecurityError> {
        let malformed = |offset, problem| SecurityError::Descriptor { offset, problem };
        let rest = bytes.get(at..).unwrap_or_default();
        let size = bytes::u16_at(rest, 2).map_or(0, usize::from);
        let list = rest.get(..size).filter(|list| list.len() >= LIST_HEAD);
        let list = list.ok_or_else(|| malformed(at, "an access control list passes the end"))?;
        let revision = list.first().copied().unwrap_or_default();
        if !(2..=4).contains(&revision) {
            return Err(malformed(at, "unknown revision of an access control list"));
        }
        let mut entries = Vec::new();
        let mut next = LIST_HEAD;
        // A 16-bit count; each entry takes at least 4 bytes of a list of at most 64 KiB.
        for _ in 0..bytes::u16_at(list, 4).unwrap_or_default() {
            let rest = list.get(next..).unwrap_or_default();
            let size = bytes::u16_at(rest, 2).map_or(0, usize::from);
            let entry = rest.get(..size).filter(|entry| entry.len() >= 4 && size.is_multiple_of(4));
            let entry = entry
                .ok_or_else(|| malformed(at + next, "an access control entry passes the end"))?;
            entries.push(Ace { offset: at + next, bytes: entry });
            next += size;
        }
        Ok(Self { revision, entries })
    }

    /// Its entries as bytes.
    pub(crate) fn copies(&self) -> Vec<Vec<u8>> {
        self.entries.iter().map(|ace| ace.bytes.to_vec()).collect()
    }

    /// The list as bytes, without room behind the entries.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, SecurityError> {
        build_list(self.revision, &self.copies())
    }
}

/// An access control list of these entries.
pub(crate) fn build_list(revision: u8, entries: &[Vec<u8>]) -> Result<Vec<u8>, SecurityError> {
    let size = LIST_HEAD + entries.iter().map(Vec::len).sum::<usize>();
    let (Ok(size16), Ok(count)) = (u16::try_from(size), u16::try_from(entries.len())) else {
        return Err(SecurityError::ListTooLong { size });
    };
    let mut list = vec![revision, 0];
    list.extend(size16.to_le_bytes());
    list.extend(count.to_le_bytes());
    list.extend([0, 0]);
    list.extend(entries.iter().flatten());
    Ok(list)
}

/// The parts of a descriptor, each as it lies in one; a missing part has no bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Parts<'a> {
    pub(crate) owner: Option<&'a [u8]>,
    pub(crate) group: Option<&'a [u8]>,
    pub(crate) sacl: Option<&'a [u8]>,
    pub(crate) dacl: Option<&'a [u8]>,
}

/// A descriptor of these parts, in the order in which Windows lays them out: SACL, DACL, owner, group.
pub(crate) fn build(control: u16, of: Parts<'_>) -> Vec<u8> {
    let mut parts = Vec::new();
    let mut place = |part: Option<&[u8]>| {
        // Lists and identifiers are 64 KiB together at most, each twice.
        let offset = u32::try_from(HEAD + parts.len()).unwrap_or(u32::MAX);
        part.map_or(0, |part| {
            parts.extend_from_slice(part);
            offset
        })
    };
    let sacl_at = place(of.sacl);
    let dacl_at = place(of.dacl);
    let owner_at = place(of.owner);
    let group_at = place(of.group);
    let mut bytes = vec![1, 0];
    bytes.extend((control | SELF_RELATIVE).to_le_bytes());
    for offset in [owner_at, group_at, sacl_at, dacl_at] {
        bytes.extend(offset.to_le_bytes());
    }
    bytes.extend(parts);
    bytes
}
