//! Faults of the boot configuration and of what it starts.

use winkiln_bake::Step;
use winkiln_doctor::Target;
use winkiln_hive::ValueType;

use crate::guest::{Guest, LOADER, Os, dword, full, put, remove, text};
use crate::small_guest::{X86, program};

fn set(object: &str, element: &str, value: &str) -> Step {
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
    let Some(guest) = without(Os::Seven, &[(1, r"\Boot\BCD")]) else { return };
    guest.is_told(None, "boot-config-missing", "winkiln bcd create");
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
    guest.apply(&[ini(3, 1)]);
    guest.is_repaired(None, "boot-default-missing", true);

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
fn hal(name: &str) -> Vec<u8> {
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

#[test]
fn what_a_bios_starts_is_put_right() {
    for os in [Os::Xp, Os::Seven] {
        let Some(guest) = Guest::new(os) else { return };
        // The first entry's flag.
        crate::disk::poke(&guest.image(), 446, &[0]);
        guest.is_repaired(None, "active-partition", true);
        crate::disk::poke_boot_sector(&guest.image(), 0x1C, &63_u32.to_le_bytes());
        guest.is_repaired(None, "boot-sector", true);
    }
}
