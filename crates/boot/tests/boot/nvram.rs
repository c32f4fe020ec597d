//! Firmware variables, in stores that OVMF ships and in one made here by the bytes.

use std::path::{Path, PathBuf};
use std::process::Command;

use winkiln_boot::bcd::PartitionRef;
use winkiln_boot::nvram::{EfiPartition, LoadOption, NvramError, NvramStore};

use crate::corpus;

const GLOBAL: [u8; 16] = [
    0x61, 0xDF, 0xE4, 0x8B, 0xCA, 0x93, 0xD2, 0x11, 0xAA, 0x0D, 0x00, 0xE0, 0x98, 0x03, 0x2B, 0x8C,
];
/// Where the variables of the store that is made here begin and end.
const FIRST: usize = 72 + 28;
const END: usize = 0x400;

fn entry(name: &str, path: &str) -> LoadOption {
    let named = PartitionRef::Gpt { disk: [0; 16], partition: *b"sixteen bytes..." };
    LoadOption {
        description: name.to_owned(),
        is_active: true,
        partition: Some(EfiPartition { number: 2, start: 2048, sectors: 200_000, named }),
        path: Some(path.to_owned()),
    }
}

fn windows() -> LoadOption {
    entry("Windows Boot Manager", r"\EFI\Microsoft\Boot\bootmgfw.efi")
}

/// A variable as it lies in a store, by the bytes.
fn slot(authenticated: bool, state: u8, name: &str, data: &[u8]) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let mut bytes = vec![0xAA, 0x55, state, 0, 7, 0, 0, 0];
    if authenticated {
        bytes.extend([0; 28]);
    }
    bytes.extend((name.len() as u32).to_le_bytes());
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(GLOBAL);
    bytes.extend(name);
    bytes.extend(data);
    while bytes.len() % 4 != 0 {
        bytes.push(0xFF);
    }
    bytes
}

/// A store with these slots, in a file with something behind the store.
fn store(authenticated: bool, slots: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0; 16];
    bytes.extend([0x8D, 0x2B, 0xF1, 0xFF, 0x96, 0x76, 0x8B, 0x4C]);
    bytes.extend([0xA9, 0x85, 0x27, 0x47, 0x07, 0x5B, 0x4F, 0x50]);
    bytes.extend(0x1000_u64.to_le_bytes());
    bytes.extend(b"_FVH");
    bytes.extend([0, 0, 0, 0, 72, 0]);
    bytes.resize(72, 0);
    bytes.extend(if authenticated {
        [
            0x78, 0x2C, 0xF3, 0xAA, 0x7B, 0x94, 0x9A, 0x43, 0xA1, 0x80, 0x2E, 0x14, 0x4E, 0xC3,
            0x77, 0x92,
        ]
    } else {
        [
            0x16, 0x36, 0xCF, 0xDD, 0x75, 0x32, 0x64, 0x41, 0x98, 0xB6, 0xFE, 0x85, 0x70, 0x7F,
            0xFE, 0x7D,
        ]
    });
    bytes.extend(((END - 72) as u32).to_le_bytes());
    bytes.extend([0x5A, 0xFE]);
    bytes.resize(FIRST, 0);
    bytes.extend(slots.concat());
    bytes.resize(END, 0xFF);
    bytes.resize(0x1000, 0x5C);
    bytes
}

#[test]
fn an_entry_is_added_first_and_once() {
    for authenticated in [true, false] {
        let other = entry("Other", r"\other.efi").encode().unwrap();
        let slots = [
            slot(authenticated, 0x3F, "Boot0000", &other),
            slot(authenticated, 0x3D, "BootOrder", &[9, 0]),
            slot(authenticated, 0x3F, "BootOrder", &[0, 0]),
        ];
        let before = store(authenticated, &slots);
        let mut nvram = NvramStore::open(before.clone()).unwrap();
        assert_eq!(nvram.boot_order(), [0], "what was deleted does not count");
        let added = nvram.add_boot_entry(&windows()).unwrap();
        assert_eq!((added.number, added.changed), (1, true));
        let after = nvram.bytes().to_vec();
        // By the bytes: what was there stays but for one bit of the order that was, and what is new follows.
        let mut expected = before.clone();
        let old_order = FIRST + slots[0].len() + slots[1].len();
        expected[old_order + 2] = 0x3D;
        let new = [
            slot(authenticated, 0x3F, "Boot0001", &windows().encode().unwrap()),
            slot(authenticated, 0x3F, "BootOrder", &[1, 0, 0, 0]),
        ]
        .concat();
        let at = old_order + slots[2].len();
        expected[at..at + new.len()].copy_from_slice(&new);
        assert!(after == expected);
        let mut again = NvramStore::open(after.clone()).unwrap();
        assert_eq!(again, nvram);
        assert_eq!(again.boot_order(), [1, 0]);
        assert_eq!(again.boot_entries()[&1], windows());
        assert!(!again.add_boot_entry(&windows()).unwrap().changed);
        assert!(again.bytes() == after, "a second time nothing is written");
        // One that is there, but not first, comes first.
        assert_eq!(again.add_boot_entry(&entry("x", r"\OTHER.efi")).unwrap().number, 0);
        assert_eq!(again.boot_order(), [0, 1]);
    }
}

