//! Why an NTFS volume was not read or changed.

/// Why an NTFS volume was not read or changed. Offsets count bytes from the start of the volume unless said otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device below failed.
    #[error("cannot access the volume's device")]
    Device(#[from] winkiln_disk::DeviceError),
    /// A path component does not exist.
    #[error("no such file or folder: {path}")]
    NotFound {
        /// The path as given.
        path: String,
    },
    /// The name exists already (in any case of its letters).
    #[error("the name exists already: {name}")]
    AlreadyExists {
        /// The name as given.
        name: String,
    },
    /// Win32 does not allow the name.
    #[error("name {name:?} is not allowed: {reason}")]
    NameNotAllowed {
        /// The name as given.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// A folder was needed.
    #[error("file record {record} is not a folder")]
    NotADirectory {
        /// Its record number.
        record: u64,
    },
    /// A file was needed.
    #[error("file record {record} is a folder")]
    IsADirectory {
        /// Its record number.
        record: u64,
    },
    /// Only empty folders are removed.
    #[error("folder {name:?} is not empty")]
    DirectoryNotEmpty {
        /// The folder's name.
        name: String,
    },
    /// A folder does not go into itself or a folder below it.
    #[error("a folder cannot be moved into itself: {name}")]
    FolderIntoItself {
        /// The new name as given.
        name: String,
    },
    /// A file has as many names as NTFS allows.
    #[error("file record {record} has {most} names already")]
    TooManyLinks {
        /// Its record number.
        record: u64,
        /// Names allowed.
        most: usize,
    },
    /// The file has no stream of this name.
    #[error("file record {record} has no stream {stream:?}")]
    NoSuchStream {
        /// The file's record number.
        record: u64,
        /// The stream's name.
        stream: String,
    },
    /// NTFS's own files are not changed as files.
    #[error("file record {record} belongs to the file system itself")]
    SystemFile {
        /// Its record number.
        record: u64,
    },
    /// Not enough free clusters or file records.
    #[error("the volume is full: {needed} clusters are needed, {free} are free")]
    VolumeFull {
        /// Clusters needed.
        needed: u64,
        /// Clusters free.
        free: u64,
    },
    /// A length that the volume cannot hold.
    #[error("a stream of {size} bytes does not fit the format")]
    TooLarge {
        /// The length asked for in bytes.
        size: u64,
    },
    /// The volume was opened for reading only.
    #[error("the volume is open for reading only")]
    ReadOnly,
    /// The reference names a file that does not exist any more.
    #[error("file reference {reference:#x} is stale: the record's sequence number is {found}")]
    StaleReference {
        /// The reference.
        reference: u64,
        /// Sequence number of the record now.
        found: u16,
    },
    /// A boot sector field that no NTFS volume has.
    #[error("boot sector: {field} is {found:#x}")]
    BootSector {
        /// The field.
        field: &'static str,
        /// Its value.
        found: u64,
    },
    /// A structure that contradicts itself or points nowhere.
    #[error("{structure} of file record {record}: {problem} ({found:#x})")]
    Damaged {
        /// The structure, in NTFS's words.
        structure: &'static str,
        /// The file record it belongs to.
        record: u64,
        /// What is wrong.
        problem: &'static str,
        /// The value found.
        found: u64,
    },
    /// A record or index block whose update sequence does not match: a write was torn.
    #[error(
        "{structure} {number}: sector {sector} holds a torn write (update sequence {found:#06x}, expected {expected:#06x})"
    )]
    TornWrite {
        /// `file record` or `index block`.
        structure: &'static str,
        /// Its number (record number or VCN).
        number: u64,
        /// Sector inside it, of 512 bytes.
        sector: usize,
        /// Value at the sector's end.
        found: u16,
        /// The record's update sequence number.
        expected: u16,
    },
    /// The volume may not be written in its present state.
    #[error("the volume may not be written: {}", reasons.join(", "))]
    NotClean {
        /// The words of [`crate::VolumeState::reasons`].
        reasons: Vec<String>,
    },
    /// A file that the Windows overlay filter (WOF) compressed: not written in part, and not read when its bytes lie in an image
    /// or are packed in a way that is not known.
    #[error(
        "file record {record} is compressed by the Windows overlay filter (reparse tag 0x80000017)"
    )]
    WofCompressed {
        /// Its record number.
        record: u64,
    },
    /// A stream encrypted by EFS.
    #[error("file record {record} is encrypted (EFS)")]
    Encrypted {
        /// Its record number.
        record: u64,
    },
    /// Writing into a stream whose storage form is not written.
    #[error("file record {record} holds a {form} stream, which is not written in part")]
    StreamForm {
        /// Its record number.
        record: u64,
        /// `compressed` or `sparse`.
        form: &'static str,
    },
    /// A symbolic link or a junction was needed.
    #[error("file record {record} is not a link")]
    NotALink {
        /// Its record number.
        record: u64,
    },
    /// What becomes a link, or case-sensitive, must be empty.
    #[error("file record {record} is not empty")]
    NotEmpty {
        /// Its record number.
        record: u64,
    },
    /// A reparse point that is neither a symbolic link nor a junction is left as it is.
    #[error("file record {record} is a reparse point of another kind (tag {tag:#010x})")]
    ReparseTag {
        /// Its record number.
        record: u64,
        /// The tag.
        tag: u32,
    },
    /// A link leads to another drive, volume or share, or to a drive letter that was not said to mean this volume.
    #[error("link {link:?} leads out of the volume, to {target}")]
    LeavesVolume {
        /// The link's name.
        link: String,
        /// Its target.
        target: String,
    },
    /// Links that lead in a circle, or through too many others.
    #[error("{path} leads through more than {most} links")]
    TooManyLevels {
        /// The path as given.
        path: String,
        /// Links that one path may lead through.
        most: usize,
    },
    /// A record has no room and nothing in it can be moved out.
    #[error("file record {record} has no room for {needed} more bytes of attributes")]
    RecordFull {
        /// Its record number.
        record: u64,
        /// Bytes missing.
        needed: usize,
    },
    /// A structure that is valid but not handled.
    #[error("file record {record}: {what} is not supported")]
    Unsupported {
        /// The file record it belongs to.
        record: u64,
        /// The structure.
        what: &'static str,
    },
    /// The log was not replayed.
    #[error(transparent)]
    Log(#[from] crate::log::LogError),
    // Indexes and security descriptors.
    /// An index was not read or changed.
    #[error(transparent)]
    Index(#[from] crate::index::IndexError),
    /// A security descriptor, or the store of them, was not read or changed.
    #[error(transparent)]
    Security(#[from] crate::security::SecurityError),
}

impl Error {
    /// True when the volume is unsafe to edit as it is: damaged, dirty, hibernated, an unclean log, an unsupported structure.
    /// False for plain answers (not found, exists already, name not allowed, volume full, not a directory).
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        if let Self::Index(error) = self {
            return error.is_refusal();
        }
        !matches!(
            self,
            Self::Device(_)
                | Self::NotFound { .. }
                | Self::AlreadyExists { .. }
                | Self::NameNotAllowed { .. }
                | Self::NotADirectory { .. }
                | Self::IsADirectory { .. }
                | Self::DirectoryNotEmpty { .. }
                | Self::FolderIntoItself { .. }
                | Self::TooManyLinks { .. }
                | Self::NotALink { .. }
                | Self::NotEmpty { .. }
                | Self::ReparseTag { .. }
                | Self::LeavesVolume { .. }
                | Self::TooManyLevels { .. }
                | Self::NoSuchStream { .. }
                | Self::SystemFile { .. }
                | Self::VolumeFull { .. }
                | Self::TooLarge { .. }
                | Self::ReadOnly
                | Self::StaleReference { .. }
        )
    }
}
