//! The packages of vendors that a guest has.

use std::collections::HashSet;

use winkiln_drivers::inf::ParseOptions;
use winkiln_drivers::staging::{Binding, Guest, package_version};
use winkiln_drivers::{Package, vendors::VENDORS};
use winkiln_guest::service_file;

use super::super::Session;
use super::super::driver_edit::CLASSES;
use super::super::guest_infs::is_published;
use super::folders::REPOSITORY;
use crate::BakeError;
use crate::drivers::{InstalledDrivers, InstalledPackage, InstalledService, Leftover};

pub(super) const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";

/// A package in the guest.
pub(super) struct Installed {
    /// `oem3.inf`; `None`: it waits for its device, or has none.
    pub(super) inf: Option<String>,
    /// The name that its INF came with.
    pub(super) original: Option<String>,
    /// Folders in the driver store, and those of ours: names.
    pub(super) folders: Vec<String>,
    /// What its INF says, where that can be read.
    pub(super) package: Option<Package>,
    provider: Option<String>,
    pub(super) class: Option<String>,
    pub(super) driver_version: Option<String>,
    /// Its INF; empty when it is not there.
    bytes: Vec<u8>,
    pub(super) services: Vec<String>,
}

/// A guest's packages.
pub(super) struct Inventory {
    pub(super) packages: Vec<Installed>,
    /// Services of the guest.
    pub(super) services: Vec<String>,
}

impl Installed {
    /// Tells whether Windows installs it once it finds the device.
    fn waits(&self) -> bool {
        self.inf.is_none() && !self.package.as_ref().is_some_and(Package::has_default_install)
    }

    /// A name for people.
    pub(super) fn name(&self) -> String {
        let name = self.original.as_ref().or(self.inf.as_ref());
        name.cloned().unwrap_or_default()
    }

    /// Tells whether it goes by a name.
    pub(super) fn answers(&self, name: &str) -> bool {
        let of_file = |file: &String| {
            file.eq_ignore_ascii_case(name)
                || file.rsplit_once('.').is_some_and(|(stem, _)| stem.eq_ignore_ascii_case(name))
        };
        self.inf.iter().chain(&self.original).any(of_file)
            || self.services.iter().any(|service| service.eq_ignore_ascii_case(name))
    }
}

impl Session {
    /// Drivers that the guest has besides those of Windows.
    ///
    /// # Errors
    /// No Windows, or one whose registry or folders cannot be read.
    pub fn installed_drivers(&mut self) -> Result<InstalledDrivers, BakeError> {
        let guest = self.driver_guest()?;
        let inventory = self.inventory(&guest)?;
        let mut found = InstalledDrivers::default();
        for installed in &inventory.packages {
            let mut services = Vec::new();
            for service in &installed.services {
                services.extend(self.service(service, &guest)?);
            }
            found.packages.push(InstalledPackage {
                inf: installed.inf.clone(),
                original: installed.original.clone(),
                provider: installed.provider.clone(),
                class: installed.class.clone(),
                driver_version: installed.driver_version.clone(),
                folders: installed.folders.clone(),
                services,
            });
        }
        let exists =
            |name: &str| inventory.services.iter().any(|known| known.eq_ignore_ascii_case(name));
        let owned = |name: &str| {
            let mut all = inventory.packages.iter().flat_map(|package| &package.services);
            all.any(|known| known.eq_ignore_ascii_case(name))
        };
        for vendor in VENDORS {
            if vendor.part_of_windows.is_some_and(|from| guest.target.version >= from) {
                continue;
            }
            for name in &inventory.services {
                // A key for settings alone is no service.
                let is_service = self.dword_of(&format!(r"{SERVICES}\{name}"), "Type")?.is_some();
                if is_service && vendor.has_service(name, exists) && !owned(name) {
                    let service = self.service(name, &guest)?;
                    let leftover = service.map(|service| Leftover { vendor: vendor.word, service });
                    found.leftovers.extend(leftover);
                }
            }
        }
        Ok(found)
    }

