//! The registry of an installation, its hives opened when first used.

mod links;

use std::ops::Range;

use winkiln_hive::Hive;
use winkiln_volume::{Volume, VolumeError};

use crate::hive_logs::{self, LoadedHive, RecoveredHive};
use crate::hive_name::{HiveFile, HiveName, Location};
use crate::profile::{self, Profiles};
use crate::{Boot, BootKind, Disk, GuestError, Windows, setting};

/// Bytes between two changed ranges that are written with them: pages are written whole anyway.
const GAP_MAX: u64 = 4096;

/// The registry of one installation. Hives are read when first used; edits stay in memory until [`Registry::save`].
///
/// A hive that was not closed properly is recovered from its logs as Windows would do it, in memory: what is read is what
/// Windows would see. Only an edit brings the recovered hive into its file.
pub struct Registry {
    volume: u32,
    system_root: String,
    /// 0 until known.
    control_set: u32,
    store: Option<HiveFile>,
    opened: Vec<Opened>,
}

struct Opened {
    name: HiveName,
    file: HiveFile,
    hive: Hive,
    /// What was done to it, when it was not closed properly.
    recovered: Option<RecoveredHive>,
}

impl Registry {
    /// The registry of `windows`.
    #[must_use]
    pub fn new(windows: &Windows) -> Self {
        let mut registry = Self {
            volume: windows.volume,
            system_root: windows.system_root.clone(),
            control_set: windows.control_set,
            store: None,
            opened: Vec::new(),
        };
        registry.starts_by(&windows.boot);
        registry
    }

    /// Takes the store of a boot configuration for that of the installation, from when it is next opened.
    pub fn starts_by(&mut self, boot: &Boot) {
        let store = boot.file.clone().filter(|_| boot.kind == BootKind::Bcd);
        self.store = store.map(|(volume, path)| HiveFile { volume, path });
    }

