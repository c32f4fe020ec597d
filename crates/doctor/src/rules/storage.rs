//! The way from the boot loader to the disk: what [`winkiln_guest::boots_on()`] finds in it, told rule by rule.

use winkiln_bake::step::Contents;
use winkiln_bake::value_text::multi_data;
use winkiln_bake::{BakeError, Step};
use winkiln_guest::boots_on::{BusVerdict, Obstacle};
use winkiln_hive::ValueType;

use super::steps::{delete_value, set_dword};
use super::unreadable::CHECK;
use crate::finding::{Finding, Repair, Severity};
use crate::guest_copy;
use crate::patient::Patient;
use crate::rule::Look;

/// What keeps the guest from a disk.
struct Blocked {
    /// Of the controller, for people.
    controller: String,
    /// It stands for every controller that there is.
    is_all: bool,
    obstacle: Obstacle,
    severity: Severity,
}

pub(crate) fn not_bound(patient: &mut Patient<'_>) -> Look {
    told(patient, "storage-not-bound", |obstacle| {
        matches!(
            obstacle,
            Obstacle::NotBound { .. } | Obstacle::Staged { .. } | Obstacle::Damaged { .. }
        )
    })
}

pub(crate) fn no_service(patient: &mut Patient<'_>) -> Look {
    told(patient, "storage-service-missing", |obstacle| {
        matches!(obstacle, Obstacle::NoService { .. } | Obstacle::NotADriver { .. })
    })
}

pub(crate) fn not_started(patient: &mut Patient<'_>) -> Look {
    told(patient, "storage-start", |obstacle| matches!(obstacle, Obstacle::NotBootStart { .. }))
}

pub(crate) fn start_override(patient: &mut Patient<'_>) -> Look {
    told(patient, "storage-start-override", |obstacle| {
        matches!(obstacle, Obstacle::StartOverride { .. })
    })
}

pub(crate) fn no_file(patient: &mut Patient<'_>) -> Look {
    told(patient, "storage-file-missing", |obstacle| {
        matches!(
            obstacle,
            Obstacle::NoFile { .. }
                | Obstacle::NoModule { .. }
                | Obstacle::OtherVolume { .. }
                | Obstacle::Unreadable { .. }
        )
    })
}

pub(crate) fn wrong_file(patient: &mut Patient<'_>) -> Look {
    told(patient, "storage-file-wrong", |obstacle| {
        matches!(obstacle, Obstacle::WrongMachine { .. } | Obstacle::NotAProgram { .. })
    })
}

pub(crate) fn filter(patient: &mut Patient<'_>) -> Look {
    told(patient, "storage-filter", |obstacle| matches!(obstacle, Obstacle::Filter { .. }))
}

pub(crate) fn policy(patient: &mut Patient<'_>) -> Look {
    told(patient, "storage-policy", |obstacle| matches!(obstacle, Obstacle::Policy { .. }))
}

/// What the rules of this module tell of, without what leads to it.
pub(super) fn told_of(patient: &mut Patient<'_>) -> Result<Vec<Obstacle>, BakeError> {
    let blocked = blocked(patient)?.into_iter();
    Ok(blocked.map(|one| innermost(&one.obstacle).clone()).collect())
}

/// A driver that another one needs is told as itself.
fn innermost(obstacle: &Obstacle) -> &Obstacle {
    match obstacle {
        Obstacle::Needs { why, .. } => innermost(why),
        other => other,
    }
}

/// One finding for each thing in the way that a rule is for.
fn told(patient: &mut Patient<'_>, rule: &'static str, is_wanted: fn(&Obstacle) -> bool) -> Look {
    let mut findings: Vec<Finding> = Vec::new();
    for Blocked { controller, is_all, obstacle, severity } in blocked(patient)? {
        if !is_wanted(innermost(&obstacle)) {
            continue;
        }
        let repair = repair(patient, innermost(&obstacle), &controller)?;
        let mut found = obstacle.to_string();
        if is_all && !is_bound(&obstacle) {
            let own = own_controllers(patient)?;
            if !own.is_empty() {
                found += &format!("; Windows ran on {}, which no hypervisor has", own.join(", "));
            }
        }
        let finding = Finding {
            rule,
            severity,
            object: controller,
            found,
            expected: "a driver that the boot loader starts, and all that it needs".to_owned(),
            repair,
        };
        if !findings.iter().any(|other| other.found == finding.found) {
            findings.push(finding);
        }
    }
    Ok(findings)
}

