//! `$LogFile`. An input is a byte for the form, a byte for the number of records, the records, then patches of the log's pages.
//!
//! A record is: redo and undo operation, open attribute, block, place in the record (two bytes), place in the attribute (two bytes), transaction,
//! lengths of the redo and undo data, and these. A patch is a page, an offset (two bytes), a length, and that many bytes; fixups are applied
//! after all of them. Bit 0 of the form chooses the volume, bit 1 the log's version, bit 2 the version of the tables.

use std::sync::Arc;

use winkiln_disk::Device;
use winkiln_ntfs::boot_sector::Geometry;
use winkiln_ntfs::log::replay::plan;
use winkiln_ntfs::{Error, OpenOptions, Volume};

use crate::bytes::{Input, apply_fixups, put, u16_at};
use crate::ntfs_volume::{Image, Kind, RECORD, images};
use crate::overlay::{Changes, Overlay};

/// Bytes of a page, and of what stands before its records.
const PAGE: usize = 4096;
const PAGE_HEAD: usize = 0x40;
/// Bytes of a record's header.
const HEAD: usize = 0x30;
const RECORDS_MAX: usize = 12;

/// Plans the replay of a log, does what is planned, and opens the volume.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let form = input.u8();
    let image = &images()[usize::from(form & 1)];
    let mut log = Log::new(form);
    log.checkpoint(form, image);
    for _ in 0..usize::from(input.u8()) % (RECORDS_MAX + 1) {
        log.operation(image, &mut input);
    }
    let mut bytes = log.finish();
    for _ in 0..8 {
        let (page, at, length) = (usize::from(input.u8()), input.u16(), input.u8());
        let pages = bytes.len() / PAGE;
        put(&mut bytes, page % pages * PAGE + usize::from(at) % PAGE, input.take(length.into()));
    }
    for (number, page) in bytes.chunks_exact_mut(PAGE).enumerate() {
        if page.starts_with(b"R") || page.starts_with(b"CHKD") {
            apply_fixups(page, if number < 2 { 0x1e } else { 0x28 }, 5);
        }
    }
    replay(image, &bytes);
}

fn replay(image: &'static Image, log: &[u8]) {
    let geometry = Geometry::parse(&image.bytes).expect("a boot sector");
    let device = Arc::new(Overlay::new(&image.bytes, Changes::new()));
    let planned =
        plan::<Error>(log, &geometry, &mut |offset, buf| Ok(device.read_at(offset, buf)?));
    let Ok(planned) = planned else { return };
    for (offset, bytes) in &planned.writes {
        device.write_at(*offset, bytes).expect("what is planned lies on the volume");
    }
    for (_, offset) in &planned.file_records {
        assert!(planned.writes.contains_key(offset), "a record in the plan is written");
    }
    let options = OpenOptions::default();
    if let Ok(volume) = Volume::open(device, options)
        && let Ok(entries) = volume.read_directory(volume.root())
    {
        for entry in entries.iter().take(10) {
            let _ = volume.metadata(entry.reference);
        }
    }
}

/// A log under construction.
struct Log {
    bytes: Vec<u8>,
    version: u16,
    /// Where the next record goes.
    at: usize,
    /// LSN of the last record.
    last: u64,
    checkpoint: u64,
}

impl Log {
    fn new(form: u8) -> Self {
        let (version, pages, first) = if form & 2 == 0 { (1, 16, 4) } else { (2, 40, 34) };
        let bytes = vec![0xff; pages * PAGE];
        Self { bytes, version, at: first * PAGE + PAGE_HEAD, last: 0, checkpoint: 0 }
    }

    /// Bits of an LSN that give the place.
    fn place_bits(&self) -> u32 {
        self.bytes.len().next_power_of_two().trailing_zeros() - 3
    }

    fn lsn(&self) -> u64 {
        2 << self.place_bits() | (self.at >> 3) as u64
    }

