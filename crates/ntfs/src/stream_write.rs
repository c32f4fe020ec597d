//! Writing a value: overwriting, growing, cutting, between its resident and its non-resident form.

use crate::{
    Error,
    attribute::{flag, kind},
    core::Core,
    run_list::{self, Lcn, Vcn},
    stream::{Body, Stream},
};

/// The longest value: the format counts clusters and bytes in signed numbers.
const SIZE_MAX: u64 = 1 << 60;

impl Core {
    /// Overwrites bytes inside a value.
    pub(crate) fn write_stream(
        &mut self,
        stream: &mut Stream,
        offset: u64,
        data: &[u8],
    ) -> Result<(), Error> {
        let end = offset.saturating_add(data.len() as u64);
        if end > stream.size() {
            return Err(stream.damaged("range past the end of the value", offset));
        }
        if data.is_empty() {
            return Ok(());
        }
        self.check_form(stream, offset, end)?;
        let route = stream.route();
        match &mut stream.body {
            Body::Resident(value) => {
                value[offset as usize..end as usize].copy_from_slice(data);
                self.save_stream(stream)
            }
            Body::Runs { runs, initialized, .. } => {
                if offset > *initialized {
                    self.zero_runs(runs, *initialized, offset, route)?;
                }
                self.write_runs(runs, offset, data, route)?;
                if end > *initialized {
                    *initialized = end;
                    self.save_stream(stream)?;
                }
                Ok(())
            }
        }
    }

    /// Refuses a range that cannot be overwritten in its stored form.
    fn check_form(&self, stream: &Stream, offset: u64, end: u64) -> Result<(), Error> {
        let record = stream.base;
        if stream.is_encrypted() {
            return Err(Error::Encrypted { record });
        }
        let Body::Runs { runs, initialized, .. } = &stream.body else { return Ok(()) };
        if stream.is_compressed() {
            return Err(Error::StreamForm { record, form: "compressed" });
        }
        let first = run_list::lookup(runs, Vcn(offset.min(*initialized) / self.cluster()));
        let hole = runs.iter().filter(|run| run.lcn.is_none()).any(|run| {
            let start = run.vcn.0.saturating_mul(self.cluster());
            let stop = (run.vcn.0 + run.length).saturating_mul(self.cluster());
            start < end && stop > offset.min(*initialized)
        });
        if hole || (first.is_none() && !runs.is_empty() && end > offset) {
            return Err(Error::StreamForm { record, form: "sparse" });
        }
        Ok(())
    }

    /// Changes a value's length. What is added reads as zeros.
    pub(crate) fn resize_stream(&mut self, stream: &mut Stream, size: u64) -> Result<(), Error> {
        if size > SIZE_MAX {
            return Err(Error::TooLarge { size });
        }
        if size == stream.size() {
            return Ok(());
        }
        let record = stream.base;
        let plain = !stream.is_compressed() && !stream.is_sparse();
        if size == 0 && stream.kind == kind::DATA && record >= crate::mft::FIRST_USER {
            return self.clear_stream(stream);
        }
        if stream.is_encrypted() {
            return Err(Error::Encrypted { record });
        }
        if !plain && !matches!(stream.body, Body::Resident(_)) {
            let form = if stream.is_compressed() { "compressed" } else { "sparse" };
            return Err(Error::StreamForm { record, form });
        }
        if matches!(stream.body, Body::Resident(_)) && size > self.resident_max(stream)? {
            self.make_non_resident(stream)?;
        }
        match &mut stream.body {
            Body::Resident(value) => value.resize(size as usize, 0),
            Body::Runs { .. } => self.resize_runs(stream, size)?,
        }
        self.save_stream(stream)
    }

    /// Gives the runs of a non-resident value the clusters that `size` bytes need.
    pub(crate) fn resize_runs(&mut self, stream: &mut Stream, new_size: u64) -> Result<(), Error> {
        let clusters = self.geometry.clusters_for(new_size);
        let Body::Runs { runs, size, initialized, .. } = &mut stream.body else { return Ok(()) };
        let have = run_list::end(runs).0;
        if clusters > have {
            let hint = runs.last().and_then(|run| run.lcn.map(|lcn| Lcn(lcn.0 + run.length)));
            for (lcn, length) in self.allocate(clusters - have, hint)? {
                run_list::push(runs, Some(lcn), length);
            }
        } else if new_size < *size {
            let freed = run_list::truncate(runs, Vcn(clusters));
            self.release(&freed)?;
        }
        *size = new_size;
        *initialized = (*initialized).min(new_size);
        Ok(())
    }

    /// Makes a value empty and plain: resident, neither compressed nor sparse.
    pub(crate) fn clear_stream(&mut self, stream: &mut Stream) -> Result<(), Error> {
        if let Body::Runs { runs, .. } = &mut stream.body {
            let freed = run_list::truncate(runs, Vcn(0));
            self.release(&freed)?;
        }
        stream.body = Body::Resident(Vec::new());
        stream.flags &= !(flag::COMPRESSION | flag::SPARSE | flag::ENCRYPTED);
        self.save_stream(stream)
    }

    /// Moves a resident value into clusters. The caller saves the stream.
    pub(crate) fn make_non_resident(&mut self, stream: &mut Stream) -> Result<(), Error> {
        let Body::Resident(value) = &stream.body else { return Ok(()) };
        let value = value.clone();
        if stream.is_compressed() || stream.is_sparse() {
            stream.flags &= !(flag::COMPRESSION | flag::SPARSE);
        }
        stream.body =
            Body::Runs { runs: Vec::new(), size: 0, initialized: 0, unit: 0, packed: false };
        self.resize_runs(stream, value.len() as u64)?;
        let route = stream.route();
        if let Body::Runs { runs, initialized, .. } = &mut stream.body {
            self.write_runs(runs, 0, &value, route)?;
            *initialized = value.len() as u64;
        }
        Ok(())
    }
}
