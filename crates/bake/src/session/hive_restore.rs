//! The step that brings a hive back from the copy that Windows made of it.

use winkiln_guest::HiveFile;

use super::Session;
use crate::step::Contents;
use crate::{BakeError, Step};

/// What Windows appends to a hive's name for its logs.
const LOGS: [&str; 3] = ["LOG", "LOG1", "LOG2"];

impl Session {
    /// Puts the copy of a hive in its place. What its logs hold belongs to the hive that goes: they are emptied.
    pub(super) fn restore_hive(
        &mut self,
        place: Option<&(u32, String)>,
        name: &str,
    ) -> Result<(), BakeError> {
        let (volume, root) = match place {
            Some(place) => place.clone(),
            None => {
                let windows = self.windows()?;
                (windows.volume, windows.system_root)
            }
        };
        let path = format!(r"{root}\System32\config\{name}");
        let Some(bytes) = self.disk.backup_hive(volume, &root, name) else {
            return Err(BakeError::NoBackup { path, volume });
        };
        let file = HiveFile { volume, path: path.clone() };
        if let Some(guest) = &mut self.guest
            && !guest.registry.close(&file)
        {
            return Err(BakeError::HiveInUse { path });
        }
        let put = |path: String, bytes| {
            let contents = Contents::Bytes(bytes);
            let put = Step::PutFile { path, contents, parents: false };
            Step::OnVolume { volume, step: Box::new(put) }
        };
        for extension in LOGS {
            let log = format!("{path}.{extension}");
            if self.disk.has_file(volume, &log) {
                self.apply_step(&put(log, Vec::new()))?;
            }
        }
        self.apply_step(&put(path, bytes))
    }
}