#[test]
fn a_full_store_loses_what_was_deleted_or_nothing_at_all() {
    let bulk = slot(true, 0x3F, "Bulk", &[1; 300]);
    let gone = slot(true, 0x3D, "Gone", &[1; 200]);
    let mut nvram = NvramStore::open(store(true, &[gone.clone(), bulk.clone()])).unwrap();
    assert!(nvram.add_boot_entry(&windows()).unwrap().changed);
    let names: Vec<String> = nvram.variables().into_iter().map(|variable| variable.name).collect();
    assert_eq!(names, ["Bulk", "Boot0000", "BootOrder"]);
    assert!(nvram.bytes()[FIRST..].starts_with(&bulk));
    assert!(nvram.bytes()[END..].iter().all(|byte| *byte == 0x5C));
    assert_eq!(NvramStore::open(nvram.bytes().to_vec()).unwrap(), nvram);

    let before = store(true, &[bulk, slot(true, 0x3F, "More", &[1; 350])]);
    let mut full = NvramStore::open(before.clone()).unwrap();
    let error = full.add_boot_entry(&windows()).unwrap_err();
    assert!(matches!(error, NvramError::Full { .. }), "{error}");
    assert!(full.bytes() == before);
}

/// A firmware that was stopped while it replaced a variable left the old one, the new one or both.
#[test]
fn what_was_being_replaced_counts_once() {
    let old = slot(true, 0x3E, "BootOrder", &[1, 0]);
    let new = slot(true, 0x3F, "BootOrder", &[2, 0]);
    let unfinished = slot(true, 0x7F, "BootOrder", &[3, 0]);
    for (slots, expected) in [
        (vec![old.clone()], [1]),
        (vec![old.clone(), new.clone()], [2]),
        (vec![old, unfinished], [1]),
    ] {
        let nvram = NvramStore::open(store(true, &slots)).unwrap();
        assert_eq!(nvram.boot_order(), expected);
    }
}

#[test]
fn what_is_deleted_does_not_come_back_in_an_older_copy() {
    let copies = [0x3E, 0x3F].map(|state| slot(true, state, "Boot0000", &[1; 40]));
    let mut nvram = NvramStore::open(store(true, &copies)).unwrap();
    assert_eq!(nvram.variables().len(), 1);
    nvram.delete_boot_entry(0).unwrap();
    assert_eq!(nvram.variables(), []);
}

#[test]
fn hostile_stores_are_refused_or_read() {
    let whole = store(true, &[slot(true, 0x3F, "BootOrder", &[0, 0])]);
    assert!(matches!(NvramStore::open(Vec::new()), Err(NvramError::NotAStore { .. })));
    for length in 0..END {
        assert!(NvramStore::open(whole[..length].to_vec()).is_err(), "{length}");
    }
    let mut behind = whole.clone();
    behind[END - 1] = 0;
    let error = NvramStore::open(behind).unwrap_err();
    assert_eq!(error, NvramError::Damaged { offset: END - 1 });
    for at in 0..END {
        for value in [0, 0xFF, whole[at] ^ 0x80] {
            let mut odd = whole.clone();
            odd[at] = value;
            if let Ok(mut nvram) = NvramStore::open(odd) {
                drop(nvram.add_boot_entry(&windows()));
                assert_eq!(nvram.bytes().len(), whole.len());
            }
        }
    }
}

