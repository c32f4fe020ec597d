//! Keys of services.
//!
//! Source: keys that Windows XP, 7 and 10 made for drivers of vendors, and for their own.

use std::collections::HashSet;

use super::places::join;
use super::{Edit, Plan, StagingError, Value, registry};
use crate::inf::{Existing, Folder, Localized, Service};

/// Below the current control set.
pub(super) const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";
/// Drivers that every disk needs to come up, from its bus to its volumes.
pub(super) const BELOW_EVERY_DISK: [&str; 5] = ["pci", "disk", "partmgr", "volmgr", "mountmgr"];
/// Types of services that are drivers.
const DRIVER_TYPES: u32 = 0x0B;

/// Makes every service of the package, and tells their names.
pub(super) fn make(plan: &mut Plan<'_>) -> Result<Vec<String>, StagingError> {
    let mut services: Vec<Service> = Vec::new();
    let mut known = HashSet::new();
    for service in plan.installs.iter().flat_map(|install| &install.services) {
        if known.insert(service.name.to_ascii_lowercase()) {
            services.push(service.clone());
        }
    }
    let mut started: Vec<String> = BELOW_EVERY_DISK.map(str::to_owned).to_vec();
    for service in &services {
        key(plan, service)?;
        started.push(service.name.clone());
        started.extend(service.dependencies.iter().filter(|name| !name.starts_with('+')).cloned());
    }
    // A leftover of the old hardware that would keep them from starting on the new one.
    if plan.request.guest.has_database() {
        for name in started {
            let key = format!(r"{SERVICES}\{name}\StartOverride");
            plan.edits.push(Edit::DeleteKey { key });
        }
    }
    Ok(services.into_iter().map(|service| service.name).collect())
}

/// The key of one service.
pub(super) fn key(plan: &mut Plan<'_>, service: &Service) -> Result<(), StagingError> {
    let key = format!(r"{SERVICES}\{}", service.name);
    let flags = service.flags;
    let mut set = |name: &str, value: Value, keep: bool| {
        let existing = if keep { Existing::Keep } else { Existing::Replace };
        plan.edits.push(Edit::SetValue {
            key: key.clone(),
            name: name.to_owned(),
            value,
            existing,
        });
    };
    set("Type", Value::dword(service.service_type), false);
    // A driver that the loader is to start does start, whatever was there.
    set("Start", Value::dword(service.start), flags.keeps_start() && service.start != 0);
    set("ErrorControl", Value::dword(service.error_control), flags.keeps_error_control());
    if let Some(group) = &service.load_order_group {
        set("Group", Value::sz(group), flags.keeps_load_order_group());
    }
    for (name, number, keep) in [
        ("BootFlags", service.boot_flags, flags.keeps_boot_flags()),
        ("ServiceSidType", service.sid_type, flags.keeps_sid_type()),
        ("DelayedAutostart", service.delayed_auto_start, flags.keeps_delayed_auto_start()),
    ] {
        if let Some(number) = number {
            set(name, Value::dword(number), keep);
        }
    }
    let (groups, names): (Vec<&str>, Vec<&str>) =
        service.dependencies.iter().map(String::as_str).partition(|name| name.starts_with('+'));
    for (name, list) in [
        ("DependOnService", names),
        ("DependOnGroup", groups.into_iter().map(|name| name.trim_start_matches('+')).collect()),
    ] {
        if !list.is_empty() {
            set(name, Value::multi_sz(list), flags.keeps_dependencies());
        }
    }
    if !service.required_privileges.is_empty() {
        let value = Value::multi_sz(&service.required_privileges);
        set("RequiredPrivileges", value, flags.keeps_required_privileges());
    }
    let is_driver = service.service_type & DRIVER_TYPES != 0;
    match &service.start_name {
        Some(name) => set("ObjectName", Value::sz(name), false),
        None if is_driver => {}
        None => set("ObjectName", Value::sz("LocalSystem"), false),
    }
    for (name, text, keep) in [
        ("DisplayName", &service.display_name, flags.keeps_display_name()),
        ("Description", &service.description, flags.keeps_description()),
    ] {
        if let Some(text) = text {
            let value = Value::sz(&shown(plan, text));
            let existing = if keep { Existing::Keep } else { Existing::Replace };
            let (key, name) = (key.clone(), name.to_owned());
            plan.edits.push(Edit::SetValue { key, name, value, existing });
        }
    }
    let path = image_path(plan, service)?;
    plan.set(&*key, "ImagePath", Value::expand_sz(&path));
    if plan.request.guest.has_database() && plan.published {
        let strings = vec![plan.inf.clone()];
        plan.edits.push(Edit::AppendStrings {
            key: key.clone(),
            name: "Owners".to_owned(),
            strings,
        });
    }
    if flags.is_tag_first() {
        plan.warn(format!("{}: its place in its group is left to Windows", service.name));
    }
    if service.security.is_some() {
        plan.warn(format!("{}: its security descriptor is left to Windows", service.name));
    }
    registry::below(plan, &service.registry, &key);
    if let Some(log) = &service.event_log {
        let key = format!(r"{SERVICES}\EventLog\{}\{}", log.log, log.name);
        registry::below(plan, &log.registry, &key);
    }
    Ok(())
}

/// A text for people: from Windows Vista on a reference to the INF's string.
pub(super) fn shown(plan: &Plan<'_>, text: &Localized) -> String {
    let token = text.raw.strip_prefix('%').and_then(|rest| rest.strip_suffix('%'));
    match token {
        Some(token) if plan.published && !plan.request.guest.is_nt5() && !token.contains('%') => {
            format!("@{},%{token}%;{}", plan.inf, text.text)
        }
        _ => text.text.clone(),
    }
}

/// Where a service's file is, in the words that the loader, the kernel and the service manager understand.
fn image_path(plan: &Plan<'_>, service: &Service) -> Result<String, StagingError> {
    let guest = plan.request.guest;
    let what = || format!("the file of service {}", service.name);
    let in_folder = service.binary.in_folder();
    let Some((dirid, rest)) = in_folder else {
        return Ok(service.binary.to_string());
    };
    let folder = Folder(dirid);
    let below = if folder == Folder::DRIVER_STORE {
        if !guest.has_database() {
            return Err(StagingError::RunsFromStore { service: service.name.clone() });
        }
        Some(plan.places.store_below_windows())
    } else {
        folder.below_windows().map(str::to_owned)
    };
    let is_driver = service.service_type & DRIVER_TYPES != 0;
    let Some(below) = below else {
        let path = plan.places.expand(&service.binary);
        let path = path.map_err(|dirid| StagingError::Folder { what: what(), dirid })?;
        // The loader finds files below the Windows folder alone.
        return match is_driver {
            true if service.start == 0 => Err(StagingError::Folder { what: what(), dirid }),
            true => Ok(format!(r"\??\{path}")),
            false => Ok(path),
        };
    };
    let below = join(&below, &rest);
    Ok(match is_driver {
        false => format!(r"%SystemRoot%\{below}"),
        true if folder == Folder::DRIVER_STORE => format!(r"\SystemRoot\{below}"),
        true if service.start == 0 || guest.is_nt5() => below,
        true => format!(r"\SystemRoot\{below}"),
    })
}