    /// The place of a full key, before the links inside hives are followed.
    fn place(&mut self, disk: &mut Disk, key: &str) -> Result<Location, GuestError> {
        let Location { hive, path } = Location::parse(key)?;
        let (first, rest) = match path.split_once('\\') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path.as_str(), None),
        };
        match hive {
            HiveName::System if first.eq_ignore_ascii_case("CurrentControlSet") => {
                let number = self.control_set(disk)?;
                let set = format!("ControlSet{number:03}");
                let path = rest.map_or_else(|| set.clone(), |rest| format!("{set}\\{rest}"));
                Ok(Location { hive: HiveName::System, path })
            }
            HiveName::User(user) => {
                let (profile, _) = self.user(disk, &HiveName::User(user))?;
                // The user's classes are a hive of their own, linked into this one.
                let below = rest.map(|rest| rest.split_once('\\').unwrap_or((rest, "")));
                if let Some((second, path)) = below
                    && first.eq_ignore_ascii_case("Software")
                    && second.eq_ignore_ascii_case("Classes")
                    && let Some(classes) = classes_of(profile.clone())
                    && self.file(disk, &classes).is_ok()
                {
                    return Ok(Location { hive: classes, path: path.to_owned() });
                }
                Ok(Location { hive: profile, path })
            }
            HiveName::UserClasses(user) => {
                let (hive, _) = self.user(disk, &HiveName::UserClasses(user))?;
                Ok(Location { hive, path })
            }
            hive => Ok(Location { hive, path }),
        }
    }

    /// A hive, read if it was not yet.
    ///
    /// # Errors
    /// When the installation has no such hive, or it is damaged, or was not closed properly and its logs do not help.
    pub fn hive(&mut self, disk: &mut Disk, name: &HiveName) -> Result<&Hive, GuestError> {
        Ok(&self.open(disk, name)?.hive)
    }

    /// A hive for editing.
    ///
    /// # Errors
    /// As [`Registry::hive`].
    pub fn hive_mut(&mut self, disk: &mut Disk, name: &HiveName) -> Result<&mut Hive, GuestError> {
        Ok(&mut self.open(disk, name)?.hive)
    }

    /// Every hive that the installation has: those of the machine, then those of its users, by SID.
    ///
    /// # Errors
    /// Those of reading the SOFTWARE hive.
    pub fn hives(&mut self, disk: &mut Disk) -> Result<Vec<HiveName>, GuestError> {
        let (volume, system_root) = (self.volume, self.system_root.clone());
        let software = self.hive(disk, &HiveName::Software)?;
        let listed = Profiles { volume, system_root: &system_root, software }.listed();
        let users = listed
            .into_iter()
            .flat_map(|(sid, _)| [HiveName::User(sid.clone()), HiveName::UserClasses(sid)]);
        let machine = HiveName::MACHINE.into_iter().chain([HiveName::DefaultUser]);
        let mut found = Vec::new();
        for name in machine.chain(users) {
            // The account of the system has the hive of `.DEFAULT`.
            let is_known = matches!(&name, HiveName::User(sid) if sid == "S-1-5-18");
            if !is_known && self.file(disk, &name).is_ok() {
                found.push(name);
            }
        }
        Ok(found)
    }

    /// The same key in every control set: for one below `CurrentControlSet` or a numbered set, that key in each set that
    /// the SYSTEM hive has, the current one first; every other key alone.
    ///
    /// # Errors
    /// Those of [`Registry::locate`].
    pub fn in_all_control_sets(
        &mut self,
        disk: &mut Disk,
        key: &str,
    ) -> Result<Vec<String>, GuestError> {
        let Location { hive, path } = self.place(disk, key)?;
        let (first, rest) = path.split_once('\\').unwrap_or((&path, ""));
        if hive != HiveName::System || control_set_number(first).is_none() {
            return Ok(vec![key.to_owned()]);
        }
        let (first, rest) = (first.to_owned(), rest.to_owned());
        let system = self.hive(disk, &HiveName::System)?;
        let failed = |source| GuestError::Hive { path: HiveName::System.to_string(), source };
        let mut sets: Vec<String> = system
            .subkeys(system.root())
            .map_err(failed)?
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| control_set_number(name).is_some())
            .collect();
        sets.sort_by_key(|set| !set.eq_ignore_ascii_case(&first));
        let below = if rest.is_empty() { String::new() } else { format!("\\{rest}") };
        Ok(sets.into_iter().map(|set| format!(r"HKLM\SYSTEM\{set}{below}")).collect())
    }

    /// The file of a hive.
    ///
    /// # Errors
    /// [`GuestError::NoHive`].
    pub fn file(&mut self, disk: &mut Disk, name: &HiveName) -> Result<HiveFile, GuestError> {
        if let Some(opened) = self.opened.iter().find(|opened| opened.name == *name) {
            return Ok(opened.file.clone());
        }
        let config = |file: &str| HiveFile {
            volume: self.volume,
            path: format!(r"{}\System32\config\{file}", self.system_root),
        };
        let file = match name {
            HiveName::System => config("SYSTEM"),
            HiveName::Software => config("SOFTWARE"),
            HiveName::Sam => config("SAM"),
            HiveName::Security => config("SECURITY"),
            HiveName::Drivers => config("DRIVERS"),
            HiveName::Components => config("COMPONENTS"),
            HiveName::DefaultUser => config("DEFAULT"),
            HiveName::Bcd => self.store.clone().ok_or_else(|| GuestError::NoHive {
                hive: name.to_string(),
                reason: "it does not start from a boot configuration store".into(),
            })?,
            HiveName::User(_) | HiveName::UserClasses(_) => return Ok(self.user(disk, name)?.1),
        };
        if !disk.has_file(file.volume, &file.path) {
            let reason = format!("there is no file {} on volume {}", file.path, file.volume);
            return Err(GuestError::NoHive { hive: name.to_string(), reason });
        }
        Ok(file)
    }

    /// Lets go of the hive in a file, to be read again when it is next used; false when it was edited and stays.
    pub fn close(&mut self, file: &HiveFile) -> bool {
        let is_it = |opened: &Opened| {
            opened.file.volume == file.volume && opened.file.path.eq_ignore_ascii_case(&file.path)
        };
        self.opened.retain(|opened| !is_it(opened) || opened.hive.is_edited());
        !self.opened.iter().any(is_it)
    }

    /// Every hive opened so far.
    #[must_use]
    pub fn opened(&self) -> Vec<(HiveName, HiveFile)> {
        self.opened.iter().map(|opened| (opened.name.clone(), opened.file.clone())).collect()
    }

    /// Every hive opened so far that was not closed properly; in its file it stays as it is unless it was edited.
    pub fn recovered(&self) -> impl Iterator<Item = &RecoveredHive> {
        self.opened.iter().filter_map(|opened| opened.recovered.as_ref())
    }

    /// Seals every edited hive and writes its dirty ranges to its file. Returns the hives written.
    ///
    /// The file grows first where the hive has grown; one that is compressed or has holes is replaced as a plain one. What
    /// was recovered from logs is written with the edits, and those logs are emptied.
    ///
    /// # Errors
    /// When a volume refuses; the transaction below must then be dropped.
    pub fn save(
        &mut self,
        disk: &mut Disk,
        now: u64,
    ) -> Result<Vec<(HiveName, HiveFile)>, GuestError> {
        let mut written = Vec::new();
        for opened in &mut self.opened {
            if !opened.hive.is_edited() {
                continue;
            }
            let HiveFile { volume: number, path } = &opened.file;
            let failed = |source| GuestError::Volume { number: *number, source };
            let volume = disk.volume_mut(*number)?;
            if opened.recovered.is_none() {
                hive_logs::pass(volume, path, &mut opened.hive);
            }
            let ranges = joined(opened.hive.seal(now));
            let bytes = opened.hive.bytes();
            write(volume, path, bytes, ranges).map_err(failed)?;
            if opened.recovered.is_some() {
                hive_logs::empty(volume, path).map_err(failed)?;
            }
            written.push((opened.name.clone(), opened.file.clone()));
        }
        Ok(written)
    }

    fn open(&mut self, disk: &mut Disk, name: &HiveName) -> Result<&mut Opened, GuestError> {
        // By name first, then by file: a user has two names.
        let mut at = self.opened.iter().position(|opened| opened.name == *name);
        if at.is_none() {
            let (name, file) = match name {
                HiveName::User(_) | HiveName::UserClasses(_) => self.user(disk, name)?,
                name => (name.clone(), self.file(disk, name)?),
            };
            at = self.opened.iter().position(|opened| {
                opened.file.volume == file.volume
                    && opened.file.path.eq_ignore_ascii_case(&file.path)
            });
            if at.is_none() {
                let LoadedHive { hive, recovered } = disk.read_hive(file.volume, &file.path)?;
                at = Some(self.opened.len());
                self.opened.push(Opened { name, file, hive, recovered });
            }
        }
        at.and_then(|at| self.opened.get_mut(at)).ok_or_else(|| GuestError::NoHive {
            hive: name.to_string(),
            reason: "it was not opened".into(),
        })
    }

    fn control_set(&mut self, disk: &mut Disk) -> Result<u32, GuestError> {
        if self.control_set == 0 {
            let system = self.hive(disk, &HiveName::System)?;
            let select = setting::key(system, system.root(), "Select");
            let current = select.and_then(|key| setting::dword(system, key, "Current"));
            self.control_set = current.ok_or_else(|| GuestError::UnknownKey {
                key: r"HKLM\SYSTEM\CurrentControlSet".into(),
                reason: r"the SYSTEM hive has no Select\Current; write ControlSet001".into(),
            })?;
        }
        Ok(self.control_set)
    }

    /// The one name and the file of a user's hive.
    fn user(
        &mut self,
        disk: &mut Disk,
        name: &HiveName,
    ) -> Result<(HiveName, HiveFile), GuestError> {
        let (HiveName::User(user) | HiveName::UserClasses(user)) = name else {
            return Ok((name.clone(), self.file(disk, name)?));
        };
        let (volume, system_root) = (self.volume, self.system_root.clone());
        let software = self.hive(disk, &HiveName::Software)?;
        let profiles = Profiles { volume, system_root: &system_root, software };
        let missing = |reason| GuestError::NoHive { hive: name.to_string(), reason };
        let profile = profiles.find(disk, user).map_err(missing)?;
        let (one_name, paths) = match name {
            HiveName::UserClasses(_) => {
                (HiveName::UserClasses(profile.name), profile::classes(&profile.folder).to_vec())
            }
            _ => (HiveName::User(profile.name), vec![profile::ntuser(&profile.folder)]),
        };
        let found = paths.iter().find(|path| disk.has_file(volume, path)).cloned();
        let path = found.ok_or_else(|| {
            missing(format!("there is no file {} on volume {volume}", paths.join(" or ")))
        })?;
        Ok((one_name, HiveFile { volume, path }))
    }
}