/// What OVMF is shipped with, where it is installed.
fn shipped() -> Vec<PathBuf> {
    let found: Vec<PathBuf> = ["OVMF_VARS.fd", "OVMF_VARS_4M.fd", "OVMF_VARS_4M.ms.fd"]
        .iter()
        .map(|name| Path::new("/usr/share/OVMF").join(name))
        .filter(|path| path.is_file())
        .collect();
    if found.is_empty() {
        corpus::missing("no OVMF_VARS.fd (package ovmf)");
    }
    found
}

/// virt-firmware's reader finds in OVMF's own stores what was added.
#[test]
fn another_reader_finds_the_entry() {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/readers/venv/bin");
    let path = format!("{}:{}", venv.display(), std::env::var("PATH").unwrap_or_default());
    let run = |args: &[&str]| Command::new("virt-fw-vars").args(args).env("PATH", &path).output();
    let folder = tempfile::tempdir().unwrap();
    for shipped in shipped() {
        let mut nvram = NvramStore::open(std::fs::read(&shipped).unwrap()).unwrap();
        let number = nvram.add_boot_entry(&windows()).unwrap().number;
        let file = folder.path().join("vars.fd");
        std::fs::write(&file, nvram.bytes()).unwrap();
        let Ok(output) = run(&["--input", file.to_str().unwrap(), "--print", "--verbose"]) else {
            return corpus::missing("no program virt-fw-vars (PyPI's virt-firmware)");
        };
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{shipped:?}: {output:?}");
        let line = text.lines().find(|line| line.contains(&format!("Boot{number:04X}"))).unwrap();
        assert!(text.contains("Windows Boot Manager"), "{shipped:?}: {text}");
        assert!(text.contains("bootmgfw.efi"), "{shipped:?}: {line}");
        assert!(text.contains("BootOrder"), "{text}");
    }
}

#[test]
fn entries_are_deleted_ordered_and_renamed() {
    for authenticated in [true, false] {
        let [one, two] = ["One", "Two"].map(|name| entry(name, r"\x.efi").encode().unwrap());
        // What a program is given stands behind its path.
        let two = [two, b"given".to_vec()].concat();
        let slots = [
            slot(authenticated, 0x3F, "Boot0000", &one),
            slot(authenticated, 0x3F, "Boot000A", &two),
            slot(authenticated, 0x3F, "BootOrder", &[0, 0, 10, 0]),
        ];
        let before = store(authenticated, &slots);
        let open = || NvramStore::open(before.clone()).unwrap();
        let mut nvram = open();
        assert_eq!(nvram.put_first(&[10, 10]), Ok(true));
        assert_eq!((nvram.boot_order(), nvram.put_first(&[10])), (vec![10, 0], Ok(false)));
        nvram.delete_boot_entry(0).unwrap();
        assert_eq!(nvram.bytes()[FIRST + 2], 0x3D, "a bit is cleared, as in flash");
        assert_eq!(nvram.boot_order(), [10]);
        assert_eq!(nvram.boot_entries().into_keys().collect::<Vec<_>>(), [10]);
        assert_eq!(nvram.rename_boot_entry(10, "Windows \u{41F}"), Ok(true));
        assert_eq!(nvram.rename_boot_entry(10, "Windows \u{41F}"), Ok(false));
        let again = NvramStore::open(nvram.bytes().to_vec()).unwrap();
        assert_eq!(again, nvram);
        let renamed = again.variables().into_iter().find(|variable| variable.name == "Boot000A");
        let renamed = renamed.unwrap().data;
        let expected = entry("Windows \u{41F}", r"\x.efi").encode().unwrap();
        assert_eq!(renamed, [expected, b"given".to_vec()].concat());
        // The last one takes the order with it.
        nvram.delete_boot_entry(10).unwrap();
        assert_eq!(nvram.variables(), []);
        assert!(nvram.bytes()[END..] == before[END..], "what is behind the store stays");
        // What is not there changes nothing.
        let mut nvram = open();
        let missing = NvramError::NoSuchEntry { number: 1 };
        assert_eq!(nvram.delete_boot_entry(1), Err(missing.clone()));
        assert_eq!(nvram.put_first(&[0, 1]), Err(missing.clone()));
        assert_eq!(nvram.rename_boot_entry(1, "x"), Err(missing));
        assert!(matches!(nvram.rename_boot_entry(0, "a\n"), Err(NvramError::NoEntry { .. })));
        assert!(nvram.bytes() == before);
    }
}
