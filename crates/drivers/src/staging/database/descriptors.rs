//! `Descriptors` and `Strings`: which configuration an identifier has, and what its device is called.

use std::collections::HashSet;

use super::super::{Plan, Value};
use super::device_ids::path;
use crate::inf::Localized;

/// Adds the identifiers of all models.
pub(super) fn add(plan: &mut Plan<'_>, package: &str) {
    let mut values: Vec<(String, &str, String)> = Vec::new();
    let mut strings: Vec<(String, String)> = Vec::new();
    let mut tokens = HashSet::new();
    let mut known = HashSet::new();
    for device in &plan.devices {
        let Some(install) = plan.installs.get(device.install) else { continue };
        let description = named(&device.model.description, &mut tokens, &mut strings);
        let manufacturer = named(&device.maker.name, &mut tokens, &mut strings);
        for id in device.model.ids() {
            let key = format!(r"{package}\Descriptors\{}", path(id));
            // The first model that names an identifier has it.
            if !known.insert(key.to_ascii_lowercase()) {
                continue;
            }
            for (name, text) in [
                ("Configuration", &install.section),
                ("Description", &description),
                ("Manufacturer", &manufacturer),
            ] {
                values.push((key.clone(), name, text.clone()));
            }
        }
    }
    for (key, name, text) in values {
        plan.set(key, name, Value::sz(&text));
    }
    for (token, text) in strings {
        plan.set(format!(r"{package}\Strings"), &token, Value::sz(&text));
    }
}

/// A text as the database has it: its token in lower case, which is then among the strings, or itself.
fn named(
    text: &Localized,
    tokens: &mut HashSet<String>,
    strings: &mut Vec<(String, String)>,
) -> String {
    let token = text.raw.trim().strip_prefix('%').and_then(|rest| rest.strip_suffix('%'));
    let Some(token) = token.filter(|token| !token.is_empty() && !token.contains('%')) else {
        return text.text.clone();
    };
    let token = token.to_lowercase();
    if tokens.insert(token.clone()) {
        strings.push((token.clone(), text.text.clone()));
    }
    format!("%{token}%")
}
