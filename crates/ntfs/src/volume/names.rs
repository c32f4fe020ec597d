//! How a volume's names are made and compared.

use super::Volume;
use crate::{Error, FileReference, volume_information::NO_SHORT_NAMES};

impl Volume {
    /// Says whether new names that are no 8.3 names get one beside them (off after opening). Windows decides this by the registry.
    pub fn set_short_names(&mut self, on: bool) {
        self.core().short_names = on;
    }

    /// Whether the volume's own setting lets Windows make 8.3 names. It counts where the registry leaves that to the volume.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Device`].
    pub fn allows_short_names(&self) -> Result<bool, Error> {
        self.read(|core| Ok(core.volume_information()?.flags & NO_SHORT_NAMES == 0))
    }

    /// Whether names in a folder that differ in case alone are different names.
    ///
    /// # Errors
    /// [`Error::NotADirectory`], [`Error::StaleReference`], [`Error::Damaged`] or [`Error::Device`].
    pub fn is_case_sensitive(&self, folder: FileReference) -> Result<bool, Error> {
        self.read(|core| {
            core.folder_record(folder)?;
            Ok(core.information(folder.record())?.is_case_sensitive())
        })
    }

    /// Makes an empty folder case-sensitive, or not. Folders that are created in it will be as it is.
    ///
    /// # Errors
    /// [`Error::NotEmpty`], [`Error::NotADirectory`], [`Error::SystemFile`] and those of reading. Nothing has changed then.
    pub fn set_case_sensitive(
        &mut self,
        folder: FileReference,
        sensitive: bool,
    ) -> Result<(), Error> {
        self.change(|core| core.set_case_sensitive(folder, sensitive))
    }
}
