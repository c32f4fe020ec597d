//! Inheritance of security descriptors, and their text.

use winkiln_ntfs::security::{SecurityError, hash, inherit, to_sddl};

use super::generate::Random;

const EVERYONE: &[u32] = &[1, 0];
const CREATOR_OWNER: &[u32] = &[3, 0];
const CREATOR_GROUP: &[u32] = &[3, 1];
const AUTHENTICATED: &[u32] = &[5, 11];
const SYSTEM: &[u32] = &[5, 18];
const ADMINISTRATORS: &[u32] = &[5, 32, 544];
const USERS: &[u32] = &[5, 32, 545];
const LOW_LABEL: &[u32] = &[16, 4096];

/// An identifier: the authority, then sub-authorities.
fn sid(parts: &[u32]) -> Vec<u8> {
    let mut sid = vec![1, parts.len() as u8 - 1, 0, 0];
    sid.extend(parts[0].to_be_bytes());
    sid.extend(parts[1..].iter().flat_map(|part| part.to_le_bytes()));
    sid
}

fn entry(kind: u8, flags: u8, mask: u32, body: &[u8]) -> Vec<u8> {
    let mut entry = vec![kind, flags];
    entry.extend((8 + body.len() as u16).to_le_bytes());
    entry.extend(mask.to_le_bytes());
    entry.extend(body);
    entry
}

fn allow(flags: u8, mask: u32, who: &[u32]) -> Vec<u8> {
    entry(0, flags, mask, &sid(who))
}

fn list(revision: u8, entries: &[Vec<u8>]) -> Vec<u8> {
    let bytes = entries.concat();
    let mut list = vec![revision, 0];
    list.extend((8 + bytes.len() as u16).to_le_bytes());
    list.extend((entries.len() as u16).to_le_bytes());
    list.extend([0, 0]);
    list.extend(bytes);
    list
}

/// A descriptor of BUILTIN\Users; `None` for a list that is not there.
fn descriptor(control: u16, dacl: Option<&[Vec<u8>]>, sacl: Option<&[Vec<u8>]>) -> Vec<u8> {
    let parts = [
        Some(sid(USERS)),
        Some(sid(USERS)),
        sacl.map(|acl| list(2, acl)),
        dacl.map(|acl| list(2, acl)),
    ];
    let mut bytes = vec![1, 0];
    bytes.extend((control | 0x8000).to_le_bytes());
    let mut at = 20_u32;
    for part in &parts {
        bytes.extend(part.as_ref().map_or(0, |_| at).to_le_bytes());
        at += part.as_ref().map_or(0, |part| part.len() as u32);
    }
    bytes.extend(parts.into_iter().flatten().flatten());
    bytes
}

/// What a folder and a file inherit from a parent with this DACL.
fn check(what: &str, dacl: &[Vec<u8>], folder: &str, file: &str) {
    let parent = descriptor(0x0404, Some(dacl), None);
    for (is_directory, expected) in [(true, folder), (false, file)] {
        let child = inherit(&parent, is_directory).unwrap();
        assert_eq!(
            to_sddl(&child).unwrap(),
            format!("O:BAG:SY{expected}"),
            "{what}, folder: {is_directory}"
        );
    }
}

