//! A whole attribute value, put together from all of its extents.

use std::sync::Arc;

use crate::{
    Error,
    attribute::{Attribute, Form, flag, kind},
    attribute_list::{self, ListEntry},
    cluster_io::Route,
    core::Core,
    file_reference::FileReference,
    run_list::{self, Run, Vcn},
};

/// Extents of one value; a list of 256 KiB has no room for more entries of 32 bytes.
const EXTENTS_MAX: usize = 8192;

/// Where an extent's attribute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) record: u64,
    pub(crate) id: u16,
    pub(crate) lowest: u64,
}

/// Where a value's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    Resident(Vec<u8>),
    Runs {
        /// Shared, so that a long list is not copied with every look at the value.
        runs: Arc<Vec<Run>>,
        size: u64,
        initialized: u64,
        /// Clusters per compression unit as a power of two; 0 when not compressed.
        unit: u8,
        /// Kept for compressed and sparse values.
        packed: bool,
    },
}

/// An attribute value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stream {
    /// The file.
    pub(crate) base: u64,
    pub(crate) kind: u32,
    pub(crate) name: Vec<u16>,
    pub(crate) flags: u16,
    pub(crate) extents: Vec<Extent>,
    pub(crate) body: Body,
}

impl Stream {
    /// Length in bytes.
    pub(crate) fn size(&self) -> u64 {
        match &self.body {
            Body::Resident(value) => value.len() as u64,
            Body::Runs { size, .. } => *size,
        }
    }

    /// Bytes allocated: 0 when resident; without holes for sparse and compressed values.
    pub(crate) fn allocated(&self, cluster: u64) -> u64 {
        match &self.body {
            Body::Resident(_) => 0,
            Body::Runs { runs, packed: true, .. } => {
                runs.iter().filter(|run| run.lcn.is_some()).map(|run| run.length).sum::<u64>()
                    * cluster
            }
            Body::Runs { runs, .. } => run_list::end(runs).0 * cluster,
        }
    }

    /// Clusters that its runs span.
    pub(crate) fn clusters(&self) -> u64 {
        match &self.body {
            Body::Resident(_) => 0,
            Body::Runs { runs, .. } => run_list::end(runs).0,
        }
    }

    pub(crate) fn is_compressed(&self) -> bool {
        self.flags & flag::COMPRESSION != 0
    }

    pub(crate) fn is_sparse(&self) -> bool {
        self.flags & flag::SPARSE != 0
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.flags & flag::ENCRYPTED != 0
    }

    /// How this value's bytes travel: contents of user files go to the device at once.
    pub(crate) fn route(&self) -> (Route, u64) {
        let user = self.base >= crate::mft::FIRST_USER || self.base == crate::mft::UPCASE;
        let contents = self.kind == kind::DATA && user;
        (if contents { Route::Contents } else { Route::Metadata }, self.base)
    }

    pub(crate) fn damaged(&self, problem: &'static str, found: u64) -> Error {
        Error::Damaged { structure: "attribute", record: self.base, problem, found }
    }
}

impl Core {
    /// Every attribute extent of a file: from its attribute list, or from its one record.
    pub(crate) fn places(&mut self, base: u64) -> Result<Vec<ListEntry>, Error> {
        match self.attribute_list(base)? {
            Some((_, entries)) => Ok(entries),
            None => self.places_in(base),
        }
    }

    /// The attribute extents of a type.
    pub(crate) fn places_of(&mut self, base: u64, kind: u32) -> Result<Vec<ListEntry>, Error> {
        match self.attribute_list(base)? {
            Some((_, mut entries)) => {
                entries.retain(|entry| entry.kind == kind);
                Ok(entries)
            }
            None => self.shared_record(base)?.places(Some(kind)),
        }
    }

    /// The attributes that stand in one record, as list entries.
    pub(crate) fn places_in(&mut self, number: u64) -> Result<Vec<ListEntry>, Error> {
        self.shared_record(number)?.places(None)
    }

