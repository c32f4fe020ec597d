//! `$MFT`: finding, reading, writing, taking, freeing and adding file records.

use std::sync::Arc;

use crate::{
    Error, FileReference,
    attribute::{Form, kind},
    bytes,
    cluster_io::Route,
    core::Core,
    fixup,
    mft_extents::GROWTH_SLACK,
    record::FileRecord,
    run_list::{self, Lcn, Run, Vcn},
    stream::Body,
};

pub(crate) const MFT: u64 = 0;
pub(crate) const MIRROR: u64 = 1;
pub(crate) const LOG_FILE: u64 = 2;
pub(crate) const VOLUME: u64 = 3;
pub(crate) const ATTRIBUTE_DEFINITIONS: u64 = 4;
pub(crate) const ROOT: u64 = 5;
pub(crate) const BITMAP: u64 = 6;
pub(crate) const BOOT: u64 = 7;
pub(crate) const BAD_CLUSTERS: u64 = 8;
pub(crate) const SECURE: u64 = 9;
pub(crate) const UPCASE: u64 = 10;
/// Records below are the file system's own.
pub(crate) const FIRST_USER: u64 = 16;
/// The first record that new files take; those before are kept for extents of `$MFT`.
pub(crate) const FIRST_FREE: u64 = 24;
/// Records added to `$MFT` at a time: a sixteenth of those it has, between these.
const GROW_RECORDS: std::ops::RangeInclusive<u64> = 64..=1024;
/// Bytes of its bitmap looked at first: the next free record is mostly near.
const FIRST_LOOK: u64 = 16;
const META: (Route, u64) = (Route::Metadata, MFT);

impl Core {
    fn record_size(&self) -> u64 {
        self.geometry.record_size.into()
    }

    /// Records that `$MFT` holds.
    pub(crate) fn records(&self) -> u64 {
        self.state.mft_size / self.record_size()
    }

    /// Finds `$MFT` by the boot sector, then by its own records.
    pub(crate) fn open_mft(&mut self) -> Result<(), Error> {
        // Enough of $MFT to read record 0, which tells the rest.
        let clusters = self.geometry.clusters_for(self.record_size());
        let start = Run { vcn: Vcn(0), lcn: Some(self.geometry.mft), length: clusters };
        self.state.mft = vec![start].into();
        self.state.mft_size = self.record_size();
        let damaged =
            |problem, found| Error::Damaged { structure: "$DATA", record: MFT, problem, found };
        let attributes = self.record(MFT)?.attributes()?;
        let first = attributes.into_iter().find(|a| a.kind == kind::DATA && a.name.is_empty());
        let Some(Form::NonResident { pairs, initialized, lowest: 0, .. }) = first.map(|a| a.form)
        else {
            return Err(damaged("missing or resident", 0));
        };
        let bad = |bad: run_list::BadRun| damaged("mapping pairs", bad.at as u64);
        let mut runs = run_list::decode(&pairs, Vcn(0), self.geometry.clusters()).map_err(bad)?;
        self.state.mft = runs.clone().into();
        self.state.mft_size = initialized;
        if let Some((_, mut places)) = self.attribute_list(MFT)? {
            places.retain(|p| p.kind == kind::DATA && p.name.is_empty() && p.lowest != 0);
            places.sort_by_key(|p| p.lowest);
            // Each extent stands in a record that those before it map.
            for place in places {
                let Form::NonResident { pairs, lowest, .. } = self.extent(MFT, &place)?.form else {
                    return Err(damaged("resident extent", place.lowest));
                };
                if lowest != run_list::end(&runs).0 {
                    return Err(damaged("an extent is missing or overlaps", lowest));
                }
                runs.extend(
                    run_list::decode(&pairs, Vcn(lowest), self.geometry.clusters()).map_err(bad)?,
                );
                self.state.mft = runs.clone().into();
            }
        }
        let room = self.check_runs(MFT, &runs)?;
        if initialized > room || runs.iter().any(|run| run.lcn.is_none()) {
            return Err(damaged("sizes do not fit the clusters", initialized));
        }
        let mirror = self.system_stream(MIRROR, kind::DATA, "")?;
        self.state.mirror_size = mirror.size();
        if let Body::Runs { runs, .. } = mirror.body {
            self.state.mirror = runs;
        }
        Ok(())
    }

