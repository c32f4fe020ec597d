//! Access rights of keys of a loose hive.

use winkiln_bake::Change;
use winkiln_ntfs::security::Domains;

use super::LooseHive;
use crate::error::{CliError, Doing as _, Result};

impl LooseHive {
    /// Gives a key, and with `below` every key below it, the parts of a descriptor that a text holds.
    pub(crate) fn set_security(
        &mut self,
        key: &str,
        sddl: &str,
        below: bool,
        now: u64,
    ) -> Result<()> {
        let found =
            self.find(key)?.ok_or_else(|| CliError::failed(format!("no such key: {key}")))?;
        let doing = || format!("cannot set the security of {key}");
        let mut left = vec![(found, key.trim_end_matches('\\').to_owned())];
        while let Some((id, name)) = left.pop() {
            let before = self.hive.sddl(id).doing(doing)?;
            let changed = self.hive.set_sddl(id, sddl, Domains::default(), now).doing(doing)?;
            let after = self.hive.sddl(id).doing(doing)?;
            self.ledger.record(changed.then(|| Change {
                kind: "security",
                target: name.clone(),
                before: Some(before),
                after: Some(after),
            }));
            if below {
                for (own, subkey) in self.hive.subkeys(id).doing(doing)?.into_iter().rev() {
                    left.push((subkey, format!("{name}\\{own}")));
                }
            }
        }
        Ok(())
    }
}
