//! Devices that Windows met before: `Enum` names their service, whatever the databases say.

use super::Obstacle;
use super::binding::Binding;
use super::device::DeviceIds;
use super::guest::{Guest, full};

/// `ConfigFlags` of a device that is disabled, or whose installation failed or is not finished.
///
/// Source: Microsoft, regstr.h: CONFIGFLAG_DISABLED, CONFIGFLAG_REINSTALL, CONFIGFLAG_FAILEDINSTALL.
const NOT_INSTALLED: u32 = 0x01 | 0x20 | 0x40;

/// A device that reports one of these IDs, is installed and has a service.
pub(super) fn find(guest: &Guest<'_>, ids: &DeviceIds) -> Result<Option<Binding>, Obstacle> {
    let (enumerator, rest) = match ids.any {
        Some(any) => any,
        None => match ids.usual.split_once('\\') {
            Some(parts) => parts,
            None => return Ok(None),
        },
    };
    let rest = rest.to_ascii_uppercase();
    let longer = format!("{rest}&");
    let wanted = |name: &str| match ids.any {
        Some(_) => name.contains(&rest),
        None => name == rest || name.starts_with(&longer),
    };
    let bus = guest.in_set(&format!(r"Enum\{enumerator}"));
    for name in guest.subkeys(&bus)? {
        if !wanted(&name.to_ascii_uppercase()) {
            continue;
        }
        let device = format!(r"{bus}\{name}");
        for instance in guest.subkeys(&device)? {
            let key = format!(r"{device}\{instance}");
            let Some(service) = guest.text(&key, "Service")? else { continue };
            if guest.dword(&key, "ConfigFlags")?.unwrap_or(0) & NOT_INSTALLED != 0 {
                continue;
            }
            let filters = guest.filters(&key)?;
            let class = guest.text(&key, "ClassGUID")?;
            let id = format!(r"{enumerator}\{name}");
            return Ok(Some(Binding { id, service, class, bound_by: full(&key), filters }));
        }
    }
    Ok(None)
}
