//! Registry edits of the INF, as edits of the guest.

use std::collections::HashSet;

use super::{Edit, Plan, Value};
use crate::inf::{
    Existing, RegistryData, RegistryEdit, RegistryOperation, RegistryRoot, RegistryView, Text,
};

/// Edits below the key that the section stands for, such as a service's.
pub(super) fn below(plan: &mut Plan<'_>, edits: &[RegistryEdit], relative: &str) {
    for edit in edits.iter().filter(|edit| edit.root == RegistryRoot::Relative) {
        let Some(key) = text(plan, edit, &edit.key) else { continue };
        let key = super::places::join(relative, &key);
        carry_out(plan, edit, key);
    }
}

/// Edits of keys that are named in full: those of the services that are made, then those of the devices.
pub(super) fn installed(plan: &mut Plan<'_>) {
    let mut edits = Vec::new();
    for install in &plan.installs {
        for service in &install.services {
            edits.extend(service.registry.iter().cloned());
            edits.extend(service.event_log.iter().flat_map(|log| log.registry.iter().cloned()));
        }
        edits.extend(install.registry.iter().cloned());
        edits.extend(install.hardware_registry.iter().cloned());
    }
    let mut done = HashSet::new();
    for edit in edits {
        if edit.root != RegistryRoot::Relative && !done.contains(&edit) {
            elsewhere(plan, &edit);
            done.insert(edit);
        }
    }
}

/// An edit of a key that is named in full.
pub(super) fn elsewhere(plan: &mut Plan<'_>, edit: &RegistryEdit) {
    let Some(path) = text(plan, edit, &edit.key) else { return };
    let key = match edit.root {
        RegistryRoot::LocalMachine => {
            let (hive, rest) = path.split_once('\\').unwrap_or((&path, ""));
            if !["SYSTEM", "SOFTWARE"].iter().any(|known| hive.eq_ignore_ascii_case(known)) {
                return left(plan, edit, "its key is not kept in SYSTEM or SOFTWARE");
            }
            let is_32_bit = edit.view == RegistryView::Bits32 && plan.request.guest.is_64_bit();
            if is_32_bit && hive.eq_ignore_ascii_case("SOFTWARE") {
                format!(r"HKLM\SOFTWARE\WOW6432Node\{rest}")
            } else {
                format!(r"HKLM\{path}")
            }
        }
        RegistryRoot::ClassesRoot => format!(r"HKLM\SOFTWARE\Classes\{path}"),
        RegistryRoot::Users if is_default_user(&path) => format!(r"HKU\{path}"),
        RegistryRoot::Users | RegistryRoot::CurrentUser | RegistryRoot::Relative => {
            return left(plan, edit, "its key belongs to a user");
        }
    };
    carry_out(plan, edit, key);
}

fn is_default_user(path: &str) -> bool {
    path.split('\\').next().is_some_and(|first| first.eq_ignore_ascii_case(".DEFAULT"))
}

fn carry_out(plan: &mut Plan<'_>, edit: &RegistryEdit, key: String) {
    if edit.security.is_some() {
        left(plan, edit, "security descriptors of keys are not set");
    }
    let done = match &edit.operation {
        RegistryOperation::CreateKey => Some(Edit::CreateKey { key }),
        RegistryOperation::DeleteKey => Some(Edit::DeleteKey { key }),
        RegistryOperation::Set { name, data, existing } => text(plan, edit, name)
            .zip(value(plan, edit, data))
            .map(|(name, value)| Edit::SetValue { key, name, value, existing: *existing }),
        RegistryOperation::Append { name, strings } => text(plan, edit, name)
            .zip(texts(plan, edit, strings))
            .map(|(name, strings)| Edit::AppendStrings { key, name, strings }),
        RegistryOperation::DeleteValue { name } => {
            text(plan, edit, name).map(|name| Edit::DeleteValue { key, name })
        }
        RegistryOperation::DeleteString { name, string } => text(plan, edit, name)
            .zip(text(plan, edit, string))
            .map(|(name, string)| Edit::DeleteString { key, name, string }),
        RegistryOperation::Bits { name, byte, mask, set } => text(plan, edit, name)
            .map(|name| Edit::Bits { key, name, byte: *byte, mask: *mask, set: *set }),
    };
    plan.edits.extend(done);
}

