//! What adding a package to a Windows that does not run means: files to write and registry edits.
//!
//! A storage driver starts with its guest when three things are there: its file, its service, and a binding from the device's
//! identifier to the service that holds before any program runs. Up to Windows 7 the binding is `CriticalDeviceDatabase`; from
//! Windows 8 on it is `DriverDatabase`. Other packages are left where Windows finds them when the device comes up.

mod boot;
mod critical_devices;
mod database;
mod default_install;
mod device_path;
mod edit;
mod error;
mod files;
mod framework;
mod guest;
mod in_box;
mod oem_numbers;
mod places;
mod registry;
mod service_key;
mod setup_class;
mod store_name;

pub use database::package_version;
pub use edit::{Edit, Value};
pub use error::StagingError;
pub use framework::{FRAMEWORK_LIBRARY, FRAMEWORK_LOADER, Framework};
pub use guest::{Binding, Guest};
pub use in_box::{CriticalDevice, InBox, InBoxStart, start_below_every_disk, start_in_box};
pub use oem_numbers::OemNumbers;
pub use store_name::{Digest, store_name};

use std::collections::{HashMap, HashSet};

use crate::choice::Fit;
use crate::inf::{ENTRIES_MAX, IncludedInfs, Install, Manufacturer, Model};
use crate::{Guid, Package};
pub(crate) use places::{Places, join};

/// Who signed a package, as far as Windows would trust it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// Nobody that the guest would trust.
    None,
    /// A publisher, by name where it is known.
    Publisher(Option<String>),
    /// Microsoft: a tested or an attested driver.
    Microsoft(Option<String>),
}

/// A file of the package, where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFile {
    /// Path from the INF's folder, with `\`.
    pub name: String,
    /// Path in the source.
    pub from: String,
    /// It is the catalog.
    pub is_catalog: bool,
}

/// A package to add.
pub struct Request<'a> {
    /// The Windows.
    pub guest: &'a Guest,
    /// The package.
    pub package: &'a Package,
    /// What of it is for that Windows.
    pub fit: &'a Fit<'a>,
    /// INFs of Windows that it includes.
    pub included: &'a dyn IncludedInfs,
    /// Its files but for the INF.
    pub files: &'a [PackageFile],
    /// Hash of everything in it.
    pub digest: u64,
    /// The N of `oemN.inf`.
    pub oem_number: u32,
    /// Numbers taken once the package is added; `None` where Windows keeps no map.
    pub oem_numbers: Option<&'a OemNumbers>,
    /// When it is added: 100 ns ticks since 1601 UTC.
    pub now: u64,
    /// Where it comes from, for the driver store.
    pub origin: &'a str,
    /// Who signed it.
    pub signature: &'a Signature,
    /// The guest has its setup class.
    pub has_class: bool,
    /// The guest's class of the name that the INF gives, for an INF without `ClassGuid`.
    pub class: Option<Guid>,
}

/// What adding a package means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staging {
    /// The name of its INF in the guest, `oem3.inf`; `None`: Windows gives one when the device comes up.
    pub inf: Option<String>,
    /// Where its INF is kept in the guest, for a package without devices, which Windows keeps nowhere.
    pub kept_in: Option<String>,
    /// Its folder in the driver store: `viostor.inf_amd64_0123456789abcdef`.
    pub store_name: String,
    /// It starts with the guest.
    pub boot_critical: bool,
    /// Services that are made now; those of other packages are made when Windows finds the device.
    pub services: Vec<String>,
    /// Identifiers of devices that are bound now.
    pub bound: Vec<String>,
    /// What to do, in order.
    pub edits: Vec<Edit>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// A model with what installing it means.
struct Device<'a> {
    maker: &'a Manufacturer,
    model: &'a Model,
    /// Its place among the installations.
    install: usize,
}

