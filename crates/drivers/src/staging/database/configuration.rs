//! `Configurations`: what installing a section means, for the kernel to carry out when it meets a device.

use std::collections::HashMap;

use super::super::places::join;
use super::super::registry::{filters, filters_value, left, stored_kind, text, texts, value};
use super::super::{Edit, Plan, Value};
use crate::inf::{Install, RegistryData, RegistryEdit, RegistryOperation, RegistryRoot};

/// The type of the property that a setting of the device is, by the setting's name; the number of the property; its type.
///
/// Source: `devpkey.h` for the numbers, `devpropdef.h` for the types.
const PROPERTIES: [(&str, &str, u32); 4] = [
    ("Security", "0019", 0xFFFF_0013),
    ("DeviceType", "001B", 0xFFFF_0007),
    ("Exclusive", "001C", 0xFFFF_0011),
    ("DeviceCharacteristics", "001D", 0xFFFF_0007),
];
/// The category of these properties.
const DEVICE: &str = "{a45c254e-df1c-4efd-8020-67d146a850e0}";
/// What a value to delete is marked by.
const DELETED: u32 = 0x0020_0000;
/// What a list of strings to add is marked by.
const APPENDED: u32 = 0x0004_0007;

/// Adds every section that is installed, and tells their names.
pub(super) fn add(plan: &mut Plan<'_>, package: &str) -> Vec<String> {
    let installs = plan.installs.clone();
    for install in &installs {
        section(plan, install, &format!(r"{package}\Configurations\{}", install.section));
    }
    installs.into_iter().map(|install| install.section).collect()
}

fn section(plan: &mut Plan<'_>, install: &Install, key: &str) {
    let service = match install.function_service() {
        Some(service) => Some(service.name.as_str()),
        None => install.null_service.then_some(""),
    };
    if let Some(service) = service {
        plan.set(key, "Service", Value::sz(service));
    }
    if plan.request.guest.target.version >= (10, 0) {
        let hardware = u32::from(!install.hardware_registry.is_empty()) << 1;
        let services = u32::from(!install.services.is_empty() || install.null_service) << 2;
        plan.set(key, "ConfigScope", Value::dword(1 | hardware | services));
    }
    let included: Vec<&str> =
        install.included.iter().filter_map(|needed| needed.found_in.as_deref()).collect();
    if !included.is_empty() {
        let mut names: Vec<String> = included.iter().map(|name| name.to_lowercase()).collect();
        names.dedup();
        plan.set(key, "IncludedInfs", Value::multi_sz(names));
    }
    plan.set(key, "ConfigFlags", Value::dword(0));
    hardware(plan, install, key);
    settings(plan, &install.registry, &format!(r"{key}\Driver"));
    for service in &install.services {
        settings(plan, &service.registry, &format!(r"{key}\Services\{}", service.name));
    }
}

/// Settings of the device: filters, properties, and the rest as they are.
fn hardware(plan: &mut Plan<'_>, install: &Install, key: &str) {
    for (name, list) in filters(plan, &install.hardware_registry) {
        plan.set(key, name, Value::multi_sz(list));
    }
    let mut rest = Vec::new();
    for edit in &install.hardware_registry {
        if filters_value(edit).is_some() {
            continue;
        }
        let own = edit.root == RegistryRoot::Relative && edit.key.is_empty();
        let named = match &edit.operation {
            RegistryOperation::Set { name, .. } if own => name.to_string(),
            _ => String::new(),
        };
        let property = PROPERTIES.iter().find(|(name, ..)| named.eq_ignore_ascii_case(name));
        if let (Some((_, number, kind)), RegistryOperation::Set { data, .. }) =
            (property, &edit.operation)
        {
            let value = match data {
                RegistryData::Sz(sddl) if *number == "0019" => {
                    Some(Value::Descriptor { kind: *kind, sddl: sddl.to_string() })
                }
                RegistryData::Dword(flag) if *number == "001C" => {
                    // A truth value is one byte, all ones for true.
                    let byte = if *flag == 0 { 0x00 } else { 0xFF };
                    Some(Value::Data { kind: *kind, bytes: vec![byte] })
                }
                RegistryData::Dword(_) => {
                    value(plan, edit, data).map(|value| value.with_kind(*kind))
                }
                _ => None,
            };
            match value {
                Some(value) => plan.set(format!(r"{key}\Properties\{DEVICE}\{number}"), "", value),
                None => left(plan, edit, "the property is of another type"),
            }
        } else {
            rest.push(edit.clone());
        }
    }
    settings(plan, &rest, &format!(r"{key}\Device"));
}

/// Settings, with how each treats what is there in the type of its value.
fn settings(plan: &mut Plan<'_>, edits: &[RegistryEdit], root: &str) {
    let mut appended: Vec<(String, String, Vec<String>)> = Vec::new();
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    for edit in edits.iter().filter(|edit| edit.root == RegistryRoot::Relative) {
        let Some(below) = text(plan, edit, &edit.key) else { continue };
        let key = join(root, &below);
        match &edit.operation {
            RegistryOperation::CreateKey => plan.edits.push(Edit::CreateKey { key }),
            RegistryOperation::Set { name, data, existing } => {
                let Some(kind) = stored_kind(data.kind(), *existing) else {
                    left(plan, edit, "the driver store cannot say that it replaces only");
                    continue;
                };
                if let (Some(name), Some(value)) = (text(plan, edit, name), value(plan, edit, data))
                {
                    plan.set(key, &name, value.with_kind(kind));
                }
            }
            RegistryOperation::Append { name, strings } => {
                let found = text(plan, edit, name).zip(texts(plan, edit, strings));
                let Some((name, strings)) = found else { continue };
                let next = appended.len();
                let place = *places.entry((key.clone(), name.clone())).or_insert(next);
                match appended.get_mut(place) {
                    Some((_, _, list)) => list.extend(strings),
                    None => appended.push((key, name, strings)),
                }
            }
            RegistryOperation::DeleteValue { name } => {
                if let Some(name) = text(plan, edit, name) {
                    plan.set(key, &name, Value::Data { kind: DELETED, bytes: Vec::new() });
                }
            }
            RegistryOperation::DeleteKey
            | RegistryOperation::DeleteString { .. }
            | RegistryOperation::Bits { .. } => {
                left(plan, edit, "how the driver store says so is not known");
            }
        }
    }
    for (key, name, strings) in appended {
        plan.set(key, &name, Value::multi_sz(strings).with_kind(APPENDED));
    }
}
