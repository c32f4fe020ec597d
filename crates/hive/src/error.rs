//! Why a hive was not read or edited.

use std::fmt;

/// A structure of the hive, as named in errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Structure {
    /// `nk`
    KeyNode,
    /// `lf`, `lh`, `li` or `ri`
    SubkeyList,
    /// Array of the offsets of a key's values.
    ValueList,
    /// `vk`
    KeyValue,
    /// Data of a value.
    ValueData,
    /// `db`
    BigData,
    /// Array of the offsets of big data's segments.
    SegmentList,
    /// One piece of big data.
    Segment,
    /// Class name of a key.
    Class,
    /// `sk`
    Security,
    /// Self-relative security descriptor inside an `sk` cell.
    Descriptor,
    /// Any cell.
    Cell,
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyNode => "key node",
            Self::SubkeyList => "subkey list",
            Self::ValueList => "value list",
            Self::KeyValue => "key value",
            Self::ValueData => "value data",
            Self::BigData => "big data record",
            Self::SegmentList => "big data segment list",
            Self::Segment => "big data segment",
            Self::Class => "class name",
            Self::Security => "security cell",
            Self::Descriptor => "security descriptor",
            Self::Cell => "cell",
        })
    }
}

/// Why a hive was not read or edited. Offsets count from the start of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message of each variant explains its fields")]
pub enum HiveError {
    /// The file does not begin with `regf`.
    #[error("not a registry hive: begins with {found:02x?}, not with \"regf\"")]
    NotAHive { found: Vec<u8> },
    /// The file ends inside the base block or the first bin.
    #[error("hive of {length} bytes is cut short, at least {needed} are needed")]
    TooShort { length: u64, needed: u64 },
    /// The base block is torn or damaged.
    #[error("base block checksum is {found:#010x}, computed {expected:#010x}")]
    Checksum { found: u32, expected: u32 },
    /// A format version other than 1.3 to 1.6.
    #[error("hive format version {major}.{minor} is not supported (1.3 to 1.6 are)")]
    Version { major: u32, minor: u32 },
    /// A transaction log, not a primary file.
    #[error(
        "file type {found} is not that of a primary hive file (0), a log is recovered together with its hive"
    )]
    FileType { found: u32 },
    /// A memory format other than direct load.
    #[error("file format {found} is not direct memory load (1)")]
    FileFormat { found: u32 },
    /// A write to the hive was not completed: its transaction logs have to be applied first.
    #[error(
        "hive is dirty: sequence numbers {primary} and {secondary} differ, its logs have to be applied"
    )]
    Dirty { primary: u32, secondary: u32 },
    /// Two logs that both have entries to apply do not follow each other.
    #[error("log entries end at sequence number {before} and go on at {after}")]
    LogGap { before: u32, after: u32 },
    /// The length of all bins is not a multiple of 4096 or passes the end of the file.
    #[error("bins length {length} does not fit the file of {file} bytes in steps of 4096")]
    Length { length: u32, file: u64 },
    /// No `hbin` where a bin begins.
    #[error("bin at {offset:#x} begins with {found:02x?}, not with \"hbin\"")]
    BinSignature { offset: u64, found: [u8; 4] },
    /// A bin that says it lies elsewhere.
    #[error("bin at {offset:#x} says its offset is {found:#x}, not {expected:#x}")]
    BinOffset { offset: u64, found: u32, expected: u32 },
    /// A bin size of 0, not a multiple of 4096, or past the last bin's end.
    #[error("bin at {offset:#x} has impossible size {found}")]
    BinSize { offset: u64, found: u32 },
    /// A cell size that is not a multiple of 8, or passes the end of the bin.
    #[error("cell at {offset:#x} has impossible size {found}")]
    CellSize { offset: u64, found: i32 },
    /// A reference to a place where no cell starts.
    #[error("{what} refers to {offset:#x}, where no cell starts")]
    NoCell { what: Structure, offset: u64 },
    /// A reference to a cell that is free.
    #[error("{what} refers to the free cell at {offset:#x}")]
    FreeCell { what: Structure, offset: u64 },
    /// A cell that holds something else.
    #[error("{what} at {offset:#x} begins with {found:02x?}")]
    Signature { what: Structure, offset: u64, found: [u8; 2] },
    /// A structure that passes the end of its cell.
    #[error("{what} at {offset:#x} needs {needed} bytes, its cell holds {found}")]
    Truncated { what: Structure, offset: u64, needed: u64, found: u64 },
    /// A field with an impossible value.
    #[error("{what} at {offset:#x}: {field} is {found}")]
    Field { what: Structure, offset: u64, field: &'static str, found: u64 },
    /// A count that disagrees with the list it counts.
    #[error("{what} at {offset:#x} counts {expected} entries but its list holds {found}")]
    Count { what: Structure, offset: u64, expected: u64, found: u64 },
    /// Subkeys that are not in the order in which Windows searches them.
    #[error("subkeys of the key at {offset:#x} are not in the order of their upper-cased names")]
    Unsorted { offset: u64 },
    /// Two values of one key with the same name.
    #[error("value at {offset:#x} has the name of one before it")]
    Duplicate { offset: u64 },
    /// A security descriptor that cannot be taken apart.
    #[error("security descriptor of the cell at {offset:#x} is malformed")]
    Descriptor { offset: u64 },
    /// A cell that two owners claim.
    #[error("{what} at {offset:#x} is referenced twice")]
    Shared { what: Structure, offset: u64 },
    /// A subkey whose parent link names another key.
    #[error("key at {offset:#x} says its parent is at {found:#x}, not {expected:#x}")]
    Parent { offset: u64, found: u64, expected: u64 },
    /// More levels of keys than the registry allows.
    #[error("key at {offset:#x} lies deeper than {max} levels")]
    TooDeep { offset: u64, max: u32 },
    /// A link or a predefined handle, which names another place of the registry.
    #[error("key at {offset:#x} is a {kind}, which is not followed")]
    NotPlain { offset: u64, kind: &'static str },
    /// A symbolic link that does not tell where it leads, or is not to be made so.
    #[error("key at {offset:#x} is a symbolic link without a target that begins with a backslash")]
    LinkTarget { offset: u64 },
    /// A key that holds something and cannot become a link.
    #[error("key at {offset:#x} has subkeys or values and cannot become a link")]
    NotEmpty { offset: u64 },
    /// The root of a hive cannot be deleted.
    #[error("the root key cannot be deleted")]
    RootKey,
    /// A key that carries the flag against deletion.
    #[error("key at {offset:#x} is marked as not to be deleted")]
    NoDelete { offset: u64 },
    /// A key of that name is there already.
    #[error("there is a key of that name already, at {offset:#x}")]
    Exists { offset: u64 },
    /// A key cannot be put below itself.
    #[error("key at {offset:#x} cannot go below itself")]
    IntoItself { offset: u64 },
    /// A name that no key can have.
    #[error("{name:?} is not the name of a key")]
    KeyName { name: String },
    /// A name longer than the registry allows.
    #[error("{what} name of {units} UTF-16 units is longer than {max}")]
    NameTooLong { what: &'static str, units: usize, max: usize },
    /// Data longer than the hive's format can hold.
    #[error("data of {length} bytes is longer than the {max} this hive can hold in a value")]
    DataTooLong { length: usize, max: usize },
    /// A list longer than one cell may be.
    #[error("key at {offset:#x} cannot hold more {what}")]
    TooMany { offset: u64, what: &'static str },
    /// The hive cannot grow further.
    #[error("hive would grow past {max} bytes")]
    Full { max: u64 },
    /// A security descriptor, or its text.
    #[error("security descriptor of a key")]
    SecurityDescriptor(#[from] winkiln_security::SecurityError),
}

impl HiveError {
    /// True when the transaction logs beside the hive may put it right: a write that was not completed, a torn base block,
    /// or bins that are not in the file yet.
    #[must_use]
    pub fn logs_may_help(&self) -> bool {
        matches!(self, Self::Dirty { .. } | Self::Checksum { .. } | Self::Length { .. })
    }

    /// True when the hive is unsafe to edit: not a hive, dirty (logs would have to be applied), damaged.
    /// False for plain answers (root key, name too long, data too long, a link).
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        use winkiln_security::SecurityError::{Sddl, SddlDomain};
        !matches!(
            self,
            Self::RootKey
                | Self::NoDelete { .. }
                | Self::Exists { .. }
                | Self::IntoItself { .. }
                | Self::KeyName { .. }
                | Self::NameTooLong { .. }
                | Self::DataTooLong { .. }
                | Self::TooMany { .. }
                | Self::Full { .. }
                | Self::NotPlain { .. }
                | Self::LinkTarget { .. }
                | Self::NotEmpty { .. }
                | Self::TooDeep { .. }
                | Self::SecurityDescriptor(Sddl { .. } | SddlDomain { .. })
        )
    }
}
