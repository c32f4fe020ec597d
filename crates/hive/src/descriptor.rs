//! Self-relative security descriptors: what a new key inherits from its parent.
//!
//! Source: [MS-DTYP] 2.4.4 to 2.4.6 (layout) and 2.5.3.4 (inheritance); compared with keys and their parents in hives
//! written by Windows XP to 11.

/// Owner, group, system and discretionary list start after this many bytes.
const HEADER: usize = 20;
const DACL_PRESENT: u16 = 0x0004;
const SACL_PRESENT: u16 = 0x0010;
const DACL_AUTO_INHERITED: u16 = 0x0400;
const SACL_AUTO_INHERITED: u16 = 0x0800;
const SELF_RELATIVE: u16 = 0x8000;

const OBJECT_INHERIT: u8 = 0x01;
const CONTAINER_INHERIT: u8 = 0x02;
const NO_PROPAGATE: u8 = 0x04;
const INHERIT_ONLY: u8 = 0x08;
const INHERITED: u8 = 0x10;

const ACL_HEADER: usize = 8;
const ACE_HEADER: usize = 8;

/// `S-1-3-0` and `S-1-3-1`: stand for owner and group of what is created.
const CREATOR_OWNER: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0];
const CREATOR_GROUP: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0];

/// Generic rights and what they mean for a key (`KEY_READ`, `KEY_WRITE`, `KEY_EXECUTE`, `KEY_ALL_ACCESS`).
const GENERIC: [(u32, u32); 4] = [
    (0x8000_0000, 0x2_0019),
    (0x4000_0000, 0x2_0006),
    (0x2000_0000, 0x2_0019),
    (0x1000_0000, 0xf_003f),
];

/// ACE types that are a mask followed by one SID: allow, deny, audit, alarm, mandatory label.
const PLAIN_TYPES: [u8; 5] = [0, 1, 2, 3, 0x11];

/// A descriptor taken apart.
struct Descriptor<'a> {
    control: u16,
    owner: &'a [u8],
    group: &'a [u8],
    sacl: Option<Acl<'a>>,
    dacl: Option<Acl<'a>>,
}

struct Acl<'a> {
    revision: u8,
    aces: Vec<Ace<'a>>,
}

#[derive(Clone, Copy)]
struct Ace<'a> {
    kind: u8,
    flags: u8,
    mask: u32,
    /// SID, or all that follows the mask.
    rest: &'a [u8],
}

/// The descriptor of a new key below a key with the descriptor `parent`.
///
/// Owner and group are the parent's, since no user creates the key. Inheritable entries become the key's own: generic
/// rights and `CREATOR OWNER` are resolved for the key and kept for what is created below it, and entries are marked as
/// inherited when the parent's lists are of the automatic kind. `None` when the parent has nothing to inherit, or when its
/// descriptor cannot be understood: then the parent's own is the right one, which gives nobody more than the parent does.
pub(crate) fn inherit(parent: &[u8]) -> Option<Vec<u8>> {
    let parent = Descriptor::read(parent)?;
    let dacl = parent.dacl.as_ref()?;
    let auto = parent.control & DACL_AUTO_INHERITED;
    let entries = inherited(dacl, parent.owner, parent.group, auto != 0)?;
    if entries.is_empty() {
        return None;
    }
    let mut control = SELF_RELATIVE | DACL_PRESENT | auto;
    let mut sacl = None;
    if let Some(own) = &parent.sacl {
        let auto = parent.control & SACL_AUTO_INHERITED;
        sacl =
            Some(acl_bytes(own.revision, &inherited(own, parent.owner, parent.group, auto != 0)?)?);
        control |= SACL_PRESENT | auto;
    }
    assemble(
        control,
        parent.owner,
        parent.group,
        sacl.as_deref(),
        &acl_bytes(dacl.revision, &entries)?,
    )
}

/// Bytes of an entry.
fn ace_bytes(kind: u8, flags: u8, mask: u32, rest: &[u8]) -> Option<Vec<u8>> {
    let size = u16::try_from(ACE_HEADER + rest.len()).ok()?;
    let mut ace = vec![kind, flags];
    ace.extend(size.to_le_bytes());
    ace.extend(mask.to_le_bytes());
    ace.extend(rest);
    Some(ace)
}

