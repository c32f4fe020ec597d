//! Symbolic links and junctions: made, read, followed, removed.

use std::sync::atomic::Ordering;

use winkiln_ntfs::{
    Error, FileReference, Link, LinkKind, OpenOptions, ReparsePoint, Volume,
    index::{self, Collation},
    upcase::UpCase,
};

use crate::{
    device::FileDevice,
    images::{self, Image},
    index::corpus::load_index,
    judges::Mount,
    write_volumes::{NOW, check_all, copy, open_for_writing},
};

fn fresh(folder: &std::path::Path) -> Option<Image> {
    images::mkntfs(folder, 16 << 20, 4096, "")
}

fn find(volume: &Volume, path: &str) -> FileReference {
    volume.find(path).expect("a lookup").unwrap_or_else(|| panic!("{path} is lost"))
}

fn link(target: &str, junction: bool) -> Link {
    Link::to(target, junction).unwrap_or_else(|| panic!("{target}"))
}

/// Tags and record numbers in `$R`, as The Sleuth Kit reads the index.
fn index_of_links(image: &Image, volume: &Volume) -> Vec<(u32, u64)> {
    let record = find(volume, r"$Extend\$Reparse").record();
    let upcase = UpCase::from_bytes(&[]);
    let collation = Collation::from_code(0x13, &upcase).expect("a rule");
    let mut store = load_index(&image.path, record, "$R", collation).expect("an index");
    let entries = index::entries(&mut store).expect("entries");
    let key = |entry: &index::Entry| {
        let key = entry.key().to_vec();
        let number = |at: usize| u32::from_le_bytes(key[at..at + 4].try_into().expect("a number"));
        (number(0), u64::from(number(4)))
    };
    entries.iter().map(key).collect()
}

#[test]
fn links_are_what_ntfs_3g_reads_and_makes() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = fresh(folder.path()) else { return };
    let before = copy(&image, folder.path());
    let made = [
        ("file link", r"there\file.txt", false, false),
        ("up", r"..\there\file.txt", false, false),
        ("folder link", r"there", false, true),
        ("absolute", r"C:\there\file.txt", false, false),
        ("rooted", r"\there", false, true),
        ("junction", r"C:\there", true, true),
        ("elsewhere", r"\\server\share\x", false, true),
    ];
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    let there = volume.create_directory(root, "there").expect("a folder");
    let file = volume.create_file(there, "file.txt", 0).expect("a file");
    volume.write_at(file, "", 0, b"contents").expect("written");
    for (name, target, junction, is_directory) in made {
        let link = link(target, junction);
        let file = volume.create_link(root, name, &link, is_directory).expect(name);
        let facts = volume.metadata(file).expect("facts");
        assert_eq!(facts.attributes & 0x430, if is_directory { 0x410 } else { 0x420 }, "{name}");
        assert_eq!(facts.size, 0, "{name}");
        assert_eq!(volume.reparse_point(file).expect("read"), Some(ReparsePoint::Link(link)));
    }
    volume.flush().expect("flushed");
    let mut expected: Vec<(u32, u64)> = made
        .iter()
        .map(|(name, _, junction, _)| {
            let tag = if *junction { 0xa000_0003 } else { 0xa000_000c };
            (tag, find(&volume, name).record())
        })
        .collect();
    expected.sort_unstable();
    assert_eq!(index_of_links(&image, &volume), expected);
    drop(volume);
    check_all(&image, Some(&before), "links made");

    // ntfs-3g follows them, and shows the data byte for byte as it would make them.
    if let Some(mount) = Mount::new(&image, "rw") {
        let at = mount.path().display();
        let seen = images::shell(&format!(
            "cd '{at}' && cat 'file link' 'folder link/file.txt' absolute rooted/file.txt junction/file.txt"
        ));
        assert_eq!(seen, "contents".repeat(5));
        for (path, expected) in [
            ("file link", reparse(r"there\file.txt", r"there\file.txt", Some(1))),
            ("junction", reparse(r"\??\C:\there", r"C:\there", None)),
            ("absolute", reparse(r"\??\C:\there\file.txt", r"C:\there\file.txt", Some(0))),
        ] {
            assert_eq!(mount.attribute(path, "system.ntfs_reparse_data"), expected, "{path}");
        }
        // Its own removal takes ours out of the index.
        images::shell(&format!("cd '{at}' && rm 'file link' junction"));
    }
    let mut volume = open_for_writing(&image);
    let left = index_of_links(&image, &volume).len();
    assert!(left == 5 || left == 7, "{left}");
    for name in ["up", "folder link", "absolute", "rooted"] {
        volume.remove(root, name).expect(name);
    }
    volume.flush().expect("flushed");
    assert_eq!(index_of_links(&image, &volume).len(), left - 4);
    let mut buf = [0; 8];
    volume.read_at(find(&volume, "there/file.txt"), "", 0, &mut buf).expect("read");
    assert_eq!(&buf, b"contents");
    drop(volume);
    check_all(&image, Some(&before), "links removed");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reparse data as [MS-FSCC] lays them out, put together here.
