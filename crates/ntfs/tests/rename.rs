//! Renaming, moving and linking: by a model, and one by one.

use std::sync::atomic::Ordering;

use winkiln_ntfs::{Error, FileReference, OpenOptions, Volume};

use crate::{
    device::FileDevice,
    images::{self, Image},
    judges::Mount,
    model::Model,
    write_volumes::{NOW, check_all, copy, open_for_writing, random_changes},
};

fn moved(image: &Image, folder: &std::path::Path, seed: u64, what: &str) {
    let mut model = Model::new(seed, 30_000);
    model.moves = true;
    random_changes(image, folder, &mut model, what);
    assert!(model.moved > 30, "{what}: {} moves", model.moved);
}

fn fresh(cluster: u64, size: u64, seed: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), size, cluster, "") else { return };
    moved(&image, folder.path(), seed, &format!("mkntfs -c {cluster}"));
}

#[test]
fn names_move_on_clusters_of_512_bytes() {
    fresh(512, 16 << 20, 0x20);
}

#[test]
fn names_move_on_clusters_of_4_kib() {
    fresh(4096, 32 << 20, 0x21);
}

#[test]
fn names_move_on_a_volume_of_windows() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::corpus("win10-2k-cluster-index.disk.raw.xz", folder.path()) else {
        return;
    };
    moved(&image, folder.path(), 0x22, "win10-2k-cluster-index");
}

fn find(volume: &Volume, path: &str) -> FileReference {
    volume.find(path).expect("a lookup").unwrap_or_else(|| panic!("{path} is lost"))
}

fn names(volume: &Volume, folder: FileReference) -> Vec<(String, Option<String>)> {
    let entries = volume.read_directory(folder).expect("a listing");
    entries.into_iter().map(|entry| (entry.name, entry.short_name)).collect()
}

/// Every file and folder of a Windows volume gets another name, in place and then in the root; everyone still reads the same.
#[test]
fn everything_that_windows_made_is_renamed() {
    for name in [
        "win10-2k-cluster-index.disk.raw.xz",
        "win10-ads-attrlist.vol.raw.xz",
        "win10-largedir-compressed.vol.raw.xz",
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(image) = images::corpus(name, folder.path()) else { return };
        let before = copy(&image, folder.path());
        let mut volume = open_for_writing(&image);
        let root = volume.root();
        let (mut folders, mut number, mut refused) = (vec![root], 0, 0);
        while let Some(at) = folders.pop() {
            for entry in volume.read_directory(at).expect("a listing") {
                number += 1;
                let facts = volume.metadata(entry.reference).expect("facts");
                let name = format!("{number} {}", entry.name);
                let name = name.chars().take(200).collect::<String>();
                match volume.rename(at, &entry.name, at, &name, false) {
                    Ok(()) => {}
                    Err(Error::SystemFile { .. } | Error::VolumeFull { .. }) => {
                        refused += 1;
                        continue;
                    }
                    Err(error) => panic!("{}: {error}", entry.name),
                }
                let to = if number % 3 == 0 { root } else { at };
                match volume.rename(at, &name, to, &name, false) {
                    Ok(()) => {}
                    Err(Error::VolumeFull { .. }) => refused += 1,
                    Err(error) => panic!("{name}: {error}"),
                }
                let now = volume.metadata(entry.reference).expect("facts");
                assert_eq!((now.links, now.size), (facts.links, facts.size), "{name}");
                assert_eq!(now.modified, facts.modified, "{name}");
                assert_eq!(now.security, facts.security, "{name}");
                if entry.is_directory {
                    folders.push(entry.reference);
                }
            }
        }
        assert!(number > 2 && refused < number, "{name}: {number} entries, {refused} refused");
        eprintln!("{name}: {number} entries, {refused} refused");
        volume.flush().expect("flushed");
        check_all(&image, Some(&before), name);
    }
}