/// What a key below inherits from a list.
fn inherited(acl: &Acl<'_>, owner: &[u8], group: &[u8], auto: bool) -> Option<Vec<Vec<u8>>> {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    let mark = |flags: u8| if auto { flags | INHERITED } else { flags };
    for ace in &acl.aces {
        let inherit = ace.flags & (OBJECT_INHERIT | CONTAINER_INHERIT);
        if inherit == 0 {
            continue;
        }
        let pass_on = ace.flags & NO_PROPAGATE == 0;
        // What is neither inheritance nor its result: audit flags, and the mark in lists that are not automatic.
        let other = ace.flags & !(OBJECT_INHERIT | CONTAINER_INHERIT | NO_PROPAGATE | INHERIT_ONLY);
        if ace.flags & CONTAINER_INHERIT == 0 {
            // For objects only: keys hold none, so it just goes on.
            if pass_on {
                entries.push(ace_bytes(
                    ace.kind,
                    mark(other | inherit | INHERIT_ONLY),
                    ace.mask,
                    ace.rest,
                )?);
            }
            continue;
        }
        let plain = PLAIN_TYPES.contains(&ace.kind);
        let mask = if plain { resolve(ace.mask) } else { ace.mask };
        let sid = match ace.rest {
            sid if plain && *sid == CREATOR_OWNER => owner,
            sid if plain && *sid == CREATOR_GROUP => group,
            sid => sid,
        };
        if mask == ace.mask && sid == ace.rest {
            let kept = if pass_on { inherit } else { 0 };
            entries.push(ace_bytes(ace.kind, mark(other | kept), mask, sid)?);
            continue;
        }
        if !granted_before(&entries, ace.kind, mask, sid) {
            entries.push(ace_bytes(ace.kind, mark(other), mask, sid)?);
        }
        if pass_on {
            entries.push(ace_bytes(
                ace.kind,
                mark(other | inherit | INHERIT_ONLY),
                ace.mask,
                ace.rest,
            )?);
        }
    }
    Some(entries)
}

/// True when an earlier entry says the same already, as the kernel checks before it adds an effective entry.
fn granted_before(entries: &[Vec<u8>], kind: u8, mask: u32, sid: &[u8]) -> bool {
    entries.iter().filter_map(|entry| Ace::read(entry)).any(|(ace, _)| {
        ace.kind == kind
            && ace.flags & INHERIT_ONLY == 0
            && ace.rest == sid
            && ace.mask & mask == mask
    })
}

/// Replaces generic rights by those of a key.
fn resolve(mask: u32) -> u32 {
    GENERIC.iter().fold(
        mask,
        |mask, &(generic, specific)| {
            if mask & generic != 0 { mask & !generic | specific } else { mask }
        },
    )
}

fn acl_bytes(revision: u8, entries: &[Vec<u8>]) -> Option<Vec<u8>> {
    let length = ACL_HEADER + entries.iter().map(Vec::len).sum::<usize>();
    let mut acl = vec![revision, 0];
    acl.extend(u16::try_from(length).ok()?.to_le_bytes());
    acl.extend(u16::try_from(entries.len()).ok()?.to_le_bytes());
    acl.extend([0; 2]);
    acl.extend(entries.iter().flatten());
    Some(acl)
}

/// Lays out a descriptor in the kernel's order: system list, discretionary list, owner, group.
fn assemble(
    control: u16,
    owner: &[u8],
    group: &[u8],
    sacl: Option<&[u8]>,
    dacl: &[u8],
) -> Option<Vec<u8>> {
    let sacl_length = sacl.map_or(0, <[u8]>::len);
    let offset = |at: usize| u32::try_from(at).ok();
    let dacl_at = HEADER + sacl_length;
    let owner_at = dacl_at + dacl.len();
    let group_at = owner_at + owner.len();
    let mut descriptor = vec![1, 0];
    descriptor.extend(control.to_le_bytes());
    descriptor.extend(offset(owner_at)?.to_le_bytes());
    descriptor.extend(offset(group_at)?.to_le_bytes());
    descriptor.extend(offset(if sacl.is_some() { HEADER } else { 0 })?.to_le_bytes());
    descriptor.extend(offset(dacl_at)?.to_le_bytes());
    for part in [sacl.unwrap_or_default(), dacl, owner, group] {
        descriptor.extend(part);
    }
    Some(descriptor)
}

