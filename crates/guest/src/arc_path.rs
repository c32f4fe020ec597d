//! ARC paths of `boot.ini`: `multi(0)disk(0)rdisk(0)partition(1)\WINDOWS`.
//!
//! Source: Microsoft, "Overview of ARC path naming conventions": with `multi()` `rdisk` is the disk as the BIOS counts;
//! with `scsi()` `disk` is its SCSI id; with `signature()` the disk is the one with that signature. Partitions count
//! from 1, primary ones before logical ones.

use winkiln_disk::partition::{DiskId, PartitionKind, PartitionTable, TableKind};

/// A path taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArcPath {
    disk: ArcDisk,
    /// From 1.
    partition: usize,
    /// With a leading `\`.
    pub folder: String,
}

/// What an ARC path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArcPlace {
    /// A partition of this disk, by its number.
    Volume(u32),
    /// A partition that this disk does not have.
    NoPartition,
    /// A partition of another disk.
    AnotherDisk,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ArcDisk {
    /// The disk the BIOS boots from.
    Boot,
    /// Another disk.
    Other,
    Signature(u32),
}

impl ArcPath {
    /// Takes `text` apart; `None` when it is no ARC path.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (head, folder) = match text.find('\\') {
            Some(at) => text.split_at_checked(at)?,
            None => (text, "\\"),
        };
        let mut parts = Vec::new();
        for part in head.split_terminator(')') {
            let (name, number) = part.split_once('(')?;
            parts.push((name.trim().to_ascii_lowercase(), number.trim().to_owned()));
        }
        let number = |name: &str| {
            let (_, number) = parts.iter().find(|(part, _)| part == name)?;
            number.parse::<usize>().ok()
        };
        let disk = match parts.first() {
            Some((kind, signature)) if kind == "signature" => {
                ArcDisk::Signature(u32::from_str_radix(signature, 16).ok()?)
            }
            Some((kind, _)) if kind == "multi" && number("rdisk")? == 0 => ArcDisk::Boot,
            Some((kind, _)) if kind == "scsi" && number("disk")? == 0 => ArcDisk::Boot,
            Some((kind, _)) if kind == "multi" || kind == "scsi" => ArcDisk::Other,
            _ => return None,
        };
        Some(Self { disk, partition: number("partition")?, folder: folder.to_owned() })
    }

    /// True when it names this disk, whether or not the partition is there.
    #[must_use]
    pub fn is_on(&self, table: &PartitionTable) -> bool {
        match (self.disk, table.disk_id) {
            (ArcDisk::Boot, _) => true,
            (ArcDisk::Signature(wanted), DiskId::Mbr(found)) => wanted == found,
            _ => false,
        }
    }

    /// What it names on a disk with this table, which the BIOS boots from.
    #[must_use]
    pub fn place(&self, table: &PartitionTable) -> ArcPlace {
        match self.volume(table) {
            Some(number) => ArcPlace::Volume(number),
            None if self.is_on(table) => ArcPlace::NoPartition,
            None => ArcPlace::AnotherDisk,
        }
    }

    /// The number of the partition it names, when that is on a disk with this table, which the BIOS boots from.
    #[must_use]
    pub fn volume(&self, table: &PartitionTable) -> Option<u32> {
        if !self.is_on(table) {
            return None;
        }
        if table.kind == TableKind::None {
            return table.partitions.first().map(|partition| partition.number);
        }
        let mut numbers: Vec<(bool, u32)> = table
            .partitions
            .iter()
            .map(|partition| {
                let logical = matches!(partition.kind, PartitionKind::Mbr { logical: true, .. });
                (logical, partition.number)
            })
            .collect();
        numbers.sort_unstable();
        numbers.get(self.partition.checked_sub(1)?).map(|(_, number)| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use winkiln_disk::partition::Partition;

    fn table() -> PartitionTable {
        let partition = |number, logical| Partition {
            number,
            start: u64::from(number) << 20,
            length: 1 << 20,
            kind: PartitionKind::Mbr { type_id: 7, active: false, logical },
        };
        PartitionTable {
            kind: TableKind::Mbr,
            sector_size: 512,
            disk_id: DiskId::Mbr(0x5ca1_ab1e),
            partitions: vec![partition(5, true), partition(1, false), partition(3, false)],
            warnings: Vec::new(),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: Option<(u32, &str)>) {
        let path = ArcPath::parse(text);
        let found = path.as_ref().and_then(|path| Some((path.volume(&table())?, &*path.folder)));
        assert_eq!(found, expected, "{text}: {path:?}");
    }

    #[test]
    fn paths_name_partitions() {
        check(r"multi(0)disk(0)rdisk(0)partition(1)\WINDOWS", Some((1, r"\WINDOWS")));
        check(r"multi(0)disk(0)rdisk(0)partition(2)\WINNT", Some((3, r"\WINNT")));
        check(r"MULTI(0)DISK(0)RDISK(0)PARTITION(3)\a\b", Some((5, r"\a\b")));
        check(r"multi(0)disk(0)rdisk(0)partition(4)\WINDOWS", None);
        check(r"multi(0)disk(0)rdisk(0)partition(0)\WINDOWS", None);
        check(r"multi(0)disk(0)rdisk(1)partition(1)\WINDOWS", None);
        check(r"scsi(0)disk(0)rdisk(0)partition(1)\WINDOWS", Some((1, r"\WINDOWS")));
        check(r"signature(5ca1ab1e)disk(0)rdisk(0)partition(1)\WINDOWS", Some((1, r"\WINDOWS")));
        check(r"signature(5ca1ab1f)disk(0)rdisk(0)partition(1)\WINDOWS", None);
        check(r"C:\CMDCONS\BOOTSECT.DAT", None);
        check("multi(0)", None);
        check("", None);
    }
}