/// Without a target: every controller that the guest ran on must do, or, where it is not known which, any.
fn blocked(patient: &mut Patient<'_>) -> Result<Vec<Blocked>, BakeError> {
    let verdicts = patient.verdicts()?;
    let pick = |words: &[&str]| -> Vec<BusVerdict> {
        verdicts.iter().filter(|bus| words.contains(&bus.word)).cloned().collect()
    };
    let (wanted, all_must) = match patient.target {
        Some(target) => (pick(target.buses(patient.is_uefi())), false),
        None => match pick(&patient.met()?) {
            met if met.is_empty() => (verdicts.clone(), false),
            met => (met, true),
        },
    };
    let any_boots = wanted.iter().any(BusVerdict::boots);
    if any_boots && !all_must {
        return Ok(Vec::new());
    }
    let severity = if any_boots { Severity::Hinders } else { Severity::Stops };
    let mut blocked: Vec<Blocked> = Vec::new();
    for bus in wanted.iter().filter(|bus| !bus.boots()) {
        // The controller that comes furthest.
        let best = bus.controllers.iter().rev().max_by_key(|controller| {
            let bound = controller.obstacle.as_ref().is_some_and(is_bound);
            (controller.drivers.len(), bound)
        });
        let Some((best, obstacle)) = best.and_then(|best| Some((best, best.obstacle.as_ref()?)))
        else {
            continue;
        };
        let controller = format!("{}, {}", bus.name, best.name);
        blocked.push(Blocked { controller, is_all: false, obstacle: obstacle.clone(), severity });
    }
    // Of all controllers that there are, only what is nearest to booting is worth telling.
    if patient.target.is_none() && !all_must && blocked.iter().any(|one| is_bound(&one.obstacle)) {
        blocked.retain(|one| is_bound(&one.obstacle));
    }
    // Where nothing is nearer than the rest, one stands for all.
    if patient.target.is_none() && !all_must && blocked.len() > 1 && wanted.len() == verdicts.len()
    {
        blocked.truncate(1);
        for one in &mut blocked {
            let names: Vec<&str> = wanted.iter().map(|bus| bus.name).collect();
            one.controller = format!("{}: none of them", names.join(", "));
            one.is_all = true;
        }
    }
    Ok(blocked)
}

/// Controllers told one by one; a machine has a few.
const OWN_MAX: usize = 8;

/// Disk controllers that Windows met, by the identifiers under which it keeps them.
fn own_controllers(patient: &mut Patient<'_>) -> Result<Vec<String>, BakeError> {
    /// Setup classes of disk controllers: `hdc` and `SCSIAdapter`.
    const CLASSES: [&str; 2] =
        ["{4D36E96A-E325-11CE-BFC1-08002BE10318}", "{4D36E97B-E325-11CE-BFC1-08002BE10318}"];
    let bus = patient.in_set(r"Enum\PCI");
    let mut found = Vec::new();
    for device in patient.subkeys(&bus)?.unwrap_or_default() {
        let key = format!(r"{bus}\{device}");
        for instance in patient.subkeys(&key)?.unwrap_or_default() {
            let class = patient.text(&format!(r"{key}\{instance}"), "ClassGUID")?;
            let is_one = class.is_some_and(|class| {
                CLASSES.iter().any(|known| known.eq_ignore_ascii_case(&class))
            });
            let id = device.split("&SUBSYS").next().unwrap_or(&device);
            let id = format!(r"PCI\{id}");
            if is_one && !found.contains(&id) && found.len() < OWN_MAX {
                found.push(id);
            }
        }
    }
    Ok(found)
}

fn is_bound(obstacle: &Obstacle) -> bool {
    !matches!(obstacle, Obstacle::NotBound { .. } | Obstacle::Staged { .. })
}

fn repair(
    patient: &mut Patient<'_>,
    obstacle: &Obstacle,
    controller: &str,
) -> Result<Repair, BakeError> {
    let services = patient.in_set("Services");
    let service_key = |service: &str| format!(r"{services}\{service}");
    Ok(match obstacle {
        Obstacle::NotBootStart { service, .. } => Repair::safe(
            format!("set Start of service {service} to 0"),
            vec![set_dword(&service_key(service), "Start", 0)],
        ),
        Obstacle::StartOverride { service, configuration, .. } => {
            let key = format!(r"{}\StartOverride", service_key(service));
            Repair::safe(
                format!(r"remove StartOverride\{configuration} of service {service}"),
                vec![delete_value(&key, configuration)],
            )
        }
        Obstacle::Policy { key, .. } => {
            Repair::safe("set DisableCDDB to 0", vec![set_dword(key, "DisableCDDB", 0)])
        }
        Obstacle::NoFile { service, file }
        | Obstacle::NotAProgram { service, file, .. }
        | Obstacle::WrongMachine { service, file, .. } => replace(patient, service, file)?,
        Obstacle::NoModule { service, file, module } => {
            let folder = file.rsplit_once('\\').map_or("", |(folder, _)| folder);
            replace(patient, service, &format!(r"{folder}\{module}"))?
        }
        Obstacle::Filter { value, key, filter, why } => {
            filter_repair(patient, value, key, filter, why)?
        }
        Obstacle::NotBound { .. } | Obstacle::Staged { .. } | Obstacle::NoService { .. } => {
            Repair::advice(how_to_bind(controller))
        }
        Obstacle::Damaged { key, .. } => {
            Repair::advice(format!("{key}: winkiln check IMAGE --repair writes the hive anew"))
        }
        Obstacle::Unreadable { .. } => Repair::advice(CHECK),
        Obstacle::OtherVolume { path, .. } => Repair::advice(format!(
            "set ImagePath to the driver's file on the system volume, not {path}"
        )),
        _ => Repair::advice("replace the driver: winkiln drivers add IMAGE SOURCE"),
    })
}