    fn record_offset(&self, number: u64) -> Result<u64, Error> {
        let past = Error::Damaged {
            structure: "file reference",
            record: number,
            problem: "past the end of $MFT",
            found: self.records(),
        };
        if number < self.records() { Ok(number * self.record_size()) } else { Err(past) }
    }

    fn raw_record(&mut self, number: u64) -> Result<Vec<u8>, Error> {
        let offset = self.record_offset(number)?;
        let mut raw = vec![0; self.geometry.record_size as usize];
        let runs = self.state.mft.clone();
        self.read_runs(&runs, offset, &mut raw, META)?;
        Ok(raw)
    }

    /// Reads a file record, in use or not, to change it.
    pub(crate) fn record(&mut self, number: u64) -> Result<FileRecord, Error> {
        self.shared_record(number).map(|record| record.as_ref().clone())
    }

    /// Reads a file record, in use or not.
    pub(crate) fn shared_record(&mut self, number: u64) -> Result<Arc<FileRecord>, Error> {
        if let Some(record) = self.parsed.record(number) {
            return Ok(record);
        }
        let mut raw = self.raw_record(number)?;
        if bytes::u32_at(&raw, 0) == Some(u32::from_le_bytes(*b"FILE")) {
            fixup::undo(&mut raw, "file record", number)?;
        }
        let record = Arc::new(FileRecord::parse(number, raw)?);
        self.parsed.keep_record(record.clone());
        Ok(record)
    }

    /// Writes a file record. A record that did not change is not written; one that did goes to the page cache when the operation ends.
    pub(crate) fn write_record(&mut self, record: FileRecord) -> Result<(), Error> {
        if self.shared_record(record.number).is_ok_and(|before| *before == record) {
            return Ok(());
        }
        self.record_offset(record.number)?;
        if self.parsed.record_written(record) { Ok(()) } else { self.settle_records() }
    }

    /// Brings the records that the operation wrote to the page cache, and their copies in `$MFTMirr`.
    pub(crate) fn settle_records(&mut self) -> Result<(), Error> {
        for mut shared in self.parsed.take_waiting() {
            let record = Arc::make_mut(&mut shared);
            let number = record.number;
            let offset = self.record_offset(number)?;
            let raw = record.raw_mut();
            fixup::apply(raw, "file record", number)?;
            let runs = self.state.mft.clone();
            self.write_runs(&runs, offset, raw, META)?;
            if offset + raw.len() as u64 <= self.state.mirror_size {
                let mirror = self.state.mirror.clone();
                self.write_runs(&mirror, offset, raw, META)?;
            }
            fixup::undo(raw, "file record", number)?;
            self.parsed.keep_record(shared);
        }
        Ok(())
    }

    /// Takes a free file record, growing `$MFT` when there is none. The record comes back in use and without attributes; the caller
    /// writes it.
    pub(crate) fn take_record(&mut self) -> Result<FileRecord, Error> {
        loop {
            let from = self.state.record_hint.max(FIRST_FREE);
            if let Some(number) = self.find_free_record(from, self.records())?
                && !self.is_last_for_mft(number)?
            {
                self.state.record_hint = number + 1;
                return self.claim_record(number);
            }
            let mut records =
                (self.records() / 16).clamp(*GROW_RECORDS.start(), *GROW_RECORDS.end());
            // One piece is better than many: $MFT's own record has no room for a long run list.
            while records > 1 {
                let clusters = self.geometry.clusters_for(records * self.record_size());
                if self.has_free_run(clusters + GROWTH_SLACK)? {
                    break;
                }
                records /= 4;
            }
            self.grow_mft(records.max(1))?;
        }
    }

    /// Marks a free record in use and empties it. The caller writes it.
    pub(crate) fn claim_record(&mut self, number: u64) -> Result<FileRecord, Error> {
        let old = self.shared_record(number);
        if old.as_ref().is_ok_and(|old| old.in_use()) {
            let problem = "in use, but free in the bitmap";
            return Err(Error::Damaged { structure: "header", record: number, problem, found: 0 });
        }
        let sequence = old.as_ref().map_or(1, |old| old.sequence().max(1));
        self.mark_record(number, true)?;
        let mut record = FileRecord::format(number, self.geometry.record_size as usize, sequence);
        match &old {
            Ok(old) => record.keep_update_sequence(old.bytes()),
            Err(_) => record.keep_update_sequence(&self.raw_record(number)?),
        }
        record.set_flags(true, false);
        Ok(record)
    }

