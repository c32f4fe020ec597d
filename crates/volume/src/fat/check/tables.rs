//! The allocation tables: equal to each other, chains inside the volume, no cluster of nobody.

use super::{Check, Told};
use crate::check::{Event, Severity};
use crate::fat::fs_info::FsInfo;
use crate::fat::table::{BAD_OFFSET, TableReader, end_mark};
use crate::fat::{FatError, Width};

/// Bytes of a table compared at a time.
const PIECE: u64 = 256 * 1024;

impl Check<'_> {
    /// Compares the tables with the first one.
    pub(super) fn tables(&mut self) -> Result<(), FatError> {
        let geometry = &self.volume.geometry;
        let bits = match geometry.width {
            Width::Fat12 => 12,
            Width::Fat16 => 16,
            Width::Fat32 => 32,
        };
        let length = ((u64::from(geometry.clusters) + 2) * bits / 8).min(geometry.table_length);
        let (table, step, tables) =
            (geometry.table, geometry.table_length, geometry.tables.clone());
        let first = table + tables.start * step;
        for number in tables.clone().skip(1) {
            let mut at = 0;
            while at < length {
                let piece = usize::try_from(PIECE.min(length - at)).unwrap_or(0);
                let (mut one, mut other) = (vec![0; piece], vec![0; piece]);
                self.volume.device.read_at(first + at, &mut one)?;
                self.volume.device.read_at(table + number * step + at, &mut other)?;
                if let Some(differs) = (0..piece).find(|index| one[*index] != other[*index]) {
                    let place = at + differs as u64;
                    let told = Told {
                        object: "allocation table",
                        offset: Some(table + number * step + place),
                        found: format!(
                            "{:#04x} in table {}, near cluster {}",
                            other[differs],
                            number + 1,
                            place * 8 / bits
                        ),
                        expected: "the same as in the first table",
                        ..Told::default()
                    };
                    self.damage("fat-tables-differ", told);
                    break;
                }
                at += piece as u64;
            }
        }
        Ok(())
    }

    /// Follows a chain and takes its clusters; tells what is wrong with it. Returns the clusters that are sound.
    pub(super) fn follow(&mut self, first: u32, path: &str) -> Result<Vec<u32>, FatError> {
        let volume = self.volume;
        let width = volume.geometry.width;
        let mut reader = TableReader::new(&*volume.device, &volume.geometry);
        let mut chain = Vec::new();
        let mut cluster = first;
        loop {
            let offset = volume.geometry.cluster_offset(cluster).ok();
            let mut wrong = |code, found, expected| {
                let object = "cluster chain";
                self.damage(code, Told { object, path: Some(path), offset, found, expected });
            };
            if !volume.geometry.holds(cluster) {
                wrong("fat-chain", format!("cluster {cluster}"), "a cluster of the volume");
                return Ok(chain);
            }
            if !self.own(cluster) {
                let found = format!("cluster {cluster} once more");
                let object = "cluster chain";
                let expected = "clusters of one file";
                let told = Told { object, path: Some(path), offset, found, expected };
                self.damage("fat-cross-link", told);
                return Ok(chain);
            }
            // Every cluster is taken once, which ends the loop.
            chain.push(cluster);
            let mut wrong = |code, found, expected| {
                let object = "cluster chain";
                self.damage(code, Told { object, path: Some(path), offset, found, expected });
            };
            let next = reader.entry(cluster)?;
            if next >= end_mark(width) & !7 {
                return Ok(chain);
            }
            if next == 0 || next == end_mark(width) - BAD_OFFSET {
                let what = if next == 0 { "free" } else { "marked as bad" };
                wrong("fat-chain", format!("cluster {cluster} is {what}"), "a cluster in use");
                return Ok(chain);
            }
            cluster = next;
        }
    }

    /// Clusters in use that nothing owns, and FAT32's count of free ones.
    pub(super) fn lost(&mut self) -> Result<(), FatError> {
        let volume = self.volume;
        let bad = end_mark(volume.geometry.width) - BAD_OFFSET;
        let mut reader = TableReader::new(&*volume.device, &volume.geometry);
        let (mut lost, mut first, mut free) = (0u64, 0, 0u32);
        let total = u64::from(volume.geometry.clusters);
        for cluster in 2..volume.geometry.clusters + 2 {
            if cluster % (1 << 16) == 0 {
                self.tell(Event::Progress { done: cluster.into(), total });
            }
            match reader.entry(cluster)? {
                0 => free += 1,
                entry if entry != bad && !self.is_owned(cluster) => {
                    if lost == 0 {
                        first = cluster;
                    }
                    lost += 1;
                }
                _ => {}
            }
        }
        if lost > 0 {
            let told = Told {
                object: "allocation table",
                offset: volume.geometry.cluster_offset(first).ok(),
                found: format!("{lost} clusters in use, the first is {first}"),
                expected: "clusters that a file owns",
                ..Told::default()
            };
            self.damage("fat-lost-clusters", told);
        }
        let count = volume.read_fs_info()?.and_then(FsInfo::free);
        if let Some(count) = count.filter(|count| *count != free) {
            let told = Told {
                object: "FSInfo sector",
                offset: volume.geometry.fs_info,
                found: format!("{count} free clusters"),
                expected: &format!("{free}, as the table says"),
                ..Told::default()
            };
            self.add(Severity::Note, "fat-free-count", told);
        }
        Ok(())
    }
}
