//! Faults of the boot configuration store: what starts by itself, and what devices mean.

use winkiln_bake::Step;
use winkiln_boot::bcd::{self, Device, ElementValue, PartitionRef, Place};
use winkiln_doctor::{Selection, Severity};
use winkiln_hive::ValueType;

use crate::boot_faults::set;
use crate::disk::{self, FIRST, SIGNATURE};
use crate::guest::{Guest, LOADER, Os, put, read};

const LOW: &str = "{00000000-0000-0000-0000-000000000001}";
const DEFAULT: &str =
    r"HKLM\BCD00000000\Objects\{9dea862c-5cdd-4e70-acc1-f32b344d4795}\Elements\23000003";
const SIZE: u64 = 1 << 20;

fn mbr(signature: u32, offset: u64) -> PartitionRef {
    PartitionRef::Mbr { signature, offset }
}

/// Without a default entry the first of the menu starts. An entry that comes first by its GUID alone is not made the default.
#[test]
fn the_first_of_the_menu_starts_without_a_default() {
    let Some(guest) = Guest::new(Os::Seven) else { return };
    let stranger = format!("partition={}", mbr(0xBAD, 9 << 30).identity());
    let order = |entries: &[&str]| Step::BcdOrder {
        list: bcd::OrderList::Display,
        edit: bcd::OrderEdit::Set,
        entries: entries.iter().map(|entry| (*entry).to_owned()).collect(),
    };
    let no_default = || Step::BcdDelete { object: "{bootmgr}".into(), element: "default".into() };
    guest.apply(&[
        Step::BcdCopy { object: LOADER.into(), guid: LOW.into(), description: None },
        set(LOW, "device", &stranger),
        set(LOW, "osdevice", &stranger),
        no_default(),
    ]);
    let severity = |guest: &Guest| guest.diagnose(None).findings[0].severity;
    assert_eq!(severity(&guest), Severity::Note);
    guest.is_repaired(None, "boot-default-missing", true);
    for (menu, severe) in [(&[LOW, LOADER][..], Severity::Note), (&[], Severity::Stops)] {
        guest.apply(&[order(menu), no_default()]);
        assert_eq!(severity(&guest), severe, "{menu:?}");
        // Nobody can tell which one is to start.
        guest.is_repaired(None, "boot-default-missing", false);
        let chosen: Vec<u8> = LOADER.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&guest, DEFAULT, "Element"), chosen, "{menu:?}");
    }
}

/// Devices that no text tells in full are pointed at the partition all the same, and keep the rest.
#[test]
fn devices_keep_what_no_text_tells() {
    let Some(guest) = Guest::new(Os::Seven) else { return };
    guest.apply(&[put(1, r"\w.vhd", b"stands for a disk")]);
    let key = format!(r"HKLM\BCD00000000\Objects\{LOADER}\Elements\11000001");
    let places = |partition: PartitionRef| {
        let on = Place::Partition(partition);
        let path = r"\w.vhd".to_owned();
        let file = Box::new(Place::File(Box::new(bcd::FilePlace { device: on.clone(), path })));
        [
            Device::with_options(on, Some([3; 16])),
            Device::new(Place::Vhd { disk: [5; 20], file: file.clone() }),
            Device::new(Place::VirtualPartition { partition: mbr(7, 1 << 16), file }),
        ]
        .map(|device| bcd::encode(&ElementValue::Device(device)).1)
    };
    let (old, new) = (places(mbr(0xBAD, FIRST * 512)), places(mbr(SIGNATURE, FIRST * 512)));
    for (old, new) in old.into_iter().zip(new) {
        let (name, kind) = ("Element".to_owned(), ValueType::Binary);
        guest.apply(&[Step::SetValue { key: key.clone(), name, kind, data: old }]);
        guest.is_repaired(None, "boot-entry-elsewhere", true);
        assert_eq!(read(&guest, &key, "Element"), new);
    }
}

/// Adds a partition, and puts the first bytes of an encrypted volume there. Returns where it begins.
fn add_encrypted(guest: &Guest) -> u64 {
    let image = guest.image();
    let start = std::fs::metadata(&image).unwrap().len().next_multiple_of(1 << 20);
    let file = std::fs::File::options().write(true).open(&image).unwrap();
    file.set_len(start + SIZE).unwrap();
    disk::poke(&image, start, b"\xEB\x58\x90-FVE-FS-");
    let sectors = |bytes: u64| u32::try_from(bytes / 512).unwrap().to_le_bytes();
    let entry = [&[0, 0, 0, 0, 7, 0xFE, 0xFF, 0xFF], &sectors(start)[..], &sectors(SIZE)].concat();
    disk::poke(&image, 446 + 16, &entry);
    start
}

/// An encrypted volume may hold the Windows that is meant: nothing is moved off it.
#[test]
fn an_encrypted_volume_is_not_taken_for_one_without_windows() {
    let Some(guest) = Guest::new(Os::Seven) else { return };
    let start = add_encrypted(&guest);
    guest.is_healthy(None);
    guest.apply(&[set(LOADER, "osdevice", "partition=2")]);
    guest.is_told(None, "boot-entry-elsewhere", "nothing to do");
    // By its name of before the disk was cloned, too.
    let former = format!("partition={}", mbr(0xBAD, start).identity());
    guest.apply(&[set(LOADER, "device", &former), set(LOADER, "osdevice", &former)]);
    guest.is_told(None, "boot-entry-elsewhere", "partition=N");
    let untouched = guest.treat(None, &Selection { safe: true, rules: Vec::new() });
    assert_eq!(untouched.repaired, []);
    // What lies elsewhere is told by its place still.
    let former = format!("partition={}", mbr(0xBAD, FIRST * 512).identity());
    guest.apply(&[set(LOADER, "device", &former), set(LOADER, "osdevice", &former)]);
    guest.is_repaired(None, "boot-entry-elsewhere", true);
}

/// Two entries that lead nowhere never come to start the same Windows, and no drive letter follows one of them there.
#[test]
fn a_windows_is_what_one_entry_meant() {
    let Some(guest) = Guest::new(Os::Seven) else { return };
    let mounted = r"HKLM\SYSTEM\MountedDevices";
    let own = disk::mounted_device(&guest.image(), 1);
    let stranger = [0xBAD_u32.to_le_bytes().as_slice(), &(9_u64 << 30).to_le_bytes()].concat();
    let letter = |name: &str, data: &[u8]| Step::SetValue {
        key: mounted.into(),
        name: format!(r"\DosDevices\{name}:"),
        kind: ValueType::Binary,
        data: data.to_vec(),
    };
    let gone = format!("partition={}", mbr(0xBAD, 9 << 30).identity());
    guest.apply(&[
        Step::BcdCopy { object: LOADER.into(), guid: LOW.into(), description: None },
        set(LOW, "device", &gone),
        set(LOW, "osdevice", &gone),
        letter("C", &own),
        letter("D", &stranger),
    ]);
    guest.is_healthy(None);
    disk::give_new_identity(&guest.image(), false);
    let treated = guest.treat(None, &Selection { safe: true, rules: Vec::new() });
    assert_eq!(treated.left.findings, [], "{:#?}", treated.repaired);
    let letters = ["C", "D"].map(|name| read(&guest, mounted, &format!(r"\DosDevices\{name}:")));
    assert_eq!(letters, [disk::mounted_device(&guest.image(), 1), stranger]);
    let element = |object: &str| {
        read(&guest, &format!(r"HKLM\BCD00000000\Objects\{object}\Elements\21000001"), "Element")
    };
    assert_ne!(element(LOW), element(LOADER));
}
