//! A volume in memory, and ways to damage it at a known place.

use std::sync::Arc;

use winkiln_disk::{Device, MemoryDevice};
use winkiln_ntfs::{
    boot_sector::Geometry,
    run_list::{self, Run, Vcn},
};

use crate::{
    images::{self, Image},
    write_volumes::open_for_writing,
};

/// The bytes of a volume.
#[derive(Clone)]
pub(super) struct Sample {
    pub(super) bytes: Vec<u8>,
    pub(super) geometry: Geometry,
}

/// A file record as it lies on the volume: its first byte there.
pub(super) struct Place {
    pub(super) offset: usize,
    pub(super) size: usize,
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

impl Sample {
    pub(super) fn read(image: &Image) -> Self {
        let mut bytes = std::fs::read(&image.path).expect("an image");
        bytes.drain(..usize::try_from(image.start).expect("a small offset"));
        let geometry = Geometry::parse(&bytes[..512]).expect("a boot sector");
        Self { bytes, geometry }
    }

    pub(super) fn device(&self) -> Arc<dyn Device> {
        Arc::new(MemoryDevice::new(self.bytes.clone()))
    }

    /// The runs of an attribute, by type and name, in its base record.
    pub(super) fn runs(&self, record: u64, kind: u32, name: &str) -> Vec<Run> {
        let mft = if record == 0 {
            let lcn = Some(self.geometry.mft);
            vec![Run { vcn: Vcn(0), lcn, length: 1 << 20 }]
        } else {
            self.runs(0, 0x80, "")
        };
        let raw = self.unfixed(&self.at(&mft, record));
        let at = attribute(&raw, kind, name);
        let pairs = at + usize::from(u16_at(&raw, at + 0x20));
        run_list::decode(&raw[pairs..], Vcn(0), self.geometry.clusters()).expect("runs")
    }

    fn at(&self, mft: &[Run], record: u64) -> Place {
        let size = self.geometry.record_size as usize;
        Place { offset: self.offset(mft, record * size as u64), size }
    }

    /// Where a byte of a value lies.
    pub(super) fn offset(&self, runs: &[Run], at: u64) -> usize {
        let cluster = u64::from(self.geometry.cluster_size);
        let run = run_list::lookup(runs, Vcn(at / cluster)).expect("a run");
        let lcn = run.lcn.expect("no hole").0 + at / cluster - run.vcn.0;
        usize::try_from(lcn * cluster + at % cluster).expect("a small volume")
    }

    pub(super) fn record_place(&self, record: u64) -> Place {
        self.at(&self.runs(0, 0x80, ""), record)
    }

    fn unfixed(&self, place: &Place) -> Vec<u8> {
        let mut raw = self.bytes[place.offset..place.offset + place.size].to_vec();
        let array = usize::from(u16_at(&raw, 4));
        for sector in 0..place.size / 512 {
            let saved = [raw[array + 2 + 2 * sector], raw[array + 3 + 2 * sector]];
            raw[sector * 512 + 510..sector * 512 + 512].copy_from_slice(&saved);
        }
        raw
    }

    /// Changes a record or index block with its fixups undone and done again.
    pub(super) fn edit(&mut self, place: &Place, change: impl FnOnce(&mut [u8])) {
        let mut raw = self.unfixed(place);
        change(&mut raw);
        let array = usize::from(u16_at(&raw, 4));
        for sector in 0..place.size / 512 {
            let end = sector * 512 + 510;
            let saved = [raw[end], raw[end + 1]];
            raw[array + 2 + 2 * sector..array + 4 + 2 * sector].copy_from_slice(&saved);
            let number = [raw[array], raw[array + 1]];
            raw[end..end + 2].copy_from_slice(&number);
        }
        self.bytes[place.offset..place.offset + place.size].copy_from_slice(&raw);
    }

    /// Changes a record, and its copy in `$MFTMirr` as a writer would.
    pub(super) fn record(&mut self, record: u64, change: impl Fn(&mut [u8])) {
        let place = self.record_place(record);
        self.edit(&place, &change);
        if record < 4 {
            let mirror = self.runs(1, 0x80, "");
            let copy = self.at(&mirror, record);
            let raw = self.bytes[place.offset..place.offset + place.size].to_vec();
            self.bytes[copy.offset..copy.offset + copy.size].copy_from_slice(&raw);
        }
    }

    /// Changes one attribute of a record: `change` gets its bytes to the end of the record.
    pub(super) fn attribute(
        &mut self,
        record: u64,
        kind: u32,
        name: &str,
        change: impl Fn(&mut [u8]),
    ) {
        self.record(record, |raw| {
            let at = attribute(raw, kind, name);
            change(&mut raw[at..]);
        });
    }

    /// Changes the resident value of an attribute.
    pub(super) fn value(&mut self, record: u64, kind: u32, name: &str, change: impl Fn(&mut [u8])) {
        self.attribute(record, kind, name, |attribute| {
            let at = usize::from(u16_at(attribute, 0x14));
            change(&mut attribute[at..]);
        });
    }

