//! The public face of a volume.

mod contents;
mod links;
mod names;
mod security;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use winkiln_disk::Device;

use crate::{Error, FileReference, FileTime, VolumeState, core::Core, mft};

/// How to open a volume.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenOptions {
    /// Opens for writing; refused when the volume's state does not allow it.
    pub writable: bool,
    /// Opens for writing although the dirty flag is set. It stays set.
    pub allow_dirty: bool,
    /// The time to stamp on what is changed.
    pub now: FileTime,
}

/// A named or unnamed `$DATA` stream of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInfo {
    /// Name; empty for the unnamed stream.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// Bytes allocated on disk (0 when resident).
    pub allocated: u64,
}

/// What `stat` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The file.
    pub reference: FileReference,
    /// A folder.
    pub is_directory: bool,
    /// Length of the unnamed stream in bytes.
    pub size: u64,
    /// DOS attribute bits (FILE_ATTRIBUTE_*).
    pub attributes: u32,
    /// Created.
    pub created: FileTime,
    /// Contents modified.
    pub modified: FileTime,
    /// Record changed.
    pub changed: FileTime,
    /// Last access.
    pub accessed: FileTime,
    /// Names (hard links) that are not DOS-only.
    pub links: u32,
    /// Reparse tag, when it is a reparse point.
    pub reparse_tag: Option<u32>,
    /// `$DATA` streams.
    pub streams: Vec<StreamInfo>,
    /// The self-relative security descriptor.
    pub security: Option<Vec<u8>>,
}

/// One entry of a folder. DOS-only names are folded into `short_name` of the long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The file.
    pub reference: FileReference,
    /// Win32 or POSIX name. Unpaired surrogates become U+FFFD.
    pub name: String,
    /// 8.3 name when there is a separate one.
    pub short_name: Option<String>,
    /// A folder.
    pub is_directory: bool,
    /// Size as the index says (may lag; `metadata` is exact).
    pub size: u64,
    /// DOS attributes as the index says.
    pub attributes: u32,
    /// Contents modified, as the index says.
    pub modified: FileTime,
}

/// An open NTFS volume. Writes go to the device when an operation ends or at [`Volume::flush`]: file contents at once, metadata from
/// memory. An operation that fails leaves the metadata as they were; still, after an error of the device or of [`Volume::flush`] the
/// caller must discard the transaction below.
pub struct Volume {
    core: Mutex<Core>,
    writable: bool,
    serial: u64,
    version: (u8, u8),
    cluster_size: u32,
    root: FileReference,
}

impl std::fmt::Debug for Volume {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Volume")
            .field("serial", &self.serial)
            .field("writable", &self.writable)
            .finish_non_exhaustive()
    }
}

impl Volume {
    /// Opens the volume that `device` holds. Read-only opening succeeds on unclean volumes; see [`Volume::state`].
    ///
    /// # Errors
    /// [`Error::BootSector`] when it is not NTFS, [`Error::Damaged`] when its first structures are unusable, and for writing
    /// [`Error::NotClean`].
    pub fn open(device: Arc<dyn Device>, options: OpenOptions) -> Result<Self, Error> {
        let mut core = Core::open(device, options.now)?;
        if options.writable {
            let mut reasons = core.volume_state()?.reasons;
            reasons.retain(|reason| !(options.allow_dirty && reason == "dirty"));
            if !reasons.is_empty() {
                return Err(Error::NotClean { reasons });
            }
            core.find_original_bitmap()?;
        }
        Ok(Self {
            writable: options.writable,
            serial: core.geometry.serial,
            version: core.volume_information()?.version,
            cluster_size: core.geometry.cluster_size,
            root: core.reference(mft::ROOT)?,
            core: Mutex::new(core),
        })
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, f: impl FnOnce(&mut Core) -> Result<T, Error>) -> Result<T, Error> {
        f(&mut self.core())
    }

    fn change<T>(&self, f: impl FnOnce(&mut Core) -> Result<T, Error>) -> Result<T, Error> {
        if self.writable { self.core().operation(f) } else { Err(Error::ReadOnly) }
    }

