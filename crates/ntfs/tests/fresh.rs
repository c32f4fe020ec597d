//! What may reach the image before the commit: bytes for clusters that were free when the transaction began, and no others.

use std::{
    io::Cursor,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use ntfs::{Ntfs, NtfsReadSeek};
use winkiln_disk::{Device, DeviceError, MemoryDevice};
use winkiln_ntfs::{OpenOptions, Volume};

use crate::{
    images,
    judges::{self, tree_of},
    model::Model,
    write_volumes::NOW,
};

/// A device that keeps what was there at the beginning, and a copy of that with the fresh writes alone.
struct Transaction {
    now: MemoryDevice,
    original: MemoryDevice,
    /// What the image would hold if the transaction were given up.
    image: Mutex<Vec<u8>>,
    /// One bit for each cluster that was in use at the beginning.
    used: Vec<u8>,
    cluster: u64,
    fresh: AtomicU64,
    other: AtomicU64,
}

impl Transaction {
    fn begin(bytes: Vec<u8>) -> Arc<Self> {
        let mut disk = Cursor::new(&bytes[..]);
        let ntfs = Ntfs::new(&mut disk).expect("a volume");
        let file = ntfs.file(&mut disk, 6).expect("$Bitmap");
        let data = file.data(&mut disk, "").expect("a stream").expect("a stream");
        let mut value = data.to_attribute().expect("an attribute").value(&mut disk).expect("value");
        let mut used = vec![0; value.len() as usize];
        value.read(&mut disk, &mut used).expect("read");
        Arc::new(Self {
            now: MemoryDevice::new(bytes.clone()),
            original: MemoryDevice::new(bytes.clone()),
            image: Mutex::new(bytes),
            used,
            cluster: ntfs.cluster_size().into(),
            fresh: AtomicU64::new(0),
            other: AtomicU64::new(0),
        })
    }

    fn open(self: &Arc<Self>) -> Volume {
        Volume::open(
            self.clone(),
            OpenOptions { writable: true, now: NOW, ..OpenOptions::default() },
        )
        .expect("opened")
    }
}

impl Device for Transaction {
    fn len(&self) -> u64 {
        self.now.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        self.now.read_at(offset, buf)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.other.fetch_add(data.len() as u64, Ordering::Relaxed);
        self.now.write_at(offset, data)
    }

    fn write_fresh(&self, offset: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.fresh.fetch_add(data.len() as u64, Ordering::Relaxed);
        for cluster in offset / self.cluster..(offset + data.len() as u64).div_ceil(self.cluster) {
            let used = self.used[cluster as usize / 8] >> (cluster % 8) & 1;
            assert_eq!(used, 0, "cluster {cluster} was in use when the transaction began");
        }
        let start = offset as usize;
        self.image.lock().expect("no panic")[start..start + data.len()].copy_from_slice(data);
        self.now.write_at(offset, data)
    }

    fn read_original_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        self.original.read_at(offset, buf)
    }
}

fn open_bytes(bytes: Vec<u8>) -> Volume {
    let device = Arc::new(MemoryDevice::new(bytes));
    Volume::open(device, OpenOptions::default()).expect("opened")
}

/// Two transactions over a volume in use, each with several volumes open one after the other, and everything given up in the end.
#[test]
fn what_was_in_use_is_never_fresh() {
    for (cluster, size, seed) in [(512, 8 << 20, 3), (4096, 16 << 20, 4), (65_536, 64 << 20, 5)] {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(image) = images::mkntfs(folder.path(), size, cluster, "") else { return };
        let mut bytes = std::fs::read(&image.path).expect("read");
        let mut model = Model::new(seed, 40 * cluster.min(4096));
        for _ in 0..2 {
            let transaction = Transaction::begin(bytes);
            for _ in 0..4 {
                let mut volume = transaction.open();
                for _ in 0..40 {
                    model.step(&mut volume);
                }
                volume.flush().expect("flushed");
            }
            let (before, _) = tree_of(&open_bytes(transaction.original.to_vec()));
            let given_up = transaction.image.lock().expect("no panic").clone();
            let (after, _) = tree_of(&open_bytes(given_up));
            judges::assert_same_tree(&after, &before, "after it was given up");
            let [fresh, other] =
                [&transaction.fresh, &transaction.other].map(|count| count.load(Ordering::Relaxed));
            assert!(fresh > 100 << 10 && other > 0, "{cluster}: {fresh} fresh, {other} other");
            bytes = transaction.now.to_vec();
        }
    }
}

/// The records of new files and the blocks of their folder go to clusters that were free; nearly nothing else changes.
#[test]
fn records_and_index_blocks_in_free_clusters_are_fresh() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 32 << 20, 4096, "") else { return };
    let transaction = Transaction::begin(std::fs::read(&image.path).expect("read"));
    let mut volume = transaction.open();
    for number in 0..500 {
        let name = format!("a small file {number:03}");
        let file = volume.create_file(volume.root(), &name, 0).expect("made");
        volume.write_at(file, "", 0, name.as_bytes()).expect("written");
    }
    volume.flush().expect("flushed");
    let [fresh, other] =
        [&transaction.fresh, &transaction.other].map(|count| count.load(Ordering::Relaxed));
    assert!(fresh > 500 << 10 && other < 150 << 10, "{fresh} fresh, {other} other");
}

/// A volume that is nearly full: what is freed is taken again at once, and is not fresh; long contents that replace others get fresh
/// clusters as long as there are any.
#[test]
fn clusters_that_are_taken_again_are_not_fresh() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 56 << 20, 4096, "") else { return };
    let length = 20 << 20;
    let put = |volume: &mut Volume, name: &str, byte: u8| {
        let file = volume.find(name).expect("a lookup");
        let file =
            file.unwrap_or_else(|| volume.create_file(volume.root(), name, 0).expect("made"));
        volume.start_over(file, "", length).expect("room");
        for offset in (0..length).step_by(1 << 20) {
            volume.write_at(file, "", offset, &vec![byte; 1 << 20]).expect("written");
        }
        volume.flush().expect("flushed");
    };
    let transaction = Transaction::begin(std::fs::read(&image.path).expect("read"));
    put(&mut transaction.open(), "a", 1);
    // And at most some new records.
    let all = |fresh: u64| (length..length + (128 << 10)).contains(&fresh);
    assert!(all(transaction.fresh.load(Ordering::Relaxed)), "all of it");

    let transaction = Transaction::begin(transaction.now.to_vec());
    put(&mut transaction.open(), "a", 2);
    assert!(all(transaction.fresh.load(Ordering::Relaxed)), "beside the old contents");
    let mut volume = transaction.open();
    put(&mut volume, "b", 3);
    let fresh = transaction.fresh.load(Ordering::Relaxed) - length;
    assert!(fresh < length - (128 << 10), "{fresh} of {length}: where the first a was");
    volume.remove(volume.root(), "a").expect("removed");
    volume.remove(volume.root(), "b").expect("removed");
    volume.flush().expect("flushed");
    drop(volume);
    put(&mut transaction.open(), "c", 4);
    let volume = open_bytes(transaction.image.lock().expect("no panic").clone());
    let file = volume.find("a").expect("a lookup").expect("found");
    let digest = judges::digest_stream(&volume, file, "").expect("read");
    assert_eq!(digest, judges::Digest::of(&vec![1; length as usize]), "a rollback has the first a");
}