    /// Changes bytes of a non-resident value at an offset.
    pub(super) fn bytes_of(&mut self, record: u64, kind: u32, name: &str, at: u64) -> &mut [u8] {
        let runs = self.runs(record, kind, name);
        let offset = self.offset(&runs, at);
        &mut self.bytes[offset..]
    }

    /// Changes block `number` of a folder's index.
    pub(super) fn block(
        &mut self,
        record: u64,
        name: &str,
        number: u64,
        change: impl FnOnce(&mut [u8]),
    ) {
        let size = self.geometry.index_block_size as usize;
        let runs = self.runs(record, 0xa0, name);
        let place = Place { offset: self.offset(&runs, number * size as u64), size };
        self.edit(&place, change);
    }

    /// Block `number` of a folder's index as it lies there.
    pub(super) fn block_bytes(&self, record: u64, number: u64) -> &[u8] {
        let size = self.geometry.index_block_size as usize;
        let at = self.offset(&self.runs(record, 0xa0, "$I30"), number * size as u64);
        &self.bytes[at..at + size]
    }

    /// The first record from 24 on that `wanted` picks; it sees records in use with fixups undone.
    pub(super) fn find(&self, wanted: impl Fn(&[u8]) -> bool) -> u64 {
        let mft = self.runs(0, 0x80, "");
        let records = run_list::end(&mft).0 * u64::from(self.geometry.cluster_size)
            / u64::from(self.geometry.record_size);
        (24..records)
            .find(|number| {
                let raw = self.unfixed(&self.at(&mft, *number));
                raw.starts_with(b"FILE") && raw[0x16] & 1 != 0 && wanted(&raw)
            })
            .expect("such a record")
    }

    /// The record of the file with this name.
    pub(super) fn named(&self, name: &str) -> u64 {
        self.find(|raw| {
            let Some(at) = try_attribute(raw, 0x30, "") else { return false };
            let value = &raw[at + usize::from(u16_at(raw, at + 0x14))..];
            let units = usize::from(value[0x40]);
            let wanted: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            u64_at(raw, 0x20) == 0 && value[0x42..0x42 + 2 * units] == wanted
        })
    }
}

/// Where an attribute stands in a record.
pub(super) fn attribute(raw: &[u8], kind: u32, name: &str) -> usize {
    try_attribute(raw, kind, name).unwrap_or_else(|| panic!("no attribute {kind:#x}:{name}"))
}

pub(super) fn try_attribute(raw: &[u8], kind: u32, name: &str) -> Option<usize> {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut at = usize::from(u16_at(raw, 0x14));
    while u32_at(raw, at) != u32::MAX {
        let name_at = at + usize::from(u16_at(raw, at + 0x0a));
        let units = usize::from(raw[at + 9]);
        if u32_at(raw, at) == kind && raw[name_at..name_at + 2 * units] == name[..] {
            return Some(at);
        }
        at += u32_at(raw, at + 4) as usize;
    }
    None
}

/// The first entry of a node whose header is at `header`.
pub(super) fn first_entry(node: &[u8], header: usize) -> usize {
    header + u32_at(node, header) as usize
}

/// A volume with a bit of everything that our writer makes.
pub(super) fn ours() -> Option<Sample> {
    let folder = tempfile::tempdir().expect("a folder");
    let image = images::mkntfs(folder.path(), 12 << 20, 4096, "")?;
    let mut volume = open_for_writing(&image);
    let root = volume.root();
    let many = volume.create_directory(root, "many").expect("created");
    for number in 0..300 {
        let name = format!("a file with a long name, number {number}");
        volume.create_file(many, &name, 0).expect("created");
    }
    let linked = volume.create_file(root, "linked", 0).expect("created");
    for number in 0..60 {
        volume.link(linked, many, &format!("a name of the same file, {number}")).expect("linked");
    }
    let data = volume.create_file(root, "data", 0).expect("created");
    volume.write_at(data, "", 0, &[0x5a; 100_000]).expect("written");
    let other = volume.create_file(root, "other", 0).expect("created");
    volume.write_at(other, "", 0, &[0x5a; 50_000]).expect("written");
    let outer = volume.create_directory(root, "outer").expect("created");
    let inner = volume.create_directory(outer, "inner").expect("created");
    volume.create_file(inner, "leaf", 0).expect("created");
    volume.create_file(root, "small", 0).expect("created");
    volume.flush().expect("flushed");
    drop(volume);
    super::assert_clean(&image, "before any fault");
    Some(Sample::read(&image))
}

/// A volume that Windows wrote.
pub(super) fn windows(name: &str) -> Option<Sample> {
    let folder = tempfile::tempdir().expect("a folder");
    let image = images::corpus(name, folder.path())?;
    Some(Sample::read(&image))
}