    /// Whether the volume may be written.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Device`] when that cannot be told.
    pub fn state(&self) -> Result<VolumeState, Error> {
        self.read(Core::volume_state)
    }

    /// The volume's label.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Device`].
    pub fn label(&self) -> Result<String, Error> {
        self.read(Core::label)
    }

    /// The serial number of the boot sector.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// NTFS version, such as (3, 1).
    #[must_use]
    pub fn version(&self) -> (u8, u8) {
        self.version
    }

    /// Bytes per cluster.
    #[must_use]
    pub fn cluster_size(&self) -> u32 {
        self.cluster_size
    }

    /// Free bytes. Reads the whole `$Bitmap`.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Device`].
    pub fn free_bytes(&self) -> Result<u64, Error> {
        self.read(|core| Ok(core.free_clusters()? * core.cluster()))
    }

    /// The root folder.
    #[must_use]
    pub fn root(&self) -> FileReference {
        self.root
    }

    /// Looks a path up from the root; components separated by `\` or `/`; case-insensitive by `$UpCase` (unless a folder is
    /// case-sensitive); 8.3 names are found too. Links and junctions are not followed.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Index`] or [`Error::Device`].
    pub fn find(&self, path: &str) -> Result<Option<FileReference>, Error> {
        self.read(|core| core.find(path))
    }

    /// Facts of a file or folder.
    ///
    /// # Errors
    /// [`Error::StaleReference`], [`Error::Damaged`] or [`Error::Device`].
    pub fn metadata(&self, file: FileReference) -> Result<Metadata, Error> {
        self.read(|core| core.metadata(file))
    }

    /// Entries of a folder in index order, without NTFS's own files in the root.
    ///
    /// # Errors
    /// [`Error::NotADirectory`], [`Error::StaleReference`], [`Error::Damaged`], [`Error::Index`] or [`Error::Device`].
    pub fn read_directory(&self, folder: FileReference) -> Result<Vec<DirectoryEntry>, Error> {
        self.read(|core| core.list(folder))
    }

    /// Length of a stream in bytes; `""` is the unnamed one. `None` when there is no such stream.
    ///
    /// # Errors
    /// [`Error::StaleReference`], [`Error::Damaged`] or [`Error::Device`].
    pub fn stream_size(&self, file: FileReference, stream: &str) -> Result<Option<u64>, Error> {
        self.read(|core| Ok(core.data(file, stream)?.map(|stream| stream.size())))
    }

    /// Reads from a stream; returns the bytes read, 0 at the end.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::Encrypted`], [`Error::WofCompressed`] when the overlay filter keeps the bytes in an image
    /// or a form that is not known, [`Error::StaleReference`], [`Error::Damaged`] or [`Error::Device`].
    pub fn read_at(
        &self,
        file: FileReference,
        stream: &str,
        offset: u64,
        buf: &mut [u8],
    ) -> Result<usize, Error> {
        self.read(|core| core.read_data(file, stream, offset, buf))
    }

    /// Writes to a stream, growing it as needed (a gap reads as zeros). Creates a named stream that does not exist. A compressed
    /// stream becomes a plain one, and a file that the overlay filter packed an ordinary one, as Windows does it.
    ///
    /// # Errors
    /// [`Error::Encrypted`], [`Error::WofCompressed`] when the overlay filter keeps the bytes in an image or a form that is not
    /// known, [`Error::VolumeFull`] also when there is no room for the plain form, [`Error::SystemFile`], [`Error::IsADirectory`] and those of reading. Nothing has changed then.
    pub fn write_at(
        &mut self,
        file: FileReference,
        stream: &str,
        offset: u64,
        data: &[u8],
    ) -> Result<(), Error> {
        self.change(|core| core.write_data(file, stream, offset, data))
    }

