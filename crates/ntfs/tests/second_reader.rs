//! The `ntfs` crate reads what was written here.

use std::io::{Read, Seek};

use ntfs::{Ntfs, NtfsAttributeType, NtfsReadSeek, indexes::NtfsFileNameIndex};
use winkiln_ntfs::Volume;

use crate::{
    images,
    judges::{Digest, digest_stream, tree_of},
    model::Model,
    write_volumes::open_for_writing,
};

/// Looks a path up and digests its unnamed stream; none inside when an attribute list leads to it, which the crate misreads.
fn digest<T: Read + Seek>(ntfs: &Ntfs, disk: &mut T, path: &str) -> Option<Option<Digest>> {
    let mut file = ntfs.root_directory(disk).expect("a root folder");
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let index = file.directory_index(disk).expect("an index");
        let mut finder = index.finder();
        let entry = NtfsFileNameIndex::find(&mut finder, ntfs, disk, name)?.expect("an entry");
        file = entry.to_file(ntfs, disk).expect("a file");
        let listed = file.attributes_raw().any(|attribute| {
            attribute.is_ok_and(|a| a.ty().is_ok_and(|ty| ty == NtfsAttributeType::AttributeList))
        });
        if listed {
            return Some(None);
        }
    }
    let mut digest = Digest::new();
    if let Some(data) = file.data(disk, "") {
        let data = data.expect("a stream");
        let attribute = data.to_attribute().expect("an attribute");
        let mut value = attribute.value(disk).expect("a value");
        let mut buf = [0; 4096];
        loop {
            let read = value.read(disk, &mut buf).expect("readable");
            if read == 0 {
                break;
            }
            digest.update(&buf[..read]);
        }
    }
    Some(Some(digest))
}

fn compare(cluster: u64, size: u64, seed: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), size, cluster, "") else { return };
    let mut volume: Volume = open_for_writing(&image);
    let mut model = Model::new(seed, 30_000);
    for _ in 0..400 {
        model.step(&mut volume);
    }
    volume.flush().expect("flushed");
    let mut disk = std::io::BufReader::new(std::fs::File::open(&image.path).expect("opened"));
    let mut ntfs = Ntfs::new(&mut disk).expect("a volume");
    ntfs.read_upcase_table(&mut disk).expect("an upper-case table");
    let (same, zeros) = compare_files(&ntfs, &mut disk, &volume);
    assert!(same > 3 * zeros && same > 20, "{same} the same, {zeros} with zeros at the end");
}

/// The `ntfs` crate sees the same files on a bare volume, as far as it can read them.
pub(crate) fn agrees(image: &images::Image, volume: &Volume, what: &str) {
    let mut disk = std::io::BufReader::new(std::fs::File::open(&image.path).expect("opened"));
    let mut ntfs = Ntfs::new(&mut disk).expect("a volume");
    ntfs.read_upcase_table(&mut disk).expect("an upper-case table");
    let (same, zeros) = compare_files(&ntfs, &mut disk, volume);
    eprintln!("{what}: the ntfs crate agrees on {same} files, {zeros} more but for zeros");
}

/// Compares every file: how many are the same, and how many but for zeros that the crate does not know of.
fn compare_files<T: Read + Seek>(ntfs: &Ntfs, disk: &mut T, volume: &Volume) -> (usize, usize) {
    let (tree, _) = tree_of(volume);
    let (mut same, mut zeros) = (0, 0);
    for (path, expected) in &tree {
        let Some(expected) = expected else { continue };
        let found = digest(ntfs, disk, path).unwrap_or_else(|| panic!("{path} is not found"));
        let Some(found) = found else { continue };
        if found == *expected {
            same += 1;
            continue;
        }
        // It does not know that bytes past the initialised size are zeros: the length agrees, and our end is zeros.
        assert_eq!(found.length, expected.length, "{path}");
        let file = volume.find(path).expect("a lookup").expect("found");
        let mut end = [1; 1];
        volume.read_at(file, "", expected.length - 1, &mut end).expect("read");
        assert_eq!(end, [0], "{path}");
        assert_eq!(digest_stream(volume, file, "").expect("read"), *expected);
        zeros += 1;
    }
    (same, zeros)
}

#[test]
fn the_ntfs_crate_agrees_on_small_clusters() {
    compare(512, 16 << 20, 3);
}

#[test]
fn the_ntfs_crate_agrees_on_common_clusters() {
    compare(4096, 32 << 20, 5);
}
