//! 8.3 names beside long ones.

use winkiln_ntfs::{FileReference, Volume};

use crate::{
    images,
    judges::Mount,
    model::Model,
    write_volumes::{check_all, copy, open_for_writing, random_changes},
};

fn names(volume: &Volume, folder: FileReference) -> Vec<(String, Option<String>)> {
    let entries = volume.read_directory(folder).expect("a listing");
    entries.into_iter().map(|entry| (entry.name, entry.short_name)).collect()
}

fn pair(long: &str, short: &str) -> (String, Option<String>) {
    (long.to_owned(), Some(short.to_owned()).filter(|short| !short.is_empty()))
}

#[test]
fn long_names_get_short_ones_that_stay_with_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 16 << 20, 4096, "") else { return };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    let at = volume.create_directory(root, "plain").expect("a folder");
    volume.create_file(at, "None for this one.txt", 0).expect("a file");
    assert_eq!(names(&volume, at), [pair("None for this one.txt", "")]);
    volume.set_short_names(true);
    let at = volume.create_directory(root, "A folder with a name").expect("a folder");
    assert_eq!(volume.find("AFOLDE~1").expect("a lookup"), Some(at));
    for number in 1..=6 {
        volume.create_file(at, &format!("SomeStuff{number}.aspx"), 0).expect("a file");
    }
    volume.create_file(at, "SHORT.TXT", 0).expect("a file");
    volume.create_file(at, "short2.txt", 0).expect("a file");
    // A long name that another one's short name would be.
    volume.create_file(at, "LONGNA~1.TXT", 0).expect("a file");
    volume.create_file(at, "long name.txt", 0).expect("a file");
    let listed = names(&volume, at);
    for (long, short) in [
        ("SomeStuff1.aspx", "SOMEST~1.ASP"),
        ("SomeStuff4.aspx", "SOMEST~4.ASP"),
        ("SHORT.TXT", ""),
        ("short2.txt", ""),
        ("LONGNA~1.TXT", ""),
        ("long name.txt", "LONGNA~2.TXT"),
    ] {
        assert!(listed.contains(&pair(long, short)), "{long}: {listed:?}");
    }
    for name in ["SomeStuff5.aspx", "SomeStuff6.aspx"] {
        let short =
            listed.iter().find(|(long, _)| long == name).and_then(|(_, short)| short.clone());
        let short = short.expect("a short name");
        assert!(
            short.starts_with("SO") && short.ends_with("~1.ASP") && short.len() == 12,
            "{short}"
        );
    }
    let file = volume.find(r"AFOLDE~1\longna~2.txt").expect("a lookup").expect("found");
    assert_eq!(volume.metadata(file).expect("facts").links, 1);
    volume.link(file, at, "another long name.txt").expect("linked");
    assert_eq!(volume.metadata(file).expect("facts").links, 2);
    // The new name gets a new short one; the old pair is gone.
    volume.rename(at, "LONGNA~2.TXT", root, "renamed to this.text", false).expect("renamed");
    assert!(names(&volume, root).contains(&pair("renamed to this.text", "RENAME~1.TEX")));
    assert!(names(&volume, at).contains(&pair("another long name.txt", "")));
    assert_eq!(volume.find(r"AFOLDE~1\longna~2.txt").expect("a lookup"), None);
    // A rename to the own short name.
    volume.rename(root, "renamed to this.text", root, "RENAME~1.TEX", false).expect("renamed");
    assert!(names(&volume, root).contains(&pair("RENAME~1.TEX", "")));
    volume.remove(at, "SOMEST~2.ASP").expect("removed");
    assert_eq!(volume.find(r"AFOLDE~1\SomeStuff2.aspx").expect("a lookup"), None);
    // The place is free again.
    volume.create_file(at, "SomeStuff7.aspx", 0).expect("a file");
    assert!(names(&volume, at).contains(&pair("SomeStuff7.aspx", "SOMEST~2.ASP")));
    volume.flush().expect("flushed");
    drop(volume);
    check_all(&image, Some(&before), "short names");
    if let Some(mount) = Mount::new(&image, "ro") {
        for (path, short) in [
            ("A folder with a name", &b"AFOLDE~1"[..]),
            ("A folder with a name/SomeStuff7.aspx", b"SOMEST~2.ASP"),
        ] {
            assert_eq!(mount.attribute(path, "system.ntfs_dos_name"), short, "{path}");
        }
    }
}

#[test]
fn random_changes_with_short_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 32 << 20, 4096, "") else { return };
    let mut model = Model::new(0x83, 30_000);
    (model.moves, model.short_names) = (true, true);
    random_changes(&image, folder.path(), &mut model, "short names");
}

/// 8.3 names that Windows gave are among those that would be tried here.
#[test]
fn short_names_of_windows_are_short_names_of_ours() {
    let mut seen = 0;
    for name in images::corpus_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(image) = images::corpus(name, folder.path()) else { return };
        let scratch = tempfile::tempdir().expect("a folder");
        let Some(fresh) = images::mkntfs(scratch.path(), 16 << 20, 4096, "") else { return };
        let mut ours = open_for_writing(&fresh);
        ours.set_short_names(true);
        let root = ours.root();
        let volume = crate::read_real_volumes::open(&image);
        let mut folders = vec![volume.root()];
        while let Some(at) = folders.pop() {
            for entry in volume.read_directory(at).expect("a listing") {
                if entry.is_directory {
                    folders.push(entry.reference);
                }
                let Some(short) = entry.short_name else { continue };
                let inside = ours.create_directory(root, &seen.to_string()).expect("a folder");
                ours.create_file(inside, &entry.name, 0).expect("a file");
                let made = names(&ours, inside).remove(0).1.expect("a short name");
                seen += 1;
                // The number depends on what was there; the checksum differs before Windows 7.
                let checksum =
                    made.starts_with(|c: char| c.is_ascii_hexdigit()) && made.find('~') == Some(4);
                let split = |name: &str| {
                    let (base, rest) = name.split_once('~').expect("a tilde");
                    let extension = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                    (base.to_owned(), extension.to_owned())
                };
                let (ours, theirs) = (split(&made), split(&short));
                assert_eq!(ours.1, theirs.1, "{}", entry.name);
                assert!(checksum || ours.0 == theirs.0, "{}: {made} {short}", entry.name);
            }
        }
    }
    eprintln!("{seen} short names of Windows");
    assert!(seen >= 50, "{seen}");
}