fn reparse(substitute: &str, shown: &str, flags: Option<u32>) -> Vec<u8> {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let (s, p) = (wide(substitute), wide(shown));
    let numbers = |numbers: [usize; 4]| {
        numbers.into_iter().flat_map(|n| (n as u16).to_le_bytes()).collect::<Vec<u8>>()
    };
    let (tag, data) = match flags {
        Some(flags) => (
            0xa000_000c_u32,
            [&numbers([p.len(), s.len(), 0, p.len()])[..], &flags.to_le_bytes(), &p, &s].concat(),
        ),
        None => (
            0xa000_0003,
            [&numbers([0, s.len(), s.len() + 2, p.len()])[..], &s, &[0, 0], &p, &[0, 0]].concat(),
        ),
    };
    [&tag.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), &[0, 0], &data].concat()
}

#[test]
fn paths_are_followed_inside_the_volume_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = fresh(folder.path()) else { return };
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    let a = volume.create_directory(root, "a").expect("a folder");
    let b = volume.create_directory(a, "b").expect("a folder");
    let file = volume.create_file(b, "File.txt", 0).expect("a file");
    let mut make = |folder, name: &str, target: &str, junction| {
        volume.create_link(folder, name, &link(target, junction), true).expect(name)
    };
    make(root, "J", r"C:\a", true);
    make(root, "d", r"D:\a", true);
    make(root, "volume", r"\\?\Volume{01234567-89ab-cdef-0123-456789abcdef}\", true);
    make(root, "share", r"\\server\share", false);
    make(b, "up", r"..\..\a\.\b\x\..", false);
    make(b, "over", r"..\..\..\..\..\a", false);
    make(a, "rooted", r"\J\b", false);
    make(root, "self", "self", false);
    make(root, "one", "two", false);
    make(root, "two", "one", false);
    make(root, "dead", r"a\none", false);
    make(root, "l0", "a", false);
    for number in 1..=70 {
        make(root, &format!("l{number}"), &format!("l{}", number - 1), false);
    }
    let check = |path: &str, names: &str, file: Option<FileReference>| {
        let resolved =
            volume.resolve(path, &['c'], true).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!((&*resolved.names.join("\\"), resolved.file), (names, file), "{path}");
    };
    check("", "", Some(root));
    check("j/B/file.TXT", r"a\b\File.txt", Some(file));
    check("j", "a", Some(a));
    check(r"a\b\up\up\up\File.txt", r"a\b\File.txt", Some(file));
    check(r"a\b\over", "a", Some(a));
    check(r"a\rooted\over\rooted\up", r"a\b", Some(b));
    check("dead", r"a\none", None);
    check(r"dead\more\x", r"a\none\more\x", None);
    check(r"a\b\file.txt\x", r"a\b\File.txt\x", None);
    check("l62", "a", Some(a));
    for path in ["self", r"self\x", "one", "l63"] {
        let refused = volume.resolve(path, &['C'], true).expect_err(path);
        assert!(matches!(refused, Error::TooManyLevels { most: 63, .. }), "{path}: {refused}");
        assert!(!refused.is_refusal());
    }
    for (path, link, target) in [
        (r"d\b", "d", r"D:\a"),
        ("volume", "volume", r"\\?\Volume{01234567-89ab-cdef-0123-456789abcdef}\"),
        (r"share\x", "share", r"\\server\share"),
    ] {
        match volume.resolve(path, &['C'], true).expect_err(path) {
            Error::LeavesVolume { link: l, target: t } => assert_eq!((&*l, &*t), (link, target)),
            other => panic!("{path}: {other}"),
        }
    }
    assert!(volume.resolve("j", &[], true).is_err());
    assert_eq!(volume.resolve("d", &['D'], true).expect("both").file, Some(a));
    // The last name is not followed when it is asked for itself; those before it are.
    let last = volume.resolve(r"j\rooted", &['C'], false).expect("found");
    assert_eq!(last.names, ["a", "rooted"]);
    assert_eq!(last.file, volume.find(r"a\rooted").expect("a lookup"));
}

#[test]
fn what_cannot_be_a_link_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = fresh(folder.path()) else { return };
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    let full = volume.create_directory(root, "full").expect("a folder");
    let file = volume.create_file(full, "file", 0).expect("a file");
    volume.write_at(file, "", 0, b"x").expect("written");
    volume.flush().expect("flushed");
    drop(volume);
    let device = FileDevice::open(&image.path, 0, None, true);
    let options = OpenOptions { writable: true, now: NOW, ..Default::default() };
    let mut volume = Volume::open(device.clone(), options).expect("opened");
    let to = link("C:\\x", false);
    for file in [full, file] {
        let refused = volume.set_link(file, &to).expect_err("not empty");
        assert!(matches!(refused, Error::NotEmpty { .. }), "{refused}");
        let refused = volume.remove_link(file).expect_err("no link");
        assert!(matches!(refused, Error::NotALink { .. }), "{refused}");
    }
    let refused = volume.create_link(root, "full", &to, true).expect_err("there");
    assert!(matches!(refused, Error::AlreadyExists { .. }), "{refused}");
    let refused = volume.create_link(root, "a:b", &to, true).expect_err("a name");
    assert!(matches!(refused, Error::NameNotAllowed { .. }), "{refused}");
    let refused = volume.set_link(volume.root(), &to).expect_err("the root");
    assert!(matches!(refused, Error::SystemFile { .. }), "{refused}");
    volume.flush().expect("flushed");
    assert_eq!(device.bytes_written.load(Ordering::Relaxed), 0);
    let empty = volume.create_file(root, "empty", 0).expect("a file");
    let refused = volume.set_link(empty, &link("C:\\x", true)).expect_err("a junction");
    assert!(matches!(refused, Error::NotADirectory { .. }), "{refused}");
    // What the folder says of a name follows, also when no time changes.
    let was = volume.create_link(root, "was a link", &to, true).expect("a link");
    let told = |volume: &Volume| {
        let entries = volume.read_directory(root).expect("a listing");
        entries.into_iter().find(|entry| entry.reference == was).expect("its entry").attributes
    };
    assert_eq!(told(&volume) & 0x400, 0x400);
    volume.remove_link(was).expect("no link any more");
    assert_eq!(told(&volume) & 0x400, 0);
    // Another target, then none.
    volume.set_link(empty, &to).expect("a link");
    let other = link("..", false);
    volume.set_link(empty, &other).expect("another");
    assert_eq!(volume.reparse_point(empty).expect("read"), Some(ReparsePoint::Link(other.clone())));
    assert_eq!(other.kind, LinkKind::Symbolic { relative: true });
    volume.flush().expect("flushed");
    assert_eq!(index_of_links(&image, &volume).len(), 1);
    volume.remove_link(empty).expect("no link any more");
    volume.write_at(empty, "", 0, b"now a file").expect("written");
    volume.flush().expect("flushed");
    assert_eq!(index_of_links(&image, &volume), []);
    assert_eq!(volume.metadata(empty).expect("facts").attributes & 0x400, 0);
    drop(volume);
    check_all(&image, None, "links and back");
}