    /// Adds a record; returns its LSN.
    fn record(&mut self, kind: u32, transaction: u32, data: &[u8]) -> u64 {
        if PAGE - self.at % PAGE < HEAD {
            self.at = self.at.next_multiple_of(PAGE) + PAGE_HEAD;
        }
        let lsn = self.lsn();
        let mut head = [0; HEAD];
        put(&mut head, 0, &lsn.to_le_bytes());
        put(&mut head, 8, &self.last.to_le_bytes());
        put(&mut head, 0x10, &if kind == 1 { self.last } else { 0 }.to_le_bytes());
        put(&mut head, 0x18, &(data.len() as u32).to_le_bytes());
        put(&mut head, 0x20, &kind.to_le_bytes());
        put(&mut head, 0x24, &transaction.to_le_bytes());
        put(&mut head, 0x28, &[u8::from(data.len() > 4000) | 4]);
        let mut rest = [&head[..], data].concat();
        while !rest.is_empty() && self.at < self.bytes.len() {
            let page = self.at / PAGE * PAGE;
            let piece = rest.len().min(PAGE - self.at % PAGE);
            let whole = &mut self.bytes[page..page + PAGE];
            if !whole.starts_with(b"RCRD") {
                whole.fill(0);
            }
            put(whole, 0, b"RCRD");
            put(whole, self.at % PAGE, &rest[..piece]);
            put(whole, 8, &lsn.to_le_bytes());
            rest.drain(..piece);
            self.at += piece;
            if rest.is_empty() {
                put(whole, 0x10, &1u32.to_le_bytes());
                put(whole, 0x18, &((self.at % PAGE) as u16).to_le_bytes());
                put(whole, 0x20, &lsn.to_le_bytes());
            } else {
                self.at += PAGE_HEAD;
            }
        }
        self.at = self.at.next_multiple_of(8);
        self.last = lsn;
        lsn
    }

    /// The tables, and a checkpoint that names them. Attributes: `$MFT`, the root's index blocks, `$Bitmap`.
    fn checkpoint(&mut self, form: u8, image: &Image) {
        let version = u32::from(form >> 2 & 1);
        let (size, kind_at, file_at, block_at) =
            if version == 0 { (0x2c_usize, 0x1c, 0x08, 0x28) } else { (0x28, 0x08, 0x10, 0x04) };
        let mut table = vec![0; 0x18];
        put(&mut table, 0, &(size as u16).to_le_bytes());
        put(&mut table, 2, &3u16.to_le_bytes());
        let block = image.block_size();
        for (kind, file, block) in [(0x80u32, 0u64, 0), (0xa0, 5, block), (0x80, 6, 0)] {
            let mut entry = vec![0; size];
            put(&mut entry, 0, &[0xff; 4]);
            put(&mut entry, kind_at, &kind.to_le_bytes());
            put(&mut entry, file_at, &file.to_le_bytes());
            put(&mut entry, block_at, &(block as u32).to_le_bytes());
            table.extend(entry);
        }
        let mut data = vec![0; 0x20];
        put(&mut data, 0, &[0x1d, 0, 0, 0, 0x20, 0]);
        put(&mut data, 6, &(table.len() as u16).to_le_bytes());
        data.extend(table);
        let attributes = self.record(1, 0x18, &data);
        let mut data = vec![0; 0x40];
        put(&mut data, 0, &version.to_le_bytes());
        put(&mut data, 0x10, &attributes.to_le_bytes());
        self.checkpoint = self.record(2, 0, &data);
    }

    /// Adds an operation from the input.
    fn operation(&mut self, image: &Image, input: &mut Input<'_>) {
        let (redo, undo) = (input.u8() % 0x28, input.u8() % 0x28);
        let (attribute, block) = (usize::from(input.u8() % 4), usize::from(input.u8()));
        let (in_record, in_attribute) = (input.u16(), input.u16());
        let transaction = u32::from(input.u8() % 4) * 0x28 + 0x18;
        let lengths = [input.u8(), input.u8()].map(usize::from);
        let changed = [input.take(lengths[0]), input.take(lengths[1])];
        let (target, start, vcn) = image.block(attribute, block);
        let count = (image.block_size().max(RECORD) / image.cluster).max(1);
        let lcn = start / image.cluster;
        let mut data = vec![0; 0x20 + 8 * count];
        let redo_at = data.len() as u16;
        let undo_at = redo_at + changed[0].len().next_multiple_of(8) as u16;
        let numbers = [
            redo.into(),
            undo.into(),
            redo_at,
            changed[0].len() as u16,
            undo_at,
            changed[1].len() as u16,
            target,
            count as u16,
            in_record,
            in_attribute,
            (start % image.cluster / 512) as u16,
        ];
        for (index, number) in numbers.into_iter().enumerate() {
            put(&mut data, 2 * index, &number.to_le_bytes());
        }
        put(&mut data, 0x18, &vcn.to_le_bytes());
        for index in 0..count {
            put(&mut data, 0x20 + 8 * index, &((lcn + index) as u64).to_le_bytes());
        }
        data.extend(changed[0]);
        data.resize(data.len().next_multiple_of(8), 0);
        data.extend(changed[1]);
        self.record(1, transaction, &data);
    }

