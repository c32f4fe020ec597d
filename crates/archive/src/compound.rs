//! A compound file: streams by name, in chains of sectors.
//!
//! Source: [MS-CFB].

mod stream;

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Error;
use crate::source::{Reading, Source, field};
pub(crate) use stream::Stream;

const SIGNATURE: &[u8; 8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const HEADER: usize = 512;
/// Numbers of FAT sectors in the header.
const IN_HEADER: usize = 109;
const ENTRY: usize = 128;
/// Numbers from here on are no sectors.
const SPECIAL: u32 = 0xffff_fffa;
const END_OF_CHAIN: u32 = 0xffff_fffe;
const NO_STREAM: u32 = 0xffff_ffff;
const MINI_SHIFT: u32 = 6;
/// Sectors that a FAT is read for: 16 GiB in sectors of 512 bytes.
const SECTORS_MAX: u64 = 1 << 25;
/// The directory of half a million streams.
const DIRECTORY_MAX: usize = 64 << 20;

pub(crate) fn is_compound(head: &[u8]) -> bool {
    head.starts_with(SIGNATURE)
}

/// The streams of the root. Those of storages inside are not listed.
pub(crate) struct Compound {
    reading: Reading,
    shift: u32,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    mini: Stream,
    /// Streams up to this size lie in the mini stream.
    cutoff: u64,
    streams: HashMap<Vec<u16>, (u32, u64)>,
    /// Bytes of the streams that were opened.
    opened: u64,
}

impl Compound {
    pub fn read(reading: &Reading) -> Result<Self, Error> {
        let header = reading.bytes("compound file header", 0, HEADER)?;
        let u32 = |at| field::u32(&header, at).unwrap_or(0);
        let (version, shift) = (field::u16(&header, 26), field::u16(&header, 30).unwrap_or(0));
        if !matches!((version, shift), (Some(3), 9) | (Some(4), 12)) {
            return Err(reading.damaged("sector shift", 30, shift.into(), "9 or 12"));
        }
        let shift = u32::from(shift);
        let fat = read_fat(reading, shift, &header)?;
        let nothing = Stream::new(Arc::clone(&reading.source), Vec::new());
        let mut found = Self {
            reading: reading.clone(),
            shift,
            fat,
            mini_fat: Vec::new(),
            mini: nothing,
            cutoff: u32(56).into(),
            streams: HashMap::new(),
            opened: 0,
        };
        let directory = found.whole_chain("directory", u32(48))?;
        if directory.len() > DIRECTORY_MAX >> shift {
            let found = (directory.len() as u64) << shift;
            return Err(reading.damaged("directory", 48, found, "at most 64 MiB"));
        }
        let directory = found.together("directory", &directory)?;
        let mini_fat = found.whole_chain("mini FAT", u32(60))?;
        let mini_fat = found.together("mini FAT", &mini_fat)?;
        found.mini_fat = words(&mini_fat);
        found.list(&directory, version == Some(3))?;
        Ok(found)
    }

    /// The bytes of these sectors together.
    fn together(&self, structure: &'static str, sectors: &[u32]) -> Result<Vec<u8>, Error> {
        let size = (sectors.len() as u64) << self.shift;
        let stream = self.stream(structure, sectors, size)?;
        let whole = Reading { source: Arc::new(stream), format: self.reading.format };
        whole.bytes(structure, 0, usize::try_from(size).unwrap_or(usize::MAX))
    }

    /// A chain up to its end, in which no sector comes twice.
    fn whole_chain(&self, structure: &'static str, first: u32) -> Result<Vec<u32>, Error> {
        let mut sectors = Vec::new();
        let mut next = first;
        while next < SPECIAL {
            let Some(after) = self.fat.get(next as usize) else {
                return Err(self.reading.damaged(
                    structure,
                    0,
                    next.into(),
                    "a sector of the file",
                ));
            };
            if sectors.len() >= self.fat.len() {
                return Err(self.reading.damaged(structure, 0, first.into(), "a chain that ends"));
            }
            sectors.push(next);
            next = *after;
        }
        Ok(sectors)
    }

    /// The first `size` bytes of sectors, which lie one after the other.
    fn stream(&self, name: &'static str, sectors: &[u32], size: u64) -> Result<Stream, Error> {
        let offset = |sector: u32| (u64::from(sector) + 1) << self.shift;
        let places = sectors.iter().map(|sector| offset(*sector));
        let source = Arc::clone(&self.reading.source);
        self.cut(name, Stream::of_blocks(source, places, 1 << self.shift, size))
    }

    /// A stream that does not pass the end of what it lies in.
    fn cut(&self, structure: &'static str, stream: Stream) -> Result<Stream, Error> {
        match stream.passes_end() {
            None => Ok(stream),
            Some((at, length, size)) => {
                let format = self.reading.format;
                Err(Error::Truncated { format, structure, at, length, size })
            }
        }
    }

    /// Collects the streams of the root: a tree of entries by their numbers.
    fn list(&mut self, directory: &[u8], short_sizes: bool) -> Result<(), Error> {
        let entries: Vec<&[u8]> = directory.chunks_exact(ENTRY).collect();
        let bad = |found: u32| {
            self.reading.damaged("directory entry", 0, found.into(), "an entry of a tree")
        };
        let u32 = |entry: &[u8], at| field::u32(entry, at).unwrap_or(0);
        let size = |entry: &[u8]| {
            let size = field::u64(entry, 120).unwrap_or(0);
            if short_sizes { size & 0xffff_ffff } else { size }
        };
        let root = entries.first().filter(|entry| entry[66] == 5).ok_or_else(|| bad(0))?;
        let mut seen = vec![false; entries.len()];
        seen[0] = true;
        let mut todo = vec![u32(root, 76)];
        let mut streams = HashMap::new();
        while let Some(number) = todo.pop() {
            if number == NO_STREAM {
                continue;
            }
            let index = number as usize;
            let entry = entries.get(index).ok_or_else(|| bad(number))?;
            if std::mem::replace(&mut seen[index], true) {
                return Err(bad(number));
            }
            todo.extend([u32(entry, 68), u32(entry, 72)]);
            let length = usize::from(field::u16(entry, 64).unwrap_or(0));
            if entry[66] != 2 {
                continue;
            }
            if !(2..=64).contains(&length) || length % 2 != 0 {
                return Err(bad(number));
            }
            let name = entry[..length - 2].as_chunks().0.iter().copied();
            let name: Vec<u16> = name.map(u16::from_le_bytes).collect();
            streams.entry(name).or_insert((u32(entry, 116), size(entry)));
        }
        let (first, size) = (u32(root, 116), size(root));
        if size > 0 {
            let sectors = chain(&self.reading, "mini stream", &self.fat, self.shift, first, size)?;
            self.mini = self.stream("mini stream", &sectors, size)?;
        }
        self.streams = streams;
        Ok(())
    }

    /// Opens a stream of the root. The streams opened share no bytes, so that together they are no larger than the file: what
    /// is read of all of them costs no more than reading it once.
    pub fn open(&mut self, name: &[u16]) -> Result<Option<Stream>, Error> {
        let Some((first, size)) = self.streams.get(name).copied() else { return Ok(None) };
        self.opened = self.opened.saturating_add(size);
        if self.opened > self.reading.len() {
            let expected = "streams that share no bytes";
            return Err(self.reading.damaged("stream size", 0, size, expected));
        }
        if size >= self.cutoff {
            let sectors = chain(&self.reading, "stream", &self.fat, self.shift, first, size)?;
            return self.stream("stream", &sectors, size).map(Some);
        }
        let sectors = chain(&self.reading, "stream", &self.mini_fat, MINI_SHIFT, first, size)?;
        let places = sectors.iter().map(|sector| u64::from(*sector) << MINI_SHIFT);
        let source = Arc::new(self.mini.clone());
        let stream = Stream::of_blocks(source, places, 1 << MINI_SHIFT, size);
        self.cut("stream", stream).map(Some)
    }

    /// The bytes of a stream, at most `max`.
    pub fn bytes(
        &mut self,
        structure: &'static str,
        name: &[u16],
        max: u64,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(stream) = self.open(name)? else { return Ok(None) };
        let size = stream.len();
        if size > max {
            return Err(self.reading.damaged(structure, 0, size, "at most 128 MiB"));
        }
        let whole = Reading { source: Arc::new(stream), format: self.reading.format };
        whole.bytes(structure, 0, usize::try_from(size).unwrap_or(usize::MAX)).map(Some)
    }
}

/// The sectors that `size` bytes take from `first` on.
fn chain(
    reading: &Reading,
    structure: &'static str,
    table: &[u32],
    shift: u32,
    first: u32,
    size: u64,
) -> Result<Vec<u32>, Error> {
    let count = size.div_ceil(1 << shift);
    if count > table.len() as u64 {
        return Err(reading.damaged(structure, 0, size, "as many bytes as the file has"));
    }
    let mut sectors = Vec::new();
    let mut next = first;
    for _ in 0..count {
        let Some(after) = table.get(next as usize) else {
            return Err(reading.damaged(structure, 0, next.into(), "a sector of the file"));
        };
        sectors.push(next);
        next = *after;
    }
    Ok(sectors)
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

/// Reads the FAT, which the header and sectors of their own list the sectors of.
fn read_fat(reading: &Reading, shift: u32, header: &[u8]) -> Result<Vec<u32>, Error> {
    let size = 1usize << shift;
    let sectors = reading.len().div_ceil(1 << shift).saturating_sub(1);
    if sectors > SECTORS_MAX {
        return Err(reading.damaged("compound file", 0, sectors, "at most 33554432 sectors"));
    }
    let needed = usize::try_from(sectors).unwrap_or(0).div_ceil(size / 4);
    let sector = |structure, number: u32| {
        reading.bytes(structure, (u64::from(number) + 1) << shift, size).map(|bytes| words(&bytes))
    };
    let mut numbers = words(&header[76..76 + 4 * IN_HEADER]);
    let mut next = field::u32(header, 68).unwrap_or(0);
    // Each sector of numbers lists at least one of the FAT, as long as one is needed.
    for _ in 0..needed {
        if next >= SPECIAL || numbers.len() >= needed {
            break;
        }
        let mut more = sector("DIFAT", next)?;
        next = more.pop().unwrap_or(END_OF_CHAIN);
        numbers.extend(more);
    }
    let mut fat = Vec::new();
    for number in numbers.into_iter().take(needed).filter(|number| *number < SPECIAL) {
        fat.extend(sector("FAT", number)?);
    }
    fat.truncate(usize::try_from(sectors).unwrap_or(0));
    Ok(fat)
}
