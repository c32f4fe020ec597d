//! Steps on files and folders.

use winkiln_volume::{Filesystem, Metadata, Volume, VolumeError};

use super::Session;
use crate::BakeError;
use crate::image_path::{ImagePath, PathError};
use crate::ledger::{State, Target};

/// Files and folders removed by one step.
pub(super) const REMOVED_MAX: usize = 1_000_000;
/// Folders inside each other, when one is removed with all in it.
pub(super) const DEPTH_MAX: usize = 256;
/// Attributes that users set: read-only, hidden, system, archive, not content indexed.
const ATTRIBUTES: u32 = 0x2027;
const NOT_INDEXED: u32 = 0x2000;

/// More below a path than is done in one step.
pub(super) fn too_much(path: &str) -> BakeError {
    let limit = "1000000 files, 256 folders inside each other";
    BakeError::TooMuch { what: path.to_owned(), limit }
}

impl Session {
    pub(super) fn make_directory(&mut self, path: &str, parents: bool) -> Result<(), BakeError> {
        let volume = self.file_volume()?;
        let path = self.image_path(path)?.path;
        if self.is_folder(volume, &path)? {
            self.ledger.unchanged += 1;
            return Ok(());
        }
        if parents { self.make_folders(volume, &path) } else { self.make_folder(volume, &path) }
    }

    /// Makes the folders on a path that are missing.
    pub(super) fn make_folders(&mut self, volume: u32, path: &str) -> Result<(), BakeError> {
        let ends: Vec<usize> =
            path.match_indices('\\').skip(1).map(|(at, _)| at).chain([path.len()]).collect();
        for end in ends {
            let folder = &path[..end];
            if !self.is_folder(volume, folder)? {
                self.make_folder(volume, folder)?;
            }
        }
        Ok(())
    }

    fn make_folder(&mut self, volume: u32, path: &str) -> Result<(), BakeError> {
        self.edit(volume, path, |volume| volume.create_directory(path))?;
        let target = Target::Folder { volume, path: path.to_owned() };
        self.ledger.record(target, State::Absent, State::Folder);
        Ok(())
    }

    fn is_folder(&mut self, volume: u32, path: &str) -> Result<bool, BakeError> {
        match self.metadata(volume, path)? {
            Some(found) if !found.is_directory => Err(BakeError::FileInTheWay {
                path: path.to_owned(),
                problem: "is a file where a folder is needed",
            }),
            found => Ok(found.is_some()),
        }
    }

    pub(super) fn remove(&mut self, path: &str, recursive: bool) -> Result<(), BakeError> {
        let volume = self.file_volume()?;
        let path = self.image_path(path)?;
        let path = ImagePath::parse_entry(&path.path)?.path;
        self.remove_from(volume, &path, recursive)
    }

    /// Removes a file, or a folder with all in it, of a volume.
    pub(super) fn remove_from(
        &mut self,
        volume: u32,
        path: &str,
        recursive: bool,
    ) -> Result<(), BakeError> {
        let Some(found) = self.metadata(volume, path)? else {
            self.ledger.unchanged += 1;
            return Ok(());
        };
        self.remove_entry(volume, path, &found, recursive, 0, &mut 0)
    }

    fn remove_entry(
        &mut self,
        volume: u32,
        path: &str,
        found: &Metadata,
        recursive: bool,
        depth: usize,
        removed: &mut usize,
    ) -> Result<(), BakeError> {
        *removed += 1;
        if *removed > REMOVED_MAX || depth > DEPTH_MAX {
            return Err(too_much(path));
        }
        // A junction is removed, not what it leads to.
        if found.is_directory && recursive && found.reparse_tag.is_none() {
            let failed = |source| BakeError::Volume { path: path.to_owned(), source };
            let entries = self.disk.volume(volume)?.read_directory(path).map_err(failed)?;
            for entry in entries.iter().filter(|entry| !matches!(&*entry.name, "." | "..")) {
                let path = format!("{}\\{}", path.trim_end_matches('\\'), entry.name);
                if let Some(found) = self.metadata(volume, &path)? {
                    self.remove_entry(volume, &path, &found, true, depth + 1, removed)?;
                }
            }
        }
        self.remove_one(volume, path, found)
    }

