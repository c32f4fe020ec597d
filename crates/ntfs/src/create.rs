//! Creating files and folders.

use crate::{
    Error, FileReference,
    attribute::{Attribute, kind},
    bytes,
    core::Core,
    directory::I30,
    file_name::{self, Duplicated, FileName, namespace},
    index::{self, Collation, Entry},
    short_name,
    standard_information::{StandardInformation, dos},
};

/// What a new file or folder is to be.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct New<'a> {
    pub(crate) attributes: u32,
    pub(crate) is_directory: bool,
    /// A self-relative descriptor; the parts that it leaves out are inherited.
    pub(crate) security: Option<&'a [u8]>,
    /// What a file holds.
    pub(crate) contents: &'a [u8],
}

impl Core {
    /// Creates a file or an empty folder.
    pub(crate) fn create(
        &mut self,
        folder: FileReference,
        name: &str,
        new: New<'_>,
    ) -> Result<FileReference, Error> {
        let units = file_name::check_name(name)?;
        self.folder_for_change(folder)?;
        if self.lookup(folder, &units)?.is_some() {
            return Err(Error::AlreadyExists { name: name.to_owned() });
        }
        let parent = self.reference(folder.record())?;
        let security = self.new_security(parent.record(), new.is_directory, new.security)?;
        let now = self.now.0;
        let attributes = new.attributes & dos::SETTABLE;
        let mut record = self.take_record()?;
        let reference = record.reference();
        let kind_bit = if new.is_directory { file_name::DIRECTORY } else { 0 };
        let mut facts = Duplicated {
            times: [now; 4],
            allocated: 0,
            size: 0,
            attributes: attributes | kind_bit,
            tag: 0,
        };
        let mut information = StandardInformation::new(now, attributes, security);
        let sensitive = self.information(parent.record())?.is_case_sensitive();
        if sensitive && new.is_directory {
            information.set_case_sensitive(true);
        }
        let upcase = self.upcase()?;
        record.set_flags(true, new.is_directory);
        let standard =
            Attribute::resident(kind::STANDARD_INFORMATION, &[], information.bytes().to_vec());
        record.insert(&standard, &upcase)?;
        let mut values = Vec::new();
        for (namespace, units) in self.new_names(parent, name, units)? {
            let value = FileName { parent, duplicated: facts, namespace, name: units }.to_bytes();
            record.insert(&Attribute::resident(kind::FILE_NAME, &[], value.clone()), &upcase)?;
            values.push(value);
        }
        record.set_links(values.len() as u16);
        let data = Attribute::resident(kind::DATA, &[], Vec::new());
        let fits = data.length() + bytes::align8(new.contents.len()) <= record.room();
        let last = if new.is_directory {
            let name: Vec<u16> = I30.encode_utf16().collect();
            Attribute::resident(kind::INDEX_ROOT, &name, self.new_root(parent.record())?)
        } else if fits {
            // The folder tells the size, as after writing; the file's own name keeps that of its creation.
            facts.size = new.contents.len() as u64;
            facts.allocated = bytes::align8(new.contents.len()) as u64;
            Attribute::resident(kind::DATA, &[], new.contents.to_vec())
        } else {
            data
        };
        record.insert(&last, &upcase)?;
        self.write_record(record)?;
        for mut value in values {
            facts.put(&mut value);
            let entry = Entry::file_name(reference, &value)?;
            self.with_index(parent.record(), I30, |store| {
                index::insert(store, Collation::FileName(&upcase), &entry)
            })?;
        }
        self.stamp(parent.record(), true)?;
        if !fits && !new.is_directory {
            self.write_data(reference, "", 0, new.contents)?;
        }
        Ok(reference)
    }

    /// The names that a name which is new in a folder stands for: its 8.3 name, where there is to be one, and itself.
    ///
    /// Where Windows makes no 8.3 names it calls all names POSIX's; so it does in a case-sensitive folder.
    ///
    /// Source: volumes that Windows 10 and Server 2003 made.
    pub(crate) fn new_names(
        &mut self,
        folder: FileReference,
        name: &str,
        units: Vec<u16>,
    ) -> Result<Vec<(u8, Vec<u16>)>, Error> {
        let sensitive = self.information(folder.record())?.is_case_sensitive();
        if !self.short_names || sensitive {
            return Ok(vec![(namespace::POSIX, units)]);
        }
        if file_name::fits_dos(name) {
            return Ok(vec![(namespace::WIN32_AND_DOS, units)]);
        }
        for short in short_name::candidates(name) {
            let short: Vec<u16> = short.encode_utf16().collect();
            if self.lookup(folder, &short)?.is_none() {
                return Ok(vec![(namespace::DOS, short), (namespace::WIN32, units)]);
            }
        }
        Ok(vec![(namespace::POSIX, units)])
    }

    /// The value of an empty folder's `$INDEX_ROOT`.
    fn new_root(&mut self, like: u64) -> Result<Vec<u8>, Error> {
        let upcase = self.upcase()?;
        let block = self.geometry.index_block_size;
        let cluster = self.geometry.cluster_size;
        let unit = if cluster > block { 512 } else { cluster };
        let root =
            index::new_root(index::FILE_NAME_TYPE, Collation::FileName(&upcase), block, unit)?;
        if bytes::u32_at(&root, 8) == Some(block) {
            Ok(root)
        } else {
            Err(Error::Unsupported { record: like, what: "the volume's size of index blocks" })
        }
    }

    /// Checks that a folder may get and lose names.
    pub(crate) fn folder_for_change(&mut self, folder: FileReference) -> Result<(), Error> {
        self.folder_record(folder)?;
        let base = folder.record();
        if base != crate::mft::ROOT {
            self.check_user_file(base)?;
        }
        Ok(())
    }
}
