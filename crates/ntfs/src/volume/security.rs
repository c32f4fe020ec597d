//! Explicit security descriptors.

use super::Volume;
use crate::{Error, FileReference, create::New, secure_below::Below, standard_information::dos};

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
    /// `folder` is the one that the file lies in: a list that is not protected also gets what that folder passes on. Without it, lists
    /// are taken as they are given.
    ///
    /// # Errors
    /// [`Error::Security`], [`Error::SystemFile`], [`Error::Unsupported`] on a volume without `$Secure`, and those of reading. Nothing
    /// has changed then.
    pub fn set_security(
        &mut self,
        file: FileReference,
        folder: Option<FileReference>,
        security: &[u8],
    ) -> Result<(), Error> {
        self.change(|core| core.set_security(file, folder, security).map(drop))
    }

    /// As [`Volume::set_security`], and everything below inherits the given lists anew: entries of its own stay, inherited ones are
    /// replaced, and what lies below something protected stays. A given owner or group becomes that of all below. Returns how many
    /// files and folders below have another descriptor now.
    ///
    /// # Errors
    /// As [`Volume::set_security`]; what was met before an error in something below has its new descriptor then.
    pub fn set_security_below(
        &mut self,
        file: FileReference,
        folder: Option<FileReference>,
        security: &[u8],
    ) -> Result<u64, Error> {
        let mut below = self.change(|core| Below::begin(core, file, folder, security))?;
        // Many operations, so that none takes more memory than another: there may be any number of files.
        while self.change(|core| below.step(core))? {}
        Ok(below.changed)
    }
}
