//! The step that sets a security descriptor.

use winkiln_ntfs::security::to_sddl;
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
        below: bool,
    ) -> Result<(), BakeError> {
        let sddl_error = |source| BakeError::Sddl { text: sddl.to_owned(), source };
        let given = self.descriptor(sddl)?;
        let volume = self.file_volume()?;
        let target = self.image_path(path)?;
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
        let mut passed_on = 0;
        self.edit(volume, &path, |volume| {
            if below {
                passed_on = volume.set_security_below(&path, &given)?;
                Ok(())
            } else {
                volume.set_security(&path, &given)
            }
        })?;
        let now = self.metadata(volume, &path)?.and_then(|found| found.security);
        let after = now.as_deref().map(text).transpose()?.unwrap_or_default();
        if before == after && passed_on == 0 {
            self.ledger.unchanged += 1;
            return Ok(());
        }
        let everything_below = format!("{}\\*", path.trim_end_matches('\\'));
        let target = Target::Security { volume, path };
        self.ledger.record(target, State::Security(before.into()), State::Security(after.into()));
        if passed_on > 0 {
            let target = Target::Security { volume, path: everything_below };
            let state = State::Words(format!("passed on to {passed_on} files and folders"));
            self.ledger.record(target, State::Absent, state);
        }
        Ok(())
    }
}
