//! Partition tables. An input is a byte for the form, then patches of a small disk: an offset in units of 2 bytes (two bytes), a length, and
//! that many bytes. Checksums of a GPT are put right unless the form has bit 2.

use winkiln_disk::partition::read_table;
use winkiln_disk::{Device, MemoryDevice, Window};

use crate::bytes::{Input, put, u32_at};

const SECTORS: usize = 96;
const PATCHES_MAX: usize = 32;

/// Reads the table of a damaged disk, and looks through its partitions.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let form = input.u8();
    let mut disk = if form & 1 == 0 { mbr() } else { gpt() };
    for _ in 0..PATCHES_MAX {
        if input.is_empty() {
            break;
        }
        let (at, length) = (2 * usize::from(input.u16()), input.u8());
        let length = usize::from(length % 65);
        let at = at % disk.len();
        put(&mut disk, at, input.take(length));
    }
    if form & 5 == 1 {
        stamp(&mut disk);
    }
    let device = MemoryDevice::new(disk.clone());
    let Ok(table) = read_table(&device) else { return };
    assert!(table.partitions.len() <= 4096, "no more partitions than the table has room for");
    for partition in &table.partitions {
        let mut start = [0; 16];
        let end = partition.start.saturating_add(partition.length);
        let inside = end <= disk.len() as u64;
        if inside && partition.length >= 16 {
            let window = Window::new(
                std::sync::Arc::new(MemoryDevice::new(disk.clone())),
                partition.start,
                partition.length,
            );
            if let Ok(window) = window {
                window.read_at(0, &mut start).expect("a partition on the disk is read");
            }
        }
    }
}

fn entry(kind: u8, start: u32, sectors: u32) -> Vec<u8> {
    let mut entry = vec![0x80, 0, 2, 0, kind, 0, 3, 0];
    entry.extend(start.to_le_bytes());
    entry.extend(sectors.to_le_bytes());
    entry
}

/// A disk with primary and logical partitions.
fn mbr() -> Vec<u8> {
    let mut disk = vec![0; SECTORS * 512];
    put(&mut disk, 0x1b8, &[1, 2, 3, 4]);
    put(&mut disk, 0x1be, &entry(7, 8, 8));
    put(&mut disk, 0x1ce, &entry(0x0f, 20, 60));
    put(&mut disk, 510, &[0x55, 0xaa]);
    for (record, next) in [(20u32, 15u32), (35, 30), (50, 0)] {
        let at = record as usize * 512;
        put(&mut disk, at + 0x1be, &entry(7, 2, 8));
        if next > 0 {
            put(&mut disk, at + 0x1ce, &entry(5, next, 10));
        }
        put(&mut disk, at + 510, &[0x55, 0xaa]);
    }
    disk
}

/// A disk with a GPT of four entries.
fn gpt() -> Vec<u8> {
    let mut disk = vec![0; SECTORS * 512];
    put(&mut disk, 0x1be, &entry(0xee, 1, SECTORS as u32 - 1));
    put(&mut disk, 510, &[0x55, 0xaa]);
    let last = SECTORS as u64 - 1;
    for (here, there, entries) in [(1, last, 2), (last, 1, last - 32)] {
        let at = here as usize * 512;
        put(&mut disk, at, b"EFI PART\0\0\x01\0\x5c\0\0\0");
        for (place, number) in [(24, here), (32, there), (40, 34), (48, last - 33), (72, entries)] {
            put(&mut disk, at + place, &number.to_le_bytes());
        }
        put(&mut disk, at + 56, &[9; 16]);
        put(&mut disk, at + 80, &[128, 0, 0, 0, 128, 0, 0, 0]);
        for number in 0..3u64 {
            let at = entries as usize * 512 + number as usize * 128;
            put(&mut disk, at, &[0xa2, 0xa0, 0xd0, 0xeb, 0xe5, 0xb9, 0x33, 0x44]);
            put(&mut disk, at + 8, &[0x87, 0xc0, 0x68, 0xb6, 0xb7, 0x26, 0x99, 0xc7]);
            put(&mut disk, at + 16, &[number as u8 + 1; 16]);
            put(&mut disk, at + 32, &(34 + number * 8).to_le_bytes());
            put(&mut disk, at + 40, &(41 + number * 8).to_le_bytes());
            put(&mut disk, at + 56, &crate::bytes::utf16("part"));
        }
    }
    stamp(&mut disk);
    disk
}

/// Puts the checksums of both headers right.
fn stamp(disk: &mut [u8]) {
    for here in [1, SECTORS - 1] {
        let at = here * 512;
        let entries = u32_at(disk, at + 72) as usize * 512;
        let count = u32_at(disk, at + 80) as usize;
        let size = u32_at(disk, at + 84) as usize;
        if let Some(table) =
            count.checked_mul(size).and_then(|all| disk.get(entries..entries + all))
        {
            let sum = crc32(table).to_le_bytes();
            put(disk, at + 88, &sum);
        }
        put(disk, at + 16, &[0; 4]);
        let length = (u32_at(disk, at + 12) as usize).min(512);
        let sum = crc32(&disk[at..at + length]).to_le_bytes();
        put(disk, at + 16, &sum);
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 0 { sum >> 1 } else { sum >> 1 ^ 0xedb8_8320 };
    !bytes
        .iter()
        .fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}

/// Both kinds of disks, and damage in their fields.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![0], vec![1], vec![5]];
    for at in [0x1be_u16, 0x1c6, 0x1ca, 0x1d6, 20 * 512 + 0x1ce + 8, 50 * 512 + 0x1be + 8] {
        let [low, high] = (at / 2).to_le_bytes();
        seeds.push(vec![0, low, high, 4, 0xff, 0, 0, 0]);
    }
    for at in [512 + 24_u16, 512 + 40, 512 + 72, 512 + 80, 512 + 84, 1024 + 32, 1024 + 40] {
        let [low, high] = (at / 2).to_le_bytes();
        seeds.push(vec![1, low, high, 4, 0xff, 0xff, 0, 0]);
    }
    seeds
}
