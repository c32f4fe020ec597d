//! Which attribute of a file stands in which record: saving values, making room, extension records, the attribute list.

use std::ops::Range;

use crate::{
    Error,
    attribute::{Attribute, Form, kind},
    attribute_list::ListEntry,
    core::Core,
    extension_records::LIST_EXTENT,
    mft,
    record::Slot,
    run_list::{self, Run, Vcn},
    stream::{Body, Extent, Stream},
};

/// Turns of making room before a save gives up; each moves something out.
const ROOM_TURNS: usize = 12;

impl Stream {
    /// The attribute of one extent: the runs from its first VCN up to `end`.
    pub(crate) fn attribute(&self, index: usize, end: u64, cluster: u64) -> Attribute {
        let extent = self.extents[index];
        let form = match &self.body {
            Body::Resident(value) => Form::Resident {
                value: value.clone(),
                indexed: u8::from(self.kind == kind::FILE_NAME),
            },
            Body::Runs { runs, size, initialized, unit, packed } => {
                let pairs = run_list::encode(&cut(runs, extent.lowest, end));
                let first = extent.lowest == 0;
                Form::NonResident {
                    lowest: extent.lowest,
                    highest: end.wrapping_sub(1),
                    pairs,
                    unit: if first { *unit } else { 0 },
                    allocated: if first { run_list::end(runs).0 * cluster } else { 0 },
                    size: if first { *size } else { 0 },
                    initialized: if first { *initialized } else { 0 },
                    packed: (first && *packed).then(|| self.allocated(cluster)),
                }
            }
        };
        Attribute {
            kind: self.kind,
            name: self.name.clone(),
            flags: self.flags,
            id: extent.id,
            form,
        }
    }
}

/// The part of a run list between two VCNs.
fn cut(runs: &[Run], start: u64, end: u64) -> Vec<Run> {
    let mut part = Vec::new();
    let first = runs.partition_point(|run| run.vcn.0 + run.length <= start);
    for run in runs[first..].iter().take_while(|run| run.vcn.0 < end) {
        let from = run.vcn.0.max(start);
        let to = (run.vcn.0 + run.length).min(end);
        if from < to {
            let lcn = run.lcn.map(|lcn| run_list::Lcn(lcn.0 + from - run.vcn.0));
            part.push(Run { vcn: Vcn(from), lcn, length: to - from });
        }
    }
    part
}

impl Core {
    /// The longest resident value that the stream may have in its record without anything moving out.
    pub(crate) fn resident_max(&mut self, stream: &Stream) -> Result<u64, Error> {
        let Some(extent) = stream.extents.first() else { return Ok(0) };
        let record = self.shared_record(extent.record)?;
        let head = crate::bytes::align8(0x18 + 2 * stream.name.len());
        let have = record.find(stream.kind, extent.id).map_or(0, |slot| slot.length);
        Ok((have + record.room()).saturating_sub(head) as u64)
    }

    /// Writes a value's attributes after a change of its sizes, runs or resident bytes.
    pub(crate) fn save_stream(&mut self, stream: &mut Stream) -> Result<(), Error> {
        self.save_stream_part(stream, 0..u64::MAX)
    }

    /// As [`Core::save_stream`], where no runs changed but those of some clusters.
    pub(crate) fn save_stream_part(
        &mut self,
        stream: &mut Stream,
        changed: Range<u64>,
    ) -> Result<(), Error> {
        let end = stream.clusters();
        // Extents that hold nothing any more.
        while stream.extents.len() > 1
            && stream.extents.last().is_some_and(|extent| extent.lowest >= end)
        {
            if let Some(extent) = stream.extents.pop() {
                self.drop_attribute(stream.base, extent.record, stream.kind, extent.id)?;
            }
        }
        // An extent that overflows adds one behind it.
        let mut index = 0;
        while index < stream.extents.len() {
            let start = stream.extents[index].lowest;
            let stop = stream.extents.get(index + 1).map_or(end, |next| next.lowest);
            let last = index + 1 == stream.extents.len();
            // The first one holds the sizes; a run may have been joined to the one before it.
            if index == 0 || last || (start <= changed.end && changed.start <= stop) {
                self.save_extent(stream, index, stop)?;
            }
            index += 1;
        }
        Ok(())
    }

