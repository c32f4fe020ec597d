//! Making and removing files and folders.

use super::directory::{self, ATTRIBUTE_DIRECTORY, ENTRIES_MAX, ENTRY, Place};
use super::{FatError, FatVolume, Found, name, short_name};

/// The archive attribute, which a new file has.
const ATTRIBUTE_ARCHIVE: u8 = 0x20;

/// What came of removing a path.
pub(crate) enum Removed {
    /// It is gone.
    Yes,
    /// Nothing stands there.
    Nothing,
    /// It is a folder with something in it.
    NotEmpty,
}

impl FatVolume {
    /// Makes an empty file in an existing folder; the name must be new there. False when there is no such folder.
    pub(crate) fn create_file(&mut self, folder: &[String], name: &str) -> Result<bool, FatError> {
        self.check_writable()?;
        let Some(parent) = self.find_folder(folder)? else { return Ok(false) };
        self.add(parent, name, ATTRIBUTE_ARCHIVE, 0)?;
        Ok(true)
    }

    /// Makes a folder in an existing one; the name must be new there. False when there is no such folder.
    pub(crate) fn create_directory(
        &mut self,
        folder: &[String],
        name: &str,
    ) -> Result<bool, FatError> {
        self.check_writable()?;
        let Some(parent) = self.find_folder(folder)? else { return Ok(false) };
        name::check(name)?;
        let cluster = self.allocate_cleared()?;
        // `..` of a folder in the root names cluster 0 on every width.
        let above = match parent {
            Place::Chain(above) if parent != self.root() => above,
            _ => 0,
        };
        let at = self.geometry.cluster_offset(cluster)?;
        let dot = directory::entry(b".          ", ATTRIBUTE_DIRECTORY, cluster, self.now);
        let dot_dot = directory::entry(b"..         ", ATTRIBUTE_DIRECTORY, above, self.now);
        self.device.write_at(at, &[dot, dot_dot].concat())?;
        self.add(parent, name, ATTRIBUTE_DIRECTORY, cluster)?;
        Ok(true)
    }

    /// Removes a file or an empty folder.
    pub(crate) fn remove(&mut self, path: &[String]) -> Result<Removed, FatError> {
        self.check_writable()?;
        let Some(Found::Entry { parent, node }) = self.find(path)? else {
            return Ok(Removed::Nothing);
        };
        let chain = if node.is_directory() {
            if !self.directory(Place::Chain(node.first_cluster()))?.nodes().is_empty() {
                return Ok(Removed::NotEmpty);
            }
            self.directory_chain(&node)?
        } else {
            self.file_chain(&node)?.to_vec()
        };
        let folder = self.directory(parent)?;
        self.delete_entries(&folder, node.entries.clone())?;
        self.free(&chain)?;
        Ok(Removed::Yes)
    }

    /// Puts an entry, with a long name where the short one does not say it all, into a folder.
    fn add(
        &mut self,
        parent: Place,
        name: &str,
        attributes: u8,
        cluster: u32,
    ) -> Result<(), FatError> {
        name::check(name)?;
        let mut folder = self.directory(parent)?;
        let full = FatError::FolderFull { needed: 1 };
        let (short, whole) = short_name::for_name(name, &folder.short_names()).ok_or(full)?;
        let mut entries = if whole { Vec::new() } else { directory::long_entries(name, &short) };
        entries.push(directory::entry(&short, attributes, cluster, self.now));

        let (first, past_end) = folder.room(entries.len());
        let needed = first + entries.len();
        while needed > folder.count() {
            let clusters = self.geometry.cluster as usize / ENTRY;
            let Some(last) = folder.last.filter(|_| folder.count() + clusters <= ENTRIES_MAX)
            else {
                return Err(FatError::FolderFull { needed: entries.len() });
            };
            let more = self.allocate_cleared()?;
            self.link(last, Some(more))?;
            folder = self.directory(parent)?;
        }
        for (index, raw) in (first..).zip(&entries) {
            self.device.write_at(entry_offset(&folder, index)?, raw)?;
        }
        // Behind the end mark anything may stand; a new one goes behind the new entries.
        if past_end && needed < folder.count() {
            self.device.write_at(entry_offset(&folder, needed)?, &[0])?;
        }
        Ok(())
    }

    /// Takes one cluster and fills it with zeros.
    fn allocate_cleared(&mut self) -> Result<u32, FatError> {
        let taken = self.allocate(1)?;
        let cluster = taken.first().copied().ok_or(FatError::VolumeFull { needed: 1, free: 0 })?;
        self.clear_cluster(cluster)?;
        Ok(cluster)
    }
}

fn entry_offset(folder: &directory::Directory, index: usize) -> Result<u64, FatError> {
    folder.offset(index).ok_or(FatError::Damaged { cluster: 0, problem: "no such entry" })
}
