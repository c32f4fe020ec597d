//! A descriptor that is given to an object below a parent.

use super::SecurityError;
use super::ace::{INHERITED, Kind};
use super::change::{for_object, replace_parts};
use super::descriptor::{
    DACL_BITS, DACL_PRESENT, Descriptor, List, Parts, SACL_BITS, SACL_PRESENT, build, build_list,
};
use super::inherit::passed_on;
use super::objects::{Heir, Objects};

/// One of the two lists of a descriptor, by its control bits.
pub(crate) struct Side {
    pub(crate) present: u16,
    /// The system is asked to inherit.
    pub(crate) requested: u16,
    /// Entries came from the parent.
    pub(crate) inherited: u16,
    /// Takes nothing from the parent.
    pub(crate) protected: u16,
}

pub(crate) const DACL: Side = Side {
    present: DACL_PRESENT,
    requested: DACL_BITS & 0x0100,
    inherited: DACL_BITS & 0x0400,
    protected: DACL_BITS & 0x1000,
};
pub(crate) const SACL: Side = Side {
    present: SACL_PRESENT,
    requested: SACL_BITS & 0x0200,
    inherited: SACL_BITS & 0x0800,
    protected: SACL_BITS & 0x2000,
};

/// The descriptor of an object that has, or would get, `base` and is given the parts of `given`, below a parent with the descriptor
/// `parent`.
///
/// Parts that `given` does not hold are those of `base`. Generic rights become rights of the object. To a given list the inheritable
/// entries of the parent are added behind its own, and the list is marked as inheriting, unless it is protected (`P`), is the null
/// list, or says itself what is inherited (`AI`, or an entry with `ID`). Without a parent lists are taken as they are given.
///
/// # Errors
/// [`SecurityError::Descriptor`] when one of them is malformed, [`SecurityError::ListTooLong`].
///
/// Source: Windows SDK, `SetNamedSecurityInfo` and "DACL for a New Object"; MS-DTYP 2.5.3.4.
pub fn assign(
    base: &[u8],
    given: &[u8],
    parent: Option<&[u8]>,
    objects: Objects,
    is_container: bool,
) -> Result<Vec<u8>, SecurityError> {
    let whole = for_object(objects, &replace_parts(base, given)?)?;
    let Some(parent) = parent else { return Ok(whole) };
    let (given, parent) = (Descriptor::parse(given)?, Descriptor::parse(parent)?);
    let new = Descriptor::parse(&whole)?;
    let heir = Heir { objects, is_container, owner: new.owner, group: new.group };
    let mut control = new.control;
    let mut list = |side: &Side, was_given: bool, own: &Option<List<'_>>, above| {
        let Some(own) = own else { return Ok(None) };
        let says_itself = given.control & (side.inherited | side.protected) != 0
            || own.entries.iter().any(|ace| ace.flags() & INHERITED != 0);
        if !was_given || says_itself {
            return own.to_bytes().map(Some);
        }
        control = control & !side.requested | side.inherited;
        with_inherited(own.revision, own.copies(), above, &heir).map(Some)
    };
    let dacl = list(&DACL, given.dacl.is_some(), &new.dacl, parent.dacl.as_ref())?;
    let sacl = list(&SACL, given.sacl.is_some(), &new.sacl, parent.sacl.as_ref())?;
    let (owner, group) = (new.owner, new.group);
    Ok(build(control, Parts { owner, group, sacl: sacl.as_deref(), dacl: dacl.as_deref() }))
}

/// A list of an object's own entries and those that a list of the parent passes on. A label or policy of its own counts in place of
/// an inherited one.
pub(crate) fn with_inherited(
    revision: u8,
    mut entries: Vec<Vec<u8>>,
    parent: Option<&List<'_>>,
    heir: &Heir<'_>,
) -> Result<Vec<u8>, SecurityError> {
    let mut inherited = passed_on(parent, heir, INHERITED)?;
    inherited.retain(|new| {
        let new = super::ace::Ace { offset: 0, bytes: new };
        let same = |own: &Vec<u8>| own.first() == Some(&new.type_code());
        new.kind() != Kind::Policy || !entries.iter().any(same)
    });
    let above = parent.filter(|_| !inherited.is_empty()).map_or(0, |parent| parent.revision);
    entries.append(&mut inherited);
    build_list(revision.max(above), &entries)
}
