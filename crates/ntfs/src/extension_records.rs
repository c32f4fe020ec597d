//! Extension records, and the attribute list that leads to them.

use crate::{
    Error,
    attribute::{Attribute, Form, kind},
    attribute_list::{self, ListEntry},
    core::Core,
    mft::MFT,
    record::Slot,
    run_list,
    stream::{Body, Stream},
};

/// Bytes that a non-resident attribute list takes in its record.
pub(crate) const LIST_EXTENT: usize = 0x58;

impl Core {
    pub(crate) fn list_entry(
        &mut self,
        attribute: &Attribute,
        record: u64,
        id: u16,
    ) -> Result<ListEntry, Error> {
        let lowest = match attribute.form {
            Form::NonResident { lowest, .. } => lowest,
            Form::Resident { .. } => 0,
        };
        let record = self.reference(record)?;
        Ok(ListEntry { kind: attribute.kind, name: attribute.name.clone(), lowest, record, id })
    }

    /// Moves an attribute into an extension record, making the attribute list first when there is none.
    pub(crate) fn relocate(&mut self, base: u64, number: u64, slot: Slot) -> Result<(), Error> {
        let mut record = self.record(number)?;
        let attribute = record.attribute(slot)?;
        let alone = number != base && record.slots().len() == 1;
        let listed = self.attribute_list(base)?.is_some();
        let first = !listed && slot.length + record.room() < LIST_EXTENT;
        if alone || first {
            return Err(Error::RecordFull { record: number, needed: slot.length });
        }
        // Its new place first: to take a record $MFT's bitmap is needed, which may be what moves.
        let (target, id) = self.extension(base, &attribute, true)?;
        record.remove(slot)?;
        self.write_record(record)?;
        let entry = self.list_entry(&attribute, target, id)?;
        if !listed {
            return self.enlist(base, entry);
        }
        self.edit_list(base, |entries| {
            entries.retain(|e| (e.record.record(), e.kind, e.id) != (number, slot.kind, slot.id));
            entries.push(entry);
        })
    }

    /// Adds an entry to the attribute list, making the list first when there is none.
    pub(crate) fn enlist(&mut self, base: u64, entry: ListEntry) -> Result<(), Error> {
        if self.attribute_list(base)?.is_some() {
            return self.edit_list(base, |entries| entries.push(entry));
        }
        let entries = self.places_in(base)?;
        let upcase = self.upcase()?;
        let list = Attribute::resident(kind::ATTRIBUTE_LIST, &[], Vec::new());
        let mut record = self.record(base)?;
        record.insert(&list, &upcase)?;
        self.write_record(record)?;
        self.edit_list(base, |list| {
            *list = entries;
            list.push(entry);
        })
    }

    /// Puts an attribute in an extension record with room for it, or in a new one.
    pub(crate) fn extension(
        &mut self,
        base: u64,
        attribute: &Attribute,
        fresh: bool,
    ) -> Result<(u64, u16), Error> {
        let upcase = self.upcase()?;
        let mut numbers = Vec::new();
        if !fresh && let Some((_, entries)) = self.attribute_list(base)? {
            numbers.extend(
                entries.iter().map(|entry| entry.record.record()).filter(|number| *number != base),
            );
            numbers.dedup();
        }
        for number in numbers {
            let mut record = self.record(number)?;
            if record.room() >= attribute.length() {
                let id = record.insert(attribute, &upcase)?;
                self.write_record(record)?;
                return Ok((number, id));
            }
        }
        let mut record =
            if base == MFT { self.take_record_of_mft(attribute)? } else { self.take_record()? };
        let reference = self.reference(base)?;
        record.set_base(reference);
        let id = record.insert(attribute, &upcase)?;
        let number = record.number;
        self.write_record(record)?;
        Ok((number, id))
    }

    /// Takes an attribute out of its record and the attribute list; an extension record left empty is freed.
    pub(crate) fn drop_attribute(
        &mut self,
        base: u64,
        number: u64,
        kind: u32,
        id: u16,
    ) -> Result<(), Error> {
        let mut record = self.record(number)?;
        if let Some(slot) = record.find(kind, id) {
            record.remove(slot)?;
            self.write_record(record.clone())?;
        }
        if number != base && record.slots().is_empty() {
            self.free_record(number)?;
        }
        if self.attribute_list(base)?.is_some() {
            self.edit_list(base, |entries| {
                entries.retain(|e| (e.record.record(), e.kind, e.id) != (number, kind, id));
            })?;
        }
        Ok(())
    }

    /// Changes the attribute list. It stays resident as long as its record has room.
    pub(crate) fn edit_list(
        &mut self,
        base: u64,
        edit: impl FnOnce(&mut Vec<ListEntry>),
    ) -> Result<(), Error> {
        let upcase = self.upcase()?;
        let Some((mut stream, mut entries)) = self.attribute_list(base)? else { return Ok(()) };
        edit(&mut entries);
        entries.sort_by(|a, b| {
            let names = || upcase.compare(&a.name, &b.name).then_with(|| a.name.cmp(&b.name));
            a.kind.cmp(&b.kind).then_with(names).then(a.lowest.cmp(&b.lowest))
        });
        let value = attribute_list::encode(&entries);
        if value.len() as u64 > attribute_list::BYTES_MAX {
            return Err(Error::TooLarge { size: value.len() as u64 });
        }
        if matches!(stream.body, Body::Resident(_))
            && value.len() as u64 > self.resident_max(&stream)?
        {
            self.make_non_resident(&mut stream)?;
        }
        match &mut stream.body {
            Body::Resident(old) => *old = value,
            Body::Runs { .. } => {
                self.resize_runs(&mut stream, value.len() as u64)?;
                if !self.list_fits(&stream)? {
                    // Anew, in as few runs as there can be: its record has no room for more.
                    self.resize_runs(&mut stream, 0)?;
                    self.resize_runs(&mut stream, value.len() as u64)?;
                }
                let route = stream.route();
                if let Body::Runs { runs, initialized, .. } = &mut stream.body {
                    self.write_runs(runs, 0, &value, route)?;
                    *initialized = value.len() as u64;
                }
            }
        }
        // Saved without making room: that would need the list.
        let end = match &stream.body {
            Body::Resident(_) => 0,
            Body::Runs { runs, .. } => run_list::end(runs).0,
        };
        let attribute = stream.attribute(0, end, self.cluster());
        let mut record = self.record(base)?;
        let slot = self.slot(&record, &stream, stream.extents[0])?;
        record.replace(slot, &attribute)?;
        self.write_record(record)
    }

    /// Whether the record has room for the runs of the attribute list.
    fn list_fits(&mut self, stream: &Stream) -> Result<bool, Error> {
        let Body::Runs { runs, .. } = &stream.body else { return Ok(true) };
        let record = self.record(stream.base)?;
        let slot = self.slot(&record, stream, stream.extents[0])?;
        let attribute = stream.attribute(0, run_list::end(runs).0, self.cluster());
        Ok(attribute.length() <= slot.length + record.room())
    }
}
