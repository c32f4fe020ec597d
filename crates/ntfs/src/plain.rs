//! Giving a stream its plain form: what NTFS or the overlay filter compressed is unpacked into clusters of its own before it is
//! changed in part, as Windows does with a packed file that is opened for writing.

use std::sync::Arc;

use crate::{
    Error,
    attribute::{flag, kind},
    core::Core,
    run_list::{self, Lcn, Run},
    standard_information::dos,
    stream::{Body, Stream},
    wof,
};

/// Bytes unpacked at a time: a multiple of every compression unit and chunk.
const PIECE: u64 = 1 << 20;

impl Core {
    /// Unpacks a stream that is about to be changed in part, of which the first `keep` bytes matter. A plain one, or one with holes
    /// alone, comes back as it is. A volume without room for the plain form is seen before anything is changed.
    pub(crate) fn unpack_for_change(
        &mut self,
        mut stream: Stream,
        keep: u64,
    ) -> Result<Stream, Error> {
        let overlaid = self.is_overlaid(&stream)?;
        let compressed = stream.is_compressed() && matches!(stream.body, Body::Runs { .. });
        if !overlaid && !compressed {
            return Ok(stream);
        }
        let (base, size) = (stream.base, stream.size().min(keep));
        let (runs, stored, sparse) = if overlaid {
            (self.plain_runs(size)?, size, false)
        } else {
            let Body::Runs { runs, initialized, unit, .. } = &stream.body else {
                return Ok(stream);
            };
            let stored = size.min(*initialized);
            if stream.is_sparse() {
                let runs = Arc::clone(runs);
                (self.runs_with_holes(&runs, *unit, size)?, stored, true)
            } else {
                (self.plain_runs(size)?, stored, false)
            }
        };
        self.unpack_into(&stream, &runs, stored, overlaid)?;
        let unit = match &stream.body {
            Body::Runs { unit, .. } if sparse => *unit,
            _ => 0,
        };
        self.clear_stream(&mut stream)?;
        if sparse {
            stream.flags |= flag::SPARSE;
        }
        if size > 0 {
            let runs = Arc::new(runs);
            stream.body = Body::Runs { runs, size, initialized: stored, unit, packed: sparse };
            self.save_stream(&mut stream)?;
        }
        if overlaid {
            self.drop_overlay(base)?;
            self.unpacked = None;
        }
        self.plain_attributes(base)?;
        let lost = stream.damaged("stream lost", 0);
        self.open_stream(base, kind::DATA, &stream.name)?.ok_or(lost)
    }

    /// Takes clusters for `size` bytes.
    fn plain_runs(&mut self, size: u64) -> Result<Vec<Run>, Error> {
        let mut runs = Vec::new();
        for (lcn, length) in self.allocate(self.geometry.clusters_for(size), None)? {
            run_list::push(&mut runs, Some(lcn), length);
        }
        Ok(runs)
    }

    /// Takes clusters for the units of a compressed value that hold any; the others stay holes.
    fn runs_with_holes(&mut self, old: &[Run], unit: u8, size: u64) -> Result<Vec<Run>, Error> {
        let unit = 1u64 << unit;
        let end = self.geometry.clusters_for(size).next_multiple_of(unit);
        // Parts of the value, whole units each: clusters, and whether there is anything in them.
        let mut parts: Vec<(u64, bool)> = Vec::new();
        let mut add = |from: u64, to: u64, stored: bool| match parts.last_mut() {
            Some((length, last)) if *last == stored => *length += to - from,
            _ if from < to => parts.push((to - from, stored)),
            _ => {}
        };
        let mut done = 0;
        for run in old.iter().filter(|run| run.lcn.is_some()) {
            let from = (run.vcn.0 / unit * unit).clamp(done, end);
            let to = (run.vcn.0 + run.length).next_multiple_of(unit).clamp(from, end);
            add(done, from, false);
            add(from, to, true);
            done = to;
        }
        add(done, end, false);
        let needed = parts.iter().filter(|(_, stored)| *stored).map(|(length, _)| length).sum();
        let mut taken = self.allocate(needed, None)?.into_iter();
        let (mut runs, mut piece) = (Vec::new(), (Lcn(0), 0));
        for (length, stored) in parts {
            if !stored {
                run_list::push(&mut runs, None, length);
                continue;
            }
            let mut left = length;
            while left > 0 {
                if piece.1 == 0 {
                    // As many were taken as the parts need.
                    let Some(next) = taken.next() else { break };
                    piece = next;
                }
                let part = left.min(piece.1);
                run_list::push(&mut runs, Some(piece.0), part);
                piece = (Lcn(piece.0.0 + part), piece.1 - part);
                left -= part;
            }
        }
        Ok(runs)
    }

    /// Copies the first `stored` bytes of a packed stream into new runs; their holes are holes of the stream too.
    fn unpack_into(
        &mut self,
        stream: &Stream,
        runs: &[Run],
        stored: u64,
        overlaid: bool,
    ) -> Result<(), Error> {
        let cluster = self.cluster();
        let mut piece = vec![0; PIECE.min(stored) as usize];
        for run in runs.iter().filter(|run| run.lcn.is_some()) {
            let mut offset = run.vcn.0 * cluster;
            let end = ((run.vcn.0 + run.length) * cluster).min(stored);
            while offset < end {
                // Up to the next border of a piece, so that no unit is unpacked twice.
                let length = (PIECE - offset % PIECE).min(end - offset) as usize;
                let part = &mut piece[..length.min(stored as usize)];
                if overlaid {
                    self.read_overlaid(stream, offset, part)?;
                } else {
                    self.read_stream(stream, offset, part)?;
                }
                self.write_runs(runs, offset, part, stream.route())?;
                offset += part.len() as u64;
            }
        }
        Ok(())
    }

    /// Takes the overlay filter's stream and reparse point from a file, whose contents lie elsewhere or are about to be replaced.
    pub(crate) fn drop_overlay(&mut self, base: u64) -> Result<(), Error> {
        let name: Vec<u16> = wof::STREAM.encode_utf16().collect();
        if let Some(stream) = self.open_stream(base, kind::DATA, &name)? {
            self.remove_stream(stream)?;
        }
        self.drop_reparse_point(base)?;
        self.set_reparse_bit(base, false)
    }

    /// Takes the compressed and sparse bits from a file when none of its streams is so any more.
    pub(crate) fn plain_attributes(&mut self, base: u64) -> Result<(), Error> {
        let places = self.places(base)?;
        let (mut compressed, mut sparse) = (false, false);
        for place in places.iter().filter(|place| place.kind == kind::DATA) {
            let flags = self.extent(base, place)?.flags;
            compressed |= flags & flag::COMPRESSION != 0;
            sparse |= flags & flag::SPARSE != 0;
        }
        let mut information = self.information(base)?;
        let mut attributes = information.attributes();
        for (bit, keep) in [(dos::COMPRESSED, compressed), (dos::SPARSE, sparse)] {
            attributes &= if keep { u32::MAX } else { !bit };
        }
        information.set_attributes(attributes);
        self.set_information(base, &information)
    }
}
