//! Faults of the registry: hives, control sets, setup, settings.

use winkiln_bake::Step;
use winkiln_hive::{Hive, ValueType};

use crate::NOW;
use crate::guest::{Guest, Os, dword, put, read, remove, text};

const SELECT: &str = r"HKLM\SYSTEM\Select";
const SETUP: &str = r"HKLM\SYSTEM\Setup";
const CONFIG: &str = r"\Windows\System32\config";

#[track_caller]
fn ill(os: Os, steps: &[Step]) -> Option<Guest> {
    let guest = Guest::new(os)?;
    guest.apply(steps);
    Some(guest)
}

#[test]
fn select_names_a_control_set_that_is_there() {
    let Some(guest) = ill(Os::Xp, &[dword(SELECT, "Default", 7)]) else { return };
    guest.is_repaired(None, "control-set-missing", true);
}

/// Which set was given up once is history; that it is to start again is not.
#[test]
fn a_set_that_was_given_up_is_told_where_it_starts() {
    let Some(guest) = ill(Os::Ten, &[dword(SELECT, "Failed", 2)]) else { return };
    guest.is_healthy(None);
    let [from, to] = [1, 2].map(|set| format!(r"HKLM\SYSTEM\ControlSet00{set}"));
    guest.apply(&[Step::CopyKey { from, to }, dword(SELECT, "Failed", 1)]);
    guest.is_repaired(None, "control-set-failed", false);
    assert_eq!(read(&guest, SELECT, "Default"), [2, 0, 0, 0]);
}

#[test]
fn an_interrupted_setup_is_told() {
    let steps = [dword(SETUP, "SystemSetupInProgress", 1), dword(SETUP, "SetupType", 1)];
    let Some(guest) = ill(Os::Seven, &steps) else { return };
    guest.is_repaired(None, "setup-interrupted", false);
    let prepared = r"oobe\windeploy.exe";
    let steps = [dword(SETUP, "SetupType", 2), text(SETUP, "CmdLine", ValueType::Sz, prepared)];
    guest.apply(&steps);
    guest.is_told(None, "setup-interrupted", "nothing to do");
}

#[test]
fn pending_work_is_told() {
    let Some(guest) = ill(Os::Ten, &[put(2, r"\Windows\WinSxS\pending.xml", b"<xml/>")]) else {
        return;
    };
    guest.is_repaired(None, "servicing-pending", false);
    let key = r"Control\Session Manager";
    let name = "PendingFileRenameOperations";
    let temporary = "\\??\\C:\\Temp\\a\0\0";
    guest.apply(&[text(key, name, ValueType::MultiSz, temporary)]);
    guest.is_healthy(None);
    let replaced = "\\??\\C:\\Temp\\a\0!\\??\\C:\\Windows\\System32\\drivers\\disk.sys\0";
    guest.apply(&[text(key, name, ValueType::MultiSz, replaced)]);
    guest.is_repaired(None, "renames-pending", false);
}

/// A hive as the guest has it.
pub(crate) fn hive_of(guest: &Guest, name: &str) -> Vec<u8> {
    let mut session = guest.open(winkiln_volume::Remedies::default());
    let volume = session.disk().volume(guest.os.volume()).unwrap();
    volume.read(&format!(r"{CONFIG}\{name}"), 1 << 24).unwrap()
}

#[test]
fn missing_hives_come_back_from_regback() {
    for name in ["SAM", "SYSTEM", "SOFTWARE"] {
        let Some(guest) = Guest::new(Os::Seven) else { return };
        let copy = hive_of(&guest, name);
        let (path, backup) = (format!(r"{CONFIG}\{name}"), format!(r"{CONFIG}\RegBack\{name}"));
        guest.apply(&[remove(1, &path)]);
        guest.is_told(None, "hive-missing", "no copy in RegBack");
        // As Windows leaves them since 1803.
        guest.apply(&[put(1, &backup, b"")]);
        guest.is_told(None, "hive-missing", "no copy in RegBack");
        guest.apply(&[put(1, &backup, &copy)]);
        guest.is_repaired(None, "hive-missing", false);
    }
}

