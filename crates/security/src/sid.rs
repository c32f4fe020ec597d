//! Security identifiers.

use super::SecurityError;

/// CREATOR OWNER, S-1-3-0: stands for the owner of what will inherit the entry.
pub(crate) const CREATOR_OWNER: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0];
/// CREATOR GROUP, S-1-3-1: stands for the group of what will inherit the entry.
pub(crate) const CREATOR_GROUP: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0];

/// Sub-authorities that an identifier may have.
const SUB_AUTHORITIES_MAX: u8 = 15;
pub(crate) const PARTS_MAX: usize = SUB_AUTHORITIES_MAX as usize;

/// Bytes of the identifier at `at`, which may be followed by others.
///
/// Source: MS-DTYP 2.4.2.2: revision 1, count, 6 bytes of authority, `count` times 4 bytes.
pub(crate) fn at(bytes: &[u8], at: usize) -> Result<&[u8], SecurityError> {
    let malformed = |problem| SecurityError::Descriptor { offset: at, problem };
    let rest = bytes.get(at..).unwrap_or_default();
    let [1, count @ 0..=SUB_AUTHORITIES_MAX, ..] = rest else {
        return Err(malformed("not a security identifier"));
    };
    rest.get(..8 + 4 * usize::from(*count))
        .ok_or_else(|| malformed("a security identifier passes the end"))
}

/// The identifier of an account of a machine or domain: its own with the account's number behind.
pub(crate) fn with_account(base: &[u8], number: u32) -> Result<Vec<u8>, SecurityError> {
    let mut sid = at(base, 0)?.to_vec();
    let full = SecurityError::Descriptor { offset: 0, problem: "the identifier is full" };
    let count = sid.get_mut(1).filter(|count| **count < SUB_AUTHORITIES_MAX).ok_or(full)?;
    *count += 1;
    sid.extend(number.to_le_bytes());
    Ok(sid)
}
