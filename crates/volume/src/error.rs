//! Why a volume was not read or changed.

use crate::Filesystem;
use crate::fat::FatError;

/// Why a volume was not read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VolumeError {
    /// NTFS.
    #[error("ntfs volume")]
    Ntfs(#[from] winkiln_ntfs::Error),
    /// FAT.
    #[error("fat volume")]
    Fat(#[from] FatError),
    /// The device below failed.
    #[error("cannot access the volume's device")]
    Device(#[from] winkiln_disk::DeviceError),
    /// The partition holds something that is not opened.
    #[error("the volume holds {filesystem}, which cannot be opened: {way_out}")]
    Unsupported {
        /// What it holds.
        filesystem: Filesystem,
        /// What can be done about it.
        way_out: &'static str,
    },
    /// Nothing there.
    #[error("no such file or folder: {path}")]
    NotFound {
        /// The path as given.
        path: String,
    },
    /// The file has no such stream.
    #[error("{path} has no stream {stream:?}")]
    NoSuchStream {
        /// The path as given.
        path: String,
        /// The stream's name.
        stream: String,
    },
    /// A path that cannot be followed.
    #[error("{path:?} is not a path: {reason}")]
    BadPath {
        /// The path as given.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The name is taken.
    #[error("{path} exists already")]
    AlreadyExists {
        /// The path as given.
        path: String,
    },
    /// A folder was needed.
    #[error("{path} is not a folder")]
    NotADirectory {
        /// The path as given.
        path: String,
    },
    /// A file was needed.
    #[error("{path} is a folder")]
    IsADirectory {
        /// The path as given.
        path: String,
    },
    /// Only empty folders are removed.
    #[error("folder {path} is not empty")]
    DirectoryNotEmpty {
        /// The path as given.
        path: String,
    },
    /// A link, or a file whose contents lie elsewhere: what is written to it would not be seen.
    #[error("{path} is a reparse point (tag {tag:#010x}), which is not written through")]
    ReparsePoint {
        /// The path as given.
        path: String,
        /// The reparse tag.
        tag: u32,
    },
    /// FAT files have one stream.
    #[error("{path}: FAT has no alternate data streams")]
    NoStreamsOnFat {
        /// The path as given.
        path: String,
    },
    /// Files on FAT keep their names.
    #[error("{path}: renaming is not supported on FAT")]
    NoRenameOnFat {
        /// The path as given.
        path: String,
    },
    /// FAT has no links, no security and one kind of names.
    #[error("{path}: FAT has no {what}")]
    NotOnFat {
        /// The path as given.
        path: String,
        /// What it has not.
        what: &'static str,
    },
    /// A link on the way leads to another drive, volume or share.
    #[error("{path} leads out of the volume: its link {link:?} leads to {target}")]
    LeavesVolume {
        /// The path as given.
        path: String,
        /// The link's name.
        link: String,
        /// Its target.
        target: String,
    },
    /// Links that lead in a circle, or through too many others.
    #[error("{path} leads through more than {most} links")]
    TooManyLinks {
        /// The path as given.
        path: String,
        /// Links that one path may lead through.
        most: usize,
    },
    /// A file that is larger than the caller takes.
    #[error("{path} is {size} bytes, at most {limit} are read")]
    TooLarge {
        /// The path as given.
        path: String,
        /// Its size in bytes.
        size: u64,
        /// The caller's limit in bytes.
        limit: u64,
    },
    /// The source of a file's contents failed.
    #[error("cannot read the new contents of {path}")]
    Source {
        /// The path as given.
        path: String,
        /// What the source said; an early end is `UnexpectedEof`.
        source: std::io::Error,
    },
}

impl VolumeError {
    /// True when the volume is unsafe to edit (damaged, dirty, hibernated, encrypted, unsupported), as opposed to plain answers.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Ntfs(error) => error.is_refusal(),
            Self::Fat(error) => error.is_refusal(),
            Self::Unsupported { .. } => true,
            _ => false,
        }
    }

    /// True when a path does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. }
                | Self::NoSuchStream { .. }
                | Self::Ntfs(winkiln_ntfs::Error::NotFound { .. })
        )
    }
}
