//! `$Secure` and older places of security descriptors.

use crate::{
    Error, FileReference,
    attribute::kind,
    core::Core,
    index::IndexStore,
    mft,
    security::{self, SecureFile, SecureIndex},
    stream::Stream,
};

/// Longest security descriptor, in bytes: the limit of `$SDS` entries.
const DESCRIPTOR_MAX: u64 = 0x2_0000;

/// `$Secure` of a volume.
pub(crate) struct Secure<'a>(pub(crate) &'a mut Core);

impl Secure<'_> {
    fn sds(&mut self) -> Result<Stream, Error> {
        self.0.system_stream(mft::SECURE, kind::DATA, "$SDS")
    }
}

impl SecureFile for Secure<'_> {
    fn sds_size(&mut self) -> Result<u64, Error> {
        Ok(self.sds()?.size())
    }

    fn sds_read(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), Error> {
        let stream = self.sds()?;
        self.0.read_stream(&stream, offset, buf)
    }

    fn sds_write(&mut self, offset: u64, data: &[u8]) -> Result<(), Error> {
        let mut stream = self.sds()?;
        let end = offset.saturating_add(data.len() as u64);
        if end > stream.size() {
            self.0.resize_stream(&mut stream, end)?;
        }
        self.0.write_stream(&mut stream, offset, data)
    }

    fn with_index(
        &mut self,
        which: SecureIndex,
        f: &mut dyn FnMut(&mut dyn IndexStore) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let name = match which {
            SecureIndex::Sii => "$SII",
            SecureIndex::Sdh => "$SDH",
        };
        self.0.with_index(mft::SECURE, name, |store| f(store))
    }
}

impl Core {
    /// The security descriptor of a file: by its id in `$Secure`, or in an attribute of its own.
    pub(crate) fn descriptor(&mut self, base: u64) -> Result<Option<Vec<u8>>, Error> {
        if let Some(id) = self.information(base)?.security_id() {
            return security::lookup(&mut Secure(self), id).map(Some);
        }
        let Some(stream) = self.open_stream(base, kind::SECURITY_DESCRIPTOR, &[])? else {
            return Ok(None);
        };
        if stream.size() > DESCRIPTOR_MAX {
            return Err(stream.damaged("security descriptor too long", stream.size()));
        }
        let mut descriptor = vec![0; stream.size() as usize];
        self.read_stream(&stream, 0, &mut descriptor)?;
        Ok(Some(descriptor))
    }

    /// The security id of what is created in a folder: with the parts that are given, and inherited ones.
    pub(crate) fn new_security(
        &mut self,
        folder: u64,
        is_directory: bool,
        given: Option<&[u8]>,
    ) -> Result<u32, Error> {
        self.check_secure(folder)?;
        let id = self.information(folder)?.security_id();
        if let (Some(id), Some(known), None) = (id, self.state.inherited, given)
            && (known.0, known.1) == (id, is_directory)
        {
            return Ok(known.2);
        }
        let missing =
            Error::Unsupported { record: folder, what: "a folder without a security descriptor" };
        let parent = self.descriptor(folder)?.ok_or(missing)?;
        let descriptor = match given {
            Some(given) => security::create(&parent, given, is_directory)?,
            None => security::inherit(&parent, is_directory)?,
        };
        let security = security::find_or_add(&mut Secure(self), &descriptor)?;
        if given.is_none() {
            self.state.inherited = id.map(|id| (id, is_directory, security));
        }
        Ok(security)
    }

    /// Gives a file or folder the parts of a descriptor that are there, with what `folder` passes on; the others stay. What lies in a
    /// folder is not touched. Returns the descriptor before and now.
    pub(crate) fn set_security(
        &mut self,
        file: FileReference,
        folder: Option<FileReference>,
        given: &[u8],
    ) -> Result<(Option<Vec<u8>>, Vec<u8>), Error> {
        let record = self.base_record(file)?;
        let (base, is_directory) = (record.number, record.is_directory());
        if base != mft::ROOT {
            self.check_user_file(base)?;
        }
        self.check_secure(base)?;
        let parent = match folder {
            Some(folder) => {
                self.folder_record(folder)?;
                self.descriptor(folder.record())?
            }
            None => None,
        };
        let old = self.descriptor(base)?;
        // Without any descriptor the given one is all there is.
        let was = old.as_deref().unwrap_or(given);
        let new = security::assign(was, given, parent.as_deref(), is_directory)?;
        self.store_descriptor(base, old.as_deref(), &new)?;
        Ok((old, new))
    }

    /// Gives a record a descriptor in place of `old`; false when it is the same.
    pub(crate) fn store_descriptor(
        &mut self,
        base: u64,
        old: Option<&[u8]>,
        new: &[u8],
    ) -> Result<bool, Error> {
        let mut information = self.information(base)?;
        if old == Some(new) && information.security_id().is_some() {
            return Ok(false);
        }
        let id = security::find_or_add(&mut Secure(self), new)?;
        information.set_security_id(id);
        self.set_information(base, &information)?;
        if let Some(stream) = self.open_stream(base, kind::SECURITY_DESCRIPTOR, &[])? {
            self.remove_stream(stream)?;
        }
        self.stamp(base, false)?;
        Ok(true)
    }

    /// Refuses volumes that keep descriptors with each file alone.
    fn check_secure(&mut self, record: u64) -> Result<(), Error> {
        let name: Vec<u16> = "$SDS".encode_utf16().collect();
        let there = self.shared_stream(mft::SECURE, kind::DATA, &name)?.is_some();
        let what = "the volume's lack of a $Secure file";
        if there { Ok(()) } else { Err(Error::Unsupported { record, what }) }
    }
}
