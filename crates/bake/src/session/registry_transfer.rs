//! Keys moved and copied.

use winkiln_guest::Location;
use winkiln_hive::{Hive, HiveError};

use super::Session;
use super::registry_edit::failed;
use crate::ledger::{State, Target, full_key};
use crate::{BakeError, Step};

impl Session {
    pub(super) fn in_all_control_sets(&mut self, step: &Step) -> Result<(), BakeError> {
        let (Step::CreateKey { key }
        | Step::DeleteKey { key }
        | Step::SetValue { key, .. }
        | Step::SetValues { key, .. }
        | Step::SetKeySecurity { key, .. }
        | Step::DeleteValue { key, .. }) = step
        else {
            return self.apply_step(step);
        };
        let (guest, disk, _) = self.guest()?;
        for key in guest.registry.in_all_control_sets(disk, key)? {
            let mut step = step.clone();
            match &mut step {
                Step::CreateKey { key: own }
                | Step::DeleteKey { key: own }
                | Step::SetValue { key: own, .. }
                | Step::SetValues { key: own, .. }
                | Step::SetKeySecurity { key: own, .. }
                | Step::DeleteValue { key: own, .. } => *own = key,
                _ => {}
            }
            self.edit_registry(&step)?;
        }
        Ok(())
    }

    pub(super) fn move_key(&mut self, from: &str, to: &str) -> Result<(), BakeError> {
        let now = self.now;
        let (target, ..) = self.hive_of(to)?;
        let (place, hive, ledger) = self.hive_of(from)?;
        if place.hive != target.hive {
            return Err(BakeError::OtherHive {
                from: full_key(&place.hive, &place.path),
                to: full_key(&target.hive, &target.path),
            });
        }
        let failed = |source| failed(&place, source);
        let (parent, name) = target.path.rsplit_once('\\').unwrap_or(("", &target.path));
        let key = hive.find(hive.root(), &place.path).map_err(failed)?;
        let (Some(key), Some(above)) = (key, hive.find(hive.root(), parent).map_err(failed)?)
        else {
            let path = if key.is_none() { &place.path } else { parent };
            return Err(BakeError::NoKey { key: full_key(&place.hive, path) });
        };
        if hive.move_key(key, above, name, now).map_err(failed)?.is_none() {
            ledger.unchanged += 1;
            return Ok(());
        }
        let Location { hive, path } = place;
        if !path.to_lowercase().eq(&target.path.to_lowercase()) {
            ledger.key_deleted(&hive, &path);
            let gone = Target::Key { hive: hive.clone(), path: path.clone() };
            let text = format!("key, now {}", full_key(&hive, &target.path));
            ledger.record(gone, State::Key(text), State::Absent);
        }
        let made = Target::Key { hive: hive.clone(), path: target.path };
        let text = format!("key, was {}", full_key(&hive, &path));
        ledger.record(made, State::Absent, State::Key(text));
        Ok(())
    }

    pub(super) fn copy_key(&mut self, from: &str, to: &str) -> Result<(), BakeError> {
        let now = self.now;
        let (place, hive, _) = self.hive_of(from)?;
        let failed_reading = |source| failed(&place, source);
        let Some(_) = hive.find(hive.root(), &place.path).map_err(failed_reading)? else {
            return Err(BakeError::NoKey { key: full_key(&place.hive, &place.path) });
        };
        // As it is now: what is copied into itself does not grow while it is read.
        let source = Hive::open_unrecovered(hive.shared_bytes()).map_err(failed_reading)?;
        let top = source.find(source.root(), &place.path).map_err(failed_reading)?;
        let mut left = vec![(top.unwrap_or(source.root()), to.trim_end_matches('\\').to_owned())];
        while let Some((key, to)) = left.pop() {
            let info = source.info(key).map_err(failed_reading)?;
            if info.is_link {
                let source = HiveError::NotPlain { offset: key.in_file(), kind: "symbolic link" };
                return Err(failed_reading(source));
            }
            self.create_key(&to)?;
            if let Some(class) = &info.class {
                let (place, hive, _) = self.hive_of(&to)?;
                let failed = |source| failed(&place, source);
                let made = hive.find(hive.root(), &place.path).map_err(failed)?;
                if let Some(made) = made {
                    hive.set_class(made, class, now).map_err(failed)?;
                }
            }
            for value in source.values(key).map_err(failed_reading)? {
                self.set_value(&to, &value.name, value.kind, &value.data)?;
            }
            for (name, subkey) in source.subkeys(key).map_err(failed_reading)?.into_iter().rev() {
                left.push((subkey, format!("{to}\\{name}")));
            }
        }
        Ok(())
    }
}
