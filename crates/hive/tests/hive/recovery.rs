//! Dirty hives and their logs.

use crate::model::Key;
use crate::rng::Rng;
use crate::{corpus, tools};
use winkiln_hive::{Hive, HiveError, Recovery, ValueType};

/// A hive of the corpus with its logs.
pub fn with_logs(name: &str) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let hive = corpus::sample(name)?;
    let folder = corpus::folder()?;
    let logs = [".LOG", ".LOG1", ".LOG2"];
    let logs = logs.iter().map(|end| format!("{name}{end}"));
    let there =
        |log: &String| folder.join(log).is_file() || folder.join(format!("{log}.xz")).is_file();
    let logs = logs.filter(there).filter_map(|log| corpus::sample(&log)).collect();
    Some((hive, logs))
}

pub fn recover(bytes: &[u8], logs: &[Vec<u8>]) -> Result<(Hive, Recovery), HiveError> {
    let logs: Vec<&[u8]> = logs.iter().map(Vec::as_slice).collect();
    Hive::recover(bytes, &logs)
}

/// Dirty hives with new-format logs: how many entries Windows would apply.
pub const DIRTY: [(&str, u32); 12] = [
    ("hive/museum-amcache-server2022/Amcache.hve", 7),
    ("hive/museum-amcache-win10-aptsimulatorvm/Amcache.hve", 4),
    ("hive/museum-amcache-win11-rathbunvm/Amcache.hve", 9),
    ("hive/museum-win10-networkservice/NTUSER.DAT", 8),
    ("hive/museum-win10-user/NTUSER.DAT", 4),
    ("hive/museum-win10/BBI", 2),
    ("hive/museum-win11-localservice/NTUSER.DAT", 2),
    ("hive/museum-win11-user/NTUSER.DAT", 5),
    ("hive/museum-win11/DEFAULT", 4),
    ("hive/museum-win11/UsrClass.dat", 8),
    ("hive/regipy-usrclass-dirty/UsrClass.dat", 14),
    ("hive/regipy-win10-1709-x64-dirty/SYSTEM", 24),
];

#[test]
fn dirty_hives_are_consistent_after_their_logs() {
    for (name, entries) in DIRTY {
        let Some((bytes, logs)) = with_logs(name) else { return };
        let (mut hive, recovery) =
            recover(&bytes, &logs).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(recovery, Recovery { entries, base_block: false }, "{name}");
        assert!(hive.is_modified() && !hive.is_edited());
        assert_eq!(hive.check(), [], "{name}");
        let root = hive.root();
        hive.set_value(root, "winkiln", ValueType::Sz, b"x\0\0\0", 7).unwrap();
        assert!(hive.is_edited());
        let ranges = hive.seal(8);
        if let Some(found) = tools::hivecheck(hive.bytes()) {
            assert!(found.is_empty(), "{name}: {found:?}");
        }
        // The ranges lead from the dirty file to the sealed one.
        let mut file = bytes.clone();
        file.resize(file.len().max(hive.bytes().len()), 0);
        for range in ranges {
            let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            file[range.clone()].copy_from_slice(&hive.bytes()[range]);
        }
        assert!(file == hive.bytes(), "{name}");
        // The same logs have nothing more to say.
        let (again, recovery) = recover(hive.bytes(), &logs).unwrap();
        assert_eq!(recovery, Recovery::default());
        assert!(again.bytes() == hive.bytes() && !again.is_modified());
        let mut torn = hive.bytes().to_vec();
        torn[508] ^= 1;
        assert!(Hive::open(torn).is_err());
    }
}

#[test]
fn an_old_log_gives_what_windows_7_made_of_it() {
    let Some((bytes, logs)) = with_logs("hive/yarp/OldDirtyHive/OldDirtyHive") else { return };
    let (hive, recovery) = recover(&bytes, &logs).unwrap();
    assert_eq!(recovery, Recovery { entries: 1, base_block: false });
    assert_eq!(hive.check(), []);
    let expected = corpus::sample("hive/yarp/OldDirtyHive/RecoveredHive_Windows7").unwrap();
    // Windows has written two times since: base block, the first bin's time, and one page with free cells.
    let differs: Vec<usize> = (0..expected.len())
        .step_by(512)
        .filter(|at| hive.bytes()[*at..at + 512] != expected[*at..at + 512])
        .collect();
    assert_eq!(differs, [0, 4096, 441_344]);
    let expected = Hive::open(expected).unwrap();
    assert!(Key::read(&hive, hive.root()) == Key::read(&expected, expected.root()));
}

