//! Volumes that must not be written, and why.

use std::{fs, os::unix::fs::FileExt};

use winkiln_ntfs::{Error, OpenOptions, Volume};

use crate::{
    device::FileDevice,
    images::{self, Image},
    judges::Mount,
    write_volumes::{NOW, open_for_writing},
};

/// Opening for writing is refused for exactly these reasons; reading still works.
fn refused(image: &Image, reasons: &[&str]) {
    let device = FileDevice::open(&image.path, image.start, image.length, true);
    let error =
        Volume::open(device, OpenOptions { writable: true, now: NOW, ..Default::default() })
            .expect_err("refused");
    assert!(error.is_refusal());
    let Error::NotClean { reasons: found } = &error else { panic!("{error}") };
    assert_eq!(found, reasons);
    let volume = crate::read_real_volumes::open(image);
    assert_eq!(volume.state().expect("a state").reasons, reasons);
    volume.read_directory(volume.root()).expect("reading works");
}

fn put(image: &Image, offset: u64, bytes: &[u8]) {
    let file = fs::File::options().write(true).open(&image.path).expect("opened");
    file.write_all_at(bytes, image.start + offset).expect("written");
}

fn fresh(folder: &std::path::Path) -> Option<Image> {
    images::mkntfs(folder, 16 << 20, 4096, "")
}

#[test]
fn an_unclean_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::corpus("win-links-junction-ads.vol.raw.xz", folder.path()) else {
        return;
    };
    refused(&image, &["log-not-clean"]);
}

#[test]
fn hibernated_and_resumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = fresh(folder.path()) else { return };
    let mut volume = open_for_writing(&image);
    let file = volume.create_file(volume.root(), "HiberFil.sys", 6).expect("created");
    volume.write_at(file, "", 0, &[0; 8192]).expect("written");
    volume.flush().expect("flushed");
    let mut volume = open_for_writing(&image);
    volume.write_at(file, "", 0, b"WAKE").expect("written");
    volume.flush().expect("flushed");
    let mut volume = open_for_writing(&image);
    volume.write_at(file, "", 0, b"HIBR").expect("written");
    volume.flush().expect("flushed");
    refused(&image, &["hibernated"]);
}

#[test]
fn a_dirty_flag() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = fresh(folder.path()) else { return };
    {
        // ntfs-3g's own tool sets the flag.
        if !images::tool("ntfsfix") {
            return;
        }
        images::shell(&format!("ntfsfix '{}'", image.path.display()));
    }
    refused(&image, &["dirty"]);
}

#[test]
fn a_partition_cut_short() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(mut image) = fresh(folder.path()) else { return };
    image.length = Some(15 << 20);
    refused(&image, &["larger-than-partition"]);
}

#[test]
fn boot_sectors_that_disagree() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = fresh(folder.path()) else { return };
    put(&image, (16 << 20) - 512 + 0x48, &[9; 8]);
    refused(&image, &["boot-sector-mismatch"]);
}

#[test]
fn read_only_volumes_are_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = fresh(folder.path()) else { return };
    let mut volume = crate::read_real_volumes::open(&image);
    let root = volume.root();
    assert!(matches!(volume.create_file(root, "x", 0), Err(Error::ReadOnly)));
}

#[test]
fn plain_answers_are_no_refusals() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = fresh(folder.path()) else { return };
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    let before = fs::read(&image.path).expect("read");
    let refuse = |result: Result<(), Error>| {
        let error = result.expect_err("refused");
        assert!(!error.is_refusal(), "{error}");
    };
    refuse(volume.create_file(root, "a:b", 0).map(|_| ()));
    refuse(volume.create_file(root, "nul", 0).map(|_| ()));
    refuse(volume.remove(root, "missing"));
    refuse(volume.remove(root, "$MFT"));
    let mft = volume.find("$MFT").expect("a lookup").expect("found");
    refuse(volume.write_at(mft, "", 0, b"x"));
    refuse(volume.set_size(root, "", 1));
    refuse(volume.read_at(root, "none", 0, &mut [0]).map(|_| ()));
    volume.flush().expect("flushed");
    assert!(fs::read(&image.path).expect("read") == before, "nothing was written");
    if let Some(mount) = Mount::new(&image, "ro") {
        assert!(mount.path().is_dir());
    }
}

