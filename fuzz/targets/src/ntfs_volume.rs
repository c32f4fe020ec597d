//! A small NTFS volume with something of everything that the editor reads: built by hand where it must be, then by the editor itself.

use std::sync::{Arc, OnceLock};

use winkiln_disk::MemoryDevice;
use winkiln_ntfs::index::{self, Collation, Entry};
use winkiln_ntfs::run_list::{self, Lcn, Run};
use winkiln_ntfs::security::hash;
use winkiln_ntfs::{FileReference, FileTime, OpenOptions, Volume};

use crate::attribute_list;
use crate::boot_sector::sector;
use crate::bytes::{apply_fixups, put, u16_at, utf16};
use crate::index_store::MemoryIndex;
use crate::record::{Extent, file_name, non_resident, record, resident};
use crate::secure::usual;

/// Bytes of the volume, its backup boot sector not counted.
const SIZE: usize = 1 << 20;
/// Bytes per file record.
pub const RECORD: usize = 1024;
/// Records of `$MFT` to begin with.
const RECORDS: usize = 64;
/// Time of what the generator makes.
pub const NOW: FileTime = FileTime(133_000_000_000_000_000);

/// What a region holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Metadata that fixups guard.
    Guarded,
    /// Other metadata.
    Plain,
    /// Contents of a file.
    Contents,
}

/// A part of a volume that patches change.
#[derive(Debug, Clone, Copy)]
pub struct Region {
    /// First byte.
    pub start: usize,
    /// Bytes.
    pub length: usize,
    /// What it holds.
    pub kind: Kind,
}

/// A volume, and where its metadata lie.
#[derive(Debug, Clone)]
pub struct Image {
    /// The volume and its backup boot sector.
    pub bytes: Vec<u8>,
    /// Bytes per cluster.
    pub cluster: usize,
    /// What patches change.
    pub regions: Vec<Region>,
}

/// The volumes: clusters of 512 bytes and of 2 KiB, which is more than an index block has.
///
/// # Panics
/// When the editor cannot fill them.
pub fn images() -> &'static [Image; 2] {
    static IMAGES: OnceLock<[Image; 2]> = OnceLock::new();
    IMAGES.get_or_init(|| [fill(Builder::new(512).finish()), fill(Builder::new(2048).finish())])
}

struct Builder {
    bytes: Vec<u8>,
    cluster: usize,
    next: usize,
    regions: Vec<Region>,
    records: Vec<(u32, u16, Vec<Vec<u8>>)>,
}

impl Builder {
    fn new(cluster: usize) -> Self {
        let bytes = vec![0; SIZE + 512];
        Self { bytes, cluster, next: 0, regions: Vec::new(), records: Vec::new() }
    }

    /// Puts bytes into clusters of their own; returns the first cluster and their number.
    fn place(&mut self, data: &[u8]) -> (usize, usize) {
        let (first, count) = (self.next, data.len().div_ceil(self.cluster));
        put(&mut self.bytes, first * self.cluster, data);
        self.next += count;
        (first, count)
    }

    /// A non-resident attribute of bytes in clusters of their own.
    fn stored(
        &mut self,
        kind: u32,
        id: u16,
        name: &str,
        data: &[u8],
        kind_of: Option<Kind>,
    ) -> Vec<u8> {
        let (first, count) = self.place(data);
        if let Some(kind) = kind_of {
            self.region(first * self.cluster, data.len(), kind);
        }
        self.extent(kind, id, name, &[(Some(first), count)], data.len(), 0)
    }

    fn region(&mut self, start: usize, length: usize, kind: Kind) {
        self.regions.push(Region { start, length, kind });
    }

    fn extent(
        &self,
        kind: u32,
        id: u16,
        name: &str,
        runs: &[(Option<usize>, usize)],
        size: usize,
        flags: u16,
    ) -> Vec<u8> {
        let mut list: Vec<Run> = Vec::new();
        for (lcn, length) in runs {
            run_list::push(&mut list, lcn.map(|lcn| Lcn(lcn as u64)), *length as u64);
        }
        let clusters = run_list::end(&list).0;
        let pairs = run_list::encode(&list);
        let held: usize = runs.iter().filter(|run| run.0.is_some()).map(|run| run.1).sum();
        let extent = Extent {
            packed: (held * self.cluster) as u64,
            lowest: 0,
            clusters,
            cluster: self.cluster as u64,
            size: size as u64,
            flags,
            pairs: &pairs,
        };
        non_resident(kind, id, name, extent)
    }