/// What is worked out once for a request.
struct Plan<'a> {
    request: &'a Request<'a>,
    class: Guid,
    places: Places<'a>,
    devices: Vec<Device<'a>>,
    installs: Vec<Install>,
    inf: String,
    store_name: String,
    /// The INF gets its number in the guest.
    published: bool,
    edits: Vec<Edit>,
    warnings: Vec<String>,
    /// What was warned of.
    warned: HashSet<String>,
}

/// Works out what adding a package means. Nothing is written by it.
///
/// # Errors
/// A package that cannot be added in a way that works.
pub fn stage(request: &Request<'_>) -> Result<Staging, StagingError> {
    let package = request.package;
    if request.fit.sections.is_empty() && package.has_default_install() {
        return default_install::stage(request);
    }
    let class = package.version().class_guid.or(request.class).ok_or(StagingError::NoClass)?;
    let inf = format!("oem{}.inf", request.oem_number);
    let mut plan = Plan::new(request, class, inf, request.store_name());
    plan.read_installs()?;
    // One that need not start with the guest waits for a framework as it does for its device.
    let boot_critical = boot::is_critical(plan.class, &plan.installs)
        || boot::starts_a_device(&plan.installs) && framework::suffices(&plan);
    plan.check_functions(boot_critical)?;
    framework::check(&mut plan, boot_critical)?;
    plan.published = boot_critical || request.guest.has_database();
    let mut services = Vec::new();
    let mut bound = Vec::new();
    files::package(&mut plan, boot_critical);
    if boot_critical {
        files::installed(&mut plan)?;
        setup_class::make(&mut plan)?;
        services = service_key::make(&mut plan)?;
        registry::installed(&mut plan);
        let mut known = HashSet::new();
        bound.extend(plan.devices.iter().flat_map(|device| device.model.ids()).map(str::to_owned));
        bound.retain(|id| known.insert(id.to_ascii_lowercase()));
    }
    match request.guest.binding {
        Binding::CriticalDevices => {
            if boot_critical {
                critical_devices::bind(&mut plan);
            }
            device_path::extend(&mut plan);
        }
        Binding::Database { .. } => database::add(&mut plan, boot_critical)?,
    }
    let Plan { inf, store_name, published, edits, warnings, .. } = plan;
    let inf = published.then_some(inf);
    let kept_in = None;
    Ok(Staging { inf, kept_in, store_name, boot_critical, services, bound, edits, warnings })
}

/// What an installation asks for and only Windows does, in words. `fate` tells what becomes of it.
fn left_to_windows(install: &Install, fate: &str) -> Vec<String> {
    let section = &install.section;
    let mut told: Vec<String> = Vec::new();
    for service in &install.removed_services {
        told.push(format!("[{section}] deletes service {}: that {fate}", service.name));
    }
    for filter in &install.filters {
        let service = &filter.service;
        told.push(format!("[{section}] gives the device filter {service}: that {fate}"));
    }
    if !install.coinstallers.registry.is_empty() {
        told.push(format!("[{section}] has a co-installer: it {fate}"));
    }
    let names: Vec<&str> = install.class_entries.iter().map(|(name, _)| name.as_str()).collect();
    if !names.is_empty() {
        told.push(format!("[{section}] {}: that {fate}", names.join(", ")));
    }
    told
}

impl Request<'_> {
    /// The package's folder in the driver store.
    fn store_name(&self) -> String {
        store_name(self.package.file_name(), &self.guest.target, self.digest)
    }
}

impl<'a> Plan<'a> {
    fn new(request: &'a Request<'a>, class: Guid, inf: String, store_name: String) -> Self {
        Self {
            request,
            class,
            places: Places::new(request.guest, &store_name),
            devices: Vec::new(),
            installs: Vec::new(),
            inf,
            store_name,
            published: false,
            edits: Vec::new(),
            warnings: Vec::new(),
            warned: HashSet::new(),
        }
    }