#[test]
fn a_torn_base_block_comes_from_the_log() {
    let Some((bytes, logs)) = with_logs("hive/yarp/BadBaseBlockHive/BadBaseBlockHive") else {
        return;
    };
    // Windows 7 did not note the time of the write in the first bin: nothing tells that the log belongs to the hive.
    assert!(matches!(recover(&bytes, &logs), Err(HiveError::Checksum { .. })));
    let mut timed = bytes.clone();
    timed.copy_within(12..20, 4096 + 20);
    let (hive, recovery) = recover(&timed, &logs).unwrap();
    assert_eq!(recovery, Recovery { entries: 1, base_block: true });
    assert_eq!(hive.check(), []);

    let (mut bytes, logs) = with_logs("hive/museum-win10-user/NTUSER.DAT").unwrap();
    let whole = recover(&bytes, &logs).unwrap().0;
    bytes[..512].fill(0x55);
    bytes[..4].copy_from_slice(b"regf");
    let (hive, recovery) = recover(&bytes, &logs).unwrap();
    assert_eq!(recovery, Recovery { entries: 4, base_block: true });
    assert!(Key::read(&hive, hive.root()) == Key::read(&whole, whole.root()));
}

#[test]
fn logs_that_do_not_fit_are_not_applied() {
    for name in ["hive/yarp/BadLogHive1/BadLogHive", "hive/yarp/BadLogHive2/BadLogHive"] {
        let Some((bytes, logs)) = with_logs(name) else { return };
        let error = recover(&bytes, &logs).unwrap_err();
        assert_eq!(error, HiveError::Dirty { primary: 5, secondary: 4 });
    }
    // A clean hive has no use for its logs.
    let (bytes, logs) = with_logs("hive/museum-win10-default-profile/NTUSER.DAT").unwrap();
    let (hive, recovery) = recover(&bytes, &logs).unwrap();
    assert_eq!(recovery, Recovery::default());
    assert!(hive.bytes() == bytes && !hive.is_modified());
    // A missing log leaves a gap, or a hive that is older; never a mixture.
    let (bytes, mut logs) = with_logs("hive/museum-amcache-win11-rathbunvm/Amcache.hve").unwrap();
    logs.retain(|log| log[4..8] == 68u32.to_le_bytes());
    assert_eq!(recover(&bytes, &logs).unwrap().1.entries, 2);
    assert!(matches!(recover(&bytes, &[]), Err(HiveError::Dirty { .. })));
}

/// The file of a hive is marked dirty by raising its primary number, after which the secondary one names the first entry.
#[test]
fn the_first_entry_since_the_hive_was_clean_is_applied() {
    let Some((bytes, mut logs)) = with_logs("hive/museum-amcache-server2022/Amcache.hve") else {
        return;
    };
    assert_eq!(bytes[4..12], [4, 0, 0, 0, 3, 0, 0, 0]);
    let second = (1024..logs[0].len()).step_by(512).find(|at| logs[0][*at..].starts_with(b"HvLE"));
    logs[0].truncate(second.unwrap());
    logs.truncate(1);
    assert_eq!(logs[0][512 + 12..512 + 16], [3, 0, 0, 0]);
    let (hive, recovery) = recover(&bytes, &logs).unwrap();
    assert_eq!(recovery, Recovery { entries: 1, base_block: false });
    let pages = usize::from(logs[0][512 + 20]);
    let mut from = 512 + 40 + pages * 8;
    for page in 0..pages {
        let word = |at: usize| u32::from_le_bytes(logs[0][at..at + 4].try_into().unwrap()) as usize;
        let (to, size) = (4096 + word(512 + 40 + page * 8), word(512 + 44 + page * 8));
        assert!(hive.bytes()[to..to + size] == logs[0][from..from + size], "page {page}");
        from += size;
    }
}

