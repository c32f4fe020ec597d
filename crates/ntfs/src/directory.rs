//! Folders: looking names up and listing them through the `$I30` index.

use std::{collections::HashMap, ops::ControlFlow};

use crate::{
    DirectoryEntry, Error, FileReference, FileTime,
    core::Core,
    file_name::{self, FileName, namespace},
    index, mft,
};

/// The name of a folder's index.
pub(crate) const I30: &str = "$I30";

impl Core {
    /// Finds a name in a folder, and the `$FILE_NAME` value that the index holds of it.
    pub(crate) fn lookup(
        &mut self,
        folder: FileReference,
        name: &[u16],
    ) -> Result<Option<(FileReference, FileName)>, Error> {
        self.folder_record(folder)?;
        let sensitive = self.information(folder.record())?.is_case_sensitive();
        let upcase = self.upcase()?;
        let entry = self.with_index(folder.record(), I30, |store| {
            index::find_name(store, &upcase, name, sensitive)
        })?;
        let Some(entry) = entry else { return Ok(None) };
        let damaged = Error::Damaged {
            structure: "$I30 entry",
            record: folder.record(),
            problem: "no $FILE_NAME",
            found: 0,
        };
        let value = FileName::parse(entry.key()).ok_or(damaged)?;
        Ok(Some((entry.reference(), value)))
    }

    /// Checks that a reference names a folder.
    pub(crate) fn folder_record(&mut self, folder: FileReference) -> Result<(), Error> {
        let record = self.base_record(folder)?;
        if record.is_directory() {
            Ok(())
        } else {
            Err(Error::NotADirectory { record: record.number })
        }
    }

    /// Follows a path from the root.
    pub(crate) fn find(&mut self, path: &str) -> Result<Option<FileReference>, Error> {
        let mut at = self.reference(mft::ROOT)?;
        for name in path.split(['\\', '/']).filter(|name| !name.is_empty()) {
            if !self.base_record(at)?.is_directory() {
                return Ok(None);
            }
            let units: Vec<u16> = name.encode_utf16().collect();
            match self.lookup(at, &units)? {
                Some((reference, _)) => at = reference,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// The entries of a folder in index order. The root's own files (`$MFT` and so on) are left out.
    pub(crate) fn list(&mut self, folder: FileReference) -> Result<Vec<DirectoryEntry>, Error> {
        self.folder_record(folder)?;
        let mut entries = Vec::new();
        let mut short = HashMap::new();
        let damaged = Error::Damaged {
            structure: "$I30 entry",
            record: folder.record(),
            problem: "no $FILE_NAME",
            found: 0,
        };
        let mut bad = false;
        self.with_index(folder.record(), I30, |store| {
            index::visit(store, &mut |entry| {
                let Some(value) = FileName::parse(entry.key()) else {
                    bad = true;
                    return Ok(ControlFlow::Break(()));
                };
                let reference = entry.reference();
                let name = String::from_utf16_lossy(&value.name);
                if reference.record() < mft::FIRST_USER {
                    // `$MFT`, `$Extend` and the root's own entry.
                } else if value.namespace == namespace::DOS {
                    short.insert(reference, name);
                } else {
                    let facts = value.duplicated;
                    let is_directory = facts.attributes & file_name::DIRECTORY != 0;
                    entries.push(DirectoryEntry {
                        reference,
                        name,
                        short_name: None,
                        is_directory,
                        size: facts.size,
                        attributes: crate::metadata::public_attributes(
                            facts.attributes,
                            is_directory,
                        ),
                        modified: FileTime(facts.times[1]),
                    });
                }
                Ok(ControlFlow::Continue(()))
            })
        })?;
        if bad {
            return Err(damaged);
        }
        for entry in &mut entries {
            entry.short_name = short.get(&entry.reference).cloned();
        }
        Ok(entries)
    }

    /// Makes an empty folder case-sensitive, or not.
    pub(crate) fn set_case_sensitive(
        &mut self,
        folder: FileReference,
        sensitive: bool,
    ) -> Result<(), Error> {
        self.folder_record(folder)?;
        let base = folder.record();
        self.check_user_file(base)?;
        let mut information = self.information(base)?;
        if information.is_case_sensitive() == sensitive {
            return Ok(());
        }
        if !self.with_index(base, I30, |store| index::is_empty(store))? {
            return Err(Error::NotEmpty { record: base });
        }
        information.set_case_sensitive(sensitive);
        self.set_information(base, &information)?;
        self.stamp(base, false)
    }
}
