//! The consistency check of FAT volumes, beside `fsck.fat`; NTFS's is tested with its crate.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use winkiln_disk::{Device, MemoryDevice};
use winkiln_volume::VolumeError;
use winkiln_volume::check::{Event, Finding, Severity, Summary, check};

use crate::environment::{device, must, run, writable};
use crate::fat::{KINDS, make};

fn findings(device: &Arc<MemoryDevice>) -> (Vec<Finding>, Summary) {
    let mut findings = Vec::new();
    let summary = check(&(device.clone() as Arc<dyn Device>), &mut |event| {
        if let Event::Finding(finding) = event {
            findings.push(finding);
        }
        ControlFlow::Continue(())
    });
    (findings, summary.unwrap())
}

fn codes(findings: &[Finding]) -> BTreeSet<&'static str> {
    findings.iter().map(|finding| finding.code).collect()
}

/// A volume with folders, long names and files of several clusters.
fn filled(folder: &std::path::Path, kind: usize) -> Option<Arc<MemoryDevice>> {
    let image = make(folder, kind)?;
    let name = image.to_str().unwrap();
    let local = folder.join("local");
    std::fs::write(&local, vec![7; 40_000]).unwrap();
    must("mmd", &["-i", name, "::EFI", "::EFI/Boot"]);
    for path in ["::EFI/Boot/BOOTX64.EFI", "::A long name of a file.txt", "::ONE.BIN"] {
        must("mcopy", &["-i", name, local.to_str().unwrap(), path]);
    }
    let device = device(&image);
    let mut volume = writable(&device);
    volume.create_directory(r"\ours").unwrap();
    for number in 0..40 {
        let path = format!(r"\ours\a file of ours, number {number}");
        volume.write(&path, &vec![1; number * 500]).unwrap();
    }
    volume.remove(r"\ours\a file of ours, number 7").unwrap();
    volume.flush().unwrap();
    Some(device)
}

#[test]
fn nothing_is_wrong_with_sound_fat_volumes() {
    let folder = tempfile::tempdir().unwrap();
    for kind in 0..KINDS.len() {
        let Some(device) = filled(folder.path(), kind) else { return };
        let (found, summary) = findings(&device);
        assert!(found.is_empty(), "kind {kind}: {found:#?}");
        assert!(summary.complete && summary.files >= 45, "{summary:?}");
    }
}

/// The parts of a FAT16 volume, for damaging it.
struct Fat16 {
    bytes: Vec<u8>,
}

impl Fat16 {
    fn word(&self, at: usize) -> usize {
        usize::from(u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]))
    }

    fn put(&mut self, at: usize, value: usize) {
        self.bytes[at..at + 2].copy_from_slice(&(value as u16).to_le_bytes());
    }

    fn table(&self, number: usize) -> usize {
        (self.word(14) + number * self.word(22)) * 512
    }

    fn root(&self) -> usize {
        self.table(2)
    }

    fn cluster(&self, number: usize) -> usize {
        let size = usize::from(self.bytes[13]) * 512;
        self.root() + self.word(17) * 32 + (number - 2) * size
    }

    /// Sets an entry in both tables.
    fn link(&mut self, cluster: usize, value: usize) {
        for number in 0..2 {
            let at = self.table(number) + 2 * cluster;
            self.put(at, value);
        }
    }

    fn next(&self, cluster: usize) -> usize {
        self.word(self.table(0) + 2 * cluster)
    }

    /// The entry of an 8.3 name in the root folder.
    fn entry(&self, name: &[u8; 11]) -> usize {
        let root = self.root();
        let mut entries = (0..self.word(17)).map(|index| root + index * 32);
        entries.find(|at| self.bytes[*at..at + 11] == name[..]).expect("an entry")
    }

    fn first(&self, name: &[u8; 11]) -> usize {
        self.word(self.entry(name) + 26)
    }
}

const ONE: &[u8; 11] = b"ONE     BIN";
const LONG: &[u8; 11] = b"ALONGN~1TXT";
const EFI: &[u8; 11] = b"EFI        ";