/// "Pending transactions", bit 0 of the flags, comes from the last entry.
#[test]
fn a_hive_gets_the_flags_of_the_log() {
    let Some((mut bytes, logs)) = with_logs("hive/regipy-win10-1709-x64-dirty/SYSTEM") else {
        return;
    };
    assert_eq!(bytes[144], 1);
    let (hive, _) = recover(&bytes, &logs).unwrap();
    assert_eq!(hive.bytes()[144], 1);
    bytes[144] ^= 7;
    bytes[508] ^= 7;
    let (hive, _) = recover(&bytes, &logs).unwrap();
    assert_eq!(hive.bytes()[144], 7);
}

#[test]
fn a_hive_can_be_moved_past_logs_that_are_newer() {
    let Some((_, logs)) = with_logs("hive/museum-win11/DEFAULT") else { return };
    let logs: Vec<&[u8]> = logs.iter().map(Vec::as_slice).collect();
    let mut hive = Hive::create("ROOT", 1);
    hive.pass_logs(&logs);
    hive.seal(2);
    assert_eq!(hive.bytes()[4..12], [108, 0, 0, 0, 108, 0, 0, 0]);
    assert_eq!(hive.check(), []);
}

#[test]
fn an_entry_that_is_not_whole_ends_the_chain() {
    let Some((bytes, mut logs)) = with_logs("hive/museum-win10-user/NTUSER.DAT") else { return };
    // The second entry of the first log: the rest of that log is lost, and the other no longer follows.
    let second =
        (1024..logs[0].len()).step_by(512).find(|at| logs[0][*at..].starts_with(b"HvLE")).unwrap();
    logs[0][second + 600] ^= 1;
    let (before, after) = (229, 232);
    assert_eq!(recover(&bytes, &logs).unwrap_err(), HiveError::LogGap { before, after });
    logs.truncate(1);
    let (hive, recovery) = recover(&bytes, &logs).unwrap();
    assert_eq!(recovery.entries, 1);
    // The hive itself was written after that entry, so the two do not fit together.
    assert_ne!(hive.check(), []);
}

#[test]
fn damaged_logs_do_no_harm() {
    let mut rng = Rng::new(21);
    for name in ["hive/museum-win11-localservice/NTUSER.DAT", "hive/yarp/OldDirtyHive/OldDirtyHive"]
    {
        let Some((bytes, logs)) = with_logs(name) else { return };
        for _ in 0..60 {
            let mut logs = logs.clone();
            let mut bytes = bytes.clone();
            let log = rng.below(logs.len());
            for _ in 0..3 {
                let length = logs[log].len().min(4096);
                if length > 0 {
                    let at = rng.below(length);
                    logs[log][at] = rng.next() as u8;
                }
            }
            let cut = rng.below(logs[log].len() + 1);
            if rng.below(3) == 0 {
                logs[log].truncate(cut);
            }
            let at = rng.below(700);
            bytes[at] ^= 1;
            if let Ok((hive, _)) = recover(&bytes, &logs) {
                let _ = hive.check();
            }
        }
    }
}

/// A log's word alone gets no memory: bins that are new lie in it.
#[test]
fn a_log_does_not_make_a_hive_of_gigabytes() {
    let mut hive = Hive::create("X", 1);
    hive.seal(1);
    let mut bytes = hive.bytes().to_vec();
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let stamp = |bytes: &mut [u8]| {
        let sum = (0..508).step_by(4).fold(0, |sum, at| sum ^ word(bytes, at));
        bytes[508..512].copy_from_slice(&sum.to_le_bytes());
    };
    let sequence = word(&bytes, 4) + 1;
    bytes[4..8].copy_from_slice(&sequence.to_le_bytes());
    stamp(&mut bytes);
    // An old log, whose bitmap of 64 KiB stands for 256 MiB of bins, one sector of which it holds.
    let mut log = bytes[..512].to_vec();
    log[8..12].copy_from_slice(&sequence.to_le_bytes());
    log[0x1c] = 1;
    log[0x28..0x2c].copy_from_slice(&(256u32 << 20).to_le_bytes());
    stamp(&mut log);
    log.extend(b"DIRT\x01");
    log.resize(512 + (4 + (64 << 10) as usize).next_multiple_of(512), 0);
    log.extend(&bytes[4096..4608]);
    let error = Hive::recover(&bytes, &[&log]).expect_err("too long");
    assert!(matches!(error, HiveError::Dirty { .. }), "{error}");
}
