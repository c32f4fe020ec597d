//! `fs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::json;

use crate::env::{Guest, winkiln, with_input};

/// Bytes that compress badly and repeat late.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}

#[test]
fn files_of_every_size_come_back_as_they_went() {
    let guest = Guest::new();
    let image = guest.image();
    for (number, length) in [0, 1, 511, 700, 4096, 65_537, 3 << 20].into_iter().enumerate() {
        let bytes = noise(length, number as u64 + 7);
        let local = guest.write("in.bin", &bytes);
        let report = winkiln(&["fs", "put", image, &local, r"C:\Users\data.bin", "--json"]).json();
        assert_eq!(report["committed"], true, "{length}");
        assert_eq!(winkiln(&["fs", "cat", image, "/Users/DATA.bin"]).out, bytes, "{length}");
        drop(winkiln(&["fs", "get", image, "Users/data.bin", &guest.local("out.bin")]).ok());
        assert_eq!(fs::read(guest.local("out.bin")).unwrap(), bytes, "{length}");
        let stat = winkiln(&["fs", "stat", image, "Users/data.bin", "--json"]).json();
        assert_eq!(stat["size"], length, "{stat}");
    }
    let again =
        winkiln(&["fs", "put", image, &guest.local("in.bin"), r"\Users\data.bin", "--json"]).json();
    assert_eq!((&again["committed"], &again["changes"]), (&json!(false), &json!([])));
    drop(winkiln(&["fs", "rm", image, r"\Users\data.bin"]).ok());
    winkiln(&["fs", "cat", image, r"\Users\data.bin"]).fails(1, &["no such file", "data.bin"]);
}

