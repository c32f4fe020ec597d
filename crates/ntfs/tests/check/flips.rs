//! Random bytes of metadata: the check never panics and always ends.

use std::{ops::ControlFlow, sync::Arc, time::Duration, time::Instant};

use winkiln_disk::{Device, MemoryDevice};
use winkiln_ntfs::run_list;

use super::sample::{self, Sample};

/// A generator of numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn rounds() -> usize {
    if std::env::var_os("WINKILN_LONG").is_some() { 20_000 } else { 150 }
}

fn check(bytes: Vec<u8>, what: &str) -> Option<u64> {
    let device: Arc<dyn Device> = Arc::new(MemoryDevice::new(bytes));
    let start = Instant::now();
    let summary = winkiln_ntfs::check::check(&device, &mut |_| ControlFlow::Continue(()));
    assert!(start.elapsed() < Duration::from_secs(30), "{what}: {:?}", start.elapsed());
    summary.ok().map(|summary| summary.damage)
}

/// Places that hold metadata: records in use, index blocks, `$Bitmap`, `$SDS`, the boot sector.
fn metadata(sample: &Sample) -> Vec<(usize, usize)> {
    let mut ranges = vec![(0, 512)];
    let cluster = sample.geometry.cluster_size as usize;
    for (record, kind, name) in
        [(0, 0x80, ""), (6, 0x80, ""), (sample.named("many"), 0xa0, "$I30"), (0, 0xb0, "")]
    {
        for run in sample.runs(record, kind, name) {
            let lcn = run.lcn.expect("no hole").0 as usize;
            ranges.push((lcn * cluster, run.length as usize * cluster));
        }
    }
    ranges
}

#[test]
fn flipped_bytes_do_no_harm() {
    let Some(sample) = sample::ours() else { return };
    let ranges = metadata(&sample);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..rounds() {
        let mut bytes = sample.bytes.clone();
        for _ in 0..=random.below(12) {
            let (start, length) = ranges[random.below(ranges.len() as u64) as usize];
            let at = start + random.below(length as u64) as usize;
            bytes[at] = match random.below(4) {
                0 => 0,
                1 => 0xff,
                2 => bytes[at] ^ (1 << random.below(8)),
                _ => random.below(256) as u8,
            };
        }
        check(bytes, &format!("round {round}"));
    }
}

/// Each byte of a record that means something is looked at: what is flipped in it is found, or does not matter.
#[test]
fn flips_in_a_record_are_found() {
    let Some(sample) = sample::ours() else { return };
    let number = sample.named("data");
    let place = sample.record_place(number);
    let mut missed = Vec::new();
    for at in 0..0x150 {
        let mut damaged = sample.clone();
        damaged.edit(&place, |raw| raw[at] ^= 0x01);
        if check(damaged.bytes, "a flip").is_none_or(|damage| damage == 0) {
            missed.push(at);
        }
    }
    let free = free_bytes(&sample, number);
    missed.retain(|at| !free.contains(at));
    assert!(missed.is_empty(), "not found at {missed:#x?}");
}

/// Offsets in a record whose low bit may have any value.
fn free_bytes(sample: &Sample, number: u64) -> Vec<usize> {
    let place = sample.record_place(number);
    let raw = &sample.bytes[place.offset..place.offset + place.size];
    let information = sample::attribute(raw, 0x10, "") + 0x18;
    let name = sample::attribute(raw, 0x30, "") + 0x18;
    let data = sample::attribute(raw, 0x80, "");
    // The log sequence number, a high byte of the next id, and what the update sequence takes.
    let mut free: Vec<usize> =
        (8..0x10).chain([0x17, 0x29, 0x2a, 0x2b]).chain(0x30..0x38).collect();
    // Times, versions, an id that another file has, quota and journal.
    free.extend(information..information + 0x48);
    // What the index keeps late, and what fills the name up.
    free.extend(name + 8..name + 0x40);
    free.extend(name + 0x42 + 8..data);
    for attribute in [information - 0x18, name - 0x18, data] {
        // Where the name of a nameless attribute would be, and a reserved byte.
        free.extend([attribute + 0x0a, attribute + 0x0b, attribute + 0x17]);
    }
    // Reserved; another length and initialized length; what fills the mapping pairs up.
    free.extend((data + 0x23..data + 0x28).chain([data + 0x30, data + 0x31, data + 0x3a]));
    free.extend((data + 0x45..data + 0x48).chain(data + 0x4c..data + 0x50));
    free
}

/// Makes a value one great hole of 2^58 bytes.
fn great_hole(sample: &mut Sample, record: u64, kind: u32, name: &str) {
    let place = sample.record_place(record);
    sample.edit(&place, |raw| {
        let attribute = sample::attribute(raw, kind, name);
        let attribute = &mut raw[attribute..];
        let clusters = 1u64 << 46;
        attribute[0x18..0x20].copy_from_slice(&(clusters - 1).to_le_bytes());
        for at in [0x28, 0x30, 0x38] {
            attribute[at..at + 8].copy_from_slice(&(clusters << 12).to_le_bytes());
        }
        // Mapping pairs have 8 bytes at least.
        let at = usize::from(sample::u16_at(attribute, 0x20));
        attribute[at] = 6;
        attribute[at + 1..at + 7].copy_from_slice(&clusters.to_le_bytes()[..6]);
        attribute[at + 7] = 0;
    });
}

#[test]
fn great_holes_do_not_hold_it_up() {
    let Some(sample) = sample::ours() else { return };
    let many = sample.named("many");
    for (record, kind, name) in [
        (0, 0x80, ""),
        (0, 0xb0, ""),
        (1, 0x80, ""),
        (4, 0x80, ""),
        (6, 0x80, ""),
        (8, 0x80, "$Bad"),
        (9, 0x80, "$SDS"),
        (10, 0x80, ""),
        (many, 0xa0, "$I30"),
        (sample.named("linked"), 0x20, ""),
        (sample.named("data"), 0x80, ""),
    ] {
        let mut damaged = sample.clone();
        great_hole(&mut damaged, record, kind, name);
        let what = format!("{kind:#x}:{name} of record {record}");
        let damage = check(damaged.bytes, &what);
        assert!(damage.is_none_or(|damage| damage > 0), "{what}");
    }
}

/// Every record in use says that all of the volume is its own.
#[test]
fn very_many_owners_do_not_hold_it_up() {
    let Some(sample) = sample::ours() else { return };
    let clusters = (sample.geometry.clusters() - 1) as u16;
    let mut damaged = sample.clone();
    let number = sample.named("data");
    damaged.attribute(number, 0x80, "", |attribute| {
        let at = usize::from(sample::u16_at(attribute, 0x20));
        let [low, high] = clusters.to_le_bytes();
        attribute[at..at + 5].copy_from_slice(&[0x12, low, high, 1, 0]);
    });
    let raw = damaged.record_place(number);
    let raw = damaged.bytes[raw.offset..raw.offset + raw.size].to_vec();
    let mft = damaged.runs(0, 0x80, "");
    let records = run_list::end(&mft).0 * u64::from(sample.geometry.cluster_size) / 1024;
    for other in 64..records {
        let at = damaged.offset(&mft, other * 1024);
        damaged.bytes[at..at + 1024].copy_from_slice(&raw);
    }
    assert!(check(damaged.bytes, "shared by all").is_some_and(|damage| damage > 100));
}
