//! What other programs that replay logs make of the dirty hives.

use crate::corpus;
use crate::model::Key;
use crate::recovery::{DIRTY, recover, with_logs};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs that `scripts/test` puts into `target/readers`.
fn reader(path: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/readers");
    let folder = std::env::var_os("WINKILN_READERS").map_or(folder, PathBuf::from);
    let program = folder.join(path);
    corpus::found(program.is_file().then_some(program), &format!("no {path} (see scripts/test)"))
}

/// A hive and its logs as files.
struct Files {
    folder: tempfile::TempDir,
    logs: Vec<PathBuf>,
}

impl Files {
    fn new(hive: &[u8], logs: &[Vec<u8>]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hive"), hive).unwrap();
        let mut paths = Vec::new();
        for (index, log) in logs.iter().enumerate().filter(|(_, log)| !log.is_empty()) {
            let path = folder.path().join(format!("log{index}"));
            std::fs::write(&path, log).unwrap();
            paths.push(path);
        }
        Self { folder, logs: paths }
    }

    fn hive(&self) -> PathBuf {
        self.folder.path().join("hive")
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// A hive with the pages of all entries put where they belong, the older log first. With `fitting`, only entries that
/// follow each other and are not older than the hive.
fn replay(hive: &[u8], logs: &[Vec<u8>], fitting: bool) -> Vec<u8> {
    let least = number(hive, 8);
    let mut hive = hive.to_vec();
    for log in logs {
        let (mut at, mut last) = (512, None);
        while log.get(at..at + 4) == Some(b"HvLE") {
            let sequence = number(log, at + 12);
            let follows = last.is_none_or(|last| sequence == last + 1);
            if fitting && !follows {
                break;
            }
            last = Some(sequence);
            let count = number(log, at + 20) as usize;
            let mut from = at + 40 + count * 8;
            for page in 0..count {
                let to = 4096 + number(log, at + 40 + page * 8) as usize;
                let size = number(log, at + 44 + page * 8) as usize;
                if !fitting || sequence >= least {
                    hive.resize(hive.len().max(to + size), 0);
                    hive[to..to + size].copy_from_slice(&log[from..from + size]);
                }
                from += size;
            }
            at += number(log, at + 4) as usize;
        }
    }
    hive
}

#[test]
fn regipy_writes_the_same_bytes() {
    const SCRIPT: &str = "
import sys
from regipy.recovery import apply_transaction_logs
hive, out, *logs = sys.argv[1:]
apply_transaction_logs(hive, *logs, restored_hive_path=out)
";
    let Some(python) = reader("venv/bin/python") else { return };
    let mut same = 0;
    for (name, _) in DIRTY {
        let Some((bytes, mut logs)) = with_logs(name) else { return };
        let (ours, _) = recover(&bytes, &logs).unwrap();
        logs.retain(|log| !log.is_empty());
        logs.sort_by_key(|log| number(log, 4));
        let files = Files::new(&bytes, &logs);
        let out = files.folder.path().join("out");
        let mut command = Command::new(&python);
        command.args(["-c", SCRIPT]).arg(files.hive()).arg(&out);
        // It applies what it calls the secondary log first, whichever that is.
        let output = command.args(files.logs.iter().rev()).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let theirs = std::fs::read(&out).unwrap();
        // regipy applies whatever entries the file holds: older than the hive, and left over behind the last one.
        assert!(theirs[4096..] == replay(&bytes, &logs, false)[4096..], "{name}");
        assert!(ours.bytes()[4096..] == replay(&bytes, &logs, true)[4096..], "{name}");
        same += usize::from(theirs[4096..] == ours.bytes()[4096..]);
    }
    eprintln!("{same} of {} hives are the same to the byte without that", DIRTY.len());
    assert_eq!(same, 11);
}

#[test]
fn notatin_reads_the_same_keys() {
    let Some(program) = reader("notatin/debug/notatin-recover") else { return };
    for (name, _) in DIRTY {
        let Some((bytes, logs)) = with_logs(name) else { return };
        let files = Files::new(&bytes, &logs);
        let output = Command::new(&program).arg(files.hive()).args(&files.logs).output().unwrap();
        let (ours, _) = recover(&bytes, &logs).unwrap();
        let theirs = parse(&String::from_utf8_lossy(&output.stdout));
        let model = Key::read(&ours, ours.root());
        let mut expected = BTreeMap::new();
        let root = ours.info(ours.root()).unwrap().name;
        for (path, values) in model.flat() {
            let values: BTreeSet<_> =
                values.into_iter().map(|(name, (_, data))| (name, data)).collect();
            expected.insert(format!("\\{root}{path}"), values);
        }
        assert!(theirs == expected, "{name}: keys or values differ");
    }
}

fn parse(text: &str) -> BTreeMap<String, BTreeSet<(String, Vec<u8>)>> {
    let unhex = |digits: &str| -> Vec<u8> {
        let digits = &digits[1..];
        (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
            .collect()
    };
    let name = |digits: &str| String::from_utf8(unhex(digits)).unwrap();
    let mut all: BTreeMap<String, BTreeSet<(String, Vec<u8>)>> = BTreeMap::new();
    let mut key = String::new();
    for line in text.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["K", path] => {
                key = name(path);
                all.entry(key.clone()).or_default();
            }
            ["V", value, data] => {
                all.get_mut(&key).unwrap().insert((name(value), unhex(data)));
            }
            _ => panic!("{line}"),
        }
    }
    all
}
