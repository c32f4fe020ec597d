//! Keys of a loose hive renamed, moved and copied.

use winkiln_bake::Change;
use winkiln_hive::reg_text::RegAction;
use winkiln_hive::{Hive, HiveError, KeyId, NewValue, Value};
use winkiln_verify::HiveFact;

use super::Ledger;
use crate::error::{CliError, Doing as _, Result};

/// A key's full name and its path in the hive.
type Place<'a> = (&'a str, &'a str);

impl Ledger {
    /// Renames a key, or moves it.
    pub(super) fn move_key(
        &mut self,
        hive: &mut Hive,
        (from, old): Place<'_>,
        (to, new): Place<'_>,
        now: u64,
    ) -> Result<()> {
        let doing = || format!("cannot rename {from} to {to}");
        let key = find(hive, from, old)?;
        let (parent, name) = new.rsplit_once('\\').unwrap_or(("", new));
        let parent = find(hive, parent, parent)?;
        if hive.move_key(key, parent, name, now).doing(doing)?.is_none() {
            self.record(None);
            return Ok(());
        }
        self.record(Some(Change {
            kind: "registry-key",
            target: to.to_owned(),
            before: Some(format!("key {from}")),
            after: Some("key".to_owned()),
        }));
        if old.to_lowercase() != new.to_lowercase() {
            self.expect(HiveFact::KeyAbsent { key: old.to_owned() });
        }
        self.expect(HiveFact::KeyExists { key: new.to_owned() });
        Ok(())
    }

    /// Copies a key with all below it.
    pub(super) fn copy_key(
        &mut self,
        hive: &mut Hive,
        (from, old): Place<'_>,
        (to, new): Place<'_>,
        now: u64,
    ) -> Result<()> {
        let doing = || format!("cannot copy {from} to {to}");
        find(hive, from, old)?;
        // As it is now: what is copied into itself does not grow while it is read.
        let source = Hive::open_unrecovered(hive.shared_bytes()).doing(doing)?;
        let mut left = vec![(find(&source, from, old)?, to.to_owned(), new.to_owned())];
        while let Some((key, name, path)) = left.pop() {
            let info = source.info(key).doing(doing)?;
            if info.is_link {
                let (offset, kind) = (key.in_file(), "symbolic link");
                return Err(HiveError::NotPlain { offset, kind }).doing(doing);
            }
            self.apply(hive, &name, &path, &RegAction::CreateKey, now).doing(doing)?;
            let made = find(hive, &name, &path)?;
            if let Some(class) = &info.class {
                hive.set_class(made, class, now).doing(doing)?;
            }
            let values = source.values(key).doing(doing)?;
            let new: Vec<NewValue<'_>> = values
                .iter()
                .map(|Value { name, kind, data }| NewValue { name, kind: *kind, data })
                .collect();
            let set = hive.set_values(made, &new, now).doing(doing)?;
            self.values_set((&name, &path), false, &new, set);
            for (own, subkey) in source.subkeys(key).doing(doing)?.into_iter().rev() {
                left.push((subkey, format!("{name}\\{own}"), format!("{path}\\{own}")));
            }
        }
        Ok(())
    }
}

fn find(hive: &Hive, key: &str, path: &str) -> Result<KeyId> {
    let found = hive.find(hive.root(), path).doing(|| format!("cannot read {key}"))?;
    found.ok_or_else(|| CliError::failed(format!("no such key: {key}")))
}
