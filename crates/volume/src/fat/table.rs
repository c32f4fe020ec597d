//! The file allocation table: which cluster follows which.

use std::sync::Mutex;

use winkiln_disk::Device;

use super::boot_sector::{Geometry, Width};
use super::{FatError, FatVolume};

/// Bytes of the table that are read at once.
const PIECE: u64 = 16 * 1024;
/// How far the mark of a bad cluster lies below that of a chain's end.
pub(super) const BAD_OFFSET: u32 = 8;
/// Most bytes of clusters zeroed at once.
const ZEROS: usize = 64 * 1024;

/// Reads table entries through a piece of the table held in memory.
pub(super) struct TableReader<'a> {
    device: &'a dyn Device,
    geometry: &'a Geometry,
    /// Reads the table as it was when the transaction over the device began.
    original: bool,
    start: u64,
    piece: Vec<u8>,
}

impl<'a> TableReader<'a> {
    pub(super) fn new(device: &'a dyn Device, geometry: &'a Geometry) -> Self {
        Self { device, geometry, original: false, start: 0, piece: Vec::new() }
    }

    /// Of the table as it was when the transaction over the device began.
    pub(super) fn of_original(device: &'a dyn Device, geometry: &'a Geometry) -> Self {
        Self { original: true, ..Self::new(device, geometry) }
    }

    /// The raw entry of a cluster number below `clusters + 2`.
    pub(super) fn entry(&mut self, cluster: u32) -> Result<u32, FatError> {
        let (at, length) = place(self.geometry.width, cluster);
        if at < self.start || at + length > self.start + self.piece.len() as u64 {
            // A little more than aligned, so that an entry of 12 bits is never cut.
            self.start = at / PIECE * PIECE;
            let left = self.geometry.table_length.saturating_sub(self.start);
            self.piece.resize(left.min(PIECE + 2) as usize, 0);
            let table =
                self.geometry.table + self.geometry.tables.start * self.geometry.table_length;
            let at = table + self.start;
            if self.original {
                self.device.read_original_at(at, &mut self.piece)?;
            } else {
                self.device.read_at(at, &mut self.piece)?;
            }
        }
        let at = (at - self.start) as usize;
        let mut bytes = [0; 4];
        let short = self.piece.get(at..at + length as usize).ok_or(FatError::Damaged {
            cluster,
            problem: "its entry passes the end of the table",
        })?;
        bytes[..short.len()].copy_from_slice(short);
        let raw = u32::from_le_bytes(bytes);
        Ok(match self.geometry.width {
            Width::Fat12 if cluster.is_multiple_of(2) => raw & 0xFFF,
            Width::Fat12 => raw >> 4,
            Width::Fat16 => raw,
            Width::Fat32 => raw & 0x0FFF_FFFF,
        })
    }

    /// The cluster after this one; `None` at the end of its chain.
    fn next(&mut self, cluster: u32) -> Result<Option<u32>, FatError> {
        let next = self.entry(cluster)?;
        if self.geometry.holds(next) {
            Ok(Some(next))
        } else if next >= end_mark(self.geometry.width) & !7 {
            Ok(None)
        } else {
            Err(FatError::Damaged { cluster, problem: "its chain leads out of the volume" })
        }
    }
}

/// First byte in the table, and bytes, of a cluster's entry.
fn place(width: Width, cluster: u32) -> (u64, u64) {
    let cluster = u64::from(cluster);
    match width {
        Width::Fat12 => (cluster + cluster / 2, 2),
        Width::Fat16 => (cluster * 2, 2),
        Width::Fat32 => (cluster * 4, 4),
    }
}

/// The value that ends a chain.
pub(super) fn end_mark(width: Width) -> u32 {
    match width {
        Width::Fat12 => 0xFFF,
        Width::Fat16 => 0xFFFF,
        Width::Fat32 => 0x0FFF_FFFF,
    }
}

impl FatVolume {
    /// The clusters of a chain in order; at most `limit` of them, a longer one is damaged. 0 has none.
    pub(super) fn chain(&self, first: u32, limit: u32) -> Result<Vec<u32>, FatError> {
        let mut clusters = Vec::new();
        if first == 0 {
            return Ok(clusters);
        }
        if !self.geometry.holds(first) {
            return Err(FatError::Damaged { cluster: first, problem: "no such cluster" });
        }
        let mut reader = self.reader();
        let mut next = Some(first);
        while let Some(cluster) = next {
            // A chain that meets itself is longer than the volume.
            if clusters.len() as u64 >= u64::from(limit.min(self.geometry.clusters)) {
                return Err(FatError::Damaged { cluster, problem: "its chain is too long" });
            }
            clusters.push(cluster);
            next = reader.next(cluster)?;
        }
        Ok(clusters)
    }