#[test]
fn destinations_behave_as_with_cp() {
    let guest = Guest::new();
    let image = guest.image();
    let local = guest.write("a.txt", b"a");
    // Into an existing folder, with and without the separator; under another name; onto an existing file.
    for (to, ends_up) in [
        (r"\Users", r"\Users\a.txt"),
        (r"\Users\", r"\Users\a.txt"),
        (r"\Users\b.txt", r"\Users\b.txt"),
        (r"\", r"\a.txt"),
        (r"\Users\b.txt", r"\Users\b.txt"),
    ] {
        drop(winkiln(&["fs", "put", image, &local, to]).ok());
        assert_eq!(winkiln(&["fs", "cat", image, ends_up]).out, b"a", "{to}");
    }
    winkiln(&["fs", "put", image, &local, r"\No\Such\Folder"]).fails(1, &["no such folder", "-p"]);
    winkiln(&["fs", "put", image, &local, r"\NoFolder\"]).fails(1, &["no such folder"]);
    drop(winkiln(&["fs", "put", "-p", image, &local, r"\New\Deep\c.txt"]).ok());
    assert_eq!(winkiln(&["fs", "cat", image, r"\New\Deep\c.txt"]).out, b"a");

    let folder = guest.local("folder");
    fs::create_dir(&folder).unwrap();
    drop(winkiln(&["fs", "get", image, r"\New\Deep\c.txt", &folder]).ok());
    assert_eq!(fs::read(Path::new(&folder).join("c.txt")).unwrap(), b"a");
    winkiln(&["fs", "get", image, r"\New\Deep\c.txt", &guest.local("none/")])
        .fails(1, &["no such folder"]);
    assert_eq!(winkiln(&["fs", "get", image, r"\New\Deep\c.txt", "-"]).out, b"a");

    drop(with_input(&["fs", "put", image, "-", r"\Users\piped.txt"], b"from a pipe").ok());
    assert_eq!(winkiln(&["fs", "cat", image, r"\Users\piped.txt"]).out, b"from a pipe");
    with_input(&["fs", "put", image, "-", r"\Users"], b"x").fails(2, &["no name"]);
}

#[test]
fn folders_travel_both_ways() {
    let guest = Guest::new();
    let image = guest.image();
    let source = guest.dir.path().join("tree");
    let mut expected = BTreeMap::new();
    for (number, name) in
        ["one.txt", "sub/two.bin", "sub/deeper/Имя.txt", "sub/deeper/empty"].into_iter().enumerate()
    {
        let bytes = noise(number * 5000, number as u64 + 1);
        let file = source.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &bytes).unwrap();
        expected.insert(name.to_owned(), bytes);
    }
    fs::create_dir(source.join("hollow")).unwrap();
    let source = source.to_str().unwrap();
    winkiln(&["fs", "put", image, source, r"\Users"]).fails(2, &["is a folder", "-r"]);
    drop(winkiln(&["fs", "put", "-r", image, source, r"\Users"]).ok());
    let again = winkiln(&["fs", "put", "-r", image, source, r"\Users", "--json"]).json();
    assert_eq!(again["committed"], false, "{again}");

    winkiln(&["fs", "get", image, r"\Users\tree", &guest.local("back")])
        .fails(2, &["is a folder", "-r"]);
    let back = guest.local("back");
    let got = winkiln(&["fs", "get", "-r", image, r"\users\TREE", &back, "--json"]).json();
    assert_eq!((&got["files"], &got["folders"]), (&json!(4), &json!(4)), "{got}");
    for (name, bytes) in &expected {
        assert_eq!(&fs::read(Path::new(&back).join(name)).unwrap(), bytes, "{name}");
    }
    assert!(Path::new(&back).join("hollow").is_dir());

    winkiln(&["fs", "rm", image, r"\Users\tree"]).fails(2, &["is a folder", "-r"]);
    drop(winkiln(&["fs", "rm", "-r", image, r"\Users\tree"]).ok());
    winkiln(&["fs", "stat", image, r"\Users\tree"]).fails(1, &["no such file"]);
}

#[test]
fn links_of_the_host_are_not_followed_into_an_image() {
    let guest = Guest::new();
    let tree = guest.dir.path().join("tree");
    fs::create_dir(&tree).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", tree.join("link")).unwrap();
    let before = guest.hash();
    winkiln(&["fs", "put", "-r", guest.image(), tree.to_str().unwrap(), r"\Users"])
        .fails(1, &["symbolic link", "nothing was copied"]);
    assert_eq!(guest.hash(), before);
}

#[test]
fn streams_are_files_of_their_own() {
    let guest = Guest::new();
    let image = guest.image();
    let local = guest.write("mark", b"[ZoneTransfer]\r\nZoneId=3\r\n");
    let zone = r"\Users\Public\Desktop\welcome.txt:Zone.Identifier";
    drop(winkiln(&["fs", "put", image, &local, zone]).ok());
    assert_eq!(winkiln(&["fs", "cat", image, zone]).out, b"[ZoneTransfer]\r\nZoneId=3\r\n");
    let stat =
        winkiln(&["fs", "stat", image, r"\Users\Public\Desktop\welcome.txt", "--json"]).json();
    let streams = stat["streams"].as_array().unwrap();
    assert!(streams.contains(&json!({"name": "Zone.Identifier", "size": 26})), "{stat}");
    drop(winkiln(&["fs", "rm", image, zone]).ok());
    assert_ne!(winkiln(&["fs", "cat", image, zone]).status, 0);
    assert!(
        winkiln(&["fs", "cat", image, r"\Users\Public\Desktop\welcome.txt"])
            .text()
            .contains("winkiln")
    );
}

#[test]
fn folders_are_made_and_listed() {
    let guest = Guest::new();
    let image = guest.image();
    drop(winkiln(&["fs", "mkdir", image, r"\Made"]).ok());
    winkiln(&["fs", "mkdir", image, r"\made"]).fails(1, &["exists already"]);
    let again = winkiln(&["fs", "mkdir", "-p", image, r"\Made", "--json"]).json();
    assert_eq!(again["committed"], false);
    drop(winkiln(&["fs", "mkdir", "-p", image, r"\Made\a\b"]).ok());
    winkiln(&["fs", "mkdir", image, r"\bootmgr"]).fails(1, &["is a file"]);
    let text = winkiln(&["fs", "ls", image, r"\Made"]).ok();
    assert!(text.contains("<DIR>") && text.trim_end().ends_with("  a"), "{text}");
    let one = winkiln(&["fs", "ls", image, r"\bootmgr"]).ok();
    assert_eq!(one.lines().count(), 1, "{one}");
    winkiln(&["fs", "ls", image, r"\None"]).fails(1, &["no such file or folder"]);
    winkiln(&["fs", "rm", "-r", image, r"\"]).fails(2, &["root folder"]);
}

#[test]
fn the_whole_volume_comes_out_without_its_own_files() {
    let guest = Guest::new();
    let image = guest.image();
    drop(winkiln(&["fs", "mkdir", image, r"\$Recycle.Bin"]).ok());
    let back = guest.local("all");
    drop(winkiln(&["fs", "get", "-r", image, r"\", &back]).ok());
    let mut names: Vec<String> = fs::read_dir(&back)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["$Recycle.Bin", "Boot", "Program Files", "Users", "Windows", "bootmgr"]);
    assert!(Path::new(&back).join("Windows/System32/config/SYSTEM").is_file());
    let before = guest.hash();
    for own in [r"\$MFT", r"\$Boot", r"\$Extend", r"\$Secure:$SDS"] {
        assert_ne!(winkiln(&["fs", "rm", "-r", image, own]).status, 0, "{own}");
    }
    assert_eq!(guest.hash(), before);
}

#[test]
fn many_files_make_a_deep_index() {
    let guest = Guest::new();
    let image = guest.image();
    let tree = guest.dir.path().join("many");
    fs::create_dir(&tree).unwrap();
    for number in 0..600 {
        fs::write(tree.join(format!("a rather long file name, number {number}.txt")), b"x")
            .unwrap();
    }
    drop(winkiln(&["fs", "put", "-r", image, tree.to_str().unwrap(), r"\many"]).ok());
    let list = winkiln(&["fs", "ls", image, "many", "--json"]).json();
    assert_eq!(list["entries"].as_array().unwrap().len(), 600);
    drop(winkiln(&["fs", "rm", "-r", image, "many"]).ok());
}

#[test]
fn files_and_folders_move_as_with_mv() {
    let guest = Guest::new();
    let image = guest.image();
    let local = guest.write("a.txt", b"a");
    let put = |to: &str| drop(winkiln(&["fs", "put", "-p", image, &local, to]).ok());
    put(r"\Users\A.txt");
    put(r"\Users\taken.txt");
    drop(winkiln(&["fs", "mkdir", image, r"\Folder"]).ok());
    // Into a folder, under another name, from folder to folder; the folder spells the name.
    for (from, to, ends_up) in [
        (r"C:\users\a.TXT", "/folder", r"\folder\A.txt"),
        (r"\Folder\A.txt", r"\Folder\b.txt", r"\Folder\b.txt"),
        (r"\Folder\b.txt", r"\Users\", r"\Users\b.txt"),
        (r"\Users\b.txt", r"\", r"\b.txt"),
        (r"\b.txt", r"\Users\taken.txt", r"\Users\taken.txt"),
    ] {
        let report = winkiln(&["fs", "mv", image, from, to, "--json"]).json();
        let change = &report["changes"][0];
        assert_eq!(report["committed"], true, "{report}");
        assert_eq!((&change["kind"], &change["after"]), (&json!("rename"), &json!(ends_up)));
        assert_eq!(report["verified"].as_array().unwrap().len(), 2, "{report}");
        assert_eq!(winkiln(&["fs", "cat", image, ends_up]).out, b"a", "{from} {to}");
        winkiln(&["fs", "stat", image, from]).fails(1, &["no such file"]);
    }
    // The case of letters alone, once.
    let text = winkiln(&["fs", "mv", image, r"\folder", r"\FOLDER"]).ok();
    assert!(text.contains("Folder  renamed -> \\FOLDER"), "{text}");
    assert!(winkiln(&["fs", "ls", image, r"\"]).ok().contains("FOLDER"));
    let again = winkiln(&["fs", "mv", image, r"\folder", r"\FOLDER", "--json"]).json();
    assert_eq!((&again["committed"], &again["unchanged"]), (&json!(false), &json!(1)));
    // A folder with what is in it.
    let report = winkiln(&["fs", "mv", image, r"\Users", r"\FOLDER", "--json"]).json();
    assert_eq!(report["changes"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(winkiln(&["fs", "cat", image, r"\Folder\Users\taken.txt"]).out, b"a");

    put(r"\Users\x");
    let before = guest.hash();
    for (from, to, status, parts) in [
        (r"\Users", r"\FOLDER", 1, &["exists already"][..]),
        (r"\FOLDER", r"\bootmgr", 1, &["exists already"]),
        (r"\FOLDER", r"\FOLDER\Users", 1, &["into itself"]),
        (r"\none", r"\FOLDER", 1, &["no such file or folder", "none"]),
        (r"\Users\x", r"\No\x", 1, &["no such folder", "mkdir -p"]),
        (r"\Users\x", r"\none\", 1, &["is not a folder"]),
        (r"\", r"\FOLDER", 2, &["root folder"]),
        (r"\$MFT", r"\mft", 1, &["$MFT"]),
    ] {
        winkiln(&["fs", "mv", image, from, to]).fails(status, parts);
    }
    assert_eq!(guest.hash(), before);
}

#[test]
fn attributes_are_shown_and_changed_as_attrib_does() {
    let guest = Guest::new();
    let image = guest.image();
    let path = guest.write("a.txt", b"a");
    drop(winkiln(&["fs", "put", image, &path, r"\a.txt"]).ok());
    let letters = || {
        let shown = winkiln(&["fs", "attrib", image, r"c:/a.txt", "--json"]).json();
        shown["attributes"].as_str().unwrap().to_owned()
    };
    for (changes, expected) in [
        (&["+r-a"][..], "R"),
        (&["-r", "+H", "+s"], "HS"),
        (&["-h", "--quiet", "-s", "+a+i"], "AI"),
        (&["-i"], "A"),
    ] {
        drop(winkiln(&[&["fs", "attrib", image, r"\a.txt"], changes].concat()).ok());
        assert_eq!(letters(), expected, "{changes:?}");
    }
    let report = winkiln(&["fs", "attrib", image, r"\a.txt", "+a", "-h", "--json"]).json();
    assert_eq!((&report["committed"], &report["unchanged"]), (&json!(false), &json!(1)));
    let text = winkiln(&["fs", "attrib", image, r"\a.txt"]).ok();
    assert_eq!(text, "A         \\a.txt\n");
    let before = guest.hash();
    winkiln(&["fs", "attrib", image, r"\a.txt", "+x"]).fails(2, &["+x", "+r-h"]);
    winkiln(&["fs", "attrib", image, r"\a.txt", "--jsn"]).fails(2, &["jsn"]);
    winkiln(&["fs", "attrib", image, r"\none", "+r"]).fails(1, &["no such file"]);
    assert_eq!(guest.hash(), before);
}
