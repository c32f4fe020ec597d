//! The step that has Windows start its own drivers of disk controllers.

use std::collections::HashMap;
use std::sync::Arc;

use winkiln_archive::{Limits, Tree};
use winkiln_drivers::Package;
use winkiln_drivers::inf::Existing;
use winkiln_drivers::staging::{
    CriticalDevice, Edit, Guest, InBox, start_below_every_disk, start_in_box,
};
use winkiln_guest::boots_on::{Obstacle, driver_obstacle};
use winkiln_guest::error::with_causes;
use winkiln_trust::pe::Image;

use super::super::Session;
use super::super::driver_removal::folders::REPOSITORY;
use crate::BakeError;
use crate::drivers::{Contents, DriverAction, DriverReport};

/// Bytes of a driver of Windows, or of the cabinets that Windows XP keeps its drivers in.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Files of one driver that are put back: itself and what it is linked to.
const FILES_MAX: usize = 4;
const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";

impl Session {
    /// Has the drivers of Windows itself for IDE, AHCI and NVMe start with it, as far as their files are there or can be put back.
    pub(in super::super) fn start_in_box_storage(&mut self) -> Result<(), BakeError> {
        let guest = self.driver_guest()?;
        let mut infs: HashMap<&str, Option<Package>> = HashMap::new();
        let mut buses = Vec::new();
        for edit in start_below_every_disk(&guest) {
            self.carry_out(&edit, &Contents::default(), &guest)?;
        }
        for driver in InBox::of(&guest.target) {
            if !infs.contains_key(driver.inf) {
                infs.insert(driver.inf, self.own_package(driver.inf)?);
            }
            let package = infs.get(driver.inf).and_then(Option::as_ref);
            let mut report = report_of(&driver, package);
            let before = self.ledger.change_count();
            if let Some(obstacle) = self.put_back(&driver, &guest, &mut report)? {
                if !driver.optional {
                    self.warn(format!(
                        "ide-fallback: {} was left as it is: {obstacle}",
                        driver.service
                    ));
                    report.reason = Some(obstacle.to_string());
                    self.drivers.push(report);
                }
                continue;
            }
            let has_service = self.has_key(&format!(r"{SERVICES}\{}", driver.service))?;
            let start = match start_in_box(&guest, &driver, package, has_service) {
                Ok(start) => start,
                Err(error) => {
                    self.warn(format!("ide-fallback: {}: {}", driver.service, with_causes(&error)));
                    continue;
                }
            };
            for edit in &start.edits {
                self.carry_out(edit, &Contents::default(), &guest)?;
            }
            for device in &start.bindings {
                self.bind_own(device, &driver, &guest, &mut report)?;
            }
            report.action = match self.ledger.change_count() == before {
                true => DriverAction::AlreadyThere,
                false => DriverAction::Added,
            };
            if !buses.contains(&driver.bus) {
                buses.push(driver.bus);
            }
            self.drivers.push(report);
        }
        self.warn_of_buses(&buses)
    }

    /// Says which of the buses, whose drivers are started now, Windows does not boot from all the same.
    fn warn_of_buses(&mut self, buses: &[&str]) -> Result<(), BakeError> {
        let (guest, disk, _) = self.guest()?;
        let verdicts = winkiln_guest::boots_on(disk, &mut guest.registry, &guest.windows)?;
        for verdict in verdicts {
            if verdict.boots() || !buses.contains(&verdict.word) {
                continue;
            }
            let obstacle = verdict.controllers.iter().find_map(|one| one.obstacle.as_ref());
            if let Some(obstacle) = obstacle {
                let name = verdict.name;
                self.warn(format!(
                    "ide-fallback: this Windows does not boot from {name}: {obstacle}"
                ));
            }
        }
        Ok(())
    }

    /// The guest's own INF, where it can be read.
    fn own_package(&mut self, inf: &str) -> Result<Option<Package>, BakeError> {
        let windows = self.windows()?;
        let path = format!(r"{}\INF\{inf}", windows.system_root);
        let bytes = self.inf_bytes(&path)?;
        let options = self.inf_options()?;
        Ok(Package::read(inf, &bytes, &options).ok().filter(|_| !bytes.is_empty()))
    }

    /// Binds an identifier, unless another driver of the guest has it.
    fn bind_own(
        &mut self,
        device: &CriticalDevice,
        driver: &InBox,
        guest: &Guest,
        report: &mut DriverReport,
    ) -> Result<(), BakeError> {
        if let Some(other) = self.text_of(&device.key, "Service")? {
            if other.eq_ignore_ascii_case(driver.service) {
                self.ledger.unchanged += 1;
                return Ok(());
            }
            if self.has_key(&format!(r"{SERVICES}\{other}"))? {
                let id = &device.id;
                report.warnings.push(format!("{id} stays bound to service {other}"));
                self.warn(format!("ide-fallback: {id} stays bound to service {other}"));
                return Ok(());
            }
        }
        for edit in &device.edits {
            self.carry_out(edit, &Contents::default(), guest)?;
        }
        report.bound.push(device.id.clone());
        Ok(())
    }

