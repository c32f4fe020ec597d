//! Security descriptors and `$Secure`. An input is a byte for the form, the length of a descriptor in two bytes, the descriptor; with bit 0 of
//! the form then follow the roots of `$SII` and `$SDH` and `$SDS`.

use winkiln_ntfs::Error;
use winkiln_ntfs::index::{self, Collation, Entry, IndexStore};
use winkiln_ntfs::security::{
    Lists, ParentChange, SecureFile, SecureIndex, SecurityError, assign, find_or_add, hash,
    inherit, lookup, propagate, to_sddl,
};

use crate::bytes::{Input, put, u32_at};
use crate::index_store::MemoryIndex;

/// Distance of an entry of `$SDS` and its copy.
const COPY: usize = 0x4_0000;
/// Bytes that `$SDS` may grow to.
const SDS_MAX: usize = 6 * COPY;

/// `$Secure` in memory.
struct Secure {
    sds: Vec<u8>,
    sii: MemoryIndex,
    sdh: MemoryIndex,
}

impl Secure {
    fn new() -> Self {
        Self {
            sds: Vec::new(),
            sii: MemoryIndex::new(Collation::Ulong, 512),
            sdh: MemoryIndex::new(Collation::SecurityHash, 512),
        }
    }
}

impl SecureFile for Secure {
    fn sds_size(&mut self) -> Result<u64, Error> {
        Ok(self.sds.len() as u64)
    }

    fn sds_read(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), Error> {
        if !buf.is_empty() {
            let from = usize::try_from(offset).expect("reads stay inside");
            buf.copy_from_slice(&self.sds[from..from + buf.len()]);
        }
        Ok(())
    }

