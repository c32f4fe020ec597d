//! Cabinets, made by gcab.

use winkiln_archive::{Format, Reason, Tree};

use crate::sample::{Files, assert_holds, files, have, packed, tree_of};

/// gcab takes the paths to pack; empty files are its own affair.
fn samples() -> Files {
    let mut files = files();
    files.retain(|_, bytes| !bytes.is_empty());
    files.insert("long/several blocks.bin".into(), crate::sample::noise("long", 200_000));
    files
}

#[test]
fn gcab() {
    if !have(&["gcab", "cabextract"]) {
        return;
    }
    let files = samples();
    let paths: Vec<_> = files.keys().map(String::as_str).collect();
    for options in [&["-c"][..], &["-cz"]] {
        let args = [options, &["OUT"], &paths].concat();
        let (_scratch, archive) = packed(&files, "gcab", &args);
        let tree = Tree::open(&archive).expect("a tree");
        assert_eq!(tree.format(), Format::Cabinet);
        assert_holds(&tree, &files);
        let out = tempfile::tempdir().expect("a scratch folder");
        crate::sample::run(out.path(), "cabextract", &["-q", archive.to_str().expect("text")]);
        assert_holds(&Tree::open(out.path()).expect("a tree"), &files);
    }
}

/// A stored cabinet by hand.
fn stored(name: &[u8], data: &[u8], packing: u16) -> Vec<u8> {
    cabinet(name, &[(data.to_vec(), data.len())], packing)
}

/// A cabinet of one file by hand: its data blocks, and what each unpacks to.
pub fn cabinet(name: &[u8], blocks: &[(Vec<u8>, usize)], packing: u16) -> Vec<u8> {
    let length = blocks.iter().map(|(_, size)| *size as u32).sum::<u32>();
    let after = 36 + 8 + 17 + name.len() as u32;
    let packed: usize = blocks.iter().map(|(data, _)| data.len() + 8).sum();
    let mut bytes = b"MSCF\0\0\0\0".to_vec();
    for number in [after + packed as u32, 0, 44, 0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend([3, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    let count = (blocks.len() as u16).to_le_bytes();
    bytes.extend([&after.to_le_bytes()[..], &count, &packing.to_le_bytes()].concat());
    bytes.extend(
        [&length.to_le_bytes()[..], &[0; 4], &[0; 2], &[0; 4], &[0; 2], name, &[0]].concat(),
    );
    for (data, size) in blocks {
        let sizes = [data.len(), *size].map(|size| (size as u16).to_le_bytes());
        bytes.extend([&[0; 4][..], &sizes.concat(), data].concat());
    }
    bytes
}

#[test]
fn names_and_packings() {
    let tree = tree_of(stored(b"w10\\a.sys", b"contents", 0)).expect("a tree");
    assert_eq!(tree.read("W10/A.SYS", 9).expect("contents"), b"contents");
    for (name, packing, reason) in [
        (&b"..\\a.sys"[..], 0, Reason::Parent),
        (b"\\a.sys", 0, Reason::Absolute),
        (b"C:\\a.sys", 0, Reason::Colon),
        (b"a.sys", 2, Reason::Unsupported), // Quantum
    ] {
        let tree = tree_of(stored(name, b"contents", packing)).expect("a tree");
        assert!(tree.entries().is_empty());
        assert_eq!(tree.left_out()[0].reason, reason, "{name:?}");
    }
}