/// Reparse data that do not fit the record, on many links; then half of them replaced by files, half removed.
#[test]
fn long_targets_and_many_links() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = fresh(folder.path()) else { return };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    let long = |number: usize| format!(r"C:\{}\{number}", "long name\\".repeat(number * 6));
    for number in 0..120 {
        let to = link(&long(number % 60), number % 2 == 0);
        volume.create_link(root, &format!("link {number}"), &to, true).expect("a link");
    }
    for number in (0..120).step_by(3) {
        let file = find(&volume, &format!("link {number}"));
        let point = volume.reparse_point(file).expect("read");
        assert_eq!(point, Some(ReparsePoint::Link(link(&long(number % 60), number % 2 == 0))));
    }
    volume.flush().expect("flushed");
    assert_eq!(index_of_links(&image, &volume).len(), 120);
    drop(volume);
    check_all(&image, Some(&before), "many links");
    let mut volume = open_for_writing(&image);
    for number in 0..120 {
        let name = format!("link {number}");
        if number % 2 == 0 {
            volume.remove(root, &name).expect("removed");
        } else {
            volume.rename(root, &name, root, &format!("moved {number}"), false).expect("moved");
        }
    }
    volume.flush().expect("flushed");
    assert_eq!(index_of_links(&image, &volume).len(), 60);
    drop(volume);
    check_all(&image, Some(&before), "links moved and removed");
}

