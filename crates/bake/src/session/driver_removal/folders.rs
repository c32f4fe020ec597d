//! Files and folders: what is installed, and the packages themselves.

use std::collections::{HashMap, HashSet};

use winkiln_drivers::footprint::Footprint;
use winkiln_drivers::staging::Guest;
use winkiln_hive::reg_text::{RegAction, RegOperation};

use super::super::Session;
use super::super::driver_edit::record::{BEFORE, folder as record_folder};
use super::Removal;
use super::inventory::Installed;
use crate::value_text::string_data;
use crate::{BakeError, Step};

/// The driver store, below the Windows folder.
pub(in crate::session) const REPOSITORY: &str = r"System32\DriverStore\FileRepository";
/// Where catalogs of drivers are, below the Windows folder.
const CATALOGS: &str = r"System32\CatRoot\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}";
const CURRENT_VERSION: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion";
const DEVICE_PATH: &str = "DevicePath";
/// Where programs are installed.
const PROGRAM_FILES: [&str; 2] = [r"\program files", r"\program files (x86)"];

impl Session {
    /// Removes installed files.
    pub(super) fn remove_files(
        &mut self,
        files: &[String],
        guest: &Guest,
    ) -> Result<(), BakeError> {
        for path in files {
            self.remove_with_empty_folders(path, guest)?;
        }
        Ok(())
    }

    /// Removes the packages: INFs, catalogs, folders.
    pub(super) fn remove_packages(
        &mut self,
        removal: &Removal,
        guest: &Guest,
    ) -> Result<(), BakeError> {
        let root = &guest.system_root;
        let made = self.made_device_path(removal, guest)?;
        for installed in &removal.packages {
            if let Some(stem) = installed.inf.as_deref().and_then(|inf| inf.strip_suffix(".inf")) {
                for path in [
                    format!(r"{root}\INF\{stem}.inf"),
                    format!(r"{root}\INF\{stem}.PNF"),
                    format!(r"{root}\{CATALOGS}\{stem}.cat"),
                ] {
                    self.remove_with_empty_folders(&path, guest)?;
                }
            }
            for store in &installed.folders {
                self.remove_with_empty_folders(&format!(r"{root}\{REPOSITORY}\{store}"), guest)?;
                self.remove_with_empty_folders(&record_folder(guest, store), guest)?;
                self.forget_path(guest, store, made)?;
            }
        }
        Ok(())
    }

    /// The names of what packages have in the driver store, and of what they installed, in lower case, by the file's number.
    pub(super) fn names_of(
        &mut self,
        packages: &[Installed],
        footprints: &[Footprint],
        guest: &Guest,
    ) -> Result<HashMap<u64, HashSet<String>>, BakeError> {
        let volume = self.windows()?.volume;
        let mut files = Vec::new();
        for path in footprints.iter().flat_map(|footprint| &footprint.files) {
            files.extend(self.metadata(volume, path)?.map(|found| (path.clone(), found)));
        }
        for store in packages.iter().flat_map(|installed| &installed.folders) {
            let store = format!(r"{}\{REPOSITORY}\{store}", guest.system_root);
            files.extend(self.files_below(volume, &store)?);
        }
        let mut names: HashMap<u64, HashSet<String>> = HashMap::new();
        for (path, found) in files {
            if let Some(file) = found.file_reference {
                names.entry(file).or_default().insert(path.to_lowercase());
            }
        }
        Ok(names)
    }

    /// Tells whether there was no `DevicePath` before one of the packages.
    fn made_device_path(&mut self, removal: &Removal, guest: &Guest) -> Result<bool, BakeError> {
        for store in removal.packages.iter().flat_map(|installed| &installed.folders) {
            if self.record(guest, store, BEFORE)?.iter().any(is_device_path) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes the folder of a package out of `DevicePath`, and that too when it was `made` by a package and nothing of one is left in it.
    fn forget_path(&mut self, guest: &Guest, store: &str, made: bool) -> Result<(), BakeError> {
        let Some((kind, data)) = self.value_of(CURRENT_VERSION, DEVICE_PATH)? else {
            return Ok(());
        };
        let text = winkiln_hive::strings(&data).into_iter().next().unwrap_or_default();
        let own = [
            format!(r"%systemroot%\winkiln\{}", store.to_lowercase()),
            format!(r"{}\winkiln\{store}", guest.system_root_path).to_lowercase(),
        ];
        let is_own = |path: &&str| own.contains(&path.trim().trim_end_matches('\\').to_lowercase());
        if !text.split(';').any(|path| is_own(&path)) {
            return Ok(());
        }
        let rest: Vec<&str> = text.split(';').filter(|path| !is_own(path)).collect();
        if made && matches!(rest[..], [only] if only.eq_ignore_ascii_case(r"%SystemRoot%\inf")) {
            let (key, name) = (CURRENT_VERSION.to_owned(), DEVICE_PATH.to_owned());
            return self.apply_step(&Step::DeleteValue { key, name });
        }
        self.set_value(CURRENT_VERSION, DEVICE_PATH, kind, &string_data(&rest.join(";")))
    }

    /// Removes a file or a folder with all in it, and folders below that of Windows that are empty then.
    fn remove_with_empty_folders(&mut self, path: &str, guest: &Guest) -> Result<(), BakeError> {
        let volume = self.windows()?.volume;
        if self.metadata(volume, path)?.is_none() {
            return Ok(());
        }
        self.remove_from(volume, path, true)?;
        let mut path = path;
        while let Some((above, _)) = path.rsplit_once('\\') {
            if !is_made(above, guest) {
                break;
            }
            if !self.file_names(volume, above)?.is_empty() {
                break;
            }
            self.remove_from(volume, above, false)?;
            path = above;
        }
        Ok(())
    }

    /// Tells of programs that are still in the list of installed programs.
    pub(super) fn tell_programs(&mut self, removal: &Removal) -> Result<(), BakeError> {
        if removal.programs.is_empty() {
            return Ok(());
        }
        for list in [
            r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall",
            r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall",
        ] {
            for key in self.subkeys(list)?.unwrap_or_default() {
                let Some(name) = self.text_of(&format!(r"{list}\{key}"), "DisplayName")? else {
                    continue;
                };
                let lower = name.to_lowercase();
                if removal.programs.iter().any(|part| lower.contains(part)) {
                    self.warn(format!(
                        "{name} is still among the installed programs: its drivers are gone, its programs stay"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Tells whether a line of a package's record says that there was no `DevicePath`.
pub(super) fn is_device_path(operation: &RegOperation) -> bool {
    let RegAction::DeleteValue { name } = &operation.action else { return false };
    let (_, below) = CURRENT_VERSION.split_once('\\').unwrap_or_default();
    name.eq_ignore_ascii_case(DEVICE_PATH)
        && operation.key.to_lowercase().ends_with(&below.to_lowercase())
}

/// Folders that packages alone fill: those of Windows itself stay, however empty.
fn is_made(path: &str, guest: &Guest) -> bool {
    let path = path.to_lowercase();
    let own = format!(r"{}\winkiln", guest.system_root.to_lowercase());
    let is_below =
        |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('\\'));
    let of_windows = PROGRAM_FILES.iter().any(|folder| path == format!(r"{folder}\common files"));
    path == own || is_below(&own) || PROGRAM_FILES.iter().any(|f| is_below(f)) && !of_windows
}
