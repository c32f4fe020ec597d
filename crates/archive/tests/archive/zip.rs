//! Zips, made by Info-ZIP and by hand.

use std::fs;

use winkiln_archive::{Error, Format, Reason, Tree};

use crate::sample::{Files, assert_holds, files, have, on_host, packed, run, tree_of};

#[test]
fn info_zip() {
    if !have(&["zip"]) {
        return;
    }
    let files = files();
    for args in [
        &["-qr", "OUT", "."][..],
        &["-qr0", "OUT", "."],
        &["-qr9D", "OUT", "."],
        &["-qr", "-fz", "OUT", "."],
    ] {
        let (_scratch, mut archive) = packed(&files, "zip", args);
        archive.set_extension("zip");
        let tree = Tree::open(&archive).expect("a tree");
        assert_eq!(tree.format(), Format::Zip);
        assert_holds(&tree, &files);
        // A self-extracting one has a program in front.
        let mut bytes = b"MZ and a program".to_vec();
        bytes.resize(5000, 7);
        bytes.extend(fs::read(&archive).expect("bytes"));
        assert_holds(&tree_of(bytes).expect("a tree"), &files);
    }
}

#[test]
fn encrypted_files_are_left_out() {
    if !have(&["zip"]) {
        return;
    }
    let folder = on_host(&[("a.sys".to_owned(), b"a".to_vec())].into());
    run(folder.path(), "zip", &["-qP", "secret", "x.zip", "a.sys"]);
    let tree = Tree::open(folder.path().join("x.zip")).expect("a tree");
    assert!(tree.entries().is_empty());
    assert_eq!(tree.left_out()[0].reason, Reason::Unsupported);
}

#[test]
fn links_lead_only_inside() {
    if !have(&["zip"]) {
        return;
    }
    let folder = on_host(&[("d/a.sys".to_owned(), b"a".to_vec())].into());
    std::os::unix::fs::symlink("d/a.sys", folder.path().join("in")).expect("a link");
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("out")).expect("a link");
    run(folder.path(), "zip", &["-qry", "x.zip", "."]);
    let tree = Tree::open(folder.path().join("x.zip")).expect("a tree");
    assert_eq!(tree.read("in", 9).expect("followed"), b"a");
    let left: Vec<_> =
        tree.left_out().iter().map(|left| (left.path.as_str(), left.reason)).collect();
    assert_eq!(left, [("out", Reason::Link)]);
}

/// A stored zip by hand: names as they are, a claimed size, a checksum.
pub fn stored(files: &[(&[u8], &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in files {
        let at = bytes.len() as u32;
        let crc = crc32(data).to_le_bytes();
        let length = (data.len() as u32).to_le_bytes();
        let name_length = (name.len() as u16).to_le_bytes();
        let common = [&crc[..], &length, &length, &name_length, &[0, 0]].concat();
        bytes.extend([b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0", &common[..], name, data].concat());
        directory.extend(b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0");
        directory.extend([&common[..], &[0; 10], &at.to_le_bytes(), name].concat());
    }
    let count = (files.len() as u16).to_le_bytes();
    let (at, size) = (bytes.len() as u32, directory.len() as u32);
    bytes.extend(directory);
    bytes.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count].concat());
    bytes.extend([&size.to_le_bytes()[..], &at.to_le_bytes(), &[0, 0]].concat());
    bytes
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

#[test]
fn names_that_lead_out_are_left_out() {
    let bytes = stored(&[
        (b"../../evil.sys", b"1"),
        (b"/etc/passwd", b"2"),
        (b"C:\\Windows\\x.sys", b"3"),
        (b"a\\b.sys", b"4"),
        (b"a/b.sys", b"5"),
        (b"a/b.sys/c", b"6"),
        (b"d/con", b"7"),
        (b"e.sys:x", b"8"),
        (b"f\x81.sys", b"9"),
    ]);
    let tree = tree_of(bytes).expect("a tree");
    let expected: Files =
        [("a/b.sys", "4"), ("fü.sys", "9")].map(|(p, b)| (p.into(), b.into())).into();
    assert_holds(&tree, &expected);
    let left: Vec<_> = tree.left_out().iter().map(|left| left.reason).collect();
    let expected = [
        Reason::Parent,
        Reason::Absolute,
        Reason::Colon,
        Reason::Duplicate,
        Reason::BelowFile,
        Reason::Device,
        Reason::Colon,
    ];
    assert_eq!(left, expected, "{:?}", tree.left_out());
}

#[test]
fn damaged_contents_are_not_delivered() {
    let mut bytes = stored(&[(b"a", b"contents")]);
    bytes[33] ^= 1;
    let error = tree_of(bytes).expect("a tree").read("a", 99).expect_err("damaged");
    assert!(matches!(error, Error::Contents { format: Format::Zip, at: 31, .. }), "{error}");
}

#[test]
fn contents_that_unpack_to_too_much_are_an_error() {
    if !have(&["zip"]) {
        return;
    }
    let files: Files = [("bomb".to_owned(), vec![0; 80 << 20])].into();
    let (_scratch, archive) = packed(&files, "zip", &["-qr1", "OUT", "."]);
    let error = Tree::open(archive.with_extension("zip")).expect_err("a bomb");
    assert!(
        matches!(error, Error::Expands { format: Format::Zip, unpacked: 83_886_080, .. }),
        "{error}"
    );
}