    /// The attribute list of a file: its own stream and its entries.
    pub(crate) fn attribute_list(
        &mut self,
        base: u64,
    ) -> Result<Option<(Stream, Vec<ListEntry>)>, Error> {
        let record = self.shared_record(base)?;
        let Some(slot) =
            record.slots().iter().copied().find(|slot| slot.kind == kind::ATTRIBUTE_LIST)
        else {
            return Ok(None);
        };
        let attribute = record.attribute(slot)?;
        let stream = self.join(base, vec![(record.number, attribute)])?;
        if stream.size() > attribute_list::BYTES_MAX {
            return Err(stream.damaged("attribute list too long", stream.size()));
        }
        let mut value = vec![0; stream.size() as usize];
        self.read_stream(&stream, 0, &mut value)?;
        let entries = attribute_list::parse(&value)
            .map_err(|at| stream.damaged("attribute list entry", at))?;
        Ok(Some((stream, entries)))
    }

    /// Opens a value by type and name; names match without regard to case.
    pub(crate) fn open_stream(
        &mut self,
        base: u64,
        kind: u32,
        name: &[u16],
    ) -> Result<Option<Stream>, Error> {
        let stream = self.shared_stream(base, kind, name)?;
        Ok(stream.map(Arc::unwrap_or_clone))
    }

    /// As [`Core::open_stream`], to look at.
    pub(crate) fn shared_stream(
        &mut self,
        base: u64,
        kind: u32,
        name: &[u16],
    ) -> Result<Option<Arc<Stream>>, Error> {
        if let Some(stream) = self.parsed.stream(base, kind, name) {
            return Ok(Some(stream));
        }
        let places = self.places_of(base, kind)?;
        self.gather(base, &places, kind, name)
    }

    /// Opens a value among the places of its file.
    pub(crate) fn gather(
        &mut self,
        base: u64,
        places: &[ListEntry],
        kind: u32,
        name: &[u16],
    ) -> Result<Option<Arc<Stream>>, Error> {
        let mut found: Vec<&ListEntry> =
            places.iter().filter(|p| p.kind == kind && p.name == name).collect();
        if found.is_empty() && !name.is_empty() {
            let upcase = self.upcase()?;
            found = places
                .iter()
                .filter(|p| p.kind == kind && upcase.compare(&p.name, name).is_eq())
                .collect();
        }
        if found.is_empty() {
            return Ok(None);
        }
        let mut parts = Vec::new();
        for place in found.into_iter().take(EXTENTS_MAX) {
            parts.push((place.record.record(), self.extent(base, place)?));
        }
        let stream = Arc::new(self.join(base, parts)?);
        self.parsed.keep_stream(stream.clone());
        Ok(Some(stream))
    }

    /// Reads the attribute that a list entry names.
    pub(crate) fn extent(&mut self, base: u64, place: &ListEntry) -> Result<Attribute, Error> {
        let number = place.record.record();
        let record = self.shared_record(number)?;
        let damaged = |problem| Error::Damaged {
            structure: "attribute list",
            record: base,
            problem,
            found: number,
        };
        if !record.in_use() {
            return Err(damaged("an entry names a free record"));
        }
        if number != base && (record.is_base() || record.base().record() != base) {
            return Err(damaged("an entry names a record of another file"));
        }
        let slot = record
            .find(place.kind, place.id)
            .ok_or_else(|| damaged("an entry names no attribute"))?;
        let attribute = record.attribute(slot)?;
        let lowest = match attribute.form {
            Form::NonResident { lowest, .. } => lowest,
            Form::Resident { .. } => 0,
        };
        if attribute.name != place.name || lowest != place.lowest {
            return Err(damaged("an entry differs from its attribute"));
        }
        Ok(attribute)
    }

