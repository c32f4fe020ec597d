//! `DevicePath`: where Windows XP to 7 look for packages when a device comes up.

use super::{Edit, Plan};

/// Adds the package's folder.
pub(super) fn extend(plan: &mut Plan<'_>) {
    plan.edits.push(Edit::AppendPath {
        key: r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion".to_owned(),
        name: "DevicePath".to_owned(),
        path: format!(r"%SystemRoot%\{}", plan.places.devices_below_windows()),
        first: r"%SystemRoot%\inf".to_owned(),
    });
}
