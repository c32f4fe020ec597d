//! The step that sets a security descriptor.

use winkiln_ntfs::security::{Domains, for_file, from_sddl, replace_parts, to_sddl};
use winkiln_volume::VolumeError;

use super::Session;
use crate::BakeError;
use crate::ledger::{State, Target};

impl Session {
    pub(super) fn set_security(
        &mut self,
        path: &str,
        sddl: &str,
        inside: Option<&str>,
    ) -> Result<(), BakeError> {
        let sddl_error = |source| BakeError::Sddl { text: sddl.to_owned(), source };
        let given = from_sddl(sddl, Domains::default()).map_err(sddl_error)?;
        let volume = self.file_volume()?;
        let target = self.image_path(path, volume)?;
        let mut path = target.path;
        let mut found = self.metadata(volume, &path)?;
        if let Some(name) = inside
            && (target.folder || found.as_ref().is_some_and(|found| found.is_directory))
        {
            path = format!("{}\\{name}", path.trim_end_matches('\\'));
            found = self.metadata(volume, &path)?;
        }
        let Some(found) = found else {
            let source = VolumeError::NotFound { path: path.clone() };
            return Err(BakeError::Volume { path, source });
        };
        let text = |bytes: &[u8]| to_sddl(bytes).map_err(sddl_error);
        let before = found.security.as_deref().map(text).transpose()?.unwrap_or_default();
        let whole = match &found.security {
            Some(old) => replace_parts(old, &given).map_err(sddl_error)?,
            None => given.clone(),
        };
        let after = text(&for_file(&whole).map_err(sddl_error)?)?;
        if before == after {
            self.ledger.unchanged += 1;
            return Ok(());
        }
        self.edit(volume, &path, |volume| volume.set_security(&path, &given))?;
        let target = Target::Security { volume, path };
        self.ledger.record(target, State::Security(before), State::Security(after));
        Ok(())
    }
}
