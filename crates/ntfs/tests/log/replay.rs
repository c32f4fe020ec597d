//! Whatever part of the changes had reached the disk: what was committed is there after the replay, what was not is gone.

use std::sync::Arc;

use fs_ntfs::mft_io::BootParams;
use winkiln_disk::{Device, MemoryDevice};
use winkiln_ntfs::{
    OpenOptions, Remedied, Volume,
    boot_sector::Geometry,
    log::replay::{self, Plan},
    remedy,
};

use super::{
    changes::{self, Change},
    volume_bytes::{CLUSTER, essence, number, runs},
    writer::{Operation, Writer},
};
use crate::{images, judges, model::Random, remedies::REPLAY, write_volumes::NOW};

/// Transactions: the place of their entries in the table.
pub(super) const KEPT: u32 = 0x18;
pub(super) const OPEN: u32 = 0x40;

/// Where the checkpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checkpoint {
    Before,
    Between,
    Within,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    major: u16,
    checkpoint: Checkpoint,
    tail: bool,
    /// Pages before the first record: high ones make the log go through its end.
    skip: usize,
}

/// A volume at three times, and the log of what came between.
pub(super) struct Story {
    /// Before everything, after the first transaction, after the second.
    states: [Vec<u8>; 3],
    changes: [Vec<Change>; 2],
    pub(super) log: Vec<u8>,
    log_at: usize,
}

fn edit(bytes: &[u8], f: impl FnOnce(&mut Volume)) -> Vec<u8> {
    let device = Arc::new(MemoryDevice::new(bytes.to_vec()));
    let options = OpenOptions { writable: true, now: NOW, ..OpenOptions::default() };
    let mut volume = Volume::open(device.clone(), options).expect("opened");
    f(&mut volume);
    volume.flush().expect("flushed");
    drop(volume);
    contents(&device)
}

fn contents(device: &MemoryDevice) -> Vec<u8> {
    let mut bytes = vec![0; device.len() as usize];
    device.read_at(0, &mut bytes).expect("read");
    bytes
}

/// Writes the records of one transaction, and stamps the blocks of `state` with the LSNs.
fn log_changes(
    writer: &mut Writer,
    transaction: u32,
    changes: &[Change],
    state: &mut [u8],
    mut within: impl FnMut(&mut Writer, usize, u64),
) -> u64 {
    let mut last = 0;
    for (index, change) in changes.iter().enumerate() {
        within(writer, index, last);
        for operation in &change.operations {
            last = writer.operation(transaction, (last, last), operation);
        }
        if change.is_block {
            state[change.offset + 8..change.offset + 16].copy_from_slice(&last.to_le_bytes());
        }
    }
    last
}

