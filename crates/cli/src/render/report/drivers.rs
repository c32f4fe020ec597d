//! What became of each driver package.

use std::fmt::Write as _;

use winkiln_bake::{DriverAction, DriverReport};

use crate::render::text::printable;

/// A line for each package; those that are for another Windows only with `-v`.
pub(super) fn text(drivers: &[DriverReport], verbose: bool) -> String {
    let mut text = String::new();
    let mut others = 0_usize;
    for driver in drivers {
        if driver.action == DriverAction::LeftOut && !verbose {
            others += 1;
            continue;
        }
        let _ = writeln!(text, "driver {}: {}", printable(&driver.package), words(driver));
    }
    if others > 0 {
        let _ = writeln!(text, "{others} packages were left out; -v and --json say why");
    }
    text
}

fn words(driver: &DriverReport) -> String {
    let mut words = match driver.action {
        DriverAction::Added => "added".to_owned(),
        DriverAction::AlreadyThere => "already there".to_owned(),
        DriverAction::Removed => {
            let inf = driver.inf.as_deref().map(|inf| format!(" ({})", printable(inf)));
            let services = driver.services.join(", ");
            let services = match &*services {
                "" => String::new(),
                services => format!(", with {}", printable(services)),
            };
            return format!("removed{}{services}", inf.unwrap_or_default());
        }
        DriverAction::LeftOut => {
            let reason = driver.reason.as_deref().unwrap_or_default();
            return format!("left out: {}", printable(reason));
        }
    };
    if let Some(inf) = &driver.inf {
        let _ = write!(words, " as {}", printable(inf));
    }
    if driver.boot_critical {
        let services = driver.services.join(", ");
        let _ = write!(words, "; starts with Windows ({})", printable(&services));
        if !driver.bound.is_empty() {
            let _ = write!(words, ", bound to {} identifiers", driver.bound.len());
        }
    } else if !driver.services.is_empty() {
        let services = driver.services.join(", ");
        let _ = write!(words, "; makes {}, without a device", printable(&services));
    } else {
        words.push_str("; Windows installs it when it finds the device");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_has_a_line() {
        let driver = |action| DriverReport {
            package: "viostor/w10/amd64/viostor.inf".to_owned(),
            action,
            reason: Some("it is for x86".to_owned()),
            inf: Some("oem4.inf".to_owned()),
            class: None,
            driver_version: None,
            boot_critical: true,
            services: vec!["viostor".to_owned()],
            files: Vec::new(),
            bound: vec!["one".to_owned(), "two".to_owned()],
            signed_by: None,
            sources: Vec::new(),
            warnings: Vec::new(),
        };
        let drivers = [driver(DriverAction::Added), driver(DriverAction::LeftOut)];
        assert_eq!(
            text(&drivers, false),
            "driver viostor/w10/amd64/viostor.inf: added as oem4.inf; starts with Windows (viostor), bound to 2 identifiers\n\
             1 packages were left out; -v and --json say why\n"
        );
        assert!(text(&drivers, true).ends_with("left out: it is for x86\n"));
    }
}
