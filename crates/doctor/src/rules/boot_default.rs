//! The entry of the store that the boot manager starts by itself: the default one, else the first of its menu that there is.

use std::collections::HashMap;

use winkiln_bake::{BakeError, Step};
use winkiln_boot::bcd::ids::{DEFAULT_OBJECT, DISPLAY_ORDER, OS_DEVICE, SYSTEM_ROOT};
use winkiln_boot::bcd::{self, ElementValue, Object};
use winkiln_disk::partition::PartitionTable;
use winkiln_guest::Windows;

use super::boot_config::{ANOTHER, new_store, unless_safe};
use super::boot_files::place_of;
use crate::finding::{Finding, Repair, Severity};
use crate::patient::Patient;
use crate::rule::Look;

pub(super) fn missing(patient: &mut Patient<'_>) -> Look {
    let windows = patient.windows()?;
    let table = patient.disk().table().clone();
    let failed = |source| BakeError::Bcd { object: "store".to_owned(), source };
    let Ok(Some(store)) = patient.store() else { return Ok(Vec::new()) };
    let objects = bcd::objects(store).map_err(failed)?;
    let loaders = bcd::installed_loaders(&objects);
    let by_guid: HashMap<&str, &Object> =
        objects.iter().map(|object| (object.guid.as_str(), object)).collect();
    let manager = objects.iter().find(|object| object.alias.as_deref() == Some("{bootmgr}"));
    let value = |id| manager.and_then(|manager| manager.element(id)).map(|found| &found.value);
    let default = match value(DEFAULT_OBJECT) {
        Some(ElementValue::Object(guid)) => Some(guid.as_str()),
        _ => None,
    };
    if default.is_some_and(|guid| by_guid.contains_key(guid)) {
        return Ok(Vec::new());
    }
    let menu = match value(DISPLAY_ORDER) {
        Some(ElementValue::ObjectList(guids)) => guids.as_slice(),
        _ => &[],
    };
    let there = |guid: &&String| by_guid.contains_key(guid.as_str());
    let first = menu.iter().find(there).cloned();
    let ours = |guid: &&String| {
        by_guid.get(guid.as_str()).is_some_and(|object| starts(object, &table, &windows))
    };
    let chosen = menu.iter().chain(&loaders).find(ours).or(first.as_ref()).or(loaders.first());
    let repair = match chosen.filter(|_| !loaders.is_empty()) {
        Some(loader) => {
            let step = Step::BcdSet {
                object: "{bootmgr}".to_owned(),
                element: "default".to_owned(),
                value: loader.clone(),
            };
            let repair = Repair::safe(format!("make {loader} the default"), vec![step]);
            let is_it = first.as_ref().map_or(loaders.len() < 2, |first| first == loader);
            unless_safe(repair, ANOTHER, is_it)
        }
        // A store without a loader of Windows starts none.
        None => new_store(patient, &windows, windows.boot.file.as_ref()),
    };
    let what =
        default.map_or_else(|| "nothing".to_owned(), |guid| format!("{guid}, which is no object"));
    let (severity, found) = match first {
        Some(first) => (Severity::Note, format!("{what}: {first}, the first of the menu, starts")),
        None => (Severity::Stops, what),
    };
    Ok(vec![Finding {
        rule: "boot-default-missing",
        severity,
        object: "default of {bootmgr}".to_owned(),
        found,
        expected: "a loader of the store".to_owned(),
        repair,
    }])
}

fn starts(object: &Object, table: &PartitionTable, windows: &Windows) -> bool {
    let value = |id| object.element(id).map(|element| &element.value);
    let volume = value(OS_DEVICE).and_then(|device| place_of(table, windows, device));
    let is_folder = matches!(value(SYSTEM_ROOT), Some(ElementValue::String(folder)) if folder.eq_ignore_ascii_case(&windows.system_root));
    volume == Some(windows.volume) && is_folder
}
