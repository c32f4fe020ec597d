//! A whole NTFS volume. An input is a byte for the form, a byte for the number of patches, the patches, then operations of three bytes.
//!
//! A patch is a region of metadata, an offset in it (two bytes), a length, and that many bytes. Where fixups guard the region they are
//! undone before and applied after it. Bit 0 of the form chooses the volume; bit 1 leaves `$MFTMirr` behind, bit 2 has 8.3
//! names generated, bit 3 has the damaged volume checked.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use winkiln_disk::Device;
use winkiln_ntfs::{FileReference, Link, OpenOptions, Volume, check};

use crate::bytes::{Input, apply_fixups, put, u16_at};
use crate::ntfs_volume::{Image, Kind, NOW, RECORD, Region, images};
use crate::overlay::{Changes, Overlay, PIECE};
use crate::secure::usual;

/// Patches of an input, and operations.
const PATCHES_MAX: usize = 24;
const OPERATIONS_MAX: usize = 12;
/// Kinds of operations.
const KINDS: u8 = 17;
/// Files and folders that a walk looks at.
const WALK_MAX: usize = 40;

/// Opens a damaged volume, reads everything, and edits it when it lets itself be opened for that.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let Damaged { form, patches, image, device } = damaged(&mut input, PATCHES_MAX);
    if form & 8 != 0 {
        let _ = damage(&device);
    }
    let options = OpenOptions { allow_dirty: true, now: NOW, ..OpenOptions::default() };
    let Ok(volume) = Volume::open(device.clone(), options) else { return };
    let _ = (volume.state(), volume.label(), volume.free_bytes());
    let files = walk(&volume);
    for (_, _, name) in files.iter().take(8) {
        let _ = volume.resolve(name, &['C'], true);
    }
    drop(volume);
    let Ok(mut volume) = Volume::open(device.clone(), OpenOptions { writable: true, ..options })
    else {
        assert!(patches > 0, "a sound volume opens for writing");
        return;
    };
    volume.set_short_names(form & 4 != 0);
    for operation in input.take(3 * OPERATIONS_MAX).chunks_exact(3) {
        if volume.flush().is_err() {
            return;
        }
        let before = device.changes();
        let done = edit(&mut volume, &files, operation);
        if volume.flush().is_err() {
            return;
        }
        if !done {
            nothing_changed(image, &before, &device.changes(), operation[0]);
        }
    }
    if patches == 0 {
        drop(volume);
        let volume = Volume::open(device.clone(), options).expect("an edited volume opens");
        assert!(volume.state().is_ok_and(|state| state.clean), "an edited volume is clean");
        assert!(walk(&volume).len() > 10, "its files are there");
        let found = damage(&device);
        assert!(found.is_subset(&known_damage(form)), "an edited volume is damaged: {found:?}");
    }
}

/// What a check finds, by its codes.
fn damage(device: &Arc<Overlay>) -> HashSet<&'static str> {
    let mut found = HashSet::new();
    let device: Arc<dyn Device> = device.clone();
    let checked = check::check(&device, &mut |event| {
        if let check::Event::Finding(finding) = event
            && finding.severity == check::Severity::Damage
        {
            found.insert(finding.code);
        }
        ControlFlow::Continue(())
    });
    if checked.is_err() {
        found.insert("not checked");
    }
    found
}

/// What is found on the volume as it is made: it has not all files of a real one.
fn known_damage(form: u8) -> HashSet<&'static str> {
    static KNOWN: OnceLock<[HashSet<&'static str>; 2]> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        [0, 1].map(|form| damage(&Arc::new(Overlay::new(&images()[form].bytes, Changes::new()))))
    });
    known[usize::from(form & 1)].clone()
}

/// The volume that an input begins with.
pub(crate) struct Damaged {
    form: u8,
    patches: usize,
    /// Without the damage.
    image: &'static Image,
    /// With it.
    pub(crate) device: Arc<Overlay>,
}

/// Reads the form and at most `patches_max` patches, and applies them.
pub(crate) fn damaged(input: &mut Input<'_>, patches_max: usize) -> Damaged {
    let (form, patches) = (input.u8(), usize::from(input.u8()) % (patches_max + 1));
    let image = &images()[usize::from(form & 1)];
    let device = Arc::new(Overlay::new(&image.bytes, Changes::new()));
    for _ in 0..patches {
        patch(image, &device, input);
    }
    if form & 2 == 0 {
        mirror(image, &device);
    }
    Damaged { form, patches, image, device }
}

fn patch(image: &Image, device: &Overlay, input: &mut Input<'_>) {
    let (region, at, length) = (usize::from(input.u8()), usize::from(input.u16()), input.u8());
    let bytes = input.take(usize::from(length % 33));
    let Region { start, length, kind } = image.regions[region % image.regions.len()];
    let guarded = kind == Kind::Guarded;
    let mut block = vec![0; length];
    if device.read_at(start as u64, &mut block).is_err() {
        return;
    }
    let array = usize::from(u16_at(&block, 4));
    if guarded {
        for piece in 0..length / 512 {
            let saved = u16_at(&block, array + 2 + 2 * piece).to_le_bytes();
            put(&mut block, 512 * (piece + 1) - 2, &saved);
        }
    }
    put(&mut block, at % length, bytes);
    if guarded {
        let array = usize::from(u16_at(&block, 4));
        apply_fixups(&mut block, if array < 0x40 { array } else { 0x30 }, 9);
    }
    let _ = device.write_at(start as u64, &block);
}

