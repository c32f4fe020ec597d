//! Volumes that Windows did not put away, made writable at the price named.

use std::sync::Arc;

use winkiln_ntfs::{Error, OpenOptions, Remedied, Remedies, Volume, VolumeState, remedy};

use crate::{
    device::FileDevice,
    images::{self, Image},
    judges::{self, Mount},
    write_volumes::{NOW, copy, open_for_writing},
};

const NOTHING: Remedies = Remedies {
    allow_dirty: false,
    discard_hibernation: false,
    replay_log: false,
    reset_log: false,
};
const DISCARD: Remedies = Remedies { discard_hibernation: true, ..NOTHING };
pub(crate) const REPLAY: Remedies = Remedies { replay_log: true, ..NOTHING };
const RESET: Remedies = Remedies { reset_log: true, ..NOTHING };

pub(crate) fn device(image: &Image) -> Arc<FileDevice> {
    FileDevice::open(&image.path, image.start, image.length, true)
}

pub(crate) fn state(image: &Image) -> VolumeState {
    crate::read_real_volumes::open(image).state().expect("a state")
}

fn words(image: &Image) -> Vec<String> {
    state(image).details.into_iter().map(|detail| detail.word).collect()
}

fn apply(image: &Image, remedies: Remedies) -> Vec<Remedied> {
    remedy::apply(device(image), remedies, NOW).expect("a remedy")
}

/// A volume with a memory image in `hiberfil.sys`.
fn hibernated(folder: &std::path::Path) -> Option<Image> {
    let image = images::mkntfs(folder, 16 << 20, 4096, "")?;
    let mut volume = open_for_writing(&image);
    let file = volume.create_file(volume.root(), "hiberfil.sys", 6).expect("created");
    let mut contents = vec![0x5a; 100_000];
    contents[..4].copy_from_slice(b"HIBR");
    volume.write_at(file, "", 0, &contents).expect("written");
    volume.flush().expect("flushed");
    Some(image)
}

#[test]
fn a_hibernated_volume_is_woken_only_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = hibernated(folder.path()) else { return };
    let before = copy(&image, folder.path());
    assert_eq!(words(&image), ["hibernated"]);
    let other = Remedies { allow_dirty: true, ..Remedies::default() };
    assert_eq!(apply(&image, other), []);
    let refused = remedy::apply(device(&image), RESET, NOW);
    assert!(matches!(refused, Err(Error::NotClean { .. })), "the log is not dropped under it");
    let refused = remedy::apply(device(&image), REPLAY, NOW);
    assert!(matches!(refused, Err(Error::NotClean { .. })), "nor replayed");
    let same =
        || std::fs::read(&image.path).expect("read") == std::fs::read(&before).expect("read");
    assert!(same(), "nothing was written");

    let done = apply(&image, DISCARD);
    assert_eq!(done, [Remedied::HibernationDiscarded { signature: "HIBR".into() }]);
    assert!(state(&image).clean);
    assert_eq!(apply(&image, DISCARD), [], "there is nothing more to do");
    let volume = open_for_writing(&image);
    let file = volume.find("hiberfil.sys").expect("a lookup").expect("it stays");
    let mut contents = vec![1; 100_000];
    volume.read_at(file, "", 0, &mut contents).expect("read");
    assert!(contents[..4096].iter().all(|byte| *byte == 0), "the header page is gone");
    assert!(contents[4096..].iter().all(|byte| *byte == 0x5a), "the rest is left alone");
    judges::judge(&image.path, Some(&before));
    drop(Mount::new(&image, "rw").map(|mount| std::fs::write(mount.path().join("x"), "x")));
}

#[test]
fn a_dirty_volume_stays_dirty() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 16 << 20, 4096, "") else { return };
    if !images::tool("ntfsfix") {
        return;
    }
    images::shell(&format!("ntfsfix '{}'", image.path.display()));
    let options = OpenOptions { writable: true, now: NOW, ..OpenOptions::default() };
    let refused = Volume::open(device(&image), options);
    assert!(matches!(refused, Err(Error::NotClean { reasons }) if reasons == ["dirty"]));
    let options = OpenOptions { allow_dirty: true, ..options };
    let mut volume = Volume::open(device(&image), options).expect("opened");
    volume.create_file(volume.root(), "new.txt", 0).expect("created");
    volume.flush().expect("flushed");
    assert_eq!(state(&image).reasons, ["dirty"], "Windows is still to check it");
}

#[test]
fn an_unclean_log_is_dropped_only_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::corpus("win-links-junction-ads.vol.raw.xz", folder.path()) else {
        return;
    };
    assert_eq!(apply(&image, DISCARD), [], "no other remedy is taken");
    assert_eq!(state(&image).reasons, ["log-not-clean"]);
    assert_eq!(apply(&image, RESET), [Remedied::LogReset { marked_dirty: true }]);
    assert_eq!(state(&image).reasons, ["dirty"], "Windows is to check it");
    let options = OpenOptions { writable: true, allow_dirty: true, now: NOW };
    let mut volume = Volume::open(device(&image), options).expect("opened");
    volume.create_file(volume.root(), "new.txt", 0).expect("created");
    volume.flush().expect("flushed");
    assert_eq!(apply(&image, RESET), [], "there is nothing more to do");
    let (ours, _) = judges::tree_of(&volume);
    if let Some(mount) = Mount::new(&image, "ro") {
        judges::assert_same_tree(&ours, &judges::mounted_tree(&mount), "after the reset");
    }
}

/// Windows left this one after a checkpoint: all changes had reached the disk.
#[test]
fn a_log_of_windows_is_replayed() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::corpus("win-links-junction-ads.vol.raw.xz", folder.path()) else {
        return;
    };
    let before = copy(&image, folder.path());
    let (was, _) = judges::tree_of(&crate::read_real_volumes::open(&image));
    assert_eq!(apply(&image, REPLAY), [Remedied::LogReplayed { redone: 0, undone: 0 }]);
    assert!(state(&image).clean);
    let (ours, _) = judges::tree_of(&open_for_writing(&image));
    judges::assert_same_tree(&ours, &was, "after the replay");
    judges::judge(&image.path, Some(&before));
    drop(Mount::new(&image, "rw").map(|mount| std::fs::write(mount.path().join("x"), "x")));
}

#[test]
fn shadow_copies_are_counted() {
    for (name, copies) in [
        ("plaso-vsstest.qcow2.xz", "2"),
        ("win10-vss-2.disk.raw.tgz", "1"),
        ("win2003-128g-vss-cyrillic.disk.raw.tgz", "6"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(image) = images::corpus(name, folder.path()) else { return };
        let state = state(&image);
        assert!(state.clean, "they do not speak against writing: {state:?}");
        let detail = state.details.iter().find(|detail| detail.word == "shadow-copies");
        let evidence = &detail.unwrap_or_else(|| panic!("{name}: {state:?}")).evidence;
        assert!(evidence.ends_with(&format!(" {copies}")), "{name}: {evidence}");
    }
}
