//! Byte ranges of a run list, found on the volume.

use crate::{
    Error,
    core::Core,
    run_list::{self, Run, Vcn},
};

/// Whether bytes are kept in memory until the end (metadata) or go to the device at once (file contents).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Metadata,
    Contents,
}

impl Core {
    /// The place of the bytes at `offset` of a value, and how many follow it in the same run: `None` is a hole.
    pub(crate) fn place(
        &self,
        runs: &[Run],
        offset: u64,
        record: u64,
    ) -> Result<(Option<u64>, u64), Error> {
        let cluster = self.cluster();
        let vcn = Vcn(offset / cluster);
        let run = run_list::lookup(runs, vcn).ok_or(Error::Damaged {
            structure: "run list",
            record,
            problem: "no run holds a cluster of the value",
            found: vcn.0,
        })?;
        let inside = (vcn.0 - run.vcn.0) * cluster + offset % cluster;
        let left = run.length.saturating_mul(cluster) - inside;
        Ok((run.lcn.map(|lcn| lcn.0 * cluster + inside), left))
    }

    /// Reads bytes of a value by its runs; holes read as zeros.
    pub(crate) fn read_runs(
        &mut self,
        runs: &[Run],
        mut offset: u64,
        mut buf: &mut [u8],
        (route, record): (Route, u64),
    ) -> Result<(), Error> {
        while !buf.is_empty() {
            let (place, left) = self.place(runs, offset, record)?;
            let length = left.min(buf.len() as u64) as usize;
            let (part, rest) = buf.split_at_mut(length);
            match (place, route) {
                (None, _) => part.fill(0),
                (Some(at), Route::Metadata) => self.cache.read(at, part)?,
                (Some(at), Route::Contents) => self.cache.read_through(at, part)?,
            }
            offset += length as u64;
            buf = rest;
        }
        Ok(())
    }

    /// Writes bytes of a value by its runs; none of them may be a hole.
    pub(crate) fn write_runs(
        &mut self,
        runs: &[Run],
        mut offset: u64,
        mut data: &[u8],
        (route, record): (Route, u64),
    ) -> Result<(), Error> {
        while !data.is_empty() {
            let (place, left) = self.place(runs, offset, record)?;
            let at = place.ok_or(Error::StreamForm { record, form: "sparse" })?;
            let (part, rest) = data.split_at(left.min(data.len() as u64) as usize);
            match route {
                Route::Metadata => self.cache.write(at, part)?,
                Route::Contents => self.write_contents(at, part)?,
            }
            offset += part.len() as u64;
            data = rest;
        }
        Ok(())
    }

    /// Zeroes bytes of a value. Holes read as zeros as they are.
    pub(crate) fn zero_runs(
        &mut self,
        runs: &[Run],
        mut offset: u64,
        end: u64,
        route: (Route, u64),
    ) -> Result<(), Error> {
        const ZEROS: &[u8] = &[0; 1 << 16];
        while offset < end {
            let (place, left) = self.place(runs, offset, route.1)?;
            let length = if place.is_some() { left.min(ZEROS.len() as u64) } else { left };
            let length = length.min(end - offset);
            if place.is_some() {
                self.write_runs(runs, offset, &ZEROS[..length as usize], route)?;
            }
            offset += length;
        }
        Ok(())
    }
}
