//! Drivers of Windows itself for the disk controllers that every hypervisor emulates: made to start with the guest.
//!
//! Windows switches off what its own hardware does not need, so that a guest may know a controller and not start from it.
//!
//! Source: Microsoft, KB314082 (entries and services of Windows XP) and KB922976 (`Start` of Vista and 7); `mshdc.inf` of Windows XP
//! and Server 2003; the hives of Windows XP, 7, 8.1 and 10, where `StartOverride` goes before `Start`.

use std::collections::{HashMap, HashSet};

use super::{
    Edit, Guest, Plan, Request, Signature, StagingError, Value, critical_devices, service_key,
};
use crate::choice::{Closeness, Fit};
use crate::inf::{ENTRIES_MAX, NoIncludes, Service};
use crate::{Package, Target};

/// `HDC`, the class of all of them but the last.
const HDC: &str = "{4D36E96A-E325-11CE-BFC1-08002BE10318}";
const SCSI_ADAPTER: &str = "{4D36E97B-E325-11CE-BFC1-08002BE10318}";

/// A driver of Windows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InBox {
    /// Its service, and its file without `.sys`.
    pub service: &'static str,
    /// The INF of Windows that it comes with.
    pub inf: &'static str,
    /// A word for the controllers that it is for, as of the "boots on" table.
    pub bus: &'static str,
    /// It came with an update to some of these releases.
    pub optional: bool,
    versions: [(u32, u32); 2],
    group: &'static str,
    class: &'static str,
    /// Identifiers that the controllers of hypervisors report.
    ids: &'static [&'static str],
}

const LATEST: (u32, u32) = (u32::MAX, u32::MAX);
const IDE: InBox = InBox {
    service: "intelide",
    inf: "mshdc.inf",
    bus: "ide",
    optional: false,
    versions: [(5, 0), LATEST],
    group: "System Bus Extender",
    class: HDC,
    ids: &[r"PCI\VEN_8086&DEV_7010", r"PCI\VEN_8086&DEV_7111"],
};
const ALL: [InBox; 6] = [
    IDE,
    InBox { service: "pciide", ids: &[r"PCI\CC_0101"], ..IDE },
    InBox {
        service: "atapi",
        group: "SCSI Miniport",
        ids: &["Primary_IDE_Channel", "Secondary_IDE_Channel", "Internal_IDE_Channel", "*PNP0600"],
        ..IDE
    },
    InBox {
        service: "msahci",
        bus: "ahci",
        versions: [(6, 0), (6, 1)],
        group: "SCSI Miniport",
        ids: &[r"PCI\CC_010601"],
        ..IDE
    },
    InBox {
        service: "storahci",
        bus: "ahci",
        versions: [(6, 2), LATEST],
        group: "SCSI Miniport",
        ids: &[r"PCI\CC_010601"],
        ..IDE
    },
    InBox {
        service: "stornvme",
        inf: "stornvme.inf",
        bus: "nvme",
        // Windows 7 has it by KB2990941.
        optional: true,
        versions: [(6, 1), LATEST],
        group: "SCSI Miniport",
        class: SCSI_ADAPTER,
        ids: &[r"PCI\CC_010802"],
    },
];

impl InBox {
    /// Those of a release of Windows.
    pub fn of(target: &Target) -> impl Iterator<Item = Self> {
        let version = target.version;
        ALL.into_iter()
            .filter(move |driver| {
                let [from, to] = driver.versions;
                (from..=to).contains(&version)
            })
            .map(move |driver| Self { optional: driver.optional && version < (6, 3), ..driver })
    }
}

/// An entry of the `CriticalDeviceDatabase`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriticalDevice {
    /// Its key.
    pub key: String,
    /// The identifier.
    pub id: String,
    /// What makes it.
    pub edits: Vec<Edit>,
}

/// What has a driver of Windows itself start with the guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InBoxStart {
    /// The service.
    pub edits: Vec<Edit>,
    /// Its devices, where the guest binds them by key; from Windows 8 on its package does.
    pub bindings: Vec<CriticalDevice>,
}

/// Works out what has a driver of Windows itself start with the guest. `package` is the guest's own INF of it, where that can be read;
/// `has_service` tells whether its service is there.
///
/// # Errors
/// A service of the INF whose file cannot be placed.
pub fn start_in_box(
    guest: &Guest,
    driver: &InBox,
    package: Option<&Package>,
    has_service: bool,
) -> Result<InBoxStart, StagingError> {
    let mut start = InBoxStart::default();
    let key = format!(r"{}\{}", service_key::SERVICES, driver.service);
    let mut installs = package.map(|package| Installs::new(package, guest));
    let described = match &mut installs {
        Some(installs) if !has_service => installs.described(driver.service),
        _ => None,
    };
    match (package, described) {
        _ if has_service => {}
        (Some(package), Some(service)) => start.edits = made_by(guest, package, &service)?,
        _ => {
            let path = format!(r"System32\drivers\{}.sys", driver.service);
            start.edits.extend([
                Edit::set(&*key, "Type", Value::dword(1)),
                Edit::set(&*key, "ErrorControl", Value::dword(1)),
                Edit::set(&*key, "Group", Value::sz(driver.group)),
                Edit::set(&*key, "ImagePath", Value::expand_sz(&path)),
            ]);
        }
    }
    start.edits.push(Edit::set(&*key, "Start", Value::dword(0)));
    start.edits.push(Edit::DeleteKey { key: format!(r"{key}\StartOverride") });
    if !guest.has_database() {
        let mut ids: Vec<String> = driver.ids.iter().map(|id| (*id).to_owned()).collect();
        // Up to Windows XP channels were named by their number alone.
        ids.retain(|id| !guest.is_nt5() || id != "Internal_IDE_Channel");
        ids.extend(installs.iter_mut().flat_map(|installs| installs.ids_of(driver.service)));
        let mut known = HashSet::new();
        ids.retain(|id| known.insert(id.to_ascii_lowercase()));
        start.bindings = ids.into_iter().map(|id| entry(id, driver)).collect();
    }
    Ok(start)
}