/// The number of `ControlSet001`.
fn control_set_number(name: &str) -> Option<u32> {
    const PREFIX: &str = "ControlSet";
    let (head, digits) = name.split_at_checked(PREFIX.len())?;
    let is_set = head.eq_ignore_ascii_case(PREFIX) && digits.len() == 3;
    is_set.then(|| digits.parse().ok()).flatten()
}

fn classes_of(profile: HiveName) -> Option<HiveName> {
    match profile {
        HiveName::User(user) => Some(HiveName::UserClasses(user)),
        _ => None,
    }
}

/// Writes ranges of a hive to its file.
fn write(
    volume: &mut Volume,
    path: &str,
    bytes: &[u8],
    ranges: Vec<Range<u64>>,
) -> Result<(), VolumeError> {
    // The file may be longer than the hive in it, and stays so.
    let size = volume.metadata(path)?.map_or(0, |metadata| metadata.size);
    if bytes.len() as u64 > size {
        volume.set_size(path, bytes.len() as u64)?;
    }
    for range in ranges {
        let part = usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok())
            .and_then(|(start, end)| bytes.get(start..end))
            .unwrap_or_default();
        volume.write_at(path, range.start, part)?;
    }
    Ok(())
}

/// Joins ranges that lie close together; they come sorted.
fn joined(ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start.saturating_sub(last.end) < GAP_MAX => {
                last.end = last.end.max(range.end);
            }
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_close_together_are_joined() {
        assert_eq!(joined(vec![0..4, 4..8, 100..200, 9000..9001]), [0..200, 9000..9001]);
        assert_eq!(joined(vec![0..1, 4096..4097, 8193..8194]), [0..4097, 8193..8194]);
        assert_eq!(joined(Vec::new()), []);
    }
}
