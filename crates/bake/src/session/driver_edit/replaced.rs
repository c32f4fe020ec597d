//! Files that a package replaces, kept in the guest so that removing it can put them back.
//!
//! They are below `replaced` in the package's folder of records, under the paths that they had.

use winkiln_drivers::staging::{Edit, Guest, Staging};

use super::super::Session;
use super::carry_out::PROGRAM_BYTES_MAX;
use super::record::folder;
use crate::drivers::Contents;
use crate::{BakeError, step};

/// The folder's name.
pub(in crate::session) const REPLACED: &str = "replaced";

impl Session {
    /// Keeps the files that are where a package has files of its own and differ from them: those that stay, since they are
    /// newer or wanted so, are the package's as well for who removes it.
    pub(super) fn keep_replaced(
        &mut self,
        staging: &Staging,
        contents: &Contents,
        guest: &Guest,
    ) -> Result<(), BakeError> {
        let volume = self.windows()?.volume;
        for edit in &staging.edits {
            let Edit::PutFile { to, from, .. } = edit else { continue };
            let found = self.metadata(volume, to)?.filter(|found| !found.is_directory);
            if found.is_none() {
                continue;
            }
            let was = self.read(volume, to, PROGRAM_BYTES_MAX)?;
            if contents.bytes.get(from).is_some_and(|bytes| *bytes == was) {
                continue;
            }
            let kept = format!(r"{}\{REPLACED}{to}", folder(guest, &staging.store_name));
            self.write_file(volume, &kept, &step::Contents::Bytes(was), true)?;
        }
        Ok(())
    }
}
