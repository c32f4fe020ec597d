//! The volume descriptor sequence, and where the blocks of a partition lie.

use super::descriptor::{Place, tag};
use super::file_entry::FileEntry;
use crate::contents::Extent;
use crate::error::{Error, Format};
use crate::source::{Reading, field};

const ANCHOR: u16 = 2;
const PARTITION: u16 = 5;
const LOGICAL_VOLUME: u16 = 6;
const TERMINATOR: u16 = 8;

/// Descriptors of a sequence; the standard asks for 16 blocks.
const DESCRIPTORS_MAX: u32 = 256;
const MAPS_MAX: u32 = 16;

enum Map {
    /// Blocks from a first one on, so many.
    Plain { start: u32, length: u32 },
    /// Blocks of the metadata file.
    Metadata { extents: Vec<Extent> },
}

/// A logical volume.
pub(super) struct Volume<'a> {
    pub reading: &'a Reading,
    /// Bytes of a block.
    pub size: u64,
    maps: Vec<Map>,
    pub file_set: Place,
}

impl<'a> Volume<'a> {
    /// Reads the descriptors that the anchor names.
    pub fn read(reading: &'a Reading) -> Result<Self, Error> {
        for size in [2048u64, 512, 4096, 1024] {
            let last = (reading.len() / size).saturating_sub(1);
            for block in [256, last, last.saturating_sub(256)] {
                if (block + 1).saturating_mul(size) > reading.len() {
                    continue;
                }
                let anchor = reading.bytes("anchor", block * size, 512)?;
                if tag(&anchor) != Some(ANCHOR)
                    || field::u32(&anchor, 12).map(u64::from) != Some(block)
                {
                    continue;
                }
                let extent = |at| Some((field::u32(&anchor, at)?, field::u32(&anchor, at + 4)?));
                let main =
                    extent(16).and_then(|main| Self::sequence(reading, size, main).transpose());
                if let Some(volume) = main {
                    return volume;
                }
                let reserve =
                    extent(24).and_then(|other| Self::sequence(reading, size, other).transpose());
                if let Some(volume) = reserve {
                    return volume;
                }
            }
        }
        Err(reading.damaged("anchor volume descriptor pointer", 256 * 2048, 0, "a sound one"))
    }

    /// `None` when the sequence has no logical volume.
    fn sequence(
        reading: &'a Reading,
        size: u64,
        (length, first): (u32, u32),
    ) -> Result<Option<Self>, Error> {
        let count = (u64::from(length) / size).min(DESCRIPTORS_MAX.into());
        let mut partitions = Vec::new();
        let mut volume: Option<(u32, Vec<u8>)> = None;
        for number in 0..count {
            let at = (u64::from(first) + number) * size;
            if at + size > reading.len() {
                break;
            }
            let bytes =
                reading.bytes("volume descriptor", at, usize::try_from(size).unwrap_or(0))?;
            let order = field::u32(&bytes, 16).unwrap_or(0);
            match tag(&bytes) {
                Some(PARTITION) => {
                    if let (Some(number), Some(start), Some(length)) =
                        (field::u16(&bytes, 22), field::u32(&bytes, 188), field::u32(&bytes, 192))
                    {
                        partitions.push((number, order, start, length));
                    }
                }
                Some(LOGICAL_VOLUME)
                    if volume.as_ref().is_none_or(|(known, _)| order >= *known) =>
                {
                    volume = Some((order, bytes));
                }
                Some(TERMINATOR) => break,
                _ => {}
            }
        }
        let Some((_, bytes)) = volume else { return Ok(None) };
        if field::u32(&bytes, 212).map(u64::from) != Some(size) {
            let found = field::u32(&bytes, 212).unwrap_or(0).into();
            return Err(reading.damaged("logical block size", 0, found, "that of the anchor"));
        }
        let damaged = || reading.damaged("logical volume descriptor", 0, 0, "a file set");
        let file_set = Place::long(&bytes, 248).ok_or_else(damaged)?;
        // The newest descriptor of a partition counts.
        partitions.sort_by_key(|(number, order, ..)| (*number, *order));
        let plain = |number: u16| {
            let found = partitions.iter().rev().find(|(known, ..)| *known == number);
            found.map(|&(_, _, start, length)| Map::Plain { start, length }).ok_or_else(|| {
                reading.damaged("partition map", 0, number.into(), "a partition of the volume")
            })
        };
        let mut volume = Self { reading, size, maps: Vec::new(), file_set };
        let mut metadata = Vec::new();
        let mut at = 440;
        for _ in 0..field::u32(&bytes, 268).unwrap_or(0).min(MAPS_MAX) {
            let map = match (field::u8(&bytes, at), field::u8(&bytes, at + 1)) {
                (Some(1), Some(6)) => plain(field::u16(&bytes, at + 4).unwrap_or(0))?,
                (Some(2), Some(64)) => {
                    let name = bytes.get(at + 5..at + 28).unwrap_or(&[]);
                    if !name.starts_with(b"*UDF Metadata Partition") {
                        let what = "a partition that is neither plain nor of metadata";
                        return Err(Error::Unsupported { format: Format::Udf, what });
                    }
                    let block = field::u32(&bytes, at + 40).unwrap_or(0);
                    metadata.push((volume.maps.len(), volume.maps.len() + 16, block));
                    plain(field::u16(&bytes, at + 38).unwrap_or(0))?
                }
                (kind, _) => {
                    let found = kind.unwrap_or(0).into();
                    return Err(reading.damaged("partition map", at as u64, found, "type 1 or 2"));
                }
            };
            at += usize::from(bytes[at + 1]);
            volume.maps.push(map);
        }
        for (map, _, block) in metadata {
            // Until it is replaced, the map leads to the partition in which the metadata file lies.
            let place = Place { map: u16::try_from(map).unwrap_or(0), block };
            let file = FileEntry::read(&volume, place)?;
            volume.maps[map] = Map::Metadata { extents: file.extents };
        }
        Ok(Some(volume))
    }

