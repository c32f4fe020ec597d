//! Creating files and folders.

use crate::{
    Error, FileReference,
    attribute::{Attribute, kind},
    bytes,
    core::Core,
    directory::I30,
    file_name::{self, Duplicated, FileName},
    index::{self, Collation, Entry},
    standard_information::{StandardInformation, dos},
};

impl Core {
    /// Creates an empty file or folder with inherited security.
    pub(crate) fn create(
        &mut self,
        folder: FileReference,
        name: &str,
        attributes: u32,
        is_directory: bool,
    ) -> Result<FileReference, Error> {
        let units = file_name::check_name(name)?;
        self.folder_for_change(folder)?;
        if self.lookup(folder, &units)?.is_some() {
            return Err(Error::AlreadyExists { name: name.to_owned() });
        }
        let parent = self.reference(folder.record())?;
        let security = self.inherited_security(parent.record(), is_directory)?;
        let now = self.now.0;
        let attributes = attributes & dos::SETTABLE;
        let mut record = self.take_record()?;
        let reference = record.reference();
        let kind_bit = if is_directory { file_name::DIRECTORY } else { 0 };
        let facts = Duplicated {
            times: [now; 4],
            allocated: 0,
            size: 0,
            attributes: attributes | kind_bit,
            tag: 0,
        };
        let namespace = file_name::namespace_of(name);
        let value = FileName { parent, duplicated: facts, namespace, name: units }.to_bytes();
        let information = StandardInformation::new(now, attributes, security);
        let upcase = self.upcase()?;
        record.set_flags(true, is_directory);
        record.set_links(1);
        let standard =
            Attribute::resident(kind::STANDARD_INFORMATION, &[], information.bytes().to_vec());
        record.insert(&standard, &upcase)?;
        record.insert(&Attribute::resident(kind::FILE_NAME, &[], value.clone()), &upcase)?;
        let last = if is_directory {
            let name: Vec<u16> = I30.encode_utf16().collect();
            Attribute::resident(kind::INDEX_ROOT, &name, self.new_root(parent.record())?)
        } else {
            Attribute::resident(kind::DATA, &[], Vec::new())
        };
        record.insert(&last, &upcase)?;
        self.write_record(&record)?;
        let entry = Entry::file_name(reference, &value)?;
        self.with_index(parent.record(), I30, |store| {
            index::insert(store, Collation::FileName(&upcase), &entry)
        })?;
        self.stamp(parent.record(), true)?;
        Ok(reference)
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
        if self.information(base)?.is_case_sensitive() {
            return Err(Error::CaseSensitive { record: base });
        }
        Ok(())
    }
}
