//! Faults of the boot configuration and of what it starts.

use std::os::unix::fs::FileExt as _;

use winkiln_bake::{Session, SessionOptions, Step};
use winkiln_boot::bcd::ElementValue;
use winkiln_doctor::{Selection, Target, diagnose};
use winkiln_hive::ValueType;
use winkiln_volume::Remedies;

use crate::disk::FIRST;

use crate::guest::{Guest, LOADER, Os, dword, full, put, remove, text};
use crate::small_guest::{X86, program};

pub(crate) fn set(object: &str, element: &str, value: &str) -> Step {
    Step::BcdSet { object: object.into(), element: element.into(), value: value.into() }
}

#[test]
fn flags_left_on_are_taken_off() {
    for os in [Os::Seven, Os::Ten] {
        for (steps, rule) in [
            (vec![set(LOADER, "safeboot", "Minimal")], "safe-mode"),
            (
                vec![
                    set(LOADER, "safeboot", "Network"),
                    set(LOADER, "safebootalternateshell", "on"),
                ],
                "safe-mode",
            ),
            (vec![set(LOADER, "debug", "on")], "kernel-debug"),
            (vec![set("{bootmgr}", "bootdebug", "on")], "kernel-debug"),
        ] {
            let Some(guest) = Guest::new(os) else { return };
            guest.apply(&steps);
            guest.is_repaired(None, rule, true);
        }
    }
    for (switches, rule) in [
        (&["/safeboot:minimal"][..], "safe-mode"),
        (&["/debug", "/debugport=com1", "/baudrate=115200"], "kernel-debug"),
    ] {
        let Some(guest) = Guest::new(Os::Xp) else { return };
        let add = |switch: &&str| Step::BootIniAddSwitch { entry: None, switch: (*switch).into() };
        guest.apply(&switches.iter().map(add).collect::<Vec<_>>());
        guest.is_repaired(None, rule, true);
    }
}

/// Removes files of a volume.
fn without(os: Os, files: &[(u32, &str)]) -> Option<Guest> {
    let guest = Guest::new(os)?;
    guest.apply(&files.iter().map(|(volume, path)| remove(*volume, path)).collect::<Vec<_>>());
    Some(guest)
}

#[test]
fn missing_boot_files_come_from_the_guests_own_copies() {
    let copy = r"\Windows\Boot\PCAT\bootmgr";
    let Some(guest) = without(Os::Seven, &[(1, r"\bootmgr"), (1, copy)]) else { return };
    guest.is_told(None, "boot-file-missing", "no other copy");
    guest.apply(&[put(1, copy, b"another bootmgr")]);
    guest.is_repaired(None, "boot-file-missing", true);

    let Some(guest) = without(Os::Ten, &[(1, r"\EFI\Microsoft\Boot\bootmgfw.efi")]) else { return };
    guest.is_repaired(None, "boot-file-missing", true);
    guest.apply(&[remove(1, r"\EFI\Boot\bootx64.efi")]);
    guest.is_repaired(None, "efi-fallback-missing", true);
    guest.apply(&[remove(2, r"\Windows\System32\winload.efi")]);
    guest.is_told(None, "boot-file-missing", "no other copy");
    guest.apply(&[put(2, r"\Windows\System32\Boot\winload.efi", b"MZ")]);
    guest.is_repaired(None, "boot-file-missing", true);

    for name in ["ntldr", "NTDETECT.COM"] {
        let Some(guest) = without(Os::Xp, &[(1, &format!("\\{name}"))]) else { return };
        guest.is_told(None, "boot-file-missing", "no other copy");
        guest.apply(&[put(1, &format!(r"\Windows\ServicePackFiles\i386\{name}"), b"MZ")]);
        guest.is_repaired(None, "boot-file-missing", true);
    }
    let Some(guest) = without(Os::Xp, &[(1, r"\Windows\System32\hal.dll")]) else { return };
    guest.is_told(None, "boot-file-missing", "no other copy");
}

