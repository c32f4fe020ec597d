//! Interrupted commits: killed processes, full disks, journals of every kind.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use winkiln_disk::{CommitError, Device, Image, ImageError, OpenOptions, Recovery, Transaction};

use crate::opened::{guest, journal_of, open};
use crate::tool::{Numbers, have, output, run, scratch, sh};

const SIZE: u64 = 8 << 20;
const CHILD: &str = "WINKILN_DISK_TEST_CHILD";

/// The change that every test here makes: pages at the start, the end, and between.
fn change(device: &dyn Device) {
    let mut numbers = Numbers::new(77);
    for at in [100, 70_000, 3 << 20, 6 << 20, SIZE - 9000] {
        device.write_at(at, &numbers.bytes(9000)).unwrap();
    }
}

/// The guest's bytes before and after the change.
fn old_and_new(path: &Path) -> (Vec<u8>, Vec<u8>) {
    let old = guest(path);
    let device = winkiln_disk::MemoryDevice::new(old.clone());
    change(&device);
    (old, device.to_vec())
}

/// Not a test of its own: what the other tests run as a process that is to die.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let transaction = Transaction::begin(open(Path::new(&path), true).unwrap());
    change(&transaction);
    match transaction.commit() {
        Ok(report) => assert!(report.committed),
        Err(error @ CommitError::UndoneWrite(_)) => {
            assert!(transaction.read_at(0, &mut [0]).is_err(), "a failed transaction is over");
            assert!(matches!(transaction.commit(), Err(CommitError::Failed)));
            println!("UNDONE: {error}");
        }
        Err(error) => panic!("{error:?}"),
    }
}

/// The shell line that runs the child on an image after `limits`.
fn child_line(path: &Path, limits: &str) -> Command {
    let exe = std::env::current_exe().unwrap();
    let mut command = Command::new("sh");
    let line = format!("{limits} exec {} journal::child --exact --nocapture", exe.display());
    command.args(["-c", &line]).env(CHILD, path).stdin(Stdio::null());
    command
}

fn make(folder: &Path, qcow2: bool) -> PathBuf {
    let raw = folder.join("i.raw");
    let mut bytes = Numbers::new(5).bytes(SIZE as usize);
    bytes[2 << 20..4 << 20].fill(0);
    std::fs::write(&raw, bytes).unwrap();
    if !qcow2 {
        return raw;
    }
    sh(folder, "qemu-img convert -O qcow2 {}/i.raw {}/i.qcow2");
    folder.join("i.qcow2")
}

/// An image whose commit died between the journal and the end of the writes in place.
fn interrupted(folder: &Path, qcow2: bool) -> (PathBuf, Vec<u8>, Vec<u8>) {
    let path = make(folder, qcow2);
    let (old, new) = old_and_new(&path);
    // No byte of a file past 4 MiB can be written: the attempt ends the process.
    let output = child_line(&path, "ulimit -c 0; ulimit -f 8192;").output().unwrap();
    assert!(!output.status.success());
    assert!(journal_of(&path).exists(), "died after the journal was written");
    (path, old, new)
}

#[test]
fn an_interrupted_commit_is_finished_by_the_next_open() {
    let kinds: &[bool] = if have(&["qemu-img"]) { &[false, true] } else { &[false] };
    for &qcow2 in kinds {
        let folder = scratch();
        let (path, old, new) = interrupted(folder.path(), qcow2);
        let half = std::fs::read(&path).unwrap();
        let journal = std::fs::read(journal_of(&path)).unwrap();

        let reader = open(&path, false).unwrap();
        assert_eq!(reader.recovery(), Some(Recovery::Finished));
        drop(reader);
        assert!(guest(&path) == new && old != new, "a reader looks through the journal");
        assert!(std::fs::read(&path).unwrap() == half, "and writes nothing");
        assert!(std::fs::read(journal_of(&path)).unwrap() == journal);

        let writer = open(&path, true).unwrap();
        assert_eq!(writer.recovery(), Some(Recovery::Finished));
        drop(writer);
        assert!(!journal_of(&path).exists());
        assert!(guest(&path) == new);
        assert_eq!(open(&path, true).unwrap().recovery(), None);
        if qcow2 {
            run("qemu-img", &["check", "-q", path.to_str().unwrap()]);
        }
    }
}

