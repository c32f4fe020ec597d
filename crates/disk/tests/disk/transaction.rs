//! Commits, compared with what QEMU's own tools read.

use winkiln_disk::{
    CommitError, Device, DeviceError, Format, Image, Interrupt, OpenOptions, Transaction,
};

use crate::opened::open;
use crate::tool::{Numbers, have, scratch, sh};
use crate::variant::{SIZE, VARIANTS, make, raw_of, source};

fn read_all(device: &dyn Device) -> Vec<u8> {
    let mut bytes = vec![0; device.len() as usize];
    for (index, chunk) in bytes.chunks_mut(100_000).enumerate() {
        device.read_at(index as u64 * 100_000, chunk).unwrap();
    }
    bytes
}

/// Writes at random places, over the disk and a model of it.
fn scribble(transaction: &Transaction, model: &mut [u8], seed: u64, count: usize) {
    let mut numbers = Numbers::new(seed);
    for step in 0..count {
        let position = numbers.below(model.len() as u64);
        let length = 1 + numbers.below(if step % 10 == 0 { 300_000 } else { 5000 }) as usize;
        let length = length.min(model.len() - position as usize);
        let data = match step % 4 {
            0 => vec![0; length],
            _ => numbers.bytes(length),
        };
        transaction.write_at(position, &data).unwrap();
        model[position as usize..][..length].copy_from_slice(&data);
        let from = position.saturating_sub(5000);
        let mut near = vec![0; (model.len() - from as usize).min(20_000)];
        transaction.read_at(from, &mut near).unwrap();
        assert!(near == model[from as usize..][..near.len()], "step {step}: reads see writes");
    }
}

#[test]
fn every_kind_of_image_takes_commits_that_qemu_reads() {
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
        let before = (name == "snapshots")
            .then(|| ["one", "two"].map(|snapshot| raw_of(folder, &path, &["-l", snapshot])));

        let transaction = Transaction::begin(open(&path, true).unwrap());
        assert!(read_all(&transaction) == model, "{name}: read");
        for round in 0..2 {
            scribble(&transaction, &mut model, 100 * number as u64 + round, 60);
            assert!(read_all(&transaction) == model, "{name}: uncommitted");
            let dirty = transaction.dirty_bytes();
            let written = transaction.io().image_bytes_written;
            let report = transaction.commit().unwrap();
            assert!(report.committed && dirty > 0);
            assert_eq!(report.io.image_bytes_written - written, dirty, "{name}");
            assert!(read_all(&transaction) == model, "{name}: committed");
            let io = transaction.io();
            assert!(!transaction.commit().unwrap().committed, "{name}: nothing left to write");
            assert_eq!(transaction.io().flushes, io.flushes);
        }
        drop(transaction);
        assert!(raw_of(folder, &path, &[]) == model, "{name}: as qemu-img reads it");
        if variant.checked {
            sh(folder, &format!("qemu-img check -q {}", path.display()));
        }
        if let Some(before) = before {
            let after = ["one", "two"].map(|snapshot| raw_of(folder, &path, &["-l", snapshot]));
            assert!(before == after, "snapshots are as they were");
        }
        let left: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| name.to_string_lossy().contains("journal"))
            .collect();
        assert!(left.is_empty(), "{name}: {left:?}");
    }
}

#[test]
fn a_disk_of_odd_length_is_written_to_its_last_byte() {
    let folder = scratch();
    let path = folder.path().join("odd.raw");
    let mut model = Numbers::new(3).bytes(3 * 4096 + 777);
    std::fs::write(&path, &model).unwrap();
    let transaction = Transaction::begin(open(&path, true).unwrap());
    assert_eq!(transaction.len(), model.len() as u64);
    let end = model.len() - 10;
    transaction.write_at(end as u64, &[9; 10]).unwrap();
    assert!(transaction.write_at(end as u64, &[9; 11]).is_err(), "a device never grows");
    model[end..].fill(9);
    assert_eq!(transaction.dirty_bytes(), 777);
    let report = transaction.commit().unwrap();
    assert_eq!(report.io.image_bytes_written, 777);
    assert_eq!(std::fs::read(&path).unwrap(), model);
}

