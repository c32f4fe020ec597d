//! User profiles: whose folder is where.

use winkiln_hive::Hive;

use crate::{Disk, setting};

const PROFILE_LIST: &str = r"Microsoft\Windows NT\CurrentVersion\ProfileList";

/// A user's profile on the system volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    /// SID when the list of profiles names it, else the folder.
    pub(crate) name: String,
    /// Folder on the system volume, without a trailing `\`.
    pub(crate) folder: String,
}

/// The installation that profiles belong to.
pub(crate) struct Profiles<'a> {
    pub(crate) volume: u32,
    pub(crate) system_root: &'a str,
    pub(crate) software: &'a Hive,
}

impl Profiles<'_> {
    /// Finds a profile by SID or by the name of its folder. The error says what there is.
    pub(crate) fn find(&self, disk: &mut Disk, user: &str) -> Result<Profile, String> {
        let listed = self.listed();
        if let Some((sid, path)) = listed.iter().find(|(sid, _)| sid.eq_ignore_ascii_case(user)) {
            let folder = self.on_volume(path).ok_or_else(|| elsewhere(path))?;
            return Ok(Profile { name: sid.clone(), folder });
        }
        for (sid, path) in &listed {
            if last(path).eq_ignore_ascii_case(user) {
                let folder = self.on_volume(path).ok_or_else(|| elsewhere(path))?;
                return Ok(Profile { name: sid.clone(), folder });
            }
        }
        // A folder that the list does not name, such as that of the profile new users start from.
        for parent in self.parents() {
            let folder = format!("{parent}\\{user}");
            if !user.contains(['\\', '/']) && disk.has_file(self.volume, &ntuser(&folder)) {
                return Ok(Profile { name: user.to_owned(), folder });
            }
        }
        let names: Vec<String> =
            listed.iter().map(|(sid, path)| format!("{} ({sid})", last(path))).collect();
        Err(format!("there are the profiles: {}", names.join(", ")))
    }

    /// SIDs and the paths of their profiles, as stored.
    pub(crate) fn listed(&self) -> Vec<(String, String)> {
        let hive = self.software;
        let list = setting::key(hive, hive.root(), PROFILE_LIST);
        list.and_then(|key| hive.subkeys(key).ok())
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(sid, key)| Some((sid, setting::text(hive, key, "ProfileImagePath")?)))
            .collect()
    }

    /// Folders that hold profiles.
    fn parents(&self) -> Vec<String> {
        let hive = self.software;
        let list = setting::key(hive, hive.root(), PROFILE_LIST);
        let stored = list.and_then(|key| setting::text(hive, key, "ProfilesDirectory"));
        let stored = stored.and_then(|path| self.on_volume(&path));
        stored.into_iter().chain([r"\Users".into(), r"\Documents and Settings".into()]).collect()
    }

    /// The path on the system volume; `None` when it names another drive.
    fn on_volume(&self, path: &str) -> Option<String> {
        let hive = self.software;
        let version = setting::key(hive, hive.root(), r"Microsoft\Windows NT\CurrentVersion");
        let root = version.and_then(|key| setting::text(hive, key, "SystemRoot"));
        let letter = root.and_then(|root| root.chars().next()).unwrap_or('C');
        let path = path.trim_end_matches('\\');
        let after = |prefix: &str| -> Option<&str> {
            let head = path.get(..prefix.len())?;
            head.eq_ignore_ascii_case(prefix).then(|| path.get(prefix.len()..)).flatten()
        };
        for variable in ["%SystemRoot%", "%windir%"] {
            if let Some(rest) = after(variable) {
                return Some(format!("{}{rest}", self.system_root));
            }
        }
        let rest = after("%SystemDrive%").or_else(|| after(&format!("{letter}:")))?;
        rest.starts_with('\\').then(|| rest.to_owned())
    }
}

/// The user's hive.
pub(crate) fn ntuser(folder: &str) -> String {
    format!(r"{folder}\NTUSER.DAT")
}

/// Where the second hive of a user may lie: from Vista on, and before.
pub(crate) fn classes(folder: &str) -> [String; 2] {
    [
        format!(r"{folder}\AppData\Local\Microsoft\Windows\UsrClass.dat"),
        format!(r"{folder}\Local Settings\Application Data\Microsoft\Windows\UsrClass.dat"),
    ]
}

fn last(path: &str) -> &str {
    path.trim_end_matches('\\').rsplit('\\').next().unwrap_or(path)
}

fn elsewhere(path: &str) -> String {
    format!("the profile lies in {path}, which is not on the volume of the Windows")
}
