//! Packages without devices: `DefaultInstall`, carried out as Windows does at "Install" in the menu of an INF.
//!
//! Source: `InstallHinfSection`: files, registry, and the services of `DefaultInstall.Services`; the package is neither numbered nor
//! put into the driver store.

use super::places::join;
use super::{Edit, Plan, Request, Staging, StagingError, files, framework, registry, service_key};
use crate::inf::{ENTRIES_MAX, Existing};
use crate::package::DEFAULT_INSTALL;

/// Works out what it means. The INF is kept in the guest, so that the package can be taken out again.
pub(super) fn stage(request: &Request<'_>) -> Result<Staging, StagingError> {
    let package = request.package;
    let class = package.version().class_guid.unwrap_or_default();
    let inf = package.file_name().to_owned();
    let mut plan = Plan::new(request, class, inf, request.store_name());
    let architecture = request.guest.target.architecture;
    let install =
        package.inf().install_within(DEFAULT_INSTALL, architecture, request.included, &mut {
            ENTRIES_MAX
        })?;
    if install.services.is_empty() {
        return Err(StagingError::NoDevices);
    }
    let boot_critical = install.services.iter().any(|service| service.start == 0);
    plan.installs.push(install);
    plan.check_functions(true)?;
    framework::check(&mut plan, boot_critical)?;
    let kept_in = join(&plan.places.windows(&plan.places.devices_below_windows()), &plan.inf);
    let (to, from) = (kept_in.clone(), package.path().to_owned());
    plan.edits.push(Edit::PutFile { to, from, existing: Existing::Replace, keeps_newer: false });
    files::installed(&mut plan)?;
    let services = service_key::make(&mut plan)?;
    registry::installed(&mut plan);
    let Plan { store_name, edits, warnings, .. } = plan;
    Ok(Staging {
        inf: None,
        kept_in: Some(kept_in),
        store_name,
        boot_critical,
        services,
        bound: Vec::new(),
        edits,
        warnings,
    })
}
