//! Folders: 32-byte entries, those of long names before the one they belong to.
//!
//! Source: Microsoft, "FAT32 File System Specification" 1.03, "FAT Directory Structure" and "Long Directory Entries".

use std::collections::HashSet;

use super::short_name::{self, ShortName};
use super::time::Stamp;
use super::{FatError, FatVolume, Width};

/// Bytes of an entry.
pub(super) const ENTRY: usize = 32;
/// Entries a folder may have: 2 MiB of 32 bytes.
pub(super) const ENTRIES_MAX: usize = 65_536;
/// UTF-16 units that one entry of a long name holds.
const UNITS: usize = 13;
/// Where those units stand in the entry.
const UNIT_OFFSETS: [usize; UNITS] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];

pub(super) const ATTRIBUTE_VOLUME: u8 = 0x08;
pub(super) const ATTRIBUTE_DIRECTORY: u8 = 0x10;
pub(super) const ATTRIBUTES_LONG_NAME: u8 = 0x0F;
pub(super) const DELETED: u8 = 0xE5;

/// Where a folder lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The root folder of FAT12 and FAT16.
    FixedRoot,
    /// First cluster.
    Chain(u32),
}

/// A file or folder as its parent's entry describes it.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) name: String,
    /// The 8.3 name, when the name is another.
    pub(super) short_name: Option<String>,
    /// The entry's bytes.
    pub(super) raw: [u8; ENTRY],
    /// Where the entry lies in its folder, counted in entries; those of its long name come first.
    pub(super) entries: std::ops::Range<usize>,
    /// Where the entry lies on the volume.
    pub(super) offset: u64,
    /// FAT32: the high half of the first cluster's number counts. Elsewhere other systems keep other things there.
    pub(super) wide: bool,
}

impl Node {
    pub(super) fn attributes(&self) -> u8 {
        self.raw[11]
    }

    pub(super) fn is_directory(&self) -> bool {
        self.attributes() & ATTRIBUTE_DIRECTORY != 0
    }

    pub(super) fn first_cluster(&self) -> u32 {
        let high = if self.wide { self.word(20) } else { 0 };
        u32::from(high) << 16 | u32::from(self.word(26))
    }

    pub(super) fn size(&self) -> u32 {
        u32::from(self.word(28)) | u32::from(self.word(30)) << 16
    }

    pub(super) fn created(&self) -> u64 {
        Stamp { date: self.word(16), time: self.word(14), fine: self.raw[13] }.ticks()
    }

    pub(super) fn modified(&self) -> u64 {
        Stamp { date: self.word(24), time: self.word(22), fine: 0 }.ticks()
    }

    pub(super) fn accessed(&self) -> u64 {
        Stamp { date: self.word(18), time: 0, fine: 0 }.ticks()
    }

    pub(super) fn set_first_cluster(&mut self, cluster: u32) {
        set_first_cluster(&mut self.raw, cluster, self.wide);
    }

    pub(super) fn set_size(&mut self, size: u32) {
        self.raw[28..32].copy_from_slice(&size.to_le_bytes());
    }

    pub(super) fn set_modified(&mut self, stamp: Stamp) {
        self.raw[22..24].copy_from_slice(&stamp.time.to_le_bytes());
        self.raw[24..26].copy_from_slice(&stamp.date.to_le_bytes());
        self.raw[18..20].copy_from_slice(&stamp.date.to_le_bytes());
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.raw[at], self.raw[at + 1]])
    }
}

fn set_first_cluster(raw: &mut [u8; ENTRY], cluster: u32, wide: bool) {
    let [a, b, c, d] = cluster.to_le_bytes();
    if wide {
        raw[20..22].copy_from_slice(&[c, d]);
    }
    raw[26..28].copy_from_slice(&[a, b]);
}

