//! `$Secure` and older places of security descriptors.

use crate::{
    Error,
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

    /// The security id of what is created in a folder.
    pub(crate) fn inherited_security(
        &mut self,
        folder: u64,
        is_directory: bool,
    ) -> Result<u32, Error> {
        let id = self.information(folder)?.security_id();
        if let (Some(id), Some(known)) = (id, self.state.inherited)
            && (known.0, known.1) == (id, is_directory)
        {
            return Ok(known.2);
        }
        let missing =
            Error::Unsupported { record: folder, what: "a folder without a security descriptor" };
        let parent = self.descriptor(folder)?.ok_or(missing)?;
        let descriptor = security::inherit(&parent, is_directory)?;
        let security = security::find_or_add(&mut Secure(self), &descriptor)?;
        self.state.inherited = id.map(|id| (id, is_directory, security));
        Ok(security)
    }
}
