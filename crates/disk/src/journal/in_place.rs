//! Writing the pages of a complete journal to the image, and the way back.

use std::io;

use super::index::Index;
use super::reader::read_page;
use crate::host::{HostFile, read_padded, write_counted};

/// Adjacent pages are written together, up to this many bytes.
const RUN: usize = 1 << 20;

/// Writes the pages in the order of their offsets, then makes the file `length` bytes long if it is shorter.
/// `written` grows by what reached the image, also when it fails.
pub(crate) fn write_in_place(
    journal: &dyn HostFile,
    pages: &Index,
    image: &dyn HostFile,
    length: u64,
    written: &mut u64,
) -> io::Result<()> {
    let mut run: Vec<u8> = Vec::new();
    let mut start = 0;
    for (_, position) in pages.iter() {
        let page = read_page(journal, position)?;
        for (offset, new, _) in page.runs() {
            let adjacent = start + run.len() as u64 == offset && run.len() < RUN;
            if !adjacent {
                write_counted(image, start, &run, written)?;
                run.clear();
            }
            if run.is_empty() {
                start = offset;
            }
            run.extend_from_slice(new);
        }
    }
    write_counted(image, start, &run, written)?;
    if image.len()? < length {
        image.set_len(length)?;
    }
    Ok(())
}

/// Puts back what the first `written` bytes of the pages replaced, and makes that durable. `length` is what the file had
/// before them. Of a write that failed a part may have been done, so the pages of one more are looked at.
pub(crate) fn put_back(
    journal: &dyn HostFile,
    pages: &Index,
    image: &dyn HostFile,
    length: u64,
    written: u64,
) -> io::Result<()> {
    let mut passed = 0_u64;
    for (_, position) in pages.iter() {
        if passed > written.saturating_add(RUN as u64) {
            break;
        }
        let page = read_page(journal, position)?;
        for (offset, new, held) in page.runs() {
            let is_written = passed < written;
            passed += new.len() as u64;
            // What the file did not hold when the page was recorded, it may have held before the pages.
            let present = length.saturating_sub(offset).min(new.len() as u64);
            let mut old = held.to_vec();
            old.resize(present as usize, 0);
            if !is_written {
                // A write of what is there already may need room that is not.
                let mut is = vec![0; old.len()];
                read_padded(image, offset, &mut is)?;
                if is == old {
                    continue;
                }
            }
            write_counted(image, offset, &old, &mut 0)?;
        }
    }
    if image.len()? > length {
        image.set_len(length)?;
    }
    image.sync()
}
