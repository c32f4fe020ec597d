//! Files that NTFS or the overlay filter compressed, changed in part: they become plain, whole and right.

use std::{fs, path::Path};

use winkiln_ntfs::{Error, FileReference, Volume};

use crate::{
    images::{self, Image},
    judges::Mount,
    model::Random,
    overlaid_files::{ALGORITHMS, contents, packed_volume, read_all},
    write_volumes::{check_all, copy, open_for_writing},
};

const SPARSE: u32 = 0x200;
const REPARSE: u32 = 0x400;
const COMPRESSED: u32 = 0x800;

fn find(volume: &Volume, name: &str) -> FileReference {
    volume.find(name).expect("a lookup").unwrap_or_else(|| panic!("{name} is lost"))
}

/// Writes, appends, cuts and grows at random; the first change is of the kind that `turn` says.
fn edit(
    volume: &mut Volume,
    file: FileReference,
    model: &mut Vec<u8>,
    random: &mut Random,
    turn: usize,
) {
    for step in turn..turn + 6 {
        let length = model.len() as u64;
        let size = match step % 4 {
            0 => {
                let offset = random.below(length) as usize;
                let count = 1 + random.below(70_000).min(length) as usize;
                let data = random.bytes(count);
                volume.write_at(file, "", offset as u64, &data).expect("written");
                model.resize(model.len().max(offset + data.len()), 0);
                model[offset..offset + data.len()].copy_from_slice(&data);
                continue;
            }
            1 => {
                volume.write_at(file, "", length + 5000, b"behind the end").expect("appended");
                model.resize(length as usize + 5000, 0);
                model.extend_from_slice(b"behind the end");
                continue;
            }
            2 => 1 + random.below(length),
            _ => length + random.below(200_000),
        };
        volume.set_size(file, "", size).expect("cut or grown");
        model.resize(size as usize, 0);
    }
}

/// A volume with files in a compressed folder: `(name, contents)`.
fn compressed_volume(
    folder: &Path,
    size: u64,
    cluster: u64,
    files: &[(String, Vec<u8>)],
) -> Option<Image> {
    let image = images::mkntfs(folder, size, cluster, "")?;
    let source = folder.join("source");
    fs::create_dir(&source).expect("a folder");
    for (name, bytes) in files {
        fs::write(source.join(name), bytes).expect("written");
    }
    let mount = Mount::new(&image, "rw,compression")?;
    images::shell(&format!(
        "cd '{}'; mkdir d; python3 -c 'import os; os.setxattr(\"d\", \"system.ntfs_attrib\", bytes([0, 8, 0, 0]))'; \
         cp '{}'/* d/",
        mount.path().display(),
        source.display(),
    ));
    Some(image)
}

#[test]
fn compressed_files_are_edited() {
    for cluster in [512, 1024, 4096] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut random = Random(cluster + 77);
        let mut files = contents(&mut random);
        files.retain(|(name, bytes)| bytes.len() > 5000 && !name.contains("incompressible"));
        files.truncate(9);
        let zeros = [vec![0; 500_000], b"text ".repeat(20_000), vec![0; 700_000]].concat();
        files.push(("long zeros".to_owned(), zeros));
        let Some(image) = compressed_volume(folder.path(), 64 << 20, cluster, &files) else {
            return;
        };
        let before = copy(&image, folder.path());
        let mut volume = open_for_writing(&image);
        for (turn, (name, model)) in files.iter_mut().enumerate() {
            let file = find(&volume, &format!("d/{name}"));
            assert_ne!(volume.metadata(file).expect("facts").attributes & COMPRESSED, 0, "{name}");
            edit(&mut volume, file, model, &mut random, turn);
            let facts = volume.metadata(file).expect("facts");
            assert_eq!(facts.attributes & (COMPRESSED | SPARSE), 0, "{name}");
            assert!(facts.streams[0].allocated >= facts.size, "{name}");
        }
        volume.flush().expect("flushed");
        let volume = crate::read_real_volumes::open(&image);
        for (name, model) in &files {
            let file = find(&volume, &format!("d/{name}"));
            assert!(read_all(&volume, file, 70_000).expect("read") == *model, "{name} differs");
        }
        check_all(&image, Some(&before), "compressed files edited");
    }
}

