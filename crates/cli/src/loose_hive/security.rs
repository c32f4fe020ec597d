//! Access rights of keys of a loose hive.

use winkiln_bake::Change;
use winkiln_guest::Accounts;
use winkiln_hive::SecurityChange;
use winkiln_verify::HiveFact;

use super::LooseHive;
use crate::error::{CliError, Doing as _, Result};

impl LooseHive {
    /// Gives a key, perhaps in every control set, the parts of a descriptor that a text holds, and with `below` passes them
    /// on to every key below it. Accounts of the machine are known where this is the hive that tells them.
    pub(crate) fn set_security(
        &mut self,
        key: &str,
        sddl: &str,
        (below, all_control_sets): (bool, bool),
        now: u64,
    ) -> Result<()> {
        let doing = || format!("cannot set the security of {key}");
        let mut accounts = Accounts::default();
        accounts.add(&self.hive);
        for (name, path) in self.places(key, all_control_sets)? {
            let found = self.hive.find(self.hive.root(), &path).doing(doing)?;
            let found = found.ok_or_else(|| CliError::failed(format!("no such key: {name}")))?;
            let changes = self.hive.change_sddl(found, sddl, accounts.domains(), below, now);
            let changes = changes.doing(doing)?;
            let name = name.trim_end_matches('\\');
            for SecurityChange { path, before, after } in changes.changed() {
                let separator = if path.is_empty() { "" } else { "\\" };
                self.ledger.record(Some(Change {
                    kind: "security",
                    target: format!("{name}{separator}{path}"),
                    before: Some(before.to_string()),
                    after: Some(after.to_string()),
                }));
            }
            self.ledger.record_unchanged(changes.unchanged);
            self.ledger.expect(HiveFact::KeyExists { key: path });
        }
        Ok(())
    }
}