#[test]
fn a_copied_image_takes_its_journal_along() {
    let folder = scratch();
    let (path, _, new) = interrupted(folder.path(), false);
    let copy = folder.path().join("copy.raw");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(journal_of(&path), journal_of(&copy)).unwrap();
    assert_eq!(open(&copy, true).unwrap().recovery(), Some(Recovery::Finished));
    assert!(std::fs::read(&copy).unwrap() == new);
}

#[test]
fn a_journal_of_a_changed_or_other_image_is_refused() {
    let folder = scratch();
    let (path, old, _) = interrupted(folder.path(), false);
    let good = std::fs::read(&path).unwrap();
    let refused = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        for writable in [true, false] {
            match open(&path, writable) {
                Err(error @ ImageError::JournalMismatch { .. }) => assert!(error.is_refusal()),
                other => panic!("{other:?}"),
            }
        }
        assert!(std::fs::read(&path).unwrap() == bytes && journal_of(&path).exists());
    };
    let mut changed = good.clone();
    changed[105] ^= 1;
    refused(&changed);
    refused(&Numbers::new(99).bytes(SIZE as usize));
    refused(&good[..good.len() - 4096]);
    let mut longer = good.clone();
    longer.extend([0; 4096]);
    refused(&longer);
    // The image as it was before the commit is one that the journal fits.
    std::fs::write(&path, &old).unwrap();
    assert_eq!(open(&path, true).unwrap().recovery(), Some(Recovery::Finished));
}

#[test]
fn an_incomplete_journal_is_discarded() {
    let folder = scratch();
    let (path, old, _) = interrupted(folder.path(), false);
    let journal = std::fs::read(journal_of(&path)).unwrap();
    let mut garbled = journal.clone();
    garbled[journal.len() / 2] ^= 4;
    let blank = vec![0; journal.len()];
    let cut = journal.len() - 1;
    for bytes in [&journal[..cut], &journal[..5000], &journal[..20], &[], &garbled, &blank] {
        std::fs::write(&path, &old).unwrap();
        std::fs::write(journal_of(&path), bytes).unwrap();
        let reader = open(&path, false).unwrap();
        assert_eq!(reader.recovery(), Some(Recovery::Discarded));
        assert!(journal_of(&path).exists(), "a reader removes nothing");
        drop(reader);
        assert!(guest(&path) == old);
        assert_eq!(open(&path, true).unwrap().recovery(), Some(Recovery::Discarded));
        assert!(!journal_of(&path).exists() && std::fs::read(&path).unwrap() == old);
    }
}

#[test]
fn a_journal_damaged_after_the_commit_began_is_not_thrown_away() {
    let folder = scratch();
    let (path, _, _) = interrupted(folder.path(), false);
    let half = std::fs::read(&path).unwrap();
    let mut journal = std::fs::read(journal_of(&path)).unwrap();
    let last = journal.len() - 1;
    journal[last] ^= 1;
    std::fs::write(journal_of(&path), &journal).unwrap();
    match open(&path, true) {
        Err(error @ ImageError::JournalDamaged { .. }) => assert!(error.is_refusal()),
        other => panic!("{other:?}"),
    }
    assert!(journal_of(&path).exists() && std::fs::read(&path).unwrap() == half);
}

#[test]
fn what_only_has_a_journals_name_is_left_alone() {
    let folder = scratch();
    let path = make(folder.path(), false);
    let old = std::fs::read(&path).unwrap();
    std::fs::write(journal_of(&path), "my notes, which are long enough to be somebody's real work")
        .unwrap();
    assert!(matches!(open(&path, true), Err(ImageError::JournalForeign { .. })));
    assert!(journal_of(&path).exists());
    std::fs::remove_file(journal_of(&path)).unwrap();

    std::os::unix::fs::symlink("/etc/hostname", journal_of(&path)).unwrap();
    assert!(matches!(open(&path, true), Err(ImageError::Journal { .. })));
    std::fs::remove_file(journal_of(&path)).unwrap();
    std::fs::create_dir(journal_of(&path)).unwrap();
    assert!(matches!(open(&path, true), Err(ImageError::Journal { .. })));
    assert!(std::fs::read(&path).unwrap() == old);
}

