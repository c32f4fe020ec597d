//! `CriticalDeviceDatabase`: how Windows 2000 to 7 bind devices before user mode runs.
//!
//! Source: Microsoft, KB314082: a key for each ID, `#` for `\`, with `Service` and `ClassGUID`.

use super::Obstacle;
use super::binding::Binding;
use super::device::DeviceIds;
use super::guest::{Guest, full};

/// The first ID with a key that names a service.
pub(super) fn find(guest: &Guest<'_>, ids: &DeviceIds) -> Result<Binding, Obstacle> {
    let database = guest.in_set(r"Control\CriticalDeviceDatabase");
    for id in candidates(guest, ids, &database)? {
        let key = format!(r"{database}\{}", id.replace('\\', "#"));
        let Some(service) = guest.text(&key, "Service")? else { continue };
        let policy = guest.in_set(r"Control\Pnp");
        if guest.dword(&policy, "DisableCDDB")?.is_some_and(|disabled| disabled != 0) {
            return Err(Obstacle::Policy { device: id, key: full(&policy) });
        }
        let filters = guest.filters(&key)?;
        let class = guest.text(&key, "ClassGUID")?;
        return Ok(Binding { id, service, class, bound_by: full(&key), filters });
    }
    Err(Obstacle::NotBound { device: ids.usual.clone(), key: full(&database) })
}

fn candidates(guest: &Guest<'_>, ids: &DeviceIds, database: &str) -> Result<Vec<String>, Obstacle> {
    let Some((enumerator, word)) = ids.any else {
        return Ok(ids.ranked().map(|(id, ..)| id.to_owned()).collect());
    };
    let prefix = format!("{enumerator}#");
    let names = guest.subkeys(database)?.into_iter().filter(|name| {
        let name = name.to_ascii_uppercase();
        name.strip_prefix(&prefix).is_some_and(|rest| rest.contains(word))
    });
    Ok(names.map(|name| name.replacen('#', r"\", 1)).collect())
}
