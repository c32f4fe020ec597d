//! The step that makes a link.

use winkiln_volume::{Filesystem, LinkKind as VolumeLink, VolumeError};

use super::Session;
use crate::BakeError;
use crate::image_path::{ImagePath, parent};
use crate::ledger::{State, Target};
use crate::step::LinkKind;

impl Session {
    pub(super) fn link(
        &mut self,
        path: &str,
        target: &str,
        kind: LinkKind,
    ) -> Result<(), BakeError> {
        let volume = self.file_volume()?;
        let given = self.image_path(path)?;
        let there = self.metadata(volume, &given.path)?;
        let receives = there.as_ref().is_some_and(|f| f.is_directory && f.reparse_tag.is_none());
        let path = if given.folder || receives {
            let name = target.rsplit(['\\', '/']).find(|part| !part.is_empty()).unwrap_or_default();
            let folder = given.path.trim_end_matches('\\');
            ImagePath::parse_entry(&format!("{folder}\\{name}"))?.path
        } else {
            ImagePath::parse_entry(&given.path)?.path
        };
        let state = match kind {
            LinkKind::Hard => return self.hard_link(volume, &path, target),
            LinkKind::Symbolic => VolumeLink::Symbolic,
            LinkKind::Junction => VolumeLink::Junction,
        };
        let wanted = target.replace('/', "\\");
        if let Some(found) = self.metadata(volume, &path)? {
            let same = found.link.is_some_and(|link| link.kind == state && link.target == wanted);
            if same {
                self.ledger.unchanged += 1;
                return Ok(());
            }
        }
        let is_directory =
            kind == LinkKind::Junction || self.leads_to_folder(volume, &path, target)?;
        self.edit(volume, &path, |volume| volume.create_link(&path, target, state, is_directory))?;
        let junction = kind == LinkKind::Junction;
        let after = State::Link { junction, target: wanted };
        self.ledger.record(Target::Link { volume, path }, State::Absent, after);
        Ok(())
    }

    fn hard_link(&mut self, volume: u32, path: &str, target: &str) -> Result<(), BakeError> {
        let other = self.image_path(target)?;
        let other = ImagePath::parse_entry(&other.path)?.path;
        if self.disk.volume(volume)?.filesystem() == Filesystem::Ntfs {
            let failed = |path: &str| {
                let path = path.to_owned();
                BakeError::Volume { source: VolumeError::NotFound { path: path.clone() }, path }
            };
            let file = self.metadata(volume, &other)?.ok_or_else(|| failed(&other))?;
            let there = self.metadata(volume, path)?;
            if there.is_some_and(|there| there.file_reference == file.file_reference) {
                self.ledger.unchanged += 1;
                return Ok(());
            }
        }
        self.edit(volume, path, |volume| volume.hard_link(&other, path))?;
        let target = Target::Link { volume, path: path.to_owned() };
        self.ledger.record(target, State::Absent, State::HardLink { other });
        Ok(())
    }

    /// Tells whether a symbolic link's target is a folder, as far as it lies on the volume, or is written as one.
    fn leads_to_folder(
        &mut self,
        volume: u32,
        path: &str,
        target: &str,
    ) -> Result<bool, BakeError> {
        if target.ends_with(['\\', '/']) {
            return Ok(true);
        }
        let text = target.replace('/', "\\");
        let drive = matches!(text.as_bytes(), [b'C' | b'c', b':', b'\\', ..]);
        let absolute = if drive {
            text[2..].to_owned()
        } else if text.starts_with(r"\\") || text.contains(':') {
            return Ok(false);
        } else if text.starts_with('\\') {
            text
        } else {
            format!("{}\\{text}", parent(path).unwrap_or_default())
        };
        let mut names: Vec<&str> = Vec::new();
        for name in absolute.split('\\').filter(|name| !name.is_empty() && *name != ".") {
            if name == ".." {
                names.pop();
            } else {
                names.push(name);
            }
        }
        let absolute = format!("\\{}", names.join("\\"));
        let disk = self.disk.volume(volume)?;
        // What is not found, or leads elsewhere, is a file until it is there.
        let Ok(resolved) = disk.resolve(&absolute, &['C']) else { return Ok(false) };
        let found = disk.metadata(&resolved);
        Ok(found.is_ok_and(|found| found.is_some_and(|found| found.is_directory)))
    }
}