    /// Joins extents into one value.
    pub(crate) fn join(
        &self,
        base: u64,
        mut parts: Vec<(u64, Attribute)>,
    ) -> Result<Stream, Error> {
        let start = |attribute: &Attribute| match attribute.form {
            Form::NonResident { lowest, .. } => lowest,
            Form::Resident { .. } => 0,
        };
        parts.sort_by_key(|(_, attribute)| start(attribute));
        let extents = parts
            .iter()
            .map(|(record, a)| Extent { record: *record, id: a.id, lowest: start(a) })
            .collect();
        let count = parts.len();
        let mut parts = parts.into_iter();
        let damaged = |problem, found| Error::Damaged {
            structure: "attribute",
            record: base,
            problem,
            found,
        };
        let Some((_, first)) = parts.next() else { return Err(damaged("no extent", 0)) };
        let (kind, name, flags) = (first.kind, first.name, first.flags);
        let body = match first.form {
            Form::Resident { value, .. } if count == 1 => Body::Resident(value),
            Form::Resident { .. } => {
                return Err(damaged("two resident attributes of one name", kind.into()));
            }
            Form::NonResident { pairs, lowest, size, initialized, unit, packed, .. } => {
                let clusters = self.geometry.clusters();
                let bad = |bad: run_list::BadRun| damaged("mapping pairs", bad.at as u64);
                let mut runs = run_list::decode(&pairs, Vcn(lowest), clusters).map_err(bad)?;
                if lowest != 0 {
                    return Err(damaged("the first extent is missing", lowest));
                }
                for (_, part) in parts {
                    let Form::NonResident { pairs, lowest, .. } = part.form else {
                        return Err(damaged("two resident attributes of one name", kind.into()));
                    };
                    if lowest != run_list::end(&runs).0 {
                        return Err(damaged("an extent is missing or overlaps", lowest));
                    }
                    runs.extend(run_list::decode(&pairs, Vcn(lowest), clusters).map_err(bad)?);
                }
                let room = self.check_runs(base, &runs)?;
                if size > room || initialized > size {
                    return Err(damaged("sizes do not fit the clusters", size));
                }
                if unit > 16 {
                    return Err(damaged("compression unit", unit.into()));
                }
                let runs = Arc::new(runs);
                Body::Runs { runs, size, initialized, unit, packed: packed.is_some() }
            }
        };
        Ok(Stream { base, kind, name, flags, extents, body })
    }

    /// Checks that runs do not hold more than the volume has, nor more bytes than can be counted; returns the bytes that they stand
    /// for.
    pub(crate) fn check_runs(&self, record: u64, runs: &[Run]) -> Result<u64, Error> {
        let damaged =
            |problem, found| Error::Damaged { structure: "run list", record, problem, found };
        // Decoding keeps the sum of all lengths in 63 bits.
        let held: u64 = runs.iter().filter(|run| run.lcn.is_some()).map(|run| run.length).sum();
        if held > self.geometry.clusters() {
            return Err(damaged("more clusters than the volume has", held));
        }
        let end = run_list::end(runs).0;
        let bytes = end.checked_mul(self.cluster()).filter(|bytes| *bytes <= i64::MAX as u64);
        bytes.ok_or_else(|| damaged("more bytes than a value can have", end))
    }

    /// A value that every volume has.
    pub(crate) fn system_stream(
        &mut self,
        record: u64,
        kind: u32,
        name: &str,
    ) -> Result<Stream, Error> {
        let name: Vec<u16> = name.encode_utf16().collect();
        let stream = self.open_stream(record, kind, &name)?;
        stream.ok_or(Error::Damaged {
            structure: "attribute",
            record,
            problem: "missing",
            found: kind.into(),
        })
    }

    /// Loads the base record of a file, checking that the reference is not stale.
    pub(crate) fn base_record(
        &mut self,
        file: FileReference,
    ) -> Result<Arc<crate::record::FileRecord>, Error> {
        let record = self.shared_record(file.record())?;
        let current = file.sequence() == 0 || file.sequence() == record.sequence();
        if !record.in_use() || !record.is_base() || !current {
            return Err(Error::StaleReference { reference: file.0, found: record.sequence() });
        }
        Ok(record)
    }
}