impl<'a> Descriptor<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let &[1, _, c0, c1] = bytes.first_chunk::<4>()? else { return None };
        let control = u16::from_le_bytes([c0, c1]);
        if control & SELF_RELATIVE == 0 {
            return None;
        }
        let offset =
            |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk::<4>()?) as usize);
        let acl = |present: u16, at: usize| {
            if control & present == 0 || at == 0 {
                return Some(None);
            }
            Acl::read(bytes.get(at..)?).map(Some)
        };
        Some(Self {
            control,
            owner: sid(bytes.get(offset(4)?..)?)?,
            group: sid(bytes.get(offset(8)?..)?)?,
            sacl: acl(SACL_PRESENT, offset(12)?)?,
            dacl: acl(DACL_PRESENT, offset(16)?)?,
        })
    }
}

impl<'a> Acl<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let &[revision, _, s0, s1, c0, c1, _, _] = bytes.first_chunk::<ACL_HEADER>()?;
        let mut rest = bytes.get(ACL_HEADER..usize::from(u16::from_le_bytes([s0, s1])))?;
        let mut aces = Vec::new();
        for _ in 0..u16::from_le_bytes([c0, c1]) {
            let (ace, size) = Ace::read(rest)?;
            aces.push(ace);
            rest = rest.get(size..)?;
        }
        Some(Self { revision, aces })
    }
}

impl<'a> Ace<'a> {
    /// The entry at the beginning of `bytes` and its size.
    fn read(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let &[kind, flags, s0, s1, m0, m1, m2, m3] = bytes.first_chunk::<ACE_HEADER>()?;
        let size = usize::from(u16::from_le_bytes([s0, s1]));
        let rest = bytes.get(ACE_HEADER..size)?;
        let rest = if PLAIN_TYPES.contains(&kind) { sid(rest)? } else { rest };
        Some((Self { kind, flags, mask: u32::from_le_bytes([m0, m1, m2, m3]), rest }, size))
    }
}

/// The SID at the beginning of `bytes`.
fn sid(bytes: &[u8]) -> Option<&[u8]> {
    let &[1, count] = bytes.first_chunk::<2>()? else { return None };
    bytes.get(..8 + 4 * usize::from(count))
}

/// True when a descriptor can be taken apart.
pub(crate) fn is_well_formed(bytes: &[u8]) -> bool {
    let Some(&[1, _, c0, c1]) = bytes.first_chunk::<4>() else { return false };
    let control = u16::from_le_bytes([c0, c1]);
    let part = |at: usize| {
        let offset = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>)?;
        Some(u32::from_le_bytes(*offset) as usize)
    };
    let whole_sid = |at: usize| match part(at) {
        Some(0) => true,
        Some(at) => bytes.get(at..).and_then(sid).is_some(),
        None => false,
    };
    let whole_acl = |present: u16, at: usize| match part(at) {
        Some(at) if at != 0 && control & present != 0 => {
            bytes.get(at..).and_then(Acl::read).is_some()
        }
        Some(_) => true,
        None => false,
    };
    control & SELF_RELATIVE != 0
        && whole_sid(4)
        && whole_sid(8)
        && whole_acl(SACL_PRESENT, 12)
        && whole_acl(DACL_PRESENT, 16)
}

/// The descriptor of a new hive's root: owned by Administrators, who have full access as SYSTEM has; Users may read.
pub(crate) fn for_new_hive() -> Vec<u8> {
    const ADMINISTRATORS: [u8; 16] = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
    const USERS: [u8; 16] = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0];
    const SYSTEM: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
    let entries: Vec<Vec<u8>> =
        [(0xf_003f, &ADMINISTRATORS[..]), (0xf_003f, &SYSTEM[..]), (0x2_0019, &USERS[..])]
            .iter()
            .filter_map(|(mask, sid)| ace_bytes(0, CONTAINER_INHERIT, *mask, sid))
            .collect();
    let control = SELF_RELATIVE | DACL_PRESENT;
    acl_bytes(2, &entries)
        .and_then(|dacl| assemble(control, &ADMINISTRATORS, &SYSTEM, None, &dacl))
        .unwrap_or_default()
}
