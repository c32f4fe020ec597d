//! What a new object inherits from its parent.

use super::SecurityError;
use super::ace::{Ace, INHERITED, Kind};
use super::ace::{CONTAINER_INHERIT, INHERIT_ONLY, NO_PROPAGATE, OBJECT_INHERIT};
use super::descriptor::{
    DACL_AUTO_INHERITED, DACL_BITS, DACL_PRESENT, Descriptor, List, Parts, SACL_AUTO_INHERITED,
    SACL_PRESENT, build, build_list,
};
use super::objects::{Heir, Objects};

/// The self-relative descriptor that Windows gives a new object whose creator names none.
///
/// The inheritable entries of the parent's DACL and SACL become the new lists; they and the lists are marked as inherited if the
/// parent's list is. `token` is a descriptor with what the creator's token holds: the owner, the group, and the DACL of objects whose
/// parent passes nothing on.
///
/// Entries of types that Windows does not inherit, or that are not known, are left out; so are object entries for one class of
/// directory objects, but containers pass these on.
/// # Errors
/// [`SecurityError::Descriptor`] when `parent` or `token` is malformed, [`SecurityError::ListTooLong`].
///
/// Source: MS-DTYP 2.5.3.4 "Algorithm for Creating a Security Descriptor"; the mark of inheritance: files on volumes of Windows
/// Server 2003, 7 and 10, keys in hives of Windows XP to 11.
pub fn inherit(
    parent: &[u8],
    token: &[u8],
    objects: Objects,
    is_container: bool,
) -> Result<Vec<u8>, SecurityError> {
    let (parent, token) = (Descriptor::parse(parent)?, Descriptor::parse(token)?);
    let heir = Heir { objects, is_container, owner: token.owner, group: token.group };
    let marked = |bit: u16| parent.control & bit;
    let mark = |bit| if marked(bit) == 0 { 0 } else { INHERITED };
    let list = |list: &Option<List<'_>>, mark| -> Result<Option<Vec<u8>>, SecurityError> {
        let entries = passed_on(list.as_ref(), &heir, mark)?;
        let list = list.as_ref().filter(|_| !entries.is_empty());
        list.map(|list| build_list(list.revision, &entries)).transpose()
    };
    let dacl = list(&parent.dacl, mark(DACL_AUTO_INHERITED))?;
    let sacl = list(&parent.sacl, mark(SACL_AUTO_INHERITED))?;
    let (dacl, mut control) = match (dacl, &token.dacl) {
        (Some(dacl), _) => (Some(dacl), DACL_PRESENT | marked(DACL_AUTO_INHERITED)),
        (None, Some(own)) => (Some(own.to_bytes()?), token.control & DACL_BITS),
        (None, None) => (None, token.control & DACL_BITS),
    };
    if sacl.is_some() {
        control |= SACL_PRESENT | marked(SACL_AUTO_INHERITED);
    }
    let (owner, group) = (token.owner, token.group);
    Ok(build(control, Parts { owner, group, sacl: sacl.as_deref(), dacl: dacl.as_deref() }))
}

/// The entries that a list of the parent passes on, each with the flag `mark`.
pub(crate) fn passed_on(
    parent: Option<&List<'_>>,
    heir: &Heir<'_>,
    mark: u8,
) -> Result<Vec<Vec<u8>>, SecurityError> {
    let mut entries = Vec::new();
    for ace in parent.iter().flat_map(|parent| &parent.entries) {
        inherit_entry(ace, heir, mark, &mut entries)?;
    }
    Ok(entries)
}

/// Adds what becomes of one entry: nothing, an entry that counts, one that is only passed on, or both.
fn inherit_entry(
    ace: &Ace<'_>,
    heir: &Heir<'_>,
    mark: u8,
    entries: &mut Vec<Vec<u8>>,
) -> Result<(), SecurityError> {
    let flags = ace.flags();
    if ace.kind() == Kind::Other {
        return Ok(());
    }
    let reaches = if heir.is_container { CONTAINER_INHERIT } else { OBJECT_INHERIT };
    let counts = flags & reaches != 0 && !ace.is_for_one_class();
    let passes_on = heir.is_container && flags & NO_PROPAGATE == 0;
    let passed_on = if passes_on { flags & (OBJECT_INHERIT | CONTAINER_INHERIT) } else { 0 };
    let (mask, sid) = (ace.mask(), ace.sid()?);
    let (effective_mask, effective_sid) = match ace.kind() {
        Kind::Policy => (mask, sid),
        _ => (heir.objects.resolve(mask), heir.replace_creator(sid)),
    };
    let same = (effective_mask, effective_sid) == (mask, sid);
    if counts && passed_on != 0 && same {
        entries.push(ace.with(passed_on | mark, mask, sid)?);
        return Ok(());
    }
    let is_there =
        || heir.objects == Objects::Keys && is_granted(entries, ace, effective_mask, effective_sid);
    if counts && (same || !is_there()) {
        entries.push(ace.with(mark, effective_mask, effective_sid)?);
    }
    if passed_on != 0 {
        entries.push(ace.with(passed_on | INHERIT_ONLY | mark, mask, sid)?);
    }
    Ok(())
}

/// True when an earlier entry says the same already: Windows gives keys no second one for CREATOR OWNER or generic rights, though it
/// does give it to files.
///
/// Source: keys and their parents in hives of Windows XP to 10; files of Windows Server 2003.
fn is_granted(entries: &[Vec<u8>], ace: &Ace<'_>, mask: u32, sid: &[u8]) -> bool {
    entries.iter().any(|bytes| {
        let earlier = Ace { offset: 0, bytes };
        earlier.type_code() == ace.type_code()
            && earlier.kind() == Kind::Access
            && earlier.flags() & INHERIT_ONLY == 0
            && earlier.mask() & mask == mask
            && earlier.sid() == Ok(sid)
            && earlier.sid_at() + sid.len() == bytes.len()
    })
}