/// A new short entry.
pub(super) fn entry(name: &ShortName, attributes: u8, cluster: u32, now: Stamp) -> [u8; ENTRY] {
    let mut raw = [0; ENTRY];
    raw[..11].copy_from_slice(name);
    raw[11] = attributes;
    raw[13] = now.fine;
    raw[14..16].copy_from_slice(&now.time.to_le_bytes());
    for at in [16, 18, 24] {
        raw[at..at + 2].copy_from_slice(&now.date.to_le_bytes());
    }
    raw[22..24].copy_from_slice(&now.time.to_le_bytes());
    set_first_cluster(&mut raw, cluster, true);
    raw
}

/// The entries of a long name, in the order in which they stand before the short one.
pub(super) fn long_entries(name: &str, short: &ShortName) -> Vec<[u8; ENTRY]> {
    let units: Vec<u16> = name.encode_utf16().collect();
    let pieces: Vec<&[u16]> = units.chunks(UNITS).collect();
    let count = pieces.len();
    let mut entries = Vec::new();
    for (at, piece) in pieces.iter().enumerate().rev() {
        let mut raw = [0; ENTRY];
        raw[0] = (at + 1) as u8 | if at + 1 == count { 0x40 } else { 0 };
        raw[11] = ATTRIBUTES_LONG_NAME;
        raw[13] = short_name::checksum(short);
        for (index, offset) in UNIT_OFFSETS.iter().enumerate() {
            // The name, one NUL, then FFFF.
            let unit = match index.cmp(&piece.len()) {
                std::cmp::Ordering::Less => piece[index],
                std::cmp::Ordering::Equal => 0,
                std::cmp::Ordering::Greater => 0xFFFF,
            };
            raw[*offset..offset + 2].copy_from_slice(&unit.to_le_bytes());
        }
        entries.push(raw);
    }
    entries
}

/// A folder's bytes, and where each part of them lies.
pub(super) struct Directory {
    bytes: Vec<u8>,
    /// First byte on the volume of each part.
    parts: Vec<u64>,
    /// Bytes of a part.
    part: usize,
    /// Last cluster of the chain; `None` for the fixed root.
    pub(super) last: Option<u32>,
    wide: bool,
}

impl Directory {
    pub(super) fn count(&self) -> usize {
        self.bytes.len() / ENTRY
    }

    pub(super) fn entry(&self, index: usize) -> Option<[u8; ENTRY]> {
        self.bytes.get(index * ENTRY..)?.first_chunk().copied()
    }

    /// First byte on the volume of an entry.
    pub(super) fn offset(&self, index: usize) -> Option<u64> {
        let at = index * ENTRY;
        Some(self.parts.get(at / self.part)? + (at % self.part) as u64)
    }

    /// Every file and folder but `.`, `..` and the label.
    pub(super) fn nodes(&self) -> Vec<Node> {
        let mut nodes = Vec::new();
        self.walk(|node| {
            if node.attributes() & ATTRIBUTE_VOLUME == 0 && !matches!(&node.raw[..2], b". " | b"..")
            {
                nodes.push(node);
            }
        });
        nodes
    }

    /// The volume label's entry.
    pub(super) fn label(&self) -> Option<ShortName> {
        let mut found = None;
        self.walk(|node| {
            if node.attributes() & (ATTRIBUTE_VOLUME | ATTRIBUTE_DIRECTORY) == ATTRIBUTE_VOLUME {
                found = found.or(node.raw.first_chunk().copied());
            }
        });
        found
    }

    /// The short names that are in use.
    pub(super) fn short_names(&self) -> HashSet<ShortName> {
        let mut names = HashSet::new();
        self.walk(|node| names.extend(node.raw.first_chunk::<11>()));
        names
    }

    pub(super) fn walk(&self, mut each: impl FnMut(Node)) {
        let mut long = LongName::default();
        for index in 0..self.count() {
            let (Some(raw), Some(offset)) = (self.entry(index), self.offset(index)) else { return };
            match raw[0] {
                0 => return,
                DELETED => long = LongName::default(),
                _ if raw[11] & 0x3F == ATTRIBUTES_LONG_NAME => long.take(&raw, index),
                _ => {
                    let mut short = [0; 11];
                    short.copy_from_slice(&raw[..11]);
                    let plain = short_name::text(&short, raw[12]);
                    let (name, start) = std::mem::take(&mut long).finish(&short, index);
                    let short_name = name.as_ref().map(|_| plain.clone());
                    each(Node {
                        short_name: short_name.filter(|short| Some(short) != name.as_ref()),
                        name: name.unwrap_or(plain),
                        raw,
                        entries: start..index + 1,
                        offset,
                        wide: self.wide,
                    });
                }
            }
        }
    }