    /// Where a range of a partition lies, in pieces.
    pub fn extents(&self, place: Place, length: u64) -> Result<Vec<Extent>, Error> {
        let outside = || {
            self.reading.damaged(
                "allocation",
                u64::from(place.block) * self.size,
                length,
                "inside its partition",
            )
        };
        let from = u64::from(place.block) * self.size;
        match self.maps.get(usize::from(place.map)).ok_or_else(outside)? {
            Map::Plain { start, length: blocks } => {
                let end = from.checked_add(length).ok_or_else(outside)?;
                let offset = u64::from(*start) * self.size + from;
                if end > u64::from(*blocks) * self.size || offset + length > self.reading.len() {
                    return Err(outside());
                }
                Ok(vec![Extent { offset: Some(offset), length }])
            }
            Map::Metadata { extents } => {
                let (mut skip, mut left) = (from, length);
                let mut found = Vec::new();
                for extent in extents {
                    if left == 0 {
                        break;
                    }
                    if skip >= extent.length {
                        skip -= extent.length;
                        continue;
                    }
                    let take = (extent.length - skip).min(left);
                    let offset = extent.offset.ok_or_else(outside)? + skip;
                    found.push(Extent { offset: Some(offset), length: take });
                    (skip, left) = (0, left - take);
                }
                if left == 0 { Ok(found) } else { Err(outside()) }
            }
        }
    }

    /// Where a block lies, and its bytes.
    pub fn raw_block(
        &self,
        structure: &'static str,
        place: Place,
    ) -> Result<(u64, Vec<u8>), Error> {
        let extents = self.extents(place, self.size)?;
        let [Extent { offset: Some(offset), .. }] = extents[..] else {
            return Err(self.reading.damaged(
                structure,
                place.block.into(),
                0,
                "a block in one piece",
            ));
        };
        let size = usize::try_from(self.size).unwrap_or(0);
        Ok((offset, self.reading.bytes(structure, offset, size)?))
    }

    /// A block that must hold a descriptor of this kind.
    pub fn block(
        &self,
        kind: u16,
        structure: &'static str,
        place: Place,
    ) -> Result<Vec<u8>, Error> {
        let (at, bytes) = self.raw_block(structure, place)?;
        match tag(&bytes) {
            Some(found) if found == kind => Ok(bytes),
            found => Err(self.reading.damaged(
                structure,
                at,
                found.unwrap_or_else(|| field::u16(&bytes, 0).unwrap_or(0)).into(),
                "a sound descriptor of its kind",
            )),
        }
    }
}
