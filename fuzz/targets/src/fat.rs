//! A FAT volume. An input is a byte for the kind, a byte for the number of patches, the patches, then operations of three bytes. A
//! patch is an offset in units of 4 bytes (two bytes), a length, and that many bytes.

use std::sync::{Arc, OnceLock};

use winkiln_disk::{Device, MemoryDevice};
use winkiln_volume::{OpenOptions, Volume};

use crate::bytes::{Input, put};
use crate::overlay::{Changes, Overlay};

const PATCHES_MAX: usize = 16;
const OPERATIONS_MAX: usize = 10;
const NOW: u64 = 133_000_000_000_000_000;

/// Opens a damaged volume, reads everything, and edits it.
///
/// # Panics
/// When a promise is broken.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let (kind, patches) =
        (usize::from(input.u8() % 3), usize::from(input.u8()) % (PATCHES_MAX + 1));
    let bytes = &images()[kind];
    let device = Arc::new(Overlay::new(bytes, Changes::new()));
    for _ in 0..patches {
        let (at, length) = (4 * usize::from(input.u16()), input.u8());
        let _ =
            device.write_at((at % (bytes.len() - 64)) as u64, input.take(usize::from(length % 65)));
    }
    let options = OpenOptions { now: NOW, allow_dirty: true, ..OpenOptions::default() };
    let Ok(volume) = Volume::open(device.clone(), options) else { return };
    let mut paths = walk(&volume);
    paths.push(String::new());
    drop(volume);
    let Ok(mut volume) = Volume::open(device.clone(), OpenOptions { writable: true, ..options })
    else {
        assert!(patches > 0, "a sound volume opens for writing");
        return;
    };
    for operation in input.take(3 * OPERATIONS_MAX).chunks_exact(3) {
        let path = &paths[usize::from(operation[1]) % paths.len()];
        let fresh = format!("{path}\\new file {}.text", operation[2]);
        let contents = vec![operation[2]; usize::from(operation[2]) * 30];
        let done = match operation[0] % 7 {
            0 => volume.write(&fresh, &contents).is_ok(),
            1 => volume.write(path, &contents).is_ok(),
            2 => volume.create_directory(&fresh).is_ok(),
            3 => volume.remove(path).is_ok(),
            4 => volume.set_size(path, u64::from(operation[2]) << (operation[1] % 24)).is_ok(),
            5 => volume.write_at(path, u64::from(operation[2]) * 50, &contents).is_ok(),
            _ => volume.set_attributes(path, operation[2].into()).is_ok(),
        };
        if done && patches == 0 && operation[0] % 7 == 0 {
            let read = volume.read(&fresh, 1 << 20).expect("what was written is there");
            assert_eq!(read, contents, "what was written is read");
        }
    }
    let flushed = volume.flush().is_ok();
    drop(volume);
    if patches == 0 {
        assert!(flushed, "a sound volume is written");
        let volume = Volume::open(device, options).expect("an edited volume opens");
        walk(&volume);
    }
}

fn walk(volume: &Volume) -> Vec<String> {
    let mut paths = vec![String::new()];
    let mut next = 0;
    while let Some(folder) = paths.get(next).cloned() {
        next += 1;
        let _ = volume.metadata(&folder);
        let _ = volume.read(&folder, 1 << 16);
        let Ok(entries) = volume.read_directory(&folder) else { continue };
        for entry in entries {
            if paths.len() < 40 && folder.len() < 200 {
                paths.push(format!("{folder}\\{}", entry.name));
            }
        }
    }
    paths.remove(0);
    paths
}

/// FAT12, FAT16 and FAT32 volumes with some files; formatted here, filled by the editor.
fn images() -> &'static [Vec<u8>; 3] {
    static IMAGES: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    IMAGES.get_or_init(|| {
        [fill(format(400, 3, 2, 0)), fill(format(4400, 18, 2, 0)), fill(format(66_100, 0, 32, 520))]
    })
}

/// A volume of this many sectors and sectors per table.
fn format(sectors: u32, table: u16, reserved: u16, table_32: u32) -> Vec<u8> {
    let mut bytes = vec![0; sectors as usize * 512];
    let is_32 = table_32 > 0;
    put(&mut bytes, 0, &[0xeb, 0x3c, 0x90]);
    put(&mut bytes, 3, b"MSDOS5.0");
    put(&mut bytes, 11, &[0, 2, 1]);
    put(&mut bytes, 14, &reserved.to_le_bytes());
    let roots: u16 = if is_32 { 0 } else { 64 };
    put(&mut bytes, 16, &[if is_32 { 1 } else { 2 }]);
    put(&mut bytes, 17, &roots.to_le_bytes());
    put(&mut bytes, 21, &[0xf8]);
    put(&mut bytes, 22, &table.to_le_bytes());
    put(&mut bytes, 32, &sectors.to_le_bytes());
    let extended = if is_32 {
        put(&mut bytes, 36, &table_32.to_le_bytes());
        put(&mut bytes, 44, &[2, 0, 0, 0, 1, 0, 6, 0]);
        put(&mut bytes, 512, b"RRaA");
        put(&mut bytes, 512 + 484, b"rrAa\xff\xff\xff\xff\x03\0\0\0");
        put(&mut bytes, 512 + 510, &[0x55, 0xaa]);
        64
    } else {
        36
    };
    put(&mut bytes, extended, &[0x80, 0, 0x29, 1, 2, 3, 4]);
    put(&mut bytes, extended + 7, b"OFEN       ");
    put(&mut bytes, 510, &[0x55, 0xaa]);
    let first = usize::from(reserved) * 512;
    let copies = if is_32 { 1 } else { 2 };
    for copy in 0..copies {
        let at = first + copy * usize::from(table) * 512;
        let head: &[u8] = match (is_32, sectors) {
            (true, _) => &[0xf8, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0x0f],
            (false, ..4200) => &[0xf8, 0xff, 0xff],
            _ => &[0xf8, 0xff, 0xff, 0xff],
        };
        put(&mut bytes, at, head);
    }
    bytes
}

fn fill(bytes: Vec<u8>) -> Vec<u8> {
    let device = Arc::new(MemoryDevice::new(bytes));
    let options = OpenOptions { writable: true, now: NOW, ..OpenOptions::default() };
    let mut volume = Volume::open(device.clone(), options).expect("a volume");
    volume.create_directory("\\folder").expect("a folder");
    for number in 0..6 {
        let path = format!("\\folder\\a long name {number}.txt");
        volume.write(&path, &vec![number; 700]).expect("written");
    }
    volume.write("\\BOOT.INI", b"[boot loader]").expect("written");
    volume.flush().expect("flushed");
    drop(volume);
    device.to_vec()
}

/// Sound volumes with operations, and damage in the boot sector, tables and folders.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let operations: Vec<u8> = (0..10u8).flat_map(|at| [at, at * 3, at * 21]).collect();
    let mut seeds = Vec::new();
    for kind in 0..3u8 {
        seeds.push([&[kind, 0], &operations[..]].concat());
        for at in (8..64_u16).step_by(4).chain([256, 257, 260, 640, 650, 1024, 1700, 1710, 5000]) {
            let [low, high] = (at / if at < 64 { 4 } else { 1 }).to_le_bytes();
            seeds.push([&[kind, 1, low, high, 4, 2, 0, 3, 0][..], &operations].concat());
        }
    }
    seeds
}
