//! Boot sectors, broken byte by byte and mended.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;

use winkiln_bake::{Recipe, Report, Step};

use crate::images::bake;
use crate::judge::Guest;

const PARTITION: u64 = 2048 * 512;

fn put(guest: &Guest, at: u64, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).open(&guest.image).unwrap();
    file.write_all_at(bytes, at).unwrap();
}

fn get(guest: &Guest, at: u64) -> [u8; 512] {
    let mut bytes = [0; 512];
    std::fs::File::open(&guest.image).unwrap().read_exact_at(&mut bytes, at).unwrap();
    bytes
}

fn step(guest: &Guest, step: Step) -> Report {
    bake(guest, &Recipe { presets: Vec::new(), steps: vec![step], ..Recipe::default() }, false)
}

#[test]
fn boot_sectors_are_mended_and_brought_back() {
    let Some(guest) = Guest::new("sectors.raw", "xp", "mbr", &[]) else { return };
    let whole = guest.copy("whole.img");
    let sector = get(&guest, PARTITION);
    let sectors = u64::from_le_bytes(*sector[0x28..].first_chunk().unwrap());
    let copy = PARTITION + sectors * 512;

    // A partition that was moved from sector 63, and an active flag that got lost.
    let hidden = 63_u32.to_le_bytes();
    put(&guest, PARTITION + 0x1C, &hidden);
    put(&guest, copy + 0x1C, &hidden);
    put(&guest, 446, &[0]);
    let report = step(&guest, Step::SetActivePartition { number: 1 });
    let change = &report.changes[0];
    assert_eq!((change.kind, &*change.target), ("boot-sector", "master boot record"));
    assert_eq!(change.before.as_deref(), Some("active: none"));
    let report = step(&guest, Step::MendBootSector { volume: 1 });
    let after = report.changes[0].after.as_deref().unwrap_or_default();
    assert!(after.starts_with("hidden sectors 2048,"), "{report:?}");
    assert!(guest.is_as(&whole), "every byte is as it was");
    for again in [Step::SetActivePartition { number: 1 }, Step::MendBootSector { volume: 1 }] {
        assert!(!step(&guest, again).committed);
    }

    put(&guest, PARTITION, &[0; 512]);
    let report = step(&guest, Step::RestoreBootSector { volume: 1 });
    assert!(report.committed, "{report:?}");
    assert_eq!(get(&guest, PARTITION), get(&guest, copy));
    assert!(guest.is_as(&whole), "the copy was the sector");
    assert!(!step(&guest, Step::RestoreBootSector { volume: 1 }).committed);
}
