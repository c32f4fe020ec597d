//! A cabinet: files packed together in folders, which are unpacked once.
//!
//! Source: [MS-CAB].

mod folder;
mod mszip;

use std::sync::Arc;

use crate::contents::Contents;
use crate::error::{Error, Format};
use crate::limits::Limits;
use crate::list::{List, Node};
use crate::name::{self, Reason};
use crate::source::{Reading, field};
pub(crate) use folder::Folder;

const HEADER: usize = 36;
const FOLDER: usize = 8;
const FILE: usize = 16;
/// Longest name of a file, or of a cabinet before or after.
const NAME_MAX: usize = 256;

const HAS_PREVIOUS: u16 = 1;
const HAS_NEXT: u16 = 2;
const HAS_RESERVE: u16 = 4;

pub(crate) fn is_cabinet(head: &[u8]) -> bool {
    head.starts_with(b"MSCF\0\0\0\0")
}

/// A file of a cabinet as it is written there.
pub(crate) struct File {
    pub name: Vec<u8>,
    pub size: u64,
    offset: u64,
    /// `None` when it goes on from or to another cabinet.
    folder: Option<usize>,
}

/// A cabinet's files and folders.
pub(crate) struct Cabinet {
    pub files: Vec<File>,
    folders: Vec<Arc<Folder>>,
}

impl Cabinet {
    pub fn read(reading: &Reading) -> Result<Self, Error> {
        let header = reading.bytes("CFHEADER", 0, HEADER)?;
        if !is_cabinet(&header) {
            let found = field::u32(&header, 0).unwrap_or(0).into();
            return Err(reading.damaged("CFHEADER", 0, found, "MSCF"));
        }
        let u16 = |at| field::u16(&header, at).unwrap_or(0);
        let (folders, files, flags) = (u16(26), u16(28), u16(30));
        let mut at = HEADER as u64;
        let (mut folder_reserve, mut data_reserve) = (0, 0);
        if flags & HAS_RESERVE != 0 {
            let sizes = reading.bytes("CFHEADER reserve", at, 4)?;
            folder_reserve = usize::from(sizes[2]);
            data_reserve = sizes[3];
            at += 4 + u64::from(field::u16(&sizes, 0).unwrap_or(0));
        }
        for flag in [HAS_PREVIOUS, HAS_NEXT] {
            for _ in 0..if flags & flag == 0 { 0 } else { 2 } {
                at += text(reading, "name of another cabinet", at)?.len() as u64 + 1;
            }
        }
        let mut found = Self { files: Vec::new(), folders: Vec::new() };
        let size = FOLDER + folder_reserve;
        let bytes = reading.bytes("CFFOLDER", at, size * usize::from(folders))?;
        for folder in bytes.chunks_exact(size) {
            let folder = Folder::new(reading, folder, data_reserve);
            found.folders.push(Arc::new(folder));
        }
        at = field::u32(&header, 16).unwrap_or(0).into();
        for _ in 0..files {
            let file = reading.bytes("CFFILE", at, FILE)?;
            let name = text(reading, "name of a file", at + FILE as u64)?;
            let u16 = |from| field::u16(&file, from).unwrap_or(0);
            let u32 = |from| u64::from(field::u32(&file, from).unwrap_or(0));
            let folder = usize::from(u16(8));
            if folder < 0xfffd && folder >= found.folders.len() {
                return Err(reading.damaged(
                    "CFFILE",
                    at,
                    folder as u64,
                    "a folder of the cabinet",
                ));
            }
            at += (FILE + name.len() + 1) as u64;
            found.files.push(File {
                name,
                size: u32(0),
                offset: u32(4),
                folder: (folder < 0xfffd).then_some(folder),
            });
        }
        found.measure();
        Ok(found)
    }

    /// A folder is unpacked as far as its files go.
    fn measure(&mut self) {
        for file in &self.files {
            if let Some(folder) = file.folder.and_then(|folder| self.folders.get(folder)) {
                folder.needs(file.offset + file.size);
            }
        }
    }

    /// The contents of a file; `None` when they cannot be unpacked here.
    pub fn contents(&self, file: &File) -> Option<Contents> {
        let folder = self.folders.get(file.folder?)?;
        let contents = Contents::InCabinet { folder: Arc::clone(folder), offset: file.offset };
        folder.is_supported().then_some(contents)
    }

    /// Bytes of all folders, unpacked.
    pub fn unpacked(&self) -> u64 {
        self.folders.iter().map(|folder| folder.size()).sum()
    }
}

/// A text up to its zero.
fn text(reading: &Reading, structure: &'static str, at: u64) -> Result<Vec<u8>, Error> {
    let length = reading.len().saturating_sub(at).min(NAME_MAX as u64 + 1);
    let bytes = reading.bytes(structure, at, usize::try_from(length).unwrap_or(0))?;
    let end = bytes.iter().position(|byte| *byte == 0);
    let end = end
        .ok_or_else(|| reading.damaged(structure, at, length, "a zero behind at most 256 bytes"))?;
    Ok(bytes[..end].to_vec())
}

pub(crate) fn list(reading: &Reading, limits: Limits) -> Result<List, Error> {
    let cabinet = Cabinet::read(reading)?;
    let mut list = List::new(Format::Cabinet, limits);
    limits.expansion(Format::Cabinet, reading.len(), cabinet.unpacked())?;
    for file in &cabinet.files {
        let Ok(raw) = std::str::from_utf8(&file.name) else {
            list.leave_out(String::from_utf8_lossy(&file.name), Reason::Undecodable)?;
            continue;
        };
        match (name::path(raw, &['/', '\\']), cabinet.contents(file)) {
            (Ok(path), Some(contents)) => {
                list.add(path, Node::File { size: file.size, contents })?;
            }
            (Ok(path), None) => list.leave_out(path, Reason::Unsupported)?,
            (Err(reason), _) => list.leave_out(raw, reason)?,
        }
        limits.expansion(Format::Cabinet, reading.len(), list.bytes())?;
    }
    Ok(list)
}