/// Brings `$MFTMirr` in step with `$MFT`.
fn mirror(image: &Image, device: &Overlay) {
    let mut boot = [0; 512];
    boot.copy_from_slice(&image.bytes[..512]);
    let place = |at: usize| u64::from(u16_at(&boot, at)) * image.cluster as u64;
    let mut records = [0; 4 * RECORD];
    if device.read_at(place(0x30), &mut records).is_ok() {
        let _ = device.write_at(place(0x38), &records);
    }
}

/// Reads what a walk from the root finds.
fn walk(volume: &Volume) -> Vec<(FileReference, FileReference, String)> {
    let mut found = vec![];
    let mut seen = HashSet::from([volume.root()]);
    let mut folders = vec![volume.root()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = volume.read_directory(folder) else { continue };
        for entry in entries {
            if found.len() > WALK_MAX {
                return found;
            }
            if !seen.insert(entry.reference) {
                continue;
            }
            look(volume, entry.reference);
            if entry.is_directory {
                folders.push(entry.reference);
            }
            found.push((folder, entry.reference, entry.name));
        }
    }
    found
}

fn look(volume: &Volume, file: FileReference) {
    let Ok(metadata) = volume.metadata(file) else { return };
    let _ = volume.reparse_point(file);
    let mut buf = [0; 1000];
    for stream in metadata.streams.iter().take(3) {
        let ends = [0, stream.size.saturating_sub(10), u64::MAX - 5];
        for offset in ends {
            if let Ok(read) = volume.read_at(file, &stream.name, offset, &mut buf) {
                assert!(read as u64 <= stream.size, "no more is read than there is");
            }
        }
    }
}

/// Runs an operation; false when it fails.
fn edit(
    volume: &mut Volume,
    files: &[(FileReference, FileReference, String)],
    operation: &[u8],
) -> bool {
    let root = volume.root();
    let nothing = (root, root, String::from("none"));
    let pick = |number: u8| files.get(usize::from(number) % files.len().max(1)).unwrap_or(&nothing);
    let (folder, file, name) = pick(operation[1]);
    let (other_folder, other, other_name) = pick(operation[2]);
    let number = u64::from(operation[2]);
    let fresh = format!("new {}", "n".repeat(usize::from(operation[2])));
    let data = vec![operation[2]; 1 + usize::from(operation[2]) * 40];
    let stream = if operation[2].is_multiple_of(3) { "stream" } else { "" };
    match operation[0] % KINDS {
        0 => volume.create_file(*folder, &fresh, 0).is_ok(),
        1 => volume.create_directory(*file, &fresh).is_ok(),
        2 => volume.create_file(*file, &fresh, 0x27).is_ok(),
        3 => volume.write_at(*file, stream, 0, &data).is_ok(),
        4 => volume.write_at(*file, stream, number * 77, &data).is_ok(),
        5 => volume.set_size(*file, stream, number * number * 3).is_ok(),
        6 => volume.set_size(*file, "", number << 40).is_ok(),
        7 => volume.remove(*folder, name).is_ok(),
        8 => volume.rename(*folder, name, *other_folder, &fresh, false).is_ok(),
        9 => volume.rename(*folder, name, *other, name, false).is_ok(),
        10 => volume.rename(*folder, name, *other_folder, other_name, true).is_ok(),
        11 => volume.link(*file, *other_folder, &fresh).is_ok(),
        12 => {
            volume.remove_stream(*file, ["stream", "more"][usize::from(operation[2] & 1)]).is_ok()
        }
        13 => {
            let link = Link::to(name, number & 1 == 0);
            link.is_some_and(|link| volume.create_link(*folder, &fresh, &link, false).is_ok())
        }
        14 => volume.set_security(*file, Some(*folder), &usual()).is_ok(),
        15 => volume.set_case_sensitive(*file, number & 1 == 0).is_ok(),
        _ => {
            let times = (Some(NOW), None, Some(NOW));
            volume.set_security_below(*file, None, &usual()).is_ok()
                && volume.set_attributes(*file, number as u32).is_ok()
                && volume.set_times(*file, times.0, times.1, times.2).is_ok()
        }
    }
}

/// After an operation that failed, metadata are as they were. Contents may have been written in place, or to clusters that nothing
/// names.
fn nothing_changed(image: &Image, before: &Changes, after: &Changes, kind: u8) {
    if kind % KINDS == KINDS - 1 {
        return;
    }
    for (number, piece) in after {
        let at = number * PIECE;
        let old = before.get(number).map_or(&image.bytes[at..at + PIECE], |piece| &piece[..]);
        if old == piece {
            continue;
        }
        let region = image.regions.iter().find(|region| {
            (region.start..region.start + region.length).contains(&at)
                && region.kind != Kind::Contents
        });
        assert!(
            region.is_none(),
            "a failure of operation {} changed metadata at {at:#x}",
            kind % KINDS
        );
    }
}

/// A sound volume with operations, and volumes with a field of each kind damaged.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let operations: Vec<u8> = (0..KINDS).flat_map(|kind| [kind, kind * 3, 60 + kind]).collect();
    let mut seeds = Vec::new();
    for form in 0..2u8 {
        for part in operations.chunks(3 * OPERATIONS_MAX / 2) {
            seeds.push([&[form | 4, 0], part].concat());
        }
        let regions = images()[usize::from(form)].regions.len();
        for region in 0..regions as u8 {
            for (at, value) in [(0x16u16, 3u8), (0x50, 0x40), (0x9a, 0xff), (0x30, 9)] {
                let [low, high] = at.to_le_bytes();
                let patch = [form, 1, region, low, high, 1, value];
                let from = usize::from(region) % 10 * 3;
                seeds.push([&patch[..], &operations[from..from + 9]].concat());
            }
        }
    }
    seeds
}
