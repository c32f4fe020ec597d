//! Transaction logs of a hive. An input is a byte for the form, the number of patches of the hive, the patches, then for each of two logs
//! what it says of itself and its pages. Hashes and checksums are put right.

use winkiln_hive::Hive;

use crate::bytes::{Input, put, u32_at};
use crate::hive::{base, patch, stamp};

const PATCHES_MAX: usize = 8;
/// Pages of a log, and entries.
const PAGES_MAX: usize = 6;

/// Recovers a dirty hive, checks it and seals it.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let (form, patches) = (input.u8(), usize::from(input.u8()) % (PATCHES_MAX + 1));
    let mut bytes = base().to_vec();
    patch(&mut bytes, patches, &mut input);
    if form & 1 == 0 {
        let next = u32_at(&bytes, 4).wrapping_add(1);
        put(&mut bytes, 4, &next.to_le_bytes());
        stamp(&mut bytes);
    }
    let logs: Vec<Vec<u8>> =
        [form & 2, form & 4].map(|old| log(&bytes, old != 0, &mut input)).to_vec();
    let logs: Vec<&[u8]> = logs.iter().map(Vec::as_slice).collect();
    let Ok((mut hive, recovery)) = Hive::recover(&bytes, &logs) else { return };
    hive.pass_logs(&logs);
    assert_eq!(hive.is_modified(), recovery.entries > 0);
    let most = bytes.len() + (64 << 20);
    assert!(hive.bytes().len() <= most, "a log makes a hive of {} bytes", hive.bytes().len());
    let _ = (hive.check(), hive.new_findings(&bytes));
    hive.seal(1);
    assert!(Hive::open(hive.bytes().to_vec()).is_ok(), "a recovered hive opens");
}

/// A log of the old form or the new one.
fn log(hive: &[u8], old: bool, input: &mut Input<'_>) -> Vec<u8> {
    let mut log = hive.get(..512).unwrap_or_default().to_vec();
    log.resize(512, 0);
    let sequence = u32_at(&log, 4);
    put(&mut log, 8, &sequence.to_le_bytes());
    put(&mut log, 0x1c, &[if old { 1 } else { 6 }, 0, 0, 0]);
    let shift = input.u8();
    let claimed = u32_at(hive, 0x28).wrapping_add((u32::from(input.u8()) << 12) << (shift % 32));
    if old {
        put(&mut log, 0x28, &claimed.to_le_bytes());
        stamp(&mut log);
        let mut vector = vec![0; (claimed as usize / 4096).min(1 << 14)];
        put(&mut vector, 0, input.take(16));
        log.extend(b"DIRT");
        log.extend(vector);
        log.resize(log.len().next_multiple_of(512), 0);
        log.extend(input.take(512 * PAGES_MAX));
        log.resize(log.len() + 512 * PAGES_MAX, 0);
        return log;
    }
    stamp(&mut log);
    for number in 0..1 + u32::from(shift / 100) {
        let mut references = Vec::new();
        let mut pages = Vec::new();
        for _ in 0..usize::from(input.u8()) % PAGES_MAX {
            let (page, inside) = (u32::from(input.u8()) % 16 * 512, input.u16());
            references.extend(page.to_le_bytes());
            references.extend(512u32.to_le_bytes());
            let mut content = hive.get(4096 + page as usize..).unwrap_or_default().to_vec();
            content.resize(512, 0);
            put(&mut content, usize::from(inside) % 512, input.take(8));
            pages.extend(content);
        }
        let count = references.len() as u32 / 8;
        references.extend(pages);
        let size = (40 + references.len()).next_multiple_of(512);
        references.resize(size - 40, 0);
        let mut entry = b"HvLE".to_vec();
        for word in [size as u32, 0, sequence.wrapping_add(number), claimed, count] {
            entry.extend(word.to_le_bytes());
        }
        entry.extend(marvin32(&references).to_le_bytes());
        entry.extend(marvin32(&entry).to_le_bytes());
        log.extend(entry);
        log.extend(references);
    }
    log
}

/// The hash of a log's entries.
fn marvin32(data: &[u8]) -> u64 {
    let (mut low, mut high) = (0x7a4e_55c5u32, 0x82ef_4d88u32);
    let tail = [&data[data.len() / 4 * 4..], &[0x80, 0, 0, 0]].concat();
    let words = data.chunks_exact(4).chain([&tail[..4], &[0; 4]]);
    for word in words {
        low = low.wrapping_add(u32_at(word, 0));
        high ^= low;
        low = low.rotate_left(20).wrapping_add(high);
        high = high.rotate_left(9) ^ low;
        low = low.rotate_left(27).wrapping_add(high);
        high = high.rotate_left(19);
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Dirty hives with logs of both forms, and with a torn base block.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let pages = [2, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 3, 10, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    let mut seeds = Vec::new();
    for form in 0..8u8 {
        for (shift, grow) in [(0, 0), (0, 1), (101, 0), (12, 1), (18, 1)] {
            seeds.push([&[form, 0, shift, grow], &pages[..], &pages, &[0, 0], &pages].concat());
        }
        let torn = [form | 1, 1, 4, 0, 0x84, 1, 2, 3, 4, 0, 0];
        seeds.push([&torn[..], &pages, &[0, 0], &pages].concat());
    }
    seeds
}