    /// Index of the first of `needed` free entries in a row, and whether they reach past the end mark.
    /// May name entries that the folder does not have yet.
    pub(super) fn room(&self, needed: usize) -> (usize, bool) {
        let mut run = 0;
        for index in 0..self.count() {
            match self.entry(index).map_or(0, |raw| raw[0]) {
                0 => return (index - run, true),
                DELETED => run += 1,
                _ => run = 0,
            }
            if run == needed {
                return (index + 1 - run, false);
            }
        }
        (self.count() - run, true)
    }
}

/// The long name whose entries were read so far.
#[derive(Default)]
struct LongName {
    units: Vec<u16>,
    checksum: u8,
    /// Number of the entry that has to come next; 0 when the name is complete or there is none.
    next: u8,
    start: Option<usize>,
}

impl LongName {
    fn take(&mut self, raw: &[u8; ENTRY], index: usize) {
        let number = raw[0] & 0x1F;
        if raw[0] & 0x40 != 0 {
            *self = Self { checksum: raw[13], next: number, start: Some(index), units: Vec::new() };
        }
        if number == 0 || number != self.next || raw[13] != self.checksum {
            *self = Self::default();
            return;
        }
        let piece = UNIT_OFFSETS.map(|at| u16::from_le_bytes([raw[at], raw[at + 1]]));
        self.units.splice(0..0, piece);
        self.next -= 1;
    }

    /// The name, when it is whole and belongs to this short name, and its first entry.
    fn finish(self, short: &ShortName, index: usize) -> (Option<String>, usize) {
        let Some(start) = self.start else { return (None, index) };
        if self.next != 0 || self.checksum != short_name::checksum(short) {
            return (None, index);
        }
        let end = self.units.iter().position(|unit| *unit == 0).unwrap_or(self.units.len());
        let name = String::from_utf16_lossy(&self.units[..end]);
        if name.is_empty() { (None, index) } else { (Some(name), start) }
    }
}

impl FatVolume {
    /// Reads a folder.
    pub(super) fn directory(&self, place: Place) -> Result<Directory, FatError> {
        let (parts, part, last) = match place {
            Place::FixedRoot => {
                let (start, length) = self.geometry.fixed_root;
                (vec![start], length as usize, None)
            }
            Place::Chain(first) => {
                let part = self.geometry.cluster as usize;
                let limit = (ENTRIES_MAX * ENTRY).div_ceil(part) as u32;
                let chain = self.chain(first, limit)?;
                let parts: Result<_, _> =
                    chain.iter().map(|cluster| self.geometry.cluster_offset(*cluster)).collect();
                (parts?, part, chain.last().copied())
            }
        };
        if last.is_none() && place != Place::FixedRoot {
            return Err(FatError::Damaged { cluster: 0, problem: "a folder has no cluster" });
        }
        let mut bytes = vec![0; parts.len() * part];
        for (offset, piece) in parts.iter().zip(bytes.chunks_mut(part)) {
            self.device.read_at(*offset, piece)?;
        }
        Ok(Directory { bytes, parts, part, last, wide: self.geometry.width == Width::Fat32 })
    }

    /// Marks entries of a folder as deleted.
    pub(super) fn delete_entries(
        &self,
        directory: &Directory,
        entries: std::ops::Range<usize>,
    ) -> Result<(), FatError> {
        for index in entries {
            let offset = directory
                .offset(index)
                .ok_or(FatError::Damaged { cluster: 0, problem: "no such entry" })?;
            self.device.write_at(offset, &[DELETED])?;
        }
        Ok(())
    }
}
