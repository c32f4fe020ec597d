//! Links of a volume.

use super::Volume;
use crate::{Error, FileReference, Link, ReparsePoint, Resolved};

impl Volume {
    /// The reparse point of a file or folder, decoded when it is a symbolic link or a junction.
    ///
    /// # Errors
    /// [`Error::StaleReference`], [`Error::Damaged`] or [`Error::Device`].
    pub fn reparse_point(&self, file: FileReference) -> Result<Option<ReparsePoint>, Error> {
        self.read(|core| {
            let base = core.base_record(file)?.number;
            core.reparse_point(base)
        })
    }

    /// Looks a path up as [`Volume::find`] does, through symbolic links and junctions on the way; with `last_too` also one that the path
    /// itself names. `drives` are the letters that mean this volume. `..` in a target stays inside the volume.
    ///
    /// # Errors
    /// [`Error::LeavesVolume`] for a target on another drive, volume or share, [`Error::TooManyLevels`] after 63 links, and those of
    /// [`Volume::find`].
    pub fn resolve(&self, path: &str, drives: &[char], last_too: bool) -> Result<Resolved, Error> {
        self.read(|core| core.resolve(path, drives, last_too))
    }

    /// Creates a symbolic link or a junction with inherited security. `is_directory` says whether a symbolic link is one to a folder;
    /// a junction always is.
    ///
    /// # Errors
    /// As [`Volume::create_file`], and [`Error::Unsupported`] on a volume without `$Extend\$Reparse`. Nothing has changed then.
    pub fn create_link(
        &mut self,
        folder: FileReference,
        name: &str,
        link: &Link,
        is_directory: bool,
    ) -> Result<FileReference, Error> {
        let is_directory = is_directory || link.kind == crate::LinkKind::Junction;
        self.change(|core| core.create_link(folder, name, link, is_directory))
    }

    /// Makes an empty file or folder a link, or gives a link another target.
    ///
    /// # Errors
    /// [`Error::NotEmpty`], [`Error::ReparseTag`] when it is another kind of reparse point, [`Error::NotADirectory`] for a junction in
    /// a file's place, and as [`Volume::create_link`]. Nothing has changed then.
    pub fn set_link(&mut self, file: FileReference, link: &Link) -> Result<(), Error> {
        self.change(|core| core.set_link(file, link))
    }

    /// Makes a link the empty file or folder that it is without its target.
    ///
    /// # Errors
    /// [`Error::NotALink`], [`Error::ReparseTag`] for another kind of reparse point, [`Error::SystemFile`] and those of reading.
    /// Nothing has changed then.
    pub fn remove_link(&mut self, file: FileReference) -> Result<(), Error> {
        self.change(|core| core.remove_link(file))
    }
}
