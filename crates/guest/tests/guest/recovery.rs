//! Hives that were not closed properly: recovered from their logs, or refused.

use std::fs;
use std::path::Path;
use std::process::Command;

use winkiln_boot::bcd;
use winkiln_guest::{Disk, GuestError, HiveName};
use winkiln_hive::{Hive, HiveError, Recovery, ValueType};

use crate::registry::{file_of, open};
use crate::tools::{Guest, NOW, beside, change, have, run};

const SYSTEM: &str = "hive/regipy-win10-1709-x64-dirty/SYSTEM";
const NTUSER: &str = "hive/museum-win10-user/NTUSER.DAT";

/// A file of the corpus, unpacked.
fn sample(name: &str) -> Vec<u8> {
    let folder = beside("corpus/MANIFEST.md", "WINKILN_CORPUS").expect("the corpus is there");
    let path = folder.with_file_name(name);
    fs::read(&path).unwrap_or_else(|_| {
        run(Command::new("xz").arg("-dc").arg(format!("{}.xz", path.display())))
    })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// A hive with the pages of new-format logs put where they belong, in the order of their sequence numbers. The base block
/// is left as it is.
fn replay(mut hive: Vec<u8>, logs: &[Vec<u8>]) -> Vec<u8> {
    let mut entries: Vec<(u32, &[u8])> = Vec::new();
    for log in logs {
        let (mut at, mut expected) = (512, None);
        while log[at..].starts_with(b"HvLE")
            && expected.is_none_or(|next| next == u32_at(log, at + 12))
        {
            let size = u32_at(log, at + 4) as usize;
            entries.push((u32_at(log, at + 12), &log[at..at + size]));
            expected = Some(u32_at(log, at + 12) + 1);
            at += size;
        }
    }
    entries.sort_unstable();
    for (_, entry) in entries {
        let count = u32_at(entry, 20) as usize;
        let mut from = 40 + count * 8;
        for page in 0..count {
            let to = 4096 + u32_at(entry, 40 + page * 8) as usize;
            let size = u32_at(entry, 44 + page * 8) as usize;
            hive[to..to + size].copy_from_slice(&entry[from..from + size]);
            from += size;
        }
    }
    hive
}

/// The strict checker beside the corpus finds nothing.
#[track_caller]
fn judge(hive: &Path) {
    let Some(script) = beside("judges/hivecheck.py", "WINKILN_JUDGES") else { return };
    run(Command::new("python3").arg(script).arg(hive));
}

fn check_sum(base_block: &mut [u8]) {
    let sum = (0..508).step_by(4).fold(0, |sum, at| sum ^ u32_at(base_block, at));
    base_block[508..512].copy_from_slice(&sum.to_le_bytes());
}

/// What Windows would load is what is read; only an edit writes it, and then the logs have nothing more to say.
#[test]
fn a_dirty_hive_is_recovered_and_edited() {
    if !have(&["icat", "ifind", "hivexget", "python3"]) {
        return;
    }
    let Some(guest) = Guest::build(&["--os", "10-dirty"]) else { return };
    let logs = ["SYSTEM.LOG1", "SYSTEM.LOG2"];
    let (before, log) = (file_of(&guest, "SYSTEM"), file_of(&guest, logs[0]));
    assert!(u32_at(&before, 4) != u32_at(&before, 8) && log.len() > 1 << 20);

    let (transaction, mut disk) = guest.begin(true);
    let (windows, mut registry) = open(&mut disk);
    assert_eq!((windows.build, windows.control_set), (16299, 1));
    let warning = r"registry hive \Windows\System32\config\SYSTEM was not closed properly: it was recovered from its logs (24 entries)";
    assert_eq!(windows.warnings[0], warning);
    let hive = registry.hive_mut(&mut disk, &HiveName::System).unwrap();
    let power = r"ControlSet001\Control\Session Manager\Power";
    let key = hive.find(hive.root(), power).unwrap().unwrap();
    // The hive itself says 0.
    assert_eq!(hive.value(key, "POSTTime").unwrap().unwrap().data, 8291_u32.to_le_bytes());
    let recovered: Vec<String> = registry.recovered().map(ToString::to_string).collect();
    assert_eq!(recovered, [warning]);

    // Read and not edited, it is not written.
    assert_eq!(registry.save(&mut disk, NOW).unwrap(), []);
    let software = registry.hive_mut(&mut disk, &HiveName::Software).unwrap();
    software.create_key(software.root(), "Winkiln", NOW).unwrap();
    let written = registry.save(&mut disk, NOW).unwrap();
    assert_eq!(written.iter().map(|(name, _)| name).collect::<Vec<_>>(), [&HiveName::Software]);

    let hive = registry.hive_mut(&mut disk, &HiveName::System).unwrap();
    hive.set_value(key, "POSTTime", ValueType::Dword, &7_u32.to_le_bytes(), NOW).unwrap();
    let written = registry.save(&mut disk, NOW).unwrap();
    assert_eq!(written[0].0, HiveName::System);
    assert_eq!(registry.save(&mut disk, NOW).unwrap(), []);
    disk.flush().unwrap();
    drop(disk);
    transaction.commit().unwrap();
    drop(transaction);

    let after = file_of(&guest, "SYSTEM");
    assert_eq!((u32_at(&after, 4), u32_at(&after, 8)), (2131, 2131), "past the last entry");
    for log in logs {
        assert_eq!(file_of(&guest, log), b"", "{log}");
    }
    let place = guest.folder.path().join("SYSTEM");
    fs::write(&place, &after).unwrap();
    judge(&place);
    for (name, value) in [("POSTTime", "7\n"), ("FwPOSTTime", "7833\n")] {
        assert_eq!(run(Command::new("hivexget").arg(&place).args([power, name])), value.as_bytes());
    }
    // All else is what the logs made of the hive: base block, bin time, the key's time and the value differ.
    let expected = replay(before, &logs.map(|log| sample(&SYSTEM.replace("SYSTEM", log))));
    assert_eq!(after.len(), expected.len());
    let differs = (4096..after.len())
        .step_by(512)
        .filter(|at| after[*at..at + 512] != expected[*at..at + 512]);
    assert!((2..=4).contains(&differs.count()));

    // The same edit again finds it done.
    let (transaction, mut disk) = guest.begin(true);
    let (windows, mut registry) = open(&mut disk);
    assert!(!windows.warnings.iter().any(|text| text.contains("closed")), "{windows:?}");
    let hive = registry.hive_mut(&mut disk, &HiveName::System).unwrap();
    let key = hive.find(hive.root(), power).unwrap().unwrap();
    let seven = 7_u32.to_le_bytes();
    assert!(!hive.set_value(key, "POSTTime", ValueType::Dword, &seven, NOW).unwrap());
    assert_eq!(registry.save(&mut disk, NOW).unwrap(), []);
    disk.flush().unwrap();
    assert_eq!(transaction.dirty_bytes(), 0);
    assert_eq!(registry.recovered().count(), 0);
}

/// Logs that are missing, of another hive, with a gap, or that would damage the hive.
#[test]
fn a_dirty_hive_that_its_logs_do_not_help_is_refused() {
    if !have(&["umount", "xz"]) {
        return;
    }
    let Some(guest) = Guest::build(&["--os", "10-dirty", "--table", "none"]) else { return };
    let user = sample(NTUSER);
    let [first, second] = ["1", "2"].map(|number| sample(&format!("{NTUSER}.LOG{number}")));
    // The second entry of the first log is not whole.
    let mut cut = first.clone();
    let entry = (1024..cut.len()).step_by(512).find(|at| cut[*at..].starts_with(b"HvLE")).unwrap();
    cut[entry + 600] ^= 1;
    change(&guest.image(), |root| {
        let config = root.join("Windows/System32/config");
        let write = |name: &str, bytes: &[u8]| fs::write(config.join(name), bytes).unwrap();
        fs::remove_file(config.join("SYSTEM.LOG2")).unwrap();
        write("SYSTEM.LOG1", b"not a log");
        write("SAM", &user);
        write("sam.log1", &cut);
        write("SECURITY", &user);
        write("SECURITY.LOG1", &cut);
        write("SECURITY.LOG2", &second);
        write("DEFAULT", &user);
        write("DEFAULT.LOG", b"");
        write("DEFAULT.LOG1", b"not a log");
        write("DRIVERS", &user);
        write("drivers.log1", &second);
        write("Drivers.Log2", &first);
    });
    let (_, mut disk) = guest.begin(true);
    let (windows, mut registry) = open(&mut disk);
    assert_eq!((windows.build, windows.control_set), (16299, 1), "shown as it is");
    let warning = &windows.warnings[0];
    let text = r"\config\SYSTEM was not closed properly: its last write was not completed and";
    assert!(warning.contains(text), "{warning}");
    assert!(warning.ends_with("what is told of it may be out of date"), "{warning}");
    let mut refused = |name| {
        let error = registry.hive_mut(&mut disk, &name).expect_err("refused");
        assert!(error.is_refusal(), "{error}");
        error
    };
    let error = refused(HiveName::System);
    assert!(
        matches!(&error, GuestError::DirtyHive { logs, primary: 1622, secondary: 1621, .. } if logs.len() == 1),
        "{error:?}"
    );
    assert!(error.to_string().contains("shut it down properly"), "{error}");
    let error = refused(HiveName::Sam);
    assert!(matches!(error, GuestError::DamagedAfterRecovery { count: 1.., .. }), "{error:?}");
    assert!(error.to_string().contains("is damaged after its logs are applied: "), "{error}");
    let error = refused(HiveName::Security);
    let GuestError::HiveRecovery { source: HiveError::LogGap { before: 229, after: 232 }, .. } =
        error
    else {
        panic!("{error:?}");
    };
    let error = refused(HiveName::DefaultUser);
    let GuestError::DirtyHive { logs, .. } = &error else { panic!("{error:?}") };
    assert_eq!(logs.as_slice(), [r"\Windows\System32\config\DEFAULT.LOG1"]);
    assert!(error.to_string().contains(r"\DEFAULT.LOG1 cannot complete it"), "{error}");
    // Names of logs have no case.
    registry.hive(&mut disk, &HiveName::Drivers).unwrap();
    let recovered: Vec<Recovery> = registry.recovered().map(|hive| hive.recovery).collect();
    assert_eq!(recovered, [Recovery { entries: 4, base_block: false }]);
}

/// Whether a hive that was not closed properly has all of its structure decides, where there are no logs to ask.
#[test]
fn a_dirty_hive_without_logs_is_taken_as_it_is_where_it_is_whole() {
    if !have(&["umount", "xz"]) {
        return;
    }
    let Some(guest) = Guest::build(&["--os", "10-dirty", "--table", "none"]) else { return };
    let mut broken = sample(NTUSER);
    // The root's list of subkeys ends in the middle of the file.
    let root = 4096 + u32_at(&broken, 36) as usize + 4;
    broken[root + 20..root + 24].copy_from_slice(&0xFFFF_u32.to_le_bytes());
    change(&guest.image(), |root| {
        let config = root.join("Windows/System32/config");
        for log in ["SYSTEM.LOG1", "SYSTEM.LOG2"] {
            fs::remove_file(config.join(log)).unwrap();
        }
        fs::write(config.join("SAM"), &broken).unwrap();
    });
    let (_, mut disk) = guest.begin(true);
    let (windows, mut registry) = open(&mut disk);
    let warning = &windows.warnings[0];
    assert!(warning.ends_with("what Windows had still to write to it is lost"), "{warning}");
    let error = registry.hive_mut(&mut disk, &HiveName::Sam).expect_err("refused");
    assert!(matches!(&error, GuestError::DirtyHive { logs, .. } if logs.is_empty()), "{error:?}");
    // Reading alone writes nothing.
    registry.hive(&mut disk, &HiveName::System).unwrap();
    assert_eq!(registry.save(&mut disk, NOW).unwrap(), []);
    let hive = registry.hive_mut(&mut disk, &HiveName::System).unwrap();
    let (key, _) = hive.create_key(hive.root(), "Added", NOW).unwrap();
    hive.set_value(key, "x", ValueType::Dword, &[1, 0, 0, 0], NOW).unwrap();
    assert_eq!(registry.save(&mut disk, NOW).unwrap().len(), 1);
    disk.flush().unwrap();
    let path = r"\Windows\System32\config\SYSTEM";
    let after = disk.volume(windows.volume).unwrap().read(path, 1 << 30).unwrap();
    assert_eq!([u32_at(&after, 4), u32_at(&after, 8)], [1623, 1623]);
    let place = guest.folder.path().join("SYSTEM");
    fs::write(&place, &after).unwrap();
    judge(&place);
    assert_eq!(run(Command::new("hivexget").arg(&place).args(["Added", "x"])), b"1\n");
}

/// A store with an old-format log: as it would be had the write been cut off after the log was complete.
fn cut_off(store: &[u8], edit: impl FnOnce(&mut Hive)) -> (Vec<u8>, Vec<u8>) {
    let mut hive = Hive::open(store.to_vec()).unwrap();
    edit(&mut hive);
    hive.seal(NOW);
    let new = hive.bytes();
    let mut dirty = store.to_vec();
    let primary = u32_at(&dirty, 4) + 1;
    dirty[4..8].copy_from_slice(&primary.to_le_bytes());
    dirty[12..20].copy_from_slice(&NOW.to_le_bytes());
    check_sum(&mut dirty);
    let mut log = new[..512].to_vec();
    log[12..20].copy_from_slice(&NOW.to_le_bytes());
    log[28..32].copy_from_slice(&1_u32.to_le_bytes());
    check_sum(&mut log);
    let length = u32_at(new, 40) as usize;
    let mut bitmap = vec![0; length / 512 / 8];
    let mut pages = Vec::new();
    for sector in 0..length / 512 {
        let at = 4096 + sector * 512;
        if store.get(at..at + 512) != Some(&new[at..at + 512]) {
            bitmap[sector / 8] |= 1 << (sector % 8);
            pages.extend_from_slice(&new[at..at + 512]);
        }
    }
    log.extend_from_slice(b"DIRT");
    log.extend(bitmap);
    log.resize(log.len().next_multiple_of(512), 0);
    log.extend(pages);
    (dirty, log)
}

/// The store of the boot configuration, on the FAT volume that UEFI starts from.
#[test]
fn a_dirty_store_on_fat_is_recovered() {
    if !have(&["mcopy"]) {
        return;
    }
    let Some(guest) = Guest::build(&["--os", "11", "--table", "gpt"]) else { return };
    let store = guest.folder.path().join("BCD");
    let drive = format!("{}@@{}", guest.image().display(), 2048 * 512);
    let copy =
        |from: &str, to: &str| run(Command::new("mcopy").args(["-o", "-i", &drive, from, to]));
    let inside = "::/EFI/Microsoft/Boot/BCD";
    let outside = store.display().to_string();
    copy(inside, &outside);
    let (dirty, log) = cut_off(&fs::read(&store).unwrap(), |hive| {
        for loader in bcd::windows_loaders(hive).unwrap() {
            bcd::set(hive, &loader, "testsigning", "on", NOW).unwrap();
        }
    });
    fs::write(&store, &dirty).unwrap();
    copy(&outside, inside);
    fs::write(&store, &log).unwrap();
    copy(&outside, &format!("{inside}.LOG"));

    let (transaction, mut disk) = guest.begin(true);
    let (windows, mut registry) = open(&mut disk);
    assert_eq!(windows.boot.testsigning, Some(true), "that is in the log only");
    let warning = r"registry hive \EFI\Microsoft\Boot\BCD was not closed properly: it was recovered from its logs (1 entry)";
    assert!(windows.warnings.iter().any(|text| text == warning), "{:?}", windows.warnings);
    let hive = registry.hive_mut(&mut disk, &HiveName::Bcd).unwrap();
    bcd::set(hive, "{default}", "description", "Recovered", NOW).unwrap();
    assert_eq!(registry.save(&mut disk, NOW).unwrap().len(), 1);
    disk.flush().unwrap();
    drop(disk);
    transaction.commit().unwrap();
    drop(transaction);

    copy(inside, &outside);
    judge(&store);
    let hive = Hive::open(fs::read(&store).unwrap()).unwrap();
    for (element, value) in [("testsigning", "Yes"), ("description", "Recovered")] {
        let found = bcd::element(&hive, "{default}", element).unwrap().unwrap();
        assert_eq!(found.to_text(), value);
    }
    copy(&format!("{inside}.LOG"), &outside);
    assert_eq!(fs::read(&store).unwrap(), b"");
}

/// Logs beside a hive that was closed properly are not applied; an edit moves the hive past them and leaves them alone.
#[test]
fn a_clean_hive_is_moved_past_its_logs() {
    if !have(&["umount", "xz"]) {
        return;
    }
    let Some(guest) = Guest::build(&["--os", "10", "--table", "none"]) else { return };
    let log = sample(&format!("{SYSTEM}.LOG2"));
    change(&guest.image(), |root| {
        fs::write(root.join("Windows/System32/config/SYSTEM.LOG2"), &log).unwrap();
    });
    let (_transaction, mut disk) = guest.begin(true);
    let (windows, mut registry) = open(&mut disk);
    assert!(!windows.warnings.iter().any(|text| text.contains("closed")), "{windows:?}");
    let hive = registry.hive_mut(&mut disk, &HiveName::System).unwrap();
    assert!(u32_at(hive.bytes(), 4) < 2130);
    hive.create_key(hive.root(), "Winkiln", NOW).unwrap();
    registry.save(&mut disk, NOW).unwrap();
    disk.flush().unwrap();
    let mut again = Disk::open(disk.device().clone(), false, NOW).unwrap();
    let config = r"\Windows\System32\config";
    let volume = again.volume(1).unwrap();
    let hive = volume.read(&format!(r"{config}\SYSTEM"), 64 << 20).unwrap();
    assert_eq!((u32_at(&hive, 4), u32_at(&hive, 8)), (2131, 2131));
    assert!(volume.read(&format!(r"{config}\SYSTEM.LOG2"), 64 << 20).unwrap() == log);
}
