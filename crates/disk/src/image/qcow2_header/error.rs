//! Why a qcow2 header was refused.

/// What is wrong with a qcow2 header, or what it says that cannot be handled. Offsets count from the file's start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Qcow2Error {
    /// The file does not start as qcow2.
    #[error("no qcow2 magic at offset 0: found {found:02x?}")]
    Magic {
        /// The first four bytes.
        found: [u8; 4],
    },
    /// The file ends inside the header.
    #[error("the file ends at {found} bytes, inside the header of {expected} bytes")]
    Truncated {
        /// Bytes of the file.
        found: u64,
        /// Bytes needed.
        expected: u64,
    },
    /// A version other than 2 and 3.
    #[error("version {found} at offset 4, expected 2 or 3")]
    Version {
        /// The version.
        found: u32,
    },
    /// A field has a value outside its range.
    #[error("{field} at offset {offset} is {found}, expected {expected}")]
    Field {
        /// The field's name in the format description.
        field: &'static str,
        /// Where it stands.
        offset: u64,
        /// Its value.
        found: u64,
        /// What would be right.
        expected: String,
    },
    /// A table does not lie inside the file.
    #[error(
        "the {table} at offset {offset:#x} takes {length:#x} bytes and passes the end of the file ({file:#x} bytes)"
    )]
    PastEnd {
        /// The table.
        table: &'static str,
        /// Where it starts.
        offset: u64,
        /// Its length in bytes.
        length: u64,
        /// The file's length in bytes.
        file: u64,
    },
    /// Two structures share bytes.
    #[error("the {first} and the {second} overlap")]
    Overlap {
        /// The one.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// The header extensions do not end where they should.
    #[error(
        "header extension {kind:#010x} at offset {offset:#x} has {length:#x} bytes and leaves the first cluster"
    )]
    Extension {
        /// Type of the extension.
        kind: u32,
        /// Where it starts.
        offset: u64,
        /// Its length.
        length: u64,
    },
    /// A cluster in use has a refcount of 0, or was handed out to a second owner because of one.
    #[error(
        "its refcounts call the cluster at offset {offset:#x} free, which is in use: repair it with `qemu-img check -r all`"
    )]
    CountedFree {
        /// Where the cluster lies in the file.
        offset: u64,
    },
    /// A name is not text.
    #[error("the {name} at offset {offset:#x} is not UTF-8")]
    NotText {
        /// Which name.
        name: &'static str,
        /// Where it stands.
        offset: u64,
    },
    /// The guest's data is encrypted.
    #[error("it is encrypted (crypt_method {method} at offset 32)")]
    Encrypted {
        /// 1 AES, 2 LUKS.
        method: u32,
    },
    /// The dirty bit is set: the image was not closed cleanly.
    #[error(
        "it is marked dirty (incompatible feature bit 0): repair it with `qemu-img check -r all`"
    )]
    Dirty,
    /// The corrupt bit is set.
    #[error(
        "it is marked corrupt (incompatible feature bit 1): repair it with `qemu-img check -r all`"
    )]
    Corrupt,
    /// Compressed clusters use something other than zlib.
    #[error(
        "its compression type is {method}, not zlib (incompatible feature bit 3): convert it with `qemu-img convert`"
    )]
    Compression {
        /// `zstd`, or the number.
        method: String,
    },
    /// Subclusters.
    #[error(
        "it has extended L2 entries (incompatible feature bit 4): convert it with `qemu-img convert`"
    )]
    ExtendedL2,
    /// An external data file cannot be part of a transaction.
    #[error(
        "its data is in an external data file (incompatible feature bit 2), which can be read but not written"
    )]
    ExternalData,
    /// Incompatible features that nobody told this program of.
    #[error("it uses unknown incompatible features {bits:#x}")]
    UnknownIncompatible {
        /// The unknown bits.
        bits: u64,
    },
    /// Persistent bitmaps would become wrong.
    #[error(
        "it holds persistent bitmaps (auto-clear feature bit 0), which writing would spoil: remove them with `qemu-img bitmap --remove`"
    )]
    Bitmaps,
    /// The external data file is also a raw image of its own.
    #[error(
        "its external data file is a raw image too (auto-clear feature bit 1), which writing would spoil"
    )]
    RawExternalData,
    /// Auto-clear features that writing would spoil.
    #[error("it uses unknown auto-clear features {bits:#x}, which writing would spoil")]
    UnknownAutoclear {
        /// The unknown bits.
        bits: u64,
    },
}
