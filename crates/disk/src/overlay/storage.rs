//! An overlay as the format driver's storage.
//!
//! The driver's trait declares its raw reads and writes `unsafe fn`, because the driver alone keeps requests aligned
//! and apart. That contract binds the caller: everything here is safe code, and no unsafe operation is done.
#![expect(unsafe_code, reason = "the trait's signatures say `unsafe fn`; the bodies are safe code")]

use std::io;

use imago::Storage;
use imago::io_buffers::{IoVector, IoVectorMut};
use imago::storage::PreallocateMode;
use imago::storage::drivers::CommonStorageHelper;

use super::Overlay;

impl Storage for Overlay {
    fn size(&self) -> io::Result<u64> {
        Ok(self.length())
    }

    unsafe fn pure_readv(&self, bufv: IoVectorMut<'_>, mut offset: u64) -> io::Result<()> {
        for mut slice in bufv.into_inner() {
            self.read(offset, &mut slice)?;
            offset = offset.checked_add(slice.len() as u64).ok_or(io::ErrorKind::InvalidInput)?;
        }
        Ok(())
    }

    unsafe fn pure_writev(&self, bufv: IoVector<'_>, mut offset: u64) -> io::Result<()> {
        for slice in bufv.into_inner() {
            self.write(offset, &slice, false)?;
            offset = offset.checked_add(slice.len() as u64).ok_or(io::ErrorKind::InvalidInput)?;
        }
        Ok(())
    }

    /// Does nothing: staged pages reach the file in a commit only.
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    /// Does nothing: a commit makes the file durable itself.
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    unsafe fn invalidate_cache(&self) -> io::Result<()> {
        Ok(())
    }

    fn get_storage_helper(&self) -> &CommonStorageHelper {
        self.helper()
    }

    fn resize(&self, new_size: u64, _: PreallocateMode) -> io::Result<()> {
        self.grow(new_size)
    }
}
