//! Drivers besides those on the way to the disk: ones whose files are gone, filters of every class, signatures.

use std::collections::BTreeSet;

use winkiln_bake::drivers::{Judgement, judge_signature};
use winkiln_bake::{BakeError, Step};
use winkiln_guest::boots_on::Obstacle;
use winkiln_guest::{Architecture, service_file};
use winkiln_trust::catalog::Catalog;
use winkiln_trust::pe::Image;
use winkiln_trust::signature::Signature;

use super::steps::set_dword;
use super::storage::{DISABLED, filter_repair, put_back, replace};
use super::unreadable::unreadable;
use crate::finding::{Finding, Repair, Severity};
use crate::patient::Patient;
use crate::rule::Look;

/// `Type` of drivers. Source: Microsoft, "CurrentControlSet\Services Subkeys".
const DRIVERS: [u32; 3] = [1, 2, 8];
/// `ErrorControl` of a driver without which Windows stops.
const CRITICAL: u32 = 3;
/// Bytes of a driver's file that are read.
const FILE_MAX: u64 = 64 << 20;
/// Drivers of Windows' own that it does not start without: to switch one off repairs nothing.
const ESSENTIAL: [&str; 16] = [
    "ACPI", "CLFS", "CNG", "Disk", "FltMgr", "KSecDD", "KSecPkg", "MountMgr", "Mup", "NDIS",
    "PartMgr", "PCI", "VolMgr", "Volume", "VolSnap", "Wdf01000",
];
/// The catalogs of drivers. Source: Microsoft, "Installing a catalog file by using an INF file".
const CATALOGS: &str = r"System32\CatRoot\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}";

/// A driver that the boot loader starts.
struct Driver {
    service: String,
    key: String,
    /// On the system volume.
    file: String,
    /// INF files of packages that are not Windows' own.
    owners: Vec<String>,
}

fn boot_drivers(patient: &mut Patient<'_>) -> Result<Vec<Driver>, BakeError> {
    let root = patient.windows()?.system_root;
    let services = patient.in_set("Services");
    let mut drivers = Vec::new();
    for service in patient.subkeys(&services)?.unwrap_or_default() {
        let key = patient.in_set(&format!(r"Services\{service}"));
        let is_driver =
            patient.dword(&key, "Type")?.is_some_and(|number| DRIVERS.contains(&number));
        if patient.dword(&key, "Start")? != Some(0) || !is_driver {
            continue;
        }
        let image = patient.text(&key, "ImagePath")?;
        let Some(file) = service_file(&service, image.as_deref(), &root) else { continue };
        let owners = patient.texts(&key, "Owners")?.into_iter();
        let is_oem = |owner: &String| {
            let owner = owner.to_ascii_lowercase();
            let number = owner.strip_prefix("oem").and_then(|rest| rest.strip_suffix(".inf"));
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        };
        let owners = owners.filter(is_oem).collect();
        drivers.push(Driver { service, key, file, owners });
    }
    Ok(drivers)
}

/// How many drivers the boot loader starts.
pub(crate) fn count(patient: &mut Patient<'_>) -> Result<usize, BakeError> {
    Ok(boot_drivers(patient)?.len())
}

/// Services without a file that the rules on the way to the disk tell of, in lower case.
fn told_already(patient: &mut Patient<'_>) -> Result<BTreeSet<String>, BakeError> {
    let told =
        super::storage::told_of(patient)?.into_iter().filter_map(|obstacle| match obstacle {
            Obstacle::NoFile { service, .. } | Obstacle::Unreadable { service, .. } => {
                Some(service.to_lowercase())
            }
            Obstacle::Filter { filter, .. } => Some(filter.to_lowercase()),
            _ => None,
        });
    Ok(told.collect())
}

const MISSING: &str = "boot-driver-missing";

pub(crate) fn file_missing(patient: &mut Patient<'_>) -> Look {
    let volume = patient.windows()?.volume;
    let told = told_already(patient)?;
    let mut findings = Vec::new();
    for driver in boot_drivers(patient)? {
        if told.contains(&driver.service.to_lowercase()) {
            continue;
        }
        match patient.disk().find_file(volume, &driver.file) {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                let object = format!("{} of service {}", driver.file, driver.service);
                findings.push(unreadable(MISSING, Severity::Hinders, object, &error));
                continue;
            }
        }
        let critical = patient.dword(&driver.key, "ErrorControl")? == Some(CRITICAL);
        let what = format!("set Start of service {} to 4", driver.service);
        let steps = vec![set_dword(&driver.key, "Start", DISABLED)];
        let copied = replace(patient, &driver.service, &driver.file)?;
        findings.push(Finding {
            rule: MISSING,
            severity: if critical { Severity::Stops } else { Severity::Hinders },
            object: format!("service {}", driver.service),
            found: format!("no file {}", driver.file),
            expected: "the driver that Windows is to start".to_owned(),
            repair: if matches!(copied, Repair::Safe { .. }) {
                copied
            } else if !driver.owners.is_empty() {
                // What a vendor left behind starts nothing any more.
                Repair::safe(what, steps)
            } else if ESSENTIAL.iter().any(|name| name.eq_ignore_ascii_case(&driver.service)) {
                put_back(&driver.file)
            } else {
                Repair::asked(what, "a part of Windows that needs the driver does not work", steps)
            },
        });
    }
    Ok(findings)
}

