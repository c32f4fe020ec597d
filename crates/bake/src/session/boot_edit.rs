//! Steps on the boot configuration: elements of the BCD store, and `boot.ini`.

use std::sync::Arc;

use winkiln_boot::bcd::{self, Element, ElementValue};
use winkiln_boot::boot_ini::{BootIni, BootIniError};
use winkiln_guest::{BootKind, HiveName};
use winkiln_hive::ValueType;

use super::Session;
use super::lookup::{missing, require_bcd};
use crate::ledger::{State, Target};
use crate::step::has_load_option;
use crate::value_text::string_data;
use crate::{BakeError, Step};

const LOAD_OPTIONS: &str = "loadoptions";

/// NTLDR reads no more.
const BOOT_INI_BYTES_MAX: u64 = 1 << 20;

impl Session {
    /// Applies a step on what starts Windows.
    pub(super) fn apply_boot_step(&mut self, step: &Step) -> Result<(), BakeError> {
        match step {
            Step::BcdSet { object, element, value } => self.edit_bcd(object, element, Some(value)),
            Step::BcdDelete { object, element } => self.edit_bcd(object, element, None),
            Step::BcdAddLoadOption { object, word } => self.add_load_option(object, word),
            Step::BcdCreate { .. }
            | Step::BcdCopy { .. }
            | Step::BcdDeleteObject { .. }
            | Step::BcdOrder { .. }
            | Step::BcdRetarget => self.edit_objects(step),
            Step::BcdWhere { object, is_there, step } => self.edit_where(object, *is_there, step),
            Step::BcdCreateStore { efi, guids } => self.create_store(*efi, guids.as_ref()),
            Step::SetActivePartition { number } => self.set_active_partition(*number),
            Step::MendBootSector { volume } => self.mend_boot_sector(*volume),
            Step::RestoreBootSector { volume } => self.restore_boot_sector(*volume),
            Step::FallbackLoader => self.copy_fallback_loader(),
            Step::BootIniCopy { .. }
            | Step::BootIniAddSwitch { .. }
            | Step::BootIniRemoveSwitch { .. }
            | Step::BootIniDefaultCopy { .. }
            | Step::BootIniSetDefault { .. }
            | Step::BootIniSetRedirect { .. }
            | Step::BootIniSetTimeout { .. } => self.edit_boot_ini(step),
            // Every other step is applied elsewhere.
            _ => Err(BakeError::StepFailed),
        }
    }

    /// Sets an element, or deletes it when there is no value.
    pub(super) fn edit_bcd(
        &mut self,
        object: &str,
        element: &str,
        value: Option<&str>,
    ) -> Result<(), BakeError> {
        let now = self.now;
        let failed = |source| BakeError::Bcd { object: object.to_owned(), source };
        let (guest, disk, ledger) = self.guest()?;
        require_bcd(guest)?;
        let partitions = winkiln_guest::boot_partitions(disk, &mut guest.registry)?;
        let store = guest.registry.hive_mut(disk, &HiveName::Bcd)?;
        let before = bcd::element(store, object, element).map_err(failed)?;
        let changed = match value {
            Some(value) => bcd::set_on(store, object, element, value, &partitions, now),
            None => bcd::delete_value(store, object, element, now),
        }
        .map_err(failed)?;
        if !changed {
            ledger.unchanged += 1;
            return Ok(());
        }
        let after = bcd::element(store, object, element).map_err(failed)?;
        let key = bcd::find_object(store, object).map_err(failed)?;
        let guid = store.info(key).map_err(|source| failed(source.into()))?.name;
        let Some(named) = after.as_ref().or(before.as_ref()) else { return Ok(()) };
        let target =
            Target::Element { object: guid.to_lowercase(), id: named.id, name: named.name.clone() };
        let after = after.map_or(State::Absent, |after| wanted(&after, value));
        ledger.record(target, before.map_or(State::Absent, |before| state(&before)), after);
        Ok(())
    }