#[test]
fn writing_what_is_there_writes_nothing() {
    if !have(&["qemu-img"]) {
        return;
    }
    let folder = scratch();
    let folder = folder.path();
    let bytes = source(folder, SIZE);
    sh(folder, "qemu-img convert -c -O qcow2 {}/source.raw {}/i.qcow2");
    for name in ["source.raw", "i.qcow2"] {
        let path = folder.join(name);
        let before = std::fs::read(&path).unwrap();
        let transaction = Transaction::begin(open(&path, true).unwrap());
        for at in [0, 5000, 1 << 20, SIZE as usize - 70_000] {
            transaction.write_at(at as u64, &bytes[at..at + 70_000]).unwrap();
        }
        assert_eq!(transaction.dirty_bytes(), 0, "{name}");
        let report = transaction.commit().unwrap();
        assert!(!report.committed);
        assert_eq!((report.io.image_bytes_written, report.io.flushes), (0, 0));
        drop(transaction);
        assert!(std::fs::read(&path).unwrap() == before, "{name}");
    }
}

#[test]
fn a_rollback_and_a_dry_run_leave_the_file_alone() {
    if !have(&["qemu-img"]) {
        return;
    }
    let folder = scratch();
    let folder = folder.path();
    source(folder, SIZE);
    sh(folder, "qemu-img convert -O qcow2 {}/source.raw {}/i.qcow2");
    for name in ["source.raw", "i.qcow2"] {
        let path = folder.join(name);
        let before = std::fs::read(&path).unwrap();
        for writable in [true, false] {
            let image = open(&path, writable).unwrap();
            let mut model = raw_of_image(&image, &before);
            let transaction = Transaction::begin(image);
            scribble(&transaction, &mut model, 5, 30);
            assert!(transaction.dirty_bytes() > 0);
            if !writable {
                assert!(matches!(transaction.commit(), Err(CommitError::ReadOnly)));
                assert!(read_all(&transaction) == model, "a dry run goes on");
            }
            drop(transaction);
            assert!(std::fs::read(&path).unwrap() == before, "{name}");
        }
    }
}

/// What the guest sees of an image, given the bytes of its file.
fn raw_of_image(image: &Image, file: &[u8]) -> Vec<u8> {
    match image.format() {
        Format::Raw => file.to_vec(),
        _ => std::fs::read(image.path().with_file_name("source.raw")).unwrap(),
    }
}

#[test]
fn small_reads_share_what_was_fetched() {
    let folder = scratch();
    let path = folder.path().join("i.raw");
    let bytes = Numbers::new(8).bytes(1 << 20);
    std::fs::write(&path, &bytes).unwrap();
    let transaction = Transaction::begin(open(&path, false).unwrap());
    let mut found = [0; 1024];
    for _ in 0..100 {
        for at in (0..64 << 10).step_by(1024) {
            transaction.read_at(at, &mut found).unwrap();
            assert!(found == bytes[at as usize..][..1024]);
        }
    }
    assert_eq!(transaction.io().image_bytes_read, 64 << 10);
}

/// What is asked to stop neither reads nor commits; what was written to free space goes when it is dropped.
#[test]
fn a_transaction_that_is_asked_to_stop_changes_nothing() {
    let folder = scratch();
    let path = folder.path().join("i.raw");
    std::fs::write(&path, vec![0; 8 << 20]).unwrap();
    let interrupt = Interrupt::default();
    let options =
        OpenOptions { writable: true, interrupt: interrupt.clone(), ..OpenOptions::default() };
    let transaction = Transaction::begin(Image::open(&path, &options).unwrap());
    transaction.write_at(0, &[1; 512]).unwrap();
    transaction.write_fresh(1 << 20, &vec![2; 6 << 20]).unwrap();
    assert!(!interrupt.was_heeded());
    interrupt.ask();
    assert!(!interrupt.was_heeded());
    assert!(matches!(transaction.commit(), Err(CommitError::Interrupted)));
    assert!(matches!(transaction.read_at(0, &mut [0]), Err(DeviceError::Interrupted)));
    assert!(matches!(transaction.write_at(0, &[1]), Err(DeviceError::Interrupted)));
    assert!(interrupt.was_heeded());
    drop(transaction);
    assert!(std::fs::read(&path).unwrap().iter().all(|byte| *byte == 0));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    // Once a commit began it is too late.
    let late = Interrupt::default();
    let options = OpenOptions { interrupt: late.clone(), ..options };
    let transaction = Transaction::begin(Image::open(&path, &options).unwrap());
    transaction.write_at(0, &[1; 512]).unwrap();
    assert!(transaction.commit().unwrap().committed);
    late.ask();
    transaction.read_at(0, &mut [0]).unwrap();
    assert!(!late.was_heeded());
}
