//! Folders in which names that differ in case alone are different.

use winkiln_ntfs::{Error, FileReference, Volume};

use crate::{
    images,
    judges::{self, Mount},
    write_volumes::{check_all, copy, open_for_writing},
};

fn names(volume: &Volume, folder: FileReference) -> Vec<String> {
    let entries = volume.read_directory(folder).expect("a listing");
    entries.into_iter().map(|entry| entry.name).collect()
}

#[test]
fn names_are_exact() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 16 << 20, 4096, "") else { return };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    let at = volume.create_directory(root, "Exact").expect("a folder");
    volume.set_case_sensitive(at, true).expect("set");
    assert!(volume.is_case_sensitive(at).expect("read"));
    volume.set_short_names(true);
    let mut files = Vec::new();
    for name in ["name", "Name", "NAME", "nAMe", "a long name.text"] {
        let file = volume.create_file(at, name, 0).expect(name);
        volume.write_at(file, "", 0, name.as_bytes()).expect("written");
        files.push((name, file));
    }
    let refused = volume.create_file(at, "Name", 0).expect_err("there");
    assert!(matches!(refused, Error::AlreadyExists { .. }), "{refused}");
    for (name, file) in &files {
        assert_eq!(volume.find(&format!("EXACT/{name}")).expect("a lookup"), Some(*file));
    }
    assert_eq!(volume.find("exact/naMe").expect("a lookup"), None);
    let entries = volume.read_directory(at).expect("a listing");
    assert!(entries.iter().all(|entry| entry.short_name.is_none()));
    // Names sort as letters in capitals, then by their own.
    assert_eq!(names(&volume, at), ["a long name.text", "NAME", "Name", "nAMe", "name"]);
    volume.remove(at, "NAME").expect("removed");
    let missing = volume.remove(at, "NAME").expect_err("gone");
    assert!(matches!(missing, Error::NotFound { .. }), "{missing}");
    volume.rename(at, "nAMe", at, "NAME", false).expect("renamed");
    let there = volume.rename(at, "name", at, "Name", false).expect_err("there");
    assert!(matches!(there, Error::AlreadyExists { .. }), "{there}");
    volume.rename(at, "name", at, "Name", true).expect("replaced");
    volume.link(files[0].1, at, "name").expect("linked");
    assert_eq!(names(&volume, at), ["a long name.text", "NAME", "Name", "name"]);
    assert_eq!(volume.find("exact/Name").expect("a lookup"), Some(files[0].1));
    // Folders inside are as this one; moved out, names are compared as elsewhere.
    let below = volume.create_directory(at, "below").expect("a folder");
    assert!(volume.is_case_sensitive(below).expect("read"));
    volume.create_file(below, "x", 0).expect("a file");
    volume.create_file(below, "X", 0).expect("a file");
    volume.rename(below, "X", root, "Moved", false).expect("moved");
    let there = volume.rename(below, "x", root, "mOVED", false).expect_err("there");
    assert!(matches!(there, Error::AlreadyExists { .. }), "{there}");
    let refused = volume.set_case_sensitive(at, false).expect_err("not empty");
    assert!(matches!(refused, Error::NotEmpty { .. }), "{refused}");
    let refused = volume.set_case_sensitive(root, true).expect_err("the root");
    assert!(matches!(refused, Error::SystemFile { .. }), "{refused}");
    volume.flush().expect("flushed");
    drop(volume);
    check_all(&image, Some(&before), "case-sensitive");
}

/// As many names as make several index blocks, each in four spellings; half of them go again.
#[test]
fn many_spellings() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 32 << 20, 4096, "") else { return };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    let at = volume.create_directory(root, "many").expect("a folder");
    volume.set_case_sensitive(at, true).expect("set");
    let spellings = |number: u32| {
        [
            format!("some name {number}"),
            format!("Some Name {number}"),
            format!("SOME NAME {number}"),
            format!("sOME nAME {number}"),
        ]
    };
    for number in 0..150 {
        for name in spellings(number * 7 % 150) {
            volume.create_file(at, &name, 0).expect("a file");
        }
    }
    for number in 0..150 {
        for (which, name) in spellings(number).iter().enumerate() {
            let found = volume.find(&format!("many/{name}")).expect("a lookup").expect("found");
            assert!(names_of(&volume, at, found).contains(name));
            if (number as usize + which).is_multiple_of(2) {
                volume.remove(at, name).expect("removed");
            }
        }
    }
    assert_eq!(names(&volume, at).len(), 300);
    volume.flush().expect("flushed");
    let (ours, _) = judges::tree_of(&volume);
    assert_eq!(ours.len(), 301);
    drop(volume);
    check_all(&image, Some(&before), "many spellings");
    if let Some(mount) = Mount::new(&image, "ro") {
        let seen = images::shell(&format!("ls '{}/many' | wc -l", mount.path().display()));
        assert_eq!(seen.trim(), "300");
    }
}

fn names_of(volume: &Volume, folder: FileReference, file: FileReference) -> Vec<String> {
    let entries = volume.read_directory(folder).expect("a listing");
    entries.into_iter().filter(|entry| entry.reference == file).map(|entry| entry.name).collect()
}