    /// Counts the free clusters by reading the whole table.
    pub(super) fn count_free(&self) -> Result<u32, FatError> {
        let mut reader = self.reader();
        let mut free = 0;
        for cluster in 2..self.geometry.clusters + 2 {
            free += u32::from(reader.entry(cluster)? == 0);
        }
        Ok(free)
    }

    /// True when the table's second entry says the volume was not put away cleanly.
    pub(super) fn table_is_dirty(&self) -> Result<bool, FatError> {
        let flags = self.reader().entry(1)?;
        Ok(match self.geometry.width {
            Width::Fat12 => false,
            Width::Fat16 => flags & 0xC000 != 0xC000,
            Width::Fat32 => flags & 0x0C00_0000 != 0x0C00_0000,
        })
    }

    /// Takes `count` free clusters, in one run where there is one, chains them, and ends the chain.
    pub(super) fn allocate(&mut self, count: u32) -> Result<Vec<u32>, FatError> {
        let found = self.find_free(count)?;
        for (at, cluster) in found.iter().enumerate() {
            let next = found.get(at + 1).copied().unwrap_or(end_mark(self.geometry.width));
            self.set_entry(*cluster, next)?;
        }
        self.freed -= i64::from(count);
        Ok(found)
    }

    /// `count` free clusters: the first run that is long enough, else the first ones that are free.
    fn find_free(&self, count: u32) -> Result<Vec<u32>, FatError> {
        let mut reader = self.reader();
        let (mut scattered, mut run_start) = (Vec::new(), None);
        let mut free = 0;
        for cluster in 2..self.geometry.clusters + 2 {
            if reader.entry(cluster)? != 0 {
                run_start = None;
                continue;
            }
            free += 1;
            let start = *run_start.get_or_insert(cluster);
            if cluster - start + 1 >= count {
                return Ok((start..start + count).collect());
            }
            if (scattered.len() as u64) < u64::from(count) {
                scattered.push(cluster);
            }
        }
        if free < count {
            return Err(FatError::VolumeFull { needed: count, free });
        }
        Ok(scattered)
    }

    /// Gives the clusters of a chain back.
    pub(super) fn free(&mut self, clusters: &[u32]) -> Result<(), FatError> {
        for cluster in clusters {
            self.set_entry(*cluster, 0)?;
        }
        self.freed += clusters.len() as i64;
        Ok(())
    }

    /// Makes `next` follow `cluster`; `None` ends the chain there.
    pub(super) fn link(&mut self, cluster: u32, next: Option<u32>) -> Result<(), FatError> {
        self.set_entry(cluster, next.unwrap_or(end_mark(self.geometry.width)))
    }

    fn set_entry(&mut self, cluster: u32, value: u32) -> Result<(), FatError> {
        self.recent = Mutex::default();
        let (at, length) = place(self.geometry.width, cluster);
        for table in self.geometry.tables.clone() {
            let offset = self.geometry.table + table * self.geometry.table_length + at;
            let mut bytes = [0; 4];
            let bytes = &mut bytes[..length as usize];
            self.device.read_at(offset, bytes)?;
            let mut wide = [0; 4];
            wide[..bytes.len()].copy_from_slice(bytes);
            let old = u32::from_le_bytes(wide);
            let new = match self.geometry.width {
                Width::Fat12 if cluster.is_multiple_of(2) => old & 0xF000 | value,
                Width::Fat12 => old & 0x000F | value << 4,
                Width::Fat16 => value,
                Width::Fat32 => old & 0xF000_0000 | value,
            };
            self.device.write_at(offset, &new.to_le_bytes()[..length as usize])?;
        }
        Ok(())
    }

    /// Fills a whole cluster with zeros.
    pub(super) fn clear_cluster(&self, cluster: u32) -> Result<(), FatError> {
        let offset = self.geometry.cluster_offset(cluster)?;
        self.clear(offset, u64::from(self.geometry.cluster))
    }

    /// Fills a range of the volume with zeros.
    pub(super) fn clear(&self, mut offset: u64, mut length: u64) -> Result<(), FatError> {
        let zeros = vec![0; length.min(ZEROS as u64) as usize];
        while length > 0 {
            let step = length.min(ZEROS as u64);
            self.device.write_at(offset, &zeros[..step as usize])?;
            offset += step;
            length -= step;
        }
        Ok(())
    }

    fn reader(&self) -> TableReader<'_> {
        TableReader::new(&*self.device, &self.geometry)
    }
}
