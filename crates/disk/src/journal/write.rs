//! Writing a journal and taking it away.

use std::io;
use std::sync::Arc;

use super::PageWrite;
use super::format::{encode_end, encode_header, encode_record};
use crate::host::folder::JournalPlace;
use crate::host::{HostFile, write_counted};

/// Records are gathered up to this many bytes per write.
const CHUNK: usize = 1 << 20;

/// Writes a complete journal and makes it and its name durable. Returns its length in bytes.
///
/// On failure no journal stands, unless the second value says that it could not be taken away.
pub(crate) fn write(
    place: &JournalPlace,
    before: u64,
    after: u64,
    pages: &[PageWrite],
) -> Result<u64, (io::Error, bool)> {
    let file = place.folder.create(&place.name).map_err(|error| (error, false))?;
    let written = fill(&file, before, after, pages).and_then(|length| {
        file.sync()?; // 1: the records, or step 2 could make an incomplete journal findable as a complete one
        place.folder.sync()?; // 2: the name, or a cut could leave half-written pages and no journal
        Ok(length)
    });
    written.map_err(|error| {
        let emptied = file.set_len(0).is_ok();
        let removed = place.folder.remove(&place.name).is_ok();
        (error, !emptied && !removed)
    })
}

fn fill(file: &Arc<dyn HostFile>, before: u64, after: u64, pages: &[PageWrite]) -> io::Result<u64> {
    let count = pages.len() as u64;
    let mut length = 0;
    let mut sums = Vec::with_capacity(8 * pages.len());
    let mut buffer = encode_header(before, after, count);
    for page in pages {
        encode_record(page, &mut buffer, &mut sums);
        if buffer.len() >= CHUNK {
            write_counted(&**file, length, &buffer, &mut 0)?;
            length += buffer.len() as u64;
            buffer.clear();
        }
    }
    buffer.extend(encode_end(count, &sums));
    write_counted(&**file, length, &buffer, &mut 0)?;
    Ok(length + buffer.len() as u64)
}

/// Removes the journal for good.
pub(crate) fn discard(place: &JournalPlace) -> io::Result<()> {
    place.folder.remove(&place.name)?;
    place.folder.sync()
}