#[test]
fn entries_are_inherited_by_their_flags() {
    const PRIVATE_FOLDER: &str = "D:(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
    const PRIVATE_FILE: &str = "D:(A;;FA;;;SY)(A;;FA;;;BA)";
    // The root of a Windows system drive.
    check(
        "system drive",
        &[
            allow(0x03, 0x001f_01ff, ADMINISTRATORS),
            allow(0x03, 0x001f_01ff, SYSTEM),
            allow(0x03, 0x0012_00a9, USERS),
            allow(0x0b, 0xe001_0000, AUTHENTICATED),
            allow(0x00, 0x0000_0004, AUTHENTICATED),
        ],
        "D:AI(A;OICIID;FA;;;BA)(A;OICIID;FA;;;SY)(A;OICIID;0x1200a9;;;BU)(A;ID;0x1301bf;;;AU)(A;OICIIOID;SDGXGWGR;;;AU)",
        "D:AI(A;ID;FA;;;BA)(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)(A;ID;0x1301bf;;;AU)",
    );
    check(
        "creators",
        &[allow(0x0b, 0x1000_0000, CREATOR_OWNER), allow(0x03, 0x0012_0089, CREATOR_GROUP)],
        "D:AI(A;ID;FA;;;BA)(A;OICIIOID;GA;;;CO)(A;ID;FR;;;SY)(A;OICIIOID;FR;;;CG)",
        "D:AI(A;ID;FA;;;BA)(A;ID;FR;;;SY)",
    );
    check(
        "folders alone",
        &[allow(0x02, 0x0012_00a0, USERS)],
        "D:AI(A;CIID;FX;;;BU)",
        PRIVATE_FILE,
    );
    check(
        "files alone",
        &[allow(0x01, 0x8000_0000, USERS)],
        "D:AI(A;OIIOID;GR;;;BU)",
        "D:AI(A;ID;FR;;;BU)",
    );
    check(
        "one level",
        &[allow(0x07, 0x1000_0000, USERS)],
        "D:AI(A;ID;FA;;;BU)",
        "D:AI(A;ID;FA;;;BU)",
    );
    check("files of one level", &[allow(0x05, 1, USERS)], PRIVATE_FOLDER, "D:AI(A;ID;0x1;;;BU)");
    check(
        "inherit only",
        &[allow(0x0b, 1, USERS)],
        "D:AI(A;OICIID;0x1;;;BU)",
        "D:AI(A;ID;0x1;;;BU)",
    );
    check(
        "deny first",
        &[entry(1, 0x13, 2, &sid(EVERYONE)), allow(0x13, 1, EVERYONE)],
        "D:AI(D;OICIID;0x2;;;WD)(A;OICIID;0x1;;;WD)",
        "D:AI(D;ID;0x2;;;WD)(A;ID;0x1;;;WD)",
    );
    check(
        "nothing to inherit",
        &[allow(0x00, 0x001f_01ff, EVERYONE)],
        PRIVATE_FOLDER,
        PRIVATE_FILE,
    );
    check("no entry", &[], PRIVATE_FOLDER, PRIVATE_FILE);
    check("unknown type", &[entry(0x30, 0x03, 1, &[])], PRIVATE_FOLDER, PRIVATE_FILE);
    let condition = [sid(USERS), b"artx\0\0\0\0".to_vec()].concat();
    check(
        "condition",
        &[entry(9, 0x03, 0x8000_0000, &condition)],
        "D:AI(XA;ID;FR;;;BU;8 bytes)(XA;OICIIOID;GR;;;BU;8 bytes)",
        "D:AI(XA;ID;FR;;;BU;8 bytes)",
    );
    let class = |flags: u32| {
        [&flags.to_le_bytes()[..], &[0x11; 16][..16 * flags.count_ones() as usize], &sid(USERS)]
            .concat()
    };
    check(
        "object",
        &[entry(5, 0x03, 1, &class(0))],
        "D:AI(OA;OICIID;0x1;;;BU)",
        "D:AI(OA;ID;0x1;;;BU)",
    );
    check(
        "object of one class",
        &[entry(5, 0x03, 1, &class(2)), allow(0x03, 1, USERS)],
        "D:AI(OA;OICIIOID;0x1;;11111111-1111-1111-1111-111111111111;BU)(A;OICIID;0x1;;;BU)",
        "D:AI(A;ID;0x1;;;BU)",
    );
}

#[test]
fn parents_without_a_list_do_not_open_their_children() {
    for (control, dacl) in
        [(0x0000, None), (0x0004, None), (0x0000, Some(&[allow(3, 1, EVERYONE)][..]))]
    {
        let child = inherit(&descriptor(control, dacl, None), false).unwrap();
        assert_eq!(to_sddl(&child).unwrap(), "O:BAG:SYD:(A;;FA;;;SY)(A;;FA;;;BA)");
    }
}

#[test]
fn audit_entries_and_labels_are_inherited() {
    let sacl = [
        entry(2, 0x83, 0x0001_0000, &sid(EVERYONE)),
        entry(0x11, 0x03, 1, &sid(LOW_LABEL)),
        entry(2, 0x40, 1, &sid(EVERYONE)),
    ];
    let parent = descriptor(0x1c14, Some(&[allow(0x03, 0x001f_01ff, SYSTEM)]), Some(&sacl));
    let text = to_sddl(&parent).unwrap();
    assert_eq!(
        text,
        "O:BUG:BUD:PAI(A;OICI;FA;;;SY)S:AI(AU;OICIFA;SD;;;WD)(ML;OICI;NW;;;LW)(AU;SA;0x1;;;WD)"
    );
    let child = inherit(&parent, false).unwrap();
    assert_eq!(
        to_sddl(&child).unwrap(),
        "O:BAG:SYD:AI(A;ID;FA;;;SY)S:AI(AU;IDFA;SD;;;WD)(ML;ID;NW;;;LW)"
    );
    let grandchild = inherit(&inherit(&parent, true).unwrap(), false).unwrap();
    assert_eq!(grandchild, child);
}

