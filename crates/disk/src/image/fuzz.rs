//! For the fuzzers; no part of the interface.

use std::io;

use super::Format;
use super::container::look;
use crate::host::HostFile;

/// A file of these bytes.
#[derive(Debug)]
struct Bytes<'a>(&'a [u8]);

impl HostFile for Bytes<'_> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.0.get(offset..));
        let rest = rest.unwrap_or_default();
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// The other files that a VMDK, or else a VHD, names; `None` for one that is refused.
#[must_use]
pub fn extents(vmdk: bool, file: &[u8]) -> Option<Vec<String>> {
    let format = if vmdk { Format::Vmdk } else { Format::Vhd };
    look(&Bytes(file), format).ok().map(|container| container.extents)
}
