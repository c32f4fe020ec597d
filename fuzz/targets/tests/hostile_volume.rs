//! Damage of NTFS volumes that fuzzing or reading found, by name.

use std::sync::Arc;

use winkiln_disk::MemoryDevice;
use winkiln_fuzz_targets::bytes::{apply_fixups, put, u16_at};
use winkiln_fuzz_targets::ntfs_volume::{Image, NOW, RECORD, images};
use winkiln_ntfs::{Error, FileReference, OpenOptions, Volume};

/// Where a record lies: `$MFT` is in one piece.
fn place(image: &Image, number: usize) -> usize {
    usize::from(u16_at(&image.bytes, 0x30)) * image.cluster + number * RECORD
}

/// A copy of a volume with a changed record.
fn with_record(image: &Image, number: usize, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = image.bytes.clone();
    let at = place(image, number);
    let record = &mut bytes[at..at + RECORD];
    for piece in 0..2 {
        let saved = u16_at(record, 0x32 + 2 * piece).to_le_bytes();
        put(record, 512 * (piece + 1) - 2, &saved);
    }
    change(record);
    apply_fixups(record, 0x30, 9);
    bytes
}

fn open(bytes: Vec<u8>, writable: bool) -> Result<Volume, Error> {
    let options = OpenOptions { writable, now: NOW, ..OpenOptions::default() };
    Volume::open(Arc::new(MemoryDevice::new(bytes)), options)
}

/// The start of the first attribute of a type.
fn attribute(record: &[u8], kind: u8) -> usize {
    let mut at = usize::from(u16_at(record, 0x14));
    while record[at] != kind {
        at += usize::from(u16_at(record, at + 4));
    }
    at
}

/// Overwrites the mapping pairs of a record's data.
fn pairs(record: &mut [u8], pairs: &[u8]) {
    let data = attribute(record, 0x80);
    let at = data + usize::from(u16_at(record, data + 0x20));
    put(record, at, pairs);
}

#[test]
fn a_hole_of_more_bytes_than_can_be_counted() {
    for image in images() {
        let hole = [0x08, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0];
        let volume = open(with_record(image, 32, |record| pairs(record, &hole)), false);
        let file = FileReference::new(32, 1);
        let error = volume.expect("a volume").metadata(file).expect_err("damaged");
        assert!(
            matches!(error, Error::Damaged { structure: "run list", record: 32, .. }),
            "{error}"
        );
    }
}

#[test]
fn runs_that_hold_the_volume_several_times() {
    let image = &images()[0];
    // The whole volume, and again.
    let [low, high] = ((image.bytes.len() - 512) / image.cluster).to_le_bytes()[..2] else {
        unreachable!("two bytes")
    };
    let runs = [0x12, low, high, 0, 0x12, low, high, 0, 0];
    let volume = open(with_record(image, 32, |record| pairs(record, &runs)), false);
    let error = volume.expect("a volume").metadata(FileReference::new(32, 1)).expect_err("damaged");
    assert!(matches!(error, Error::Damaged { structure: "run list", record: 32, .. }), "{error}");
}

/// A boot sector may claim any size, and a `$Bitmap` that is a hole goes with it: free space is counted where there is a device.
#[test]
fn a_volume_that_claims_to_be_huge() {
    let image = &images()[0];
    let mut bytes = with_record(image, 6, |record| {
        pairs(record, &[0x06, 0, 0, 0, 0, 0, 2, 0]);
        let data = attribute(record, 0x80);
        for at in [0x28, 0x30, 0x38] {
            put(record, data + at, &(1u64 << 50).to_le_bytes());
        }
    });
    put(&mut bytes, 0x28, &(1u64 << 53).to_le_bytes());
    let length = bytes.len() as u64;
    let volume = open(bytes, false).expect("a volume");
    assert!(volume.free_bytes().expect("free space") <= length);
    assert!(!volume.state().expect("a state").clean);
}

#[test]
fn folders_that_hold_each_other() {
    let image = &images()[0];
    let device = Arc::new(MemoryDevice::new(image.bytes.clone()));
    let options = OpenOptions { writable: true, now: NOW, ..OpenOptions::default() };
    let mut volume = Volume::open(device.clone(), options).expect("a volume");
    let outer = volume.create_directory(volume.root(), "outer").expect("a folder");
    let inner = volume.create_directory(outer, "inner").expect("a folder");
    volume.flush().expect("flushed");
    drop(volume);
    let image = Image { bytes: device.to_vec(), ..image.clone() };
    let outer_number = usize::try_from(outer.record()).expect("a small number");
    let bytes = with_record(&image, outer_number, |record| {
        let name = attribute(record, 0x30) + 0x18;
        put(record, name, &inner.0.to_le_bytes());
    });
    let mut volume = open(bytes, true).expect("a volume");
    for error in [
        volume.set_attributes(inner, 2).expect_err("damaged"),
        volume.rename(inner, "x", outer, "y", false).expect_err("damaged"),
    ] {
        assert!(matches!(error, Error::Damaged { structure: "$FILE_NAME", .. }), "{error}");
    }
}
