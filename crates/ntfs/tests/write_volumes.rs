//! Volumes changed at random, then judged by everyone.

use std::path::Path;

use winkiln_ntfs::{Error, FileTime, OpenOptions, Volume};

use crate::{
    device::FileDevice,
    images::{self, Image},
    judges::{self, Mount},
    model::Model,
};

pub(crate) const NOW: FileTime = FileTime(133_500_000_000_000_000);

pub(crate) fn open_for_writing(image: &Image) -> Volume {
    let device = FileDevice::open(&image.path, image.start, image.length, true);
    let options = OpenOptions { writable: true, now: NOW, ..Default::default() };
    Volume::open(device, options)
        .unwrap_or_else(|error| panic!("{}: {error}", image.path.display()))
}

pub(crate) fn copy(image: &Image, folder: &Path) -> std::path::PathBuf {
    let before = folder.join("before.raw");
    images::shell(&format!("cp --sparse=always '{}' '{}'", image.path.display(), before.display()));
    before
}

/// Everyone's view after changes: ours, ntfs-3g's, checkdisk's.
pub(crate) fn check_all(image: &Image, before: Option<&Path>, what: &str) {
    let volume = crate::read_real_volumes::open(image);
    let state = volume.state().expect("a state");
    assert!(state.clean, "{what}: {:?}", state.reasons);
    crate::check::assert_clean(image, what);
    let (ours, _) = judges::tree_of(&volume);
    if let Some(mount) = Mount::new(image, "ro,norecover") {
        judges::assert_same_tree(&ours, &judges::mounted_tree(&mount), what);
    }
    judges::judge(&image.path, before);
}

/// Makes random changes in rounds, reopening in between, and judges the result.
pub(crate) fn random_changes(image: &Image, folder: &Path, model: &mut Model, what: &str) {
    let before = copy(image, folder);
    let (was, _) = judges::tree_of(&crate::read_real_volumes::open(image));
    // The long version is for a night.
    let rounds = if std::env::var_os("WINKILN_LONG").is_some() { 100 } else { 3 };
    for _ in 0..rounds {
        let mut volume = open_for_writing(image);
        for _ in 0..150 {
            model.step(&mut volume);
        }
        volume.flush().expect("flushed");
    }
    let volume = crate::read_real_volumes::open(image);
    let (ours, _) = judges::tree_of(&volume);
    let mut expected = model.tree();
    expected.extend(was);
    judges::assert_same_tree(&ours, &expected, what);
    model.check_streams(&volume);
    check_all(image, Some(&before), what);
}

fn fresh(cluster: u64, size: u64, seed: u64, extra: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), size, cluster, extra) else { return };
    random_changes(
        &image,
        folder.path(),
        &mut Model::new(seed, 40 * cluster.min(4096)),
        &format!("mkntfs -c {cluster} {extra}"),
    );
}

fn real(name: &str, seed: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::corpus(name, folder.path()) else { return };
    random_changes(&image, folder.path(), &mut Model::new(seed, 60_000), name);
}

#[test]
fn clusters_of_512_bytes() {
    fresh(512, 16 << 20, 0x512, "");
}

#[test]
fn clusters_of_4_kib() {
    fresh(4096, 32 << 20, 0x4096, "");
}

#[test]
fn clusters_of_64_kib() {
    fresh(65536, 128 << 20, 0x64, "");
}

#[test]
fn clusters_of_2_mib() {
    fresh(2 << 20, 2 << 30, 0x2, "");
}

#[test]
fn sectors_of_4_kib() {
    fresh(4096, 64 << 20, 0x4b, "-s 4096");
}

#[test]
fn a_volume_of_windows_10() {
    real("win10-2k-cluster-index.disk.raw.xz", 10);
}

#[test]
fn a_volume_with_attribute_lists() {
    real("win10-ads-attrlist.vol.raw.xz", 11);
}

#[test]
fn a_volume_with_compressed_files() {
    real("win10-largedir-compressed.vol.raw.xz", 12);
}

#[test]
fn a_volume_of_windows_with_large_clusters() {
    real("win10-2m-cluster.disk.raw.xz", 13);
}

/// Changes every file of a real volume, then removes everything.
fn change_and_remove_all(name: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::corpus(name, folder.path()) else { return };
    let before = copy(&image, folder.path());
    let mut volume = open_for_writing(&image);
    let mut folders = vec![volume.root()];
    let mut all = Vec::new();
    let mut refused = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in volume.read_directory(folder).expect("a listing") {
            all.push((folder, entry.clone()));
            if entry.is_directory {
                folders.push(entry.reference);
                continue;
            }
            for change in [0, 1] {
                let done = match change {
                    0 => volume.write_at(entry.reference, "", entry.size / 2, b"changed"),
                    _ => volume.write_at(entry.reference, "", entry.size + 3000, &[5; 10_000]),
                };
                match done {
                    Ok(()) => {}
                    Err(
                        error @ (Error::StreamForm { .. }
                        | Error::SystemFile { .. }
                        | Error::VolumeFull { .. }),
                    ) => {
                        refused.push(error);
                    }
                    Err(error) => panic!("{}: {error}", entry.name),
                }
            }
        }
    }
    eprintln!("{name}: {} entries, {} changes refused", all.len(), refused.len());
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), &format!("{name}, changed"));
    let mut volume = open_for_writing(&image);
    for (folder, entry) in all.into_iter().rev() {
        // Short names lead to the same file.
        let name = entry.short_name.as_ref().unwrap_or(&entry.name);
        volume.remove(folder, name).unwrap_or_else(|error| panic!("{}: {error}", entry.name));
    }
    assert_eq!(volume.read_directory(volume.root()).expect("a listing"), []);
    volume.flush().expect("flushed");
    check_all(&image, Some(&before), &format!("{name}, emptied"));
}

#[test]
fn files_that_windows_made_change_and_go() {
    change_and_remove_all("win10-2k-cluster-index.disk.raw.xz");
}

#[test]
fn many_compressed_files_and_folders_go() {
    change_and_remove_all("win10-largedir-compressed.vol.raw.xz");
}

#[test]
fn files_with_attribute_lists_change_and_go() {
    change_and_remove_all("win10-ads-attrlist.vol.raw.xz");
}

#[test]
fn files_with_long_attribute_lists_change_and_go() {
    change_and_remove_all("linux-ntfs3-attrlist.vol.raw.xz");
}

#[test]
fn many_folders_of_ntfs_3g_go() {
    change_and_remove_all("linux-mkntfs-manysubdirs.vol.raw.xz");
}
