//! The write order of a commit, and the way back when a step fails.

use std::io;
use std::path::PathBuf;

use super::IoCounts;
use crate::device::DeviceError;
use crate::host::{HostFile, write_counted};
use crate::image::{Plan, Target};
use crate::journal::{self, PageWrite};

/// Adjacent pages are written together, up to this many bytes.
const RUN: usize = 1 << 20;

/// Why a commit failed, and what that means for the image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The image was opened for reading only. Nothing was written.
    #[error("the image is open for reading only")]
    ReadOnly,
    /// An earlier commit failed.
    #[error("an earlier commit failed: open the image again")]
    Failed,
    /// The image could not be read for comparison. Nothing was written.
    #[error("cannot compare the changes with the image; it is unchanged")]
    Read(#[from] DeviceError),
    /// The changes could not be laid out in the image file. Nothing was written.
    #[error("cannot lay the changes out in the image; it is unchanged")]
    Plan(#[source] io::Error),
    /// The journal could not be written. The image is unchanged.
    #[error("cannot write the journal {}; the image is unchanged", journal.display())]
    Journal {
        /// The journal.
        journal: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The image could not be written. Everything was put back: it is as it was.
    #[error("cannot write the image; it was put back as it was")]
    UndoneWrite(#[source] io::Error),
    /// The image could not be written and not put back. The journal beside it is complete: the next open finishes the commit.
    #[error("cannot write the image; opening it again finishes the commit from {}", journal.display())]
    Unfinished {
        /// The journal.
        journal: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The commit is done, but its journal could not be removed.
    #[error("the image is written, but its journal {} cannot be removed", journal.display())]
    JournalLeft {
        /// The journal.
        journal: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Carries out a plan. A crash between any two steps leaves the old image, or a complete journal beside it.
pub(super) fn commit(target: &Target, plan: &Plan, io: &mut IoCounts) -> Result<(), CommitError> {
    let journal = || target.place.path.clone();
    let (before, after) = (plan.length_before, plan.length_after);

    // 1 and 2: the journal, then its name. From here on the commit can only be finished or undone.
    io.journal_bytes +=
        journal::write(&target.place, before, after, &plan.pages).map_err(|(source, stands)| {
            match stands {
                true => CommitError::Unfinished { journal: journal(), source },
                false => CommitError::Journal { journal: journal(), source },
            }
        })?;
    io.flushes += 2;

    // 3: the pages in place. 4: made durable, or step 5 could take away the only copy.
    let mut written = 0;
    let result =
        write_in_place(&*target.file, plan, &mut written).and_then(|()| target.file.sync());
    io.flushes += 1;
    if let Err(source) = result {
        return Err(match put_back(&*target.file, plan, written) {
            Ok(()) => match journal::discard(&target.place) {
                Ok(()) => CommitError::UndoneWrite(source),
                Err(_) => CommitError::Unfinished { journal: journal(), source },
            },
            Err(_) => CommitError::Unfinished { journal: journal(), source },
        });
    }

    // 5: the journal goes, and its going is made durable.
    journal::discard(&target.place)
        .map_err(|source| CommitError::JournalLeft { journal: journal(), source })?;
    io.flushes += 1;
    Ok(())
}

/// Writes the planned pages in the order of their offsets.
fn write_in_place(file: &dyn HostFile, plan: &Plan, written: &mut u64) -> io::Result<()> {
    let mut run: Vec<u8> = Vec::new();
    let mut start = 0;
    for page in &plan.pages {
        let adjacent = start + run.len() as u64 == page.offset && run.len() < RUN;
        if !adjacent {
            write_counted(file, start, &run, written)?;
            run.clear();
        }
        if run.is_empty() {
            start = page.offset;
        }
        run.extend_from_slice(&page.new);
    }
    write_counted(file, start, &run, written)?;
    if plan.length_after > plan.length_before && file.len()? < plan.length_after {
        file.set_len(plan.length_after)?;
    }
    Ok(())
}

/// Puts back what the first `written` bytes of the plan replaced, and the file's length.
fn put_back(file: &dyn HostFile, plan: &Plan, written: u64) -> io::Result<()> {
    let mut passed = 0;
    for PageWrite { offset, new, old } in &plan.pages {
        if passed >= written {
            break;
        }
        write_counted(file, *offset, old, &mut 0)?;
        passed += new.len() as u64;
    }
    if file.len()? > plan.length_before {
        file.set_len(plan.length_before)?;
    }
    file.sync()
}
