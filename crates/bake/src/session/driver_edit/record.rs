//! What adding a package changed of what others use too, kept in the guest so that removing it can put it back.
//!
//! `winkiln\<package>\before.reg` below the Windows folder tells how it was, `after.reg` what was made of it. What is the package's
//! own, such as the key of its service, is not in them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use winkiln_drivers::staging::{Edit, Guest, Staging};
use winkiln_hive::reg_text::{self, RegAction, RegOperation};

use super::super::Session;
use crate::{BakeError, step};

/// The names of the two files.
pub(in crate::session) const BEFORE: &str = "before.reg";
pub(in crate::session) const AFTER: &str = "after.reg";

/// Keys that are not put back: their subkeys belong to the package that makes them, or to the driver framework, which stays.
const OWNED: [&str; 5] = [
    r"hklm\system\currentcontrolset\control\wdf\kmdf\",
    r"hklm\system\currentcontrolset\services\wdf01000\",
    r"hklm\software\microsoft\windows\currentversion\setup\pnplockdownfiles\",
    r"hklm\system\driverdatabase\",
    r"hklm\drivers\driverdatabase\",
];

/// Keys of event logs, which go with their service where that made them.
const EVENT_LOGS: &str = r"hklm\system\currentcontrolset\services\eventlog\";

/// Values before a package is added.
#[derive(Default)]
pub(super) struct Recorder {
    /// Keys and names in lower case, with how the edit spells them and what was there.
    values: BTreeMap<(String, String), (String, String, Option<RegAction>)>,
    /// Keys that were not there, and the same in lower case.
    missing: Vec<String>,
    known_missing: HashSet<String>,
    /// Services that were there already, of no package.
    services: Vec<String>,
    /// Services that other packages brought.
    shared: Vec<String>,
}

/// The folder of a package's records, below the Windows folder.
pub(in crate::session) fn folder(guest: &Guest, store_name: &str) -> String {
    format!(r"{}\winkiln\{store_name}", guest.system_root)
}

impl Session {
    /// Looks at what the edits are going to change.
    /// `None`: the package is there already.
    pub(super) fn before_adding(
        &mut self,
        staging: &Staging,
        guest: &Guest,
    ) -> Result<Option<Recorder>, BakeError> {
        let published = staging.inf.as_ref();
        let published = published.map(|inf| format!(r"{}\INF\{inf}", guest.system_root));
        let Some(inf) = published.or_else(|| staging.kept_in.clone()) else { return Ok(None) };
        let volume = self.windows()?.volume;
        if self.metadata(volume, &inf)?.is_some() {
            return Ok(None);
        }
        let mut recorder = Recorder::default();
        let mut owned: Vec<String> = OWNED.map(str::to_owned).to_vec();
        let mut of_packages = None;
        for service in &staging.services {
            let key = format!(r"HKLM\SYSTEM\CurrentControlSet\Services\{service}");
            if self.has_key(&key)? {
                if of_packages.is_none() {
                    of_packages = Some(self.services_of_packages(guest)?);
                }
                let name = service.to_lowercase();
                let is_shared = of_packages.as_ref().is_some_and(|known| known.contains(&name));
                let list = if is_shared { &mut recorder.shared } else { &mut recorder.services };
                list.push(key);
            } else {
                owned.push(format!("{}\\", key.to_lowercase()));
            }
        }
        let mut seen = HashSet::new();
        for edit in &staging.edits {
            let (key, name) = match edit {
                // Groups of drivers are for all of them.
                Edit::PutFile { .. } | Edit::InsertString { .. } => continue,
                // Each package takes its own path out; who made the value is to be known.
                Edit::AppendPath { key, name, .. } => {
                    if self.value_of(key, name)?.is_none() {
                        self.look(&mut recorder, key, name)?;
                    }
                    continue;
                }
                Edit::CreateKey { key } => (key, None),
                Edit::DeleteKey { key } => {
                    for value in self.values(key)? {
                        self.look(&mut recorder, key, &value.name)?;
                    }
                    continue;
                }
                Edit::SetValue { key, name, .. }
                | Edit::AppendStrings { key, name, .. }
                | Edit::DeleteValue { key, name }
                | Edit::DeleteString { key, name, .. }
                | Edit::Bits { key, name, .. } => (key, Some(name)),
            };
            let lower = format!("{}\\", key.to_lowercase());
            if owned.iter().any(|own| lower.starts_with(own))
                || lower.starts_with(EVENT_LOGS) && !self.has_key(key)?
            {
                continue;
            }
            if seen.insert(lower) {
                self.note_missing(&mut recorder, key)?;
            }
            if let Some(name) = name {
                self.look(&mut recorder, key, name)?;
            }
        }
        Ok(Some(recorder))
    }

