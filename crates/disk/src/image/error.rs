//! Why an image was not opened.

use std::io;
use std::path::{Path, PathBuf};

use super::Format;
use super::probe::KnownFormat;
use super::qcow2_header::Qcow2Error;
use crate::host::holder::Holders;
use crate::nbd::NbdError;

/// Why an image was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// `open`, `read`, `lock`...
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path names something that cannot be an image.
    #[error("{} is {found}, neither a file nor a block device", path.display())]
    NotAnImage {
        /// The path.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// Another program has the image open.
    #[error(
        "{} is in use by {holders}, by the \"{permission}\" lock: shut the guest down, or stop the program that has it open",
        path.display()
    )]
    InUse {
        /// The image, or a file it is based on.
        path: PathBuf,
        /// The QEMU block permission in conflict.
        permission: &'static str,
        /// Who has it open.
        holders: Holders,
    },
    /// The system itself uses the block device.
    #[error("{} is in use by this system: unmount its file systems and detach what is stacked on it", path.display())]
    DeviceBusy {
        /// The block device.
        path: PathBuf,
    },
    /// An image of another format.
    #[error("{} is a {found} image, which is not supported: convert it with `qemu-img convert`", path.display())]
    UnsupportedFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: KnownFormat,
    },
    /// What a container of another hypervisor says of itself keeps it from being used as asked.
    #[error("the {} image {} cannot be used: {reason}", format.name(), path.display())]
    Container {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: Format,
        /// Why not.
        reason: &'static str,
    },
    /// The program that opens containers of other hypervisors is not there.
    #[error(
        "{} is a {} image, which is opened through {program}, which is not installed: install QEMU's tools, or convert a copy with `qemu-img convert` elsewhere",
        path.display(), format.name()
    )]
    NoQemuNbd {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: Format,
        /// The program.
        program: String,
    },
    /// The program that opens containers of other hypervisors did not take it.
    #[error("qemu-nbd does not open {} as {}: {said}", path.display(), format.name())]
    QemuNbd {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: Format,
        /// What the program said.
        said: String,
    },
    /// An NBD server could not be used.
    #[error("cannot use {}", path.display())]
    Nbd {
        /// The address, or the file that is served.
        path: PathBuf,
        /// What went wrong.
        source: NbdError,
    },
    /// What an NBD server exports is a disk, not a file in some format.
    #[error("{} is a disk already: an NBD server exports the guest's bytes", path.display())]
    ServedFormat {
        /// The address.
        path: PathBuf,
    },
    /// An overlay can stand on raw and qcow2 images alone.
    #[error("an overlay cannot stand on {}, which is neither raw nor qcow2", path.display())]
    OverlayBase {
        /// The image.
        path: PathBuf,
    },
    /// The qcow2 header says that the image cannot be used, or not as asked.
    #[error("the qcow2 image {} cannot be used", path.display())]
    Qcow2 {
        /// The file.
        path: PathBuf,
        /// What is wrong with its header.
        source: Qcow2Error,
    },
    /// The image names a file outside its own folder, and nobody said that it may.
    #[error(
        "{} was only probed and names {} outside its folder: allow that file, or give the format explicitly if the image can be trusted",
        path.display(), names.display()
    )]
    BackingOutside {
        /// The image.
        path: PathBuf,
        /// The backing or data file, resolved.
        names: PathBuf,
    },
    /// The image names something that is not a plain path.
    #[error("{} is based on {name:?}, which is not a plain file name", path.display())]
    BackingName {
        /// The image.
        path: PathBuf,
        /// The name as stored.
        name: String,
    },
    /// The backing file has a format other than raw or qcow2.
    #[error("{} is based on an image of format {format:?}, only raw and qcow2 are supported", path.display())]
    BackingFormat {
        /// The image.
        path: PathBuf,
        /// The format as stored.
        format: String,
    },
    /// The chain of backing files leads back to itself.
    #[error("{} is based on itself by way of its backing files", path.display())]
    BackingLoop {
        /// The file met twice.
        path: PathBuf,
    },
    /// The chain of backing files is too long.
    #[error("{} stands on more than {limit} backing files", path.display())]
    BackingDepth {
        /// The topmost image.
        path: PathBuf,
        /// The most that is followed.
        limit: usize,
    },
    /// The format driver did not accept the image.
    #[error("cannot open {} as qcow2", path.display())]
    Driver {
        /// The file.
        path: PathBuf,
        /// What the driver said.
        source: io::Error,
    },
    /// A block device, or a disk behind a server, needs a folder for its journal.
    #[error("no journal can be kept beside {}: name a folder for it", path.display())]
    JournalFolder {
        /// The block device, or the address of a server.
        path: PathBuf,
    },
    /// The undo file is there already.
    #[error("the undo file {} is there already", path.display())]
    UndoExists {
        /// The file.
        path: PathBuf,
    },
    /// The overlay is there already.
    #[error("{} is there already", path.display())]
    OverlayExists {
        /// The file.
        path: PathBuf,
    },
    /// An overlay cannot stand on an image with an interrupted commit: QEMU would not look through its journal.
    #[error("a commit to {} was interrupted: finish or discard it first, with `winkiln recover`", path.display())]
    UnfinishedBelow {
        /// The image.
        path: PathBuf,
    },
    /// The journal beside the image could not be handled.
    #[error("cannot {action} the journal of an interrupted commit, {}", journal.display())]
    Journal {
        /// `read`, `check`, `finish`, `undo` or `remove`.
        action: &'static str,
        /// The journal.
        journal: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file with the journal's name is something else.
    #[error("{} has the name of a journal but is none: move it away", journal.display())]
    JournalForeign {
        /// The file.
        journal: PathBuf,
    },
    /// The journal was written by an older or newer program.
    #[error("the journal {} has version {version}, this program knows version 3: finish the commit with the program that began it", journal.display())]
    JournalVersion {
        /// The journal.
        journal: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The journal does not belong to the image as it is now.
    #[error(
        "the journal {} does not fit the image, which holds other bytes at offset {offset:#x} of its file: it was replaced or changed after the commit was interrupted; move the journal away to use the image as it is",
        journal.display()
    )]
    JournalMismatch {
        /// The journal.
        journal: PathBuf,
        /// The first offset of the image file that differs.
        offset: u64,
    },
    /// The journal is damaged after the commit had begun to write the image.
    #[error(
        "the journal {} is damaged, and a part of its commit is already in the image, at offset {offset:#x} of its file: restore the image from a backup, or move the journal away to use it as it is",
        journal.display()
    )]
    JournalDamaged {
        /// The journal.
        journal: PathBuf,
        /// The first offset of the image file that was already written.
        offset: u64,
    },
}

impl ImageError {
    /// Another program has the file at `path` open.
    pub(super) fn in_use(path: &Path, permission: &'static str) -> Self {
        Self::InUse { path: path.to_owned(), permission, holders: Holders::of(path) }
    }

    /// True when the image is not safe to open as asked: in use, encrypted, dirty, corrupt, unsupported features,
    /// a forbidden backing file. False for plain failures (not found, no permission, I/O).
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        !matches!(
            self,
            Self::Io { .. }
                | Self::NotAnImage { .. }
                | Self::Driver { .. }
                | Self::JournalFolder { .. }
                | Self::Journal { .. }
                | Self::UndoExists { .. }
                | Self::OverlayExists { .. }
                | Self::OverlayBase { .. }
                | Self::NoQemuNbd { .. }
                | Self::QemuNbd { .. }
                | Self::Nbd { .. }
                | Self::ServedFormat { .. }
        )
    }
}