    /// The log with its restart pages, fixups not applied.
    fn finish(mut self) -> Vec<u8> {
        let mut page = vec![0; PAGE];
        put(&mut page, 0, b"RSTR");
        put(&mut page, 0x10, &(PAGE as u32).to_le_bytes());
        put(&mut page, 0x14, &(PAGE as u32).to_le_bytes());
        put(&mut page, 0x18, &0x30u16.to_le_bytes());
        put(&mut page, 0x1a, &(if self.version == 1 { 1u16 } else { 0 }).to_le_bytes());
        put(&mut page, 0x1c, &self.version.to_le_bytes());
        let mut area = vec![0; 0xe0];
        put(&mut area, 0, &self.last.to_le_bytes());
        put(&mut area, 8, &[1, 0, 0xff, 0xff, 0, 0, 0, 0]);
        put(&mut area, 0x10, &(64 - self.place_bits()).to_le_bytes());
        put(&mut area, 0x14, &[0xe0, 0, 0x40, 0]);
        put(&mut area, 0x18, &(self.bytes.len() as u64).to_le_bytes());
        put(&mut area, 0x24, &(HEAD as u16).to_le_bytes());
        put(&mut area, 0x26, &(PAGE_HEAD as u16).to_le_bytes());
        put(&mut area, 0x40, &self.checkpoint.to_le_bytes());
        put(&mut area, 0x48, &self.checkpoint.to_le_bytes());
        put(&mut page, 0x30, &area);
        put(&mut self.bytes, 0, &page);
        put(&mut self.bytes, PAGE, &page);
        self.bytes
    }
}

impl Image {
    /// Bytes of the root's index blocks.
    fn block_size(&self) -> usize {
        if self.cluster > 1024 { 1024 } else { 2 * self.cluster }
    }

    /// A block of an open attribute: the attribute's place in the table, the block's first byte, its VCN.
    fn block(&self, attribute: usize, number: usize) -> (u16, usize, u64) {
        let version_1 = 0x28;
        let targets = [0x18, 0x18 + version_1, 0x18 + 2 * version_1, 0x18 + 3 * version_1];
        let mft = usize::from(u16_at(&self.bytes, 0x30)) * self.cluster;
        let blocks: Vec<usize> = self
            .regions
            .iter()
            .filter(|region| region.kind == Kind::Guarded)
            .map(|region| region.start)
            .filter(|start| self.bytes[*start..].starts_with(b"INDX"))
            .collect();
        match attribute {
            0 => {
                let at = number % 64 * RECORD;
                (targets[0], mft + at, (at / self.cluster) as u64)
            }
            1 => {
                let index = number % blocks.len();
                (targets[1], blocks[index], 2 * index as u64)
            }
            other => {
                let bitmap = self.regions.iter().filter(|region| region.kind == Kind::Plain).nth(2);
                let start = bitmap.map_or(0, |region| region.start / self.cluster * self.cluster);
                (targets[other], start, 0)
            }
        }
    }
}

/// Logs of both versions with operations of each kind.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for form in [4u8, 5, 6, 7, 0, 2] {
        for redo in 0..0x26u8 {
            let attribute = match redo {
                0x08 | 0x0e..=0x10 | 0x12 | 0x14 | 0x22 => 1,
                0x15 | 0x16 => 2,
                _ => 0,
            };
            let place = if attribute == 0 { 0x98u16 } else { 0x58 };
            let [low, high] = place.to_le_bytes();
            let mut seed = vec![form, 2];
            for (operation, back) in [(redo, 0x07), (0x1b, 0)] {
                seed.extend([operation, back, attribute, 30, low, high, 0x20, 0, 1, 16, 8]);
                seed.extend([1, 0, 0, 0, 8, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0]);
                seed.extend([9; 8]);
            }
            seed.truncate(seed.len() - usize::from(redo & 1) * 30);
            seeds.push(seed);
        }
    }
    seeds
}
