//! Volumes that Windows did not put away.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use winkiln_disk::partition::read_table;

use crate::disk::{self, FIRST};
use crate::guest::{Guest, Os, put};
use crate::real_hives::unpacked;

/// The head of a memory image: its signature, and what follows it in all of them.
fn memory_image() -> Vec<u8> {
    let mut bytes = vec![0xA5; 8192];
    bytes[..4].copy_from_slice(b"HIBR");
    bytes
}

#[test]
fn a_saved_session_is_given_up_only_when_asked() {
    let Some(guest) = Guest::new(Os::Seven) else { return };
    guest.apply(&[put(1, r"\hiberfil.sys", &memory_image())]);
    guest.is_found(None, "hibernated");
    let named = winkiln_doctor::Selection { safe: false, rules: vec!["hibernated".into()] };
    guest.treat(None, &named);
    guest.is_healthy(None);
}

#[test]
fn a_dirty_flag_is_told() {
    let Some(guest) = Guest::new(Os::Xp) else { return };
    let mut session = guest.open(winkiln_volume::Remedies::default());
    let start = read_table(&**session.disk().device()).unwrap().partitions[0].start;
    drop(session);
    let image = File::options().read(true).write(true).open(guest.image()).unwrap();
    let mut record = vec![0; 1024];
    let mut boot = [0; 512];
    image.read_exact_at(&mut boot, start).unwrap();
    let cluster = u64::from(boot[13]) * 512;
    // $Volume is file record 3, in the table and in its mirror; its $VOLUME_INFORMATION has type 0x70.
    for table in [0x30, 0x38] {
        let first = u64::from_le_bytes(boot[table..table + 8].try_into().unwrap()) * cluster;
        let at = start + first + 3 * 1024;
        image.read_exact_at(&mut record, at).unwrap();
        let mut attribute = usize::from(u16::from_le_bytes([record[0x14], record[0x15]]));
        while record[attribute] != 0x70 {
            let length = record[attribute + 4..attribute + 8].try_into().unwrap();
            attribute += u32::from_le_bytes(length) as usize;
        }
        let value = attribute + usize::from(record[attribute + 0x14]);
        record[value + 10] |= 1;
        image.write_all_at(&record, at).unwrap();
    }
    guest.is_told(None, "volume-dirty", "Windows checks the volume");
}

/// A copy of the boot sector that is another volume's.
#[test]
fn a_volume_that_cannot_be_edited_is_told() {
    let Some(guest) = Guest::new(Os::Seven) else { return };
    let image = File::open(guest.image()).unwrap();
    let mut sector = [0; 512];
    image.read_exact_at(&mut sector, FIRST * 512).unwrap();
    let sectors = u64::from_le_bytes(sector[0x28..0x30].try_into().unwrap());
    // Where the file table begins.
    disk::poke(&guest.image(), (FIRST + sectors) * 512 + 0x30, &[sector[0x30] ^ 1]);
    guest.is_told(None, "volume-state", "winkiln check");
}

/// A data volume that Windows itself left with updates in its log.
#[test]
fn updates_in_a_log_are_finished() {
    let Some(guest) = Guest::new(Os::Seven) else { return };
    let Some(volume) = unpacked("ntfs/win-links-junction-ads.vol.raw") else { return };
    let start = std::fs::metadata(guest.image()).unwrap().len().next_multiple_of(1 << 20);
    let image = File::options().write(true).open(guest.image()).unwrap();
    image.set_len(start + volume.len() as u64).unwrap();
    disk::write_sparse(&image, &volume, start);
    let sector = |bytes: u64| u32::try_from(bytes / 512).unwrap().to_le_bytes();
    let ends = [[0, 0, 0, 0, 7, 0xFE, 0xFF, 0xFF].as_slice(), &sector(start)].concat();
    disk::poke(&guest.image(), 446 + 16, &[ends, sector(volume.len() as u64).to_vec()].concat());
    guest.is_found(None, "log-not-clean");
    guest.treat(None, &winkiln_doctor::Selection { safe: true, rules: Vec::new() });
    guest.is_healthy(None);
}