/// Whatever a byte of a volume says: an error or an answer, no panic and no endless loop.
#[test]
fn damaged_volumes_do_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::corpus("linux-mkntfs-manysubdirs.vol.raw.xz", folder.path()) else {
        return;
    };
    let bytes = fs::read(&image.path).expect("read");
    let mut random = crate::model::Random(4711);
    let mut errors = 0;
    // The long version is for a night.
    let rounds = if std::env::var_os("WINKILN_LONG").is_some() { 20_000 } else { 120 };
    for _ in 0..rounds {
        let mut damaged = bytes.clone();
        for _ in 0..1 + random.below(30) {
            // Half of the damage goes to the first records of $MFT, which lies at the start of this volume.
            let limit = if random.below(2) == 0 { 256 << 10 } else { bytes.len() as u64 };
            let at = random.below(limit) as usize;
            damaged[at] = random.next() as u8;
        }
        let device = std::sync::Arc::new(winkiln_disk::MemoryDevice::new(damaged));
        let options = OpenOptions { writable: true, now: NOW, ..Default::default() };
        let mut volume = match Volume::open(device.clone(), options) {
            Ok(volume) => volume,
            Err(_) => {
                errors += 1;
                match Volume::open(device, OpenOptions::default()) {
                    Ok(volume) => volume,
                    Err(_) => continue,
                }
            }
        };
        let mut folders = vec![volume.root()];
        let mut seen = 0;
        while let Some(folder) = folders.pop().filter(|_| seen < 700) {
            seen += 1;
            for entry in volume.read_directory(folder).unwrap_or_default() {
                let _ = volume.metadata(entry.reference);
                let _ = volume.read_at(entry.reference, "", 0, &mut [0; 512]);
                if entry.is_directory {
                    folders.push(entry.reference);
                }
            }
        }
        if let Ok(file) = volume.create_file(volume.root(), "new", 0) {
            let _ = volume.write_at(file, "", 0, &[1; 5000]);
            let _ = volume.remove(volume.root(), "new");
        }
        let _ = volume.flush();
    }
    assert!(errors > 0, "some damage must show");
}

fn get(image: &Image, offset: u64, length: usize) -> Vec<u8> {
    let file = fs::File::open(&image.path).expect("opened");
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, image.start + offset).expect("read");
    bytes
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// Offsets of `$Volume`'s record in `$MFT` and `$MFTMirr` of a volume with clusters of 4 KiB and records of 1 KiB.
fn volume_records(image: &Image) -> [u64; 2] {
    let boot = get(image, 0, 512);
    [0x30, 0x38].map(|at| number(&boot, at) * 4096 + 3 * 1024)
}

/// Offset of the version in a record of `$Volume`.
fn version_at(image: &Image, record: u64) -> u64 {
    let bytes = get(image, record, 1024);
    let attribute =
        (0..1000).step_by(8).find(|at| bytes[*at..].starts_with(&[0x70, 0, 0, 0, 0x28]));
    let attribute = attribute.expect("$VOLUME_INFORMATION");
    record + attribute as u64 + u64::from(bytes[attribute + 0x14]) + 8
}

#[test]
fn an_old_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = fresh(folder.path()) else { return };
    for record in volume_records(&image) {
        put(&image, version_at(&image, record), &[1, 2]);
    }
    refused(&image, &["version"]);
}

#[test]
fn a_mirror_that_disagrees() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = fresh(folder.path()) else { return };
    let [_, mirror] = volume_records(&image);
    put(&image, version_at(&image, mirror), &[3, 0]);
    refused(&image, &["mft-mirror-mismatch"]);
}

#[test]
fn metadata_kept_for_a_fast_startup() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = "win10-2k-cluster-index.disk.raw.xz";
    let Some(image) = images::corpus(name, folder.path()) else { return };
    let length = fs::metadata(&image.path).expect("there").len() - image.start;
    let pages = (0..length / 2048).map(|page| page * 2048);
    let restart: Vec<u64> = pages.filter(|at| get(&image, *at, 4) == b"RSTR").collect();
    assert_eq!(restart.len(), 2);
    for page in restart {
        // Version 2.0 of the log: minor, then major.
        put(&image, page + 0x1a, &[0, 0, 2, 0]);
    }
    refused(&image, &["fast-startup"]);
    // Nothing is left to do in such a log.
    let remedies =
        winkiln_ntfs::Remedies { discard_hibernation: true, ..winkiln_ntfs::Remedies::default() };
    let device = FileDevice::open(&image.path, image.start, image.length, true);
    let done = winkiln_ntfs::remedy::apply(device, remedies, NOW).expect("a remedy");
    assert_eq!(done, [winkiln_ntfs::Remedied::FastStartupDiscarded]);
    drop(open_for_writing(&image));
}

/// What is to be done to a volume is told, and speaks against writing only where it must.
#[test]
fn flags_of_the_volume() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = fresh(folder.path()) else { return };
    let set = |flags: u16| {
        for record in volume_records(&image) {
            put(&image, version_at(&image, record) + 2, &flags.to_le_bytes());
        }
    };
    set(0x8000 | 0x20 | 0x10 | 0x8 | 0x2);
    let state = crate::read_real_volumes::open(&image).state().expect("a state");
    assert!(state.clean && state.reasons.is_empty());
    let words: Vec<&str> = state.details.iter().map(|detail| detail.word.as_str()).collect();
    assert_eq!(
        words,
        [
            "resize-log",
            "mounted-on-nt4",
            "delete-usn-underway",
            "repair-object-ids",
            "modified-by-chkdsk"
        ]
    );
    assert!(state.details.iter().all(|detail| !detail.blocks_writing));
    drop(open_for_writing(&image));
    set(0x4000 | 0x4 | 0x1);
    refused(&image, &["dirty", "check-underway", "upgrade-on-mount"]);
}