fn how_to_bind(controller: &str) -> String {
    let inbox = ["IDE", "AHCI", "NVMe"].iter().any(|bus| controller.starts_with(bus));
    if inbox {
        "winkiln apply IMAGE --preset ide-fallback, where Windows has the driver in its box; otherwise winkiln drivers add IMAGE SOURCE".to_owned()
    } else {
        "winkiln drivers add IMAGE SOURCE, such as virtio-win.iso for virtio".to_owned()
    }
}

/// Puts the guest's own copy of a file in its place.
pub(super) fn replace(
    patient: &mut Patient<'_>,
    service: &str,
    file: &str,
) -> Result<Repair, BakeError> {
    let volume = patient.windows()?.volume;
    let Some((from, bytes)) = guest_copy::of_driver(patient, file)? else {
        return Ok(Repair::advice(format!(
            "the guest has no other copy of {file} of service {service}: winkiln drivers add IMAGE SOURCE, or winkiln fs put"
        )));
    };
    let put =
        Step::PutFile { path: file.to_owned(), contents: Contents::Bytes(bytes), parents: true };
    let step = Step::OnVolume { volume, step: Box::new(put) };
    Ok(Repair::safe(format!("put {from} in its place"), vec![step]))
}

/// `Start` of what is switched off.
pub(super) const DISABLED: u32 = 4;

/// Filters that are Windows' own part of a class: `UpperFilters` and `LowerFilters` of hives that Setup made.
const OF_WINDOWS: [&str; 10] = [
    "kbdclass",
    "mouclass",
    "partmgr",
    "volsnap",
    "fvevol",
    "rdyboost",
    "volume",
    "iorate",
    "EhStorClass",
    "ksthunk",
];

/// Has a filter start again, brings its file back, or takes it off the list that names it, which is never done to one of Windows' own.
pub(super) fn filter_repair(
    patient: &mut Patient<'_>,
    value: &str,
    key: &str,
    filter: &str,
    why: &Obstacle,
) -> Result<Repair, BakeError> {
    let is_own = OF_WINDOWS.iter().any(|own| own.eq_ignore_ascii_case(filter));
    let (own_fault, why) = (why, innermost(why));
    match why {
        Obstacle::NotBootStart { found, .. } if *found == Some(DISABLED) => {}
        Obstacle::NotBootStart { .. } | Obstacle::StartOverride { .. } => {
            return Ok(match repair(patient, why, key)? {
                Repair::Safe { what, cure } if !is_own => {
                    let price =
                        format!("{filter}, which may be kept from starting on purpose, runs");
                    Repair::Asked { what, price, cure }
                }
                started => started,
            });
        }
        Obstacle::NoFile { .. }
        | Obstacle::NotAProgram { .. }
        | Obstacle::WrongMachine { .. }
        | Obstacle::NoModule { .. } => {
            let copied = repair(patient, why, key)?;
            if matches!(copied, Repair::Safe { .. }) {
                return Ok(copied);
            }
        }
        // Nobody can tell that it is gone.
        Obstacle::Unreadable { .. } | Obstacle::Damaged { .. } => {
            return repair(patient, why, key);
        }
        _ => {}
    }
    if is_own {
        return own_filter_repair(patient, filter, why);
    }
    let others: Vec<String> = patient
        .texts(key, value)?
        .into_iter()
        .filter(|name| !name.eq_ignore_ascii_case(filter))
        .collect();
    let step = match multi_data(&others) {
        Ok(data) if !others.is_empty() => Step::SetValue {
            key: key.to_owned(),
            name: value.to_owned(),
            kind: ValueType::MultiSz,
            data,
        },
        _ => delete_value(key, value),
    };
    let what = format!("take {filter} off {value} of {key}");
    let is_gone = matches!(
        own_fault,
        Obstacle::NoService { .. } | Obstacle::NoFile { .. } | Obstacle::OtherVolume { .. }
    );
    Ok(if is_gone {
        Repair::safe(what, vec![step])
    } else {
        let price = format!("what {filter} did for the device is not done any more");
        Repair::asked(what, price, vec![step])
    })
}

/// Without these a class of devices does nothing at all.
fn own_filter_repair(
    patient: &mut Patient<'_>,
    filter: &str,
    why: &Obstacle,
) -> Result<Repair, BakeError> {
    Ok(match why {
        Obstacle::NoFile { file, .. } => put_back(file),
        Obstacle::NotBootStart { service, .. } => Repair::advice(format!(
            "Windows needs it: winkiln apply IMAGE --preset service={service}:boot switches it on again"
        )),
        Obstacle::NoService { .. } | Obstacle::NotADriver { .. } => Repair::advice(format!(
            "Windows needs it: bring service {filter} back from another control set or from a Windows of the same build with winkiln reg export and import"
        )),
        other => repair(patient, other, filter)?,
    })
}

/// What is left where the guest has no copy of a file that Windows does not start without.
pub(super) fn put_back(file: &str) -> Repair {
    Repair::advice(format!(
        "Windows does not start without it, and the guest has no other copy: put {file} back from a Windows of the same build with winkiln fs put"
    ))
}
