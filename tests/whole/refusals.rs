//! Damaged, truncated, wrong and hostile input: a clear error, the right exit status, the image unchanged.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use crate::guest::Guest;
use crate::tools::{hash, have, outside, root, run};

/// Bakes and expects a refusal or failure with a word in its message, and the image as it was.
#[track_caller]
fn check(name: &str, image: &Path, code: i32, word: &str) {
    let before = image.is_file().then(|| hash(image));
    let refused = run(["apply", &image.display().to_string(), "--preset", "utc-clock"]);
    assert_eq!(refused.code, code, "{name}: {}{}", refused.stdout, refused.stderr);
    assert!(refused.stderr.starts_with("error: "), "{name}: {}", refused.stderr);
    assert!(refused.stderr.to_lowercase().contains(word), "{name}: {}", refused.stderr);
    assert!(!refused.stderr.contains("panicked"), "{name}: {}", refused.stderr);
    assert_eq!(image.is_file().then(|| hash(image)), before, "{name}: the image is as it was");
}

#[test]
fn a_qcow2_naming_a_foreign_backing_file() {
    if !have(&["qemu-img"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let image = folder.path().join("hostile.img");
    let to = image.display().to_string();
    outside(
        "qemu-img",
        ["create", "-q", "-f", "qcow2", "-u", "-b", "/etc/passwd", "-F", "raw", &to, "1M"],
    );
    check("foreign backing file", &image, 3, "backing");
}

#[test]
fn a_file_that_is_no_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    check("missing", &folder.path().join("missing"), 1, "no such file");
    let image = folder.path().join("empty.img");
    fs::write(&image, b"").expect("a file");
    check("empty", &image, 1, "");
    fs::write(&image, b"QFI\xfb\0\0\0\x03cut").expect("a file");
    check("qcow2 cut short", &image, 3, "");
    fs::write(&image, vec![0x5a; 1 << 20]).expect("a file");
    check("noise", &image, 1, "windows");
}

#[test]
fn a_hive_cut_short() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = Guest::new("10", "none", "raw").build(folder.path()) else { return };
    mounted(&image, folder.path(), |mount| {
        let system = mount.join("Windows/System32/config/SYSTEM");
        let file = File::options().write(true).open(system).expect("the hive");
        file.set_len(1_000_000).expect("cut");
    });
    check("hive cut short", &image, 3, "system");
}

/// What the logs held is lost, and with it what the hive was.
#[test]
fn a_dirty_hive_with_logs_that_are_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = Guest::new("10-dirty", "none", "raw").build(folder.path()) else { return };
    mounted(&image, folder.path(), |mount| {
        for log in ["SYSTEM.LOG1", "SYSTEM.LOG2"] {
            let log = mount.join("Windows/System32/config").join(log);
            fs::write(log, [0; 4096]).expect("written");
        }
    });
    check("dirty hive with logs that are none", &image, 3, "cannot complete it");
}

#[test]
fn a_partition_past_the_end_of_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = Guest::new("10", "mbr", "raw").build(folder.path()) else { return };
    let file = File::options().write(true).open(&image).expect("the image");
    file.set_len(300 << 20).expect("cut");
    drop(file);
    check("partition past the end", &image, 3, "end");
}

#[test]
fn a_volume_with_the_dirty_flag_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = Guest::new("10", "none", "raw").build(folder.path()) else { return };
    set_dirty(&image);
    check("dirty flag", &image, 3, "dirty");
}

#[test]
fn a_full_volume() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = Guest::new("10", "none", "raw").build(folder.path()) else { return };
    let big = folder.path().join("big.bin");
    File::create(&big).and_then(|f| f.set_len(1020 << 20)).expect("a big file");
    let before = hash(&image);
    let (to, from) = (image.display().to_string(), big.display().to_string());
    let full = run(["fs", "put", &to, &from, r"C:\big.bin"]).expect(1);
    assert!(full.stderr.contains("full") || full.stderr.contains("space"), "{}", full.stderr);
    assert_eq!(hash(&image), before);
}

