//! What keeps a guest from its disk.

use winkiln_bake::Step;
use winkiln_doctor::Target;
use winkiln_hive::ValueType;

use crate::guest::{Guest, Os, dword, full, put, read, remove, text};
use crate::small_guest::{AMD64, X86, program};

const BLK: Option<Target> = Some(Target::VirtioBlk);
const SERVICE: &str = r"Services\viostor";
const FILE: &str = r"\Windows\System32\drivers\viostor.sys";
const COPY: &str =
    r"\Windows\System32\DriverStore\FileRepository\viostor.inf_amd64_0123456789abcdef\viostor.sys";

#[track_caller]
fn ill(os: Os, steps: &[Step]) -> Option<Guest> {
    let guest = Guest::new(os)?;
    guest.apply(steps);
    Some(guest)
}

#[test]
fn services_that_do_not_start_are_set_to_start() {
    for (os, start) in [(Os::Xp, 4), (Os::Seven, 3), (Os::Ten, 1)] {
        let Some(guest) = ill(os, &[dword(SERVICE, "Start", start)]) else { return };
        // The other bus does, and nobody asked for this one.
        guest.is_healthy(None);
        guest.is_repaired(BLK, "storage-start", true);
    }
    let Some(guest) = ill(Os::Ten, &[dword(r"Services\pci", "Start", 3)]) else { return };
    guest.is_repaired(None, "storage-start", true);
}

#[test]
fn overrides_are_removed_one_after_the_other() {
    let key = r"Services\viostor\StartOverride";
    let steps = [dword(key, "0", 3), dword(key, "1", 4)];
    let Some(guest) = ill(Os::Ten, &steps) else { return };
    guest.is_repaired(BLK, "storage-start-override", true);
    // One repair shows the next fault.
    guest.apply(&[dword(SERVICE, "Start", 4), dword(key, "0", 3), remove(2, FILE)]);
    guest.apply(&[put(2, COPY, &program(AMD64, &[]))]);
    let all = winkiln_doctor::Selection { safe: true, rules: Vec::new() };
    let treated = guest.treat(BLK, &all);
    let rules: Vec<_> = treated.repaired.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["storage-start", "storage-start-override", "boot-driver-missing"]);
    guest.is_healthy(BLK);
}

#[test]
fn a_missing_service_or_binding_is_told() {
    let delete = |key: &str| Step::DeleteKey { key: full(key) };
    let Some(guest) = ill(Os::Seven, &[delete(SERVICE)]) else { return };
    guest.is_told(BLK, "storage-service-missing", "winkiln drivers add");
    guest.apply(&[delete(r"Control\CriticalDeviceDatabase\PCI#VEN_1AF4&DEV_1001")]);
    guest.apply(&[delete(r"Control\CriticalDeviceDatabase\PCI#VEN_1AF4&DEV_1042")]);
    guest.is_told(BLK, "storage-not-bound", "winkiln drivers add");
    guest.is_told(Some(Target::VMware), "storage-not-bound", "winkiln drivers add");
    guest.is_told(Some(Target::HyperV), "storage-not-bound", "ide-fallback");
}

#[test]
fn files_come_back_from_the_guests_own_copies() {
    let Some(guest) = ill(Os::Ten, &[remove(2, FILE)]) else { return };
    guest.is_told(BLK, "storage-file-missing", "no other copy");
    // One for another processor is no help.
    guest.apply(&[put(2, COPY, &program(X86, &[]))]);
    guest.is_told(BLK, "storage-file-missing", "no other copy");
    guest.apply(&[put(2, COPY, &program(AMD64, &[]))]);
    guest.is_repaired(BLK, "storage-file-missing", true);
    for wrong in [program(X86, &[]), b"no program".to_vec()] {
        guest.apply(&[put(2, FILE, &wrong)]);
        guest.is_repaired(BLK, "storage-file-wrong", true);
    }
    let dll = r"\Windows\System32\dllcache\viostor.sys";
    let steps = [remove(1, FILE), put(1, dll, &program(X86, &[]))];
    let Some(guest) = ill(Os::Xp, &steps) else { return };
    guest.is_repaired(BLK, "storage-file-missing", true);
}

#[test]
fn filters_without_a_driver_are_taken_off() {
    let class = r"Control\Class\{4D36E97B-E325-11CE-BFC1-08002BE10318}";
    let filters = |names: &str| text(class, "UpperFilters", ValueType::MultiSz, names);
    for names in ["gone\0", "gone\0disk\0", "disk\0gone\0"] {
        let Some(guest) = ill(Os::Ten, &[filters(names)]) else { return };
        guest.is_repaired(BLK, "storage-filter", true);
    }
}

/// One that is there and does not start with the disk: Windows' own must, others may be kept from it on purpose. None is taken off.
#[test]
fn filters_that_do_not_start_are_set_to_start() {
    let class = r"Control\Class\{4D36E97B-E325-11CE-BFC1-08002BE10318}";
    for (name, is_own) in [("slow", false), ("PartMgr", true)] {
        let key = format!(r"Services\{name}");
        let (file, data) =
            (format!(r"\Windows\System32\drivers\{name}.sys"), format!("{name}\0disk\0"));
        let listed = text(class, "UpperFilters", ValueType::MultiSz, &data);
        let started = [put(2, &file, &program(AMD64, &[])), dword(&key, "Type", 1), listed];
        let Some(guest) = ill(Os::Ten, &started) else { return };
        for start in [1, 3] {
            guest.apply(&[dword(&key, "Start", start)]);
            guest.is_repaired(BLK, "storage-filter", is_own);
            assert_eq!(read(&guest, &key, "Start"), [0, 0, 0, 0]);
        }
        let overrides = format!(r"{key}\StartOverride");
        guest.apply(&[dword(&overrides, "0", 3)]);
        guest.is_repaired(BLK, "storage-filter", is_own);
        assert!(!read(&guest, class, "UpperFilters").is_empty());
        if is_own {
            // Switched off, or without a file.
            for fault in [dword(&key, "Start", 4), remove(2, &file)] {
                guest.apply(&[dword(&key, "Start", 0), fault]);
                guest.is_told(BLK, "storage-filter", "winkiln");
            }
        }
    }
}

#[test]
fn a_controller_that_the_guest_ran_on_is_looked_at_unasked() {
    let device = r"Enum\PCI\VEN_1AF4&DEV_1001&SUBSYS_00021AF4&REV_00\3&1&0";
    let steps = [text(device, "Service", ValueType::Sz, "viostor"), dword(SERVICE, "Start", 4)];
    let Some(guest) = ill(Os::Ten, &steps) else { return };
    guest.is_repaired(None, "storage-start", true);
}
