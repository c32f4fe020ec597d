//! `CriticalDeviceDatabase`: how Windows XP to 7 bind devices before any program runs.
//!
//! Source: the entries of real hives; that these values are enough, tests behind libguestfs' virt-v2v.

use super::{Edit, Plan, Value, registry};
use crate::inf::Existing;

/// The entries, named after identifiers with `#` for `\`.
const DATABASE: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\CriticalDeviceDatabase";
/// Settings of PnP that can switch the database off.
const PNP: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Pnp";

/// Binds every identifier of a device whose service starts at boot.
pub(super) fn bind(plan: &mut Plan<'_>) {
    let class = plan.class.to_string();
    let installs = std::mem::take(&mut plan.installs);
    let filters: Vec<_> = installs
        .iter()
        .map(|install| registry::filters(plan, &install.hardware_registry))
        .collect();
    plan.installs = installs;
    let mut entries = Vec::new();
    for device in &plan.devices {
        let Some(install) = plan.installs.get(device.install) else { continue };
        let Some(service) = install.function_service().filter(|service| service.start == 0) else {
            continue;
        };
        let mut values = vec![
            ("Service".to_owned(), Value::sz(&service.name)),
            ("ClassGUID".to_owned(), Value::sz(&class)),
        ];
        for (name, list) in filters.get(device.install).into_iter().flatten() {
            values.push(((*name).to_owned(), Value::multi_sz(list)));
        }
        for id in device.model.ids().flat_map(forms) {
            entries.push((key(&id), values.clone()));
        }
    }
    for (key, values) in entries {
        for (name, value) in values {
            plan.set(&*key, &name, value);
        }
    }
    plan.edits.extend(allow());
}

/// The entry of an identifier.
pub(super) fn key(id: &str) -> String {
    format!(r"{DATABASE}\{}", id.replace('\\', "#"))
}

/// Switches the database on where it was switched off.
pub(super) fn allow() -> impl Iterator<Item = Edit> {
    ["DisableCDDB", "DontStartRawDevices"].into_iter().map(|name| {
        let (key, name) = (PNP.to_owned(), name.to_owned());
        Edit::SetValue { key, name, value: Value::dword(0), existing: Existing::Only }
    })
}

/// An identifier, and for virtio, whose vendors change the subsystem, the form without it.
fn forms(id: &str) -> Vec<String> {
    let mut forms = vec![id.to_owned()];
    let is_virtio = id.to_ascii_uppercase().starts_with(r"PCI\VEN_1AF4&");
    let without: Vec<&str> =
        id.split('&').filter(|part| !part.to_ascii_uppercase().starts_with("SUBSYS_")).collect();
    let without = without.join("&");
    if is_virtio && without != id {
        forms.push(without);
    }
    forms
}
