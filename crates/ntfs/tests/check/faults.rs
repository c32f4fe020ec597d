//! One fault at a time, put at a known place of a sound volume: the check names it.

use std::{ops::ControlFlow, sync::Arc};

use winkiln_disk::{Device, MemoryDevice};
use winkiln_ntfs::check::Severity;

use super::sample::{self, Sample, attribute, first_entry, try_attribute, u16_at, u32_at, u64_at};

/// What is done to a volume, and the codes that must be among those found.
type Fault = (&'static str, fn(&mut Sample), &'static [&'static str]);

const SI: u32 = 0x10;
const LIST: u32 = 0x20;
const NAME: u32 = 0x30;
const OBJECT_ID: u32 = 0x40;
const DATA: u32 = 0x80;
const ROOT: u32 = 0x90;
const BLOCKS: u32 = 0xa0;
const BITMAP: u32 = 0xb0;
const REPARSE: u32 = 0xc0;
/// The header of a node in the value of `$INDEX_ROOT`, and in an index block.
const IN_ROOT: usize = 0x10;
const IN_BLOCK: usize = 0x18;

fn put(bytes: &mut [u8], at: usize, with: &[u8]) {
    bytes[at..at + with.len()].copy_from_slice(with);
}

fn extension(sample: &Sample) -> u64 {
    sample.find(|raw| u64_at(raw, 0x20) != 0)
}

/// A bit of `$Bitmap`, turned round.
fn flip_cluster(sample: &mut Sample, cluster: u64) {
    sample.bytes_of(6, DATA, "", cluster / 8)[0] ^= 1 << (cluster % 8);
}

fn clusters_of(sample: &Sample, name: &str) -> u64 {
    sample.runs(sample.named(name), DATA, "")[0].lcn.expect("a cluster").0
}

const OURS: &[Fault] = &[
    ("boot sector gone", |s| s.bytes[..512].fill(0), &["boot-sector"]),
    ("boot signature gone", |s| s.bytes[510] = 0, &["boot-sector-signature"]),
    (
        "backup boot sector of another volume",
        |s| {
            let at = s.geometry.backup_offset() as usize;
            s.bytes[at + 0x48] ^= 1;
        },
        &["backup-boot-sector"],
    ),
    (
        "first record gone",
        |s| {
            let at = s.record_place(0).offset;
            s.bytes[at..at + 1024].fill(0);
        },
        &["mft-first-record"],
    ),
    ("mirror differs", |s| s.bytes_of(1, DATA, "", 1024 + 0x60)[0] ^= 1, &["mirror-mismatch"]),
    (
        "record signature",
        |s| {
            let at = s.record_place(s.named("small")).offset;
            put(&mut s.bytes, at, b"BAAD");
        },
        &["record-signature", "entry-without-file"],
    ),
    (
        "record torn",
        |s| {
            let at = s.record_place(s.named("small")).offset;
            s.bytes[at + 1022] ^= 0xff;
        },
        &["record-torn"],
    ),
    (
        "update sequence array",
        |s| {
            let at = s.record_place(s.named("small")).offset;
            s.bytes[at + 6] = 9;
        },
        &["record-fixups"],
    ),
    ("record size", |s| s.record(s.named("small"), |r| r[0x1d] = 8), &["record-size"]),
    (
        "record used length",
        |s| s.record(s.named("small"), |r| r[0x18] += 8),
        &["record-used-length"],
    ),
    ("record number", |s| s.record(s.named("small"), |r| r[0x2c] ^= 1), &["record-number"]),
    (
        "record sequence 0",
        |s| s.record(s.named("small"), |r| put(r, 0x10, &[0, 0])),
        &["record-sequence", "entry-sequence"],
    ),
    (
        "record of another generation",
        |s| s.record(s.named("small"), |r| r[0x10] ^= 0x40),
        &["entry-sequence", "name-without-entry"],
    ),
    (
        "first attribute",
        |s| s.record(s.named("small"), |r| r[0x14] = 8),
        &["record-first-attribute"],
    ),
    (
        "attribute length",
        |s| s.attribute(s.named("small"), SI, "", |a| put(a, 4, &[0; 4])),
        &["attribute-bounds", "name-missing"],
    ),
    (
        "attribute value out of bounds",
        |s| s.attribute(s.named("small"), NAME, "", |a| a[0x11] = 4),
        &["attribute-bounds"],
    ),
    (
        "attributes out of order",
        |s| s.attribute(s.named("small"), SI, "", |a| a[0] = 0x60),
        &["attribute-order", "standard-information-missing"],
    ),
    (
        "attribute type",
        |s| s.attribute(s.named("data"), DATA, "", |a| a[0] = 0x81),
        &["attribute-type"],
    ),
    (
        "attribute id twice",
        |s| {
            s.record(s.named("small"), |r| {
                let (one, other) = (attribute(r, SI, ""), attribute(r, NAME, ""));
                r[one + 0x0e] = r[other + 0x0e];
            });
        },
        &["attribute-id"],
    ),
    (
        "next attribute id",
        |s| s.record(s.named("data"), |r| put(r, 0x28, &[0, 0])),
        &["attribute-next-id"],
    ),
    (
        "name not indexed",
        |s| s.attribute(s.named("small"), NAME, "", |a| a[0x16] = 0),
        &["attribute-indexed"],
    ),
    (
        "attribute name over its value",
        |s| s.attribute(s.named("many"), ROOT, "$I30", |a| a[0x0a] = 0x08),
        &["attribute-layout"],
    ),
    (
        "index root that is not resident",
        |s| s.attribute(s.named("data"), DATA, "", |a| a[0] = 0x90),
        &["attribute-form"],
    ),
    (
        "unknown attribute flags",
        |s| s.attribute(s.named("data"), DATA, "", |a| a[0x0d] = 1),
        &["attribute-flags"],
    ),
    (
        "mapping pairs",
        |s| {
            s.attribute(s.named("data"), DATA, "", |a| {
                let at = usize::from(u16_at(a, 0x20));
                a[at] = 0x0f;
            });
        },
        &["run-list"],
    ),
    (
        "run outside of the volume",
        |s| {
            s.attribute(s.named("data"), DATA, "", |a| {
                let at = usize::from(u16_at(a, 0x20));
                put(a, at, &[0x31, 1, 0, 0, 0x7f, 0]);
            });
        },
        &["run-outside-volume"],
    ),
    ("highest VCN", |s| s.attribute(s.named("data"), DATA, "", |a| a[0x18] += 1), &["extent-vcns"]),
    (
        "lowest VCN",
        |s| s.attribute(s.named("data"), DATA, "", |a| a[0x10] = 2),
        &["extent-missing"],
    ),
    (
        "allocated size",
        |s| s.attribute(s.named("data"), DATA, "", |a| a[0x29] ^= 0x10),
        &["size-allocated"],
    ),
    (
        "length past the allocation",
        |s| s.attribute(s.named("data"), DATA, "", |a| a[0x33] = 1),
        &["size-past-allocation"],
    ),
    (
        "initialized past the length",
        |s| s.attribute(s.named("data"), DATA, "", |a| a[0x3b] = 1),
        &["size-initialized"],
    ),
    (
        "hole in a plain stream",
        |s| {
            s.attribute(s.named("data"), DATA, "", |a| {
                let at = usize::from(u16_at(a, 0x20));
                let length = a[at + 1];
                put(a, at, &[0x01, length, 0]);
            });
        },
        &["hole-in-plain-stream", "cluster-marked-but-unowned"],
    ),
    (
        "clusters of another file",
        |s| {
            let theirs = clusters_of(s, "other") as u16;
            s.attribute(s.named("data"), DATA, "", |a| {
                let at = usize::from(u16_at(a, 0x20));
                let length = a[at + 1];
                let place = theirs.to_le_bytes();
                put(a, at, &[0x21, length, place[0], place[1], 0]);
            });
        },
        &["cluster-cross-linked", "cluster-marked-but-unowned"],
    ),
    (
        "used cluster free in $Bitmap",
        |s| flip_cluster(s, clusters_of(s, "data") + 3),
        &["cluster-used-but-free"],
    ),
    (
        "free cluster marked in $Bitmap",
        |s| flip_cluster(s, s.geometry.clusters() - 9),
        &["cluster-marked-but-unowned"],
    ),
    (
        "bits behind the volume's end",
        |s| {
            let clusters = s.geometry.clusters();
            let size = u64_at(
                &s.bytes,
                s.record_place(6).offset + {
                    let place = s.record_place(6);
                    attribute(&s.bytes[place.offset..place.offset + 1024], DATA, "") + 0x30
                },
            );
            assert!(size * 8 > clusters, "the bitmap has bits to spare");
            flip_cluster(s, clusters);
        },
        &["bitmap-tail"],
    ),
    (
        "record free in $MFT's bitmap",
        |s| {
            let number = s.named("small");
            s.bytes_of(0, BITMAP, "", number / 8)[0] ^= 1 << (number % 8);
        },
        &["record-used-but-free"],
    ),
    (
        "free record marked in $MFT's bitmap",
        |s| {
            let mft = s.runs(0, DATA, "");
            let free = (24..).find(|n| s.bytes[s.offset(&mft, n * 1024) + 0x16] & 1 == 0);
            let number = free.expect("a free record");
            s.bytes_of(0, BITMAP, "", number / 8)[0] ^= 1 << (number % 8);
        },
        &["record-marked-but-free"],
    ),
    ("link count", |s| s.record(s.named("small"), |r| r[0x12] += 1), &["link-count"]),
    (
        "attribute list entry with another id",
        |s| s.bytes_of(s.named("linked"), LIST, "", 0)[0x18] ^= 0x40,
        &["attribute-list-entry", "attribute-not-listed"],
    ),
    (
        "attribute list that names nothing",
        |s| {
            let other = s.named("small");
            let v = s.bytes_of(s.named("linked"), LIST, "", 0);
            let mut at = 0;
            while u32_at(v, at) != NAME {
                at += usize::from(u16_at(v, at + 4));
            }
            while u32_at(v, at) == NAME {
                put(v, at + 0x10, &other.to_le_bytes()[..6]);
                at += usize::from(u16_at(v, at + 4));
            }
        },
        &["attribute-list-target", "extension-orphaned"],
    ),
    (
        "attribute list entry length",
        |s| s.bytes_of(s.named("linked"), LIST, "", 0)[4] = 3,
        &["attribute-list"],
    ),
    (
        "extension record of nobody",
        |s| s.record(extension(s), |r| put(r, 0x20, &[0x10, 0, 0, 0, 0, 0, 1, 0])),
        &["extension-orphaned", "attribute-list-target"],
    ),
    (
        "index root block size",
        |s| s.value(s.named("many"), ROOT, "$I30", |v| v[9] = 3),
        &["index-root"],
    ),
    (
        "index root VCNs per block",
        |s| s.value(s.named("many"), ROOT, "$I30", |v| v[12] += 1),
        &["index-root"],
    ),
    (
        "index root without end entry",
        |s| s.value(s.named("outer"), ROOT, "$I30", |v| put(v, IN_ROOT + 4, &[0x10, 0, 0, 0])),
        &["index-node", "name-without-entry"],
    ),
    (
        "index block signature",
        |s| s.block(s.named("many"), "$I30", 0, |b| b[0] = b'X'),
        &["index-node", "name-without-entry"],
    ),
    (
        "index block torn",
        |s| {
            let runs = s.runs(s.named("many"), BLOCKS, "$I30");
            let at = s.offset(&runs, 0);
            s.bytes[at + 510] ^= 0xff;
        },
        &["index-block-torn"],
    ),
    (
        "index block with another VCN",
        |s| s.block(s.named("many"), "$I30", 0, |b| b[0x10] ^= 4),
        &["index-node"],
    ),
    (
        "index block allocated size",
        |s| s.block(s.named("many"), "$I30", 0, |b| b[IN_BLOCK + 9] ^= 0x20),
        &["index-node-size"],
    ),
    (
        "index block flags",
        |s| s.block(s.named("many"), "$I30", 0, |b| b[IN_BLOCK + 12] ^= 1),
        &["index-node-flags"],
    ),
    (
        "index entries out of order",
        |s| {
            s.block(s.named("many"), "$I30", 0, |b| {
                let at = first_entry(b, IN_BLOCK);
                b[at + 0x10 + 0x42] = b'z';
            });
        },
        &["index-order", "entry-without-name", "name-without-entry"],
    ),
    (
        "index child out of range",
        |s| {
            s.value(s.named("many"), ROOT, "$I30", |v| {
                let at = first_entry(v, IN_ROOT);
                let child = at + usize::from(u16_at(v, at + 8)) - 8;
                put(v, child, &[0xff, 0xff]);
            });
        },
        &["index-child"],
    ),
    (
        "index child twice",
        |s| {
            let many = s.named("many");
            let inner = (0..).find(|number| s.block_bytes(many, *number)[IN_BLOCK + 12] & 1 != 0);
            s.block(many, "$I30", inner.expect("an inner block"), |b| {
                let one = first_entry(b, IN_BLOCK);
                let other = one + usize::from(u16_at(b, one + 8));
                let end = other + usize::from(u16_at(b, other + 8));
                let child: Vec<u8> = b[other - 8..other].to_vec();
                put(b, end - 8, &child);
            });
        },
        &["index-block-twice"],
    ),
    (
        "index block free in its bitmap",
        |s| s.value(s.named("many"), BITMAP, "$I30", |v| v[0] ^= 1),
        &["index-block-used-but-free"],
    ),
    (
        "index block that nothing leads to",
        |s| s.value(s.named("many"), BITMAP, "$I30", |v| v[7] |= 0x80),
        &["index-bitmap"],
    ),
    (
        "entry of another folder",
        |s| {
            s.block(s.named("many"), "$I30", 0, |b| {
                let at = first_entry(b, IN_BLOCK);
                b[at + 0x10] ^= 1;
            });
        },
        &["entry-parent"],
    ),
    (
        "entry that names a free record",
        |s| {
            s.block(s.named("many"), "$I30", 0, |b| {
                let at = first_entry(b, IN_BLOCK);
                put(b, at, &[0xff, 0xff, 0]);
            });
        },
        &["entry-without-file", "name-without-entry"],
    ),
    (
        "entry that says folder",
        |s| {
            s.block(s.named("many"), "$I30", 0, |b| {
                let at = first_entry(b, IN_BLOCK);
                b[at + 0x10 + 0x3b] ^= 0x10;
            });
        },
        &["entry-kind"],
    ),
    (
        "name of another folder",
        |s| s.value(s.named("leaf"), NAME, "", |v| put(v, 0, &[5, 0, 0, 0, 0, 0, 5, 0])),
        &["name-without-entry", "entry-without-name"],
    ),
    (
        "name in no folder",
        |s| {
            let small = s.named("small");
            s.value(s.named("leaf"), NAME, "", |v| put(v, 0, &small.to_le_bytes()[..6]));
        },
        &["name-parent", "entry-without-name"],
    ),
    (
        "name's namespace",
        |s| s.value(s.named("leaf"), NAME, "", |v| v[0x41] ^= 1),
        &["name-without-entry", "entry-without-name"],
    ),
    (
        "folder in itself",
        |s| {
            let inner = s.named("inner");
            s.value(s.named("outer"), NAME, "", |v| put(v, 0, &inner.to_le_bytes()[..6]));
        },
        &["folder-cycle"],
    ),
    (
        "no complete upper-case table",
        |s| s.bytes_of(10, DATA, "", 2 * u64::from(b'a'))[0] = b'q',
        &["upcase"],
    ),
    (
        "security descriptor",
        |s| s.bytes_of(9, DATA, "$SDS", 0x20)[0] ^= 1,
        &["security-descriptor"],
    ),
    (
        "security descriptor's copy",
        |s| s.bytes_of(9, DATA, "$SDS", 0x4_0020)[0] ^= 1,
        &["security-mirror"],
    ),
    (
        "security id of nobody",
        |s| s.value(s.named("small"), SI, "", |v| v[0x35] = 0x77),
        &["security-id"],
    ),
    (
        "$SII entry elsewhere",
        |s| {
            s.value(9, ROOT, "$SII", |v| {
                let at = first_entry(v, IN_ROOT);
                let data = at + usize::from(u16_at(v, at));
                v[data + 8] ^= 0x10;
            });
        },
        &["security-sdh", "security-descriptor"],
    ),
    (
        "attribute definitions",
        |s| s.bytes_of(4, DATA, "", 0x80)[0] = 0xf0,
        &["attribute-definitions"],
    ),
    ("$Volume's information", |s| s.attribute(3, 0x70, "", |a| a[0] = 0x78), &["attribute-type"]),
    (
        "a free system file",
        |s| s.record(8, |r| r[0x16] = 0),
        &["system-file", "entry-without-file"],
    ),
    (
        "$MFT's bitmap past its records",
        |s| {
            let place = s.record_place(0);
            let raw = &s.bytes[place.offset..place.offset + 1024];
            let bytes = u64_at(raw, attribute(raw, BITMAP, "") + 0x30);
            s.bytes_of(0, BITMAP, "", bytes - 1)[0] |= 0x80;
        },
        &["record-bitmap"],
    ),
];

/// Faults of volumes that Windows wrote, with structures that our writer does not make.
const REAL: &[(&str, Fault)] = &[
    (
        "win10-largedir-compressed.vol.raw.xz",
        (
            "compressed size",
            |s| s.attribute(compressed(s), DATA, "", |a| a[0x41] ^= 0x10),
            &["size-packed"],
        ),
    ),
    (
        "win10-largedir-compressed.vol.raw.xz",
        (
            "compression unit",
            |s| s.attribute(compressed(s), DATA, "", |a| a[0x22] = 0),
            &["compression-unit"],
        ),
    ),
    (
        "win10-largedir-compressed.vol.raw.xz",
        (
            "object id",
            |s| {
                let number = s.find(|raw| try_attribute(raw, OBJECT_ID, "").is_some());
                s.value(number, OBJECT_ID, "", |v| v[3] ^= 1);
            },
            &["object-id-entry", "object-id-not-indexed"],
        ),
    ),
    (
        "win-links-junction-ads.vol.raw.xz",
        (
            "reparse tag",
            |s| {
                let number = s.find(|raw| try_attribute(raw, REPARSE, "").is_some());
                s.value(number, REPARSE, "", |v| v[0] ^= 1);
            },
            &["reparse-entry", "reparse-not-indexed"],
        ),
    ),
    (
        "win10-ads-attrlist.vol.raw.xz",
        (
            "an entry of the attribute list out of order",
            |s| {
                let number = s.find(|raw| try_attribute(raw, LIST, "").is_some());
                s.value(number, LIST, "", |v| v[0] = 0x90);
            },
            &["attribute-list-order", "attribute-list-entry", "attribute-not-listed"],
        ),
    ),
];

fn compressed(sample: &Sample) -> u64 {
    sample.find(|raw| {
        let Some(at) = try_attribute(raw, DATA, "") else { return false };
        raw[at + 8] == 1 && u16_at(raw, at + 0x0c) & 1 != 0
    })
}

fn detect(what: &str, sample: &Sample, fault: fn(&mut Sample), codes: &[&str]) {
    eprintln!("{what}");
    let mut damaged = sample.clone();
    fault(&mut damaged);
    assert!(damaged.bytes != sample.bytes, "{what}: nothing was changed");
    let (mut found, summary) = super::findings(&damaged.device());
    found.retain(|finding| finding.severity == Severity::Damage);
    let there = super::codes(&found);
    for code in codes {
        assert!(there.contains(code), "{what}: no {code} in {there:?}");
    }
    assert!(!summary.is_clean(), "{what}");
    for finding in &found {
        assert!(!finding.found.is_empty() && !finding.expected.is_empty(), "{finding:?}");
        assert!(finding.offset.is_none_or(|at| at <= damaged.bytes.len() as u64), "{finding:?}");
    }
}

#[test]
fn every_fault_is_found() {
    let Some(sample) = sample::ours() else { return };
    assert!(OURS.len() >= 60);
    for (what, fault, codes) in OURS {
        detect(what, &sample, *fault, codes);
    }
}

#[test]
fn faults_of_real_volumes_are_found() {
    for (name, (what, fault, codes)) in REAL {
        let Some(sample) = sample::windows(name) else { return };
        detect(what, &sample, *fault, codes);
    }
}

#[test]
fn findings_tell_where() {
    let Some(sample) = sample::ours() else { return };
    let mut damaged = sample.clone();
    let number = sample.named("leaf");
    damaged.record(number, |raw| raw[0x12] += 1);
    let (found, _) = super::findings(&damaged.device());
    let [finding] = &found[..] else { panic!("{found:#?}") };
    assert_eq!((finding.code, finding.record), ("link-count", Some(number)));
    assert_eq!(finding.path.as_deref(), Some(r"\outer\inner\leaf"));
    assert_eq!(finding.offset, Some(sample.record_place(number).offset as u64 + 0x12));
    assert_eq!((&*finding.found, &*finding.expected), ("2 links", "1, the names there are"));
}

#[test]
fn very_many_findings_are_counted() {
    let Some(sample) = sample::ours() else { return };
    let mut damaged = sample.clone();
    let many = sample.named("many");
    damaged.record(many, |raw| raw[0x10] ^= 0x40);
    let (found, summary) = super::findings(&damaged.device());
    let of = |code| found.iter().filter(|finding| finding.code == code).count();
    assert_eq!(of("entry-parent"), 200);
    assert!(found.iter().any(|finding| finding.code == "findings-cut"));
    assert!(summary.damage > 300);
}

#[test]
fn what_is_no_volume_is_an_error() {
    for bytes in [vec![], vec![0; 4096], vec![0xff; 1 << 20]] {
        let device: Arc<dyn Device> = Arc::new(MemoryDevice::new(bytes));
        let result = winkiln_ntfs::check::check(&device, &mut |_| ControlFlow::Continue(()));
        assert!(result.is_err());
    }
}
