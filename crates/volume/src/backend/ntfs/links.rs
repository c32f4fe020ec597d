//! Links and security of an NTFS volume.

use winkiln_ntfs as ntfs;

use super::{NtfsBackend, Result, about};
use crate::path::VolumePath;
use crate::{Link, LinkKind, VolumeError};

impl NtfsBackend {
    /// Where a file leads, when it is a link. One that is damaged is none here: its tag tells.
    pub(super) fn link(&self, file: ntfs::FileReference) -> Option<Link> {
        let Ok(Some(ntfs::ReparsePoint::Link(link))) = self.0.reparse_point(file) else {
            return None;
        };
        let kind = match link.kind {
            ntfs::LinkKind::Junction => LinkKind::Junction,
            ntfs::LinkKind::Symbolic { .. } => LinkKind::Symbolic,
        };
        Some(Link { kind, target: link.target().to_owned() })
    }

    pub(crate) fn resolve(&self, path: &VolumePath, drives: &[char]) -> Result<String> {
        let joined = path.components.join("\\");
        let found = self.0.resolve(&joined, drives, true).map_err(|error| about(error, path))?;
        let stream = path.stream.as_ref().map(|stream| format!(":{stream}")).unwrap_or_default();
        Ok(format!("\\{}{stream}", found.names.join("\\")))
    }

    pub(crate) fn hard_link(&mut self, target: &VolumePath, path: &VolumePath) -> Result<()> {
        let file = self.existing(target)?;
        if self.0.metadata(file)?.is_directory {
            return Err(VolumeError::IsADirectory { path: target.given.clone() });
        }
        let (folder, name) = self.new_place(path)?;
        self.0.link(file, folder, name).map_err(|error| about(error, path))
    }

    pub(crate) fn create_link(
        &mut self,
        path: &VolumePath,
        target: &str,
        kind: LinkKind,
        is_directory: bool,
    ) -> Result<()> {
        let reason = match kind {
            LinkKind::Junction => {
                "a junction leads to a folder with its drive letter, such as C:\\x"
            }
            LinkKind::Symbolic => "no link can lead there",
        };
        let unfit = || VolumeError::BadPath { path: target.to_owned(), reason };
        let link = ntfs::Link::to(target, kind == LinkKind::Junction).ok_or_else(unfit)?;
        let (folder, name) = self.new_place(path)?;
        self.0
            .create_link(folder, name, &link, is_directory)
            .map_err(|error| about(error, path))?;
        Ok(())
    }

    pub(crate) fn set_security(&mut self, path: &VolumePath, descriptor: &[u8]) -> Result<()> {
        let (file, folder) = self.placed(path)?;
        self.0.set_security(file, folder, descriptor).map_err(|error| about(error, path))
    }

    pub(crate) fn set_security_below(
        &mut self,
        path: &VolumePath,
        descriptor: &[u8],
    ) -> Result<u64> {
        let (file, folder) = self.placed(path)?;
        self.0.set_security_below(file, folder, descriptor).map_err(|error| about(error, path))
    }

    /// A file or folder and the folder it lies in, which the root does not.
    fn placed(
        &self,
        path: &VolumePath,
    ) -> Result<(ntfs::FileReference, Option<ntfs::FileReference>)> {
        let file = self.existing(path)?;
        let folder = path.split().map(|(folder, _)| self.folder(folder)).transpose()?;
        Ok((file, folder))
    }

    pub(crate) fn allows_short_names(&self) -> Result<bool> {
        Ok(self.0.allows_short_names()?)
    }

    pub(crate) fn set_short_names(&mut self, on: bool) {
        self.0.set_short_names(on);
    }
}
