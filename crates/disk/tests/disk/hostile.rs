//! Damaged qcow2 images: an error or wrong guest bytes, never a panic, a hang or exhausted memory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use winkiln_disk::{CommitError, Device, Image, OpenOptions, Transaction};

use crate::tool::{Numbers, have, scratch, sh};
use crate::variant::{number, with_snapshot};

/// Reads everything, writes a little, commits. Errors are fine.
fn exercise(path: &Path) {
    for writable in [false, true] {
        let options = OpenOptions { writable, ..OpenOptions::default() };
        let Ok(image) = Image::open(path, &options) else { continue };
        let transaction = Transaction::begin(image);
        let length = transaction.len().min(4 << 20);
        let mut buf = vec![0; 50_000];
        for at in (0..length).step_by(buf.len()) {
            let count = buf.len().min((length - at) as usize);
            let _ = transaction.read_at(at, &mut buf[..count]);
        }
        for at in (0..length).step_by(150_000) {
            let _ = transaction.write_at(at, &[0xa5; 100][..100.min((length - at) as usize)]);
        }
        let _ = transaction.commit();
    }
}

#[test]
fn mutated_images_never_panic_or_hang() {
    if !have(&["qemu-img"]) {
        return;
    }
    let folder = scratch();
    let folder = folder.path();
    let mut numbers = Numbers::new(2024);
    let mut source = numbers.bytes(1 << 20);
    source[300_000..700_000].fill(b'x');
    std::fs::write(folder.join("s.raw"), source).unwrap();
    sh(folder, "qemu-img convert -c -O qcow2 -o cluster_size=4096 {}/s.raw {}/a.qcow2");
    sh(
        folder,
        "qemu-img convert -O qcow2 -o cluster_size=4096,refcount_bits=1 {}/s.raw {}/b.qcow2",
    );
    sh(folder, "qemu-img convert -O qcow2 -o cluster_size=512 {}/s.raw {}/c.qcow2");
    sh(folder, "qemu-img snapshot -c s {}/c.qcow2");
    let path = folder.join("m.qcow2");
    for base in ["a.qcow2", "b.qcow2", "c.qcow2"] {
        let good = std::fs::read(folder.join(base)).unwrap();
        // Header and tables: all clusters that are mostly zero or hold pointers lie where noise does not.
        let tables: Vec<usize> = (0..good.len() / 512)
            .filter(|sector| {
                good[sector * 512..][..512].iter().filter(|byte| **byte == 0).count() > 60
            })
            .collect();
        for round in 0..120 {
            let mut bytes = good.clone();
            for _ in 0..1 + numbers.below(4) {
                let sector = match numbers.below(4) {
                    0 => 0,
                    _ => tables[numbers.below(tables.len() as u64) as usize],
                };
                let width = if sector == 0 { 120 } else { 512 };
                let at = sector * 512 + numbers.below(width) as usize;
                match numbers.below(4) {
                    0 => bytes[at] ^= 1 << numbers.below(8),
                    1 => bytes[at] = 0xff,
                    2 => bytes[at] = numbers.next() as u8,
                    _ => {
                        let value = numbers.next().to_be_bytes();
                        let end = (at + 8).min(bytes.len());
                        bytes[at..end].copy_from_slice(&value[..end - at]);
                    }
                }
            }
            if numbers.below(10) == 0 {
                bytes.truncate(numbers.below(bytes.len() as u64) as usize);
            }
            std::fs::write(&path, &bytes).unwrap();
            let started = Instant::now();
            let result = catch_unwind(AssertUnwindSafe(|| exercise(&path)));
            assert!(result.is_ok(), "{base}, round {round}: panicked");
            assert!(started.elapsed() < Duration::from_secs(5), "{base}, round {round}: too slow");
            let _ = std::fs::remove_file(folder.join("m.qcow2.winkiln-journal"));
        }
    }
}

/// Where the first L2 table and the tables of the header are, in an image with clusters of 4096 bytes.
fn table_offsets(bytes: &[u8]) -> [usize; 4] {
    let masked = |at: usize| (number(bytes, at) & 0x00ff_ffff_ffff_fe00) as usize;
    let (l1, refcounts) = (masked(40), masked(48));
    [masked(l1), l1, refcounts, masked(refcounts)]
}

#[test]
fn guest_data_never_lands_on_the_images_own_tables() {
    if !have(&["qemu-img"]) {
        return;
    }
    let folder = scratch();
    let folder = folder.path();
    let path = with_snapshot(folder);
    // Its own clusters again, instead of those shared with the snapshot.
    let write_all = |at: u64| {
        let options = OpenOptions { writable: true, ..OpenOptions::default() };
        let transaction = Transaction::begin(Image::open(&path, &options).unwrap());
        transaction.write_at(at, &[9; 20_000]).unwrap();
        transaction.commit()
    };
    write_all(0).unwrap();
    let good = std::fs::read(&path).unwrap();
    let [l2, tables @ ..] = table_offsets(&good);
    let snapshots = number(&good, 64) as usize;
    let snapshot_l1 = number(&good, snapshots) as usize;
    for target in tables.into_iter().chain([l2, snapshots, snapshot_l1]) {
        let mut bytes = good.clone();
        let entry = (1_u64 << 63) | target as u64;
        bytes[l2..l2 + 8].copy_from_slice(&entry.to_be_bytes());
        std::fs::write(&path, &bytes).unwrap();
        let error = write_all(100).expect_err("must be refused");
        assert!(matches!(error, CommitError::Plan(_)), "{target:#x}: {error:?}");
        assert!(std::fs::read(&path).unwrap() == bytes, "{target:#x}: left as it was");
    }
}
