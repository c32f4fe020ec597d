//! Why an archive, or a file in it, could not be read.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// What a tree of files was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A folder of the host.
    Folder,
    /// ISO 9660, with the names of Rock Ridge, Joliet or neither.
    Iso,
    /// UDF.
    Udf,
    /// A zip.
    Zip,
    /// A cabinet.
    Cabinet,
    /// A tar.
    Tar,
    /// A gzip with a tar in it.
    TarGz,
    /// A Windows Installer package.
    Msi,
    /// A file packed by itself.
    Packed,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Folder => "folder",
            Self::Iso => "ISO 9660 image",
            Self::Udf => "UDF image",
            Self::Zip => "zip",
            Self::Cabinet => "cabinet",
            Self::Tar => "tar",
            Self::TarGz => "tar.gz",
            Self::Msi => "MSI",
            Self::Packed => "packed file",
        })
    }
}

/// Why an archive, or a file in it, could not be read. `at` counts bytes from the start of the archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The path could not be opened or listed.
    #[error("cannot open {}", path.display())]
    Open {
        /// The path of the host.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The medium failed.
    #[error("cannot read {length} bytes at offset {at:#x}")]
    Read {
        /// First byte of the range.
        at: u64,
        /// Bytes asked for.
        length: u64,
        /// What the operating system said.
        source: io::Error,
    },
    /// The contents are of no format that is read here.
    #[error(
        "no folder, ISO, zip, cabinet, tar, tar.gz or MSI: the file has {size} bytes and begins with {start:02x?}"
    )]
    UnknownFormat {
        /// The first bytes.
        start: [u8; 8],
        /// Size in bytes.
        size: u64,
    },
    /// The format is known; this use of it is not read here.
    #[error("{format}: {what} is not supported")]
    Unsupported {
        /// The format.
        format: Format,
        /// What is not supported.
        what: &'static str,
    },
    /// A structure holds what it may not.
    #[error("{format}: {structure} at {at:#x} holds {found:#x}, not {expected}")]
    Damaged {
        /// The format.
        format: Format,
        /// The structure's name in the format's documents.
        structure: &'static str,
        /// Where it lies.
        at: u64,
        /// The number found.
        found: u64,
        /// What would have been right.
        expected: &'static str,
    },
    /// A structure passes the end of what holds it.
    #[error("{format}: {structure} at {at:#x}+{length:#x} passes the end ({size:#x})")]
    Truncated {
        /// The format.
        format: Format,
        /// The structure's name in the format's documents.
        structure: &'static str,
        /// Where it lies.
        at: u64,
        /// Bytes it should have.
        length: u64,
        /// Bytes of what holds it.
        size: u64,
    },
    /// More files and folders than the limits allow.
    #[error("{format}: more than {max} files and folders")]
    TooManyEntries {
        /// The format.
        format: Format,
        /// The limit.
        max: usize,
    },
    /// More bytes than the limits allow.
    #[error("{format}: the files have {size} bytes, more than {max}")]
    TooLarge {
        /// The format.
        format: Format,
        /// Bytes of all files together.
        size: u64,
        /// The limit.
        max: u64,
    },
    /// Files that unpack to far more than the archive holds.
    #[error("{format}: {packed} bytes unpack to {unpacked}, more than {ratio} times as many")]
    Expands {
        /// The format.
        format: Format,
        /// Packed bytes.
        packed: u64,
        /// Unpacked bytes.
        unpacked: u64,
        /// The limit.
        ratio: u64,
    },
    /// No file or folder of this name.
    #[error("no {path:?} in the {format}")]
    NotFound {
        /// The format.
        format: Format,
        /// The name asked for.
        path: String,
    },
    /// Two names that differ only in case, where neither is exactly what was asked for.
    #[error("{path:?} may be {first:?} or {second:?}")]
    Ambiguous {
        /// The name asked for.
        path: String,
        /// One that matches.
        first: String,
        /// Another.
        second: String,
    },
    /// A folder where a file was asked for.
    #[error("{path:?} is a folder")]
    IsFolder {
        /// The name.
        path: String,
    },
    /// A file longer than the caller wants to hold.
    #[error("{path:?} has {size} bytes, more than {max}")]
    FileTooLarge {
        /// The name.
        path: String,
        /// Its size in bytes.
        size: u64,
        /// The limit of the caller.
        max: u64,
    },
    /// A file of the host that is no longer what it was when it was listed.
    #[error("{} changed or left its folder while it was read", path.display())]
    Changed {
        /// The path of the host.
        path: PathBuf,
    },
    /// Contents that cannot be unpacked, or are not what the archive says.
    #[error("{format}: contents at {at:#x} cannot be unpacked: {what}")]
    Contents {
        /// The format.
        format: Format,
        /// Where the packed bytes begin.
        at: u64,
        /// What is wrong.
        what: &'static str,
    },
}
