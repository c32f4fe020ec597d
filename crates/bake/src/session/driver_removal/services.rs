//! Services and files: which of them go.

use std::collections::HashSet;

use winkiln_drivers::footprint::Footprint;
use winkiln_drivers::staging::Guest;
use winkiln_drivers::vendors::VENDORS;
use winkiln_guest::service_file;
use winkiln_hive::Value;

use super::super::Session;
use super::super::guest_infs::is_published;
use super::in_box::InBox;
use super::inventory::{Installed, SERVICES};
use super::{DriverError, Removal};
use crate::{BakeError, Step};

impl Session {
    /// The services that go: those of the packages and the leftovers, but for what others need.
    pub(super) fn going_services(
        &mut self,
        removal: &Removal,
        rest: &[(Installed, Footprint)],
        in_box: &InBox,
        guest: &Guest,
    ) -> Result<Vec<String>, BakeError> {
        let mut going: Vec<String> = Vec::new();
        let all = removal.packages.iter().flat_map(|installed| &installed.services);
        for name in all.chain(&removal.leftovers) {
            if going.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                continue;
            }
            match self.why_service_stays(name, removal, rest, in_box, guest)? {
                None => going.push(name.clone()),
                Some(reason) if removal.named.contains(name) => {
                    return Err(DriverError::NotOurs { name: name.clone(), reason }.into());
                }
                Some(reason) => self.warn(format!("service {name} stays: {reason}")),
            }
        }
        Ok(going)
    }

    /// Who else needs a service; `None`: nobody.
    fn why_service_stays(
        &mut self,
        name: &str,
        removal: &Removal,
        rest: &[(Installed, Footprint)],
        in_box: &InBox,
        guest: &Guest,
    ) -> Result<Option<String>, BakeError> {
        let infs = removal.infs();
        let listed = |names: &[String]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        let owners = self.texts_of(&format!(r"{SERVICES}\{name}"), "Owners")?;
        for owner in owners.iter().filter(|owner| !infs.contains(&owner.to_lowercase())) {
            if !is_published(owner) {
                return Ok(Some(format!("{owner} of Windows has it")));
            }
            // A package that the guest does not know any more owns nothing.
            if rest
                .iter()
                .any(|(installed, _)| installed.inf.as_ref() == Some(&owner.to_lowercase()))
            {
                return Ok(Some(format!("package {owner} has it too")));
            }
        }
        if let Some((installed, _)) = rest.iter().find(|(known, _)| listed(&known.services)) {
            return Ok(Some(format!("package {} has it too", installed.name())));
        }
        if let Some(inf) = in_box.service(name) {
            return Ok(Some(format!("{inf} of Windows has it")));
        }
        let file = self.service(name, guest)?.and_then(|service| service.file);
        if let Some(path) = &file {
            if let Some(inf) = in_box.file(path) {
                return Ok(Some(format!("{inf} of Windows names its file")));
            }
            if self.is_protected(path, removal, guest)? {
                return Ok(Some("its file is part of Windows".to_owned()));
            }
        }
        if removal.there_before.contains(&name.to_lowercase()) {
            return Ok(Some("it was there before the package".to_owned()));
        }
        let is_known = VENDORS.iter().any(|vendor| vendor.has_service(name, |_| false));
        if listed(&removal.leftovers) && !is_known && !in_box.has_infs {
            let reason = "whether it is Windows' own cannot be told without the INFs of Windows";
            return Ok(Some(reason.to_owned()));
        }
        Ok(None)
    }

    /// From Windows Vista on files of Windows have a second name in `WinSxS`; before, a copy in `dllcache`. Names that go with the
    /// packages protect nothing: newer Windows installs a driver as a second name of its copy in the driver store.
    fn is_protected(
        &mut self,
        path: &str,
        removal: &Removal,
        guest: &Guest,
    ) -> Result<bool, BakeError> {
        let volume = self.windows()?.volume;
        if let Some(found) = self.metadata(volume, path)?.filter(|found| !found.is_directory) {
            let going = found.file_reference.and_then(|file| removal.names.get(&file));
            let itself = going.is_none_or(|names| !names.contains(&path.to_lowercase()));
            let going = going.map_or(0, HashSet::len) + usize::from(itself);
            if found.links as usize > going {
                return Ok(true);
            }
        }
        let name = path.rsplit('\\').next().unwrap_or_default();
        let cached = format!(r"{}\System32\dllcache\{name}", guest.system_root);
        Ok(guest.target.version < (6, 0) && self.metadata(volume, &cached)?.is_some())
    }

    /// Takes the services out of every control set, and the packages' names out of those that stay.
    pub(super) fn remove_services(
        &mut self,
        removal: &Removal,
        going: &[String],
    ) -> Result<(), BakeError> {
        let goes = |name: &String| going.iter().any(|gone| gone.eq_ignore_ascii_case(name));
        let mut logs = Vec::new();
        for (installed, footprint) in removal.packages.iter().zip(&removal.footprints) {
            if !installed.services.is_empty() && installed.services.iter().all(goes) {
                logs.extend(
                    footprint.event_logs.iter().map(|log| format!(r"{SERVICES}\EventLog\{log}")),
                );
            }
        }
        for key in logs {
            let step = Step::DeleteKey { key };
            self.apply_step(&Step::InAllControlSets(Box::new(step)))?;
        }
        for service in going {
            let mut keys = vec![format!(r"{SERVICES}\{service}")];
            keys.push(format!(r"{SERVICES}\EventLog\System\{service}"));
            for mode in ["Minimal", "Network"] {
                let safe_boot = r"HKLM\SYSTEM\CurrentControlSet\Control\SafeBoot";
                keys.push(format!(r"{safe_boot}\{mode}\{service}"));
                keys.push(format!(r"{safe_boot}\{mode}\{service}.sys"));
            }
            for key in keys {
                let step = Step::DeleteKey { key };
                self.apply_step(&Step::InAllControlSets(Box::new(step)))?;
            }
        }
        let infs = removal.infs();
        for set in self.control_sets()? {
            let root = format!(r"{set}\Services");
            let owned = self.search(&root, 1, |key, values| owned_by(key, values, &infs))?;
            for key in owned {
                self.drop_strings(&key, "Owners", &infs)?;
            }
        }
        Ok(())
    }

    /// The control sets: the current one first.
    pub(super) fn control_sets(&mut self) -> Result<Vec<String>, BakeError> {
        let (registry, disk) = self.registry()?;
        Ok(registry.in_all_control_sets(disk, r"HKLM\SYSTEM\CurrentControlSet")?)
    }

    /// Files that the packages, and services without one, put into folders of Windows, but for what others need.
    pub(super) fn going_files(
        &mut self,
        removal: &Removal,
        going: &[String],
        rest: &[(Installed, Footprint)],
        in_box: &InBox,
        guest: &Guest,
    ) -> Result<Vec<String>, BakeError> {
        let mut candidates: Vec<String> =
            removal.footprints.iter().flat_map(|footprint| footprint.files.clone()).collect();
        for service in going {
            // Programs of services stay where their installer put them.
            let file = self.service(service, guest)?.and_then(|service| service.file);
            candidates.extend(file.filter(|path| path.to_lowercase().ends_with(".sys")));
        }
        candidates.sort_by_key(|path| path.to_lowercase());
        candidates.dedup_by_key(|path| path.to_lowercase());
        let used = self.used_files(going, guest)?;
        let volume = self.windows()?.volume;
        let mut files = Vec::new();
        for path in candidates {
            if self.metadata(volume, &path)?.is_none_or(|found| found.is_directory) {
                continue;
            }
            let lower = path.to_lowercase();
            let of_rest = rest.iter().find(|(_, footprint)| {
                footprint.files.iter().any(|known| known.to_lowercase() == lower)
            });
            let kept = if let Some((_, service)) = used.iter().find(|(used, _)| *used == lower) {
                Some(format!("service {service} uses it"))
            } else if let Some((installed, _)) = of_rest {
                Some(format!("package {} has it too", installed.name()))
            } else if let Some(inf) = in_box.file(&path) {
                Some(format!("Windows has it by its own {inf}"))
            } else {
                self.is_protected(&path, removal, guest)?
                    .then(|| "it is part of Windows".to_owned())
            };
            match kept {
                Some(why) => self.warn(format!("{path} stays: {why}")),
                None => files.push(path),
            }
        }
        Ok(files)
    }

    /// The files of services that stay, in lower case.
    fn used_files(
        &mut self,
        going: &[String],
        guest: &Guest,
    ) -> Result<Vec<(String, String)>, BakeError> {
        let mut used = Vec::new();
        for set in self.control_sets()? {
            let found = self.search(&format!(r"{set}\Services"), 1, |key, values| {
                // A key for settings alone is no service.
                if !values.iter().any(|value| value.name.eq_ignore_ascii_case("Type")) {
                    return Vec::new();
                }
                let name = key.rsplit('\\').next().unwrap_or_default().to_owned();
                let image = values.iter().find(|v| v.name.eq_ignore_ascii_case("ImagePath"));
                let image =
                    image.and_then(|value| winkiln_hive::strings(&value.data).into_iter().next());
                let file = service_file(&name, image.as_deref(), &guest.system_root);
                file.map(|file| vec![(file.to_lowercase(), name)]).unwrap_or_default()
            })?;
            used.extend(found);
        }
        used.retain(|(_, name)| !going.iter().any(|gone| gone.eq_ignore_ascii_case(name)));
        Ok(used)
    }
}

/// The key, when its owners are among the INFs.
pub(super) fn owned_by(key: &str, values: &[Value], infs: &[String]) -> Vec<String> {
    let owners = values.iter().filter(|value| value.name.eq_ignore_ascii_case("Owners"));
    let mut owners = owners.flat_map(|value| winkiln_hive::strings(&value.data));
    let owned = owners.any(|owner| infs.iter().any(|inf| inf.eq_ignore_ascii_case(&owner)));
    if owned { vec![key.to_owned()] } else { Vec::new() }
}