    fn sds_write(&mut self, offset: u64, data: &[u8]) -> Result<(), Error> {
        let full = Error::VolumeFull { needed: 1, free: 0 };
        let from = usize::try_from(offset).ok().filter(|from| *from < SDS_MAX).ok_or(full)?;
        let end = from + data.len();
        self.sds.resize(self.sds.len().max(end), 0);
        self.sds[from..end].copy_from_slice(data);
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

/// Shows, inherits and stores a descriptor, in an empty `$Secure` and in one from the input.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let (mode, length) = (input.u8(), usize::from(input.u16()));
    let descriptor = input.take(length);
    of_descriptor(descriptor);
    if mode & 1 == 0 {
        return;
    }
    let raw = mode & 2 != 0;
    let mut secure = Secure::new();
    secure.sii = MemoryIndex::from_input(Collation::Ulong, 512, raw, 0, &mut input);
    secure.sdh = MemoryIndex::from_input(Collation::SecurityHash, 512, raw, 0, &mut input);
    secure.sds = input.0.to_vec();
    if mode & 4 != 0 && !secure.sds.is_empty() {
        // The copy alone is whole.
        secure.sds.resize(COPY, 0);
        secure.sds.extend_from_slice(input.0);
        put(&mut secure.sds, 8, &[0xff]);
    }
    if mode & 8 != 0 {
        trust_the_hash(&mut secure);
    }
    for id in [0x100, 0x101, u32::from(mode), u32_at(&secure.sds, 4)] {
        if let Ok(found) = lookup(&mut secure, id) {
            of_descriptor(&found);
        }
    }
    if let Ok(id) = find_or_add(&mut secure, descriptor) {
        let _ = lookup(&mut secure, id);
    }
}

/// What a descriptor leads to is a descriptor again, and `$Secure` gives back what was stored.
fn of_descriptor(descriptor: &[u8]) {
    let shown = to_sddl(descriptor);
    let mut secure = Secure::new();
    match find_or_add(&mut secure, descriptor) {
        Ok(id) => {
            let stored = lookup(&mut secure, id).expect("what was stored is there");
            assert_eq!(stored, descriptor, "a descriptor is stored as it is");
            let again = find_or_add(&mut secure, descriptor).expect("it is there");
            assert_eq!(again, id, "a descriptor is stored once");
        }
        Err(_) => assert!(shown.is_err() || descriptor.len() > COPY - 20, "a descriptor is stored"),
    }
    for is_directory in [false, true] {
        let Ok(child) = inherit(descriptor, is_directory) else { continue };
        let text = to_sddl(&child).expect("what is inherited is a descriptor");
        assert!(text.starts_with("O:BAG:SY"), "{text}");
        match inherit(&child, is_directory) {
            Ok(grandchild) => {
                to_sddl(&grandchild).expect("what is inherited twice is a descriptor");
            }
            Err(SecurityError::ListTooLong { .. }) => {}
            Err(error) => panic!("what is inherited is not passed on: {error}"),
        }
        // Entries that nobody inherits are taken along unread.
        if shown.is_ok() {
            passed_on(descriptor, &child, is_directory);
        }
    }
}

/// A given list gets what the parent passes on, once, and passing the parent on again changes nothing more.
fn passed_on(parent: &[u8], child: &[u8], is_directory: bool) {
    let given = assign(child, parent, Some(parent), is_directory);
    let Ok(given) = given else { return };
    to_sddl(&given).expect("what is given is a descriptor");
    let lists = Lists { dacl: true, sacl: true };
    let change = ParentChange { old: Some(parent), new: parent, lists, people: None };
    let Ok((once, _)) = propagate(&given, change, is_directory) else { return };
    to_sddl(&once).expect("what is passed on is a descriptor");
    let (twice, _) = propagate(&once, change, is_directory).expect("it fits again");
    assert_eq!(twice, once, "what is passed on again is the same");
}

/// Makes the first entry of `$SDS` agree with its hash, and an entry of `$SII` that leads to it.
fn trust_the_hash(secure: &mut Secure) {
    let length = u32_at(&secure.sds, 16) as usize;
    let Some(descriptor) = secure.sds.get(20..length) else { return };
    let hash = hash(descriptor);
    put(&mut secure.sds, 0, &hash.to_le_bytes());
    put(&mut secure.sds, 8, &[0; 8]);
    let header = secure.sds[..20].to_vec();
    let (id, by_hash) = (header[4..8].to_vec(), header[..8].to_vec());
    for (index, collation, key) in [
        (&mut secure.sii, Collation::Ulong, id),
        (&mut secure.sdh, Collation::SecurityHash, by_hash),
    ] {
        let entry = Entry::view(&key, &header).expect("an entry");
        let _ = index::insert(index, collation, &entry);
    }
}

/// A descriptor: owner and group Administrators, and a DACL and SACL of these entries.
#[must_use]
pub fn descriptor(control: u16, entries: &[Vec<u8>], audit: &[Vec<u8>]) -> Vec<u8> {
    let sid = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
    let list = |entries: &[Vec<u8>]| {
        let size = 8 + entries.iter().map(Vec::len).sum::<usize>();
        let mut list = vec![2, 0];
        list.extend((size as u16).to_le_bytes());
        list.extend((entries.len() as u16).to_le_bytes());
        list.extend([0, 0]);
        list.extend(entries.concat());
        list
    };
    let (dacl, sacl) = (list(entries), list(audit));
    let mut bytes = vec![1, 0];
    bytes.extend((control | 0x8004).to_le_bytes());
    let sacl_at = if control & 0x10 == 0 { 0 } else { 52 + dacl.len() as u32 };
    for offset in [20, 36, sacl_at, 52] {
        bytes.extend(offset.to_le_bytes());
    }
    bytes.extend(sid);
    bytes.extend(sid);
    bytes.extend(dacl);
    bytes.extend(sacl);
    bytes
}

/// An entry of an access control list.
#[must_use]
pub fn ace(
    kind: u8,
    flags: u8,
    mask: u32,
    before_sid: &[u8],
    sid: &[u8],
    behind: &[u8],
) -> Vec<u8> {
    let size = 8 + before_sid.len() + sid.len() + behind.len();
    let mut ace = vec![kind, flags];
    ace.extend((size as u16).to_le_bytes());
    ace.extend(mask.to_le_bytes());
    ace.extend(before_sid);
    ace.extend(sid);
    ace.extend(behind);
    ace
}

/// The descriptor of seeds and of volumes that other targets make.
#[must_use]
pub fn usual() -> Vec<u8> {
    let system = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
    let creator = [1, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0];
    let entries = [
        ace(0, 0x03, 0x001f_01ff, &[], &system, &[]),
        ace(0, 0x0b, 0x1000_0000, &[], &creator, &[]),
    ];
    descriptor(0x0400, &entries, &[])
}

/// Descriptors of several kinds, alone and in a store.
///
/// # Panics
/// When a store cannot be built.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let everyone = [1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    let label = [1, 1, 0, 0, 0, 0, 0, 16, 0, 0x30, 0, 0];
    let guids = [&3u32.to_le_bytes()[..], &[7; 32]].concat();
    let many = [
        ace(5, 0x13, 0x120089, &guids, &everyone, &[]),
        ace(9, 0x03, 0x1f01ff, &[], &everyone, b"artx\0\0\0\0"),
        ace(1, 0x06, 0xe000_0000, &[], &everyone, &[]),
        ace(4, 0x03, 0, &[], &everyone, &[]),
    ];
    let audit = [ace(0x11, 0x03, 1, &[], &label, &[]), ace(2, 0xc3, 0x10000, &[], &everyone, &[])];
    let descriptors = [
        usual(),
        descriptor(0x0410, &many, &audit),
        descriptor(0x1000, &[], &[]),
        vec![1, 0, 4, 0x80],
    ];
    let mut seeds = Vec::new();
    for descriptor in &descriptors {
        let head =
            |mode: u8| [&[mode][..], &(descriptor.len() as u16).to_le_bytes(), descriptor].concat();
        seeds.push(head(0));
        let mut secure = Secure::new();
        for other in &descriptors[..3] {
            find_or_add(&mut secure, other).expect("there is room");
        }
        let used = secure.sds[..COPY].iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
        for mode in [1, 5, 9] {
            seeds.push(
                [
                    head(mode),
                    secure.sii.to_input(),
                    secure.sdh.to_input(),
                    secure.sds[..used].to_vec(),
                ]
                .concat(),
            );
        }
    }
    seeds
}
