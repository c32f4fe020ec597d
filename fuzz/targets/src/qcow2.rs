//! A qcow2 image. An input is a byte for the number of patches, the patches, then places to write at (two bytes each). A patch is an
//! offset (two bytes), a length, and that many bytes.

use std::path::PathBuf;

use winkiln_disk::{Device, Image, OpenOptions, Transaction};

use crate::bytes::{Input, put};

/// Bytes per cluster, of the disk, and of the file.
const CLUSTER: usize = 512;
const DISK: u64 = 24 << 10;
const FILE: usize = 24 * CLUSTER;
const PATCHES_MAX: usize = 16;

/// Opens a damaged image, reads all of it, and writes to it.
///
/// # Panics
/// When the file cannot be made.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let mut bytes = base();
    let patches = usize::from(input.u8()) % (PATCHES_MAX + 1);
    for _ in 0..patches {
        let (at, length) = (usize::from(input.u16()), input.u8());
        put(&mut bytes, at % FILE, input.take(usize::from(length % 33)));
    }
    let path = path();
    std::fs::write(&path, &bytes).expect("the image is written");
    if let Ok(image) = Image::open(&path, &OpenOptions::default()) {
        let size = image.virtual_size();
        let transaction = Transaction::begin(image);
        let mut buf = [0; 4096];
        for at in (0..size.min(2 * DISK)).step_by(buf.len()).chain([size.saturating_sub(64)]) {
            let length = (size - at).min(buf.len() as u64) as usize;
            let _ = transaction.read_at(at, &mut buf[..length]);
        }
    }
    assert_eq!(std::fs::read(&path).expect("the image is there"), bytes, "reading changes nothing");
    let options = OpenOptions { writable: true, ..OpenOptions::default() };
    if let Ok(image) = Image::open(&path, &options) {
        let size = image.virtual_size();
        let transaction = Transaction::begin(image);
        let mut written = Vec::new();
        for _ in 0..4 {
            let at = u64::from(input.u16()) % size.max(1);
            if at + 64 <= size && transaction.write_at(at, &[0x77; 64]).is_ok() {
                written.push(at);
            }
        }
        let committed = transaction.commit().is_ok();
        drop(transaction);
        // Damaged tables may map two places to one cluster: that is not noticed.
        if committed && patches == 0 {
            let image =
                Image::open(&path, &OpenOptions::default()).expect("a committed image opens");
            let transaction = Transaction::begin(image);
            for at in written {
                let mut buf = [0; 64];
                transaction.read_at(at, &mut buf).expect("what was written is read");
                assert_eq!(buf, [0x77; 64], "what was committed is there");
            }
        }
    }
    let _ = std::fs::remove_file(&path);
}

fn path() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("winkiln-fuzz-{}.qcow2", std::process::id()))
}

/// An image of 24 KiB in clusters of 512 bytes; the first 2 KiB are allocated.
fn base() -> Vec<u8> {
    let mut bytes = vec![0; FILE];
    put(&mut bytes, 0, b"QFI\xfb\0\0\0\x03");
    for (at, number) in [(20, 9u32), (36, 1), (56, 1), (96, 4), (100, 104)] {
        put(&mut bytes, at, &number.to_be_bytes());
    }
    for (at, number) in [(24, DISK), (40, 3 * 512), (48, 512)] {
        put(&mut bytes, at, &number.to_be_bytes());
    }
    put(&mut bytes, 512, &1024u64.to_be_bytes());
    for cluster in 0..9 {
        put(&mut bytes, 1024 + 2 * cluster, &1u16.to_be_bytes());
    }
    put(&mut bytes, 3 * 512, &((4 * 512) | (1u64 << 63)).to_be_bytes());
    for cluster in 0..4u64 {
        let place = ((5 + cluster) * 512) | (1 << 63);
        put(&mut bytes, 4 * 512 + 8 * cluster as usize, &place.to_be_bytes());
    }
    put(&mut bytes, 5 * 512, &[0x55; 4 * 512]);
    bytes
}

/// A sound image, and damage in each field of the header and the tables.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![0, 0, 1, 0, 8, 0, 40, 0, 90]];
    let fields = (0..104_u16).step_by(4).chain([512, 1024, 1032, 1536, 2048, 2056]);
    for at in fields {
        let [low, high] = at.to_le_bytes();
        for value in [0, 1, 0x80, 0xff] {
            seeds.push(vec![1, low, high, 4, 0, 0, 0, value, 0, 1, 0, 8, 0, 40]);
        }
    }
    seeds
}