/// As on volumes that Windows formats: the root's list is not marked, nor are those of its children, nor is a list of theirs beside one
/// that is.
#[test]
fn lists_are_marked_as_inherited_when_the_parents_are() {
    let dacl = [
        allow(0x00, 0x001f_01ff, ADMINISTRATORS),
        allow(0x0b, 0x1000_0000, ADMINISTRATORS),
        allow(0x10, 0x0013_01bf, AUTHENTICATED),
        allow(0x1b, 0xe001_0000, AUTHENTICATED),
    ];
    let sacl = [entry(0x11, 0x0b, 1, &sid(LOW_LABEL))];
    let parent = descriptor(0x0814, Some(&dacl), Some(&sacl));
    let [folder, file] = [true, false]
        .map(|is_directory| to_sddl(&inherit(&parent, is_directory).unwrap()).unwrap());
    let list = "(A;;FA;;;BA)(A;OICIIO;GA;;;BA)(A;;0x1301bf;;;AU)(A;OICIIO;SDGXGWGR;;;AU)";
    assert_eq!(folder, format!("O:BAG:SYD:{list}S:AI(ML;OICIID;NW;;;LW)"));
    assert_eq!(file, "O:BAG:SYD:(A;;FA;;;BA)(A;;0x1301bf;;;AU)S:AI(ML;ID;NW;;;LW)");
}

/// The bytes that Windows writes for this descriptor: head, DACL, owner, group.
#[test]
fn the_parts_lie_as_windows_lays_them_out() {
    let parent = descriptor(0x0404, Some(&[allow(0x03, 0x001f_01ff, SYSTEM)]), None);
    let mut expected =
        vec![1, 0, 0x04, 0x84, 0x30, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0];
    expected.extend([
        2, 0, 0x1c, 0, 1, 0, 0, 0, 0, 0x10, 0x14, 0, 0xff, 1, 0x1f, 0, 1, 1, 0, 0, 0, 0, 0, 5, 18,
        0, 0, 0,
    ]);
    expected.extend(sid(ADMINISTRATORS));
    expected.extend(sid(SYSTEM));
    assert_eq!(inherit(&parent, false).unwrap(), expected);
}

#[test]
fn the_hash_rotates_and_adds() {
    assert_eq!(hash(&[]), 0);
    assert_eq!(hash(&[1, 0, 0, 0x80, 2, 0, 0, 0]), 0x0000_000c + 2);
}

#[test]
fn malformed_descriptors_are_errors() {
    let good = descriptor(
        0x0014,
        Some(&[allow(0x0b, 0x1000_0000, CREATOR_OWNER)]),
        Some(&[entry(2, 0x83, 1, &sid(EVERYONE))]),
    );
    let offset_of = |bytes: &[u8]| match inherit(bytes, true) {
        Err(SecurityError::Descriptor { offset, .. }) => offset,
        other => panic!("{other:?}"),
    };
    let with = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        bytes
    };
    assert_eq!(offset_of(&good[..19]), 0);
    assert_eq!(offset_of(&with(0, 2)), 0);
    assert_eq!(offset_of(&with(3, 0)), 2);
    assert_eq!(offset_of(&with(4, 0xff)), 0xff);
    let dacl = usize::from(good[16]);
    assert_eq!(offset_of(&with(dacl, 9)), dacl);
    assert_eq!(offset_of(&with(dacl + 2, 0xff)), dacl);
    assert_eq!(offset_of(&with(dacl + 4, 2)), dacl + 8 + 20);
    assert_eq!(offset_of(&with(dacl + 8 + 2, 0)), dacl + 8);
    assert_eq!(offset_of(&with(dacl + 8 + 9, 9)), dacl + 8 + 8);
    for length in 0..good.len() {
        assert!(inherit(&good[..length], true).is_err());
    }
    let mut random = Random(99);
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            bytes[at] = random.next() as u8;
        }
        if let Ok(child) = inherit(&bytes, random.below(2) == 0) {
            to_sddl(&child).expect("what is inherited is well-formed");
        }
        let _ = to_sddl(&bytes);
    }
}

/// Files that Windows made without a descriptor of their own have in their lists what is inherited, those of the system altogether.
#[test]
fn windows_inherits_the_same() {
    for (name, lists_least, whole_least) in [
        ("win10-largedir-compressed.vol.raw.xz", 2050, 0),
        ("win10-2k-cluster-index.disk.raw.xz", 25, 0),
        ("win-links-junction-ads.vol.raw.xz", 6, 0),
        ("win2003-128g-vss-cyrillic.disk.raw.tgz", 30, 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let Some(image) = crate::images::corpus(name, folder.path()) else { return };
        let volume = crate::read_real_volumes::open(&image);
        let (mut lists, mut whole) = (0, 0);
        let mut folders = vec![volume.root()];
        while let Some(folder) = folders.pop() {
            let parent = volume.metadata(folder).unwrap().security.unwrap();
            for entry in volume.read_directory(folder).unwrap() {
                let there = volume.metadata(entry.reference).unwrap().security.unwrap();
                let inherited = inherit(&parent, entry.is_directory).unwrap();
                whole += usize::from(there == inherited);
                let list = |bytes| {
                    to_sddl(bytes).unwrap().split_once("D:").map(|(_, list)| list.to_owned())
                };
                lists += usize::from(list(&there) == list(&inherited));
                if entry.is_directory {
                    folders.push(entry.reference);
                }
            }
        }
        assert!(
            lists >= lists_least && whole >= whole_least,
            "{name}: {lists} lists, {whole} descriptors"
        );
    }
}
