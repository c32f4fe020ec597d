//! The file of a loose hive: changed in place, whatever happens meanwhile.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use winkiln_disk::JournaledFile;

use crate::env::{Guest, command, winkiln};

const SYSTEM: &str = r"\Windows\System32\config\SYSTEM";

fn add(file: &str) -> Vec<&str> {
    let key = r"HKLM\SYSTEM\Select\winkiln";
    vec!["reg", "add", "--hive", file, key, "-v", "x", "-d", "1", "--time", "1700000000", "--json"]
}

#[test]
fn a_small_edit_writes_few_pages_in_place() {
    let guest = Guest::new();
    let file = guest.hive(SYSTEM, "SYSTEM");
    let before = fs::metadata(&file).unwrap();
    fs::hard_link(&file, guest.local("other")).unwrap();
    let done = winkiln(&add(&file)).json();
    assert_eq!(done["committed"], true);
    let written = done["io"]["image_bytes_written"].as_u64().unwrap();
    assert!((1..=32 << 10).contains(&written), "{done}");
    assert!(done["io"]["journal_bytes"].as_u64().unwrap() > written);
    assert_eq!(fs::metadata(&file).unwrap().ino(), before.ino(), "the same file");
    assert_eq!(fs::read(&file).unwrap(), fs::read(guest.local("other")).unwrap());
    assert!(winkiln(&["check", "--hive", &file]).ok().contains("no problems"));
    assert!(!fs::exists(guest.local("SYSTEM.winkiln-journal")).unwrap());
    // One that needs more bins, and one too large for a journal.
    for (count, in_place) in [(2, true), (60, false)] {
        let before = fs::metadata(&file).unwrap();
        let mut text = "REGEDIT4\n\n[HKEY_LOCAL_MACHINE\\SYSTEM\\Select]\n".to_owned();
        for number in 0..count {
            let bytes = vec![format!("{number:02x}"); 20_000].join(",");
            text.push_str(&format!("\"large {count} {number}\"=hex:{bytes}\n"));
        }
        let text = guest.write("large.reg", text.as_bytes());
        let done = winkiln(&["reg", "import", "--hive", &file, &text, "--json"]).json();
        let after = fs::metadata(&file).unwrap();
        assert!(after.len() > before.len() + count * 20_000);
        assert_eq!(after.ino() == before.ino(), in_place, "{}", done["io"]);
        assert!(winkiln(&["check", "--hive", &file]).ok().contains("no problems"));
    }
}

#[test]
fn a_hive_in_use_is_left_alone() {
    let guest = Guest::new();
    let file = guest.hive(SYSTEM, "SYSTEM");
    let _reader = JournaledFile::open(Path::new(&file), false, None).unwrap();
    let before = fs::read(&file).unwrap();
    winkiln(&add(&file)).fails(3, &["in use by ", "(process "]);
    let mut dry = add(&file);
    dry.push("--dry-run");
    assert_eq!(winkiln(&dry).json()["changes"].as_array().unwrap().len(), 2);
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_killed_edit_is_whole_or_never_was() {
    const ROUNDS: u32 = 40;
    let guest = Guest::new();
    let file = guest.hive(SYSTEM, "SYSTEM");
    let before = fs::read(&file).unwrap();
    let started = Instant::now();
    drop(winkiln(&add(&file)).ok());
    let took = started.elapsed();
    let after = fs::read(&file).unwrap();
    let mut ends = [0, 0];
    for round in 0..ROUNDS {
        fs::write(&file, &before).unwrap();
        let mut child = command(&add(&file))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the built program starts");
        thread::sleep(took * round / ROUNDS + Duration::from_micros(u64::from(round) * 17));
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().expect("the program ends");
        drop(winkiln(&["reg", "query", "--hive", &file, r"HKLM\SYSTEM\Select"]).ok());
        // Nothing to do, but opened for writing.
        drop(winkiln(&["reg", "add", "--hive", &file, r"HKLM\SYSTEM\Select"]).ok());
        let now = fs::read(&file).unwrap();
        assert!(now == before || now == after, "round {round}: neither before nor after");
        ends[usize::from(now == after)] += 1;
        let journal = guest.local("SYSTEM.winkiln-journal");
        assert!(!fs::exists(journal).unwrap(), "round {round}: a journal stays behind");
    }
    assert!(ends[0] > 0, "no round was killed before the commit: {ends:?}");
}
