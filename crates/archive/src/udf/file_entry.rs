//! A file entry: what a file is, how long, and where its contents lie.

use super::descriptor::{Place, tag};
use super::partition::Volume;
use crate::contents::Extent;
use crate::error::{Error, Format};
use crate::source::{Reading, field};

const FILE_ENTRY: u16 = 261;
const EXTENDED_FILE_ENTRY: u16 = 266;
const ALLOCATION_EXTENT: u16 = 258;

/// Blocks of allocation descriptors that a file may have; each describes about 250 GiB.
const CONTINUATIONS_MAX: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    Folder,
    File,
    Link,
    Other,
}

/// A file entry. Source: ECMA-167 4/14.9 and 4/14.17.
#[derive(Debug)]
pub(super) struct FileEntry {
    pub kind: FileKind,
    pub size: u64,
    /// As many bytes as `size`.
    pub extents: Vec<Extent>,
}

impl FileEntry {
    pub fn read(volume: &Volume<'_>, place: Place) -> Result<Self, Error> {
        let (at, bytes) = volume.raw_block("file entry", place)?;
        let damaged =
            |found: u64, expected| volume.reading.damaged("file entry", at, found, expected);
        let head = match tag(&bytes) {
            Some(FILE_ENTRY) => 168,
            Some(EXTENDED_FILE_ENTRY) => 208,
            _ => {
                return Err(damaged(
                    field::u16(&bytes, 0).unwrap_or(0).into(),
                    "a sound file entry",
                ));
            }
        };
        let strategy = field::u16(&bytes, 20).unwrap_or(0);
        if strategy != 4 {
            let what = "a file entry with another strategy than 4";
            return Err(Error::Unsupported { format: Format::Udf, what });
        }
        let kind = match field::u8(&bytes, 27) {
            Some(4) => FileKind::Folder,
            Some(0 | 5 | 249..=251) => FileKind::File, // 250, 251: the metadata file and its mirror
            Some(12) => FileKind::Link,
            _ => FileKind::Other,
        };
        let flags = field::u16(&bytes, 34).unwrap_or(0);
        let size = field::u64(&bytes, 56).unwrap_or(0);
        let length = |from| field::u32(&bytes, from).map_or(0, |length| length as usize);
        let from = head + 8 + length(head).min(bytes.len());
        let allocation = bytes.get(from..from.saturating_add(length(head + 4)));
        let allocation = allocation
            .ok_or_else(|| damaged(length(head + 4) as u64, "descriptors in the block"))?;
        let extents = match flags & 7 {
            3 if size > allocation.len() as u64 => return Err(damaged(size, "bytes in the block")),
            3 if size == 0 => Vec::new(),
            3 => vec![Extent { offset: Some(at + from as u64), length: size }],
            kind @ (0 | 1) => allocated(volume, place, kind == 1, allocation, size)?,
            other => return Err(damaged(other.into(), "short, long or embedded allocation")),
        };
        Ok(Self { kind, size, extents })
    }

    /// All bytes; the caller has looked at `size`.
    pub fn bytes(&self, reading: &Reading) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        for extent in &self.extents {
            let length = usize::try_from(extent.length).unwrap_or(usize::MAX);
            match extent.offset {
                Some(offset) => bytes.extend(reading.bytes("directory", offset, length)?),
                None => {
                    return Err(reading.damaged("directory", 0, extent.length, "recorded extents"));
                }
            }
        }
        Ok(bytes)
    }
}

/// The extents of allocation descriptors, as far as the size needs them.
fn allocated(
    volume: &Volume<'_>,
    own: Place,
    long: bool,
    descriptors: &[u8],
    size: u64,
) -> Result<Vec<Extent>, Error> {
    let step = if long { 16 } else { 8 };
    let mut extents: Vec<Extent> = Vec::new();
    let mut left = size;
    let mut area = descriptors.to_vec();
    for _ in 0..CONTINUATIONS_MAX {
        let mut next = None;
        for descriptor in area.chunks_exact(step) {
            let length = field::u32(descriptor, 0).unwrap_or(0);
            let (kind, length) = (length >> 30, u64::from(length & 0x3fff_ffff));
            let block = field::u32(descriptor, 4).unwrap_or(0);
            let map = if long { field::u16(descriptor, 8).unwrap_or(0) } else { own.map };
            let place = Place { map, block };
            if length == 0 || left == 0 {
                break;
            }
            if kind == 3 {
                next = Some(place);
                break;
            }
            let length = length.min(left);
            left -= length;
            let found = match kind {
                0 => volume.extents(place, length)?,
                _ => vec![Extent { offset: None, length }], // allocated or not, but never written
            };
            for extent in found {
                match extents.last_mut() {
                    Some(last) if follows(last, &extent) => last.length += extent.length,
                    _ => extents.push(extent),
                }
            }
        }
        let Some(place) = next else { break };
        let bytes = volume.block(ALLOCATION_EXTENT, "allocation extent descriptor", place)?;
        let length = field::u32(&bytes, 20).map_or(0, |length| length as usize);
        area = bytes.get(24..24usize.saturating_add(length)).unwrap_or(&[]).to_vec();
    }
    if left > 0 {
        return Err(volume.reading.damaged(
            "file entry",
            own.block.into(),
            size,
            "as many allocated bytes",
        ));
    }
    Ok(extents)
}

fn follows(last: &Extent, next: &Extent) -> bool {
    match (last.offset, next.offset) {
        (Some(last_offset), Some(offset)) => last_offset + last.length == offset,
        (None, None) => true,
        _ => false,
    }
}