    fn look(&mut self, recorder: &mut Recorder, key: &str, name: &str) -> Result<(), BakeError> {
        let place = (key.to_lowercase(), name.to_lowercase());
        if let Entry::Vacant(free) = recorder.values.entry(place) {
            free.insert((key.to_owned(), name.to_owned(), self.action_of(key, name)?));
        }
        Ok(())
    }

    /// Notes the keys on a path that are not there.
    fn note_missing(&mut self, recorder: &mut Recorder, key: &str) -> Result<(), BakeError> {
        let mut path = key;
        while path.matches('\\').count() > 1 && !self.has_key(path)? {
            if !recorder.known_missing.insert(path.to_lowercase()) {
                break;
            }
            recorder.missing.push(path.to_owned());
            path = path.rsplit_once('\\').map_or("", |(above, _)| above);
        }
        Ok(())
    }

    fn action_of(&mut self, key: &str, name: &str) -> Result<Option<RegAction>, BakeError> {
        let found = self.value_of(key, name)?;
        let name = name.to_owned();
        Ok(found.map(|(kind, data)| RegAction::SetValue { name, kind, data }))
    }

    /// Writes down what was changed.
    pub(super) fn record_changes(
        &mut self,
        recorder: Recorder,
        staging: &Staging,
        guest: &Guest,
    ) -> Result<(), BakeError> {
        let mut before = Vec::new();
        let mut after = Vec::new();
        let operation = |key: &str, action| {
            // As regedit takes it.
            let key = key.replacen(r"HKLM\", r"HKEY_LOCAL_MACHINE\", 1);
            RegOperation { line: 0, key: key.into(), action }
        };
        for key in &recorder.services {
            before.push(operation(key, RegAction::CreateKey));
        }
        // What other packages brought goes with the last of them.
        for key in &recorder.shared {
            before.push(operation(key, RegAction::DeleteKey));
        }
        for (key, name, was) in recorder.values.into_values() {
            let is = self.action_of(&key, &name)?;
            if was == is {
                continue;
            }
            let gone = || RegAction::DeleteValue { name: name.clone() };
            before.push(operation(&key, was.unwrap_or_else(gone)));
            after.push(operation(&key, is.unwrap_or_else(gone)));
        }
        for key in recorder.missing {
            if self.has_key(&key)? {
                before.push(operation(&key, RegAction::DeleteKey));
            }
        }
        if before.is_empty() {
            return Ok(());
        }
        let volume = self.windows()?.volume;
        let folder = folder(guest, &staging.store_name);
        for (name, operations) in [(BEFORE, before), (AFTER, after)] {
            let Ok(text) = reg_text::write(&operations) else {
                self.warn(format!(
                    "{}: what it changed cannot be written down",
                    staging.store_name
                ));
                continue;
            };
            let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
            let bytes = step::Contents::Bytes(units.flat_map(u16::to_le_bytes).collect());
            self.write_file(volume, &format!(r"{folder}\{name}"), &bytes, true)?;
        }
        Ok(())
    }
}
