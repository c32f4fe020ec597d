//! The table of faults: for every rule a guest with exactly that fault, which the rule finds and no other does.

use std::collections::BTreeSet;

use winkiln_bake::Step;
use winkiln_doctor::{RULES, Selection, Target};
use winkiln_hive::ValueType;

use crate::boot_faults::{hal, set};
use crate::disk::{self, FIRST};
use crate::guest::{Guest, LOADER, Os, dword, full, put, remove, text};
use crate::registry_faults::{hive_of, unclean};
use crate::small_guest::{AMD64, X86, program};
use crate::volume_faults::{memory_image, set_dirty, with_unclean_log};

const BLK: Option<Target> = Some(Target::VirtioBlk);
const SELECT: &str = r"HKLM\SYSTEM\Select";
const SETUP: &str = r"HKLM\SYSTEM\Setup";
const CONFIG: &str = r"\Windows\System32\config";
const FILE: &str = r"\Windows\System32\drivers\viostor.sys";
const STORE: &str =
    r"\Windows\System32\DriverStore\FileRepository\viostor.inf_amd64_0123456789abcdef";
const RESTRICTIONS: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\DeviceInstall\Restrictions";

/// What comes of it.
#[derive(Clone, Copy)]
enum Ends {
    /// `--fix` repairs it.
    Safe,
    /// `--fix=RULE` repairs it.
    Asked,
    /// Opening the volumes for editing repairs it.
    ByOpening,
    /// People are told what to do.
    Told(&'static str),
}
use Ends::{Asked, ByOpening, Safe, Told};

/// Makes a guest ill; false where it cannot, for want of a file of the corpus.
type Ill = fn(&Guest) -> bool;

struct Case(&'static str, Os, Option<Target>, Ends, Ill);

fn steps(guest: &Guest, steps: &[Step]) -> bool {
    guest.apply(steps);
    true
}

fn poke(guest: &Guest, at: u64, bytes: &[u8]) -> bool {
    disk::poke(&guest.image(), at, bytes);
    true
}

fn delete(key: &str) -> Step {
    Step::DeleteKey { key: full(key) }
}

fn gone_driver() -> [Step; 3] {
    let gone = r"Services\gone";
    [dword(gone, "Type", 1), dword(gone, "Start", 0), dword(gone, "ErrorControl", 1)]
}

fn filter(class: &str) -> Step {
    text(&format!(r"Control\Class\{class}"), "UpperFilters", ValueType::MultiSz, "gone\0")
}

fn critical(id: &str) -> Step {
    delete(&format!(r"Control\CriticalDeviceDatabase\PCI#VEN_1AF4&DEV_{id}"))
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case("hibernated", Os::Seven, None, ByOpening, |guest| {
        steps(guest, &[put(1, r"\hiberfil.sys", &memory_image())])
    }),
    Case("log-not-clean", Os::Seven, None, ByOpening, with_unclean_log),
    Case("volume-dirty", Os::Xp, None, Told("Windows checks the volume"), set_dirty),
    Case("volume-state", Os::Seven, None, Told("winkiln check"), disk::give_another_copy),
    Case("boot-sector-lost", Os::Xp, None, Asked, |guest| poke(guest, FIRST * 512, &[0; 512])),
    Case("boot-sector-lost", Os::Seven, None, Asked, |guest| poke(guest, FIRST * 512, &[0; 512])),
    Case("mbr-code-missing", Os::Xp, None, Told("fixmbr"), |guest| poke(guest, 0, &[0; 440])),
    Case("mbr-code-missing", Os::Seven, None, Told("fixmbr"), |guest| poke(guest, 0, &[0; 440])),
    Case("active-partition", Os::Xp, None, Safe, |guest| poke(guest, 446, &[0])),
    Case("boot-sector", Os::Seven, None, Safe, |guest| {
        disk::poke_boot_sector(&guest.image(), 0x1C, &63_u32.to_le_bytes());
        true
    }),
    Case("boot-code-missing", Os::Seven, None, Safe, |guest| {
        poke(guest, FIRST * 512 + 0x54, &[0; 0x1FE - 0x54])
    }),
    Case("boot-config-missing", Os::Xp, None, Safe, |guest| steps(guest, &[remove(1, r"\boot.ini")])),
    Case("boot-config-damaged", Os::Xp, None, Asked, |guest| {
        steps(guest, &[put(1, r"\boot.ini", b"[boot loader]\r\n")])
    }),
    Case("boot-default-missing", Os::Seven, None, Safe, |guest| {
        steps(guest, &[Step::BcdDelete { object: "{bootmgr}".into(), element: "default".into() }])
    }),
    Case("boot-entry-elsewhere", Os::Ten, None, Safe, |guest| {
        disk::give_new_identity(&guest.image(), true);
        true
    }),
    Case("boot-file-missing", Os::Seven, None, Safe, |guest| steps(guest, &[remove(1, r"\bootmgr")])),
    Case("boot-file-missing", Os::Ten, None, Told("no other copy"), |guest| {
        steps(guest, &[remove(2, r"\Windows\System32\winload.efi")])
    }),
    Case("efi-fallback-missing", Os::Ten, None, Safe, |guest| {
        steps(guest, &[remove(1, r"\EFI\Boot\bootx64.efi")])
    }),
    Case("hive-missing", Os::Seven, None, Asked, |guest| {
        let copy = hive_of(guest, "SAM");
        let backup = put(1, &format!(r"{CONFIG}\RegBack\SAM"), &copy);
        steps(guest, &[backup, remove(1, &format!(r"{CONFIG}\SAM"))])
    }),
    Case("hive-damaged", Os::Ten, None, Told("no copy in RegBack"), |guest| {
        steps(guest, &[put(2, &format!(r"{CONFIG}\SECURITY"), b"no hive at all")])
    }),
    Case("hive-unclean", Os::Seven, None, Asked, |guest| {
        let hive = unclean(&hive_of(guest, "SAM"));
        steps(guest, &[put(1, &format!(r"{CONFIG}\SAM"), &hive)])
    }),
    Case("control-set-missing", Os::Ten, None, Safe, |guest| {
        steps(guest, &[dword(SELECT, "Default", 7)])
    }),
    Case("control-set-differs", Os::Ten, None, Asked, |guest| {
        let [from, to] = [1, 2].map(|set| format!(r"HKLM\SYSTEM\ControlSet00{set}"));
        steps(guest, &[Step::CopyKey { from, to }, dword(SELECT, "Default", 2)])
    }),
    Case("control-set-failed", Os::Ten, None, Asked, |guest| {
        steps(guest, &[dword(SELECT, "Failed", 1), dword(SELECT, "LastKnownGood", 1)])
    }),
    Case("safe-mode", Os::Ten, None, Safe, |guest| {
        steps(guest, &[set(LOADER, "safeboot", "Minimal")])
    }),
    Case("kernel-debug", Os::Seven, None, Safe, |guest| steps(guest, &[set(LOADER, "debug", "on")])),
    Case("storage-not-bound", Os::Seven, BLK, Told("winkiln drivers add"), |guest| {
        steps(guest, &[critical("1001"), critical("1042")])
    }),
    Case("storage-service-missing", Os::Seven, BLK, Told("winkiln drivers add"), |guest| {
        steps(guest, &[delete(r"Services\viostor")])
    }),
    Case("storage-start", Os::Ten, BLK, Safe, |guest| {
        steps(guest, &[dword(r"Services\viostor", "Start", 4)])
    }),
    Case("storage-start-override", Os::Ten, BLK, Safe, |guest| {
        steps(guest, &[dword(r"Services\viostor\StartOverride", "0", 3)])
    }),
    Case("storage-file-missing", Os::Ten, BLK, Safe, |guest| {
        let copy = put(2, &format!(r"{STORE}\viostor.sys"), &program(AMD64, &[]));
        steps(guest, &[copy, remove(2, FILE)])
    }),
    Case("storage-file-wrong", Os::Ten, BLK, Safe, |guest| {
        let copy = put(2, &format!(r"{STORE}\viostor.sys"), &program(AMD64, &[]));
        steps(guest, &[copy, put(2, FILE, &program(X86, &[]))])
    }),
    Case("storage-filter", Os::Ten, BLK, Safe, |guest| {
        steps(guest, &[filter("{4D36E97B-E325-11CE-BFC1-08002BE10318}")])
    }),
    Case("storage-policy", Os::Xp, BLK, Safe, |guest| {
        steps(guest, &[dword(r"Control\Pnp", "DisableCDDB", 1)])
    }),
    Case("storage-policy", Os::Seven, BLK, Safe, |guest| {
        steps(guest, &[dword(r"Control\Pnp", "DisableCDDB", 1)])
    }),
    Case("boot-driver-missing", Os::Xp, None, Asked, |guest| steps(guest, &gone_driver())),
    // Of a package whose vendor is gone.
    Case("boot-driver-missing", Os::Ten, None, Safe, |guest| {
        let owner = text(r"Services\gone", "Owners", ValueType::MultiSz, "oem3.inf\0");
        steps(guest, &gone_driver()) && steps(guest, &[owner])
    }),
    Case("class-filter-missing", Os::Seven, None, Safe, |guest| {
        steps(guest, &[filter("{4D36E96B-E325-11CE-BFC1-08002BE10318}")])
    }),
    Case("boot-driver-unsigned", Os::Ten, None, Told("replace the driver"), |guest| {
        steps(guest, &[text(r"Services\viostor", "Owners", ValueType::MultiSz, "oem0.inf\0")])
    }),
    Case("secure-boot", Os::Ten, None, Asked, |guest| {
        let on = dword(r"Control\SecureBoot\State", "UEFISecureBootEnabled", 1);
        steps(guest, &[set(LOADER, "testsigning", "on"), on])
    }),
    Case("install-policy", Os::Ten, None, Asked, |guest| {
        steps(guest, &[dword(RESTRICTIONS, "DenyUnspecified", 1)])
    }),
    Case("hal-mismatch", Os::Xp, None, Told("halmacpi.dll"), |guest| {
        steps(guest, &[put(1, r"\Windows\System32\hal.dll", &hal("halacpi.dll"))])
    }),
    Case("setup-interrupted", Os::Seven, None, Asked, |guest| {
        steps(guest, &[dword(SETUP, "SystemSetupInProgress", 1), dword(SETUP, "SetupType", 1)])
    }),
    Case("servicing-pending", Os::Ten, None, Asked, |guest| {
        steps(guest, &[put(2, r"\Windows\WinSxS\pending.xml", b"<xml/>")])
    }),
    Case("renames-pending", Os::Ten, None, Asked, |guest| {
        let names = "\\??\\C:\\Temp\\a\0!\\??\\C:\\Windows\\System32\\drivers\\disk.sys\0";
        let name = "PendingFileRenameOperations";
        steps(guest, &[text(r"Control\Session Manager", name, ValueType::MultiSz, names)])
    }),
    Case("drive-letters", Os::Xp, None, Safe, |guest| {
        let data = disk::mounted_device(&guest.image(), 1);
        let (key, name) = (r"HKLM\SYSTEM\MountedDevices".into(), r"\DosDevices\C:".into());
        guest.apply(&[Step::SetValue { key, name, kind: ValueType::Binary, data }]);
        disk::give_new_identity(&guest.image(), false);
        true
    }),
    Case("disks-offline", Os::Seven, None, Asked, |guest| {
        steps(guest, &[dword(r"Services\partmgr\Parameters", "SanPolicy", 3)])
    }),
    Case("disks-offline", Os::Ten, None, Asked, |guest| {
        steps(guest, &[dword(r"Services\partmgr\Parameters", "SanPolicy", 4)])
    }),
];

/// A rule that comes later comes with its case.
#[test]
fn every_rule_has_a_case() {
    let rules: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    let cases: BTreeSet<&str> = CASES.iter().map(|case| case.0).collect();
    assert_eq!(cases, rules);
}

/// Every second case from `first` on: two tests, that may run at the same time.
fn check(first: usize) {
    for Case(rule, os, target, ends, ill) in CASES.iter().skip(first).step_by(2) {
        let Some(guest) = Guest::new(*os) else { return };
        if !ill(&guest) {
            continue;
        }
        match ends {
            Safe => guest.is_repaired(*target, rule, true),
            Asked => guest.is_repaired(*target, rule, false),
            Told(advice) => guest.is_told(*target, rule, advice),
            ByOpening => {
                guest.is_found(*target, rule);
                guest.treat(*target, &Selection { safe: false, rules: vec![(*rule).into()] });
                guest.is_healthy(*target);
            }
        }
    }
}

#[test]
fn each_fault_is_found_alone_and_repaired() {
    check(0);
}

#[test]
fn each_other_fault_is_found_alone_and_repaired() {
    check(1);
}
