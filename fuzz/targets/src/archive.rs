//! Archives of every kind. An input is one.

use std::io::Read;
use std::sync::Arc;

use winkiln_archive::{Limits, Tree};

/// What is read of one file.
const READ_MAX: u64 = 1 << 20;

/// Lists an archive and reads what is in it: no name leads out, sizes are as told.
pub fn run(data: &[u8]) {
    let limits = Limits { entries: 4096, bytes: 64 << 20, ..Limits::default() };
    let Ok(tree) = Tree::read_from(Arc::new(data.to_vec()), limits) else { return };
    assert!(tree.entries().len() <= 4096, "the limit holds");
    for entry in tree.entries().iter().take(64) {
        let path = entry.path();
        assert!(
            !path.starts_with('/') && !path.contains(['\\', ':', '\0']),
            "{path:?} stays inside"
        );
        assert!(
            path.split('/').all(|name| !name.is_empty() && name != ".." && name != "."),
            "{path:?}"
        );
        assert!(std::ptr::eq(tree.entry(path).expect("found by its name"), entry), "{path:?}");
        if !entry.is_file() || entry.size() > READ_MAX {
            continue;
        }
        let Ok(mut reader) = tree.reader(path) else { continue };
        let mut bytes = Vec::new();
        if reader.read_to_end(&mut bytes).is_ok() {
            assert_eq!(bytes.len() as u64, entry.size(), "{path:?} has its size");
        }
        assert!(bytes.len() as u64 <= entry.size(), "{path:?} has no more than its size");
    }
}

/// A stored zip, a cabinet of each kind, a tar, an ISO image cut to its descriptors and folder, and a file of `compress.exe`.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mszip = cabinet([1, 0]);
    let lzx = cabinet([3, 0x12]);
    vec![zip(), cabinet([0, 0]), mszip, lzx, tar(), iso(), szdd()]
}

const NAME: &[u8] = b"w10/kiln.inf";
const DATA: &[u8] = b"[Version]";

fn zip() -> Vec<u8> {
    let length = (DATA.len() as u32).to_le_bytes();
    let crc = !DATA.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    });
    let common = [&crc.to_le_bytes()[..], &length, &length, &[NAME.len() as u8, 0, 0, 0]].concat();
    let local = [b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0", &common[..], NAME, DATA].concat();
    let central = [b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0", &common[..], &[0; 14], NAME].concat();
    let [size, at] = [central.len(), local.len()].map(|n| (n as u32).to_le_bytes());
    [&local[..], &central, b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &size, &at, &[0, 0]].concat()
}

/// Eight letters as they are.
fn szdd() -> Vec<u8> {
    [b"SZDD\x88\xf0\x27\x33A\0\x08\0\0\0\xff".as_slice(), &DATA[..8]].concat()
}

fn cabinet(packed: [u8; 2]) -> Vec<u8> {
    let files = 44u32;
    let data = files + 17 + NAME.len() as u32;
    let length = DATA.len() as u8;
    let end = data + 8 + u32::from(length);
    let mut bytes = b"MSCF\0\0\0\0".to_vec();
    for number in [end, 0, files, 0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend([3, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(
        [&data.to_le_bytes()[..], &[1, 0, packed[0], packed[1], length], &[0; 15], NAME, &[0]]
            .concat(),
    );
    bytes.extend([&[0, 0, 0, 0, length, 0, length, 0], DATA].concat());
    bytes
}

fn tar() -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..NAME.len()].copy_from_slice(NAME);
    block[124..135].copy_from_slice(b"00000000011");
    block[156] = b'0';
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block.extend(DATA);
    block.resize(2048, 0);
    block
}

fn iso() -> Vec<u8> {
    let record = |name: &[u8], block: u8, size: u16, flags: u8| {
        let length = (33 + name.len()).next_multiple_of(2);
        let mut record = vec![0; length];
        record[0] = length as u8;
        record[2] = block;
        record[10..12].copy_from_slice(&size.to_le_bytes());
        record[25] = flags;
        record[32] = name.len() as u8;
        record[33..33 + name.len()].copy_from_slice(name);
        record
    };
    let mut bytes = vec![0; 20 * 2048];
    let mut put = |at: usize, data: &[u8]| bytes[at..at + data.len()].copy_from_slice(data);
    put(16 * 2048, b"\x01CD001\x01");
    put(16 * 2048 + 128, &[0, 8]);
    put(16 * 2048 + 156, &record(&[0], 18, 2048, 2));
    put(17 * 2048, b"\xffCD001\x01");
    let folder = [
        record(&[0], 18, 2048, 2),
        record(&[1], 18, 2048, 2),
        record(b"KILN.INF;1", 19, DATA.len() as u16, 0),
    ];
    put(18 * 2048, &folder.concat());
    put(19 * 2048, DATA);
    bytes
}
