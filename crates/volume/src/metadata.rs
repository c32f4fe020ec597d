//! What is told of files, folders and their streams.

/// An alternate or unnamed stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Empty for the unnamed stream.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// A link from a path to another place, NTFS only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What kind of link.
    pub kind: LinkKind,
    /// Where to: `C:\x`, `..\x`, `\\server\share\x`...
    pub target: String,
}

/// A kind of link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// A symbolic link.
    Symbolic,
    /// A junction: a mount point of a folder or of a volume.
    Junction,
}

/// Facts of a file or folder. Times are 100 ns ticks since 1601-01-01 UTC; FAT's are local time taken as UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Metadata {
    /// On FAT as the volume spells it, on NTFS as the path does; empty for the root folder.
    pub name: String,
    pub is_directory: bool,
    /// Bytes of the unnamed stream, or of the stream that the path names.
    pub size: u64,
    pub allocated: u64,
    /// DOS attribute bits.
    pub attributes: u32,
    pub created: u64,
    pub modified: u64,
    pub accessed: u64,
    /// NTFS only: record number and sequence as one number.
    pub file_reference: Option<u64>,
    pub links: u32,
    pub reparse_tag: Option<u32>,
    /// Where a symbolic link or a junction leads, as people write it.
    pub link: Option<Link>,
    pub streams: Vec<Stream>,
    /// NTFS only: self-relative security descriptor.
    pub security: Option<Vec<u8>>,
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Entry {
    pub name: String,
    pub short_name: Option<String>,
    pub is_directory: bool,
    pub size: u64,
    pub attributes: u32,
    pub modified: u64,
}
