//! `$DATA` streams.

use ntfs::attribute_value::NtfsAttributeValue;
use ntfs::{NtfsAttributeFlags, NtfsAttributeType, NtfsFile};
use winkiln_disk::Device;

use super::{Cursor, Parts, attribute, record};
use crate::comparison::{Comparison, PIECE, compare_length};
use crate::error::Trouble;

/// Bytes from the start of a non-resident attribute to its initialized size.
/// Source: linux-ntfs documentation, "Attribute Header".
const INITIALIZED_SIZE: u64 = 0x38;

/// Part of a stream that lies in one piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Byte on the volume; `None` where the crate sees a hole.
    pub(super) position: Option<u64>,
    /// Bytes.
    pub(super) length: u64,
}

/// A stream as the crate decodes it.
#[derive(Debug)]
pub(super) struct Stream {
    size: u64,
    initialized: u64,
    flags: NtfsAttributeFlags,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Resident(Vec<u8>),
    NonResident(Vec<Run>),
}

impl Stream {
    /// Decodes the stream with this name of the file whose base record is `file`; `None` when there is none.
    pub(super) fn open(
        parts: &Parts,
        cursor: &mut Cursor,
        file: &NtfsFile<'_>,
        name: &str,
    ) -> Result<Option<Self>, Trouble> {
        const KIND: NtfsAttributeType = NtfsAttributeType::Data;
        let number = file.file_record_number();
        let places = attribute::locate(parts, cursor, file, KIND, name)?;
        let Some(first) = places.first() else { return Ok(None) };
        let mut other = None;
        let held = attribute::holder(parts, cursor, file, *first, &mut other)?;
        let head = attribute::at(held, KIND, *first)?;
        let (size, flags) = (head.value_length(), head.flags());
        if let NtfsAttributeValue::Resident(value) = head.value(cursor)? {
            let body = Body::Resident(value.data().to_vec());
            return Ok(Some(Self { size, initialized: size, flags, body }));
        }
        let within = head.position().value().zip(held.position().value());
        let initialized = match within {
            Some((head, record)) => {
                let field = head.get().saturating_sub(record.get()) + INITIALIZED_SIZE;
                record::field_u64(parts, cursor, held, field)?
            }
            None => None,
        };
        let unknown = || Trouble::Disagrees(format!("file record {number} cannot be read again"));
        let initialized = initialized.ok_or_else(unknown)?;

        let mut runs = Vec::new();
        let mut end = 0;
        for place in places {
            let begin = u64::try_from(place.lowest_vcn).ok();
            let begin = begin.and_then(|vcn| vcn.checked_mul(parts.ntfs.cluster_size().into()));
            if begin != Some(end) {
                return Err(Trouble::Disagrees(format!(
                    "the extents of file record {number} do not meet at byte {end:#x}"
                )));
            }
            let mut other = None;
            let held = attribute::holder(parts, cursor, file, place, &mut other)?;
            let extent = attribute::at(held, KIND, place)?;
            let NtfsAttributeValue::NonResident(value) = extent.value(cursor)? else {
                return Err(Trouble::Disagrees(format!(
                    "file record {number} has a resident extent after a non-resident one"
                )));
            };
            for run in value.data_runs() {
                let run = run?;
                let position = run.data_position().value().map(std::num::NonZero::get);
                runs.push(Run { position, length: run.allocated_size() });
                end = end.checked_add(run.allocated_size()).ok_or_else(unknown)?;
            }
        }
        Ok(Some(Self { size, initialized, flags, body: Body::NonResident(runs) }))
    }

    /// The runs of a non-resident stream.
    pub(super) fn into_runs(self) -> Option<Vec<Run>> {
        match self.body {
            Body::Resident(_) => None,
            Body::NonResident(runs) => Some(runs),
        }
    }

    /// Succeeds when the stream holds exactly what the comparison expects.
    pub(super) fn compare(
        &self,
        device: &dyn Device,
        mut contents: Comparison<'_>,
    ) -> Result<(), Trouble> {
        compare_length(self.size, contents.length())?;
        let runs = match &self.body {
            Body::Resident(bytes) => {
                contents.piece(bytes)?;
                return contents.finish();
            }
            Body::NonResident(runs) => runs,
        };
        for (flag, word) in [
            (NtfsAttributeFlags::COMPRESSED, "compressed"),
            (NtfsAttributeFlags::ENCRYPTED, "encrypted"),
        ] {
            if self.flags.contains(flag) {
                return Err(Trouble::Unasked(format!("the stream is {word}")));
            }
        }
        let may_have_holes = self.flags.contains(NtfsAttributeFlags::SPARSE);
        let written = self.initialized.min(self.size);
        let mut buffer = vec![0; written.min(PIECE as u64) as usize];
        for run in runs {
            if contents.done() == written {
                break;
            }
            if run.position.is_none() && !may_have_holes {
                return Err(Trouble::Unasked("a run at cluster 0 of the volume".into()));
            }
            let mut within = 0;
            let length = run.length.min(written - contents.done());
            while within < length {
                let piece = (length - within).min(PIECE as u64);
                let piece = buffer.get_mut(..piece as usize).unwrap_or_default();
                match run.position {
                    Some(position) => device.read_at(position.saturating_add(within), piece)?,
                    None => piece.fill(0),
                }
                contents.piece(piece)?;
                within += piece.len() as u64;
            }
        }
        if contents.done() < written {
            let end = contents.done();
            return Err(Trouble::Disagrees(format!("the runs end at byte {end:#x}")));
        }
        if written < self.size {
            return Err(Trouble::Unasked(format!(
                "only {written} of {} bytes are initialized",
                self.size
            )));
        }
        contents.finish()
    }
}
