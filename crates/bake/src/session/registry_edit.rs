//! Steps on the registry.

use winkiln_guest::{HiveName, Location};
use winkiln_hive::{Hive, HiveError, KeyId, NewValue, Value, ValueSet, ValueType};

use super::Session;
use crate::ledger::{Ledger, State, Target, full_key};
use crate::{BakeError, Step};

impl Session {
    pub(super) fn edit_registry(&mut self, step: &Step) -> Result<(), BakeError> {
        match step {
            Step::CreateKey { key } => self.create_key(key),
            Step::DeleteKey { key } => self.delete_key(key),
            Step::SetValue { key, name, kind, data } => self.set_value(key, name, *kind, data),
            Step::SetValues { key, values } => self.set_values(key, values),
            Step::DeleteValue { key, name } => self.delete_value(key, name),
            Step::SetKeySecurity { key, sddl, below } => self.set_key_security(key, sddl, *below),
            Step::MoveKey { from, to } => self.move_key(from, to),
            Step::CopyKey { from, to } => self.copy_key(from, to),
            _ => Ok(()),
        }
    }

    pub(super) fn create_key(&mut self, key: &str) -> Result<(), BakeError> {
        let now = self.now;
        let (place, hive, ledger) = self.hive_of(key)?;
        let failed = |source| failed(&place, source);
        let missing = missing_keys(hive, &place.path).map_err(failed)?;
        if missing.is_empty() {
            ledger.unchanged += 1;
            return Ok(());
        }
        let root = hive.root();
        hive.create_key(root, &place.path, now).map_err(failed)?;
        record_created(ledger, &place.hive, missing);
        Ok(())
    }

    fn delete_key(&mut self, key: &str) -> Result<(), BakeError> {
        let now = self.now;
        let (place, hive, ledger) = self.hive_of(key)?;
        let failed = |source| failed(&place, source);
        let Some(found) = hive.find(hive.root(), &place.path).map_err(failed)? else {
            ledger.unchanged += 1;
            return Ok(());
        };
        let before = State::Key(contents(hive, found).map_err(failed)?);
        hive.delete_key(found, now).map_err(failed)?;
        let Location { hive, path } = place;
        ledger.key_deleted(&hive, &path);
        ledger.record(Target::Key { hive, path }, before, State::Absent);
        Ok(())
    }

    pub(super) fn set_value(
        &mut self,
        key: &str,
        name: &str,
        kind: ValueType,
        data: &[u8],
    ) -> Result<(), BakeError> {
        let now = self.now;
        let (place, hive, ledger) = self.hive_of(key)?;
        let failed = |source| failed(&place, source);
        let before = value(hive, &place.path, name).map_err(failed)?;
        let after = State::Value(kind, data.to_vec());
        if before == after {
            ledger.unchanged += 1;
            return Ok(());
        }
        let missing = missing_keys(hive, &place.path).map_err(failed)?;
        let root = hive.root();
        let (found, _) = hive.create_key(root, &place.path, now).map_err(failed)?;
        hive.set_value(found, name, kind, data, now).map_err(failed)?;
        record_created(ledger, &place.hive, missing);
        let Location { hive, path } = place;
        ledger.record(Target::Value { hive, path, name: name.to_owned() }, before, after);
        Ok(())
    }

    fn set_values(&mut self, key: &str, values: &[Value]) -> Result<(), BakeError> {
        let now = self.now;
        let (place, hive, ledger) = self.hive_of(key)?;
        let failed = |source| failed(&place, source);
        let missing = missing_keys(hive, &place.path).map_err(failed)?;
        let root = hive.root();
        let (found, _) = hive.create_key(root, &place.path, now).map_err(failed)?;
        record_created(ledger, &place.hive, missing);
        let new: Vec<NewValue<'_>> = values
            .iter()
            .map(|Value { name, kind, data }| NewValue { name, kind: *kind, data })
            .collect();
        let set = match hive.set_values(found, &new, now) {
            Ok(set) => set,
            Err(source) => {
                // The one that cannot be set.
                for Value { name, kind, data } in values {
                    self.set_value(key, name, *kind, data).map_err(|error| match error {
                        BakeError::Hive { key, source } => {
                            BakeError::Hive { key: format!("{key}\\{name}"), source }
                        }
                        other => other,
                    })?;
                }
                return Err(failed(source));
            }
        };
        for (Value { name, kind, data }, set) in values.iter().zip(set) {
            let before = match set {
                ValueSet::Unchanged => {
                    ledger.unchanged += 1;
                    continue;
                }
                ValueSet::Created => State::Absent,
                ValueSet::Replaced(kind, data) => State::Value(kind, data),
            };
            let Location { hive, path } = place.clone();
            let target = Target::Value { hive, path, name: name.clone() };
            ledger.record(target, before, State::Value(*kind, data.clone()));
        }
        Ok(())
    }

