//! Access rights of keys of a loose hive.

use winkiln_bake::Change;
use winkiln_guest::Accounts;
use winkiln_hive::SecurityChange;

use super::LooseHive;
use crate::error::{CliError, Doing as _, Result};

impl LooseHive {
    /// Gives a key the parts of a descriptor that a text holds, and with `below` passes them on to every key below it. Accounts of the
    /// machine are known where this is the hive that tells them.
    pub(crate) fn set_security(
        &mut self,
        key: &str,
        sddl: &str,
        below: bool,
        now: u64,
    ) -> Result<()> {
        let found =
            self.find(key)?.ok_or_else(|| CliError::failed(format!("no such key: {key}")))?;
        let mut accounts = Accounts::default();
        accounts.add(&self.hive);
        let changes = self.hive.change_sddl(found, sddl, accounts.domains(), below, now);
        let changes = changes.doing(|| format!("cannot set the security of {key}"))?;
        let name = key.trim_end_matches('\\');
        for SecurityChange { path, before, after } in changes.changed {
            let separator = if path.is_empty() { "" } else { "\\" };
            self.ledger.record(Some(Change {
                kind: "security",
                target: format!("{name}{separator}{path}"),
                before: Some(before),
                after: Some(after),
            }));
        }
        for _ in 0..changes.unchanged {
            self.ledger.record(None);
        }
        Ok(())
    }
}
