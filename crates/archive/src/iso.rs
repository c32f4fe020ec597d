//! ISO 9660: volume descriptors and folders, under the best names there are: Rock Ridge's, Joliet's or its own.
//!
//! Source: ECMA-119, sections 8 and 9; "Joliet Specification" (Microsoft, 1995); SUSP 1.12 and RRIP 1.12.

mod record;
mod rock_ridge;

use std::collections::BTreeSet;

use crate::contents::{Contents, Extent};
use crate::error::{Error, Format};
use crate::limits::Limits;
use crate::list::{List, Node};
use crate::name::{self, Reason};
use crate::source::{Reading, field};
use record::Record;
use rock_ridge::{Notes, RockRidge};

const SECTOR: u64 = 2048;
const FIRST_DESCRIPTOR: u64 = 16 * SECTOR;
const DESCRIPTORS_MAX: u64 = 64;

/// A folder's bytes; half a million names of 128 bytes.
const FOLDER_MAX: u32 = 64 << 20;

/// Extents of all files: one for each 4 GiB of a file, and one for every other.
pub(crate) const EXTENTS_MAX: usize = 1 << 22;

pub(crate) fn is_iso(reading: &Reading) -> Result<bool, Error> {
    if reading.len() < FIRST_DESCRIPTOR + SECTOR {
        return Ok(false);
    }
    Ok(reading.bytes("volume descriptor", FIRST_DESCRIPTOR, 6)?.ends_with(b"CD001"))
}

/// How the names of folders are written.
enum Names {
    Plain,
    Joliet,
    RockRidge(RockRidge),
}

struct Volume {
    block: u64,
    root: Record,
}

impl Volume {
    fn read(reading: &Reading, at: u64, descriptor: &[u8]) -> Result<Self, Error> {
        let block = field::u16(descriptor, 128).unwrap_or(0);
        if !matches!(block, 512 | 1024 | 2048) {
            return Err(reading.damaged(
                "logical block size",
                at + 128,
                block.into(),
                "512 to 2048",
            ));
        }
        let root = Record::read(descriptor.get(156..190).unwrap_or(&[]))
            .ok_or_else(|| reading.damaged("root directory record", at + 156, 0, "34 bytes"))?;
        Ok(Self { block: block.into(), root })
    }
}

pub(crate) fn list(reading: &Reading, limits: Limits) -> Result<List, Error> {
    let (mut primary, mut joliet) = (None, None);
    for number in 0..DESCRIPTORS_MAX {
        let at = FIRST_DESCRIPTOR + number * SECTOR;
        let descriptor = reading.bytes("volume descriptor", at, SECTOR as usize)?;
        if descriptor.get(1..6) != Some(b"CD001") {
            return Err(reading.damaged("volume descriptor", at, descriptor[0].into(), "CD001"));
        }
        match descriptor[0] {
            1 if primary.is_none() => primary = Some(Volume::read(reading, at, &descriptor)?),
            2 if matches!(&descriptor[88..91], b"%/@" | b"%/C" | b"%/E") && joliet.is_none() => {
                joliet = Some(Volume::read(reading, at, &descriptor)?);
            }
            255 => break,
            _ => {}
        }
    }
    let missing = || reading.damaged("volume descriptors", FIRST_DESCRIPTOR, 0, "a primary one");
    let primary = primary.ok_or_else(missing)?;
    let rock_ridge = RockRidge::detect(reading, primary.block, &primary.root)?;
    let (volume, names) = match (rock_ridge, joliet) {
        (Some(rock_ridge), _) => (primary, Names::RockRidge(rock_ridge)),
        (None, Some(joliet)) => (joliet, Names::Joliet),
        (None, None) => (primary, Names::Plain),
    };
    let walk = Walk {
        reading,
        block: volume.block,
        names,
        list: List::new(Format::Iso, limits),
        seen: BTreeSet::new(),
        folder_bytes: 0,
        extents: 0,
        todo: Vec::new(),
    };
    walk.run(volume.root)
}

struct Walk<'a> {
    reading: &'a Reading,
    block: u64,
    names: Names,
    list: List,
    /// The first blocks of the folders that were read.
    seen: BTreeSet<u64>,
    folder_bytes: u64,
    extents: usize,
    /// Folders still to be read: path, first block, size.
    todo: Vec<(String, u64, u32)>,
}

/// A file of several extents while they are collected.
struct Parts {
    extents: Vec<Extent>,
    size: u64,
}

