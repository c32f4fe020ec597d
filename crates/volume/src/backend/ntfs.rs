//! Paths on an NTFS volume.

mod links;

use std::sync::Arc;

use winkiln_disk::Device;
use winkiln_ntfs::{self as ntfs, FileReference, FileTime};

use crate::path::VolumePath;
use crate::{Entry, Metadata, OpenOptions, Stream, VolumeError};

/// The attribute of a new file.
const ATTRIBUTE_ARCHIVE: u32 = 0x20;
/// The reparse tag of files that the Windows overlay filter compressed; they take new contents.
const OVERLAY_TAG: u32 = 0x8000_0017;

#[derive(Debug)]
pub(crate) struct NtfsBackend(ntfs::Volume);

type Result<T> = std::result::Result<T, VolumeError>;

impl NtfsBackend {
    pub(crate) fn open(device: Arc<dyn Device>, options: OpenOptions) -> Result<Self> {
        let options = ntfs::OpenOptions {
            writable: options.writable,
            allow_dirty: options.allow_dirty,
            now: FileTime(options.now),
        };
        Ok(Self(ntfs::Volume::open(device, options)?))
    }

    pub(crate) fn metadata(&self, path: &VolumePath) -> Result<Option<Metadata>> {
        let Some(file) = self.find(&path.components)? else { return Ok(None) };
        let facts = self.0.metadata(file)?;
        let named = path.stream.as_deref().unwrap_or_default();
        let stream =
            facts.streams.iter().find(|stream| stream.name.to_lowercase() == named.to_lowercase());
        if path.stream.is_some() && stream.is_none() {
            return Ok(None);
        }
        Ok(Some(Metadata {
            name: path.components.last().cloned().unwrap_or_default(),
            is_directory: facts.is_directory,
            size: stream.map_or(facts.size, |stream| stream.size),
            allocated: stream.map_or(0, |stream| stream.allocated),
            attributes: facts.attributes,
            created: facts.created.0,
            modified: facts.modified.0,
            accessed: facts.accessed.0,
            file_reference: Some(facts.reference.0),
            links: facts.links,
            reparse_tag: facts.reparse_tag,
            link: facts.reparse_tag.and_then(|_| self.link(file)),
            streams: facts
                .streams
                .into_iter()
                .map(|stream| Stream { name: stream.name, size: stream.size })
                .collect(),
            security: facts.security,
        }))
    }

    pub(crate) fn read_directory(&self, path: &VolumePath) -> Result<Vec<Entry>> {
        let folder = self.existing(path)?;
        let entries = self.0.read_directory(folder).map_err(|error| about(error, path))?;
        Ok(entries
            .into_iter()
            .map(|entry| Entry {
                name: entry.name,
                short_name: entry.short_name,
                is_directory: entry.is_directory,
                size: entry.size,
                attributes: entry.attributes,
                modified: entry.modified.0,
            })
            .collect())
    }

    pub(crate) fn size(&self, path: &VolumePath) -> Result<u64> {
        let file = self.existing(path)?;
        let size = self.0.stream_size(file, stream(path)).map_err(|error| about(error, path))?;
        size.ok_or_else(|| no_such_stream(path))
    }

    pub(crate) fn read_at(&self, path: &VolumePath, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let file = self.existing(path)?;
        self.0.read_at(file, stream(path), offset, buf).map_err(|error| about(error, path))
    }

    /// Makes a file with its contents in one step. False, with nothing changed, when the name is taken, and for a stream.
    pub(crate) fn create(&mut self, path: &VolumePath, contents: &[u8]) -> Result<bool> {
        let Some((folder, name)) = path.split() else { return Err(is_directory(path)) };
        if path.stream.is_some() {
            return Ok(false);
        }
        let folder = self.folder(folder)?;
        match self.0.create_file_holding(folder, name, ATTRIBUTE_ARCHIVE, contents) {
            Err(ntfs::Error::AlreadyExists { .. }) => Ok(false),
            made => made.map(|_| true).map_err(|error| about(error, path)),
        }
    }

    /// Makes the file, or the stream of it, where it is not, and gives it its final length.
    pub(crate) fn prepare(&mut self, path: &VolumePath, length: u64) -> Result<()> {
        let Some((folder, name)) = path.split() else { return Err(is_directory(path)) };
        let file = match self.find(&path.components)? {
            Some(file) => {
                self.check_replaceable(file, path)?;
                file
            }
            None => {
                let folder = self.folder(folder)?;
                self.0
                    .create_file(folder, name, ATTRIBUTE_ARCHIVE)
                    .map_err(|error| about(error, path))?
            }
        };
        self.0.start_over(file, stream(path), length).map_err(|error| about(error, path))
    }

    /// Refuses new contents for a folder, and for a link: they would not be seen.
    fn check_replaceable(&self, file: FileReference, path: &VolumePath) -> Result<()> {
        if path.stream.is_some() {
            return Ok(());
        }
        let facts = self.0.metadata(file)?;
        if facts.is_directory {
            return Err(is_directory(path));
        }
        match facts.reparse_tag.filter(|tag| *tag != OVERLAY_TAG) {
            Some(tag) => Err(VolumeError::ReparsePoint { path: path.given.clone(), tag }),
            None => Ok(()),
        }
    }

    pub(crate) fn write_at(&mut self, path: &VolumePath, offset: u64, data: &[u8]) -> Result<()> {
        let file = self.existing(path)?;
        let stream = stream(path);
        if !stream.is_empty() && self.0.stream_size(file, stream)?.is_none() {
            return Err(no_such_stream(path));
        }
        self.0.write_at(file, stream, offset, data).map_err(|error| about(error, path))
    }