    fn add(&mut self, number: u32, flags: u16, attributes: Vec<Vec<u8>>) {
        self.records.push((number, flags, attributes));
    }

    /// A file of the file system's own, or one built by hand, with its name and security.
    fn file(&mut self, number: u32, parent: u64, name: &str, dos: u32, more: Vec<Vec<u8>>) {
        let folder = more.iter().any(|attribute| attribute[0] == 0x90 && name != "$Secure");
        let view = if folder { 0x1000_0000 } else { 0 };
        let mut attributes = vec![
            resident(0x10, 0, "", &information(dos)),
            resident(0x30, 1, "", &file_name(parent, name, 3, dos | view)),
        ];
        attributes.extend(more);
        attributes.sort_by_key(|attribute| u16_at(attribute, 0));
        self.add(number, if folder { 3 } else { 1 }, attributes);
    }

    fn finish(mut self) -> Image {
        let cluster = self.cluster;
        let block = if cluster > 1024 { 1024 } else { 2 * cluster };
        self.place(&vec![0; 8192_usize.next_multiple_of(cluster)]);
        let (mft, mft_count) = self.place(&[0; RECORDS * RECORD]);
        let (mirror, mirror_count) = self.place(&[0; 4 * RECORD]);
        let log = self.stored(0x80, 2, "", &[0xff; 16384], Some(Kind::Plain));
        let upcase: Vec<u8> = (0..0x80u16)
            .flat_map(|unit| {
                if (0x61..0x7b).contains(&unit) { unit - 0x20 } else { unit }.to_le_bytes()
            })
            .collect();
        let upcase = self.stored(0x80, 2, "", &upcase, Some(Kind::Plain));
        let clusters = SIZE / cluster;
        let bitmap_at = self.next * cluster;
        let bitmap =
            self.stored(0x80, 2, "", &vec![0; clusters.div_ceil(64) * 8], Some(Kind::Plain));
        let records = self.stored(0xb0, 3, "", &[0; RECORDS / 8], Some(Kind::Plain));
        let records_at = (self.next - 1) * cluster;

        self.file(
            0,
            5,
            "$MFT",
            6,
            vec![self.extent(0x80, 2, "", &[(Some(mft), mft_count)], RECORDS * RECORD, 0), records],
        );
        self.file(
            1,
            5,
            "$MFTMirr",
            6,
            vec![self.extent(0x80, 2, "", &[(Some(mirror), mirror_count)], 4 * RECORD, 0)],
        );
        self.file(2, 5, "$LogFile", 6, vec![log]);
        self.file(
            3,
            5,
            "$Volume",
            6,
            vec![
                resident(0x60, 2, "", &utf16("Ofen")),
                resident(0x70, 3, "", &[0, 0, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0]),
                resident(0x80, 4, "", &[]),
            ],
        );
        self.file(6, 5, "$Bitmap", 6, vec![bitmap]);
        let boot = self.extent(0x80, 2, "", &[(Some(0), 8192 / cluster)], 8192, 0);
        self.file(7, 5, "$Boot", 6, vec![boot]);
        self.secure();
        self.file(10, 5, "$UpCase", 6, vec![upcase]);
        self.extend(block);
        self.samples();
        self.root(block);
        self.write_records(mft, mirror);
        let used: Vec<usize> = (0..self.next).collect();
        set_bits(&mut self.bytes[bitmap_at..], &used);
        let used: Vec<usize> =
            (0..16).chain(self.records.iter().map(|(number, ..)| *number as usize)).collect();
        set_bits(&mut self.bytes[records_at..], &used);
        let per_block = if cluster > block { 0xf6 } else { (block / cluster) as u8 };
        let mut boot = sector(512, (cluster / 512) as u8, (SIZE / 512) as u64, 0xf6, per_block);
        put(&mut boot, 0x30, &(mft as u64).to_le_bytes());
        put(&mut boot, 0x38, &(mirror as u64).to_le_bytes());
        put(&mut self.bytes, 0, &boot);
        put(&mut self.bytes, SIZE, &boot);
        self.region(0, 512, Kind::Plain);
        Image { bytes: self.bytes, cluster, regions: self.regions }
    }