    fn delete_value(&mut self, key: &str, name: &str) -> Result<(), BakeError> {
        let now = self.now;
        let (place, hive, ledger) = self.hive_of(key)?;
        let failed = |source| failed(&place, source);
        let before = value(hive, &place.path, name).map_err(failed)?;
        let found = hive.find(hive.root(), &place.path).map_err(failed)?;
        let (Some(found), State::Value(..)) = (found, &before) else {
            ledger.unchanged += 1;
            return Ok(());
        };
        hive.delete_value(found, name, now).map_err(failed)?;
        let Location { hive, path } = place;
        let target = Target::Value { hive, path, name: name.to_owned() };
        ledger.record(target, before, State::Absent);
        Ok(())
    }

    /// The place of a key, its hive and the ledger.
    pub(super) fn hive_of(
        &mut self,
        key: &str,
    ) -> Result<(Location, &mut Hive, &mut Ledger), BakeError> {
        let open_link = self.open_link;
        let (guest, disk, ledger) = self.guest()?;
        let place = if open_link {
            guest.registry.locate_link(disk, key)?
        } else {
            guest.registry.locate(disk, key)?
        };
        let hive = guest.registry.hive_mut(disk, &place.hive)?;
        Ok((place, hive, ledger))
    }

    /// A value of the guest's registry, when it is there.
    ///
    /// # Errors
    /// When the hive cannot be read.
    pub fn value_of(
        &mut self,
        key: &str,
        name: &str,
    ) -> Result<Option<(ValueType, Vec<u8>)>, BakeError> {
        let (place, hive, _) = self.hive_of(key)?;
        let found = value(hive, &place.path, name).map_err(|source| failed(&place, source))?;
        Ok(match found {
            State::Value(kind, data) => Some((kind, data)),
            _ => None,
        })
    }
}

pub(super) fn failed(place: &Location, source: HiveError) -> BakeError {
    BakeError::Hive { key: full_key(&place.hive, &place.path), source }
}

/// A value's state.
fn value(hive: &Hive, path: &str, name: &str) -> Result<State, HiveError> {
    let Some(key) = hive.find(hive.root(), path)? else { return Ok(State::Absent) };
    let value = hive.value(key, name)?;
    Ok(value.map_or(State::Absent, |value| State::Value(value.kind, value.data)))
}

/// The keys on `path` that do not exist, the outermost first.
fn missing_keys(hive: &Hive, path: &str) -> Result<Vec<String>, HiveError> {
    let mut key = hive.root();
    let ends = path.match_indices('\\').map(|(at, _)| at).chain([path.len()]);
    let mut start = 0;
    let mut missing = Vec::new();
    for end in ends {
        if missing.is_empty() {
            match hive.find(key, &path[start..end])? {
                Some(found) => key = found,
                None => missing.push(path[..end].to_owned()),
            }
        } else {
            missing.push(path[..end].to_owned());
        }
        start = end + 1;
    }
    Ok(missing)
}

fn record_created(ledger: &mut Ledger, hive: &HiveName, missing: Vec<String>) {
    for path in missing {
        // Made again, it is not what it was.
        let text = if ledger.was_deleted(hive, &path) { "key, made anew" } else { "key" };
        let target = Target::Key { hive: hive.clone(), path };
        ledger.record(target, State::Absent, State::Key(text.to_owned()));
    }
}

/// What is in a key, in words.
fn contents(hive: &Hive, key: KeyId) -> Result<String, HiveError> {
    let info = hive.info(key)?;
    Ok(format!("key with {} values and {} subkeys", info.value_count, info.subkey_count))
}