    pub(crate) fn set_size(&mut self, path: &VolumePath, size: u64) -> Result<()> {
        let file = self.existing(path)?;
        self.0.set_size(file, stream(path), size).map_err(|error| about(error, path))
    }

    pub(crate) fn create_directory(&mut self, path: &VolumePath) -> Result<()> {
        let (folder, name) = self.new_place(path)?;
        self.0.create_directory(folder, name).map_err(|error| about(error, path))?;
        Ok(())
    }

    pub(crate) fn remove(&mut self, path: &VolumePath) -> Result<()> {
        let Some((folder, name)) = path.split() else {
            return Err(VolumeError::BadPath {
                path: path.given.clone(),
                reason: "the root folder cannot be removed",
            });
        };
        if let Some(stream) = &path.stream {
            let file = self.existing(path)?;
            return self.0.remove_stream(file, stream).map_err(|error| about(error, path));
        }
        self.existing(path)?;
        let folder = self.find(folder)?.ok_or_else(|| not_found(path))?;
        self.0.remove(folder, name).map_err(|error| about(error, path))
    }

    pub(crate) fn rename(
        &mut self,
        from: &VolumePath,
        to: &VolumePath,
        replace: bool,
    ) -> Result<()> {
        let root = |path: &VolumePath| VolumeError::BadPath {
            path: path.given.clone(),
            reason: "the root folder cannot be renamed",
        };
        let (from_folder, from_name) = from.split().ok_or_else(|| root(from))?;
        let (to_folder, to_name) = to.split().ok_or_else(|| root(to))?;
        self.existing(from)?;
        let from_folder = self.find(from_folder)?.ok_or_else(|| not_found(from))?;
        let to_folder = self.folder(to_folder)?;
        self.0
            .rename(from_folder, from_name, to_folder, to_name, replace)
            .map_err(|error| about(error, to))
    }

    pub(crate) fn set_attributes(&mut self, path: &VolumePath, attributes: u32) -> Result<()> {
        let file = self.existing(path)?;
        self.0.set_attributes(file, attributes).map_err(|error| about(error, path))
    }

    pub(crate) fn flush(&mut self) -> Result<()> {
        Ok(self.0.flush()?)
    }

    fn find(&self, components: &[String]) -> Result<Option<FileReference>> {
        match self.0.find(&components.join("\\")) {
            // A file on the way is no folder: nothing is below it.
            Err(ntfs::Error::NotADirectory { .. } | ntfs::Error::NotFound { .. }) => Ok(None),
            found => Ok(found?),
        }
    }

    /// The folder that a new path goes into, and its name there.
    fn new_place<'p>(&self, path: &'p VolumePath) -> Result<(FileReference, &'p str)> {
        let exists = || VolumeError::AlreadyExists { path: path.given.clone() };
        let (folder, name) = path.split().ok_or_else(exists)?;
        let folder = self.folder(folder)?;
        if self.find(&path.components)?.is_some() {
            return Err(exists());
        }
        Ok((folder, name))
    }

    /// A folder that must exist; else the error names the first part of the path that does not. What is put into a link's own folder
    /// would not be seen.
    fn folder(&self, components: &[String]) -> Result<FileReference> {
        if let Some(folder) = self.find(components)? {
            return match self.0.reparse_point(folder)? {
                Some(point @ ntfs::ReparsePoint::Link(_)) => Err(VolumeError::ReparsePoint {
                    path: format!("\\{}", components.join("\\")),
                    tag: point.tag(),
                }),
                _ => Ok(folder),
            };
        }
        let mut end = 1;
        while end < components.len() && self.find(&components[..end])?.is_some() {
            end += 1;
        }
        Err(VolumeError::NotFound { path: format!("\\{}", components[..end].join("\\")) })
    }

    fn existing(&self, path: &VolumePath) -> Result<FileReference> {
        self.find(&path.components)?.ok_or_else(|| not_found(path))
    }
}

/// The stream that a path names; `""` is the unnamed one.
fn stream(path: &VolumePath) -> &str {
    path.stream.as_deref().unwrap_or_default()
}

/// An answer in terms of the path that was asked about.
fn about(error: ntfs::Error, path: &VolumePath) -> VolumeError {
    let given = || path.given.clone();
    match error {
        ntfs::Error::NotFound { .. } => VolumeError::NotFound { path: given() },
        ntfs::Error::AlreadyExists { .. } => VolumeError::AlreadyExists { path: given() },
        ntfs::Error::NotADirectory { .. } => VolumeError::NotADirectory { path: given() },
        ntfs::Error::IsADirectory { .. } => VolumeError::IsADirectory { path: given() },
        ntfs::Error::DirectoryNotEmpty { .. } => VolumeError::DirectoryNotEmpty { path: given() },
        ntfs::Error::NoSuchStream { .. } => no_such_stream(path),
        ntfs::Error::FolderIntoItself { .. } => {
            VolumeError::BadPath { path: given(), reason: "a folder cannot be moved into itself" }
        }
        ntfs::Error::LeavesVolume { link, target } => {
            VolumeError::LeavesVolume { path: given(), link, target }
        }
        ntfs::Error::TooManyLevels { most, .. } => {
            VolumeError::TooManyLinks { path: given(), most }
        }
        other => other.into(),
    }
}

fn not_found(path: &VolumePath) -> VolumeError {
    VolumeError::NotFound { path: path.given.clone() }
}

fn is_directory(path: &VolumePath) -> VolumeError {
    VolumeError::IsADirectory { path: path.given.clone() }
}

/// Every file has its unnamed stream; only folders are without.
fn no_such_stream(path: &VolumePath) -> VolumeError {
    match &path.stream {
        None => is_directory(path),
        Some(stream) => {
            VolumeError::NoSuchStream { path: path.given.clone(), stream: stream.clone() }
        }
    }
}
