//! UDF: the volume's descriptors, its folders, and where files lie.
//!
//! Source: ECMA-167, third edition; OSTA UDF 2.60.

mod descriptor;
mod file_entry;
mod partition;

use std::collections::BTreeSet;

use crate::contents::Contents;
use crate::error::{Error, Format};
use crate::limits::Limits;
use crate::list::{List, Node};
use crate::name::{self, Reason};
use crate::source::{Reading, field};
use descriptor::{Place, TAG, tag};
use file_entry::{FileEntry, FileKind};
use partition::Volume;

const SECTOR: u64 = 2048;

/// Sectors of the volume recognition sequence that are looked at.
const RECOGNITION_MAX: u64 = 64;

/// A folder's bytes; half a million names of 128 bytes.
const FOLDER_MAX: u64 = 64 << 20;

const FILE_IDENTIFIER: u16 = 257;
const FILE_SET: u16 = 256;

/// True when the volume recognition sequence names UDF.
pub(crate) fn is_udf(reading: &Reading) -> Result<bool, Error> {
    for sector in 16..16 + RECOGNITION_MAX {
        if reading.len() < (sector + 1) * SECTOR {
            return Ok(false);
        }
        let head = reading.bytes("volume structure descriptor", sector * SECTOR, 6)?;
        match &head[1..6] {
            b"NSR02" | b"NSR03" => return Ok(true),
            b"CD001" | b"BEA01" | b"BOOT2" | b"CDW02" => {}
            _ => return Ok(false),
        }
    }
    Ok(false)
}

pub(crate) fn list(reading: &Reading, limits: Limits) -> Result<List, Error> {
    let volume = Volume::read(reading)?;
    let file_set = volume.block(FILE_SET, "file set descriptor", volume.file_set)?;
    let root = Place::long(&file_set, 400).ok_or_else(|| {
        reading.damaged("file set descriptor", 0, file_set.len() as u64, "a root directory")
    })?;
    let mut walk = Walk {
        reading,
        volume: &volume,
        list: List::new(Format::Udf, limits),
        seen: BTreeSet::new(),
        folder_bytes: 0,
        extents: 0,
        todo: Vec::new(),
    };
    let entry = FileEntry::read(&volume, root)?;
    if entry.kind != FileKind::Folder {
        return Err(reading.damaged("root directory", 0, 0, "a folder"));
    }
    walk.seen.insert(root);
    walk.todo.push((String::new(), entry));
    while let Some((path, entry)) = walk.todo.pop() {
        walk.folder(&path, entry)?;
    }
    Ok(walk.list)
}

struct Walk<'a> {
    reading: &'a Reading,
    volume: &'a Volume<'a>,
    list: List,
    /// The file entries of the folders that were met.
    seen: BTreeSet<Place>,
    folder_bytes: u64,
    extents: usize,
    todo: Vec<(String, FileEntry)>,
}

impl Walk<'_> {
    fn folder(&mut self, path: &str, folder: FileEntry) -> Result<(), Error> {
        self.folder_bytes = self.folder_bytes.saturating_add(folder.size);
        if folder.size > FOLDER_MAX || self.folder_bytes > self.reading.len() {
            return Err(self.reading.damaged("directory", 0, folder.size, "less than the image"));
        }
        let bytes = folder.bytes(self.reading)?;
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let damaged = |found: u64| {
                self.reading.damaged("file identifier descriptor", at as u64, found, "a whole one")
            };
            if tag(rest) != Some(FILE_IDENTIFIER) {
                return Err(damaged(field::u16(rest, 0).unwrap_or(0).into()));
            }
            let flags = field::u8(rest, 18).unwrap_or(0);
            let place = Place::long(rest, 20).ok_or_else(|| damaged(0))?;
            let name_length = usize::from(field::u8(rest, 19).unwrap_or(0));
            let from = 38 + field::u16(rest, 36).map_or(0, usize::from);
            let name = rest.get(from..from + name_length).ok_or_else(|| damaged(from as u64))?;
            at += (from + name_length).next_multiple_of(4);
            if flags & 0b1100 == 0 {
                self.file(path, name, place)?; // neither deleted nor the parent
            }
        }
        Ok(())
    }

    fn file(&mut self, folder: &str, raw: &[u8], place: Place) -> Result<(), Error> {
        let join = |name: &str| {
            if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
        };
        let Some(name) = decode(raw) else {
            return self.list.leave_out(join(&String::from_utf8_lossy(raw)), Reason::Undecodable);
        };
        let path = join(&name);
        if let Err(reason) =
            name::component(&name).and_then(|()| name::path(&path, &['/']).map(drop))
        {
            return self.list.leave_out(path, reason);
        }
        let entry = FileEntry::read(self.volume, place)?;
        self.extents += entry.extents.len();
        if self.extents > crate::iso::EXTENTS_MAX {
            return Err(self.reading.damaged(
                "file entry",
                0,
                self.extents as u64,
                "fewer extents",
            ));
        }
        match entry.kind {
            FileKind::Folder if !self.seen.insert(place) => {
                Err(self.reading.damaged("directory", 0, place.block.into(), "a folder of its own"))
            }
            FileKind::Folder => {
                self.list.add(path.clone(), Node::Folder)?;
                self.todo.push((path, entry));
                Ok(())
            }
            FileKind::File => {
                let (size, extents) = (entry.size, entry.extents);
                let contents =
                    Contents::Extents { reading: self.reading.clone(), extents, crc: None };
                self.list.add(path, Node::File { size, contents })
            }
            FileKind::Link => self.list.leave_out(path, Reason::Link),
            FileKind::Other => self.list.leave_out(path, Reason::Special),
        }
    }
}

/// OSTA compressed Unicode: characters of 8 or 16 bits.
fn decode(raw: &[u8]) -> Option<String> {
    match raw.split_first()? {
        (8, bytes) => Some(bytes.iter().map(|&byte| char::from(byte)).collect()),
        (16, bytes) => {
            let (units, []) = bytes.as_chunks::<2>() else { return None };
            let units: Vec<_> = units.iter().map(|&unit| u16::from_be_bytes(unit)).collect();
            String::from_utf16(&units).ok()
        }
        _ => None,
    }
}

const _: () = assert!(TAG == 16);