/// What is done, the codes that are found, and whether `fsck.fat` minds too.
type Fault = (&'static str, fn(&mut Fat16), &'static [&'static str], bool);

const FAULTS: &[Fault] = &[
    (
        "tables differ",
        |v| {
            let at = v.table(1) + 2 * v.first(ONE);
            v.bytes[at] ^= 1;
        },
        &["fat-tables-differ"],
        true,
    ),
    (
        "a chain that leaves the volume",
        |v| v.link(v.first(ONE), 0xf000),
        &["fat-chain", "fat-size", "fat-lost-clusters"],
        true,
    ),
    ("a chain that is cut", |v| v.link(v.first(ONE), 0), &["fat-chain", "fat-size"], true),
    ("a bad cluster in a chain", |v| v.link(v.first(ONE), 0xfff7), &["fat-chain"], true),
    (
        "two files in one cluster",
        |v| {
            let (entry, other) = (v.entry(ONE), v.first(LONG));
            v.put(entry + 26, other);
        },
        &["fat-cross-link", "fat-lost-clusters"],
        true,
    ),
    (
        "a chain that meets itself",
        |v| {
            let first = v.first(ONE);
            v.link(v.next(first), first);
        },
        &["fat-cross-link"],
        true,
    ),
    ("a cluster of nobody", |v| v.link(9000, 0xffff), &["fat-lost-clusters"], true),
    (
        "a length past the chain",
        |v| {
            let at = v.entry(ONE) + 28;
            v.put(at + 2, 9);
        },
        &["fat-size"],
        true,
    ),
    (
        "a length short of the chain",
        |v| {
            let at = v.entry(ONE) + 28;
            v.put(at, 10);
        },
        &["fat-size"],
        true,
    ),
    (
        "a first cluster outside",
        |v| {
            let at = v.entry(ONE) + 26;
            v.put(at, 0xf123);
        },
        &["fat-chain", "fat-size"],
        true,
    ),
    (
        "a long name of another short one",
        |v| {
            let at = v.entry(LONG) - 32 + 13;
            v.bytes[at] ^= 1;
        },
        &["fat-long-name"],
        false,
    ),
    (
        "a long name without its short one",
        |v| {
            let at = v.entry(LONG);
            v.bytes[at] = 0xe5;
        },
        &["fat-long-name", "fat-lost-clusters"],
        true,
    ),
    (
        "a folder with a length",
        |v| {
            let at = v.entry(EFI) + 28;
            v.put(at, 5);
        },
        &["fat-folder-size"],
        true,
    ),
    (
        "a folder without a cluster",
        |v| {
            let at = v.entry(EFI) + 26;
            v.put(at, 0);
        },
        &["fat-folder"],
        true,
    ),
    (
        "a folder that names another parent",
        |v| {
            let at = v.cluster(v.first(EFI)) + 32 + 26;
            v.put(at, 77);
        },
        &["fat-dot-entry"],
        true,
    ),
    (
        "a folder without itself",
        |v| {
            let at = v.cluster(v.first(EFI));
            v.bytes[at] = b'X';
        },
        &["fat-dot-entry"],
        true,
    ),
    (
        "two files of one name",
        |v| {
            let (at, name) = (v.entry(LONG), *ONE);
            v.bytes[at..at + 11].copy_from_slice(&name);
        },
        &["fat-duplicate-name", "fat-long-name"],
        true,
    ),
    (
        "a name that cannot be",
        |v| {
            let at = v.entry(ONE) + 1;
            v.bytes[at] = b'*';
        },
        &["fat-name"],
        true,
    ),
];

#[test]
fn every_fault_of_a_fat_volume_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let Some(sound) = filled(folder.path(), 1) else { return };
    let image = folder.path().join("damaged.img");
    let mut differ = Vec::new();
    for (what, fault, expected, judged) in FAULTS {
        let mut damaged = Fat16 { bytes: sound.to_vec() };
        fault(&mut damaged);
        assert!(damaged.bytes != sound.to_vec(), "{what}: nothing was changed");
        std::fs::write(&image, &damaged.bytes).unwrap();
        let device = Arc::new(MemoryDevice::new(damaged.bytes));
        let (mut found, summary) = findings(&device);
        found.retain(|finding| finding.severity == Severity::Damage);
        let there = codes(&found);
        if !expected.iter().all(|code| there.contains(code)) {
            differ.push(format!("{what}: {expected:?} are not all in {there:?}"));
        }
        assert!(summary.damage > 0, "{what}");
        let (clean, stdout, _) = run("fsck.fat", &["-n", image.to_str().unwrap()]);
        if clean == *judged {
            differ.push(format!("{what}: {}", String::from_utf8_lossy(&stdout)));
        }
    }
    assert!(differ.is_empty(), "{differ:#?}");
}

#[test]
fn counts_and_flags_of_fat32_are_notes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(sound) = filled(folder.path(), 2) else { return };
    let mut bytes = sound.to_vec();
    let info = usize::from(u16::from_le_bytes([bytes[48], bytes[49]])) * 512;
    bytes[info + 488] ^= 1;
    bytes[65] |= 1;
    let (found, summary) = findings(&Arc::new(MemoryDevice::new(bytes)));
    assert_eq!(codes(&found), BTreeSet::from(["fat-free-count", "state-dirty"]));
    assert_eq!((summary.damage, summary.notes), (0, 2));
}

#[test]
fn flipped_bytes_of_fat_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let Some(sound) = filled(folder.path(), 0) else { return };
    let sound = sound.to_vec();
    let mut random = crate::environment::Random(0x51_7c_c1_b7_27_22_0a_95);
    for _ in 0..150 {
        let mut bytes = sound.clone();
        for _ in 0..=random.below(10) {
            let at = random.below(60_000);
            bytes[at] = random.next() as u8;
        }
        let device: Arc<dyn Device> = Arc::new(MemoryDevice::new(bytes));
        // Some are no FAT volume any more.
        let _ = check(&device, &mut |_| ControlFlow::Continue(()));
    }
}

#[test]
fn what_holds_no_filesystem_is_told_apart() {
    let device: Arc<dyn Device> = Arc::new(MemoryDevice::new(vec![0; 1 << 20]));
    let error = check(&device, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, VolumeError::Unsupported { .. }), "{error:?}");
}