/// Drivers that every disk needs, whatever its controller, and a policy that would keep devices from being bound.
#[must_use]
pub fn start_below_every_disk(guest: &Guest) -> Vec<Edit> {
    let mut edits: Vec<Edit> = service_key::BELOW_EVERY_DISK
        .iter()
        .map(|name| Edit::DeleteKey {
            key: format!(r"{}\{name}\StartOverride", service_key::SERVICES),
        })
        .collect();
    if !guest.has_database() {
        edits.extend(critical_devices::allow());
    }
    edits
}

fn entry(id: String, driver: &InBox) -> CriticalDevice {
    let key = critical_devices::key(&id);
    let edits = vec![
        Edit::set(&*key, "Service", Value::sz(driver.service)),
        Edit::set(&*key, "ClassGUID", Value::sz(driver.class)),
    ];
    CriticalDevice { key, id, edits }
}

/// What the sections of an INF of Windows install: each is worked out once, and all within the entries of one package.
struct Installs<'a> {
    package: &'a Package,
    guest: &'a Guest,
    /// Services by section, in lower case.
    known: HashMap<String, Vec<Service>>,
    left: usize,
}

impl<'a> Installs<'a> {
    fn new(package: &'a Package, guest: &'a Guest) -> Self {
        Self { package, guest, known: HashMap::new(), left: ENTRIES_MAX }
    }

    /// The services of a section; none when it cannot be understood.
    fn services(&mut self, section: &str) -> &[Service] {
        let (package, left) = (self.package, &mut self.left);
        let architecture = self.guest.target.architecture;
        self.known.entry(section.to_ascii_lowercase()).or_insert_with(|| {
            let install = package.inf().install_within(section, architecture, &NoIncludes, left);
            install.map(|install| install.services).unwrap_or_default()
        })
    }

    /// The service as one of the sections makes it, whether a model names the section or not.
    fn described(&mut self, service: &str) -> Option<Service> {
        let is_it = |found: &&Service| found.name.eq_ignore_ascii_case(service);
        let sections = self.package.inf().sections().iter();
        let mut names = sections.filter_map(|section| {
            let (name, last) = section.name.rsplit_once('.')?;
            last.eq_ignore_ascii_case("services").then_some(name)
        });
        names.find_map(|name| self.services(name).iter().find(is_it).cloned())
    }

    /// Identifiers on a PCI bus, and channels, that the INF gives to a service.
    fn ids_of(&mut self, service: &str) -> Vec<String> {
        let package = self.package;
        let Ok(fit) = package.fit(&self.guest.target) else { return Vec::new() };
        let is_its = |found: &Service| {
            found.flags.is_function_driver() && found.name.eq_ignore_ascii_case(service)
        };
        let mut ids = Vec::new();
        for model in fit.sections.iter().flat_map(|section| &section.models) {
            let is_wanted = |id: &&str| {
                id.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(r"PCI\"))
                    || (!id.contains('\\') && !id.is_empty())
            };
            let wanted: Vec<&str> = model.ids().filter(is_wanted).collect();
            if !wanted.is_empty() && self.services(&model.install_section).iter().any(is_its) {
                ids.extend(wanted.into_iter().map(str::to_owned));
            }
        }
        ids
    }
}

/// The key of a service as `AddService` makes it.
fn made_by(guest: &Guest, package: &Package, service: &Service) -> Result<Vec<Edit>, StagingError> {
    let fit = Fit { closeness: Closeness::default(), sections: Vec::new() };
    let class = package.version().class_guid.ok_or(StagingError::NoClass)?;
    let request = Request {
        guest,
        package,
        fit: &fit,
        included: &NoIncludes,
        files: &[],
        digest: 0,
        oem_number: 0,
        oem_numbers: None,
        now: 0,
        origin: "",
        signature: &Signature::None,
        has_class: true,
        class: None,
    };
    let inf = package.file_name().to_lowercase();
    let mut plan = Plan { published: true, ..Plan::new(&request, class, inf, String::new()) };
    service_key::key(&mut plan, service)?;
    Ok(plan.edits)
}