    fn secure(&mut self) {
        let descriptor = usual();
        let mut header = hash(&descriptor).to_le_bytes().to_vec();
        header.extend(0x100u32.to_le_bytes());
        header.extend(0u64.to_le_bytes());
        header.extend((20 + descriptor.len() as u32).to_le_bytes());
        let entry = [&header[..], &descriptor].concat();
        // A hole lies between the entries and their copy.
        let (first, count) = self.place(&entry);
        self.region(first * self.cluster, entry.len(), Kind::Plain);
        let (copy, copy_count) = self.place(&entry);
        let (hole, size) = (0x4_0000 / self.cluster - count, 0x4_0000 + entry.len());
        let sds = self.extent(
            0x80,
            2,
            "$SDS",
            &[(Some(first), count), (None, hole), (Some(copy), copy_count)],
            size,
            0,
        );
        let unit = self.cluster.min(4096) as u32;
        let view = |collation, key: &[u8]| {
            let mut index = MemoryIndex::new(collation, 4096);
            let entry = Entry::view(key, &header).expect("an entry");
            index::insert(&mut index, collation, &entry).expect("room for one");
            put(&mut index.root, 0x0c, &(4096 / unit).to_le_bytes());
            index.root
        };
        let sii = view(Collation::Ulong, &header[4..8]);
        let sdh = view(Collation::SecurityHash, &header[..8]);
        self.file(
            9,
            5,
            "$Secure",
            6,
            vec![sds, resident(0x90, 3, "$SDH", &sdh), resident(0x90, 4, "$SII", &sii)],
        );
    }

    /// `$Extend` with `$ObjId` and `$Reparse`, which know the samples.
    fn extend(&mut self, block: usize) {
        let upcase = crate::index_block::upcase();
        let mut index = MemoryIndex::new(Collation::FileName(&upcase), block as u32);
        for (number, name) in [(24, "$ObjId"), (25, "$Reparse")] {
            let key = file_name(11, name, 3, 0x2000_0026);
            let entry = Entry::file_name(FileReference::new(number, 1), &key).expect("an entry");
            index::insert(&mut index, Collation::FileName(&upcase), &entry).expect("room");
        }
        let units = block / if self.cluster > block { 512 } else { self.cluster };
        put(&mut index.root, 0x0c, &(units as u32).to_le_bytes());
        self.file(11, 5, "$Extend", 6, vec![resident(0x90, 2, "$I30", &index.root)]);
        let unit = self.cluster.min(4096) as u32;
        let ulongs = |key: &[u8], data: &[u8]| {
            let mut index = MemoryIndex::new(Collation::Ulongs, 4096);
            let entry = Entry::view(key, data).expect("an entry");
            index::insert(&mut index, Collation::Ulongs, &entry).expect("room for one");
            put(&mut index.root, 0x0c, &(4096 / unit).to_le_bytes());
            index.root
        };
        let objects =
            ulongs(&[0x11; 16], &[&(32 | 1u64 << 48).to_le_bytes()[..], &[0; 48]].concat());
        let mut key = 0x8000_0017u32.to_le_bytes().to_vec();
        key.extend((31 | 1u64 << 48).to_le_bytes());
        let reparse = ulongs(&key, &[]);
        for (number, name, index, root) in
            [(24, "$ObjId", "$O", objects), (25, "$Reparse", "$R", reparse)]
        {
            let attributes = vec![
                resident(0x10, 0, "", &information(6)),
                resident(0x30, 1, "", &file_name(11, name, 3, 0x2000_0026)),
                resident(0x90, 2, index, &root),
            ];
            self.add(number, 9, attributes);
        }
    }