#[test]
fn a_missing_or_damaged_boot_configuration_is_told() {
    let Some(guest) = without(Os::Xp, &[(1, r"\boot.ini")]) else { return };
    guest.is_repaired(None, "boot-config-missing", true);
    guest.apply(&[put(1, r"\boot.ini", b"[boot loader]\r\n")]);
    guest.is_repaired(None, "boot-config-damaged", false);
    for (os, store) in [(Os::Seven, r"\Boot\BCD"), (Os::Ten, r"\EFI\Microsoft\Boot\BCD")] {
        let Some(guest) = without(os, &[(1, store)]) else { return };
        guest.is_repaired(None, "boot-config-missing", true);
        guest.apply(&[put(1, store, b"no store at all")]);
        guest.is_repaired(None, "boot-config-damaged", false);
        // One without a loader of Windows, while hives are edited too.
        let Some(mut session) = Some(guest.open(Remedies::default())) else { return };
        let (registry, disk) = session.registry().unwrap();
        let hive = registry.hive(disk, &winkiln_guest::HiveName::Bcd).unwrap();
        let loader = winkiln_boot::bcd::windows_loaders(hive).unwrap().remove(0);
        drop(session);
        guest.apply(&[
            Step::BcdDeleteObject { object: loader, cleanup: true },
            dword(r"Services\partmgr\Parameters", "SanPolicy", 3),
        ]);
        let rules = ["boot-default-missing", "disks-offline"].map(str::to_owned).to_vec();
        let treated = guest.treat(None, &Selection { safe: true, rules });
        assert_eq!(treated.left.findings, [], "{:#?}", treated.repaired);
        guest.is_healthy(None);
    }
}

#[test]
fn a_disk_that_only_a_scsi_driver_knows_needs_it() {
    let Some(guest) = Guest::new(Os::Xp) else { return };
    let ini = "[boot loader]\r\ntimeout=30\r\ndefault=scsi(0)disk(0)rdisk(0)partition(1)\\WINDOWS\r\n\
        [operating systems]\r\nscsi(0)disk(0)rdisk(0)partition(1)\\WINDOWS=\"XP\"\r\n";
    guest.apply(&[put(1, r"\boot.ini", ini.as_bytes())]);
    guest.is_told(None, "boot-file-missing", "no other copy");
    guest.apply(&[put(1, r"\ntbootdd.sys", b"stands for a driver")]);
    guest.is_healthy(None);
}

#[test]
fn entries_lead_to_the_windows_that_is_there() {
    let Some(guest) = Guest::new(Os::Xp) else { return };
    let ini = |default: u32, entry: u32| {
        let arc = |n| format!("multi(0)disk(0)rdisk(0)partition({n})\\WINDOWS");
        let text = format!(
            "[boot loader]\r\ntimeout=30\r\ndefault={}\r\n[operating systems]\r\n{}=\"XP\" /fastdetect\r\n",
            arc(default),
            arc(entry)
        );
        put(1, r"\boot.ini", text.as_bytes())
    };
    guest.apply(&[ini(3, 3)]);
    guest.is_repaired(None, "boot-entry-elsewhere", true);
    // Another entry of this disk is told, one of another disk is not.
    for (disk, healthy) in [(0, false), (1, true)] {
        let others = format!(
            "[boot loader]\r\ntimeout=30\r\ndefault=multi(0)disk(0)rdisk(0)partition(1)\\WINDOWS\r\n\
             [operating systems]\r\nmulti(0)disk(0)rdisk(0)partition(1)\\WINDOWS=\"XP\"\r\n\
             multi(0)disk(0)rdisk({disk})partition(2)\\WINNT=\"2000\"\r\n\
             C:\\CMDCONS\\BOOTSECT.DAT=\"Console\" /cmdcons\r\n"
        );
        guest.apply(&[put(1, r"\boot.ini", others.as_bytes())]);
        if healthy {
            guest.is_healthy(None);
        } else {
            guest.is_told(None, "boot-entry-elsewhere", "nothing to do");
        }
    }
    guest.apply(&[ini(3, 1)]);
    guest.is_repaired(None, "boot-default-missing", true);
    // Which disks the guest will have nobody knows.
    let other = "[boot loader]\r\ndefault=multi(0)disk(0)rdisk(1)partition(1)\\WINDOWS\r\n\
        [operating systems]\r\nmulti(0)disk(0)rdisk(1)partition(1)\\WINDOWS=\"XP\"\r\n";
    guest.apply(&[put(1, r"\boot.ini", other.as_bytes())]);
    guest.is_repaired(None, "boot-entry-elsewhere", false);

    for os in [Os::Seven, Os::Ten] {
        let Some(guest) = Guest::new(os) else { return };
        guest.apply(&[Step::BcdDelete { object: "{bootmgr}".into(), element: "default".into() }]);
        guest.is_repaired(None, "boot-default-missing", true);
        let default =
            r"HKLM\BCD00000000\Objects\{9dea862c-5cdd-4e70-acc1-f32b344d4795}\Elements\23000003";
        let gone = "{12345678-0000-0000-0000-000000000000}";
        guest.apply(&[text(default, "Element", ValueType::Sz, gone)]);
        guest.is_repaired(None, "boot-default-missing", true);
    }
}

