//! The step that sets the security descriptor of keys.

use winkiln_guest::Location;
use winkiln_hive::HiveError;
use winkiln_ntfs::security::Domains;

use super::Session;
use super::registry_edit::failed;
use crate::BakeError;
use crate::ledger::{State, Target, full_key};

impl Session {
    pub(super) fn set_key_security(
        &mut self,
        key: &str,
        sddl: &str,
        below: bool,
    ) -> Result<(), BakeError> {
        let now = self.now;
        let (place, hive, ledger) = self.hive_of(key)?;
        let failed = |source| match source {
            HiveError::SecurityDescriptor(source) => {
                BakeError::Sddl { text: sddl.to_owned(), source }
            }
            source => failed(&place, source),
        };
        let Some(found) = hive.find(hive.root(), &place.path).map_err(failed)? else {
            return Err(BakeError::NoKey { key: full_key(&place.hive, &place.path) });
        };
        let mut left = vec![(found, place.path.clone())];
        while let Some((key, path)) = left.pop() {
            let before = hive.sddl(key).map_err(failed)?;
            if hive.set_sddl(key, sddl, Domains::default(), now).map_err(failed)? {
                let after = hive.sddl(key).map_err(failed)?;
                let Location { hive, .. } = &place;
                let target = Target::KeySecurity { hive: hive.clone(), path: path.clone() };
                ledger.record(target, State::Security(before), State::Security(after));
            } else {
                ledger.unchanged += 1;
            }
            if below {
                for (name, subkey) in hive.subkeys(key).map_err(failed)?.into_iter().rev() {
                    let path = if path.is_empty() { name } else { format!("{path}\\{name}") };
                    left.push((subkey, path));
                }
            }
        }
        Ok(())
    }
}
