//! Explicit security descriptors.

use super::Volume;
use crate::{Error, FileReference, create::New, standard_information::dos};

impl Volume {
    /// Creates an empty file, as [`Volume::create_file`] does, with the parts of a self-relative descriptor that are there (see
    /// [`crate::security::from_sddl`]); it inherits the others. Generic rights become file rights.
    ///
    /// # Errors
    /// As [`Volume::create_file`], and [`Error::Security`] for a malformed descriptor. Nothing has changed then.
    pub fn create_file_with(
        &mut self,
        folder: FileReference,
        name: &str,
        attributes: u32,
        security: Option<&[u8]>,
    ) -> Result<FileReference, Error> {
        let attributes = attributes | dos::ARCHIVE;
        self.change(|core| {
            core.create(folder, name, New { attributes, security, ..New::default() })
        })
    }

    /// Creates a folder, as [`Volume::create_directory`] does, with a descriptor as in [`Volume::create_file_with`].
    ///
    /// # Errors
    /// As [`Volume::create_file_with`].
    pub fn create_directory_with(
        &mut self,
        folder: FileReference,
        name: &str,
        security: Option<&[u8]>,
    ) -> Result<FileReference, Error> {
        self.change(|core| {
            core.create(folder, name, New { is_directory: true, security, ..New::default() })
        })
    }

    /// Replaces the parts of a file's or folder's descriptor that `security` holds; the others stay. Generic rights become file rights.
    /// What lies in a folder keeps its security: nothing is inherited anew.
    ///
    /// # Errors
    /// [`Error::Security`], [`Error::SystemFile`], [`Error::Unsupported`] on a volume without `$Secure`, and those of reading. Nothing
    /// has changed then.
    pub fn set_security(&mut self, file: FileReference, security: &[u8]) -> Result<(), Error> {
        self.change(|core| core.set_security(file, security))
    }
}
