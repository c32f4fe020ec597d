//! The guest as rules look at it.

use winkiln_bake::{BakeError, Session};
use winkiln_boot::bcd::{self, Element, ElementValue, PartitionRef, Retargeted};
use winkiln_guest::boots_on::{self, BusVerdict};
use winkiln_guest::{
    BootKind, Disk, Firmware, GuestError, HiveName, RenamedDevice, Windows, boot_candidates,
    next_control_set,
};
use winkiln_hive::{Hive, Value, strings};

use crate::rules::default_place;
use crate::target::Target;

/// A guest in a session. What its steps changed counts.
pub(crate) struct Patient<'a> {
    session: &'a mut Session,
    windows: Option<Windows>,
    pub(crate) target: Option<Target>,
    verdicts: Option<Vec<BusVerdict>>,
    /// Folders of the driver store, once they were asked for.
    pub(crate) store_folders: Option<Vec<String>>,
}

impl<'a> Patient<'a> {
    pub(crate) fn new(
        session: &'a mut Session,
        windows: Option<Windows>,
        target: Option<Target>,
    ) -> Self {
        let mut patient = Self { session, windows, target, verdicts: None, store_folders: None };
        patient.find_next_set();
        patient
    }

    /// What was edited counts, and where it cannot be told, what the hive in the image says.
    fn find_next_set(&mut self) {
        let good = self.takes_last_known_good().unwrap_or(false);
        let Ok((registry, disk)) = self.session.registry() else { return };
        let Ok(system) = registry.hive(disk, &HiveName::System) else { return };
        let found = next_control_set(system, good);
        if let Some((windows, number)) = self.windows.as_mut().zip(found) {
            windows.next_control_set = number;
        }
    }

    /// Tells whether the default entry starts this Windows with its last known good control set.
    fn takes_last_known_good(&mut self) -> Result<bool, BakeError> {
        let good = self.element("{default}", "lastknowngood")?;
        if !good.is_some_and(|element| element.value == ElementValue::Boolean(true)) {
            return Ok(false);
        }
        let windows = self.windows()?;
        let volume = default_place(self, &windows, "osdevice")?;
        let root = self.element("{default}", "systemroot")?;
        Ok(volume.is_none_or(|volume| volume == windows.volume)
            && root.is_none_or(|root| root.to_text().eq_ignore_ascii_case(&windows.system_root)))
    }

    /// A key of the control set of the next start.
    pub(crate) fn in_set(&self, path: &str) -> String {
        let set = match self.installed().map(|windows| windows.next_control_set) {
            None | Some(0) => "CurrentControlSet".to_owned(),
            Some(number) => format!("ControlSet{number:03}"),
        };
        format!(r"HKLM\SYSTEM\{set}\{path}")
    }

    /// The installation.
    pub(crate) fn windows(&self) -> Result<Windows, BakeError> {
        self.here().cloned()
    }

    fn here(&self) -> Result<&Windows, BakeError> {
        self.windows.as_ref().ok_or(BakeError::Guest(GuestError::NoWindows))
    }

    /// The installation, or nothing where only the rest of one was found.
    pub(crate) fn installed(&self) -> Option<&Windows> {
        self.windows.as_ref()
    }

    pub(crate) fn disk(&mut self) -> &mut Disk {
        self.session.disk()
    }

    /// All values of a key; none when it is missing.
    pub(crate) fn values(&mut self, key: &str) -> Result<Vec<Value>, BakeError> {
        self.session.values(key)
    }

    /// The names of the keys below a key; `None` when it is missing.
    pub(crate) fn subkeys(&mut self, key: &str) -> Result<Option<Vec<String>>, BakeError> {
        self.session.subkeys(key)
    }

    pub(crate) fn dword(&mut self, key: &str, name: &str) -> Result<Option<u32>, BakeError> {
        let found = self.session.value_of(key, name)?;
        Ok(found.and_then(|(_, data)| data.first_chunk().copied()).map(u32::from_le_bytes))
    }

    /// The texts of a value; none when it is missing.
    pub(crate) fn texts(&mut self, key: &str, name: &str) -> Result<Vec<String>, BakeError> {
        let found = self.session.value_of(key, name)?;
        Ok(found.map(|(_, data)| strings(&data)).unwrap_or_default())
    }

    pub(crate) fn text(&mut self, key: &str, name: &str) -> Result<Option<String>, BakeError> {
        Ok(self.texts(key, name)?.into_iter().next())
    }

    /// True for a file of the system volume.
    pub(crate) fn has_file(&mut self, path: &str) -> Result<bool, BakeError> {
        let volume = self.here()?.volume;
        Ok(self.disk().find_file(volume, path)?)
    }