    /// Services that packages of vendors brought, in lower case.
    pub(in crate::session) fn services_of_packages(
        &mut self,
        guest: &Guest,
    ) -> Result<HashSet<String>, BakeError> {
        let packages = self.inventory(guest)?.packages;
        let before = self.services_before(&packages, guest)?;
        let services = packages.iter().flat_map(|installed| &installed.services);
        let services = services.map(|name| name.to_lowercase());
        Ok(services.filter(|name| !before.contains(name)).collect())
    }

    /// The packages of vendors, and all services.
    pub(super) fn inventory(&mut self, guest: &Guest) -> Result<Inventory, BakeError> {
        let mut packages = self.published_packages(guest)?;
        match guest.binding {
            Binding::Database { drivers_hive } => {
                self.database_packages(&mut packages, drivers_hive)?;
            }
            Binding::CriticalDevices => {
                let store = format!(r"{}\{REPOSITORY}", guest.system_root);
                self.packages_in(&mut packages, &store, false)?;
            }
        }
        self.packages_in(&mut packages, &format!(r"{}\winkiln", guest.system_root), true)?;
        let services = self.subkeys(SERVICES)?.unwrap_or_default();
        for installed in &mut packages {
            let made = installed.package.as_ref().map(Package::services).unwrap_or_default();
            // What waits for its device has made none yet.
            installed.services = services
                .iter()
                .filter(|name| {
                    !installed.waits() && made.iter().any(|m| m.eq_ignore_ascii_case(name))
                })
                .cloned()
                .collect();
        }
        if guest.binding != Binding::CriticalDevices {
            self.owned_services(&mut packages, &services)?;
        }
        packages.sort_by_key(|installed| {
            let digits = installed.inf.as_deref().map(|inf| inf.replace(".inf", ""));
            let number = digits.and_then(|digits| digits.trim_start_matches("oem").parse().ok());
            (number.unwrap_or(u32::MAX), installed.name())
        });
        Ok(Inventory { packages, services })
    }

    /// From Windows 8 on services name the INFs they came with.
    fn owned_services(
        &mut self,
        packages: &mut [Installed],
        services: &[String],
    ) -> Result<(), BakeError> {
        for service in services {
            let owners = self.texts_of(&format!(r"{SERVICES}\{service}"), "Owners")?;
            for installed in &mut *packages {
                let owns = installed
                    .inf
                    .as_ref()
                    .is_some_and(|inf| owners.iter().any(|owner| owner.eq_ignore_ascii_case(inf)));
                let known = |name: &String| name.eq_ignore_ascii_case(service);
                if owns && !installed.services.iter().any(known) {
                    installed.services.push(service.clone());
                } else if !owns && !owners.is_empty() {
                    installed.services.retain(|name| !known(name));
                }
            }
        }
        Ok(())
    }

    /// Every `oemN.inf`.
    fn published_packages(&mut self, guest: &Guest) -> Result<Vec<Installed>, BakeError> {
        let volume = self.windows()?.volume;
        let folder = format!(r"{}\INF", guest.system_root);
        let options = self.inf_options()?;
        let mut packages = Vec::new();
        for name in self.file_names(volume, &folder)? {
            if is_published(&name) {
                let bytes = self.inf_bytes(&format!(r"{folder}\{name}"))?;
                packages.push(installed(Some(name.to_lowercase()), &name, &bytes, &options));
            }
        }
        Ok(packages)
    }