impl Story {
    pub(super) fn new(folder: &std::path::Path, shape: Shape) -> Option<Self> {
        let image = images::mkntfs(folder, 16 << 20, CLUSTER as u64, "")?;
        let fresh = std::fs::read(&image.path).expect("read");
        let before = edit(&fresh, |volume| {
            let root = volume.root();
            for number in 0..40 {
                let name = format!("file number {number} of those that are there before.txt");
                let file = volume.create_file(root, &name, 0).expect("created");
                volume
                    .write_at(file, "", 0, &vec![number; 700 * usize::from(number)])
                    .expect("written");
            }
            volume.create_file(root, "old", 0).expect("created");
        });
        let first = edit(&before, |volume| {
            let root = volume.root();
            let folder = volume.create_directory(root, "kept").expect("created");
            let file = volume.create_file(folder, "kept.txt", 0).expect("created");
            volume.write_at(file, "", 0, &[7; 20_000]).expect("written");
            volume
                .remove(root, "file number 5 of those that are there before.txt")
                .expect("removed");
            let old = volume.find("old").expect("a lookup").expect("there");
            volume.write_at(old, "", 0, b"resident contents").expect("written");
        });
        let second = edit(&first, |volume| {
            let root = volume.root();
            let file = volume.create_file(root, "never.txt", 0).expect("created");
            volume.write_at(file, "", 0, &[9; 9000]).expect("written");
            let old = volume.find("old").expect("a lookup").expect("there");
            volume.write_at(old, "", 0, b"never seen").expect("written");
            volume.set_attributes(old, 2).expect("set");
        });
        let mut states = [before, first, second];
        let changes =
            [changes::between(&states[0], &states[1]), changes::between(&states[1], &states[2])];
        let log_runs = runs(&states[0], 2, 0x80, "");
        let [(0, lcn, clusters)] = log_runs[..] else { panic!("a log in pieces") };
        let mut writer = Writer::new(clusters as usize * CLUSTER, shape.major, shape.skip);
        let attributes = changes::attributes();
        // Transactions that ended long ago.
        for _ in 0..100 {
            let noop = writer.operation(KEPT, (0, 0), &Operation::default());
            let forget = Operation { redo: 0x1b, undo: 1, target: 0x18, ..Operation::default() };
            writer.operation(KEPT, (noop, 0), &forget);
        }
        if shape.checkpoint == Checkpoint::Before {
            writer.checkpoint(0, &attributes, &[], &[]);
        }
        let first_of = |writer: &Writer| writer.last;
        let dirty = |changes: &[Change], lsn: u64| -> Vec<(u32, u64, u64, u64)> {
            let of = |operation: &Operation| {
                (u32::from(operation.target), operation.vcn, operation.lcns[0], lsn)
            };
            let mut pages: Vec<_> =
                changes.iter().flat_map(|change| change.operations.iter().map(of)).collect();
            pages.sort_unstable();
            pages.dedup();
            pages
        };
        // Something that every log begins with, so that redo has a place to begin from.
        let begin = writer.operation(KEPT, (0, 0), &Operation::default());
        let [_, state, _] = &mut states;
        let last = log_changes(&mut writer, KEPT, &changes[0], state, |_, _, _| {});
        let forget = Operation { redo: 0x1b, undo: 1, target: 0x18, ..Operation::default() };
        writer.operation(KEPT, (last, 0), &forget);
        let kept = dirty(&changes[0], begin);
        if shape.checkpoint == Checkpoint::Between {
            let start = first_of(&writer);
            writer.checkpoint(start, &attributes, &kept, &[]);
        }
        // The blocks that the second transaction leaves alone carry the first one's LSNs.
        let [_, middle, end] = &mut states;
        for change in changes[0].iter().filter(|change| change.is_block) {
            let range = change.offset + 8..change.offset + 16;
            end[range.clone()].copy_from_slice(&middle[range]);
        }
        let half = changes[1].len() / 2;
        log_changes(&mut writer, OPEN, &changes[1], end, |writer, index, last| {
            if shape.checkpoint == Checkpoint::Within && index == half {
                let mut pages = kept.clone();
                pages.extend(dirty(&changes[1][..half], begin));
                pages.sort_unstable();
                pages.dedup();
                let start = writer.last;
                writer.checkpoint(start, &attributes, &pages, &[(OPEN, last)]);
            }
        });
        let log = writer.finish(shape.tail);
        Some(Self { states, changes, log, log_at: lcn as usize * CLUSTER })
    }

    /// The volume as a power cut leaves it: file contents are there, each block as one of the three times had it.
    pub(super) fn cut(&self, random: &mut Random) -> Vec<u8> {
        let mut image = self.states[2].clone();
        let all = self.changes.iter().flatten();
        for Change { offset, length, .. } in all {
            let state = &self.states[random.below(3) as usize];
            image[*offset..offset + length].copy_from_slice(&state[*offset..offset + length]);
        }
        image[self.log_at..self.log_at + self.log.len()].copy_from_slice(&self.log);
        image
    }

    /// What must be there: the first transaction, and nothing of the second.
    fn check(&self, image: &[u8], what: &str) {
        let kept = &self.states[1];
        for Change { offset, length, is_block, .. } in self.changes.iter().flatten() {
            let (was, is) = (&kept[*offset..offset + length], &image[*offset..offset + length]);
            if *is_block {
                assert!(essence(was) == essence(is), "{what}: the block at {offset:#x}");
            } else {
                assert!(was == is, "{what}: the cluster at {offset:#x}");
            }
        }
    }
}

/// A plan as another program makes it. It is for logs of version 2 alone.
pub(super) fn other_plan(
    log: &[u8],
    image: &[u8],
) -> Result<fs_ntfs::logfile_replay::Plan, fs_ntfs::error::Error> {
    let boot = BootParams {
        bytes_per_sector: 512,
        sectors_per_cluster: CLUSTER as u64 / 512,
        cluster_size: CLUSTER as u64,
        mft_lcn: number(image, 0x30, 8),
        file_record_size: 1024,
        total_sectors: number(image, 0x28, 8),
        serial_number: number(image, 0x48, 8),
        index_block_size: 4096,
        oem_id: *b"NTFS    ",
    };
    fs_ntfs::logfile_replay::plan(log, &boot, &mut |offset, buf| {
        buf.copy_from_slice(&image[offset as usize..offset as usize + buf.len()]);
        Ok(())
    })
}

pub(super) fn plan(log: &[u8], image: &[u8]) -> Result<Plan, winkiln_ntfs::Error> {
    let geometry = Geometry::parse(&image[..512])?;
    replay::plan(log, &geometry, &mut |offset, buf: &mut [u8]| {
        let bytes = image.get(offset as usize..offset as usize + buf.len());
        buf.copy_from_slice(bytes.expect("on the volume"));
        Ok::<_, winkiln_ntfs::Error>(())
    })
}

