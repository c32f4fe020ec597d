//! Random edits of FAT volumes against a model in memory; the `fatfs` crate and `fsck.fat` have the last word.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use winkiln_volume::Volume;

use crate::environment::{Random, device, writable};
use crate::fat::{judge, make};

/// Path in upper case, spelling, and contents; `None` for a folder.
type Model = BTreeMap<String, (String, Option<Vec<u8>>)>;

fn name(random: &mut Random) -> String {
    let stems = [
        "BCD",
        "bootmgr",
        "A longer name",
        "x",
        "README.txt",
        "many.dots.in.name",
        "\u{444}\u{430}\u{439}\u{43b}",
        "caf\u{e9}",
    ];
    format!("{}{}", stems[random.below(stems.len())], random.below(60))
}

fn parent_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Does one random thing to both.
fn step(random: &mut Random, volume: &mut Volume, model: &mut Model) {
    let folders: Vec<String> = std::iter::once(String::new())
        .chain(
            model.values().filter(|(_, contents)| contents.is_none()).map(|(path, _)| path.clone()),
        )
        .collect();
    let folder = &folders[random.below(folders.len())];
    let path = if folder.is_empty() { name(random) } else { format!("{folder}/{}", name(random)) };
    let key = path.to_uppercase();
    let length = random.below(9000);
    match random.below(12) {
        0 | 1 => {
            let made = volume.create_directory(&path);
            assert_eq!(made.is_ok(), !model.contains_key(&key), "{path}: {made:?}");
            model.entry(key).or_insert((path, None));
        }
        2..6 => {
            let contents = random.bytes(length);
            let written = volume.write(&path, &contents);
            let is_folder = model.get(&key).is_some_and(|(_, old)| old.is_none());
            assert_eq!(written.is_ok(), !is_folder, "{path}: {written:?}");
            if !is_folder {
                model.entry(key).or_insert_with(|| (path, None)).1 = Some(contents);
            }
        }
        action => {
            let Some((key, (path, _))) = model.iter().nth(random.below(model.len().max(1))) else {
                return;
            };
            let (key, path) = (key.clone(), path.clone());
            if action < 9 {
                let full = model.values().any(|(below, _)| parent_of(&below.to_uppercase()) == key);
                let removed = volume.remove(&path);
                assert_eq!(removed.is_ok(), !full, "{path}: {removed:?}");
                if !full {
                    model.remove(&key);
                }
            } else if let Some((_, Some(contents))) = model.get_mut(&key) {
                if action == 9 {
                    volume.set_size(&path, length as u64).unwrap();
                    contents.resize(length, 0);
                } else {
                    let data = random.bytes(length / 3);
                    let offset = random.below(9000);
                    volume.write_at(&path, offset as u64, &data).unwrap();
                    if contents.len() < offset + data.len() {
                        contents.resize(offset + data.len(), 0);
                    }
                    contents[offset..offset + data.len()].copy_from_slice(&data);
                }
            }
        }
    }
}

fn compare(volume: &Volume, model: &Model) {
    let mut seen = 0;
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in volume.read_directory(&folder).unwrap() {
            let path =
                if folder.is_empty() { entry.name } else { format!("{folder}/{}", entry.name) };
            let (spelling, contents) = &model[&path.to_uppercase()];
            assert_eq!((&path, entry.is_directory), (spelling, contents.is_none()));
            match contents {
                None => folders.push(path),
                Some(contents) => {
                    assert_eq!(&volume.read(&path, 1 << 20).unwrap(), contents, "{path}");
                }
            }
            seen += 1;
        }
    }
    assert_eq!(seen, model.len());
}

fn compare_with_fatfs(bytes: Vec<u8>, model: &Model) {
    let volume = fatfs::FileSystem::new(Cursor::new(bytes), fatfs::FsOptions::new()).unwrap();
    let mut seen = 0;
    let mut folders = vec![(String::new(), volume.root_dir())];
    while let Some((folder, directory)) = folders.pop() {
        for entry in directory.iter() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            if name == "." || name == ".." {
                continue;
            }
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let (spelling, contents) = &model[&path.to_uppercase()];
            assert_eq!((&path, entry.is_dir()), (spelling, contents.is_none()));
            match contents {
                None => folders.push((path, entry.to_dir())),
                Some(contents) => {
                    let mut found = Vec::new();
                    entry.to_file().read_to_end(&mut found).unwrap();
                    assert_eq!(&found, contents, "{path}");
                }
            }
            seen += 1;
        }
    }
    assert_eq!(seen, model.len());
}

#[test]
fn random_edits_match_a_model() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, seed) in [(0, 1), (0, 2), (1, 3), (2, 4), (2, 5)] {
        let Some(image) = make(folder.path(), kind) else { return };
        let device = device(&image);
        let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ seed << 40);
        let mut model = Model::new();
        for _ in 0..4 {
            let mut volume = writable(&device);
            for _ in 0..120 {
                step(&mut random, &mut volume, &mut model);
            }
            volume.flush().unwrap();
            compare(&volume, &model);
            judge(&image, &device);
            compare_with_fatfs(device.to_vec(), &model);
        }
        assert!(model.len() > 30, "{}", model.len());
    }
}
