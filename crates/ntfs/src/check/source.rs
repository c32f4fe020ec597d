//! Bytes of the volume as they lie there, read past everything that is damaged.

use std::sync::Arc;

use winkiln_disk::Device;

use super::record::{self, Record};
use crate::{
    attribute::{Attribute, Form},
    boot_sector::Geometry,
    run_list::{self, Run, Vcn},
};

/// The volume below the check. Reading answers `false` or `None` where the medium fails or nothing lies.
pub(super) struct Source {
    device: Arc<dyn Device>,
    pub(super) geometry: Geometry,
    /// Runs of `$MFT`, as far as they could be told.
    pub(super) mft: Vec<Run>,
    /// File records there are.
    pub(super) records: u64,
}

impl Source {
    pub(super) fn new(device: Arc<dyn Device>, geometry: Geometry) -> Self {
        Self { device, geometry, mft: Vec::new(), records: 0 }
    }

    pub(super) fn device(&self) -> &Arc<dyn Device> {
        &self.device
    }

    pub(super) fn cluster(&self) -> u64 {
        self.geometry.cluster_size.into()
    }

    pub(super) fn record_size(&self) -> u64 {
        self.geometry.record_size.into()
    }

    /// Reads bytes of the volume.
    pub(super) fn read(&self, offset: u64, buf: &mut [u8]) -> bool {
        self.device.read_at(offset, buf).is_ok()
    }

    /// The place of a byte of a value on the volume, and how many follow it in its run; `None` for the place is a hole.
    pub(super) fn place(&self, runs: &[Run], offset: u64) -> Option<(Option<u64>, u64)> {
        let cluster = self.cluster();
        let run = run_list::lookup(runs, Vcn(offset / cluster))?;
        let inside = (offset / cluster - run.vcn.0).checked_mul(cluster)? + offset % cluster;
        let left = run.length.checked_mul(cluster)?.checked_sub(inside)?;
        let at = match run.lcn {
            Some(lcn) => Some(lcn.0.checked_mul(cluster)?.checked_add(inside)?),
            None => None,
        };
        Some((at, left))
    }

    /// Reads bytes of a value by its runs; holes read as zeros.
    pub(super) fn read_value(&self, runs: &[Run], mut offset: u64, mut buf: &mut [u8]) -> bool {
        while !buf.is_empty() {
            let Some((place, left)) = self.place(runs, offset) else { return false };
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
            let (part, rest) = buf.split_at_mut(length);
            match place {
                Some(at) if !self.read(at, part) => return false,
                Some(_) => {}
                None => part.fill(0),
            }
            offset += length as u64;
            buf = rest;
        }
        true
    }

    /// First byte of a file record on the volume.
    pub(super) fn record_offset(&self, number: u64) -> Option<u64> {
        self.place(&self.mft, number.checked_mul(self.record_size())?)?.0
    }

    /// Reads a file record and takes it apart; its problems are not told.
    pub(super) fn record(&self, number: u64) -> Option<Record> {
        if number >= self.records {
            return None;
        }
        let mut raw = vec![0; self.geometry.record_size as usize];
        let whole = self.read_value(&self.mft, number * self.record_size(), &mut raw);
        (whole && raw.starts_with(b"FILE")).then(|| record::parse(number, raw, None))
    }

    /// Decodes mapping pairs wherever they lead.
    pub(super) fn runs(&self, attribute: &Attribute) -> Option<Vec<Run>> {
        match &attribute.form {
            Form::NonResident { pairs, lowest, .. } => {
                run_list::decode(pairs, Vcn(*lowest), self.geometry.clusters()).ok()
            }
            Form::Resident { .. } => None,
        }
    }

    /// The bytes of a value joined from its extents in order, at most `most` of them.
    pub(super) fn value(&self, extents: &[&Attribute], most: u64) -> Option<Vec<u8>> {
        match &extents.first()?.form {
            Form::Resident { value, .. } => Some(value.clone()),
            Form::NonResident { initialized, size, .. } => {
                if *size > most || initialized > size {
                    return None;
                }
                let runs = self.joined(extents)?;
                let mut value = vec![0; usize::try_from(*size).ok()?];
                let valid = usize::try_from(*initialized).ok()?;
                self.read_value(&runs, 0, value.get_mut(..valid)?).then_some(value)
            }
        }
    }

    /// The runs of all extents, which must follow each other.
    pub(super) fn joined(&self, extents: &[&Attribute]) -> Option<Vec<Run>> {
        let mut runs = Vec::new();
        for extent in extents {
            let Form::NonResident { lowest, .. } = extent.form else { return None };
            if lowest != run_list::end(&runs).0 {
                return None;
            }
            runs.extend(self.runs(extent)?);
        }
        Some(runs)
    }
}
