//! Which packages are needed to start the guest.

use crate::Guid;
use crate::inf::Install;

/// `SCSIAdapter`, `HDC`: controllers of disks.
const STORAGE: [&str; 2] =
    ["{4D36E97B-E325-11CE-BFC1-08002BE10318}", "{4D36E96A-E325-11CE-BFC1-08002BE10318}"];
/// `System`: among others the buses that disks hang on, whose second service may be the one to start with the guest.
const SYSTEM: &str = "{4D36E97D-E325-11CE-BFC1-08002BE10318}";

/// Tells whether a class is one of controllers of disks.
pub(super) fn is_storage(class: Guid) -> bool {
    STORAGE.contains(&class.to_string().as_str())
}

/// Tells whether a package must start with the guest: a controller of disks, or a device of the system, with a service that the
/// loader starts.
pub(super) fn is_critical(class: Guid, installs: &[Install]) -> bool {
    let at_boot = |install: &Install| install.services.iter().any(|service| service.start == 0);
    (is_storage(class) || class.to_string() == SYSTEM) && installs.iter().any(at_boot)
}

/// Tells whether the loader starts the service of a device, whatever its class: disks hang on hosts of memory cards and makers' own
/// buses too.
pub(super) fn starts_a_device(installs: &[Install]) -> bool {
    installs.iter().filter_map(Install::function_service).any(|service| service.start == 0)
}
