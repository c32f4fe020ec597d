//! Links, security and 8.3 names: what NTFS has and FAT has not.

use super::{Backend, Volume, plain};
use crate::{LinkKind, VolumeError, path::VolumePath};

impl Volume {
    /// The path that is reached when symbolic links and junctions are followed, that of the last name too. It need not exist.
    /// `drives` are the letters that mean this volume.
    ///
    /// # Errors
    /// [`VolumeError::LeavesVolume`] for a target on another drive, volume or share, [`VolumeError::TooManyLinks`]; the filesystem's
    /// own.
    pub fn resolve(&self, path: &str, drives: &[char]) -> Result<String, VolumeError> {
        let path = VolumePath::parse(path)?;
        match &self.backend {
            Backend::Ntfs(backend) => backend.resolve(&path, drives),
            Backend::Fat(_) => Ok(path.given),
        }
    }

    /// Gives a file one more name, in any folder of the volume.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::AlreadyExists`], [`VolumeError::IsADirectory`], [`VolumeError::NotOnFat`]; the
    /// filesystem's own.
    pub fn hard_link(&mut self, target: &str, path: &str) -> Result<(), VolumeError> {
        let (target, path) = (plain(target)?, plain(path)?);
        match &mut self.backend {
            Backend::Ntfs(backend) => backend.hard_link(&target, &path),
            Backend::Fat(_) => Err(not_on_fat(path, "hard links")),
        }
    }

    /// Creates a symbolic link or a junction. `target` is taken as it is, whether it exists or not; `is_directory` says whether a
    /// symbolic link leads to a folder.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`] when the folder does not exist, [`VolumeError::AlreadyExists`], [`VolumeError::BadPath`] for a target
    /// that does not suit the kind of link, [`VolumeError::NotOnFat`]; the filesystem's own.
    pub fn create_link(
        &mut self,
        path: &str,
        target: &str,
        kind: LinkKind,
        is_directory: bool,
    ) -> Result<(), VolumeError> {
        let path = plain(path)?;
        match &mut self.backend {
            Backend::Ntfs(backend) => backend.create_link(&path, target, kind, is_directory),
            Backend::Fat(_) => Err(not_on_fat(path, "links")),
        }
    }

    /// Replaces the parts that a self-relative security descriptor holds; the others stay, as does what lies in a folder. A list that
    /// is not protected also gets what the folder above passes on.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::NotOnFat`]; the filesystem's own.
    pub fn set_security(&mut self, path: &str, descriptor: &[u8]) -> Result<(), VolumeError> {
        let path = plain(path)?;
        match &mut self.backend {
            Backend::Ntfs(backend) => backend.set_security(&path, descriptor),
            Backend::Fat(_) => Err(not_on_fat(path, "security descriptors")),
        }
    }

    /// As [`Volume::set_security`], and passes the lists on to everything below; a given owner or group becomes that of all below.
    /// Returns how many files and folders below have another descriptor now.
    ///
    /// # Errors
    /// As [`Volume::set_security`].
    pub fn set_security_below(
        &mut self,
        path: &str,
        descriptor: &[u8],
    ) -> Result<u64, VolumeError> {
        let path = plain(path)?;
        match &mut self.backend {
            Backend::Ntfs(backend) => backend.set_security_below(&path, descriptor),
            Backend::Fat(_) => Err(not_on_fat(path, "security descriptors")),
        }
    }

    /// Whether the volume's own setting lets Windows make 8.3 names; true on FAT.
    ///
    /// # Errors
    /// The filesystem's own.
    pub fn allows_short_names(&self) -> Result<bool, VolumeError> {
        match &self.backend {
            Backend::Ntfs(backend) => backend.allows_short_names(),
            Backend::Fat(_) => Ok(true),
        }
    }

    /// Says whether new long names get 8.3 names, on NTFS (off after opening). FAT names always have them.
    pub fn set_short_names(&mut self, on: bool) {
        if let Backend::Ntfs(backend) = &mut self.backend {
            backend.set_short_names(on);
        }
    }
}

fn not_on_fat(path: VolumePath, what: &'static str) -> VolumeError {
    VolumeError::NotOnFat { path: path.given, what }
}
