//! Which service a device is bound to before user mode runs.

use super::device::DeviceIds;
use super::guest::Guest;
use super::{Obstacle, critical_devices, driver_database, installed};

/// A device bound to a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    /// The ID by which it was found.
    pub(super) id: String,
    pub(super) service: String,
    /// The setup class, if it is known.
    pub(super) class: Option<String>,
    /// Where it is bound: a package, or a key.
    pub(super) bound_by: String,
    /// Filter drivers of the device itself, with the value that names them.
    pub(super) filters: Vec<(&'static str, String)>,
}

/// Looks where this generation of Windows looks; then for a device of the kind that Windows met before, which needs no more.
pub(super) fn find(guest: &Guest<'_>, ids: &DeviceIds) -> Result<Binding, Obstacle> {
    // Source: virt-v2v decides by the key too: it came with Windows 8, when the other went.
    let found = match guest.find("DriverDatabase")? {
        Some(_) => driver_database::find(guest, ids),
        None => critical_devices::find(guest, ids),
    };
    match found {
        Ok(found) => Ok(found),
        Err(obstacle) => installed::find(guest, ids)?.ok_or(obstacle),
    }
}
