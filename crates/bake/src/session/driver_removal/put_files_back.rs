//! Files that packages replaced: they are put back as they were, where they are still what the package made of them.

use std::collections::HashMap;

use winkiln_drivers::footprint::Footprint;
use winkiln_drivers::staging::Guest;
use winkiln_volume::Metadata;

use super::super::Session;
use super::super::driver_edit::carry_out::PROGRAM_BYTES_MAX;
use super::super::driver_edit::record::folder;
use super::super::driver_edit::replaced::REPLACED;
use super::super::file_edit::{DEPTH_MAX, REMOVED_MAX, too_much};
use super::inventory::Installed;
use super::{Removal, folders};
use crate::{BakeError, step};

impl Session {
    /// Puts back what the packages replaced. Their own folders must still be there.
    pub(super) fn put_files_back(
        &mut self,
        removal: &Removal,
        rest: &[(Installed, Footprint)],
        guest: &Guest,
    ) -> Result<(), BakeError> {
        let volume = self.windows()?.volume;
        let folders_of = |installed: &Installed| installed.folders.clone();
        let going: Vec<String> = removal.packages.iter().flat_map(folders_of).collect();
        let staying: Vec<String> = rest.iter().flat_map(|(one, _)| folders_of(one)).collect();
        let mut of_rest = HashMap::new();
        for (installed, footprint) in rest {
            for file in &footprint.files {
                of_rest.entry(file.to_lowercase()).or_insert_with(|| installed.name());
            }
        }
        for store in &going {
            let kept = format!(r"{}\{REPLACED}", folder(guest, store));
            for (path, _) in self.files_below(volume, &kept)? {
                let to = path.get(kept.len()..).unwrap_or_default();
                let was = self.read(volume, &path, PROGRAM_BYTES_MAX)?;
                // What a package that goes as well had brought, and what stayed all the while.
                if self.is_of_packages(&path, &was, &going, guest)?
                    || self.has_file_as(volume, to, &was)?
                {
                    continue;
                }
                // A package that stays has its own file back, and no other.
                if let Some(name) = of_rest.get(&to.to_lowercase())
                    && !self.is_of_packages(&path, &was, &staying, guest)?
                {
                    self.warn(format!("{to} is not put back: package {name} has it too"));
                    continue;
                }
                if self.metadata(volume, to)?.is_some() {
                    let is = self.read(volume, to, PROGRAM_BYTES_MAX)?;
                    if !self.is_of_packages(to, &is, &going, guest)? {
                        self.warn(format!(
                            "{to} is not put back: it was changed after the package was added"
                        ));
                        continue;
                    }
                }
                self.write_file(volume, to, &step::Contents::Bytes(was), true)?;
            }
        }
        Ok(())
    }

    /// Tells whether packages have a file of that name that holds these bytes.
    fn is_of_packages(
        &mut self,
        path: &str,
        bytes: &[u8],
        stores: &[String],
        guest: &Guest,
    ) -> Result<bool, BakeError> {
        let volume = self.windows()?.volume;
        let name = path.rsplit('\\').next().unwrap_or_default();
        let repository = format!(r"{}\{}", guest.system_root, folders::REPOSITORY);
        for store in stores {
            for parent in [format!(r"{repository}\{store}"), folder(guest, store)] {
                if self.has_file_as(volume, &format!(r"{parent}\{name}"), bytes)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    pub(in crate::session) fn has_file_as(
        &mut self,
        volume: u32,
        path: &str,
        bytes: &[u8],
    ) -> Result<bool, BakeError> {
        let found = self.metadata(volume, path)?.filter(|found| !found.is_directory);
        Ok(found.is_some_and(|found| found.size == bytes.len() as u64)
            && self.read(volume, path, PROGRAM_BYTES_MAX)? == bytes)
    }

    /// All files below a folder, by their paths, links of any kind left out.
    pub(super) fn files_below(
        &mut self,
        volume: u32,
        folder: &str,
    ) -> Result<Vec<(String, Metadata)>, BakeError> {
        let (mut files, mut folders) = (Vec::new(), vec![(folder.to_owned(), 0)]);
        while let Some((folder, depth)) = folders.pop() {
            for name in self.file_names(volume, &folder)? {
                let path = format!(r"{folder}\{name}");
                let found = self.metadata(volume, &path)?;
                let Some(found) = found.filter(|found| found.reparse_tag.is_none()) else {
                    continue;
                };
                if files.len() + folders.len() > REMOVED_MAX || depth > DEPTH_MAX {
                    return Err(too_much(&path));
                }
                if found.is_directory {
                    folders.push((path, depth + 1));
                } else {
                    files.push((path, found));
                }
            }
        }
        Ok(files)
    }
}