    /// The first free record of those between two numbers, as `$MFT`'s bitmap says.
    pub(crate) fn find_free_record(&mut self, from: u64, end: u64) -> Result<Option<u64>, Error> {
        let bitmap = self.system_stream(MFT, kind::BITMAP, "")?;
        let end = end.min(self.records()).min(bitmap.size().saturating_mul(8));
        let (mut look, mut chunk) = (FIRST_LOOK, [0u8; 4096]);
        let mut at = from / 8;
        while at * 8 < end {
            let length = (end.div_ceil(8) - at).min(look) as usize;
            look = chunk.len() as u64;
            self.read_stream(&bitmap, at, &mut chunk[..length])?;
            for (byte, free) in (at..).zip(&chunk[..length]).filter(|(_, byte)| **byte != 0xff) {
                let free = |n: &u64| free >> (n % 8) & 1 == 0 && (from..end).contains(n);
                if let Some(number) = (byte * 8..byte * 8 + 8).find(free) {
                    return Ok(Some(number));
                }
            }
            at += length as u64;
        }
        Ok(None)
    }

    fn mark_record(&mut self, number: u64, used: bool) -> Result<(), Error> {
        let mut bitmap = self.system_stream(MFT, kind::BITMAP, "")?;
        let mut byte = [0];
        self.read_stream(&bitmap, number / 8, &mut byte)?;
        let bit = 1 << (number % 8);
        byte[0] = if used { byte[0] | bit } else { byte[0] & !bit };
        self.write_stream(&mut bitmap, number / 8, &byte)
    }

    /// Marks a file record free; its sequence number moves on, so that references to it become stale.
    pub(crate) fn free_record(&mut self, number: u64) -> Result<(), Error> {
        let mut record = self.record(number)?;
        let next = record.sequence().wrapping_add(1).max(1);
        record.set_sequence(next);
        record.set_flags(false, false);
        self.write_record(record)?;
        self.mark_record(number, false)?;
        self.state.record_hint = self.state.record_hint.min(number);
        self.state.user_folder = self.state.user_folder.filter(|folder| *folder != number);
        self.parsed.forget_indexes(number);
        Ok(())
    }

    /// Adds formatted free records at the end of `$MFT`.
    fn grow_mft(&mut self, more: u64) -> Result<(), Error> {
        let first = self.records();
        if first >= u64::from(u32::MAX) {
            return Err(Error::TooLarge { size: self.state.mft_size });
        }
        let step = more * self.record_size();
        let target = (first * self.record_size() + step)
            .next_multiple_of(self.cluster().max(self.record_size()));
        let records = target / self.record_size();
        let mut bitmap = self.system_stream(MFT, kind::BITMAP, "")?;
        let bits = records.div_ceil(64) * 8;
        if bits > bitmap.size() {
            let old = bitmap.size();
            self.resize_stream(&mut bitmap, bits)?;
            self.write_stream(&mut bitmap, old, &vec![0; (bits - old) as usize])?;
        }
        let mut mft = self.system_stream(MFT, kind::DATA, "")?;
        let old_size = mft.size();
        self.resize_stream(&mut mft, target.max(old_size))?;
        let Body::Runs { runs, .. } = &mft.body else { return Err(mft.damaged("resident", 0)) };
        self.state.mft = runs.clone();
        let mut raw_records = Vec::with_capacity((target - first * self.record_size()) as usize);
        for number in first..records {
            let mut record = FileRecord::format(number, self.geometry.record_size as usize, 1);
            record.set_flags(false, false);
            fixup::apply(record.raw_mut(), "file record", number)?;
            raw_records.extend_from_slice(record.bytes());
        }
        self.write_stream(&mut mft, first * self.record_size(), &raw_records)?;
        self.state.mft_size = records * self.record_size();
        Ok(())
    }

    /// A cluster behind `$MFT`, where it would grow next.
    pub(crate) fn mft_end(&self) -> Option<Lcn> {
        let last = self.state.mft.last()?;
        last.lcn.map(|lcn| Lcn(lcn.0 + last.length))
    }

    /// The reference of a record as it is now.
    pub(crate) fn reference(&mut self, number: u64) -> Result<FileReference, Error> {
        Ok(self.shared_record(number)?.reference())
    }
}
