//! Drivers and filters whose vendor is gone, and signatures.

use winkiln_hive::ValueType;

use crate::guest::{Guest, Os, dword, put, read, text};
use crate::small_guest::{AMD64, program};

const STORE: &str = r"\Windows\System32\DriverStore\FileRepository";
const GONE: &str = r"Services\gone";

fn boot_service() -> Vec<winkiln_bake::Step> {
    vec![dword(GONE, "Type", 1), dword(GONE, "Start", 0), dword(GONE, "ErrorControl", 1)]
}

#[test]
fn boot_drivers_without_a_file_are_put_off() {
    for os in [Os::Xp, Os::Ten] {
        let Some(guest) = Guest::new(os) else { return };
        guest.apply(&boot_service());
        guest.is_repaired(None, "boot-driver-missing", false);
    }
    // One that another machine would need, which nobody asked for, keeps this one from starting too.
    let Some(guest) = Guest::new(Os::Ten) else { return };
    guest.apply(&[crate::guest::remove(2, r"\Windows\System32\drivers\viostor.sys")]);
    guest.is_repaired(None, "boot-driver-missing", false);
    // One that Windows does not start without is not switched off.
    let Some(guest) = Guest::new(Os::Ten) else { return };
    let key = r"Services\KSecDD";
    guest.apply(&[dword(key, "Type", 1), dword(key, "Start", 0), dword(key, "ErrorControl", 3)]);
    guest.is_told(None, "boot-driver-missing", "fs put");
    // Of a package that was removed.
    let Some(guest) = Guest::new(Os::Ten) else { return };
    guest.apply(&boot_service());
    guest.apply(&[text(GONE, "Owners", ValueType::MultiSz, "oem3.inf\0")]);
    guest.is_repaired(None, "boot-driver-missing", true);
}

#[test]
fn filters_of_other_classes_are_taken_off() {
    let class = r"Control\Class\{4D36E96B-E325-11CE-BFC1-08002BE10318}";
    let Some(guest) = Guest::new(Os::Seven) else { return };
    guest.apply(&[text(class, "UpperFilters", ValueType::MultiSz, "disk\0gone\0")]);
    guest.is_repaired(None, "class-filter-missing", true);
    guest.apply(&[text(class, "LowerFilters", ValueType::MultiSz, "gone\0")]);
    guest.apply(&[dword(GONE, "Start", 3), dword(GONE, "Type", 1)]);
    guest.is_repaired(None, "class-filter-missing", true);
    // One of Windows' own comes back, where there is a copy.
    let own = r"Services\kbdclass";
    guest.apply(&[text(class, "UpperFilters", ValueType::MultiSz, "kbdclass\0")]);
    guest.apply(&[dword(own, "Start", 3), dword(own, "Type", 1)]);
    guest.is_told(None, "class-filter-missing", "fs put");
    guest.apply(&[
        text(class, "UpperFilters", ValueType::MultiSz, "kbdclass\0"),
        put(
            1,
            &format!(r"{STORE}\keyboard.inf_amd64_0123456789abcdef\kbdclass.sys"),
            &program(AMD64, &[]),
        ),
    ]);
    guest.is_repaired(None, "class-filter-missing", true);
}

/// Both rules that miss the file bring it back; neither switches off what the other one keeps on the list.
#[test]
fn a_filter_that_starts_at_boot_comes_back_for_good() {
    let class = r"Control\Class\{4D36E96B-E325-11CE-BFC1-08002BE10318}";
    let Some(guest) = Guest::new(Os::Ten) else { return };
    let listed = text(class, "UpperFilters", ValueType::MultiSz, "gone\0");
    let owned = text(GONE, "Owners", ValueType::MultiSz, "oem3.inf\0");
    let copy = format!(r"{STORE}\oem3.inf_amd64_0123456789abcdef\gone.sys");
    guest.apply(&boot_service());
    guest.apply(&[listed, owned, put(2, &copy, &program(AMD64, &[]))]);
    let safe = winkiln_doctor::Selection { safe: true, rules: Vec::new() };
    let treated = guest.treat(None, &safe);
    let rules: Vec<_> = treated.repaired.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["boot-driver-missing", "class-filter-missing"]);
    let is_unsigned = |rule: &str| rule == "boot-driver-unsigned";
    assert!(treated.left.findings.iter().all(|finding| is_unsigned(finding.rule)));
    assert_eq!(read(&guest, GONE, "Start"), [0; 4]);
    assert!(!read(&guest, class, "UpperFilters").is_empty());
    // One that somebody switched off keeps every device of the class from starting.
    guest.apply(&[dword(GONE, "Start", 4)]);
    guest.is_repaired(None, "class-filter-missing", false);
}

#[test]
fn drivers_of_packages_are_signed() {
    let Some(guest) = Guest::new(Os::Ten) else { return };
    let file = r"\Windows\System32\drivers\viostor.sys";
    guest.apply(&[
        text(r"Services\viostor", "Owners", ValueType::MultiSz, "oem0.inf\0"),
        put(2, file, &program(AMD64, &["ntoskrnl.exe"])),
    ]);
    guest.is_told(None, "boot-driver-unsigned", "replace the driver");
    // Who checks nothing takes it.
    guest.apply(&[winkiln_bake::Step::BcdSet {
        object: "{default}".into(),
        element: "nointegritychecks".into(),
        value: "on".into(),
    }]);
    guest.is_healthy(None);
}
