//! What a new file or folder inherits from its parent.

use super::ace::{
    Ace, CONTAINER_INHERIT, INHERIT_ONLY, INHERITED, Kind, NO_PROPAGATE, OBJECT_INHERIT,
};
use super::descriptor::{
    DACL_AUTO_INHERITED, DACL_PRESENT, Descriptor, List, Parts, SACL_AUTO_INHERITED, SACL_PRESENT,
    build, build_list,
};
use super::objects::Objects;
use super::{SecurityError, sid};

const FILE_ALL_ACCESS: u32 = 0x001f_01ff;

/// The self-relative descriptor that Windows gives a new file or folder whose creator names none.
///
/// The creator is taken to be the system itself, as when Windows sets itself up: the owner is BUILTIN\Administrators (S-1-5-32-544),
/// the default owner in LocalSystem's token up to Windows 7 (Windows 10 makes LocalSystem the owner), and the group is LocalSystem
/// (S-1-5-18), its primary group. The inheritable entries of the parent's DACL and SACL become the new lists; they and the lists are
/// marked as inherited if the parent's list is. A parent that passes nothing on gives full access to LocalSystem and Administrators,
/// and none to others.
///
/// Entries of types that Windows does not inherit, or that are not known, are left out; so are object entries for one class of
/// directory objects, but folders pass these on.
/// # Errors
/// [`SecurityError::Descriptor`] when `parent` is malformed, [`SecurityError::ListTooLong`].
///
/// Source: MS-DTYP 2.5.3.4 "Algorithm for Creating a Security Descriptor"; the mark of inheritance and the owner: files on volumes of
/// Windows Server 2003, 7 and 10.
pub fn inherit(parent: &[u8], is_directory: bool) -> Result<Vec<u8>, SecurityError> {
    let parent = Descriptor::parse(parent)?;
    let marked = |bit: u16| parent.control & bit;
    let mark = |bit| if marked(bit) == 0 { 0 } else { INHERITED };
    let dacl = inherit_list(parent.dacl.as_ref(), is_directory, mark(DACL_AUTO_INHERITED))?;
    let sacl = inherit_list(parent.sacl.as_ref(), is_directory, mark(SACL_AUTO_INHERITED))?;
    let (dacl, mut control) = match dacl {
        Some(dacl) => (dacl, DACL_PRESENT | marked(DACL_AUTO_INHERITED)),
        None => (private_list(is_directory)?, DACL_PRESENT),
    };
    if sacl.is_some() {
        control |= SACL_PRESENT | marked(SACL_AUTO_INHERITED);
    }
    let parts = Parts {
        owner: Some(sid::ADMINISTRATORS),
        group: Some(sid::LOCAL_SYSTEM),
        sacl: sacl.as_deref(),
        dacl: Some(&dacl),
    };
    Ok(build(control, parts))
}

/// The list of what `parent` passes on, each entry with the flag `mark`; `None` when that is nothing.
fn inherit_list(
    parent: Option<&List<'_>>,
    is_directory: bool,
    mark: u8,
) -> Result<Option<Vec<u8>>, SecurityError> {
    let Some(parent) = parent else { return Ok(None) };
    let mut entries = Vec::new();
    for ace in &parent.entries {
        inherit_entry(ace, is_directory, mark, &mut entries)?;
    }
    if entries.is_empty() { Ok(None) } else { build_list(parent.revision, &entries).map(Some) }
}

/// Adds what becomes of one entry: nothing, an entry that counts, one that is only passed on, or both.
fn inherit_entry(
    ace: &Ace<'_>,
    is_directory: bool,
    mark: u8,
    entries: &mut Vec<Vec<u8>>,
) -> Result<(), SecurityError> {
    let flags = ace.flags();
    if ace.kind() == Kind::Other {
        return Ok(());
    }
    let reaches = if is_directory { CONTAINER_INHERIT } else { OBJECT_INHERIT };
    let counts = flags & reaches != 0 && !ace.is_for_one_class();
    let passes_on = is_directory && flags & NO_PROPAGATE == 0;
    let passed_on = if passes_on { flags & (OBJECT_INHERIT | CONTAINER_INHERIT) } else { 0 };
    let (mask, sid) = (ace.mask(), ace.sid()?);
    let (effective_mask, effective_sid) = match ace.kind() {
        Kind::Policy => (mask, sid),
        _ => (Objects::Files.resolve(mask), replace_creator(sid)),
    };
    let same = (effective_mask, effective_sid) == (mask, sid);
    if counts && passed_on != 0 && same {
        entries.push(ace.with(passed_on | mark, mask, sid)?);
        return Ok(());
    }
    if counts {
        entries.push(ace.with(mark, effective_mask, effective_sid)?);
    }
    if passed_on != 0 {
        entries.push(ace.with(passed_on | INHERIT_ONLY | mark, mask, sid)?);
    }
    Ok(())
}

/// Replaces CREATOR OWNER and CREATOR GROUP by the owner and group of new files.
fn replace_creator(sid: &[u8]) -> &[u8] {
    match sid {
        sid::CREATOR_OWNER => sid::ADMINISTRATORS,
        sid::CREATOR_GROUP => sid::LOCAL_SYSTEM,
        other => other,
    }
}

/// Full access for LocalSystem and Administrators alone, passed on by folders.
fn private_list(is_directory: bool) -> Result<Vec<u8>, SecurityError> {
    let flags = if is_directory { OBJECT_INHERIT | CONTAINER_INHERIT } else { 0 };
    let allow = |sid: &[u8]| {
        let mut entry = vec![0, flags, 8 + sid.len() as u8, 0];
        entry.extend(FILE_ALL_ACCESS.to_le_bytes());
        entry.extend_from_slice(sid);
        entry
    };
    build_list(2, &[allow(sid::LOCAL_SYSTEM), allow(sid::ADMINISTRATORS)])
}
