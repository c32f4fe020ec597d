//! The indexes of `$Extend` that name files: `$R` of `$Reparse`, `$O` of `$ObjId`.
//!
//! Source: linux-ntfs documentation, "$Reparse" and "$ObjId"; Windows-made volumes.

use crate::{
    Error,
    attribute::kind,
    core::Core,
    index::{self, Collation, Entry},
};

const REPARSE: (&str, &str) = (r"$Extend\$Reparse", "$R");
const OBJECT_IDS: (&str, &str) = (r"$Extend\$ObjId", "$O");

impl Core {
    /// Adds a file's reparse point to the volume-wide index of them.
    pub(super) fn note_reparse_point(&mut self, base: u64, tag: u32) -> Result<(), Error> {
        let (path, index) = REPARSE;
        let missing =
            Error::Unsupported { record: base, what: "a link on a volume without $Reparse" };
        let file = self.find(path)?.ok_or(missing)?;
        let entry = Entry::view(&self.reparse_key(base, tag)?, &[])?;
        self.with_index(file.record(), index, |store| {
            index::insert(store, Collation::Ulongs, &entry)
        })
    }

    /// Takes a file's reparse point from the volume-wide index of them.
    pub(crate) fn forget_reparse_point(&mut self, base: u64) -> Result<(), Error> {
        let Some(tag) = self.reparse_tag(base)? else { return Ok(()) };
        let key = self.reparse_key(base, tag)?;
        self.forget_key(REPARSE, &key)
    }

    /// Takes a file's object id from the volume-wide index of them.
    pub(crate) fn forget_object_id(&mut self, base: u64) -> Result<(), Error> {
        let Some(stream) = self.open_stream(base, kind::OBJECT_ID, &[])? else { return Ok(()) };
        let mut key = [0; 16];
        self.read_stream(&stream, 0, &mut key)?;
        self.forget_key(OBJECT_IDS, &key)
    }

    /// A tag, then a file reference.
    fn reparse_key(&mut self, base: u64, tag: u32) -> Result<Vec<u8>, Error> {
        let mut key = tag.to_le_bytes().to_vec();
        key.extend_from_slice(&self.reference(base)?.0.to_le_bytes());
        Ok(key)
    }

    fn forget_key(&mut self, (path, index): (&str, &str), key: &[u8]) -> Result<(), Error> {
        let Some(file) = self.find(path)? else { return Ok(()) };
        self.with_index(file.record(), index, |store| {
            index::remove(store, Collation::Ulongs, key).map(|_| ())
        })
    }
}
