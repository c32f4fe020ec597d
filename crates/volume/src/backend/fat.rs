//! Paths on a FAT volume.

use std::fmt;
use std::sync::Arc;

use winkiln_disk::Device;

use crate::fat::{Facts, FatVolume, Removed};
use crate::path::VolumePath;
use crate::{Entry, Metadata, OpenOptions, Stream, VolumeError};

pub(crate) struct FatBackend(FatVolume);

impl fmt::Debug for FatBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FatBackend").field(self.0.geometry()).finish()
    }
}

type Result<T> = std::result::Result<T, VolumeError>;

impl FatBackend {
    pub(crate) fn open(device: Arc<dyn Device>, options: OpenOptions) -> Result<Self> {
        Ok(Self(FatVolume::open(device, options)?))
    }

    pub(crate) fn metadata(&self, path: &VolumePath) -> Result<Option<Metadata>> {
        if path.stream.is_some() {
            return Ok(None);
        }
        let Some(facts) = self.0.facts(&path.components)? else { return Ok(None) };
        let streams = if facts.is_directory {
            Vec::new()
        } else {
            vec![Stream { name: String::new(), size: facts.size }]
        };
        Ok(Some(Metadata {
            name: facts.name,
            is_directory: facts.is_directory,
            size: facts.size,
            allocated: facts.allocated,
            attributes: facts.attributes,
            created: facts.created,
            modified: facts.modified,
            accessed: facts.accessed,
            file_reference: None,
            links: 1,
            reparse_tag: None,
            link: None,
            streams,
            security: None,
        }))
    }

    pub(crate) fn read_directory(&self, path: &VolumePath) -> Result<Vec<Entry>> {
        let Some(entries) = self.0.entries(&path.components)? else {
            self.existing(path)?;
            return Err(VolumeError::NotADirectory { path: path.given.clone() });
        };
        Ok(entries
            .into_iter()
            .map(|facts| Entry {
                name: facts.name,
                short_name: facts.short_name,
                is_directory: facts.is_directory,
                size: facts.size,
                attributes: facts.attributes,
                modified: facts.modified,
            })
            .collect())
    }

    pub(crate) fn size(&self, path: &VolumePath) -> Result<u64> {
        self.file(path).map(|facts| facts.size)
    }

    pub(crate) fn read_at(&self, path: &VolumePath, offset: u64, buf: &mut [u8]) -> Result<usize> {
        no_stream(path)?;
        match self.0.read_at(&path.components, offset, buf)? {
            Some(done) => Ok(done),
            None => Err(self.no_file(path)),
        }
    }

    /// Makes the file where it is not, and gives it its final length.
    pub(crate) fn prepare(&mut self, path: &VolumePath, length: u64) -> Result<()> {
        no_stream(path)?;
        let Some((folder, name)) = path.split() else { return Err(is_directory(path)) };
        match self.0.facts(&path.components)? {
            Some(facts) if facts.is_directory => return Err(is_directory(path)),
            Some(_) => {}
            None => {
                if !self.0.create_file(folder, name)? {
                    return Err(self.missing_folder(folder)?);
                }
            }
        }
        self.0.set_size_for_writing(&path.components, length)?;
        // An equal length is a change too: what follows replaces the contents.
        self.0.touch(&path.components)?;
        Ok(())
    }

    pub(crate) fn write_at(&mut self, path: &VolumePath, offset: u64, data: &[u8]) -> Result<()> {
        no_stream(path)?;
        let done = self.0.write_at(&path.components, offset, data)?;
        if done { Ok(()) } else { Err(self.no_file(path)) }
    }

    pub(crate) fn set_size(&mut self, path: &VolumePath, size: u64) -> Result<()> {
        no_stream(path)?;
        let done = self.0.set_size(&path.components, size)?;
        if done { Ok(()) } else { Err(self.no_file(path)) }
    }

    pub(crate) fn create_directory(&mut self, path: &VolumePath) -> Result<()> {
        let exists = || VolumeError::AlreadyExists { path: path.given.clone() };
        let Some((folder, name)) = path.split() else { return Err(exists()) };
        if self.0.facts(&path.components)?.is_some() {
            return Err(exists());
        }
        let done = self.0.create_directory(folder, name)?;
        if done { Ok(()) } else { Err(self.missing_folder(folder)?) }
    }

    pub(crate) fn remove(&mut self, path: &VolumePath) -> Result<()> {
        no_stream(path)?;
        if path.components.is_empty() {
            return Err(VolumeError::BadPath {
                path: path.given.clone(),
                reason: "the root folder cannot be removed",
            });
        }
        match self.0.remove(&path.components)? {
            Removed::Yes => Ok(()),
            Removed::Nothing => Err(not_found(path)),
            Removed::NotEmpty => Err(VolumeError::DirectoryNotEmpty { path: path.given.clone() }),
        }
    }

    pub(crate) fn rename(
        &mut self,
        from: &VolumePath,
        _to: &VolumePath,
        _replace: bool,
    ) -> Result<()> {
        Err(VolumeError::NoRenameOnFat { path: from.given.clone() })
    }

    pub(crate) fn set_attributes(&mut self, path: &VolumePath, attributes: u32) -> Result<()> {
        let done = self.0.set_attributes(&path.components, attributes)?;
        if done { Ok(()) } else { Err(not_found(path)) }
    }

    pub(crate) fn flush(&mut self) -> Result<()> {
        Ok(self.0.flush()?)
    }

    fn existing(&self, path: &VolumePath) -> Result<Facts> {
        self.0.facts(&path.components)?.ok_or_else(|| not_found(path))
    }

    fn file(&self, path: &VolumePath) -> Result<Facts> {
        no_stream(path)?;
        let facts = self.existing(path)?;
        if facts.is_directory { Err(is_directory(path)) } else { Ok(facts) }
    }

    /// Names the first part of a folder's path that does not exist.
    fn missing_folder(&self, components: &[String]) -> Result<VolumeError> {
        let mut end = 1;
        while end < components.len() && self.0.facts(&components[..end])?.is_some() {
            end += 1;
        }
        let part = &components[..end.min(components.len())];
        Ok(VolumeError::NotFound { path: format!("\\{}", part.join("\\")) })
    }

    /// Why there is no file at a path.
    fn no_file(&self, path: &VolumePath) -> VolumeError {
        self.file(path).err().unwrap_or_else(|| not_found(path))
    }
}

fn no_stream(path: &VolumePath) -> Result<()> {
    match path.stream {
        None => Ok(()),
        Some(_) => Err(VolumeError::NoStreamsOnFat { path: path.given.clone() }),
    }
}

fn not_found(path: &VolumePath) -> VolumeError {
    VolumeError::NotFound { path: path.given.clone() }
}

fn is_directory(path: &VolumePath) -> VolumeError {
    VolumeError::IsADirectory { path: path.given.clone() }
}
