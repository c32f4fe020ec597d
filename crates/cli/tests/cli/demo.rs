//! `demo`.

use std::fs;

use crate::env::{path, winkiln};
use tempfile::TempDir;

#[test]
fn demo_bakes_a_guest_twice_and_leaves_it() {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("new/demo");
    let shown = winkiln(&["demo", "--json", path(&dir)]).json();
    assert_eq!(shown["first"]["committed"], true, "{shown}");
    assert!(shown["first"]["io"]["image_bytes_written"].as_u64().unwrap() > 0);
    assert!(!shown["first"]["verified"].as_array().unwrap().is_empty());
    let targets: Vec<&str> = shown["first"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["target"].as_str().unwrap())
        .collect();
    for part in
        ["CrashDumpEnabled", "fDenyTSConnections", "testsigning", "welcome.txt", "BakedFrom"]
    {
        assert!(targets.iter().any(|target| target.contains(part)), "{part} in {targets:#?}");
    }
    assert_eq!(shown["second"]["committed"], false);
    assert_eq!(shown["second"]["changes"].as_array().unwrap().len(), 0, "{shown}");
    assert_eq!(shown["second"]["io"]["image_bytes_written"], 0);
    for name in ["guest.raw", "recipe.toml", "welcome.txt"] {
        assert!(dir.join(name).is_file(), "{name}");
    }
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 3, "nothing else stays behind");
}

#[test]
fn demo_tells_the_story_in_text() {
    let folder = TempDir::new().unwrap();
    let text = winkiln(&["demo", path(folder.path())]).ok();
    for part in [
        "made a sample guest",
        "Windows 10 Pro",
        "test signing off",
        "baked",
        "test signing on",
        "try next",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "colours only on a terminal");
}

#[test]
fn demo_leaves_a_folder_alone_that_holds_something() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("mine"), "mine").unwrap();
    winkiln(&["demo", path(folder.path())]).fails(1, &["is not empty", "hint: "]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
