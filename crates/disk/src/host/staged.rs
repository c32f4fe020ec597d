//! A host file whose writes are kept in memory, for the format driver to work on.
//!
//! The qcow2 driver changes tables and refcounts as it writes. Here all of that collects in pages above the
//! untouched file, so that a commit can journal it like any other page and a crash leaves old or new metadata.

use std::fmt::{self, Display};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imago::storage::drivers::CommonStorageHelper;

use super::pages::Pages;
use super::{HostFile, read_padded};

/// A shared handle on a staged file; what the format driver reads and writes.
#[derive(Debug, Clone)]
pub(crate) struct Staged(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Arc<dyn HostFile>,
    name: String,
    state: Mutex<State>,
    helper: CommonStorageHelper,
}

#[derive(Debug)]
struct State {
    pages: Pages,
    length: u64,
}

impl Staged {
    pub(crate) fn new(file: Arc<dyn HostFile>, name: String) -> io::Result<Self> {
        let state = State { pages: Pages::default(), length: file.len()? };
        let helper = CommonStorageHelper::default();
        Ok(Self(Arc::new(Inner { file, name, state: Mutex::new(state), helper })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file below, which holds none of the staged pages yet.
    pub(crate) fn file(&self) -> &dyn HostFile {
        &*self.0.file
    }

    /// Copies the staged pages (with the offset of each) and the length the file is to have.
    pub(crate) fn collect(&self) -> (Vec<(u64, Vec<u8>)>, u64) {
        let state = self.state();
        let pages = state.pages.iter().map(|(offset, page)| (offset, page.to_vec())).collect();
        (pages, state.length)
    }

    pub(super) fn length(&self) -> u64 {
        self.state().length
    }

    pub(super) fn helper(&self) -> &CommonStorageHelper {
        &self.0.helper
    }

    /// Fills `buf` from `offset`; zeros past the end.
    pub(crate) fn read(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.state().pages.read(offset, buf, |at, buf| read_padded(&*self.0.file, at, buf))
    }

    /// Stages `data` at `offset`, which may make the file longer.
    pub(super) fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let end = offset.checked_add(data.len() as u64).ok_or(io::ErrorKind::InvalidInput)?;
        let mut state = self.state();
        let length = state.length;
        let below = |at, buf: &mut [u8]| read_padded(&*self.0.file, at, buf);
        state.pages.write(offset, data, length, below)?;
        state.length = length.max(end);
        Ok(())
    }

    /// Makes the file longer; it is never made shorter.
    pub(super) fn grow(&self, length: u64) -> io::Result<()> {
        let mut state = self.state();
        if length < state.length {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "images are never made shorter",
            ));
        }
        state.length = length;
        Ok(())
    }

    /// Forgets the staged pages: the file below now holds them.
    pub(crate) fn settle(&self) {
        self.state().pages.clear();
    }
}

impl Display for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name)
    }
}
