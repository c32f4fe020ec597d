//! Which packages and services are meant.

use winkiln_drivers::Package;
use winkiln_drivers::inf::Model;
use winkiln_drivers::staging::Guest;
use winkiln_drivers::vendors::Vendor;

use super::super::Session;
use super::inventory::Installed;
use super::{DriverError, DriverRemoval, Removal, footprint};
use crate::BakeError;

/// All makers of Xen drivers.
const XEN: &str = "xen";

impl Session {
    /// What goes, and the packages that stay.
    pub(super) fn select(
        &mut self,
        wanted: &DriverRemoval,
        guest: &Guest,
        packages: Vec<Installed>,
        services: &[String],
    ) -> Result<(Removal, Vec<Installed>), BakeError> {
        let vendors = vendors(&wanted.vendors)?;
        for vendor in &vendors {
            if vendor.part_of_windows.is_some_and(|from| guest.target.version >= from) {
                let name = vendor.name.to_owned();
                let version = guest.target.version;
                return Err(DriverError::PartOfWindows { name, version }.into());
            }
        }
        let exists = |name: &str| services.iter().any(|known| known.eq_ignore_ascii_case(name));
        let mut leftovers: Vec<String> = Vec::new();
        for name in &wanted.names {
            if packages.iter().any(|installed| installed.answers(name)) {
                continue;
            }
            match services.iter().find(|known| known.eq_ignore_ascii_case(name)) {
                Some(service) => leftovers.push(service.clone()),
                None => {
                    let known = packages.iter().map(Installed::name).collect();
                    return Err(DriverError::NotInstalled { name: name.clone(), known }.into());
                }
            }
        }
        let named = leftovers.clone();
        let of_vendor = |installed: &Installed| {
            vendors.iter().any(|vendor| {
                let mut services = installed.services.iter();
                services.any(|name| vendor.has_service(name, exists)) || has_ids(installed, vendor)
            })
        };
        let (going, rest): (Vec<_>, Vec<_>) = packages.into_iter().partition(|installed| {
            wanted.names.iter().any(|name| installed.answers(name)) || of_vendor(installed)
        });
        let owned = |name: &String| {
            let mut all = going.iter().chain(&rest).flat_map(|installed| &installed.services);
            all.any(|known| known.eq_ignore_ascii_case(name))
        };
        leftovers.extend(
            services
                .iter()
                .filter(|name| vendors.iter().any(|vendor| vendor.has_service(name, exists)))
                .filter(|name| !owned(name))
                .cloned(),
        );
        leftovers.sort();
        leftovers.dedup();
        let footprints: Vec<_> =
            going.iter().map(|installed| footprint(installed, guest)).collect();
        let programs = vendors.iter().flat_map(|vendor| vendor.programs).copied().collect();
        if going.is_empty() && leftovers.is_empty() {
            for vendor in vendors {
                self.warn(format!("{}: this Windows has none of that", vendor.name));
            }
        }
        let there_before = self.services_before(&going, guest)?;
        let names = self.names_of(&going, &footprints, guest)?;
        let removal = Removal {
            packages: going,
            footprints,
            leftovers,
            named,
            programs,
            there_before,
            names,
        };
        Ok((removal, rest))
    }
}

/// The makers of these names.
fn vendors(words: &[String]) -> Result<Vec<&'static Vendor>, DriverError> {
    let mut vendors = Vec::new();
    for word in words {
        let known = vendors.len();
        if word.eq_ignore_ascii_case(XEN) {
            let all = winkiln_drivers::vendors::VENDORS.iter();
            vendors.extend(all.filter(|vendor| vendor.word.starts_with("xen-")));
        } else {
            vendors.extend(Vendor::named(word));
        }
        if vendors.len() == known {
            return Err(DriverError::UnknownVendor { name: word.clone() });
        }
    }
    Ok(vendors)
}

/// Tells whether all devices of a package are a maker's.
fn has_ids(installed: &Installed, vendor: &Vendor) -> bool {
    let sections = installed.package.iter().flat_map(Package::models_sections);
    let mut ids = sections.flat_map(|section| &section.models).flat_map(Model::ids).peekable();
    ids.peek().is_some() && ids.all(|id| vendor.has_id(id))
}