/// Filters of classes that are not on the way to the disk, such as those of keyboards.
pub(crate) fn class_filter(patient: &mut Patient<'_>) -> Look {
    let root = patient.windows()?.system_root;
    let classes = patient.in_set(r"Control\Class");
    let told: BTreeSet<(String, String)> = super::storage::told_of(patient)?
        .into_iter()
        .filter_map(|obstacle| match obstacle {
            Obstacle::Filter { key, filter, .. } => {
                let (_, class) = key.rsplit_once(r"\Control\Class\")?;
                Some((class.to_lowercase(), filter.to_lowercase()))
            }
            _ => None,
        })
        .collect();
    let mut findings = Vec::new();
    for class in patient.subkeys(&classes)?.unwrap_or_default() {
        let key = format!(r"{classes}\{class}");
        for value in ["UpperFilters", "LowerFilters"] {
            for filter in patient.texts(&key, value)? {
                let service = patient.in_set(&format!(r"Services\{filter}"));
                if told.contains(&(class.to_lowercase(), filter.to_lowercase())) {
                    continue;
                }
                let Some(why) = filter_fault(patient, &filter, service, &root)? else { continue };
                let found = match &why {
                    Obstacle::NotBootStart { service, .. } => {
                        format!("{filter}: service {service} is switched off")
                    }
                    why => format!("{filter}: {why}"),
                };
                findings.push(Finding {
                    rule: "class-filter-missing",
                    severity: Severity::Hinders,
                    object: format!(r"{key}\{value}"),
                    found,
                    expected: "drivers that are there: without one, no device of the class starts"
                        .to_owned(),
                    repair: filter_repair(patient, value, &key, &filter, &why)?,
                });
            }
        }
    }
    Ok(findings)
}

/// Why no device starts that has a filter; it need not start as early as those on the way to the disk.
fn filter_fault(
    patient: &mut Patient<'_>,
    filter: &str,
    key: String,
    root: &str,
) -> Result<Option<Obstacle>, BakeError> {
    let service = filter.to_owned();
    if patient.subkeys(&key)?.is_none() {
        return Ok(Some(Obstacle::NoService { service, key }));
    }
    let image = patient.text(&key, "ImagePath")?;
    if let Some(file) = service_file(filter, image.as_deref(), root)
        && !patient.has_file(&file)?
    {
        return Ok(Some(Obstacle::NoFile { service, file }));
    }
    let found = patient.dword(&key, "Start")?;
    let is_off = found == Some(DISABLED);
    Ok(is_off.then_some(Obstacle::NotBootStart { service, found }))
}

/// Boot drivers whose signature the boot loader does not take. What is neither signed itself nor of a vendor's package is Windows'
/// own, and not judged.
pub(crate) fn unsigned(patient: &mut Patient<'_>) -> Look {
    let windows = patient.windows()?;
    if windows.version < (6, 0) || windows.architecture == Architecture::X86 {
        return Ok(Vec::new());
    }
    let yes = |patient: &mut Patient<'_>, name| -> Result<bool, BakeError> {
        let element = patient.element("{default}", name)?;
        Ok(element.is_some_and(|element| element.to_text().eq_ignore_ascii_case("yes")))
    };
    let (testsigning, unchecked) =
        (yes(patient, "testsigning")?, yes(patient, "nointegritychecks")?);
    let mut findings = Vec::new();
    for driver in boot_drivers(patient)? {
        if !patient.has_file(&driver.file)? {
            continue;
        }
        let disk = patient.disk();
        let Ok(bytes) = disk.volume(windows.volume)?.read(&driver.file, FILE_MAX) else { continue };
        let embedded = Image::parse(&bytes).and_then(|image| Signature::of_pe(&image));
        let embedded = embedded.ok().and_then(|signatures| signatures.into_iter().next());
        let signature = match embedded {
            Some(signature) => Some(signature),
            None if driver.owners.is_empty() => continue,
            None => by_catalog(patient, &driver, &bytes)?,
        };
        let judgement = match &signature {
            Some(signature) => judge_signature(signature, &driver.file, windows.version),
            None => Judgement::Refused(format!("{} has no signature", driver.file)),
        };
        let (reason, repair) = match judgement {
            Judgement::Accepted(_) => continue,
            Judgement::Test(..) | Judgement::Refused(_) if unchecked => continue,
            Judgement::Test(..) if testsigning => continue,
            Judgement::Test(_, reason) => {
                let step = Step::BcdSet {
                    object: "{default}".to_owned(),
                    element: "testsigning".to_owned(),
                    value: "on".to_owned(),
                };
                let price = "drivers that anybody signed for tests load; Secure Boot must be off";
                (reason, Repair::asked("turn test signing on", price, vec![step]))
            }
            Judgement::Refused(reason) => (
                reason,
                Repair::advice(
                    "replace the driver by one that is signed: winkiln drivers add IMAGE SOURCE",
                ),
            ),
        };
        findings.push(Finding {
            rule: "boot-driver-unsigned",
            severity: Severity::Stops,
            object: format!("service {}", driver.service),
            found: reason,
            expected: "a signature that this Windows takes".to_owned(),
            repair,
        });
    }
    Ok(findings)
}

/// The signature of a catalog of the driver's packages that has the file as it is.
fn by_catalog(
    patient: &mut Patient<'_>,
    driver: &Driver,
    bytes: &[u8],
) -> Result<Option<Signature>, BakeError> {
    let windows = patient.windows()?;
    for owner in &driver.owners {
        let stem = owner.rsplit_once('.').map_or(owner.as_str(), |(stem, _)| stem);
        let path = format!(r"{}\{CATALOGS}\{stem}.cat", windows.system_root);
        if !patient.has_file(&path)? {
            continue;
        }
        let Ok(catalog) = patient.disk().volume(windows.volume)?.read(&path, FILE_MAX) else {
            continue;
        };
        if let Ok(catalog) = Catalog::read(&catalog)
            && catalog.covers(bytes).is_some()
        {
            return Ok(Some(catalog.signature));
        }
    }
    Ok(None)
}