    /// Files in forms that the editor does not make: compressed, overlaid, sparse, with an attribute list.
    fn samples(&mut self) {
        let packed = [&[0x03u8, 0xb0, 0x02, b'a', 0xfc, 0x0f][..], &[0; 20]].concat();
        let (first, count) = self.place(&packed);
        let unit = 16;
        let size = unit * self.cluster;
        let runs = [(Some(first), count), (None, unit - count)];
        let compressed = self.extent(0x80, 2, "", &runs, size - 100, 1);
        self.file(30, 5, "packed", 0x820, vec![compressed]);

        let shell = self.extent(0x80, 2, "", &[(None, 16)], 3000, 0x8000);
        let mut reparse = Vec::new();
        for word in [0x8000_0017u32, 16, 1, 2, 1, 0] {
            reparse.extend(word.to_le_bytes());
        }
        let mut chunk = vec![0x99; 256];
        chunk.extend((0..700u32).map(|at| (at * 5) as u8));
        let overlay = [
            shell,
            resident(0xc0, 3, "", &reparse),
            self.stored(0x80, 4, "WofCompressedData", &chunk, Some(Kind::Contents)),
        ];
        self.file(31, 5, "overlaid", 0x620, overlay.to_vec());

        let (first, _) = self.place(&vec![0x42; 2 * self.cluster]);
        let runs = [(None, 16), (Some(first), 1), (None, 15), (Some(first + 1), 1), (None, 15)];
        let sparse = self.extent(0x80, 2, "", &runs, 47 * self.cluster, 0x8000);
        self.file(32, 5, "sparse", 0x220, vec![sparse, resident(0x40, 3, "", &[0x11; 16])]);

        let data = self.stored(0x80, 0, "", &[0x77; 5000], None);
        let list = [
            attribute_list::entry(0x10, "", 0, 33, 0),
            attribute_list::entry(0x30, "", 0, 33, 1),
            attribute_list::entry(0x80, "", 0, 34, 0),
            attribute_list::entry(0x80, "more", 0, 33, 3),
        ]
        .concat();
        let more = resident(0x80, 3, "more", b"in the base record");
        self.file(33, 5, "listed", 0x20, vec![resident(0x20, 2, "", &list), more]);
        self.add(34, 1, vec![data]);
    }

    fn root(&mut self, block: usize) {
        let upcase = crate::index_block::upcase();
        let collation = Collation::FileName(&upcase);
        let mut index = MemoryIndex::new(collation, block as u32);
        let own = Entry::file_name(FileReference::new(5, 1), &file_name(5, ".", 3, 0x1000_0006));
        index::insert(&mut index, collation, &own.expect("an entry")).expect("room in the root");
        for (number, _, attributes) in &self.records {
            let Some(name) = attributes.iter().find(|attribute| attribute[0] == 0x30) else {
                continue;
            };
            let key = &name[0x18..0x18 + 0x42 + 2 * usize::from(name[0x18 + 0x40])];
            if u16_at(key, 0) == 5 {
                let reference = FileReference::new(u64::from(*number), 1);
                let entry = Entry::file_name(reference, key).expect("an entry");
                index::insert(&mut index, collation, &entry).expect("room in the root");
            }
        }
        // Blocks were numbered one by one.
        let unit = if self.cluster > block { 512 } else { self.cluster };
        let step = (block / unit) as u64;
        let mut root = index.root.clone();
        put(&mut root, 0x0c, &(step as u32).to_le_bytes());
        let mut blocks = Vec::new();
        for (vcn, stored) in &index.blocks {
            let mut stored = stored.clone();
            put(&mut stored, 0x10, &(vcn * step).to_le_bytes());
            renumber(&mut stored, 0x18, step);
            apply_fixups(&mut stored, 0x28, 1);
            blocks.extend(stored);
        }
        renumber(&mut root, 0x10, step);
        let mut bits = vec![0; 8];
        set_bits(&mut bits, &(0..index.blocks.len()).collect::<Vec<_>>());
        let mut attributes = vec![
            resident(0x10, 0, "", &information(6)),
            resident(0x30, 1, "", &file_name(5, ".", 3, 0x1000_0006)),
            resident(0x90, 2, "$I30", &root),
        ];
        let at = self.next * self.cluster;
        let (first, count) = self.place(&blocks);
        for offset in (0..blocks.len()).step_by(block) {
            self.region(at + offset, block, Kind::Guarded);
        }
        attributes.push(self.extent(0xa0, 3, "$I30", &[(Some(first), count)], blocks.len(), 0));
        attributes.push(resident(0xb0, 4, "$I30", &bits));
        self.add(5, 3, attributes);
    }

