//! Rock Ridge: long names, links and deep folders in the system use fields of directory records.
//!
//! Source: SUSP 1.12 and RRIP 1.12 (IEEE P1281, P1282).

use super::record::Record;
use crate::error::Error;
use crate::source::{Reading, field};

/// Continuation areas of one record: a path of 4096 bytes takes three.
const CONTINUATIONS_MAX: usize = 16;
const AREA_MAX: u32 = 4096;

/// What the root's own record says of the fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct RockRidge {
    /// Bytes before the first entry of a system use field.
    skip: usize,
}

/// What the fields of a record say.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub name: Option<Vec<u8>>,
    /// A symbolic link's target.
    pub target: Option<Vec<u8>>,
    /// The first block of the folder that this record stands for.
    pub child: Option<u64>,
    /// A folder that was moved here for its depth.
    pub relocated: bool,
    /// A device, a socket, ...
    pub special: bool,
    /// Packed by zisofs.
    pub packed: bool,
    /// POSIX attributes or names are there: this is Rock Ridge, not another use of the fields.
    seen: bool,
}

impl RockRidge {
    /// Looks for Rock Ridge in the root's own record.
    pub fn detect(reading: &Reading, block: u64, root: &Record) -> Result<Option<Self>, Error> {
        let at = root.first_block() * block;
        let bytes = reading.bytes("root directory", at, root.size.min(2048) as usize)?;
        let own = usize::from(field::u8(&bytes, 0).unwrap_or(0));
        let Some(own) = bytes.get(..own).and_then(Record::read) else { return Ok(None) };
        let Some(&[b'S', b'P', 7, _, 0xbe, 0xef, skip]) = own.system_use.first_chunk() else {
            return Ok(None);
        };
        let notes = Self { skip: 0 }.notes(reading, block, &own)?;
        Ok(notes.seen.then_some(Self { skip: skip.into() }))
    }

    /// Reads the fields of a record, in continuation areas too.
    pub fn notes(&self, reading: &Reading, block: u64, record: &Record) -> Result<Notes, Error> {
        let mut notes = Notes::default();
        let mut link = Link::default();
        let mut area = record.system_use.get(self.skip..).unwrap_or(&[]).to_vec();
        for _ in 0..CONTINUATIONS_MAX {
            let mut next = None;
            let mut rest = &area[..];
            while let Some(&[a, b, length, _version]) = rest.first_chunk() {
                let Some(entry) = rest.get(..usize::from(length)).filter(|e| e.len() >= 4) else {
                    break;
                };
                rest = &rest[entry.len()..];
                match &[a, b] {
                    b"CE" => next = continuation(entry),
                    b"ST" => break,
                    b"NM" => notes.add_name(entry),
                    b"PX" => {
                        notes.seen = true;
                        let kind = field::u32(entry, 4).unwrap_or(0) & 0o170_000;
                        notes.special = !matches!(kind, 0 | 0o100_000 | 0o040_000 | 0o120_000);
                    }
                    b"RR" => notes.seen = true,
                    b"SL" => link.add(entry),
                    b"CL" => notes.child = field::u32(entry, 4).map(u64::from),
                    b"RE" => notes.relocated = true,
                    b"ZF" => notes.packed = true,
                    _ => {}
                }
            }
            let Some((at, offset, length)) = next else { break };
            let at = u64::from(at) * block + u64::from(offset);
            if length > AREA_MAX {
                return Err(reading.damaged(
                    "continuation area",
                    at,
                    length.into(),
                    "at most 4096 bytes",
                ));
            }
            area = reading.bytes("continuation area", at, length as usize)?;
        }
        notes.target = link.finish();
        Ok(notes)
    }
}

fn continuation(entry: &[u8]) -> Option<(u32, u32, u32)> {
    Some((field::u32(entry, 4)?, field::u32(entry, 12)?, field::u32(entry, 20)?))
}

impl Notes {
    fn add_name(&mut self, entry: &[u8]) {
        self.seen = true;
        let special = entry.get(4).is_some_and(|flags| flags & 0b110 != 0); // `.` and `..`
        if let Some(part) = entry.get(5..).filter(|_| !special) {
            self.name.get_or_insert_default().extend_from_slice(part);
        }
    }
}

#[derive(Default)]
struct Link {
    target: Option<Vec<u8>>,
    /// The next component belongs to the last one.
    joined: bool,
}

impl Link {
    fn add(&mut self, entry: &[u8]) {
        let target = self.target.get_or_insert_default();
        let mut rest = entry.get(5..).unwrap_or(&[]);
        while let Some(&[flags, length]) = rest.first_chunk() {
            let Some(text) = rest.get(2..2 + usize::from(length)) else { break };
            if !target.is_empty() && !self.joined && target.last() != Some(&b'/') {
                target.push(b'/');
            }
            match flags & 0b1110 {
                2 => target.extend_from_slice(b"."),
                4 => target.extend_from_slice(b".."),
                8 => target.extend_from_slice(b"/"),
                _ => target.extend_from_slice(text),
            }
            self.joined = flags & 1 != 0;
            rest = &rest[2 + text.len()..];
        }
    }

    fn finish(self) -> Option<Vec<u8>> {
        self.target
    }
}
