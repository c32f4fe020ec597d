//! Descriptors by id, and ids by descriptor.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::sds::{self, Header};
use super::{SecureFile, SecureIndex, SecurityError};
use crate::Error;
use crate::index::{self, Collation, Entry, EntryView, IndexStore};

/// The lowest id that Windows gives.
const FIRST_ID: u32 = 0x100;
/// What Windows leaves behind the data of an entry of `$SDH`.
const HASH_ENTRY_PADDING: &[u8; 4] = b"I\0I\0";

/// The self-relative descriptor with this id.
/// # Errors
/// [`SecurityError::NoSuchId`], [`SecurityError::Store`], [`SecurityError::IndexEntry`], and the index's.
pub fn lookup(file: &mut dyn SecureFile, id: u32) -> Result<Vec<u8>, Error> {
    let entry = with_index(file, SecureIndex::Sii, |store| {
        index::find(store, Collation::Ulong, &id.to_le_bytes())
    })?;
    let entry = entry.ok_or(SecurityError::NoSuchId { id })?;
    let header = header_of(entry.as_view(), "$SII")?;
    sds::read(file, header)
}

/// The id of a self-relative descriptor, which is added when the volume has none of exactly these bytes.
/// # Errors
/// [`SecurityError::Descriptor`] when the bytes are none, [`SecurityError::IndexEntry`], [`SecurityError::NoIdLeft`], and the index's.
pub fn find_or_add(file: &mut dyn SecureFile, descriptor: &[u8]) -> Result<u32, Error> {
    winkiln_security::validate(descriptor)?;
    let hash = sds::hash(descriptor);
    for header in with_hash(file, hash)? {
        match sds::read(file, header) {
            Ok(there) if there == descriptor => return Ok(header.id),
            // What is damaged is not what is looked for.
            Ok(_) | Err(Error::Security(SecurityError::Store { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    let last = with_index(file, SecureIndex::Sii, |store| index::last(store))?;
    let last = last.map(|entry| header_of(entry.as_view(), "$SII")).transpose()?;
    let id = match last {
        Some(last) => last.id.checked_add(1).ok_or(SecurityError::NoIdLeft)?.max(FIRST_ID),
        None => FIRST_ID,
    };
    let header = sds::append(file, last, id, descriptor)?;
    let (hash, id_bytes, data) = (hash.to_le_bytes(), id.to_le_bytes(), header.to_bytes());
    let by_id = Entry::view(&id_bytes, &data)?;
    let by_hash = Entry::view(&[hash, id_bytes].concat(), &data)?.with_padding(HASH_ENTRY_PADDING);
    with_index(file, SecureIndex::Sii, |store| index::insert(store, Collation::Ulong, &by_id))?;
    with_index(file, SecureIndex::Sdh, |store| {
        index::insert(store, Collation::SecurityHash, &by_hash)
    })?;
    Ok(id)
}

/// All descriptors with this hash.
fn with_hash(file: &mut dyn SecureFile, hash: u32) -> Result<Vec<Header>, Error> {
    let first = [hash.to_le_bytes(), [0; 4]].concat();
    with_index(file, SecureIndex::Sdh, |store| {
        let mut headers = Vec::new();
        index::visit_from(store, Collation::SecurityHash, &first, &mut |entry| {
            let header = header_of(entry, "$SDH")?;
            match header.hash.cmp(&hash) {
                Ordering::Less => {}
                Ordering::Equal => headers.push(header),
                Ordering::Greater => return Ok(ControlFlow::Break(())),
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(headers)
    })
}

/// The place in `$SDS` that an entry of `$SII` or `$SDH` holds.
fn header_of(entry: EntryView<'_>, index: &'static str) -> Result<Header, Error> {
    let header = entry.data().and_then(Header::parse);
    Ok(header.ok_or(SecurityError::IndexEntry { index, key: entry.key().len() })?)
}

/// Runs `work` on an index and hands its result through.
fn with_index<T>(
    file: &mut dyn SecureFile,
    which: SecureIndex,
    work: impl Fn(&mut dyn IndexStore) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut result = None;
    file.with_index(which, &mut |store| {
        result = Some(work(store)?);
        Ok(())
    })?;
    let index = if which == SecureIndex::Sii { "$SII" } else { "$SDH" };
    Ok(result.ok_or(SecurityError::NoIndex { index })?)
}