    fn save_extent(&mut self, stream: &mut Stream, index: usize, end: u64) -> Result<(), Error> {
        let mut needed = 0;
        for _ in 0..ROOM_TURNS {
            let extent = stream.extents[index];
            let attribute = stream.attribute(index, end, self.cluster());
            let mut record = self.record(extent.record)?;
            let Ok(slot) = self.slot(&record, stream, extent) else {
                stream.extents = self.locate(stream)?;
                continue;
            };
            let room = slot.length + record.room();
            if attribute.length() <= room {
                record.replace(slot, &attribute)?;
                return self.write_record(record);
            }
            needed = attribute.length() - room;
            let alone =
                record.slots().iter().filter(|s| s.kind != kind::STANDARD_INFORMATION).count() == 1;
            let runs = matches!(stream.body, Body::Runs { .. });
            if stream.base == mft::MFT && stream.kind == kind::DATA && runs {
                // Its first extent stays in its first record, where $MFT begins.
                let list = self.room_for_list_of_mft()?;
                return self.split_extent(stream, index, end, room.saturating_sub(list));
            }
            if alone && extent.record != stream.base && runs {
                return self.split_extent(stream, index, end, room);
            }
            self.make_room(stream.base, extent.record, needed, slot)?;
            stream.extents = self.locate(stream)?;
        }
        Err(Error::RecordFull { record: stream.base, needed })
    }

    pub(crate) fn slot(
        &self,
        record: &crate::record::FileRecord,
        stream: &Stream,
        extent: Extent,
    ) -> Result<Slot, Error> {
        let lost = || stream.damaged("attribute lost", extent.id.into());
        let slot = record.find(stream.kind, extent.id).ok_or_else(lost)?;
        if record.attribute(slot)?.name == stream.name { Ok(slot) } else { Err(lost()) }
    }

    /// Keeps as many runs in an extent as its record takes and puts the rest in a new extension record.
    pub(crate) fn split_extent(
        &mut self,
        stream: &mut Stream,
        index: usize,
        end: u64,
        room: usize,
    ) -> Result<(), Error> {
        let extent = stream.extents[index];
        let Body::Runs { runs, .. } = &stream.body else { return Ok(()) };
        let borders: Vec<u64> = runs
            .iter()
            .map(|run| run.vcn.0)
            .filter(|vcn| (extent.lowest + 1..end).contains(vcn))
            .collect();
        let cluster = self.cluster();
        let fits = borders
            .partition_point(|border| stream.attribute(index, *border, cluster).length() <= room);
        let full = Error::RecordFull { record: stream.base, needed: room };
        let border = *fits.checked_sub(1).and_then(|at| borders.get(at)).ok_or(full)?;
        let mut record = self.record(extent.record)?;
        let slot = self.slot(&record, stream, extent)?;
        record.replace(slot, &stream.attribute(index, border, cluster))?;
        self.write_record(record)?;
        // An empty extent is added, then filled like any other.
        stream.extents.insert(index + 1, Extent { record: 0, id: 0, lowest: border });
        let mut seed = stream.attribute(index + 1, border, cluster);
        if let Form::NonResident { pairs, .. } = &mut seed.form {
            *pairs = vec![0];
        }
        let (record, id) = self.extension(stream.base, &seed, true)?;
        stream.extents[index + 1] = Extent { record, id, lowest: border };
        let entry = self.list_entry(&seed, record, id)?;
        self.enlist(stream.base, entry)?;
        self.save_extent(stream, index + 1, end)
    }

    /// Finds a stream's extents again after attributes moved.
    fn locate(&mut self, stream: &Stream) -> Result<Vec<Extent>, Error> {
        let mut places = self.places(stream.base)?;
        places.retain(|place| place.kind == stream.kind && place.name == stream.name);
        places.sort_by_key(|place| place.lowest);
        if places.len() != stream.extents.len() {
            return Err(stream.damaged("extents lost", places.len() as u64));
        }
        let extent =
            |p: &ListEntry| Extent { record: p.record.record(), id: p.id, lowest: p.lowest };
        Ok(places.iter().map(extent).collect())
    }