    /// Applies a step where an object is there, or is not.
    fn edit_where(&mut self, object: &str, is_there: bool, step: &Step) -> Result<(), BakeError> {
        let (guest, disk, ledger) = self.guest()?;
        require_bcd(guest)?;
        let store = guest.registry.hive(disk, &HiveName::Bcd)?;
        let found = match bcd::find_object(store, object) {
            Ok(_) => true,
            Err(bcd::BcdError::NoObject { .. }) => false,
            Err(source) => return Err(BakeError::Bcd { object: object.to_owned(), source }),
        };
        if found != is_there {
            ledger.unchanged += 1;
            return Ok(());
        }
        self.apply_boot_step(step)
    }

    pub(super) fn add_load_option(&mut self, object: &str, word: &str) -> Result<(), BakeError> {
        let (guest, disk, ledger) = self.guest()?;
        require_bcd(guest)?;
        let store = guest.registry.hive(disk, &HiveName::Bcd)?;
        let options = bcd::element(store, object, LOAD_OPTIONS)
            .map_err(|source| BakeError::Bcd { object: object.to_owned(), source })?;
        let options = options.map(|options| options.to_text()).unwrap_or_default();
        if has_load_option(&options, word) {
            ledger.unchanged += 1;
            return Ok(());
        }
        let separator = if options.is_empty() || options.ends_with(' ') { "" } else { " " };
        self.edit_bcd(object, LOAD_OPTIONS, Some(&format!("{options}{separator}{word}")))
    }

    pub(super) fn edit_boot_ini(&mut self, step: &Step) -> Result<(), BakeError> {
        let (guest, disk, ledger) = self.guest()?;
        let boot = &guest.windows.boot;
        let (BootKind::BootIni, Some((volume, path))) = (boot.kind, boot.file.clone()) else {
            return Err(missing("boot.ini", boot.kind));
        };
        let in_volume = |source| BakeError::Volume { path: path.clone(), source };
        let bytes = disk.volume(volume)?.read(&path, BOOT_INI_BYTES_MAX).map_err(in_volume)?;
        let edited = edit(&bytes, step)
            .map_err(|source| BakeError::BootIni { path: path.clone(), source })?;
        if edited == bytes {
            ledger.unchanged += 1;
            return Ok(());
        }
        // Attributes (read-only, hidden, system) stay: they are another stream of the file's record.
        disk.volume_mut(volume)?.write(&path, &edited).map_err(in_volume)?;
        let target = Target::BootIni { volume, path };
        let (before, after) = (State::BootIni(Arc::new(bytes)), State::BootIni(Arc::new(edited)));
        ledger.record(target, before, after);
        Ok(())
    }
}

/// The bytes that a step makes of a `boot.ini`.
fn edit(bytes: &[u8], step: &Step) -> Result<Vec<u8>, BootIniError> {
    let mut ini = BootIni::parse(bytes)?;
    let default = ini.default_entry();
    match step {
        Step::BootIniCopy { entry, description } => {
            ini.copy_entry(entry.unwrap_or(default), description)?;
        }
        Step::BootIniAddSwitch { entry, switch } => {
            ini.add_switch(entry.unwrap_or(default), switch)?;
        }
        Step::BootIniRemoveSwitch { entry, switch } => {
            ini.remove_switch(entry.unwrap_or(default), switch)?;
        }
        Step::BootIniDefaultCopy { description_suffix, switch } => {
            ini.add_default_copy(description_suffix, switch)?;
        }
        Step::BootIniSetDefault { entry } => {
            ini.set_default(*entry)?;
        }
        Step::BootIniSetRedirect { port } => {
            ini.set_redirect(port);
        }
        Step::BootIniSetTimeout { seconds } => {
            ini.set_timeout(*seconds);
        }
        _ => {}
    }
    Ok(ini.to_bytes())
}

pub(super) fn state(element: &Element) -> State {
    let (kind, data) = element.encode();
    State::Element(element.to_text(), kind, data)
}

/// What the store should hold now. Texts and flags come from what was asked, not from what was written.
fn wanted(element: &Element, asked: Option<&str>) -> State {
    let yes = |text: &str| ["on", "yes", "true", "1"].contains(&text.to_ascii_lowercase().as_str());
    let (kind, data) = match (&element.value, asked) {
        (ElementValue::Boolean(_), Some(asked)) => (ValueType::Binary, vec![u8::from(yes(asked))]),
        (ElementValue::String(_), Some(asked)) => (ValueType::Sz, string_data(asked)),
        (value, _) => bcd::encode(value),
    };
    State::Element(element.to_text(), kind, data)
}