/// The folder's own copy of the tag follows (ntfs-3g and Windows list by it).
#[test]
fn folders_repeat_the_tag() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = fresh(folder.path()) else { return };
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    let inside = volume.create_directory(root, "in").expect("a folder");
    let file = volume.create_link(inside, "x", &link("y", false), false).expect("a link");
    volume.rename(inside, "x", inside, "renamed", false).expect("renamed");
    volume.link(file, inside, "second").expect("linked");
    volume.flush().expect("flushed");
    let upcase = UpCase::from_bytes(&[]);
    let collation = Collation::from_code(0x01, &upcase).expect("a rule");
    let mut store = load_index(&image.path, inside.record(), "$I30", collation).expect("an index");
    let entries = index::entries(&mut store).expect("entries");
    assert_eq!(entries.len(), 2);
    for entry in entries {
        let key = entry.key();
        let number = |at: usize| u32::from_le_bytes(key[at..at + 4].try_into().expect("a number"));
        assert_eq!((number(0x38) & 0x400, number(0x3c)), (0x400, 0xa000_000c));
    }
    drop(volume);
    check_all(&image, None, "a link with two names");
}

/// A junction that Windows made is read; a file with an object id goes with its entry in `$O`.
#[test]
fn links_and_object_ids_of_other_systems() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = fresh(folder.path()) else { return };
    {
        let Some(mount) = Mount::new(&image, "rw") else { return };
        let at = mount.path().display();
        images::shell(&format!("cd '{at}' && mkdir d j && echo x > d/f"));
        mount.set_attribute("d/f", "system.ntfs_object_id", "00112233445566778899aabbccddeeff");
        let data = hex(&reparse(r"\??\C:\d", r"C:\d", None));
        mount.set_attribute("j", "system.ntfs_reparse_data", &data);
    }
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    let point = volume.reparse_point(find(&volume, "j")).expect("read");
    assert_eq!(point, Some(ReparsePoint::Link(link(r"C:\d", true))));
    assert_eq!(
        volume.resolve(r"j\f", &['C'], true).expect("found").file,
        volume.find(r"d\f").expect("found")
    );
    let ids = |volume: &Volume| {
        let record = find(volume, r"$Extend\$ObjId").record();
        let upcase = UpCase::from_bytes(&[]);
        let collation = Collation::from_code(0x13, &upcase).expect("a rule");
        let mut store = load_index(&image.path, record, "$O", collation).expect("an index");
        index::entries(&mut store).expect("entries").len()
    };
    assert_eq!((ids(&volume), index_of_links(&image, &volume).len()), (1, 1));
    volume.remove(find(&volume, "d"), "f").expect("removed");
    volume.remove(root, "j").expect("removed");
    volume.flush().expect("flushed");
    assert_eq!((ids(&volume), index_of_links(&image, &volume).len()), (0, 0));
    drop(volume);
    check_all(&image, Some(&before), "removed with ids");
}
