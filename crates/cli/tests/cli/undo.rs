//! `--undo FILE` and `winkiln undo`.

use std::fs;

use crate::env::{Guest, hash, winkiln};

const APPLY: [&str; 6] =
    ["--preset", "utc-clock", "--preset", "crash-dump=small", "--preset", "online-disks"];

#[test]
fn what_was_baked_is_taken_back() {
    let guest = Guest::new();
    let before = guest.hash();
    let undo = guest.dir.path().join("undo");
    let undo = undo.to_str().expect("text");
    let note = guest.write("note.bin", &[7; 3 << 20]);
    let dry = [&["apply", guest.image(), "--undo", undo, "--dry-run"][..], &APPLY].concat();
    let _ = winkiln(&dry).ok();
    assert!(!fs::exists(undo).expect("asked"), "a dry run keeps nothing");
    let put = ["fs", "put", guest.image(), &note, r"\note.bin", "--undo", undo, "--json"];
    let report = winkiln(&put).json();
    assert_eq!(report["undo"], undo);
    let after = guest.hash();

    // Not over another file, and nothing is written without one.
    let again = [&["apply", guest.image(), "--undo", undo][..], &APPLY].concat();
    winkiln(&again).fails(1, &["is there already"]);
    let nowhere = [&["apply", guest.image(), "--undo", "/nowhere/undo"][..], &APPLY].concat();
    winkiln(&nowhere).fails(1, &["cannot write the undo file", "unchanged"]);
    assert_eq!(guest.hash(), after);

    let told = winkiln(&["undo", undo, "--dry-run", "--json"]).json();
    assert_eq!((&told["state"], &told["dry_run"]), (&"possible".into(), &true.into()));
    assert_eq!(guest.hash(), after);
    assert!(winkiln(&["undo", undo]).ok().contains("as it was before that commit"));
    assert_eq!(guest.hash(), before);
    assert_eq!(winkiln(&["undo", undo, "--json"]).json()["state"], "already");
    assert_eq!(guest.hash(), before);
    assert_eq!(fs::read_dir(guest.dir.path()).expect("a folder").count(), 3, "no journal stays");
}

#[test]
fn what_was_changed_since_stays() {
    let guest = Guest::new();
    let undo = guest.dir.path().join("undo");
    let undo = undo.to_str().expect("text");
    let bake = [&["apply", guest.image(), "--undo", undo][..], &APPLY].concat();
    let _ = winkiln(&bake).ok();
    // Renamed, it keeps its date; a copy does not.
    let (moved, copied) = (guest.dir.path().join("moved"), guest.dir.path().join("copied"));
    fs::copy(guest.image(), &copied).expect("a copy");
    fs::rename(guest.image(), &moved).expect("a new name");
    winkiln(&["undo", undo]).fails(1, &["--image IMAGE"]);
    let (moved, copied) = (moved.to_str().expect("text"), copied.to_str().expect("text"));
    winkiln(&["undo", undo, "--image", copied]).fails(3, &["the date", "--ignore-date"]);
    let _ = winkiln(&["undo", undo, "--image", copied, "--ignore-date"]).ok();
    let before = hash(copied.as_ref());

    let another = ["reg", "add", moved, r"HKLM\SYSTEM\Setup", "-v", "x", "-d", "y"];
    let _ = winkiln(&another).ok();
    let later = hash(moved.as_ref());
    winkiln(&["undo", undo, "--image", moved]).fails(3, &["changed since the commit"]);
    winkiln(&["undo", undo, "--image", moved, "--ignore-date"]).fails(3, &["changed since"]);
    assert_eq!(hash(moved.as_ref()), later);
    assert_ne!(before, later);
    winkiln(&["undo", moved]).fails(1, &["is not an undo file"]);
    winkiln(&["undo", "/nowhere"]).fails(1, &["cannot read /nowhere"]);
}

#[test]
fn an_edit_of_a_loose_hive_is_undone() {
    let guest = Guest::new();
    let hive = guest.hive(r"\Windows\System32\config\SOFTWARE", "SOFTWARE");
    let before = hash(hive.as_ref());
    let mut text = String::from("REGEDIT4\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Large]\n");
    for value in 0..200 {
        text.push_str(&format!("\"{value}\"=\"{}\"\n", "x".repeat(8000)));
    }
    let large = guest.write("large.reg", text.as_bytes());
    for (number, command) in [
        &["reg", "add", "--hive", &hive, r"HKLM\SOFTWARE\New"][..],
        &["reg", "delete", "--hive", &hive, r"\Microsoft"],
        // The file grows by megabytes.
        &["reg", "import", "--hive", &hive, "--mount", r"HKLM\SOFTWARE", &large],
    ]
    .into_iter()
    .enumerate()
    {
        let undo = guest.dir.path().join(format!("undo{number}")).display().to_string();
        let command = [command, &["--undo", &undo]].concat();
        assert!(winkiln(&command).ok().contains(&format!("winkiln undo {undo}")));
        assert_ne!(hash(hive.as_ref()), before);
        winkiln(&command).fails(1, &["is there already"]);
        winkiln(&["undo", &undo]).ok();
        assert_eq!(hash(hive.as_ref()), before, "{command:?}");
    }
    for command in ["compact", "repair"] {
        winkiln(&["reg", command, "--hive", &hive, "--undo", "u"])
            .fails(2, &["--undo is for edits"]);
    }
}
