//! INFs of the guest.

use winkiln_drivers::inf::Inf;

use super::Session;
use crate::BakeError;

impl Session {
    /// The bytes of an INF of the guest; none when it is not there, or is larger than any INF.
    pub(super) fn inf_bytes(&mut self, path: &str) -> Result<Vec<u8>, BakeError> {
        let volume = self.windows()?.volume;
        let found = self.metadata(volume, path)?;
        if found.is_none_or(|found| found.is_directory || found.size > Inf::BYTES_MAX) {
            return Ok(Vec::new());
        }
        self.read(volume, path, Inf::BYTES_MAX)
    }

    /// The names of what is in a folder; none when there is no such folder.
    pub(super) fn file_names(
        &mut self,
        volume: u32,
        folder: &str,
    ) -> Result<Vec<String>, BakeError> {
        if !self.metadata(volume, folder)?.is_some_and(|found| found.is_directory) {
            return Ok(Vec::new());
        }
        let failed = |source| BakeError::Volume { path: folder.to_owned(), source };
        let entries = self.disk.volume(volume)?.read_directory(folder).map_err(failed)?;
        let names = entries.into_iter().map(|entry| entry.name);
        Ok(names.filter(|name| name != "." && name != "..").collect())
    }
}

/// Tells `oem3.inf`.
pub(super) fn is_published(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let digits = name.strip_prefix("oem").and_then(|rest| rest.strip_suffix(".inf"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}
