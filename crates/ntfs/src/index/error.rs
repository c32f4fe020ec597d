//! Why an index was not read or changed.

use std::fmt;

/// A node of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodePlace {
    /// The value of `$INDEX_ROOT`.
    Root,
    /// The block of `$INDEX_ALLOCATION` at this VCN, in the units that entries use.
    Block(u64),
}

impl fmt::Display for NodePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("index root"),
            Self::Block(vcn) => write!(f, "index block at VCN {vcn}"),
        }
    }
}

/// Why an index was not read or changed. Offsets count bytes from the start of the node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// A node breaks the format.
    #[error("{node} is damaged at offset {offset:#x}")]
    Damaged {
        /// The node.
        node: NodePlace,
        /// Offset of the damage in the node.
        offset: usize,
        /// What is wrong there.
        #[source]
        damage: IndexDamage,
    },
    /// An entry with the same key is there already.
    #[error("the index holds an entry with this key already")]
    KeyExists,
    /// An entry is too large for the index's blocks, of which each must have room for two.
    #[error("an index entry of {size} bytes does not fit blocks that take {most}")]
    EntryTooLarge {
        /// Bytes of the entry.
        size: usize,
        /// Bytes that an entry may have.
        most: usize,
    },
    /// A key and data do not make an entry of this kind of index.
    #[error(
        "a key of {key} bytes and data of {data} bytes do not make an index entry of this kind"
    )]
    BadEntry {
        /// Bytes of the key.
        key: usize,
        /// Bytes of the data.
        data: usize,
    },
    /// An update would change the length of an entry.
    #[error("an index entry of {found} bytes cannot be replaced in place by one of {wanted}")]
    SizeChanged {
        /// Bytes of the entry in the index.
        found: usize,
        /// Bytes of the replacement.
        wanted: usize,
    },
    /// The file record leaves less room than the smallest index root needs.
    #[error(
        "an index root of {needed} bytes does not fit the {capacity} bytes that its file record leaves"
    )]
    RootTooSmall {
        /// Bytes available.
        capacity: usize,
        /// Bytes needed.
        needed: usize,
    },
    /// The index sorts by a rule that is not known here.
    #[error("index collation rule {code:#x} is not supported")]
    UnsupportedCollation {
        /// The rule's code in `$INDEX_ROOT`.
        code: u32,
    },
    /// A block size that no index can have.
    #[error("index blocks of {block_size} bytes counted in units of {vcn_unit} are not supported")]
    UnsupportedBlockSize {
        /// Bytes per block.
        block_size: u32,
        /// Bytes per unit of a VCN.
        vcn_unit: u32,
    },
}

impl IndexError {
    /// True when the volume is damaged or holds what cannot be edited; false for plain answers.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Damaged { .. }
            | Self::UnsupportedCollation { .. }
            | Self::UnsupportedBlockSize { .. } => true,
            Self::KeyExists
            | Self::EntryTooLarge { .. }
            | Self::BadEntry { .. }
            | Self::SizeChanged { .. }
            | Self::RootTooSmall { .. } => false,
        }
    }
}

/// What is wrong with a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexDamage {
    /// The node ends before its header does.
    #[error("{size} bytes are too few for a node")]
    TooShort {
        /// Bytes present.
        size: usize,
    },
    /// A block does not begin with `INDX`.
    #[error("signature {found:02x?} instead of INDX")]
    Signature {
        /// The first four bytes.
        found: [u8; 4],
    },
    /// A block names another place than its own.
    #[error("the block says that its VCN is {found}")]
    WrongVcn {
        /// The VCN in the block's header.
        found: u64,
    },
    /// The entries do not lie within the node.
    #[error("entries from {start:#x} to {end:#x} do not lie in a node of {size:#x} bytes")]
    EntriesOutside {
        /// Start of the entries.
        start: u64,
        /// End of the entries.
        end: u64,
        /// Bytes of the node.
        size: usize,
    },
    /// The update sequence array lies over the header or the entries.
    #[error("an update sequence array from {start:#x} to {end:#x} lies over other fields")]
    UpdateSequence {
        /// Start of the array.
        start: usize,
        /// End of the array.
        end: usize,
    },
    /// An entry is shorter than its parts, not a multiple of 8 bytes, or passes the node's end.
    #[error("an entry of {length} bytes with {room} bytes left")]
    EntryLength {
        /// Length in the entry.
        length: usize,
        /// Bytes left in the node.
        room: usize,
    },
    /// The entries do not end with an end entry.
    #[error("no end entry")]
    NoEnd,
    /// A key is not one of the index's collation.
    #[error("a key of {length} bytes is not one of this index")]
    Key {
        /// Bytes of the key.
        length: usize,
    },
    /// Some entries of a node have children and some have none.
    #[error("an entry with a child beside entries without, or the other way round")]
    MixedNode,
    /// A node is its own ancestor, or has two parents.
    #[error("the block at VCN {child} is reached twice")]
    ReachedTwice {
        /// VCN of the node below.
        child: u64,
    },
    /// The tree is deeper than any that Windows builds.
    #[error("more than {most} levels")]
    TooDeep {
        /// Levels allowed.
        most: usize,
    },
    /// An entry is not greater than the one before it.
    #[error("an entry is out of order")]
    Order,
}