/// The filters that settings of a device give it: each value, and what is in it in the end.
pub(super) fn filters(
    plan: &mut Plan<'_>,
    edits: &[RegistryEdit],
) -> Vec<(&'static str, Vec<String>)> {
    let mut filters: Vec<(&'static str, Vec<String>)> = Vec::new();
    for edit in edits {
        let Some(name) = filters_value(edit) else { continue };
        let (strings, replace) = match &edit.operation {
            RegistryOperation::Set { data: RegistryData::MultiSz(strings), .. } => {
                (strings.clone(), true)
            }
            RegistryOperation::Set { data: RegistryData::Sz(string), .. } => {
                (vec![string.clone()], true)
            }
            RegistryOperation::Append { strings, .. } => (strings.clone(), false),
            _ => {
                left(plan, edit, "filters are a list of strings");
                continue;
            }
        };
        let Some(strings) = texts(plan, edit, &strings) else { continue };
        match filters.iter_mut().find(|(known, _)| *known == name) {
            Some((_, list)) if replace => *list = strings,
            Some((_, list)) => {
                for string in strings {
                    if !list.iter().any(|known| known.eq_ignore_ascii_case(&string)) {
                        list.push(string);
                    }
                }
            }
            None => filters.push((name, strings)),
        }
    }
    filters
}

/// The value of the device's own key that an edit gives filters to.
pub(super) fn filters_value(edit: &RegistryEdit) -> Option<&'static str> {
    let (RegistryOperation::Set { name, .. } | RegistryOperation::Append { name, .. }) =
        &edit.operation
    else {
        return None;
    };
    let own = edit.root == RegistryRoot::Relative && edit.key.is_empty();
    let name = own.then(|| name.to_string())?;
    ["UpperFilters", "LowerFilters"].into_iter().find(|known| name.eq_ignore_ascii_case(known))
}

/// The data of a value. `None`, and a warning, when it names a folder that only the running guest knows.
pub(super) fn value(
    plan: &mut Plan<'_>,
    edit: &RegistryEdit,
    data: &RegistryData,
) -> Option<Value> {
    Some(match data {
        RegistryData::Sz(data) => Value::sz(&text(plan, edit, data)?),
        RegistryData::ExpandSz(data) => Value::expand_sz(&text(plan, edit, data)?),
        RegistryData::MultiSz(data) => Value::multi_sz(texts(plan, edit, data)?),
        RegistryData::Dword(number) => Value::dword(*number),
        RegistryData::Binary { kind, bytes } => Value::Data { kind: *kind, bytes: bytes.clone() },
    })
}

/// Strings with their folders. `None`, and a warning, as for [`value`].
pub(super) fn texts(plan: &mut Plan<'_>, edit: &RegistryEdit, of: &[Text]) -> Option<Vec<String>> {
    of.iter().map(|one| text(plan, edit, one)).collect()
}

/// A text with its folders. `None`, and a warning, as for [`value`].
pub(super) fn text(plan: &mut Plan<'_>, edit: &RegistryEdit, of: &Text) -> Option<String> {
    match plan.places.expand(of) {
        Ok(text) => Some(text),
        Err(_) => {
            left(plan, edit, "it names a folder that cannot be told while the guest does not run");
            None
        }
    }
}

/// Says that an edit is left out.
pub(super) fn left(plan: &mut Plan<'_>, edit: &RegistryEdit, why: &str) {
    plan.warn(format!("{} line {}: left out: {why}", edit.file, edit.line));
}

/// How an edit treats what is there, for the driver store: `None` for what it has no way to say.
pub(super) fn stored_kind(kind: u32, existing: Existing) -> Option<u32> {
    match existing {
        Existing::Replace => Some(kind),
        Existing::Keep => Some(kind | 0x0002_0000),
        Existing::Only => None,
    }
}
