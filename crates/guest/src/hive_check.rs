//! The registry hives and boot configuration stores of a volume, found by their places and checked one by one.

use std::sync::Arc;

use winkiln_hive::{DIRTY, Finding, Hive, check_file};
use winkiln_volume::Volume;

use crate::error::with_causes;
use crate::hive_logs;
use crate::{Disk, GuestError, HiveFile, installation};

/// Boot configuration stores, on any volume.
const STORES: [&str; 2] = [r"\EFI\Microsoft\Boot\BCD", r"\Boot\BCD"];
/// Hives of `System32\config` that are hives whatever they begin with.
const NAMED: [&str; 5] = ["SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT"];
/// Folders of profiles, on the volume or below the system root.
const PROFILES: [&str; 2] = [r"\Users", r"\Documents and Settings"];
const SERVICE_PROFILES: [&str; 2] = [r"\ServiceProfiles", r"\System32\config"];
/// Hives of a profile.
const OF_A_PROFILE: [&str; 3] = [
    "NTUSER.DAT",
    r"AppData\Local\Microsoft\Windows\UsrClass.dat",
    r"Local Settings\Application Data\Microsoft\Windows\UsrClass.dat",
];

/// What the check of a hive came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedHive {
    /// The hive's file.
    pub file: HiveFile,
    /// That it was not closed properly, and what was done about it for the check.
    pub note: Option<String>,
    /// Why it could not be checked.
    pub failure: Option<String>,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Disk {
    /// Paths of the hives and stores of a volume; nothing when the volume does not open.
    pub fn hive_files(&mut self, number: u32) -> Vec<String> {
        let roots: Vec<String> = installation::folders(self)
            .into_iter()
            .filter(|(volume, _)| *volume == number)
            .map(|(_, folder)| folder)
            .collect();
        let Ok(volume) = self.volume(number) else { return Vec::new() };
        let mut files: Vec<String> = STORES.iter().map(|store| (*store).to_owned()).collect();
        let mut profiles = Vec::new();
        for root in &roots {
            let config = format!(r"{root}\System32\config");
            for name in names(volume, &config, false) {
                let path = format!(r"{config}\{name}");
                let named = NAMED.iter().any(|hive| name.eq_ignore_ascii_case(hive));
                if named || !is_log(&name) && begins_as_hive(volume, &path) {
                    files.push(path);
                }
            }
            files.push(format!(r"{root}\AppCompat\Programs\Amcache.hve"));
            profiles.extend(SERVICE_PROFILES.map(|folder| format!("{root}{folder}")));
        }
        if !roots.is_empty() {
            profiles.extend(PROFILES.map(str::to_owned));
        }
        for parent in profiles {
            for user in names(volume, &parent, true) {
                files.extend(OF_A_PROFILE.iter().map(|hive| format!(r"{parent}\{user}\{hive}")));
            }
        }
        let is_file = |path: &str| {
            let facts = volume.metadata(path).ok().flatten();
            facts.is_some_and(|facts| !facts.is_directory)
        };
        files.retain(|path| is_file(path));
        files
    }

    /// Checks a hive or store, as it would be after its recovery when it was not closed properly. Changes nothing.
    pub fn check_hive(&mut self, number: u32, path: &str) -> CheckedHive {
        let file = HiveFile { volume: number, path: path.to_owned() };
        let mut checked =
            CheckedHive { file: file.clone(), note: None, failure: None, findings: Vec::new() };
        let volume = match self.volume(number) {
            Ok(volume) => volume,
            Err(error) => {
                checked.failure = Some(with_causes(&error));
                return checked;
            }
        };
        let bytes = match hive_logs::read(volume, &file) {
            Ok(bytes) => Arc::new(bytes),
            Err(error) => {
                checked.failure = Some(with_causes(&error));
                return checked;
            }
        };
        match hive_logs::load_bytes(volume, &file, Arc::clone(&bytes)) {
            Ok(loaded) => {
                checked.note = loaded.recovered.map(|recovered| recovered.to_string());
                checked.findings = loaded.hive.check();
            }
            Err(error) => {
                checked.findings = check_file(&bytes).unwrap_or_default();
                if matches!(error, GuestError::DirtyHive { .. }) {
                    checked.findings.retain(|finding| finding.id != DIRTY);
                    checked.note = Some(with_causes(&error));
                } else if checked.findings.is_empty() {
                    checked.failure = Some(with_causes(&error));
                }
            }
        }
        checked
    }
}

/// Sums and hints for speed, which Windows itself leaves behind.
const LEFT_STALE: [&str; 4] = ["key.hint", "key.maxname", "key.maxvaluename", "key.maxvaluedata"];

/// True for a finding that Windows does not mind.
#[must_use]
pub fn is_left_stale(finding: &Finding) -> bool {
    LEFT_STALE.contains(&finding.id)
}

impl Disk {
    /// The copy of a hive, such as `SYSTEM`, that Windows made in `RegBack`, when it is sound.
    ///
    /// Source: Microsoft, "The system registry is no longer backed up to the RegBack folder": files of no length since Windows 10
    /// 1803.
    pub fn backup_hive(&mut self, number: u32, system_root: &str, name: &str) -> Option<Vec<u8>> {
        let path = format!(r"{system_root}\System32\config\RegBack\{name}");
        let file = HiveFile { volume: number, path };
        if !self.has_file(number, &file.path) {
            return None;
        }
        let bytes = hive_logs::read(self.volume(number).ok()?, &file).ok()?;
        let sound = Hive::open(bytes).ok()?;
        sound.check().iter().all(is_left_stale).then(|| sound.bytes().to_vec())
    }
}

/// Names of the files or the folders in a folder.
fn names(volume: &Volume, folder: &str, folders: bool) -> Vec<String> {
    let entries = volume.read_directory(folder).unwrap_or_default();
    let wanted = entries.into_iter().filter(|entry| entry.is_directory == folders);
    wanted.map(|entry| entry.name).collect()
}

fn begins_as_hive(volume: &Volume, path: &str) -> bool {
    let mut magic = [0; 4];
    volume.read_at(path, 0, &mut magic).is_ok_and(|read| read == 4) && magic == *b"regf"
}

fn is_log(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    ["LOG", "LOG1", "LOG2"].iter().any(|log| extension.eq_ignore_ascii_case(log))
}
