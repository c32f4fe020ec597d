//! Replacing parts of a descriptor, and fitting one to what it protects.

use super::SecurityError;
use super::ace::{Ace, INHERIT_ONLY, Kind};
use super::descriptor::{
    DACL_BITS, DACL_PRESENT, Descriptor, List, Parts, SACL_BITS, SACL_PRESENT, build, build_list,
};
use super::objects::Objects;

/// Control bits: owner and group were filled in by default.
const OWNER_DEFAULT: u16 = 0x0001;
const GROUP_DEFAULT: u16 = 0x0002;

/// A descriptor with the parts of `new`; what `new` does not hold stays as it is in `old`.
///
/// # Errors
/// [`SecurityError::Descriptor`] when one of them is malformed, [`SecurityError::ListTooLong`].
///
/// Source: `SetKernelObjectSecurity` and `SECURITY_INFORMATION` in the Windows SDK's documentation.
pub fn replace_parts(old: &[u8], new: &[u8]) -> Result<Vec<u8>, SecurityError> {
    let (old, new) = (Descriptor::parse(old)?, Descriptor::parse(new)?);
    let mut control = 0;
    let mut pick = |bits: u16, from_new: bool| {
        control |= bits & if from_new { new.control } else { old.control };
        from_new
    };
    let owner = if pick(OWNER_DEFAULT, new.owner.is_some()) { new.owner } else { old.owner };
    let group = if pick(GROUP_DEFAULT, new.group.is_some()) { new.group } else { old.group };
    let has_dacl = new.control & DACL_PRESENT != 0;
    let dacl = if pick(DACL_BITS, has_dacl) { &new.dacl } else { &old.dacl };
    let has_sacl = new.control & SACL_PRESENT != 0;
    let sacl = if pick(SACL_BITS, has_sacl) { &new.sacl } else { &old.sacl };
    rebuild(control, owner, group, (sacl, dacl), &|ace| Ok(ace.bytes.to_vec()))
}

/// A descriptor whose entries hold the rights of files or keys in place of generic ones, as the system stores it. Entries that are only
/// inherited keep generic rights.
///
/// # Errors
/// [`SecurityError::Descriptor`] when it is malformed.
///
/// Source: MS-DTYP 2.5.3.4.8, "PostProcessACL".
pub fn for_object(objects: Objects, descriptor: &[u8]) -> Result<Vec<u8>, SecurityError> {
    let parsed = Descriptor::parse(descriptor)?;
    rebuild(parsed.control, parsed.owner, parsed.group, (&parsed.sacl, &parsed.dacl), &|ace| {
        let inert = ace.flags() & INHERIT_ONLY != 0;
        match ace.kind() {
            Kind::Access | Kind::ObjectAccess if !inert => {
                ace.with_mask(objects.resolve(ace.mask()))
            }
            _ => Ok(ace.bytes.to_vec()),
        }
    })
}

fn rebuild(
    control: u16,
    owner: Option<&[u8]>,
    group: Option<&[u8]>,
    (sacl, dacl): (&Option<List<'_>>, &Option<List<'_>>),
    entry: &dyn Fn(&Ace<'_>) -> Result<Vec<u8>, SecurityError>,
) -> Result<Vec<u8>, SecurityError> {
    let list = |list: &Option<List<'_>>| -> Result<Option<Vec<u8>>, SecurityError> {
        let Some(list) = list else { return Ok(None) };
        let entries = list.entries.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        build_list(list.revision, &entries).map(Some)
    };
    let (sacl, dacl) = (list(sacl)?, list(dacl)?);
    Ok(build(control, Parts { owner, group, sacl: sacl.as_deref(), dacl: dacl.as_deref() }))
}
