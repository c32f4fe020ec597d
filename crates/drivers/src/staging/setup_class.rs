//! The key of a setup class that the guest does not know.

use super::{Plan, StagingError, Value, registry};
use crate::inf::{RegistryRoot, actual_section};

/// Keys of setup classes.
pub(super) const CLASSES: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Class";

/// Makes the key as `ClassInstall32` says.
pub(super) fn make(plan: &mut Plan<'_>) -> Result<(), StagingError> {
    let request = plan.request;
    let package = request.package;
    let architecture = request.guest.target.architecture;
    let has_section = actual_section(package.inf(), "ClassInstall32", architecture).is_some();
    if request.has_class || !has_section {
        return Ok(());
    }
    let install = package.install("ClassInstall32", architecture, request.included)?;
    let key = format!(r"{CLASSES}\{}", plan.class);
    if let Some(name) = &package.version().class {
        plan.set(&*key, "Class", Value::sz(name));
    }
    registry::below(plan, &install.registry, &key);
    for edit in install.registry.iter().filter(|edit| edit.root != RegistryRoot::Relative) {
        registry::elsewhere(plan, edit);
    }
    Ok(())
}