#[test]
fn a_disk_that_fills_up_while_committing() {
    let folder = tempfile::tempdir().expect("a folder");
    if !root() {
        return;
    }
    let Some(guest) = Guest::new("10", "mbr", "raw").build(folder.path()) else { return };
    let small = folder.path().join("small");
    fs::create_dir(&small).expect("a folder");
    let size = fs::metadata(&guest)
        .map(|m| std::os::unix::fs::MetadataExt::blocks(&m) * 512)
        .expect("a size");
    let mount_point = small.display().to_string();
    let options = format!("size={}k", size / 1024 + 256);
    outside("mount", ["-t", "tmpfs", "-o", &options, "tmpfs", &mount_point]);
    let image = small.join("guest.raw");
    outside("cp", ["--sparse=always", &guest.display().to_string(), &image.display().to_string()]);
    let file = folder.path().join("noise.bin");
    fs::write(
        &file,
        (0..4_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>(),
    )
    .expect("a file");
    let before = hash(&image);
    let failed = run([
        "fs",
        "put",
        &image.display().to_string(),
        &file.display().to_string(),
        r"C:\noise.bin",
    ]);
    let after = hash(&image);
    let left = fs::read_dir(&small).expect("the folder").count();
    outside("umount", [&mount_point]);
    assert_eq!(failed.code, 1, "{}{}", failed.stdout, failed.stderr);
    assert!(failed.stderr.to_lowercase().contains("space"), "{}", failed.stderr);
    assert_eq!(after, before, "the image is as it was");
    assert_eq!(left, 1, "no journal is left beside it");
}

#[test]
fn a_read_only_file() {
    let folder = tempfile::tempdir().expect("a folder");
    if !root() {
        return;
    }
    let Some(guest) = Guest::new("10", "mbr", "raw").build(folder.path()) else { return };
    // Root may write to a read-only file: only a read-only mount keeps it out.
    let mount = folder.path().join("ro");
    fs::create_dir(&mount).expect("a folder");
    let mount_point = mount.display().to_string();
    outside("mount", ["--bind", &folder.path().display().to_string(), &mount_point]);
    outside("mount", ["-o", "remount,bind,ro", &mount_point]);
    let image = mount.join(guest.file_name().expect("a name"));
    let refused = run(["apply", &image.display().to_string(), "--preset", "utc-clock"]);
    let shown = run(["inspect", &image.display().to_string(), "--json"]);
    outside("umount", [&mount_point]);
    assert_eq!(refused.code, 1, "{}{}", refused.stdout, refused.stderr);
    assert!(refused.stderr.to_lowercase().contains("read-only"), "{}", refused.stderr);
    assert_eq!(shown.expect(0).json()["windows"].as_array().map(Vec::len), Some(1));
}

fn mounted(image: &Path, folder: &Path, f: impl FnOnce(&Path)) {
    let mount = folder.join("mnt");
    fs::create_dir_all(&mount).expect("a folder");
    let mount_point = mount.display().to_string();
    outside("ntfs-3g", [&image.display().to_string(), &mount_point]);
    f(&mount);
    outside("umount", [&mount_point]);
}

/// Sets the dirty bit of `$VOLUME_INFORMATION` (record 3): the flags word of the 12-byte resident value.
fn set_dirty(volume: &Path) {
    let bytes = fs::read(volume).expect("the volume");
    let word = |at: usize| u64::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let cluster = word(11) * u64::from(bytes[13]);
    let mft = u64::from_le_bytes(bytes[48..56].try_into().expect("8 bytes")) * cluster;
    let record = usize::try_from(mft).expect("a small volume") + 3 * 1024;
    let mut at = record + usize::from(u16::from_le_bytes([bytes[record + 20], bytes[record + 21]]));
    loop {
        let kind = u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let length =
            u32::from_le_bytes(bytes[at + 4..at + 8].try_into().expect("4 bytes")) as usize;
        if kind == 0x70 {
            let value = at + usize::from(u16::from_le_bytes([bytes[at + 20], bytes[at + 21]]));
            let mut file = File::options().write(true).open(volume).expect("the volume");
            file.seek(SeekFrom::Start(value as u64 + 10)).expect("seek");
            file.write_all(&[bytes[value + 10] | 1]).expect("write");
            return;
        }
        assert!(kind != u32::MAX && length != 0, "no $VOLUME_INFORMATION");
        at += length;
    }
}