pub(super) fn shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for major in [1, 2] {
        for checkpoint in [Checkpoint::Before, Checkpoint::Between, Checkpoint::Within] {
            shapes.push(Shape { major, checkpoint, tail: false, skip: 0 });
        }
        shapes.push(Shape { major, checkpoint: Checkpoint::Before, tail: true, skip: 3 });
        // The log's last page comes after the first records.
        let pages = if major == 1 { 510 - 4 } else { 510 - 34 };
        shapes.push(Shape { major, checkpoint: Checkpoint::Within, tail: true, skip: pages });
    }
    shapes
}

#[test]
fn what_was_committed_is_there_and_the_rest_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut compared = 0;
    for shape in shapes() {
        let Some(story) = Story::new(folder.path(), shape) else { return };
        let what = format!("{shape:?}");
        let device = Arc::new(MemoryDevice::new(story.states[1].clone()));
        let volume = Volume::open(device, OpenOptions::default()).expect("opened");
        let (wanted, _) = judges::tree_of(&volume);
        let mut random = Random(77);
        let rounds = if std::env::var_os("WINKILN_LONG").is_some() { 200 } else { 6 };
        for round in 0..rounds {
            let image = story.cut(&mut random);
            let device = Arc::new(MemoryDevice::new(image.clone()));
            let state =
                Volume::open(device.clone(), OpenOptions::default()).expect("opened").state();
            assert!(state.expect("a state").reasons.contains(&"log-not-clean".to_owned()));
            let done = remedy::apply(device.clone(), REPLAY, NOW)
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(
                matches!(done[..], [Remedied::LogReplayed { undone: 1.., .. }]),
                "{what}: {done:?}"
            );
            let replayed = contents(&device);
            story.check(&replayed, &what);
            let volume = Volume::open(device, OpenOptions::default()).expect("opened");
            assert!(volume.state().expect("a state").clean, "{what}");
            judges::assert_same_tree(&judges::tree_of(&volume).0, &wanted, &what);
            if round == 0 {
                let path = folder.path().join("replayed.raw");
                std::fs::write(&path, &replayed).expect("written");
                judges::judge(&path, None);
            }
            if shape.major == 2 {
                let ours = plan(&story.log, &image).expect("planned");
                let theirs = match other_plan(&story.log, &image) {
                    Ok(theirs) => theirs,
                    // It takes a tail copy with the end of a long record for the page where that begins.
                    Err(error) => {
                        assert!(
                            shape.tail && error.to_string().contains("no valid copy"),
                            "{error}"
                        );
                        continue;
                    }
                };
                compared += 1;
                assert!(ours.writes.keys().eq(theirs.writes.keys()), "{what}: the same places");
                for (at, bytes) in &ours.writes {
                    let other = &theirs.writes[at];
                    let same = if bytes.starts_with(b"FILE") || bytes.starts_with(b"INDX") {
                        essence(bytes) == essence(other)
                    } else {
                        bytes == other
                    };
                    assert!(same, "{what}: {at:#x} as the other program has it");
                }
            }
        }
    }
    assert!(compared > 10, "{compared} plans compared");
}

/// ntfs-3g's tool finds the same records, in a log of version 1.1.
#[test]
fn ntfsrecover_reads_the_same_records() {
    let folder = tempfile::tempdir().expect("a folder");
    if !images::tool("ntfsrecover") {
        return;
    }
    let shape = Shape { major: 1, checkpoint: Checkpoint::Before, tail: false, skip: 0 };
    let Some(story) = Story::new(folder.path(), shape) else { return };
    let image = story.cut(&mut Random(5));
    let path = folder.path().join("cut.raw");
    std::fs::write(&path, &image).expect("written");
    // It shows records from the last one back to before the checkpoint. It does not replay whole index blocks.
    let shown = images::shell(&format!("ntfsrecover -n -b -t '{}' 2>&1 || true", path.display()));
    let operations = || story.changes.iter().flatten().flat_map(|change| &change.operations);
    for (code, name) in [
        (0x05, "CreateAttribute"),
        (0x06, "DeleteAttribute"),
        (0x02, "InitializeFileRecordSegment"),
        (0x08, "UpdateNonResidentValue"),
        (0x15, "SetBitsInNonResidentBitMap"),
        (0x16, "ClearBitsInNonResidentBitMap"),
    ] {
        let ours = operations().filter(|operation| operation.redo == code).count();
        let theirs = shown.lines().filter(|line| line.ends_with(&format!(" {name}"))).count();
        assert_eq!(theirs, ours, "{name}:\n{shown}");
        assert!(ours > 0, "{name}");
    }
}
