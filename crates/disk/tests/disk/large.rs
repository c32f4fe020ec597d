//! Transactions that do not fit into the memory they are given.

use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use winkiln_disk::{Device, ImageError, Recovery, Transaction};

use crate::opened::{guest, journal_of, open};
use crate::tool::{Numbers, have, run, scratch, sh};
use crate::variant::{SIZE, VARIANTS, make, raw_of, source};

const CHILD: &str = "WINKILN_DISK_TEST_LARGE";
const MIB: u64 = 1 << 20;
/// What the child writes: new files in free space, and what names them.
const FILES: u64 = 40 * MIB;
const FREE: u64 = 8 * MIB;
const DISK: u64 = 64 * MIB;

fn change(device: &dyn Device, mut halfway: impl FnMut()) {
    let mut numbers = Numbers::new(7);
    device.write_at(5000, &numbers.bytes(3000)).unwrap();
    for at in (0..FILES).step_by(MIB as usize) {
        device.write_fresh(FREE + at, &numbers.bytes(MIB as usize)).unwrap();
        // What left memory before the last time that it did is in the file.
        if at == FILES / 4 * 3 {
            halfway();
        }
    }
    // Pages of what was written already, and of what was in use.
    device.write_at(FREE + 3 * MIB + 77, &numbers.bytes(9000)).unwrap();
    device.write_at(9000, &numbers.bytes(3000)).unwrap();
}