/// A compressed file that is sparse as well keeps its holes.
#[test]
fn a_compressed_and_sparse_file_stays_sparse() {
    let folder = tempfile::tempdir().expect("a folder");
    let hole = vec![0; 3 << 20];
    let text = b"some text ".repeat(20_000);
    let mut model = [&text[..], &hole, &text, &hole].concat();
    let files = [("both".to_owned(), model.clone())];
    let Some(image) = compressed_volume(folder.path(), 32 << 20, 4096, &files) else { return };
    // ntfs-3g makes no such file: the bit is set in the attribute and in the file's attributes.
    let mut bytes = fs::read(&image.path).expect("read");
    let name: Vec<u8> = "both".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let record = (0..bytes.len())
        .step_by(1024)
        .find(|at| {
            // In use, not a folder.
            bytes[*at..].starts_with(b"FILE")
                && bytes[*at + 0x16] == 1
                && bytes[*at..*at + 510].windows(8).any(|part| part == name)
        })
        .expect("the record");
    let u32_at =
        |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
    let mut at =
        record + usize::from(u16::from_le_bytes([bytes[record + 0x14], bytes[record + 0x15]]));
    loop {
        match u32_at(&bytes, at) {
            0x10 => bytes[at + 0x18 + 0x21] |= 2,
            0x80 => break,
            _ => {}
        }
        at += u32_at(&bytes, at + 4) as usize;
    }
    bytes[at + 0x0d] |= 0x80;
    fs::write(&image.path, bytes).expect("written");

    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let file = find(&volume, "d/both");
    let facts = volume.metadata(file).expect("facts");
    assert_eq!(facts.attributes & (COMPRESSED | SPARSE), COMPRESSED | SPARSE);
    assert!(read_all(&volume, file, 70_000).expect("read") == model);
    volume.write_at(file, "", 2_000_000, b"in a hole").expect("written");
    model[2_000_000..2_000_009].copy_from_slice(b"in a hole");
    let facts = volume.metadata(file).expect("facts");
    assert_eq!(facts.attributes & (COMPRESSED | SPARSE), SPARSE);
    let allocated = facts.streams[0].allocated;
    assert!((400_000..700_000).contains(&allocated), "{allocated}");
    assert!(read_all(&volume, file, 70_000).expect("read") == model);
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), "compressed and sparse");
}

#[test]
fn overlaid_files_are_edited() {
    for (packing, cluster) in ALGORITHMS.into_iter().zip([4096, 512, 65_536, 1024]) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut random = Random(0xed17 + u64::from(packing.1));
        let mut files = contents(&mut random);
        let wanted = [
            "text 300",
            "text 16385",
            "text 300001",
            "incompressible",
            "mixed",
            "zeros",
            "five MiB",
        ];
        files.retain(|(name, _)| wanted.contains(&name.as_str()));
        let Some(image) = packed_volume(folder.path(), &files, packing, cluster) else { return };
        let before = copy(&image, folder.path());
        let mut volume = open_for_writing(&image);
        for (turn, (name, model)) in files.iter_mut().enumerate() {
            let file = find(&volume, name);
            edit(&mut volume, file, model, &mut random, turn + packing.1 as usize);
            let facts = volume.metadata(file).expect("facts");
            assert_eq!(facts.attributes & (SPARSE | REPARSE | COMPRESSED), 0, "{name}");
            assert_eq!((facts.reparse_tag, facts.streams.len()), (None, 1), "{name}");
        }
        volume.flush().expect("flushed");
        let volume = crate::read_real_volumes::open(&image);
        for (name, model) in &files {
            let file = find(&volume, name);
            assert!(read_all(&volume, file, 70_000).expect("read") == *model, "{name} differs");
        }
        for entry in volume.read_directory(volume.root()).expect("a listing") {
            assert_eq!(entry.attributes & (SPARSE | REPARSE), 0, "{}", entry.name);
        }
        check_all(&image, Some(&before), packing.0);
    }
}

/// A volume with room for the packed form alone: refused, and nothing has changed.
#[test]
fn no_room_for_the_plain_form() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [("large".to_owned(), b"easily packed ".repeat(2 << 20))];
    let Some(image) = compressed_volume(folder.path(), 24 << 20, 4096, &files) else { return };
    let before = fs::read(&image.path).expect("read");
    let mut volume = open_for_writing(&image);
    let (file, free) = (find(&volume, "d/large"), volume.free_bytes().expect("counted"));
    assert!(free > 4 << 20 && free < files[0].1.len() as u64);
    let refused = volume.write_at(file, "", 1000, b"x");
    assert!(matches!(refused, Err(Error::VolumeFull { .. })), "{refused:?}");
    let refused = volume.set_size(file, "", 27 << 20);
    assert!(matches!(refused, Err(Error::VolumeFull { .. })), "{refused:?}");
    assert_eq!(volume.free_bytes().expect("counted"), free);
    assert!(read_all(&volume, file, 1 << 20).expect("read") == files[0].1);
    volume.flush().expect("flushed");
    assert!(fs::read(&image.path).expect("read") == before, "the image is as it was");
    // A part of it has room.
    volume.set_size(file, "", 1 << 20).expect("cut");
    assert!(read_all(&volume, file, 1 << 20).expect("read") == files[0].1[..1 << 20]);
    volume.flush().expect("flushed");
    check_all(&image, None, "cut");
}