    /// Puts the files of a driver back that are missing; what is in the way of loading it then.
    fn put_back(
        &mut self,
        driver: &InBox,
        guest: &Guest,
        report: &mut DriverReport,
    ) -> Result<Option<Obstacle>, BakeError> {
        for _ in 0..FILES_MAX {
            let (own, disk, _) = self.guest()?;
            let obstacle = driver_obstacle(disk, &mut own.registry, &own.windows, driver.service)?;
            let missing = match &obstacle {
                Some(Obstacle::NoFile { file, .. }) => file.clone(),
                Some(Obstacle::NoModule { module, .. }) if is_driver(module) => {
                    format!(r"{}\System32\drivers\{module}", guest.system_root)
                }
                _ => return Ok(obstacle),
            };
            let name = missing.rsplit('\\').next().unwrap_or_default().to_owned();
            let Some(bytes) = self.own_copy(&name, driver, guest)? else { return Ok(obstacle) };
            let mut contents = Contents::default();
            contents.bytes.insert(name.clone(), bytes);
            let existing = Existing::Keep;
            self.carry_out(
                &Edit::PutFile { to: missing.clone(), from: name, existing, keeps_newer: false },
                &contents,
                guest,
            )?;
            report.files.push(missing);
        }
        let (own, disk, _) = self.guest()?;
        Ok(driver_obstacle(disk, &mut own.registry, &own.windows, driver.service)?)
    }

    /// A file of Windows that lies elsewhere in the guest: from Vista on in the driver store, before among what service packs and
    /// Setup left.
    ///
    /// Source: Microsoft, KB314082, which takes them out of `driver.cab`.
    fn own_copy(
        &mut self,
        name: &str,
        driver: &InBox,
        guest: &Guest,
    ) -> Result<Option<Vec<u8>>, BakeError> {
        let volume = self.windows()?.volume;
        let root = &guest.system_root;
        let architecture = guest.target.architecture;
        let is_program = |bytes: &Vec<u8>| Image::parse(bytes).is_ok();
        if guest.target.version >= (6, 0) {
            let store = format!(r"{root}\{REPOSITORY}");
            let start = format!("{}_{architecture}_", driver.inf);
            let mut best = None;
            for folder in self.file_names(volume, &store)? {
                if !folder.to_lowercase().starts_with(&start) {
                    continue;
                }
                let bytes =
                    self.read(volume, &format!(r"{store}\{folder}\{name}"), FILE_BYTES_MAX)?;
                let Ok(image) = Image::parse(&bytes) else { continue };
                let version = image.file_version();
                if best.as_ref().is_none_or(|(newest, _)| version > *newest) {
                    best = Some((version, bytes));
                }
            }
            return Ok(best.map(|(_, bytes)| bytes));
        }
        let folder = match architecture {
            winkiln_drivers::Architecture::X86 => "i386",
            _ => "amd64",
        };
        for path in [
            format!(r"{root}\System32\dllcache\{name}"),
            format!(r"{root}\ServicePackFiles\{folder}\{name}"),
        ] {
            let bytes = self.read(volume, &path, FILE_BYTES_MAX)?;
            if is_program(&bytes) {
                return Ok(Some(bytes));
            }
        }
        for cabinet in ["sp3.cab", "sp2.cab", "sp1.cab", "driver.cab"] {
            let path = format!(r"{root}\Driver Cache\{folder}\{cabinet}");
            let bytes = self.read(volume, &path, FILE_BYTES_MAX)?;
            let tree = Tree::read_from(Arc::new(bytes), Limits::default());
            let Ok(bytes) = tree.and_then(|tree| tree.read(name, FILE_BYTES_MAX)) else { continue };
            if is_program(&bytes) {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}

fn is_driver(module: &str) -> bool {
    module.to_ascii_lowercase().ends_with(".sys")
}

fn report_of(driver: &InBox, package: Option<&Package>) -> DriverReport {
    let own = format!("Windows' own {}", driver.service);
    let mut report = DriverReport::new(own, DriverAction::LeftOut);
    if let Some(package) = package {
        report = report.described(package.version());
    }
    DriverReport {
        inf: Some(driver.inf.to_owned()),
        boot_critical: true,
        services: vec![driver.service.to_owned()],
        ..report
    }
}
