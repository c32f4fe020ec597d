//! The store of descriptors, in memory and as Windows wrote it.

use std::collections::BTreeMap;
use std::path::Path;

use winkiln_ntfs::Error;
use winkiln_ntfs::index::{self, Collation, Entry, IndexStore};
use winkiln_ntfs::security::{
    SecureFile, SecureIndex, SecurityError, find_or_add, hash, inherit, lookup, to_sddl,
};

use super::checker::check;
use super::corpus::{VOLUMES, attribute, decompress, load_index};
use super::generate::Random;
use super::memory_store::MemoryStore;

/// `$Secure` in memory.
struct Secure {
    sds: Vec<u8>,
    sii: MemoryStore,
    sdh: MemoryStore,
    writes: usize,
}

impl Secure {
    fn new() -> Self {
        let store = |collation| MemoryStore::new(collation, 4096, 4096, 0x100);
        Self {
            sds: Vec::new(),
            sii: store(Collation::Ulong),
            sdh: store(Collation::SecurityHash),
            writes: 0,
        }
    }

    /// The `$Secure` of a volume that Windows wrote.
    fn of(volume: &Path) -> Self {
        let sds = attribute(volume, 9, "$DATA", "$SDS").expect("$Secure holds $SDS");
        let load = |name, collation| {
            load_index(volume, 9, name, collation).expect("$Secure holds two indexes")
        };
        Self {
            sds,
            sii: load("$SII", Collation::Ulong),
            sdh: load("$SDH", Collation::SecurityHash),
            writes: 0,
        }
    }

    /// Reads everything back with a reader of the test's own: descriptors by id.
    fn check(&self) -> BTreeMap<u32, Vec<u8>> {
        let word = |at: usize| u32::from_le_bytes(self.sds[at..at + 4].try_into().unwrap());
        let mut found = BTreeMap::new();
        let mut headers = Vec::new();
        let mut at = 0;
        while at < self.sds.len() {
            let length = word(at + 16) as usize;
            if length == 0 || at % 0x80000 + length > 0x40000 {
                let rest = (at / 0x80000 * 0x80000 + 0x40000).min(self.sds.len());
                assert!(self.sds[at..rest].iter().all(|byte| *byte == 0), "gap at {at:#x}");
                at = (at / 0x80000 + 1) * 0x80000;
                continue;
            }
            assert_eq!((word(at + 8) as usize, word(at + 12)), (at, 0), "offset");
            let entry = &self.sds[at..at + length];
            assert_eq!(entry, &self.sds[at + 0x40000..][..length], "copy of {at:#x}");
            assert_eq!(word(at), hash(&entry[20..]));
            headers.push((word(at), word(at + 4), entry[..20].to_vec()));
            assert!(found.insert(word(at + 4), entry[20..].to_vec()).is_none());
            at += length.next_multiple_of(16);
            if at > self.sds.len() - 0x40000 {
                at = (at / 0x80000 + 1) * 0x80000;
            }
        }
        headers.sort_by_key(|(_, id, _)| *id);
        let by_id: Vec<_> = check(&self.sii, Collation::Ulong)
            .entries
            .into_iter()
            .map(|entry| (entry.1, entry.2))
            .collect();
        let expected: Vec<_> = headers
            .iter()
            .map(|(_, id, bytes)| (id.to_le_bytes().to_vec(), bytes.clone()))
            .collect();
        assert_eq!(by_id, expected, "$SII");
        headers.sort();
        let by_hash: Vec<_> = check(&self.sdh, Collation::SecurityHash)
            .entries
            .into_iter()
            .map(|entry| (entry.1, entry.2))
            .collect();
        let key = |hash: u32, id: u32| [hash.to_le_bytes(), id.to_le_bytes()].concat();
        let expected: Vec<_> =
            headers.iter().map(|(hash, id, bytes)| (key(*hash, *id), bytes.clone())).collect();
        assert_eq!(by_hash, expected, "$SDH");
        found
    }
}

impl SecureFile for Secure {
    fn sds_size(&mut self) -> Result<u64, Error> {
        Ok(self.sds.len() as u64)
    }

    fn sds_read(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), Error> {
        if !buf.is_empty() {
            buf.copy_from_slice(&self.sds[offset as usize..][..buf.len()]);
        }
        Ok(())
    }

    fn sds_write(&mut self, offset: u64, data: &[u8]) -> Result<(), Error> {
        let end = offset as usize + data.len();
        self.sds.resize(self.sds.len().max(end), 0);
        self.sds[offset as usize..end].copy_from_slice(data);
        self.writes += 1;
        Ok(())
    }

    fn with_index(
        &mut self,
        which: SecureIndex,
        f: &mut dyn FnMut(&mut dyn IndexStore) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match which {
            SecureIndex::Sii => f(&mut self.sii),
            SecureIndex::Sdh => f(&mut self.sdh),
        }
    }
}

