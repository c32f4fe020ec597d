//! The last file record, and a folder whose index is deep.

use winkiln_ntfs::index::Collation;

use crate::{
    images,
    index::{checker, corpus, generate},
    read_real_volumes::open,
    write_volumes::{check_all, copy, open_for_writing},
};

#[test]
fn the_last_file_record_is_taken_before_more_are_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 8 << 20, 4096, "") else { return };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let (root, mft) = (volume.root(), volume.find("$MFT").expect("a lookup").expect("found"));
    // The first file makes room for others.
    volume.create_file(root, "first", 0).expect("created");
    let size = volume.metadata(mft).expect("facts").size;
    let last = size / 1024 - 1;
    let mut taken = 0;
    let file = loop {
        let file = volume.create_file(root, &format!("file {taken}"), 0).expect("created");
        assert!(file.record() <= last, "{file:?}");
        assert_eq!(volume.metadata(mft).expect("facts").size, size, "{taken}");
        taken += 1;
        if file.record() == last {
            break file;
        }
    };
    volume.write_at(file, "", 0, &[7; 600]).expect("written");
    volume.flush().expect("flushed");
    drop(volume);
    check_all(&image, Some(&before), "all records taken");

    let mut volume = open_for_writing(&image);
    volume.remove(root, &format!("file {}", taken - 1)).expect("removed");
    let again = volume.create_file(root, "again", 0).expect("created");
    assert_eq!(again.record(), last, "the free record is used again");
    assert_ne!(again, file, "by another number");
    assert_eq!(volume.metadata(mft).expect("facts").size, size);
    let next = volume.create_file(root, "next", 0).expect("created");
    assert_eq!(next.record(), last + 1);
    assert!(volume.metadata(mft).expect("facts").size > size);
    volume.flush().expect("flushed");
    drop(volume);
    check_all(&image, Some(&before), "more records");
}

/// The longest names, few to a block, make an index of five levels.
#[test]
fn a_deep_folder_grows_and_shrinks() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 16 << 20, 4096, "") else { return };
    let before = copy(&image, folder.path());
    let name = |n: u64| format!("{:05}{}", n, " long".repeat(50));
    let levels = |folder: u64| {
        let table = generate::upcase();
        let collation = Collation::FileName(&table);
        let store = corpus::load_index(&image.path, folder, "$I30", collation)?;
        let contents = checker::check(&store, collation);
        Some((contents.entries.len(), contents.levels))
    };
    let mut volume = open_for_writing(&image);
    let deep = volume.create_directory(volume.root(), "deep").expect("a folder");
    for n in 0..2000 {
        volume.create_file(deep, &name(n), 0).expect("created");
    }
    volume.flush().expect("flushed");
    drop(volume);
    if images::tool("istat") && images::tool("icat") {
        let (entries, levels) = levels(deep.record()).expect("an index");
        assert_eq!(entries, 2000);
        assert!(levels >= 5, "{levels} levels");
    }
    check_all(&image, Some(&before), "deep");

    let mut volume = open_for_writing(&image);
    for n in (0..2000).filter(|n| n % 400 != 7) {
        volume.remove(deep, &name(n * 7 % 2000)).expect("removed");
    }
    volume.flush().expect("flushed");
    let left = open(&image).read_directory(deep).expect("a listing");
    assert_eq!(left.len(), 5);
    for n in (0..2000).filter(|n| n % 400 == 7) {
        assert!(left.iter().any(|entry| entry.name == name(n * 7 % 2000)), "{n}");
    }
    drop(volume);
    check_all(&image, Some(&before), "shallow again");
}