#[test]
fn names_follow_the_rules() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 16 << 20, 4096, "") else { return };
    {
        let Some(mount) = Mount::new(&image, "rw") else { return };
        images::shell(&format!(
            "cd '{}' && mkdir in in/deep && echo long > 'A long name.txt' && echo two > in/two && ln in/two in/three
             python3 -c 'import os; os.setxattr(\"A long name.txt\", \"system.ntfs_dos_name\", b\"ALONGN~1.TXT\")'",
            mount.path().display()
        ));
    }
    let before = copy(&image, folder.path());
    let device = FileDevice::open(&image.path, 0, None, true);
    let options = OpenOptions { writable: true, now: NOW, ..Default::default() };
    let mut volume = Volume::open(device.clone(), options).expect("opened");
    let root = volume.root();
    let (inside, deep) = (find(&volume, "in"), find(&volume, "in/deep"));
    let pair = ("A long name.txt".to_owned(), Some("ALONGN~1.TXT".to_owned()));
    assert!(names(&volume, root).contains(&pair));

    // What is refused changes nothing.
    let mut refuse = |from, name: &str, to, new: &str, replace| {
        let refused = volume.rename(from, name, to, new, replace).expect_err(new);
        volume.flush().expect("flushed");
        assert_eq!(device.bytes_written.load(Ordering::Relaxed), 0, "{name} to {new}");
        refused
    };
    let refused = refuse(root, "nothing", root, "x", true);
    assert!(matches!(refused, Error::NotFound { .. }), "{refused:?}");
    for (from, name, to) in [(root, "in", inside), (root, "in", deep), (inside, "DEEP", deep)] {
        let refused = refuse(from, name, to, "x", true);
        assert!(matches!(refused, Error::FolderIntoItself { .. }), "{refused:?}");
    }
    for (name, new) in [("two", "THREE"), ("two", "deep"), ("deep", "two")] {
        let refused = refuse(inside, name, inside, new, false);
        assert!(matches!(refused, Error::AlreadyExists { .. }), "{refused:?}");
    }
    let refused = refuse(inside, "two", inside, "deep", true);
    assert!(matches!(refused, Error::IsADirectory { .. }), "{refused:?}");
    let refused = refuse(inside, "deep", inside, "two", true);
    assert!(matches!(refused, Error::AlreadyExists { .. }), "{refused:?}");
    for new in ["", "a/b", "con", "a.", "x:y"] {
        let refused = refuse(inside, "two", inside, new, true);
        assert!(matches!(refused, Error::NameNotAllowed { .. }), "{refused:?}");
    }
    let refused = refuse(root, "$Extend", root, "x", true);
    assert!(matches!(refused, Error::SystemFile { .. }), "{refused:?}");
    let refused = volume.link(deep, root, "x").expect_err("a folder");
    assert!(matches!(refused, Error::IsADirectory { .. }), "{refused:?}");

    // By its 8.3 name; that name goes.
    let long = find(&volume, "A long name.txt");
    let was = volume.metadata(long).expect("facts");
    volume.rename(root, "alongn~1.txt", root, "An even longer name.txt", false).expect("renamed");
    assert!(names(&volume, root).contains(&("An even longer name.txt".to_owned(), None)));
    assert_eq!(volume.find("ALONGN~1.TXT").expect("a lookup"), None);
    let facts = volume.metadata(long).expect("facts");
    assert_eq!((facts.links, facts.modified, facts.changed), (1, was.modified, NOW));
    assert!(was.modified != NOW && facts.created == was.created);
    assert_eq!(volume.metadata(root).expect("facts").modified, NOW);

    // The case of letters.
    assert_ne!(volume.metadata(inside).expect("facts").modified, NOW);
    volume.rename(inside, "two", inside, "TWO", false).expect("renamed");
    assert_eq!(names(&volume, inside).iter().filter(|(name, _)| name == "TWO").count(), 1);
    assert_eq!(volume.metadata(inside).expect("facts").modified, NOW);

    // One of two names; the other stays. Then over a file, and over its own other name.
    volume.rename(inside, "three", root, "3", false).expect("moved");
    let file = find(&volume, "3");
    assert_eq!(volume.metadata(file).expect("facts").links, 2);
    assert_eq!(find(&volume, "in/two"), file);
    volume.rename(root, "3", root, "an even longer NAME.txt", true).expect("replaced");
    assert_eq!(find(&volume, "An even longer name.txt"), file);
    let gone = volume.metadata(long).expect_err("removed");
    assert!(matches!(gone, Error::StaleReference { .. }), "{gone:?}");
    volume.link(file, deep, "third.name").expect("linked");
    assert_eq!(volume.metadata(file).expect("facts").links, 3);
    volume.rename(inside, "TWO", deep, "Third.Name", true).expect("replaced");
    assert_eq!(volume.metadata(file).expect("facts").links, 2);
    assert_eq!(names(&volume, deep), [("Third.Name".to_owned(), None)]);
    let mut buf = [0; 9];
    let read = volume.read_at(file, "", 0, &mut buf).expect("read");
    assert_eq!(&buf[..read], b"two\n");

    // A folder with what is in it.
    volume.rename(inside, "deep", root, "Deep", false).expect("moved");
    assert_eq!(find(&volume, "deep/third.name"), file);
    volume.rename(root, "in", find(&volume, "deep"), "IN", false).expect("moved");
    assert_eq!(find(&volume, "deep/in"), inside);
    volume.flush().expect("flushed");
    drop(volume);
    check_all(&image, Some(&before), "renamed");
}

/// As many names as a file may have; and many names that go again, all but one.
#[test]
fn a_file_has_at_most_1024_names() {
    give_names(1024, 5);
    give_names(200, 300);
}

fn give_names(count: u32, length: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 32 << 20, 4096, "") else { return };
    let name = |number: u32| format!("{number} with a name of some length");
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    let file = volume.create_file(root, "first", 0).expect("a file");
    volume.write_at(file, "", 0, &vec![7; length]).expect("written");
    for number in 1..count {
        volume
            .link(file, root, &name(number))
            .unwrap_or_else(|error| panic!("{}: {error}", name(number)));
    }
    if count == 1024 {
        let refused = volume.link(file, root, "one more").expect_err("too many");
        assert!(matches!(refused, Error::TooManyLinks { .. }), "{refused:?}");
    }
    volume.rename(root, "first", root, "FIRST of many", false).expect("renamed");
    assert_eq!(volume.metadata(file).expect("facts").links, count);
    volume.flush().expect("flushed");
    check_all(&image, None, &format!("{count} names"));
    if count == 1024 {
        return;
    }
    let mut volume = open_for_writing(&image);
    for number in 1..count {
        volume.remove(root, &name(number)).expect("removed");
    }
    assert_eq!(volume.metadata(find(&volume, "first of many")).expect("facts").links, 1);
    volume.flush().expect("flushed");
    check_all(&image, None, "one name");
}

/// Changes that once failed: an attribute list grew by a run for which its record had no room.
#[test]
fn lists_grow_in_full_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 16 << 20, 512, "") else { return };
    let mut model = Model::new(0xa0_0020, 30_000);
    model.moves = true;
    for _ in 0..40 {
        let mut volume = open_for_writing(&image);
        for _ in 0..150 {
            model.step(&mut volume);
        }
        volume.flush().expect("flushed");
    }
    check_all(&image, None, "full records");
}
