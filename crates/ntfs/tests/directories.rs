//! Folders of the size of System32: thousands of names come and go, then everyone judges.

use std::collections::BTreeSet;

use winkiln_ntfs::{FileReference, Volume};

use crate::{
    images::{self, Image},
    index::generate::Random,
    write_volumes::{check_all, copy, open_for_writing},
};

/// Names as they lie in System32, CatRoot and WinSxS: short ones, long ones, mixed case, many with a common beginning.
fn name(random: &mut Random, number: usize) -> String {
    let hex = random.next();
    match number % 5 {
        0 => format!(
            "Microsoft-Windows-Package-{number:05}~31bf3856ad364e35~amd64~~10.0.19041.{number}.cat"
        ),
        1 => format!("{hex:016x}.DLL"),
        2 => format!("kbd{number}.dll"),
        3 => format!("amd64_{}_{hex:016x}", "component-".repeat(1 + random.below(12))),
        _ => format!("Größe {number} {}.nls", ["и", "λ", "文字"][number % 3]),
    }
}

fn names_of(volume: &Volume, folder: FileReference) -> Vec<String> {
    volume.read_directory(folder).expect("a listing").into_iter().map(|entry| entry.name).collect()
}

/// Fills a folder, thins it out, empties another one, and has the volume judged.
fn fill_and_thin_out(image: &Image, before: Option<&std::path::Path>, count: usize, what: &str) {
    let mut random = Random(0x5eed ^ count as u64);
    let mut volume = open_for_writing(image);
    let full = volume.create_directory(volume.root(), "winkiln-System32").expect("a folder");
    let passing = volume.create_directory(volume.root(), "winkiln-Temp").expect("a folder");
    let mut expected = BTreeSet::new();
    for number in 0..count {
        let name = name(&mut random, number);
        if number % 20 == 7 {
            volume.create_directory(full, &name).expect("a folder");
        } else {
            volume.create_file(full, &name, 0x20).expect("a file");
        }
        assert!(expected.insert(name));
        if number % 4 == 0 {
            volume.create_file(passing, &format!("{number:x}.tmp"), 0x20).expect("a file");
        }
    }
    let mut order: Vec<String> = expected.iter().cloned().collect();
    for at in (1..order.len()).rev() {
        order.swap(at, random.below(at + 1));
    }
    volume.flush().expect("flushed");
    check_all(image, before, &format!("{what}, full"));

    let mut volume = open_for_writing(image);
    let full = volume.find("winkiln-System32").expect("looked up").expect("is there");
    let passing = volume.find("WINKILN-temp").expect("looked up").expect("is there");
    for name in &order[..count * 2 / 3] {
        assert!(
            volume
                .find(&format!("WINKILN-SYSTEM32\\{}", name.to_ascii_uppercase()))
                .expect("looked up")
                .is_some(),
            "{name}"
        );
        volume.remove(full, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        expected.remove(name);
    }
    for number in (0..count).step_by(4) {
        volume
            .remove(passing, &format!("{number:X}.TMP"))
            .unwrap_or_else(|error| panic!("{number:x}: {error}"));
    }
    assert_eq!(names_of(&volume, full).into_iter().collect::<BTreeSet<_>>(), expected, "{what}");
    assert!(names_of(&volume, passing).is_empty());
    volume.remove(volume.root(), "winkiln-Temp").expect("an empty folder goes");
    for number in 0..200 {
        let name = format!("again-{number}.sys");
        volume.create_file(full, &name, 0x20).expect("a file");
        expected.insert(name);
    }
    volume.flush().expect("flushed");
    let listed = names_of(&crate::read_real_volumes::open(image), full);
    assert_eq!(listed.len(), expected.len(), "{what}");
    check_all(image, before, &format!("{what}, thinned out"));
}

#[test]
fn a_fresh_volume_takes_thousands_of_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 64 << 20, 4096, "") else { return };
    fill_and_thin_out(&image, None, 4000, "mkntfs");
}

#[test]
fn a_fresh_volume_of_small_clusters_takes_thousands_of_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 32 << 20, 512, "") else { return };
    fill_and_thin_out(&image, None, 1500, "mkntfs -c 512");
}

#[test]
fn a_volume_of_windows_takes_thousands_of_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::corpus("win10-ads-attrlist.vol.raw.xz", folder.path()) else {
        return;
    };
    let before = copy(&image, folder.path());
    fill_and_thin_out(&image, Some(&before), 3000, "win10-ads-attrlist");
}

/// A folder that Windows filled with 2,000 names: half of them go, others come.
#[test]
fn a_large_folder_of_windows_is_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::corpus("win10-largedir-compressed.vol.raw.xz", folder.path()) else {
        return;
    };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let large = volume.find("Large Directory").expect("looked up").expect("is there");
    let were = names_of(&volume, large);
    assert!(were.len() >= 2000, "{}", were.len());
    let mut expected: BTreeSet<String> = were.iter().cloned().collect();
    for name in were.iter().step_by(2) {
        volume.remove(large, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        expected.remove(name);
    }
    for number in 0..400 {
        let name = format!("{number:03} of the names that came later.txt");
        volume.create_file(large, &name, 0x20).unwrap_or_else(|error| panic!("{name}: {error}"));
        expected.insert(name);
    }
    volume.flush().expect("flushed");
    assert_eq!(names_of(&volume, large).into_iter().collect::<BTreeSet<_>>(), expected);
    check_all(&image, Some(&before), "Large Directory");
}