    /// Works out what the models of the package install, each section once.
    fn read_installs(&mut self) -> Result<(), StagingError> {
        let Request { package, fit, guest, included, .. } = *self.request;
        let mut left = ENTRIES_MAX;
        let mut known: HashMap<String, usize> = HashMap::new();
        let makers = package.manufacturers().iter();
        let makers = makers.flat_map(|maker| {
            maker.sections.iter().map(move |section| (std::ptr::from_ref(section), maker))
        });
        let makers: HashMap<_, _> = makers.collect();
        for &section in &fit.sections {
            let Some(&maker) = makers.get(&std::ptr::from_ref(section)) else { continue };
            for model in &section.models {
                let name = &model.install_section;
                let next = self.installs.len();
                let install = *known.entry(name.to_ascii_lowercase()).or_insert(next);
                if install == next {
                    let architecture = guest.target.architecture;
                    let inf = package.inf();
                    self.installs.push(inf.install_within(
                        name,
                        architecture,
                        included,
                        &mut left,
                    )?);
                }
                self.devices.push(Device { maker, model, install });
            }
        }
        if self.devices.is_empty() {
            return Err(StagingError::NoDevices);
        }
        Ok(())
    }

    /// Leaves out devices whose service nobody knows, and tells what else is not there.
    fn check_functions(&mut self, boot_critical: bool) -> Result<(), StagingError> {
        let fate =
            if self.devices.is_empty() { "is not carried out" } else { "is left to Windows" };
        let mut told = self.leave_unknown_functions()?;
        for install in &self.installs {
            for needed in install.included.iter().filter(|needed| needed.found_in.is_none()) {
                let file = needed.files.join(", ");
                told.push(format!(
                    "[{}] needs [{}] of {file}, which the guest does not have: it is left out",
                    install.section, needed.section
                ));
            }
            if boot_critical {
                told.extend(left_to_windows(install, fate));
                told.extend(install.not_carried_out.iter().map(|entry| {
                    format!("{} line {}: {} {fate}", entry.file, entry.line, entry.directive)
                }));
            }
        }
        for text in told {
            self.warn(text);
        }
        Ok(())
    }

    /// Leaves out devices of disk controllers whose service an INF names that the guest does not have; says so. Refuses a package of
    /// which nothing is left then.
    fn leave_unknown_functions(&mut self) -> Result<Vec<String>, StagingError> {
        let mut told = Vec::new();
        if !boot::is_storage(self.class) {
            return Ok(told);
        }
        let mut missing = None;
        let mut places = Vec::new();
        let mut kept = Vec::new();
        for install in std::mem::take(&mut self.installs) {
            let is_known = install.function_service().is_some() || install.null_service;
            let needed = install.included.iter().find(|needed| needed.found_in.is_none());
            let Some(needed) = needed.filter(|_| !is_known) else {
                places.push(Some(kept.len()));
                kept.push(install);
                continue;
            };
            let (file, section) = (needed.files.join(", "), needed.section.clone());
            told.push(format!(
                "[{}]: its service is named by [{section}] of {file}, which the guest does not have: its devices are left out",
                install.section
            ));
            missing.get_or_insert(StagingError::MissingInclude { file, section });
            places.push(None);
        }
        self.installs = kept;
        self.devices = std::mem::take(&mut self.devices)
            .into_iter()
            .filter_map(|device| {
                Some(Device { install: (*places.get(device.install)?)?, ..device })
            })
            .collect();
        match missing {
            Some(missing) if self.installs.iter().all(|one| one.function_service().is_none()) => {
                Err(missing)
            }
            _ => Ok(told),
        }
    }

    /// Adds a warning once.
    fn warn(&mut self, text: String) {
        if self.warned.insert(text.clone()) {
            self.warnings.push(text);
        }
    }

    fn set(&mut self, key: impl Into<String>, name: &str, value: Value) {
        self.edits.push(Edit::set(key, name, value));
    }
}