    /// What `DriverDatabase` knows: packages without their INF too.
    fn database_packages(
        &mut self,
        packages: &mut Vec<Installed>,
        drivers_hive: bool,
    ) -> Result<(), BakeError> {
        let options = self.inf_options()?;
        for root in database_roots(drivers_hive) {
            for inf in self.subkeys(&format!(r"{root}\DriverInfFiles"))?.unwrap_or_default() {
                if !is_published(&inf) {
                    continue;
                }
                let same = |installed: &&mut Installed| {
                    installed.inf.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(&inf))
                };
                let at = packages.iter_mut().find(same);
                let known = match at {
                    Some(known) => known,
                    None => {
                        packages.push(installed(Some(inf.to_lowercase()), &inf, &[], &options));
                        let Some(last) = packages.last_mut() else { continue };
                        last
                    }
                };
                for store in self.texts_of(&format!(r"{root}\DriverInfFiles\{inf}"), "")? {
                    let key = format!(r"{root}\DriverPackages\{store}");
                    known.original = self.text_of(&key, "InfName")?.or(known.original.take());
                    known.provider = known.provider.take().or(self.text_of(&key, "Provider")?);
                    if known.package.is_none() {
                        self.describe(known, &key)?;
                    }
                    known.folders.push(store);
                }
            }
        }
        Ok(())
    }

    /// Takes class and version of a package whose INF cannot be read from its key in the database.
    fn describe(&mut self, installed: &mut Installed, key: &str) -> Result<(), BakeError> {
        let blob = self.value_of(key, "Version")?.map(|(_, data)| data).unwrap_or_default();
        let Some((class, version)) = package_version(&blob) else { return Ok(()) };
        installed.class = self.text_of(&format!(r"{CLASSES}\{class}"), "Class")?;
        installed.driver_version = version.map(|version| version.to_string());
        Ok(())
    }

    /// Folders of packages whose INF is one of these; in ours, packages that wait for their device too.
    fn packages_in(
        &mut self,
        packages: &mut Vec<Installed>,
        parent: &str,
        is_ours: bool,
    ) -> Result<(), BakeError> {
        let volume = self.windows()?.volume;
        let options = self.inf_options()?;
        for folder in self.file_names(volume, parent)? {
            let Some(end) = folder.to_ascii_lowercase().find(".inf_") else { continue };
            let original = folder.get(..end + 4).unwrap_or_default().to_owned();
            let path = format!(r"{parent}\{folder}\{original}");
            let Some(size) = self.metadata(volume, &path)?.map(|found| found.size) else {
                continue;
            };
            if !is_ours && !packages.iter().any(|known| known.bytes.len() as u64 == size) {
                continue;
            }
            let bytes = self.inf_bytes(&path)?;
            // Nothing that could be compared.
            if bytes.is_empty() {
                continue;
            }
            let found = installed(None, &original, &bytes, &options);
            let same = |known: &&mut Installed| known.bytes == bytes;
            match packages.iter_mut().find(same) {
                Some(known) => {
                    known.original.get_or_insert(original);
                    if !known.folders.contains(&folder) {
                        known.folders.push(folder);
                    }
                }
                None if is_ours => packages.push(Installed {
                    original: Some(original),
                    folders: vec![folder],
                    ..found
                }),
                None => {}
            }
        }
        Ok(())
    }

    /// A service of the guest; `None`: it has none of that name.
    pub(super) fn service(
        &mut self,
        name: &str,
        guest: &Guest,
    ) -> Result<Option<InstalledService>, BakeError> {
        let key = format!(r"{SERVICES}\{name}");
        if !self.has_key(&key)? {
            return Ok(None);
        }
        let volume = self.windows()?.volume;
        let start = self.dword_of(&key, "Start")?;
        let image = self.text_of(&key, "ImagePath")?;
        let file = service_file(name, image.as_deref(), &guest.system_root);
        let present = match &file {
            Some(path) => self.metadata(volume, path)?.is_some_and(|found| !found.is_directory),
            None => false,
        };
        Ok(Some(InstalledService { name: name.to_owned(), start, file, present }))
    }
}

/// The databases of packages.
pub(in crate::session) fn database_roots(drivers_hive: bool) -> Vec<&'static str> {
    let mut roots = vec![r"HKLM\SYSTEM\DriverDatabase"];
    roots.extend(drivers_hive.then_some(r"HKLM\DRIVERS\DriverDatabase"));
    roots
}

fn installed(inf: Option<String>, name: &str, bytes: &[u8], options: &ParseOptions) -> Installed {
    let package = Package::read(name, bytes, options).ok();
    let version = package.as_ref().map(Package::version);
    let provider = version.and_then(|version| version.provider.clone());
    let driver_version = version.and_then(|version| version.driver_version);
    Installed {
        inf,
        original: None,
        folders: Vec::new(),
        provider: provider.map(|provider| provider.text),
        class: version.and_then(|version| version.class.clone()),
        driver_version: driver_version.map(|version| version.to_string()),
        services: Vec::new(),
        bytes: bytes.to_vec(),
        package,
    }
}
