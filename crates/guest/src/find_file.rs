//! Whether a volume has a file.

use winkiln_volume::VolumeError;

use crate::{Disk, GuestError};

impl Disk {
    /// True when `path` is a file of volume `number`; false as well when that cannot be told.
    pub fn has_file(&mut self, number: u32, path: &str) -> bool {
        self.find_file(number, path).unwrap_or(false)
    }

    /// Tells whether `path` is a file of volume `number`.
    ///
    /// # Errors
    /// When that cannot be told: the volume does not open, or is damaged where the file would be.
    pub fn find_file(&mut self, number: u32, path: &str) -> Result<bool, GuestError> {
        match self.volume(number)?.metadata(path) {
            Ok(found) => Ok(found.is_some_and(|found| !found.is_directory)),
            // No name of a file.
            Err(VolumeError::BadPath { .. }) => Ok(false),
            Err(source) => Err(GuestError::Volume { number, source }),
        }
    }
}