/// Descriptors without lists, of `words` sub-authorities from `seed` on.
fn descriptor(seed: u32, words: u8) -> Vec<u8> {
    let mut bytes = vec![1, 0, 0, 0x80, 20, 0, 0, 0];
    bytes.resize(20, 0);
    bytes.extend([1, words, 0, 0, 0, 0, 0, 5]);
    bytes
        .extend((0..u32::from(words)).flat_map(|word| (seed.wrapping_mul(word + 1)).to_le_bytes()));
    bytes
}

#[test]
fn descriptors_are_stored_once() {
    let mut secure = Secure::new();
    let mut random = Random(3);
    let mut ids = BTreeMap::new();
    // 9,000 descriptors of 48 to 112 bytes with their headers pass the ends of two blocks.
    for round in 0..9_000 {
        let bytes = descriptor(round, 1 + random.below(15) as u8);
        let id = find_or_add(&mut secure, &bytes).unwrap();
        assert_eq!(*ids.entry(bytes.clone()).or_insert(id), id);
        let writes = secure.writes;
        assert_eq!(find_or_add(&mut secure, &bytes).unwrap(), id);
        assert_eq!(secure.writes, writes, "nothing is written for a descriptor that is there");
        assert_eq!(lookup(&mut secure, id).unwrap(), bytes);
    }
    let found = secure.check();
    assert_eq!(found, ids.into_iter().map(|(bytes, id)| (id, bytes)).collect());
    assert_eq!(found.keys().copied().next(), Some(0x100));
    assert_eq!(found.keys().copied().next_back(), Some(0x100 + found.len() as u32 - 1));
    assert!(secure.sds.len() > 0x80000, "the blocks were filled: {:#x}", secure.sds.len());
}

#[test]
fn entries_of_the_hash_index_end_as_in_windows() {
    let mut secure = Secure::new();
    let bytes = descriptor(7, 2);
    find_or_add(&mut secure, &bytes).unwrap();
    let hash = hash(&bytes).to_le_bytes();
    let mut entry = vec![0x18, 0, 0x14, 0, 0, 0, 0, 0, 0x30, 0, 8, 0, 0, 0, 0, 0];
    entry.extend(
        [&hash[..], &[0, 1, 0, 0], &hash, &[0, 1, 0, 0], &[0; 8], &[20 + 36, 0, 0, 0], b"I\0I\0"]
            .concat(),
    );
    assert_eq!(secure.sdh.root[0x20..0x50], entry);
    let mut entry = vec![0x14, 0, 0x14, 0, 0, 0, 0, 0, 0x28, 0, 4, 0, 0, 0, 0, 0, 0, 1, 0, 0];
    entry.extend([&hash[..], &[0, 1, 0, 0], &[0; 8], &[20 + 36, 0, 0, 0]].concat());
    assert_eq!(secure.sii.root[0x20..0x48], entry);
}

#[test]
fn equal_hashes_are_told_apart() {
    let mut secure = Secure::new();
    // Adding 1 to one word and taking 8 from the next leaves the hash as it was.
    let mut first = descriptor(0x1000, 4);
    first[28..32].copy_from_slice(&0x100_u32.to_le_bytes());
    first[32..36].copy_from_slice(&0x100_u32.to_le_bytes());
    let mut second = first.clone();
    second[28..32].copy_from_slice(&0x101_u32.to_le_bytes());
    second[32..36].copy_from_slice(&0xf8_u32.to_le_bytes());
    assert_eq!(hash(&first), hash(&second));
    assert_eq!(find_or_add(&mut secure, &first).unwrap(), 0x100);
    assert_eq!(find_or_add(&mut secure, &second).unwrap(), 0x101);
    assert_eq!(find_or_add(&mut secure, &first).unwrap(), 0x100);
    assert_eq!(secure.check().len(), 2);
}

