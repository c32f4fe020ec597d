//! The step that sets the security descriptor of keys.

use winkiln_hive::{HiveError, SecurityChange};

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
        let accounts = self.accounts_in(sddl)?;
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
        let changes = hive.change_sddl(found, sddl, accounts.domains(), below, now);
        let changes = changes.map_err(failed)?;
        ledger.unchanged += changes.unchanged;
        for SecurityChange { path, before, after } in changes.changed() {
            let separator = if place.path.is_empty() || path.is_empty() { "" } else { "\\" };
            let path = format!("{}{separator}{path}", place.path);
            let target = Target::KeySecurity { hive: place.hive.clone(), path };
            ledger.record(target, State::Security(before), State::Security(after));
        }
        Ok(())
    }
}