    fn write_records(&mut self, mft: usize, mirror: usize) {
        for number in 0..RECORDS {
            let known = self.records.iter().find(|(known, ..)| *known as usize == number);
            let (flags, attributes) =
                known.map_or((0, &[][..]), |(_, flags, attributes)| (*flags, attributes));
            let mut raw = record(number as u32, RECORD, flags, attributes);
            if number == 34 {
                put(&mut raw, 0x20, &(33 | 1u64 << 48).to_le_bytes());
            }
            apply_fixups(&mut raw, 0x30, 1);
            let at = mft * self.cluster + number * RECORD;
            put(&mut self.bytes, at, &raw);
            if number < 4 {
                put(&mut self.bytes, mirror * self.cluster + number * RECORD, &raw);
            }
            self.region(at, RECORD, Kind::Guarded);
        }
    }
}

/// Multiplies the VCNs of the children in a node.
fn renumber(node: &mut [u8], header: usize, step: u64) {
    let mut at = header + crate::bytes::u32_at(node, header) as usize;
    loop {
        let (length, flags) = (usize::from(u16_at(node, at + 8)), u16_at(node, at + 12));
        if flags & 1 != 0 {
            let vcn = crate::bytes::u64_at(node, at + length - 8) * step;
            put(node, at + length - 8, &vcn.to_le_bytes());
        }
        if flags & 2 != 0 || length == 0 {
            return;
        }
        at += length;
    }
}

fn information(dos: u32) -> Vec<u8> {
    let mut value = vec![0; 0x48];
    for at in [0, 8, 0x10, 0x18] {
        put(&mut value, at, &NOW.0.to_le_bytes());
    }
    put(&mut value, 0x20, &dos.to_le_bytes());
    put(&mut value, 0x34, &0x100u32.to_le_bytes());
    value
}

fn set_bits(bitmap: &mut [u8], bits: &[usize]) {
    for bit in bits {
        bitmap[bit / 8] |= 1 << (bit % 8);
    }
}

/// Lets the editor add folders of several index blocks, links, streams and a fragmented file.
fn fill(image: Image) -> Image {
    let device = Arc::new(MemoryDevice::new(image.bytes.clone()));
    let options = OpenOptions { writable: true, now: NOW, ..OpenOptions::default() };
    let mut volume = Volume::open(device.clone(), options).expect("a volume");
    let root = volume.root();
    let folder = volume.create_directory(root, "folder").expect("a folder");
    for number in 0..16 {
        let name = format!("file {number} with a longer name.txt");
        let file = volume.create_file(folder, &name, 0).expect("a file");
        volume.write_at(file, "", 0, name.as_bytes()).expect("written");
    }
    let one = volume.create_file(root, "one", 0).expect("a file");
    let two = volume.create_file(root, "two", 0).expect("a file");
    for turn in 0..32 {
        for file in [one, two] {
            let at = turn * 2 * image.cluster as u64;
            volume.set_size(file, "", at + image.cluster as u64).expect("room");
            volume.write_at(file, "", at, &[turn as u8; 64]).expect("written");
        }
    }
    volume.write_at(two, "stream", 0, b"in a stream").expect("written");
    volume.link(two, folder, "linked").expect("a link");
    volume.flush().expect("flushed");
    drop(volume);
    let bytes = device.to_vec();
    let mut regions = image.regions.clone();
    // Index blocks that the editor made.
    for at in (0..SIZE).step_by(512) {
        let known = regions.iter().any(|part| (part.start..part.start + part.length).contains(&at));
        if !known && bytes[at..].starts_with(b"INDX") {
            let entries = u16_at(&bytes, at + 6);
            let length = 512 * (usize::from(entries) - 1);
            regions.push(Region { start: at, length, kind: Kind::Guarded });
        }
    }
    Image { bytes, regions, ..image }
}
