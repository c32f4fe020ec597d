//! What is kept of each file record: 32 bytes, for records in use alone.

/// Records in one piece of the table.
const PIECE: u64 = 4096;

/// Facts as bits.
pub(super) mod is {
    pub(crate) const IN_USE: u16 = 0x1;
    pub(crate) const DIRECTORY: u16 = 0x2;
    /// Belongs to the base record that `link` names.
    pub(crate) const EXTENSION: u16 = 0x4;
    pub(crate) const LISTED: u16 = 0x8;
    pub(crate) const INDEXED: u16 = 0x10;
    pub(crate) const REPARSE: u16 = 0x20;
    pub(crate) const OBJECT_ID: u16 = 0x40;
    /// An attribute list, `$R` or `$O` names it.
    pub(crate) const CLAIMED: u16 = 0x80;
    pub(crate) const REPARSE_SEEN: u16 = 0x100;
    pub(crate) const OBJECT_SEEN: u16 = 0x200;
    /// Reached from the root, or on the way that is being looked at.
    pub(crate) const REACHED: u16 = 0x400;
    pub(crate) const ON_THE_WAY: u16 = 0x800;
}

/// What is known of a record.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fact {
    /// Hashes of the file's names less those of index entries that name it: 0 when they agree.
    pub(super) names: u64,
    /// Base record of an extension record; else the folder of the first name, 0 when there is none.
    pub(super) link: u32,
    pub(super) security: u32,
    /// Reparse tag, and a hash of the object id.
    pub(super) reparse_tag: u32,
    pub(super) object: u32,
    pub(super) sequence: u16,
    /// Names counted, and names that the header counts.
    pub(super) name_count: u16,
    pub(super) links: u16,
    pub(super) bits: u16,
}

const _: () = assert!(size_of::<Fact>() == 32);

impl Fact {
    pub(super) fn has(&self, bits: u16) -> bool {
        self.bits & bits == bits
    }

    /// A base record in use.
    pub(super) fn is_file(&self) -> bool {
        self.has(is::IN_USE) && !self.has(is::EXTENSION)
    }
}

/// The table of all records.
pub(super) struct Facts {
    pieces: Vec<Option<Box<[Fact]>>>,
    records: u64,
}

impl Facts {
    pub(super) fn new(records: u64) -> Self {
        let pieces = usize::try_from(records.div_ceil(PIECE)).unwrap_or(0);
        Self { pieces: (0..pieces).map(|_| None).collect(), records }
    }

    /// What is known of a record; nothing for one that is not in use.
    pub(super) fn get(&self, record: u64) -> Fact {
        let piece = self.pieces.get((record / PIECE) as usize).and_then(Option::as_ref);
        piece.and_then(|piece| piece.get((record % PIECE) as usize)).copied().unwrap_or_default()
    }

    /// A place for facts; `None` past the end.
    pub(super) fn entry(&mut self, record: u64) -> Option<&mut Fact> {
        if record >= self.records {
            return None;
        }
        let piece = self.pieces.get_mut((record / PIECE) as usize)?;
        let piece =
            piece.get_or_insert_with(|| vec![Fact::default(); PIECE as usize].into_boxed_slice());
        piece.get_mut((record % PIECE) as usize)
    }

    /// Sets bits of a record that has facts.
    pub(super) fn set(&mut self, record: u64, bits: u16) {
        if self.get(record).bits != 0
            && let Some(fact) = self.entry(record)
        {
            fact.bits |= bits;
        }
    }

    /// The first record from `from` on that has facts with all of these bits.
    pub(super) fn next(&self, from: u64, bits: u16) -> Option<u64> {
        let mut at = from;
        while at < self.records {
            match self.pieces.get((at / PIECE) as usize)? {
                None => at = (at / PIECE + 1) * PIECE,
                Some(piece) => {
                    if piece.get((at % PIECE) as usize)?.has(bits) {
                        return Some(at);
                    }
                    at += 1;
                }
            }
        }
        None
    }
}

/// A hash of one name of a file, as its `$FILE_NAME` and its index entry both give it.
pub(super) fn name_hash(file: u64, parent: u64, namespace: u8, name: &[u16]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut add = |word: u64| {
        hash = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 29;
    };
    add(file);
    add(parent);
    add(u64::from(namespace) << 16 | name.len() as u64);
    for unit in name {
        add((*unit).into());
    }
    hash
}

/// A hash of an object id.
pub(super) fn object_hash(id: &[u8]) -> u32 {
    id.iter()
        .fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
