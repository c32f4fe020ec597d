//! What becomes of an object's descriptor when that of its parent changes.

use super::SecurityError;
use super::ace::INHERITED;
use super::assign::{DACL, SACL, Side, with_inherited};
use super::change::replace_parts;
use super::descriptor::{Descriptor, List, Parts, build};
use super::inherit::passed_on;
use super::objects::{Heir, Objects};

/// Which lists of a parent's descriptor reach its children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lists {
    /// The list of who may do what.
    pub dacl: bool,
    /// The list of what is audited, and the label.
    pub sacl: bool,
}

impl Lists {
    /// The lists that a descriptor holds; the null list is none.
    ///
    /// # Errors
    /// [`SecurityError::Descriptor`].
    pub fn of(descriptor: &[u8]) -> Result<Self, SecurityError> {
        let descriptor = Descriptor::parse(descriptor)?;
        Ok(Self { dacl: descriptor.dacl.is_some(), sacl: descriptor.sacl.is_some() })
    }

    /// True when there is one.
    #[must_use]
    pub const fn any(self) -> bool {
        self.dacl || self.sacl
    }
}

/// The change of a parent's descriptor.
#[derive(Debug, Clone, Copy)]
pub struct ParentChange<'a> {
    /// The parent's descriptor before, where it had one.
    pub old: Option<&'a [u8]>,
    /// And now.
    pub new: &'a [u8],
    /// The lists of it that are passed on.
    pub lists: Lists,
    /// A descriptor of an owner, a group or both that everything below gets, and no lists; see [`owner_and_group`].
    pub people: Option<&'a [u8]>,
}

/// Owner and group of a descriptor, without its lists; `None` when it has neither.
///
/// # Errors
/// [`SecurityError::Descriptor`].
pub fn owner_and_group(descriptor: &[u8]) -> Result<Option<Vec<u8>>, SecurityError> {
    let Descriptor { control, owner, group, .. } = Descriptor::parse(descriptor)?;
    let there = owner.is_some() || group.is_some();
    Ok(there.then(|| build(control & 3, Parts { owner, group, ..Parts::default() })))
}

/// The descriptor of an object after that of its parent changed, and which of its lists reach its own children.
///
/// Entries of its own stay, inherited ones are replaced by what the parent passes on now. A protected list and the null list stay as
/// they are and pass nothing on. Entries of a list that is not marked as inheriting (as on volumes whose root is not) count as
/// inherited when they are, all together, what the parent passed on before.
///
/// # Errors
/// [`SecurityError::Descriptor`] when one of them is malformed, [`SecurityError::ListTooLong`].
///
/// Source: Windows SDK, "Automatic Propagation of Inheritable ACEs"; `ConvertToAutoInheritPrivateObjectSecurity` for lists that are
/// not marked.
pub fn propagate(
    child: &[u8],
    change: ParentChange<'_>,
    objects: Objects,
    is_container: bool,
) -> Result<(Vec<u8>, Lists), SecurityError> {
    let plain = replace_parts(child, child)?;
    let whole = change.people.map_or(Ok(plain.clone()), |people| replace_parts(&plain, people))?;
    let own = Descriptor::parse(&whole)?;
    let old = change.old.map(Descriptor::parse).transpose()?;
    let new = Descriptor::parse(change.new)?;
    let heir = Heir { objects, is_container, owner: own.owner, group: own.group };
    let open = |side: &Side| own.control & side.protected == 0;
    let lists = Lists {
        dacl: change.lists.dacl && open(&DACL) && own.dacl.is_some(),
        sacl: change.lists.sacl && open(&SACL),
    };
    let mut control = own.control;
    let mut list =
        |side: &Side, reached: bool, own: Option<&List<'_>>, old: Option<&List<'_>>, new| {
            if !reached {
                return own.map(List::to_bytes).transpose();
            }
            let explicit = match own {
                Some(list) => own_entries(list, control & side.inherited != 0, old, &heir)?,
                None => Vec::new(),
            };
            let revision = own.map_or(2, |list| list.revision);
            let list = with_inherited(revision, explicit, new, &heir)?;
            // A list that is not there and would be empty.
            if own.is_none() && list.len() == 8 {
                return Ok(None);
            }
            control |= side.present | side.inherited;
            Ok(Some(list))
        };
    let dacl_before = old.as_ref().and_then(|old| old.dacl.as_ref());
    let sacl_before = old.as_ref().and_then(|old| old.sacl.as_ref());
    let dacl = list(&DACL, lists.dacl, own.dacl.as_ref(), dacl_before, new.dacl.as_ref())?;
    let sacl = list(&SACL, lists.sacl, own.sacl.as_ref(), sacl_before, new.sacl.as_ref())?;
    let (owner, group) = (own.owner, own.group);
    let parts = Parts { owner, group, sacl: sacl.as_deref(), dacl: dacl.as_deref() };
    let made = build(control, parts);
    // Laid out otherwise is the same.
    Ok((if made == plain { child.to_vec() } else { made }, lists))
}

/// The entries of a list that do not come from the parent.
fn own_entries(
    list: &List<'_>,
    inheriting: bool,
    old: Option<&List<'_>>,
    heir: &Heir<'_>,
) -> Result<Vec<Vec<u8>>, SecurityError> {
    let marked = |flags: u8| flags & INHERITED != 0;
    let all = || list.entries.iter().map(|ace| ace.bytes);
    if !inheriting && !list.entries.iter().any(|ace| marked(ace.flags())) {
        let before = passed_on(old, heir, 0)?;
        if all().eq(before.iter().map(Vec::as_slice)) {
            return Ok(Vec::new());
        }
    }
    let own = list.entries.iter().filter(|ace| !marked(ace.flags()));
    Ok(own.map(|ace| ace.bytes.to_vec()).collect())
}