#[test]
fn secure_boot_and_test_signing_do_not_go_together() {
    let Some(guest) = Guest::new(Os::Ten) else { return };
    guest.apply(&[set(LOADER, "testsigning", "on")]);
    guest.is_healthy(None);
    guest.apply(&[dword(r"Control\SecureBoot\State", "UEFISecureBootEnabled", 1)]);
    guest.is_repaired(None, "secure-boot", false);
}

/// A HAL with a version resource that says what it was called.
pub(crate) fn hal(name: &str) -> Vec<u8> {
    let text = format!("OriginalFilename\0\0{name}\0");
    let mut bytes = program(X86, &[]);
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

#[test]
fn the_hal_is_the_one_that_was_set_up() {
    let Some(guest) = Guest::new(Os::Xp) else { return };
    let file = r"\Windows\System32\hal.dll";
    guest.apply(&[put(1, file, &hal("halmacpi.dll"))]);
    guest.is_healthy(None);
    guest.apply(&[put(1, file, &hal("halacpi.dll"))]);
    guest.is_told(None, "hal-mismatch", "halmacpi.dll");
    let ids = r"Enum\Root\PCI_HAL\0000";
    guest.apply(&[
        put(1, file, &hal("hal.dll")),
        Step::DeleteKey { key: full(r"Enum\Root\ACPI_HAL") },
        text(ids, "HardwareID", ValueType::MultiSz, "e_isa_up\0"),
    ]);
    guest.is_healthy(None);
    guest.is_told(Some(Target::VirtioBlk), "hal-mismatch", "acpi=0");
}

/// The disk gets another signature, or the disk and its partitions other GUIDs, as cloning does.
#[test]
fn a_cloned_disk_is_made_consistent() {
    for os in [Os::Seven, Os::Ten] {
        let Some(guest) = Guest::new(os) else { return };
        crate::disk::give_new_identity(&guest.image(), os == Os::Ten);
        guest.is_repaired(None, "boot-entry-elsewhere", true);
    }
}

/// All that a store of Windows has: a resume loader, the memory tester, a recovery environment on a ramdisk with its options, a
/// program that is searched for; and drive letters.
#[test]
fn a_cloned_disk_with_all_that_windows_has_is_made_consistent() {
    for os in [Os::Seven, Os::Ten] {
        let Some(guest) = Guest::new(os) else { return };
        let [resume, recovery, options, searched] =
            [1, 2, 3, 4].map(|n| format!("{{00000000-0000-4000-8000-00000000000{n}}}"));
        let create = |object: &str, kind: u32| Step::BcdCreate {
            object: object.into(),
            kind,
            description: Some("x".into()),
        };
        let here = format!("partition={}", os.volume());
        let wim = format!(r"ramdisk=[{}]\Recovery\Winre.wim,{options}", os.volume());
        guest.apply(&[
            create(&resume, 0x1020_0004),
            set(&resume, "device", &here),
            set(&resume, "filedevice", &here),
            set(&resume, "filepath", r"\hiberfil.sys"),
            create("{memdiag}", 0x1020_0005),
            set("{memdiag}", "device", "partition=1"),
            set("{bootmgr}", "device", "partition=1"),
            create(&options, 0x3000_0000),
            set(&options, "ramdisksdidevice", &here),
            set(&options, "ramdisksdipath", r"\Recovery\boot.sdi"),
            create(&recovery, 0x1020_0003),
            set(&recovery, "device", &wim),
            set(&recovery, "osdevice", &wim),
            set(&recovery, "winpe", "on"),
            create(&searched, 0x1020_0003),
            set(&searched, "device", r"locate=\elsewhere"),
            set(LOADER, "resumeobject", &resume),
            set(LOADER, "recoverysequence", &recovery),
            put(os.volume(), r"\Recovery\Winre.wim", b"stands for it"),
            put(os.volume(), r"\Recovery\boot.sdi", b"stands for it"),
            Step::SetValue {
                key: r"HKLM\SYSTEM\MountedDevices".into(),
                name: r"\DosDevices\C:".into(),
                kind: ValueType::Binary,
                data: crate::disk::mounted_device(&guest.image(), os.volume()),
            },
        ]);
        guest.is_healthy(None);
        // Every device with the volume that it names.
        let devices = |guest: &Guest| {
            let mut session = guest.open(Remedies::default());
            let (registry, disk) = session.registry().unwrap();
            let table = disk.table().clone();
            let store = registry.hive(disk, &winkiln_guest::HiveName::Bcd).unwrap();
            let mut found = Vec::new();
            for object in winkiln_boot::bcd::objects(store).unwrap() {
                for element in object.elements {
                    let ElementValue::Device(device) = &element.value else { continue };
                    let volumes: Vec<_> = device
                        .partitions()
                        .into_iter()
                        .map(|named| winkiln_guest::named_volume(&table, named))
                        .collect();
                    found.push((object.guid.clone(), element.id, volumes));
                }
            }
            found
        };
        let before = devices(&guest);
        let (all, none) = (before.len(), [vec![None], Vec::new()]);
        assert!(before.iter().filter(|device| none.contains(&device.2)).count() == 1, "{before:?}");
        crate::disk::give_new_identity(&guest.image(), os == Os::Ten);
        let lost = devices(&guest);
        assert_eq!(lost.iter().filter(|device| none.contains(&device.2)).count(), all, "{lost:?}");
        let treated = guest.treat(None, &Selection { safe: true, rules: Vec::new() });
        assert_eq!(treated.left.findings, [], "{os:?}: {:#?}", treated.repaired);
        assert_eq!(devices(&guest), before, "{os:?}");
        guest.is_healthy(None);
    }
}

#[test]
fn what_a_bios_starts_is_put_right() {
    for os in [Os::Xp, Os::Seven] {
        let Some(guest) = Guest::new(os) else { return };
        // The first entry's flag.
        crate::disk::poke(&guest.image(), 446, &[0]);
        guest.is_repaired(None, "active-partition", true);
        crate::disk::poke_boot_sector(&guest.image(), 0x1C, &63_u32.to_le_bytes());
        guest.is_repaired(None, "boot-sector", true);
        // Its copy has the code that the sector lost.
        crate::disk::poke(&guest.image(), FIRST * 512 + 0x54, &[0; 0x1FE - 0x54]);
        guest.is_repaired(None, "boot-code-missing", true);
        crate::disk::poke_boot_sector(&guest.image(), 0x54, &[0; 0x1FE - 0x54]);
        guest.is_told(None, "boot-code-missing", "fixboot");
    }
}

#[test]
fn a_copy_of_a_boot_sector_without_a_volume_is_none() {
    // Without a file table, the copy is what somebody left behind.
    let Some(guest) = Guest::new(Os::Xp) else { return };
    let mut table = [0; 8];
    let image = std::fs::File::open(guest.image()).unwrap();
    image.read_exact_at(&mut table, FIRST * 512 + 0x30).unwrap();
    let at = FIRST * 512 + u64::from_le_bytes(table) * 4096;
    crate::disk::poke(&guest.image(), at, &[0; 4]);
    crate::disk::poke(&guest.image(), FIRST * 512, &[0; 512]);
    let options = SessionOptions { now: crate::NOW, ..SessionOptions::default() };
    let mut session = Session::open_read_only(&guest.image(), &options).unwrap();
    let found = diagnose(&mut session, None);
    assert!(found.is_err(), "{found:?}");
}

/// A table that was made for 16 heads of 63 sectors, and a boot sector that was not: Windows XP alone reckons with it.
#[test]
fn the_geometry_is_that_of_the_disk_for_windows_xp() {
    for os in [Os::Xp, Os::Seven] {
        let Some(guest) = Guest::new(os) else { return };
        let mut entry = [0; 16];
        let image = std::fs::File::open(guest.image()).unwrap();
        image.read_exact_at(&mut entry, 446).unwrap();
        let word = |at: usize| u32::from_le_bytes(entry[at..at + 4].try_into().unwrap());
        // The last sector of a track, the last track of a cylinder: the partition is cut to that, which its volume allows.
        let cylinders = (word(8) + word(12)) / (16 * 63) + 1;
        let sectors = cylinders * 16 * 63 - word(8);
        let end = [15, 63 | ((cylinders - 1) >> 8 << 6) as u8, (cylinders - 1) as u8];
        crate::disk::poke(&guest.image(), 446 + 5, &end);
        crate::disk::poke(&guest.image(), 446 + 12, &sectors.to_le_bytes());
        let disk = std::fs::File::options().write(true).open(guest.image()).unwrap();
        disk.set_len(u64::from(word(8) + sectors) * 512).unwrap();
        guest.is_healthy(None);
        crate::disk::poke_boot_sector(&guest.image(), 0x1A, &255_u16.to_le_bytes());
        if os == Os::Xp {
            guest.is_repaired(None, "boot-sector", true);
        } else {
            guest.is_healthy(None);
        }
    }
}

/// Drive letters follow the disk, too: that of Windows by itself, others by the store or by their place.
#[test]
fn drive_letters_of_a_cloned_disk_follow() {
    for os in [Os::Xp, Os::Seven, Os::Ten] {
        let Some(guest) = Guest::new(os) else { return };
        let key = r"HKLM\SYSTEM\MountedDevices";
        let value = |name: &str, data: Vec<u8>| Step::SetValue {
            key: key.into(),
            name: name.into(),
            kind: ValueType::Binary,
            data,
        };
        let read = |guest: &Guest| {
            let mut session = guest.open(Remedies::default());
            let mut values = session.values(key).unwrap();
            values.sort_by(|one, other| one.name.cmp(&other.name));
            values.into_iter().map(|value| value.data).collect::<Vec<_>>()
        };
        let volume = os.volume();
        let own = || crate::disk::mounted_device(&guest.image(), volume);
        let other = b"_??_USBSTOR#Disk".to_vec();
        let stranger = [0x11; 12].to_vec();
        guest.apply(&[
            value(r"\DosDevices\C:", own()),
            value(r"\??\Volume{0b0b0b0b-0000-0000-0000-000000000000}", own()),
            value(r"\DosDevices\E:", stranger.clone()),
            value(r"\DosDevices\F:", other.clone()),
        ]);
        guest.is_healthy(None);
        crate::disk::give_new_identity(&guest.image(), os == Os::Ten);
        if os == Os::Xp {
            guest.is_repaired(None, "drive-letters", true);
        } else {
            let treated = guest.treat(None, &Selection { safe: true, rules: Vec::new() });
            assert_eq!(treated.left.findings, [], "{:#?}", treated.repaired);
            let rules: Vec<&str> = treated.repaired.iter().map(|one| one.rule).collect();
            assert!(rules.contains(&"drive-letters") && rules.contains(&"boot-entry-elsewhere"));
            guest.is_healthy(None);
        }
        assert_eq!(read(&guest), [own(), own(), stranger, other], "{os:?}");
    }
}

/// NTLDR reads bytes: what an editor saved as UTF-16 is written in the guest's code page.
#[test]
fn a_boot_ini_in_utf16_is_written_as_bytes() {
    let Some(guest) = Guest::new(Os::Xp) else { return };
    let text = |name: &str| {
        format!(
            "[boot loader]\r\ntimeout=5\r\ndefault=multi(0)disk(0)rdisk(0)partition(1)\\WINDOWS\r\n\
             [operating systems]\r\nmulti(0)disk(0)rdisk(0)partition(1)\\WINDOWS=\"{name}\" /fastdetect\r\n"
        )
    };
    let utf16 = |name: &str| {
        let units = std::iter::once(0xFEFF).chain(text(name).encode_utf16().collect::<Vec<_>>());
        put(1, r"\boot.ini", &units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
    };
    let written = |guest: &Guest| {
        let mut session = guest.open(Remedies::default());
        session.disk().volume(1).unwrap().read(r"\boot.ini", 4096).unwrap()
    };
    let bytes = |name: &[u8]| {
        let text = text("@");
        let (before, after) = text.split_once('@').unwrap();
        [before.as_bytes(), name, after.as_bytes()].concat()
    };
    guest.apply(&[utf16("Windows XP")]);
    guest.is_repaired(None, "boot-config-damaged", true);
    assert_eq!(written(&guest), bytes(b"Windows XP"));
    // A letter that the code page is not known to have is given up only when asked.
    let russian = "\u{41F}\u{430}";
    guest.apply(&[utf16(russian)]);
    guest.is_repaired(None, "boot-config-damaged", false);
    assert_eq!(written(&guest), bytes(b"??"));
    guest.apply(&[utf16(russian), text_value(r"Control\Nls\CodePage", "OEMCP", "866")]);
    guest.is_repaired(None, "boot-config-damaged", true);
    assert_eq!(written(&guest), bytes(b"\x8F\xA0"));
}

fn text_value(key: &str, name: &str, value: &str) -> Step {
    text(key, name, ValueType::Sz, value)
}

/// Above 8.4 GB a BIOS tells of 255 heads and 63 sectors, whatever the partition table was made for.
#[test]
fn the_geometry_of_large_disks_is_that_of_every_bios() {
    let Some(guest) = Guest::new(Os::Xp) else { return };
    let disk = std::fs::File::options().write(true).open(guest.image()).unwrap();
    disk.set_len(9_000_000_000_u64.next_multiple_of(512)).unwrap();
    let found = guest.is_found(None, "boot-sector");
    assert!(found.findings[0].expected.starts_with("255 heads, 63 sectors"), "{found:?}");
    guest.is_repaired(None, "boot-sector", true);
}