impl Walk<'_> {
    fn run(mut self, root: Record) -> Result<List, Error> {
        self.todo.push((String::new(), root.first_block(), root.size));
        while let Some((path, block, size)) = self.todo.pop() {
            self.folder(&path, block, size)?;
        }
        Ok(self.list)
    }

    fn folder(&mut self, path: &str, block: u64, size: u32) -> Result<(), Error> {
        let at = block * self.block;
        if !self.seen.insert(block) {
            return Err(self.reading.damaged("directory", at, block, "a folder of its own"));
        }
        self.folder_bytes = self.folder_bytes.saturating_add(size.into());
        if size > FOLDER_MAX || self.folder_bytes > self.reading.len() {
            return Err(self.reading.damaged("directory", at, size.into(), "less than the image"));
        }
        let bytes = self.reading.bytes("directory", at, size as usize)?;
        let block = usize::try_from(self.block).unwrap_or(2048);
        let mut from = 0;
        let mut parts: Option<Parts> = None;
        while from < bytes.len() {
            let length = usize::from(bytes[from]);
            if length == 0 {
                from = (from / block + 1) * block; // a record does not cross blocks
                continue;
            }
            let here = at + from as u64;
            let record = bytes.get(from..from + length).and_then(Record::read);
            let record = record.ok_or_else(|| {
                self.reading.damaged("directory record", here, length as u64, "a record's length")
            })?;
            from += length;
            if !record.is_self_or_parent() {
                self.record(path, here, &record, &mut parts)?;
            }
        }
        Ok(())
    }

    fn record(
        &mut self,
        folder: &str,
        at: u64,
        record: &Record,
        parts: &mut Option<Parts>,
    ) -> Result<(), Error> {
        if record.is_associated() {
            return Ok(());
        }
        let notes = match &self.names {
            Names::RockRidge(rock_ridge) => rock_ridge.notes(self.reading, self.block, record)?,
            _ => Notes::default(),
        };
        if notes.relocated {
            return Ok(()); // shown where a child link names it
        }
        let extent = self.extent(at, record)?;
        if !record.is_folder() {
            let parts = parts.get_or_insert_with(|| Parts { extents: Vec::new(), size: 0 });
            parts.size = parts.size.saturating_add(extent.map_or(0, |extent| extent.length));
            parts.extents.extend(extent);
            if record.continues() {
                return Ok(());
            }
        }
        let (extents, size) =
            parts.take().map_or((Vec::new(), 0), |parts| (parts.extents, parts.size));
        let name = match (notes.name, &self.names) {
            (Some(name), _) => {
                String::from_utf8(name).map_err(std::string::FromUtf8Error::into_bytes)
            }
            (None, Names::Joliet) => record.joliet_name(),
            (None, _) => record.plain_name(),
        };
        let join = |name: &str| {
            if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
        };
        let name = match name {
            Ok(name) => name,
            Err(raw) => {
                return self
                    .list
                    .leave_out(join(&String::from_utf8_lossy(&raw)), Reason::Undecodable);
            }
        };
        let path = join(&name);
        if let Err(reason) =
            name::component(&name).and_then(|()| name::path(&path, &['/']).map(drop))
        {
            return self.list.leave_out(path, reason);
        }
        if let Some(block) = notes.child {
            let size = self.size_of_folder(block)?;
            self.todo.push((path.clone(), block, size));
            return self.list.add(path, Node::Folder);
        }
        if let Some(target) = notes.target {
            return match String::from_utf8(target) {
                Ok(target) => self.list.add(path, Node::Link { target }),
                Err(_) => self.list.leave_out(path, Reason::Link),
            };
        }
        if record.is_folder() {
            self.todo.push((path.clone(), record.first_block(), record.size));
            return self.list.add(path, Node::Folder);
        }
        if notes.special {
            return self.list.leave_out(path, Reason::Special);
        }
        if notes.packed || record.is_interleaved() {
            return self.list.leave_out(path, Reason::Unsupported);
        }
        let reading = self.reading.clone();
        self.list.add(
            path,
            Node::File { size, contents: Contents::Extents { reading, extents, crc: None } },
        )
    }

    /// Where the record's bytes lie; `None` if it has none.
    fn extent(&mut self, at: u64, record: &Record) -> Result<Option<Extent>, Error> {
        let (offset, length) = (record.first_block() * self.block, u64::from(record.size));
        if length == 0 {
            return Ok(None);
        }
        if offset + length > self.reading.len() {
            return Err(Error::Truncated {
                format: Format::Iso,
                structure: "extent of a file",
                at: offset,
                length,
                size: self.reading.len(),
            });
        }
        self.extents += 1;
        if self.extents > EXTENTS_MAX {
            return Err(self.reading.damaged(
                "directory record",
                at,
                self.extents as u64,
                "fewer extents",
            ));
        }
        Ok(Some(Extent { offset: Some(offset), length }))
    }

    /// The size of a relocated folder stands in its own first record.
    fn size_of_folder(&self, block: u64) -> Result<u32, Error> {
        let at = block * self.block;
        let bytes = self.reading.bytes("relocated directory", at, 34)?;
        let own = Record::read(&bytes).filter(Record::is_self_or_parent);
        own.map(|record| record.size).ok_or_else(|| {
            self.reading.damaged("relocated directory", at, bytes[0].into(), "its own record")
        })
    }
}
