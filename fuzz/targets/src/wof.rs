//! Chunks of files that the overlay filter compressed. An input is a byte that gives the method and the size, then a chunk.

use winkiln_ntfs::fuzz;

/// Unpacks a chunk; with bit 7 of the first byte the first bytes are replaced by a head that is valid.
pub fn run(data: &[u8]) {
    let Some((mode, chunk)) = data.split_first() else { return };
    let mut chunk = chunk.to_vec();
    let lzx = mode & 1 == 1;
    let size = if lzx { 32 << 10 } else { 4 << 10 << (mode >> 1 & 3) };
    let mut out = vec![0; size];
    if mode & 0x80 != 0 {
        if lzx {
            let head = [0x3000, 0x5000, 0x7000_u16][usize::from(mode >> 4 & 3) % 3].to_le_bytes();
            chunk.splice(..0, head);
        } else {
            let length = chunk.len().min(256);
            chunk[..length].fill(0x99);
        }
    }
    if lzx {
        fuzz::lzx(&chunk, &mut out);
    } else {
        fuzz::xpress(&chunk, &mut out);
    }
}

/// Chunks of both methods: codes of nine bits for all symbols, and LZX blocks of each kind.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut xpress = vec![0];
    xpress.extend([0x99; 256]);
    xpress.extend((0..600u32).map(|at| (at * 7) as u8));
    let mut seeds = vec![xpress];
    for kind in [0x3000, 0x5000, 0x7000_u16] {
        let mut lzx = vec![1];
        lzx.extend(kind.to_le_bytes());
        lzx.extend((0..900u32).map(|at| (at * 13 / 5) as u8));
        seeds.push(lzx);
    }
    let mut raw = vec![1];
    raw.extend(0x7000u16.to_le_bytes());
    raw.extend([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    raw.extend((0..32768u32).map(|at| if at % 11 == 0 { 0xe8 } else { at as u8 }));
    seeds.push(raw);
    seeds.push([&[0x80][..], &[0; 300]].concat());
    seeds.push([&[0x81][..], &[0; 300]].concat());
    seeds
}
