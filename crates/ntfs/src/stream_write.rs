//! Writing a value: overwriting, growing, cutting, between its resident and its non-resident form.

use std::{ops::Range, sync::Arc};

use crate::{
    Error,
    attribute::{flag, kind},
    core::Core,
    run_list::{self, Lcn, Run, Vcn},
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
        self.check_form(stream)?;
        let route = stream.route();
        let filled = self.fill_holes(stream, offset, end)?;
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
                if end > *initialized || filled.is_some() {
                    *initialized = end.max(*initialized);
                    self.save_stream_part(stream, filled.unwrap_or_default())?;
                }
                Ok(())
            }
        }
    }

    /// Writes to a resident value that stays resident, growing it as needed. False when it is not or would not.
    pub(crate) fn write_resident(
        &mut self,
        stream: &mut Stream,
        offset: u64,
        data: &[u8],
    ) -> Result<bool, Error> {
        if !matches!(stream.body, Body::Resident(_)) {
            return Ok(false);
        }
        self.check_form(stream)?;
        let end = offset.saturating_add(data.len() as u64);
        let most = self.resident_max(stream)?.max(stream.size());
        let Body::Resident(value) = &mut stream.body else { return Ok(false) };
        if end > most {
            return Ok(false);
        }
        if end > value.len() as u64 {
            value.resize(end as usize, 0);
        }
        value[offset as usize..end as usize].copy_from_slice(data);
        self.save_stream(stream)?;
        Ok(true)
    }

    /// Gives clusters to the holes of a sparse value between two offsets, a whole unit at a time, and zeroes them.
    /// Returns the clusters of the value that were filled, from the first to behind the last.
    fn fill_holes(
        &mut self,
        stream: &mut Stream,
        offset: u64,
        end: u64,
    ) -> Result<Option<Range<u64>>, Error> {
        let (route, cluster) = (stream.route(), self.cluster());
        let Body::Runs { runs, unit, .. } = &mut stream.body else { return Ok(None) };
        let unit = 1u64 << *unit;
        let first = offset / cluster / unit * unit;
        let last = end.div_ceil(cluster).next_multiple_of(unit);
        // The runs that the range touches.
        let from = runs.partition_point(|run| run.vcn.0 + run.length <= first);
        let to = runs.partition_point(|run| run.vcn.0 < last);
        if from >= to || runs[from..to].iter().all(|run| run.lcn.is_some()) {
            return Ok(None);
        }
        let start = runs[from].vcn;
        let mut hint = from
            .checked_sub(1)
            .and_then(|before| runs[before].lcn.map(|at| at.0 + runs[before].length));
        let mut whole: Vec<Run> = Vec::new();
        let mut filled = Vec::new();
        for run in &runs[from..to] {
            let (start, stop) = (run.vcn.0, run.vcn.0 + run.length);
            let (from, to) = (first.clamp(start, stop), last.clamp(start, stop));
            if run.lcn.is_some() || from == to {
                run_list::push(&mut whole, run.lcn, run.length);
                hint = run.lcn.map(|at| at.0 + run.length);
                continue;
            }
            run_list::push(&mut whole, None, from - start);
            for (lcn, length) in self.allocate(to - from, hint.map(Lcn))? {
                run_list::push(&mut whole, Some(lcn), length);
                hint = Some(lcn.0 + length);
            }
            run_list::push(&mut whole, None, stop - to);
            filled.push((from, to));
        }
        run_list::replace(Arc::make_mut(runs), from..to, start, whole);
        for (from, to) in &filled {
            self.zero_runs(runs, from * cluster, to * cluster, route)?;
        }
        Ok(filled.first().zip(filled.last()).map(|((from, _), (_, to))| *from..*to))
    }

    /// Refuses a value that cannot be overwritten in its stored form.
    fn check_form(&self, stream: &Stream) -> Result<(), Error> {
        let record = stream.base;
        if stream.is_encrypted() {
            return Err(Error::Encrypted { record });
        }
        match &stream.body {
            Body::Runs { .. } if stream.is_compressed() => {
                Err(Error::StreamForm { record, form: "compressed" })
            }
            _ => Ok(()),
        }
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
        if size == 0 && stream.kind == kind::DATA && record >= crate::mft::FIRST_USER {
            return self.clear_stream(stream);
        }
        self.check_form(stream)?;
        if matches!(stream.body, Body::Resident(_)) && size > self.resident_max(stream)? {
            self.make_non_resident(stream)?;
        }
        let old = stream.clusters();
        match &mut stream.body {
            Body::Resident(value) => value.resize(size as usize, 0),
            Body::Runs { .. } => self.resize_runs(stream, size)?,
        }
        let new = stream.clusters();
        self.save_stream_part(stream, old.min(new).saturating_sub(1)..old.max(new))
    }

    /// Gives the runs of a non-resident value the clusters that `size` bytes need.
    pub(crate) fn resize_runs(&mut self, stream: &mut Stream, new_size: u64) -> Result<(), Error> {
        let clusters = self.geometry.clusters_for(new_size);
        let Body::Runs { runs, size, initialized, unit, .. } = &mut stream.body else {
            return Ok(());
        };
        // Sparse values come in whole units.
        let clusters = clusters.next_multiple_of(1 << *unit);
        let have = run_list::end(runs).0;
        if clusters > have {
            let hint = runs.last().and_then(|run| run.lcn.map(|lcn| Lcn(lcn.0 + run.length)));
            let pieces = self.allocate(clusters - have, hint)?;
            let runs = Arc::make_mut(runs);
            pieces.iter().for_each(|(lcn, length)| run_list::push(runs, Some(*lcn), *length));
        } else if new_size < *size {
            let freed = run_list::truncate(Arc::make_mut(runs), Vcn(clusters));
            self.release(&freed)?;
        }
        *size = new_size;
        *initialized = (*initialized).min(new_size);
        Ok(())
    }

    /// Gives a value new clusters for `size` bytes that are not written yet, and frees the old ones, first only if it must.
    pub(crate) fn allot_stream(&mut self, stream: &mut Stream, size: u64) -> Result<(), Error> {
        if size > SIZE_MAX {
            return Err(Error::TooLarge { size });
        }
        let clusters = self.geometry.clusters_for(size);
        let pieces = match self.allocate(clusters, None) {
            Err(Error::VolumeFull { .. }) => {
                self.clear_stream(stream)?;
                self.allocate(clusters, None)?
            }
            pieces => {
                let pieces = pieces?;
                self.clear_stream(stream)?;
                pieces
            }
        };
        let mut runs = Vec::new();
        for (lcn, length) in pieces {
            run_list::push(&mut runs, Some(lcn), length);
        }
        let runs = Arc::new(runs);
        stream.body = Body::Runs { runs, size, initialized: 0, unit: 0, packed: false };
        self.save_stream(stream)
    }

    /// Makes a value empty and plain: resident, neither compressed nor sparse.
    pub(crate) fn clear_stream(&mut self, stream: &mut Stream) -> Result<(), Error> {
        if let Body::Runs { runs, .. } = &mut stream.body {
            let freed = run_list::truncate(Arc::make_mut(runs), Vcn(0));
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
            Body::Runs { runs: Arc::default(), size: 0, initialized: 0, unit: 0, packed: false };
        self.resize_runs(stream, value.len() as u64)?;
        let route = stream.route();
        if let Body::Runs { runs, initialized, .. } = &mut stream.body {
            self.write_runs(runs, 0, &value, route)?;
            *initialized = value.len() as u64;
        }
        Ok(())
    }
}