#[test]
fn a_failed_write_is_put_back() {
    let kinds: &[bool] = if have(&["qemu-img"]) { &[false, true] } else { &[false] };
    for &qcow2 in kinds {
        let folder = scratch();
        let path = make(folder.path(), qcow2);
        let before = std::fs::read(&path).unwrap();
        // As in `interrupted`, but the attempt is an error instead of the end.
        let output = child_line(&path, "trap '' XFSZ; ulimit -f 8192;").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("UNDONE"), "{text}");
        assert!(std::fs::read(&path).unwrap() == before);
        assert!(!journal_of(&path).exists());
    }
}

#[test]
fn a_journal_that_cannot_be_written_leaves_the_image_alone() {
    let folder = scratch();
    let path = make(folder.path(), false);
    let before = std::fs::read(&path).unwrap();
    let journal_dir = Some(folder.path().join("none"));
    let options = OpenOptions { writable: true, journal_dir, ..OpenOptions::default() };
    let transaction = Transaction::begin(Image::open(&path, &options).unwrap());
    change(&transaction);
    assert!(matches!(transaction.commit(), Err(CommitError::Journal { .. })));
    drop(transaction);
    assert!(std::fs::read(&path).unwrap() == before);
}

/// A small file system of its own, unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let options = format!("size={size}");
        let mounted =
            output("mount", &["-t", "tmpfs", "-o", &options, "none", at.to_str().unwrap()]);
        if !mounted.status.success() {
            crate::tool::skip("mounting needs root");
            return None;
        }
        Some(Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_fills_up_while_committing() {
    if !have(&["mount", "umount", "qemu-img"]) {
        return;
    }
    let folder = scratch();
    let Some(disk) = SmallDisk::mount(&folder.path().join("m"), "1M") else { return };
    let journals = folder.path().join("j");
    std::fs::create_dir(&journals).unwrap();
    for (qcow2, beside) in [(false, true), (false, false), (true, true), (true, false)] {
        let path = disk.0.join("sparse.img");
        let format = if qcow2 { "qcow2" } else { "raw" };
        run("qemu-img", &["create", "-q", "-f", format, path.to_str().unwrap(), "64M"]);
        let before = std::fs::read(&path).unwrap();
        let journal_dir = (!beside).then(|| journals.clone());
        let options = OpenOptions { writable: true, journal_dir, ..OpenOptions::default() };
        let transaction = Transaction::begin(Image::open(&path, &options).unwrap());
        for index in 0..20 {
            transaction.write_at(index << 20, &Numbers::new(index).bytes(100_000)).unwrap();
        }
        let error = transaction.commit().expect_err("2 MB do not fit");
        match (&error, beside) {
            (CommitError::Journal { .. }, true) | (CommitError::UndoneWrite(_), false) => {}
            other => panic!("{other:?}"),
        }
        drop(transaction);
        assert!(std::fs::read(&path).unwrap() == before, "{error}");
        assert_eq!(Image::open(&path, &options).unwrap().recovery(), None);
        assert_eq!(std::fs::read_dir(&disk.0).unwrap().count(), 1);
        assert_eq!(std::fs::read_dir(&journals).unwrap().count(), 0);
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_killed_process_leaves_old_or_new() {
    let kinds: &[bool] = if have(&["qemu-img"]) { &[false, true] } else { &[false] };
    for &qcow2 in kinds {
        let folder = scratch();
        let path = make(folder.path(), qcow2);
        let before = std::fs::read(&path).unwrap();
        let (old, new) = old_and_new(&path);
        let mut numbers = Numbers::new(1);
        for round in 0..25 {
            let mut child = child_line(&path, "").stdout(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_micros(2000 + numbers.below(30_000)));
            let _ = child.kill();
            child.wait().unwrap();
            drop(open(&path, true).unwrap());
            let found = guest(&path);
            assert!(found == old || found == new, "round {round}");
            if qcow2 {
                run("qemu-img", &["check", "-q", path.to_str().unwrap()]);
            }
            std::fs::write(&path, &before).unwrap();
        }
    }
}