    fn remove_one(&mut self, volume: u32, path: &str, found: &Metadata) -> Result<(), BakeError> {
        let path = path.to_owned();
        let (target, before) = if found.is_directory {
            (Target::Folder { volume, path: path.clone() }, State::Folder)
        } else {
            let state = self.file_state(volume, &path, found)?;
            (Target::File { volume, path: path.clone() }, State::File(state))
        };
        self.edit(volume, &path, |volume| volume.remove(&path))?;
        self.ledger.path_removed(volume, &path);
        self.ledger.record(target, before, State::Absent);
        Ok(())
    }

    pub(super) fn set_attributes(&mut self, path: &str, wanted: u32) -> Result<(), BakeError> {
        let volume = self.file_volume()?;
        let path = self.image_path(path)?.path;
        let Some(found) = self.metadata(volume, &path)? else {
            let source = VolumeError::NotFound { path: path.clone() };
            return Err(BakeError::Volume { path, source });
        };
        let (before, after) = (found.attributes & ATTRIBUTES, wanted & ATTRIBUTES);
        if before == after {
            self.ledger.unchanged += 1;
            return Ok(());
        }
        let is_ntfs = self.disk.volume(volume)?.filesystem() == Filesystem::Ntfs;
        if !is_ntfs && (before ^ after) & NOT_INDEXED != 0 {
            let problem = "lies on FAT, which has no attribute I";
            return Err(BakeError::FileInTheWay { path, problem });
        }
        self.edit(volume, &path, |volume| volume.set_attributes(&path, wanted))?;
        let target = Target::Attributes { volume, path };
        self.ledger.record(target, State::Attributes(before), State::Attributes(after));
        Ok(())
    }

    /// Refuses a path on another drive than C, unless its letter is one of `known` or the volume was named: which volume a letter
    /// means is not looked up.
    ///
    /// # Errors
    /// [`crate::error::PathError::Drive`], and what else is no path inside an image.
    pub fn check_drive(&self, path: &str, known: &[char]) -> Result<(), BakeError> {
        self.placed(path, known).map(drop)
    }

    fn placed(&self, text: &str, known: &[char]) -> Result<ImagePath, BakeError> {
        let path = ImagePath::parse(text)?;
        let is_known = |drive: char| {
            drive == 'C' || known.iter().any(|known| known.eq_ignore_ascii_case(&drive))
        };
        match path.drive.filter(|drive| self.volume.is_none() && !is_known(*drive)) {
            Some(drive) => Err(PathError::Drive { path: text.to_owned(), drive }.into()),
            None => Ok(path),
        }
    }

    /// A path inside the image.
    pub(super) fn image_path(&self, text: &str) -> Result<ImagePath, BakeError> {
        self.placed(text, &[])
    }

    pub(super) fn metadata(
        &mut self,
        volume: u32,
        path: &str,
    ) -> Result<Option<Metadata>, BakeError> {
        let failed = |source| BakeError::Volume { path: path.to_owned(), source };
        self.disk.volume(volume)?.metadata(path).map_err(failed)
    }

    pub(super) fn edit<T>(
        &mut self,
        volume: u32,
        path: &str,
        edit: impl FnOnce(&mut Volume) -> Result<T, VolumeError>,
    ) -> Result<T, BakeError> {
        let failed = |source| BakeError::Volume { path: path.to_owned(), source };
        let base = path.rfind(':').map_or(path, |colon| &path[..colon]).to_lowercase();
        if self.has_open_hive(volume, |hive| hive == base) {
            // Its keys were read already; edits of both kinds would be mixed up.
            let problem = "is a registry hive that earlier steps use; edit it in a run of its own";
            return Err(BakeError::FileInTheWay { path: path.to_owned(), problem });
        }
        self.tell_short_names(volume)?;
        edit(self.disk.volume_mut(volume)?).map_err(failed)
    }

    /// Tells whether an open hive of a volume has such a path, which comes in lower case.
    pub(super) fn has_open_hive(&self, volume: u32, is_it: impl Fn(&str) -> bool) -> bool {
        self.guest.as_ref().is_some_and(|guest| {
            let opened = guest.registry.opened();
            opened.iter().any(|(_, file)| file.volume == volume && is_it(&file.path.to_lowercase()))
        })
    }
}