    /// The store, for a guest that has one.
    pub(crate) fn store(&mut self) -> Result<Option<&Hive>, BakeError> {
        if self.here()?.boot.kind != BootKind::Bcd {
            return Ok(None);
        }
        let (registry, disk) = self.session.registry()?;
        Ok(Some(registry.hive(disk, &HiveName::Bcd)?))
    }

    /// An element of an object of the store; `None` without a store, object or element.
    pub(crate) fn element(
        &mut self,
        object: &str,
        name: &str,
    ) -> Result<Option<Element>, BakeError> {
        let Some(store) = self.store()? else { return Ok(None) };
        if bcd::find_object(store, object).is_err() {
            return Ok(None);
        }
        bcd::element(store, object, name)
            .map_err(|source| BakeError::Bcd { object: object.to_owned(), source })
    }

    /// The `{guid}` of an object, in lower case; `None` when it is not there.
    pub(crate) fn guid(&mut self, object: &str) -> Result<Option<String>, BakeError> {
        let Some(store) = self.store()? else { return Ok(None) };
        let Ok(key) = bcd::find_object(store, object) else { return Ok(None) };
        let failed = |source| BakeError::Hive { key: object.to_owned(), source };
        Ok(Some(store.info(key).map_err(failed)?.name.to_lowercase()))
    }

    /// Devices of the store that name partitions which are not on the disk, and what they meant.
    pub(crate) fn dangling(&mut self) -> Result<Vec<Retargeted>, BakeError> {
        let failed = |source| BakeError::Bcd { object: "store".to_owned(), source };
        let volume = self.here()?.volume;
        let (registry, disk) = self.session.registry()?;
        let was = winkiln_guest::windows_was(disk, registry).ok().flatten();
        let formerly: Vec<_> = was.map(|was| (volume, was)).into_iter().collect();
        let store = registry.hive(disk, &HiveName::Bcd)?;
        let candidates = boot_candidates(disk, store, &formerly).map_err(failed)?;
        bcd::dangling(store, &candidates).map_err(failed)
    }

    /// Values of `MountedDevices` that name partitions as they were called before the disk was cloned.
    pub(crate) fn renamed_devices(&mut self) -> Result<Vec<RenamedDevice>, BakeError> {
        // What elements of the store meant tells what the letters mean that name the same.
        let dangling = if self.store()?.is_some() { self.dangling()? } else { Vec::new() };
        let moved: Vec<(PartitionRef, PartitionRef)> =
            dangling.iter().flat_map(Retargeted::moved).collect();
        let windows = self.windows()?;
        let (registry, disk) = self.session.registry()?;
        Ok(winkiln_guest::renamed_devices(disk, registry, &windows, &moved)?)
    }

    /// The contents of a `boot.ini`, with its volume and path, for a guest that has one.
    pub(crate) fn boot_ini(&mut self) -> Result<Option<(u32, String, Vec<u8>)>, BakeError> {
        let boot = self.here()?.boot.clone();
        let (BootKind::BootIni, Some((volume, path))) = (boot.kind, boot.file) else {
            return Ok(None);
        };
        let failed = |source| BakeError::Volume { path: path.clone(), source };
        let bytes = self.disk().volume(volume)?.read(&path, BOOT_INI_MAX).map_err(failed)?;
        Ok(Some((volume, path, bytes)))
    }

    /// What the guest boots from.
    pub(crate) fn verdicts(&mut self) -> Result<Vec<BusVerdict>, BakeError> {
        if let Some(verdicts) = &self.verdicts {
            return Ok(verdicts.clone());
        }
        let windows = self.windows()?;
        let (registry, disk) = self.session.registry()?;
        let verdicts = boots_on::boots_on(disk, registry, &windows)?;
        Ok(self.verdicts.insert(verdicts).clone())
    }

    /// The kinds of controllers that the guest ran on.
    pub(crate) fn met(&mut self) -> Result<Vec<&'static str>, BakeError> {
        let windows = self.windows()?;
        let (registry, disk) = self.session.registry()?;
        Ok(boots_on::met(disk, registry, &windows)?)
    }

    /// True when the disk has no other Windows.
    pub(crate) fn is_only_windows(&mut self) -> Result<bool, BakeError> {
        Ok(self.disk().find_windows()?.len() < 2)
    }

    /// True when the guest is started by UEFI.
    pub(crate) fn is_uefi(&self) -> bool {
        self.windows.as_ref().is_some_and(|windows| windows.boot.firmware == Firmware::Uefi)
    }
}

/// Bytes of a `boot.ini`: real ones have hundreds.
const BOOT_INI_MAX: u64 = 64 << 10;