#[test]
fn damaged_hives_are_restored_or_written_anew() {
    for name in ["SECURITY", "SYSTEM"] {
        let Some(guest) = Guest::new(Os::Ten) else { return };
        let copy = hive_of(&guest, name);
        let mut damaged = copy.clone();
        // The first bin's length.
        damaged[0x1008..0x100C].copy_from_slice(&[0xFF; 4]);
        let (path, backup) = (format!(r"{CONFIG}\{name}"), format!(r"{CONFIG}\RegBack\{name}"));
        guest.apply(&[put(2, &path, &damaged), put(2, &backup, &copy)]);
        guest.is_repaired(None, "hive-damaged", false);
    }
    // Without a copy, what can be read of it is kept: one key of two has lost its list of values.
    let Some(guest) = Guest::new(Os::Ten) else { return };
    let mut hive = Hive::create("SECURITY", NOW);
    let (key, _) = hive.create_key(hive.root(), "Policy", NOW).unwrap();
    hive.set_value(key, "x", ValueType::Dword, &[1, 0, 0, 0], NOW).unwrap();
    hive.seal(NOW);
    let mut damaged = hive.bytes().to_vec();
    let node = usize::try_from(key.in_file()).unwrap();
    damaged[node + 4 + 0x28..][..4].copy_from_slice(&0x00FF_FFF0_u32.to_le_bytes());
    guest.apply(&[put(2, &format!(r"{CONFIG}\SECURITY"), &damaged)]);
    guest.is_repaired(None, "hive-damaged", false);
}

/// A hive as it is while it is written to.
pub(crate) fn unclean(hive: &[u8]) -> Vec<u8> {
    let mut unclean = hive.to_vec();
    unclean[4] = unclean[4].wrapping_add(1);
    let checksum = unclean[..508]
        .chunks(4)
        .fold(0_u32, |sum, word| sum ^ u32::from_le_bytes(word.try_into().unwrap()));
    unclean[508..512].copy_from_slice(&checksum.to_le_bytes());
    unclean
}

#[test]
fn a_hive_that_was_not_closed_is_restored() {
    let Some(guest) = Guest::new(Os::Seven) else { return };
    let copy = hive_of(&guest, "SAM");
    let unclean = unclean(&copy);
    guest.apply(&[put(1, &format!(r"{CONFIG}\SAM"), &unclean)]);
    guest.is_repaired(None, "hive-unclean", false);
    // Logs that do not fit it are not passed over.
    let put_unclean = put(1, &format!(r"{CONFIG}\SAM"), &unclean);
    guest.apply(&[put_unclean, put(1, &format!(r"{CONFIG}\SAM.LOG1"), &[0; 1024])]);
    guest.is_told(None, "hive-unclean", "logs beside it");
    guest.apply(&[put(1, &format!(r"{CONFIG}\RegBack\SAM"), &copy)]);
    guest.is_repaired(None, "hive-unclean", false);
}

/// The boot loader takes `Default`, or the last known good set where its entry says so; `Current` is the set that ran last.
#[test]
fn the_control_set_that_starts_is_the_one_that_counts() {
    let viostor = |set: u32| format!(r"HKLM\SYSTEM\ControlSet{set:03}\Services\viostor");
    let second = [
        Step::DeleteKey { key: r"HKLM\SYSTEM\ControlSet002".into() },
        Step::CopyKey {
            from: r"HKLM\SYSTEM\ControlSet001".into(),
            to: r"HKLM\SYSTEM\ControlSet002".into(),
        },
    ];
    let good = Step::BcdSet {
        object: "{default}".into(),
        element: "lastknowngood".into(),
        value: "on".into(),
    };
    for (os, next) in [(Os::Xp, dword(SELECT, "Default", 2)), (Os::Ten, good)] {
        let Some(guest) = ill(os, &second) else { return };
        guest.is_healthy(None);
        guest.apply(&[next]);
        guest.is_repaired(None, "control-set-differs", false);
        // What is wrong with the other one is put right there.
        guest.apply(&[
            dword(SELECT, "Current", 1),
            dword(&viostor(1), "Start", 3),
            dword(&viostor(2), "Start", 4),
        ]);
        let target = Some(winkiln_doctor::Target::VirtioBlk);
        let safe = winkiln_doctor::Selection { safe: true, rules: Vec::new() };
        let treated = guest.treat(target, &safe);
        let rules = |findings: &[winkiln_doctor::Finding]| {
            findings.iter().map(|finding| finding.rule).collect::<Vec<_>>()
        };
        assert_eq!(rules(&treated.repaired), ["storage-start"], "{os:?}");
        assert_eq!(rules(&treated.left.findings), ["control-set-differs"], "{os:?}");
        let mut session = guest.open(winkiln_volume::Remedies::default());
        let starts = [1, 2].map(|set| {
            let value = session.value_of(&viostor(set), "Start").unwrap();
            value.map(|(_, data)| data[0])
        });
        assert_eq!(starts, [Some(3), Some(0)], "{os:?}");
    }
}
