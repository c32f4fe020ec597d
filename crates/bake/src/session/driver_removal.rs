//! The step that takes driver packages out.
//!
//! What names a driver goes before the driver itself: filters first, then the device's settings and bindings, then services, then
//! files, and the package's own entries last. A service or a file that another package or Windows needs stays, and is told.

mod binding;
mod boot_check;
mod filters;
pub(super) mod folders;
mod in_box;
pub(super) mod inventory;
mod put_back;
mod put_files_back;
mod selection;
mod services;

use std::collections::{HashMap, HashSet};

use winkiln_drivers::footprint::Footprint;
use winkiln_drivers::staging::Guest;

use super::Session;
use crate::BakeError;
use crate::drivers::{DriverAction, DriverError, DriverRemoval, DriverReport};
use inventory::{Installed, Inventory};

/// What goes.
struct Removal {
    packages: Vec<Installed>,
    /// What each of them left.
    footprints: Vec<Footprint>,
    /// Services without a package.
    leftovers: Vec<String>,
    /// Those of them that were asked for by name.
    named: Vec<String>,
    /// Parts of the names of programs that are told of.
    programs: Vec<&'static str>,
    /// Services that were there before the packages, in lower case.
    there_before: HashSet<String>,
    /// Of the files in the packages' folders of the driver store, and of those that they installed: all these names in lower case, by
    /// the file's number.
    names: HashMap<u64, HashSet<String>>,
}

impl Removal {
    /// `oemN.inf` of what goes.
    fn infs(&self) -> Vec<String> {
        self.packages.iter().filter_map(|installed| installed.inf.clone()).collect()
    }
}

impl Session {
    /// Takes packages out, and what else a maker's drivers left.
    pub(super) fn remove_drivers(&mut self, wanted: &DriverRemoval) -> Result<(), BakeError> {
        let guest = self.driver_guest()?;
        let Inventory { packages, services } = self.inventory(&guest)?;
        let boots_from = self.boots_from()?;
        let (removal, rest) = self.select(wanted, &guest, packages, &services)?;
        let rest: Vec<(Installed, Footprint)> = rest
            .into_iter()
            .map(|installed| {
                let footprint = footprint(&installed, &guest);
                (installed, footprint)
            })
            .collect();
        let in_box = self.in_box(&removal, &guest)?;
        let going = self.going_services(&removal, &rest, &in_box, &guest)?;
        // Where files are is read from services, which go first.
        let files = self.going_files(&removal, &going, &rest, &in_box, &guest)?;

        self.put_changes_back(&removal, &rest, &guest)?;
        self.remove_filters(&removal, &going)?;
        self.release_devices(&going)?;
        self.unbind(&removal, &going, &guest)?;
        self.remove_services(&removal, &going)?;
        self.remove_files(&files, &guest)?;
        self.put_files_back(&removal, &rest, &guest)?;
        self.remove_packages(&removal, &guest)?;

        self.check_boot(&boots_from, wanted.force)?;
        self.tell_programs(&removal)?;
        self.report_removed(&removal, &going, &files);
        Ok(())
    }

    fn report_removed(&mut self, removal: &Removal, going: &[String], files: &[String]) {
        let listed = |names: &[String], name: &String| {
            names.iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        for (installed, footprint) in removal.packages.iter().zip(&removal.footprints) {
            let of = |all: &[String]| -> Vec<String> {
                going.iter().filter(|name| listed(all, name)).cloned().collect()
            };
            self.drivers.push(DriverReport {
                inf: installed.inf.clone(),
                class: installed.class.clone(),
                driver_version: installed.driver_version.clone(),
                services: of(&installed.services),
                files: files.iter().filter(|f| listed(&footprint.files, f)).cloned().collect(),
                ..DriverReport::new(installed.name(), DriverAction::Removed)
            });
        }
        for service in &removal.leftovers {
            if listed(going, service) {
                let report = DriverReport::new(service, DriverAction::Removed);
                self.drivers.push(DriverReport { services: vec![service.clone()], ..report });
            }
        }
    }
}

/// What a package left, by its INF.
fn footprint(installed: &Installed, guest: &Guest) -> Footprint {
    let package = installed.package.as_ref();
    package.map(|package| package.footprint(guest)).unwrap_or_default()
}