    /// Sets a stream's length: cuts, or grows with zeros. A compressed or overlaid stream becomes a plain one; length 0 makes a sparse
    /// one plain too.
    ///
    /// # Errors
    /// As [`Volume::write_at`].
    pub fn set_size(&mut self, file: FileReference, stream: &str, size: u64) -> Result<(), Error> {
        self.change(|core| core.resize_data(file, stream, size))
    }

    /// Creates an empty file with inherited security. Fails when the name exists.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::NameNotAllowed`], [`Error::NotADirectory`], [`Error::VolumeFull`],
    /// [`Error::SystemFile`] and those of reading. Nothing has changed then.
    pub fn create_file(
        &mut self,
        folder: FileReference,
        name: &str,
        attributes: u32,
    ) -> Result<FileReference, Error> {
        self.create_file_with(folder, name, attributes, None)
    }

    /// Creates a folder with inherited security. Fails when the name exists.
    ///
    /// # Errors
    /// As [`Volume::create_file`].
    pub fn create_directory(
        &mut self,
        folder: FileReference,
        name: &str,
    ) -> Result<FileReference, Error> {
        self.create_directory_with(folder, name, None)
    }

    /// Removes a name, and the file with its last name. A folder must be empty. A long name and its 8.3 name go together.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::DirectoryNotEmpty`], [`Error::SystemFile`] and those of reading.
    /// Nothing has changed then.
    pub fn remove(&mut self, folder: FileReference, name: &str) -> Result<(), Error> {
        self.change(|core| core.remove(folder, name))
    }

    /// Renames or moves a file or folder within the volume. Of a file with several names (hard links) this one alone changes; its
    /// 8.3 name goes with it. With `replace` a file of the new name is removed first; a folder never is. Changing the case of
    /// letters alone is a rename too.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::AlreadyExists`], [`Error::IsADirectory`] when a folder has the new name,
    /// [`Error::FolderIntoItself`], [`Error::NameNotAllowed`], [`Error::NotADirectory`], [`Error::VolumeFull`],
    /// [`Error::SystemFile`] and those of reading. Nothing has changed then.
    pub fn rename(
        &mut self,
        from_folder: FileReference,
        from_name: &str,
        to_folder: FileReference,
        to_name: &str,
        replace: bool,
    ) -> Result<(), Error> {
        self.change(|core| core.rename((from_folder, from_name), (to_folder, to_name), replace))
    }

    /// Gives a file one more name (a hard link), in any folder of the volume.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::IsADirectory`], [`Error::TooManyLinks`], [`Error::NameNotAllowed`],
    /// [`Error::NotADirectory`], [`Error::VolumeFull`], [`Error::SystemFile`] and those of reading.
    /// Nothing has changed then.
    pub fn link(
        &mut self,
        file: FileReference,
        folder: FileReference,
        name: &str,
    ) -> Result<(), Error> {
        self.change(|core| core.link(file, folder, name))
    }

    /// Removes a named stream of a file.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], also for the unnamed stream; [`Error::SystemFile`] and those of reading. Nothing has changed then.
    pub fn remove_stream(&mut self, file: FileReference, stream: &str) -> Result<(), Error> {
        self.change(|core| core.remove_data(file, stream))
    }

    /// Sets the DOS attributes that users may set (read-only, hidden, system, archive, not-indexed, temporary, offline).
    ///
    /// # Errors
    /// [`Error::SystemFile`], [`Error::StaleReference`], [`Error::Damaged`] or [`Error::Device`].
    pub fn set_attributes(&mut self, file: FileReference, attributes: u32) -> Result<(), Error> {
        self.change(|core| core.set_attributes(file, attributes))
    }

    /// Sets times that are given.
    ///
    /// # Errors
    /// As [`Volume::set_attributes`].
    pub fn set_times(
        &mut self,
        file: FileReference,
        created: Option<FileTime>,
        modified: Option<FileTime>,
        accessed: Option<FileTime>,
    ) -> Result<(), Error> {
        self.change(|core| core.set_times(file, created, modified, accessed))
    }

    /// Writes everything cached to the device.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn flush(&mut self) -> Result<(), Error> {
        self.core().flush()
    }
}