#[test]
fn damaged_entries_are_read_from_their_copy_or_are_errors() {
    let mut secure = Secure::new();
    let bytes = descriptor(7, 2);
    let id = find_or_add(&mut secure, &bytes).unwrap();
    for at in 0..20 + bytes.len() {
        secure.sds[at] ^= 0x40;
        assert_eq!(lookup(&mut secure, id).unwrap(), bytes, "byte {at}");
        secure.sds[0x40000 + at] ^= 0x40;
        let error = lookup(&mut secure, id).unwrap_err();
        assert!(
            matches!(error, Error::Security(SecurityError::Store { id: 0x100, offset: 0, .. })),
            "{error:?}"
        );
        secure.sds[at] ^= 0x40;
        secure.sds[0x40000 + at] ^= 0x40;
    }
    let error = lookup(&mut secure, 0x101).unwrap_err();
    assert!(matches!(error, Error::Security(SecurityError::NoSuchId { id: 0x101 })));
    // Places outside of the stream, and lengths that nobody should allocate.
    for (offset, length) in
        [(0x7fff_0000_u64, 0x50_u32), (u64::MAX - 8, 0x50), (0, u32::MAX), (0, 3)]
    {
        let data =
            [&7_u32.to_le_bytes()[..], &[2, 1, 0, 0], &offset.to_le_bytes(), &length.to_le_bytes()]
                .concat();
        let key = 0x102_u32.to_le_bytes();
        index::insert(&mut secure.sii, Collation::Ulong, &Entry::view(&key, &data).unwrap())
            .unwrap();
        let error = lookup(&mut secure, 0x102).unwrap_err();
        assert!(
            matches!(error, Error::Security(SecurityError::Store { id: 0x102, .. })),
            "{error:?}"
        );
        let _ = find_or_add(&mut secure, &descriptor(8, 3));
        index::remove(&mut secure.sii, Collation::Ulong, &key).unwrap();
    }
    assert!(find_or_add(&mut secure, &bytes[..12]).is_err(), "not a descriptor");
}

#[test]
fn what_follows_the_last_entry_is_not_overwritten() {
    let mut secure = Secure::new();
    find_or_add(&mut secure, &descriptor(1, 2)).unwrap();
    let leftover = secure.sds.len() as u64 - 0x40000 + 8;
    secure.sds_write(leftover, &[0x55; 400]).unwrap();
    secure.sds_write(0x40000 + leftover, &[0x55; 400]).unwrap();
    let before = secure.sds.clone();
    let id = find_or_add(&mut secure, &descriptor(2, 2)).unwrap();
    assert_eq!(secure.sds[..leftover as usize + 400], before[..leftover as usize + 400]);
    assert_eq!(lookup(&mut secure, id).unwrap(), descriptor(2, 2));
}

/// Windows leaves what the clusters held before in the part of a block that no entry uses yet.
#[test]
fn a_walk_over_the_entries_ends_at_zeros() {
    let mut secure = Secure::new();
    find_or_add(&mut secure, &descriptor(1, 2)).unwrap();
    let end = secure.sds.len() - 0x40000;
    secure.sds[end..0x40000].fill(0x55);
    for seed in 2..5 {
        find_or_add(&mut secure, &descriptor(seed, 3)).unwrap();
        let next = (secure.sds.len() - 0x40000).next_multiple_of(16);
        assert_eq!(secure.sds[next..next + 20], [0; 20], "behind descriptor {seed}");
    }
    assert_eq!(secure.sds[0x3fff0..0x40000], [0x55; 16], "the rest stays");
}

#[test]
fn descriptors_that_windows_wrote_are_found_and_others_are_added() {
    for name in VOLUMES {
        let Some(volume) = decompress(name) else { return };
        let mut secure = Secure::of(volume.path());
        let found = secure.check();
        assert!(found.len() >= 2, "{name}");
        for (id, bytes) in &found {
            assert_eq!(&lookup(&mut secure, *id).unwrap(), bytes, "{name}");
            assert_eq!(find_or_add(&mut secure, bytes).unwrap(), *id, "{name}: {id:#x}");
            to_sddl(bytes).unwrap();
            to_sddl(&inherit(bytes, true).unwrap()).unwrap();
        }
        assert_eq!(secure.writes, 0);
        let highest = found.keys().copied().next_back().unwrap();
        for number in 1..=200 {
            let id = find_or_add(&mut secure, &descriptor(number, 9)).unwrap();
            assert_eq!(id, highest + number);
        }
        let after = secure.check();
        assert_eq!(after.len(), found.len() + 200, "{name}");
        assert!(found.iter().all(|(id, bytes)| after.get(id) == Some(bytes)), "{name}");
    }
}

#[test]
fn a_stream_of_a_server_holds_descriptors_by_their_hashes() {
    let Some(stream) = decompress("ntfs-meta/museum/SDS-2012r2.xz") else { return };
    let sds = std::fs::read(stream.path()).unwrap();
    let word = |at: usize| u32::from_le_bytes(sds[at..at + 4].try_into().unwrap());
    let (mut at, mut count) = (0, 0);
    while at < sds.len() - 0x40000 {
        let length = word(at + 16) as usize;
        let bytes = &sds[at + 20..at + length];
        assert_eq!(hash(bytes), word(at));
        to_sddl(bytes).unwrap();
        for is_directory in [false, true] {
            to_sddl(&inherit(bytes, is_directory).unwrap()).unwrap();
        }
        at += length.next_multiple_of(16);
        count += 1;
    }
    assert_eq!(count, 508);
}
