//! LZNT1. An input is a byte that gives the unit's size, then a compressed unit.

use winkiln_ntfs::fuzz;

/// Unpacks a unit.
pub fn run(data: &[u8]) {
    let Some((size, data)) = data.split_first() else { return };
    if let Err(broken) = fuzz::lznt1(data, 512 << (size % 12)) {
        panic!("{broken}");
    }
}

/// Literals, long matches, a stored chunk, several chunks.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let text = [3, 0x02, 0xb0, 0x00, b'a', b'b'];
    let long = [4, 0x03, 0xb0, 0x02, b'a', 0xfc, 0x0f];
    let mut stored = vec![4, 0xff, 0x3f];
    stored.extend((0..4096).map(|at| (at / 7) as u8));
    stored.extend(&long[1..]);
    let mut mixed = vec![5, 0x13, 0xb0, 0b0001_0000];
    mixed.extend(b"abcd\x01\x30efg");
    mixed.push(0b0000_0100);
    mixed.extend(b"xy\x00\x10zzuvw");
    let length = mixed.len() as u16 - 3 - 1;
    mixed[1..3].copy_from_slice(&(0xb000 | length).to_le_bytes());
    vec![text.to_vec(), long.to_vec(), stored, mixed]
}
