//! Reading a value: resident, plain, sparse, compressed; zeros behind its initialised part.

use crate::{
    Error,
    attribute::flag,
    core::Core,
    lznt1,
    run_list::Run,
    stream::{Body, Stream},
};

/// Largest compression unit: 16 clusters of 64 KiB.
const UNIT_MAX: u64 = 1 << 20;

impl Core {
    /// Fills `buf` from a value; the range must lie inside it. The stored form (encryption) is the caller's affair.
    pub(crate) fn read_stream(
        &mut self,
        stream: &Stream,
        offset: u64,
        buf: &mut [u8],
    ) -> Result<(), Error> {
        if buf.is_empty() {
            return Ok(());
        }
        let past = || stream.damaged("range past the end of the value", offset);
        let end = offset
            .checked_add(buf.len() as u64)
            .filter(|end| *end <= stream.size())
            .ok_or_else(past)?;
        match &stream.body {
            Body::Resident(value) => {
                let from = offset as usize;
                buf.copy_from_slice(value.get(from..from + buf.len()).ok_or_else(past)?);
                Ok(())
            }
            Body::Runs { runs, initialized, unit, .. } => {
                let valid = initialized.clamp(&offset, &end) - offset;
                let (stored, zeros) = buf.split_at_mut(valid as usize);
                zeros.fill(0);
                if stored.is_empty() {
                    return Ok(());
                }
                if stream.is_compressed() && *unit > 0 {
                    self.read_units(stream, runs, *unit, offset, stored)
                } else {
                    self.read_runs(runs, offset, stored, stream.route())
                }
            }
        }
    }

    fn read_units(
        &mut self,
        stream: &Stream,
        runs: &[Run],
        unit: u8,
        mut offset: u64,
        mut buf: &mut [u8],
    ) -> Result<(), Error> {
        let unit = self.cluster() << unit;
        if stream.flags & flag::COMPRESSION != 1 || unit > UNIT_MAX {
            let what = "a compression method other than LZNT1";
            return Err(Error::Unsupported { record: stream.base, what });
        }
        while !buf.is_empty() {
            let start = offset - offset % unit;
            let inside = (offset - start) as usize;
            let length = buf.len().min(unit as usize - inside);
            let (part, rest) = buf.split_at_mut(length);
            let whole = self.read_unit(stream, runs, start, unit)?;
            part.copy_from_slice(&whole[inside..inside + length]);
            offset += length as u64;
            buf = rest;
        }
        Ok(())
    }

    /// One compression unit: all clusters there, none there (zeros), or fewer than all (compressed).
    fn read_unit(
        &mut self,
        stream: &Stream,
        runs: &[Run],
        start: u64,
        unit: u64,
    ) -> Result<Vec<u8>, Error> {
        let mut stored = 0;
        while stored < unit {
            let (place, left) = self.place(runs, start + stored, stream.base)?;
            if place.is_none() {
                break;
            }
            stored += left.min(unit - stored);
        }
        let mut bytes = vec![0; stored as usize];
        self.read_runs(runs, start, &mut bytes, stream.route())?;
        if stored == 0 || stored == unit {
            bytes.resize(unit as usize, 0);
            return Ok(bytes);
        }
        let bad = |at| stream.damaged("LZNT1 data", start + at as u64);
        lznt1::decompress(&bytes, unit as usize).map_err(bad)
    }
}
