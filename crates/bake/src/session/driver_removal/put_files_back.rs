//! Files that packages replaced: they are put back as they were, where they are still what the package made of them.

use winkiln_drivers::footprint::Footprint;
use winkiln_drivers::staging::Guest;

use super::super::Session;
use super::super::driver_edit::carry_out::PROGRAM_BYTES_MAX;
use super::super::driver_edit::record::folder;
use super::super::driver_edit::replaced::REPLACED;
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
        for store in removal.packages.iter().flat_map(|installed| &installed.folders) {
            let kept = format!(r"{}\{REPLACED}", folder(guest, store));
            for path in self.files_below(volume, &kept)? {
                let to = path.get(kept.len()..).unwrap_or_default();
                let lower = to.to_lowercase();
                let of_rest = rest.iter().find(|(_, footprint)| {
                    footprint.files.iter().any(|known| known.to_lowercase() == lower)
                });
                if let Some((installed, _)) = of_rest {
                    let name = installed.name();
                    self.warn(format!("{to} is not put back: package {name} has it too"));
                    continue;
                }
                if self.metadata(volume, to)?.is_some() && !self.is_of_package(to, store, guest)? {
                    self.warn(format!(
                        "{to} is not put back: it was changed after the package was added"
                    ));
                    continue;
                }
                let was = self.read(volume, &path, PROGRAM_BYTES_MAX)?;
                self.write_file(volume, to, &step::Contents::Bytes(was), true)?;
            }
        }
        Ok(())
    }

    /// Tells whether a file is what the package has under its name.
    fn is_of_package(&mut self, path: &str, store: &str, guest: &Guest) -> Result<bool, BakeError> {
        let volume = self.windows()?.volume;
        let name = path.rsplit('\\').next().unwrap_or_default();
        let is = self.read(volume, path, PROGRAM_BYTES_MAX)?;
        let root = &guest.system_root;
        for parent in [format!(r"{root}\{}\{store}", folders::REPOSITORY), folder(guest, store)] {
            let own = format!(r"{parent}\{name}");
            if self.metadata(volume, &own)?.is_some()
                && self.read(volume, &own, PROGRAM_BYTES_MAX)? == is
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Paths of all files below a folder.
    fn files_below(&mut self, volume: u32, folder: &str) -> Result<Vec<String>, BakeError> {
        let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
        while let Some(folder) = folders.pop() {
            for name in self.file_names(volume, &folder)? {
                let path = format!(r"{folder}\{name}");
                match self.metadata(volume, &path)? {
                    Some(found) if found.is_directory => folders.push(path),
                    _ => files.push(path),
                }
            }
        }
        Ok(files)
    }
}
