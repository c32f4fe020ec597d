//! `DeviceIds`: which packages an identifier, or a class, belongs to.

use std::collections::HashMap;

use super::super::{Plan, Value};

/// What a package says of an identifier.
struct Entry {
    /// Below `DeviceIds`.
    path: String,
    /// 1: hardware identifier of a model; 2: compatible one; 3: both.
    kinds: u8,
    feature_score: u8,
    /// Place among the compatible identifiers.
    position: u8,
}

/// Adds the identifiers of all models, and the class.
pub(super) fn add(plan: &mut Plan<'_>, root: &str, inf: &str) {
    let mut entries: Vec<Entry> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for device in &plan.devices {
        let score = plan.installs.get(device.install).and_then(|install| install.feature_score);
        let hardware = device.model.hardware_id.iter().map(|id| (id, 1, 0));
        let compatible = device.model.compatible_ids.iter().enumerate();
        let compatible = compatible.map(|(at, id)| (id, 2, u8::try_from(at).unwrap_or(u8::MAX)));
        for (id, kind, position) in hardware.chain(compatible) {
            let path = path(id);
            let score = score.unwrap_or(0xFF);
            let next = entries.len();
            let place = *places.entry(path.to_ascii_lowercase()).or_insert(next);
            match entries.get_mut(place) {
                Some(entry) => {
                    entry.kinds |= kind;
                    entry.feature_score = entry.feature_score.min(score);
                    entry.position = entry.position.min(position);
                }
                None => {
                    entries.push(Entry { path, kinds: kind, feature_score: score, position });
                }
            }
        }
    }
    for Entry { path, kinds, feature_score, position } in entries {
        let flags = Value::binary(&[kinds, feature_score, position, 0]);
        plan.set(format!(r"{root}\DeviceIds\{path}"), inf, flags);
    }
    let class = plan.class.to_string().to_lowercase();
    let nothing = Value::Data { kind: 0, bytes: Vec::new() };
    plan.set(format!(r"{root}\DeviceIds\{class}"), inf, nothing);
}

/// An identifier as keys: one for its enumerator, one for the rest.
pub(super) fn path(id: &str) -> String {
    match id.split_once('\\') {
        Some((enumerator, rest)) => format!(r"{enumerator}\{}", rest.replace('\\', "#")),
        None => id.to_owned(),
    }
}