/// Not a test of its own: what the other tests run as a process that is to die.
#[test]
fn child() {
    let Some(how) = std::env::var_os(CHILD) else { return };
    let how = how.into_string().unwrap();
    let (way, path) = how.split_once(':').unwrap();
    let transaction = Transaction::begin(open(Path::new(path), way != "dry").unwrap());
    match way {
        "stop" => change(&transaction, || {
            println!("HALFWAY");
            std::thread::sleep(Duration::from_secs(600));
        }),
        _ => change(&transaction, || {}),
    }
    if way == "plain" || way == "dry" {
        let mut numbers = Numbers::new(8);
        for at in (0..FILES).step_by(100_000) {
            transaction.write_at(FREE + at, &numbers.bytes(70_000)).unwrap();
        }
        let mut found = vec![0; 70_000];
        transaction.read_at(FREE, &mut found).unwrap();
        assert!(found == Numbers::new(8).bytes(70_000));
    }
    if way != "dry" {
        assert!(transaction.commit().unwrap().committed);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    println!("{line}");
}

fn start(path: &Path, way: &str) -> Child {
    let how = format!("{way}:{}", path.display());
    Command::new(std::env::current_exe().unwrap())
        .args(["large::child", "--exact", "--nocapture"])
        .env(CHILD, how)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Starts a child, waits until most of its files are written, and kills it.
fn killed_halfway(path: &Path) {
    let mut child = start(path, "stop");
    let mut text = String::new();
    let mut out = child.stdout.take().unwrap();
    while !text.contains("HALFWAY") {
        let mut piece = [0; 100];
        let count = out.read(&mut piece).unwrap();
        assert!(count > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Images with room: their first megabytes hold noise.
fn images(folder: &Path) -> Vec<PathBuf> {
    let sparse = folder.join("sparse.raw");
    let head = Numbers::new(3).bytes(FREE as usize);
    std::fs::write(&sparse, &head).unwrap();
    std::fs::OpenOptions::new().write(true).open(&sparse).unwrap().set_len(DISK).unwrap();
    let full = folder.join("full.raw");
    let mut bytes = head;
    bytes.resize(DISK as usize, 0);
    std::fs::write(&full, bytes).unwrap();
    let mut images = vec![sparse, full];
    if have(&["qemu-img"]) {
        sh(folder, "qemu-img convert -O qcow2 {}/sparse.raw {}/new.qcow2");
        sh(folder, "qemu-img create -q -f qcow2 -o preallocation=metadata {}/tables.qcow2 64M");
        sh(folder, "qemu-img convert -n --target-is-zero -O qcow2 {}/sparse.raw {}/tables.qcow2");
        images.extend([folder.join("new.qcow2"), folder.join("tables.qcow2")]);
    }
    images
}

/// The file's bytes, and the room that it takes.
fn state(path: &Path) -> (Vec<u8>, u64) {
    (std::fs::read(path).unwrap(), std::fs::metadata(path).unwrap().blocks() * 512)
}

fn assert_as_before(path: &Path, before: &(Vec<u8>, u64)) {
    let after = state(path);
    assert!(after.0 == before.0, "{}: byte for byte", path.display());
    // A file system may need blocks of its own to say where the holes are.
    assert!(
        after.1.abs_diff(before.1) <= 64 << 10,
        "{}: took {}, takes {}",
        path.display(),
        before.1,
        after.1
    );
    assert!(!journal_of(path).exists());
}

#[test]
fn a_killed_process_leaves_the_image_as_it_was() {
    let folder = scratch();
    for path in images(folder.path()) {
        let before = state(&path);
        let old = guest(&path);
        killed_halfway(&path);
        let half = std::fs::read(&path).unwrap();
        assert!(half != before.0, "{}: some is in the file", path.display());

        let reader = open(&path, false).unwrap();
        assert_eq!(reader.recovery(), Some(Recovery::Discarded));
        drop(reader);
        assert!(guest(&path) == old, "{}: a reader sees none of it", path.display());
        assert!(std::fs::read(&path).unwrap() == half && journal_of(&path).exists());

        let writer = open(&path, true).unwrap();
        assert_eq!(writer.recovery(), Some(Recovery::Discarded));
        drop(writer);
        assert_as_before(&path, &before);
    }
}

#[test]
fn a_process_killed_at_any_time_leaves_old_or_new() {
    let folder = scratch();
    for path in images(folder.path()) {
        let before = state(&path);
        let old = guest(&path);
        let model = winkiln_disk::MemoryDevice::new(old.clone());
        change(&model, || {});
        let new = model.to_vec();
        let mut numbers = Numbers::new(2);
        let rounds = if std::env::var_os("WINKILN_LONG").is_some() { 60 } else { 4 };
        for round in 0..rounds {
            let mut child = start(&path, "write");
            std::thread::sleep(Duration::from_millis(20 + numbers.below(600)));
            let _ = child.kill();
            child.wait().unwrap();
            drop(open(&path, true).unwrap());
            if guest(&path) == old {
                assert_as_before(&path, &before);
                continue;
            }
            assert!(guest(&path) == new, "{}: round {round}", path.display());
            if path.extension().is_some_and(|kind| kind == "qcow2") {
                run("qemu-img", &["check", "-q", path.to_str().unwrap()]);
            }
            std::fs::write(&path, &before.0).unwrap();
            // Written back without holes.
            if state(&path).1.abs_diff(before.1) > 0 {
                break;
            }
        }
    }
}

#[test]
fn a_dropped_transaction_leaves_the_image_as_it_was() {
    let folder = scratch();
    for path in images(folder.path()) {
        let before = state(&path);
        let transaction = Transaction::begin(open(&path, true).unwrap());
        change(&transaction, || {});
        assert!(transaction.io().journal_bytes < 2 * MIB, "{}", path.display());
        let mut original = vec![1; 3 << 20];
        transaction.read_original_at(FREE + MIB, &mut original).unwrap();
        assert!(original.iter().all(|byte| *byte == 0));
        assert!(std::fs::read(&path).unwrap() != before.0, "{}", path.display());
        drop(transaction);
        assert_as_before(&path, &before);
    }
}

#[test]
fn memory_stays_small() {
    let folder = scratch();
    for path in images(folder.path()) {
        for way in ["dry", "write", "plain"] {
            let before = std::fs::read(&path).unwrap();
            let output = start(&path, way).wait_with_output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{text}");
            let line = text.lines().find(|line| line.starts_with("VmHWM")).unwrap();
            let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            // The test program itself takes 10 MiB or so.
            assert!(kib < 48 << 10, "{} {way}: {line}", path.display());
            let same = std::fs::read(&path).unwrap() == before;
            assert_eq!(same, way == "dry", "{}", path.display());
        }
        if path.extension().is_some_and(|kind| kind == "qcow2") {
            run("qemu-img", &["check", "-q", path.to_str().unwrap()]);
        }
    }
}

#[test]
fn bytes_that_a_guest_wrote_meanwhile_are_not_taken_back() {
    let folder = scratch();
    for path in images(folder.path()) {
        let (before, old) = (std::fs::read(&path).unwrap(), guest(&path));
        killed_halfway(&path);
        let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
        let half = std::fs::read(&path).unwrap();
        let differs = |at: &usize| before.get(*at) != Some(&half[*at]);
        let first = (0..half.len()).find(differs).unwrap();
        let at = (first + 5 * MIB as usize..half.len()).find(differs).unwrap() as u64;
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 0x55], at).unwrap();
        let changed = std::fs::read(&path).unwrap();
        for writable in [false, true] {
            match open(&path, writable) {
                Err(error @ ImageError::JournalMismatch { .. }) => assert!(error.is_refusal()),
                other => panic!("{}: {:?}", path.display(), other.err()),
            }
        }
        assert!(std::fs::read(&path).unwrap() == changed && journal_of(&path).exists());
        // As the message says.
        std::fs::remove_file(journal_of(&path)).unwrap();
        let found = guest(&path);
        assert!(found[..FREE as usize] == old[..FREE as usize] && found.len() == old.len());
    }
}

#[test]
fn a_journal_of_another_version_is_refused_by_name() {
    let folder = scratch();
    let path = images(folder.path()).swap_remove(0);
    // The header of a journal of version 1 for an image of 64 MiB and no pages, as the first program wrote it.
    let mut header = b"WKJRNL\r\n".to_vec();
    header.extend([1, 0, 0, 0, 0, 16, 0, 0]);
    for number in [DISK, DISK, 0] {
        header.extend(number.to_le_bytes());
    }
    let sum = crc::Crc::<u64>::new(&crc::CRC_64_XZ).checksum(&header);
    header.extend(sum.to_le_bytes());
    std::fs::write(journal_of(&path), header).unwrap();
    match open(&path, true) {
        Err(ImageError::JournalVersion { version: 1, .. }) => {}
        other => panic!("{:?}", other.err()),
    }
    assert!(journal_of(&path).exists());
}

#[test]
fn every_kind_of_image_takes_more_than_fits_into_memory() {
    if !have(&["qemu-img", "qemu-io"]) {
        return;
    }
    for (number, variant) in VARIANTS.iter().enumerate() {
        let name = variant.name;
        let folder = scratch();
        let folder = folder.path();
        source(folder, SIZE);
        let path = make(folder, variant);
        let mut model = raw_of(folder, &path, &[]);
        let before = std::fs::read(&path).unwrap();
        let mut numbers = Numbers::new(300 + number as u64);
        for commits in [false, true] {
            let old = model.clone();
            let transaction = Transaction::begin(open(&path, true).unwrap());
            for step in 0..60 {
                let most = [2 * MIB, 200_000, 6000][step % 3];
                let length = 1 + numbers.below(most) as usize;
                let at =
                    numbers.below(SIZE - length as u64) & if step % 2 == 0 { !4095 } else { !0 };
                let data = numbers.bytes(length);
                if numbers.below(3) == 0 {
                    transaction.write_at(at, &data).unwrap();
                } else {
                    transaction.write_fresh(at, &data).unwrap();
                }
                model[at as usize..][..length].copy_from_slice(&data);
                let mut found = vec![0; 300_000];
                let near = at.saturating_sub(1000).min(SIZE - 300_000);
                transaction.read_at(near, &mut found).unwrap();
                assert!(found == model[near as usize..][..found.len()], "{name}: step {step}");
                transaction.read_original_at(near, &mut found).unwrap();
                assert!(found == old[near as usize..][..found.len()], "{name}: original {step}");
            }
            if !commits {
                drop(transaction);
                assert!(std::fs::read(&path).unwrap() == before, "{name}: dropped");
                model = old;
                continue;
            }
            assert!(transaction.commit().unwrap().committed);
            transaction.write_at(1000, &[7; 100]).unwrap();
            model[1000..1100].fill(7);
            let mut found = vec![0; 5000];
            transaction.read_original_at(0, &mut found[..1000]).unwrap();
            assert!(found[..1000] == model[..1000], "{name}: a commit is what is original next");
            assert!(transaction.commit().unwrap().committed);
        }
        assert!(raw_of(folder, &path, &[]) == model, "{name}: as qemu-img reads it");
        if variant.checked {
            sh(folder, &format!("qemu-img check -q {}", path.display()));
        }
        assert!(!journal_of(&path).exists());
    }
}
