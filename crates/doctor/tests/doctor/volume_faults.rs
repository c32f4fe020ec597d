//! Volumes that Windows did not put away.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use winkiln_disk::partition::read_table;

use crate::disk;
use crate::guest::{Guest, Os};
use crate::real_hives::unpacked;

/// The head of a memory image: its signature, and what follows it in all of them.
pub(crate) fn memory_image() -> Vec<u8> {
    let mut bytes = vec![0xA5; 8192];
    bytes[..4].copy_from_slice(b"HIBR");
    bytes
}

/// Sets the flag by which Windows is to check the volume.
pub(crate) fn set_dirty(guest: &Guest) -> bool {
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
    true
}

/// Adds a data volume that Windows itself left with updates in its log; false where the corpus is missing.
pub(crate) fn with_unclean_log(guest: &Guest) -> bool {
    let Some(volume) = unpacked("ntfs/win-links-junction-ads.vol.raw") else { return false };
    let start = std::fs::metadata(guest.image()).unwrap().len().next_multiple_of(1 << 20);
    let image = File::options().write(true).open(guest.image()).unwrap();
    image.set_len(start + volume.len() as u64).unwrap();
    disk::write_sparse(&image, &volume, start);
    let sector = |bytes: u64| u32::try_from(bytes / 512).unwrap().to_le_bytes();
    let ends = [[0, 0, 0, 0, 7, 0xFE, 0xFF, 0xFF].as_slice(), &sector(start)].concat();
    disk::poke(&guest.image(), 446 + 16, &[ends, sector(volume.len() as u64).to_vec()].concat());
    true
}

/// Nothing is put in the place of a file of which nobody can tell whether it is there, not even by naming the rule.
#[test]
fn files_that_cannot_be_read_are_told_and_never_replaced() {
    let blk = Some(winkiln_doctor::Target::VirtioBlk);
    for (os, target, file, rule) in [
        (Os::Xp, None, "ntldr", "boot-file-missing"),
        (Os::Xp, None, "boot.ini", "boot-config-damaged"),
        (Os::Seven, None, "BCD", "boot-config-damaged"),
        (Os::Seven, None, "bootmgr", "boot-file-missing"),
        (Os::Ten, None, "winload.efi", "boot-file-missing"),
        (Os::Ten, None, "SAM", "hive-damaged"),
        (Os::Ten, blk, "viostor.sys", "storage-file-missing"),
    ] {
        let Some(guest) = Guest::new(os) else { return };
        disk::damage_files(&guest.image(), file);
        guest.is_told(target, rule, "winkiln check");
    }
}
