//! Damaged archives: an error or a tree, never a panic, a hang or bytes without end.

use std::fs;

use winkiln_archive::{Error, Tree};

use crate::sample::{Files, have, noise, packed, tree_of};

/// Reads all there is, whatever comes of it.
fn exhaust(bytes: Vec<u8>) -> usize {
    let Ok(tree) = tree_of(bytes) else { return 0 };
    let read = |path: &str| tree.read(path, 1 << 20).is_ok();
    tree.entries().iter().filter(|entry| entry.is_file() && read(entry.path())).count()
}

/// Changes bytes here and there, most of all at the start and the end.
fn mutated(bytes: &[u8], seed: usize, from: usize, length: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let dice = noise(&format!("damage {seed}"), 64);
    for pair in dice.chunks_exact(4).take(1 + seed % 6) {
        let place = usize::from(pair[0]) << 12 | usize::from(pair[1]) << 6 | usize::from(pair[2]);
        let at = from + place % length;
        bytes[at] = [0, 0xff, pair[3], bytes[at] ^ 1 << (pair[3] % 8)][seed / 7 % 4];
    }
    bytes
}

#[test]
fn damage_is_told() {
    if !have(&["zip", "xorriso", "genisoimage", "gcab", "tar"]) {
        return;
    }
    let files: Files = (0..12)
        .map(|n| (format!("d{}/file {n}.sys", n % 4), noise(&format!("{n}"), 300 * n)))
        .collect();
    for (program, args) in [
        ("zip", &["-qr", "OUT", "."][..]),
        ("gcab", &["-czn", "OUT", "d0", "d1", "d2", "d3"]),
        ("tar", &["-cf", "OUT", "."]),
        ("tar", &["-czf", "OUT", "."]),
        ("xorriso", &["-as", "mkisofs", "-quiet", "-R", "-o", "OUT", "."]),
        ("genisoimage", &["-quiet", "-J", "-o", "OUT", "."]),
        ("genisoimage", &["-quiet", "-udf", "-o", "OUT", "."]),
    ] {
        let (_scratch, archive) = packed(&files, program, args);
        let path = if program == "zip" { archive.with_extension("zip") } else { archive };
        damage(&fs::read(path).expect("bytes"), program, files.len());
    }
    if have(&["wixl"]) {
        let (_scratch, path) = crate::msi::package(&files);
        damage(&fs::read(path).expect("bytes"), "wixl", files.len());
    }
}

fn damage(bytes: &[u8], program: &str, files: usize) {
    assert_eq!(exhaust(bytes.to_vec()), files, "{program}");
    let from = if matches!(program, "xorriso" | "genisoimage") { 32 << 10 } else { 0 };
    let length = (bytes.len() - from).min(600 << 10);
    for seed in 0..40 {
        exhaust(mutated(bytes, seed, from, length));
    }
    for cut in 1..10 {
        exhaust(bytes[..bytes.len() * cut / 10].to_vec());
    }
}

#[test]
fn what_is_no_archive_is_named() {
    for bytes in [&b""[..], b"PK", b"hello, world", &[0; 100_000]] {
        let error = tree_of(bytes.to_vec()).expect_err("no archive");
        assert!(matches!(error, Error::UnknownFormat { size, .. } if size == bytes.len() as u64));
    }
    assert!(matches!(Tree::open("/nonexistent/x"), Err(Error::Open { .. })));
}