    /// Adds an attribute to a file and returns where it stands.
    pub(crate) fn add_attribute(
        &mut self,
        base: u64,
        attribute: &Attribute,
    ) -> Result<Extent, Error> {
        let none = Slot { offset: 0, length: 0, kind: 0, id: 0 };
        for _ in 0..ROOM_TURNS {
            let mut record = self.record(base)?;
            let upcase = self.upcase()?;
            let listed = self.attribute_list(base)?.is_some();
            let place = if attribute.length() <= record.room() {
                let id = record.insert(attribute, &upcase)?;
                self.write_record(record)?;
                (base, id)
            } else if listed {
                self.extension(base, attribute, false)?
            } else {
                self.make_room(base, base, attribute.length() - record.room(), none)?;
                continue;
            };
            if listed {
                let entry = self.list_entry(attribute, place.0, place.1)?;
                self.edit_list(base, |entries| entries.push(entry))?;
            }
            return Ok(Extent { record: place.0, id: place.1, lowest: 0 });
        }
        Err(Error::RecordFull { record: base, needed: attribute.length() })
    }

    /// Moves one thing out of a record: a resident stream into clusters, or an attribute into an extension record.
    fn make_room(
        &mut self,
        base: u64,
        number: u64,
        needed: usize,
        keep: Slot,
    ) -> Result<(), Error> {
        let full = Error::RecordFull { record: number, needed };
        if base == mft::MFT {
            return self.make_room_of_mft(number, needed, keep);
        }
        let record = self.record(number)?;
        // What moves out first must leave room for the list that leads to it.
        let listed = self.attribute_list(base)?.is_some();
        let least = if listed { 0 } else { LIST_EXTENT.saturating_sub(record.room()) };
        let mut movable = Vec::new();
        for slot in record.slots().iter().copied() {
            if slot.kind == kind::STANDARD_INFORMATION || slot.kind == kind::ATTRIBUTE_LIST {
                continue;
            }
            let attribute = record.attribute(slot)?;
            let other = (slot.kind, slot.id) != (keep.kind, keep.id);
            let resident_data =
                slot.kind == kind::DATA && matches!(attribute.form, Form::Resident { .. });
            if other && resident_data && slot.length >= needed + 0x50 + 2 * attribute.name.len() {
                let part = vec![(number, attribute)];
                let mut stream = self.join(base, part)?;
                self.make_non_resident(&mut stream)?;
                return self.save_stream(&mut stream);
            }
            // Names and index roots stay with the base record as long as anything else can go.
            let rank = match (slot.kind, other) {
                (kind::FILE_NAME, _) => 2,
                (kind::INDEX_ROOT, _) => 3,
                (_, true) => 0,
                (_, false) => 1,
            };
            if slot.length >= least {
                movable.push((rank, std::cmp::Reverse(slot.length), slot));
            }
        }
        movable.sort_by_key(|(rank, length, _)| (*rank, *length));
        let (_, _, slot) = *movable.first().ok_or(full)?;
        self.relocate(base, number, slot)
    }

    /// Tries to make room beside a value without changing it; false when nothing can move out.
    pub(crate) fn spare_room(&mut self, stream: &mut Stream, needed: usize) -> Result<bool, Error> {
        let extent = stream.extents[0];
        let record = self.record(extent.record)?;
        let slot = self.slot(&record, stream, extent)?;
        match self.make_room(stream.base, extent.record, needed, slot) {
            Err(Error::RecordFull { .. }) => Ok(false),
            Err(error) => Err(error),
            Ok(()) => {
                stream.extents = self.locate(stream)?;
                Ok(true)
            }
        }
    }

    /// Frees a value's clusters and takes its attributes out.
    pub(crate) fn remove_stream(&mut self, stream: Stream) -> Result<(), Error> {
        if let Body::Runs { runs, .. } = &stream.body {
            let freed: Vec<_> =
                runs.iter().filter_map(|run| Some((run.lcn?, run.length))).collect();
            self.release(&freed)?;
        }
        for extent in &stream.extents {
            self.drop_attribute(stream.base, extent.record, stream.kind, extent.id)?;
        }
        Ok(())
    }
}
