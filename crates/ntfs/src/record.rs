//! File records: header and the attributes that stand in it. Fixups are undone.
//!
//! Source: linux-ntfs documentation, "FILE Record".

use crate::{
    Error, FileReference,
    attribute::{self, Attribute, kind},
    attribute_list::ListEntry,
    bytes,
    upcase::UpCase,
};

const IN_USE: u16 = 1;
const DIRECTORY: u16 = 2;
/// Smallest attribute header.
const ATTRIBUTE_MIN: usize = 0x18;
/// Bytes of a record's header with its own number (NTFS 3.1).
const HEAD: usize = 0x30;
/// Bytes of a record's header without its own number (NTFS 3.0 and before): the update sequence may begin there.
const UPDATE_SEQUENCE_MIN: usize = 0x2a;

/// Where an attribute stands in its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) offset: usize,
    pub(crate) length: usize,
    pub(crate) kind: u32,
    pub(crate) id: u16,
}

/// A file record with its fixups undone and its attribute chain checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileRecord {
    pub(crate) number: u64,
    bytes: Vec<u8>,
    slots: Vec<Slot>,
}

impl FileRecord {
    /// Checks a record's header and chain of attributes.
    pub(crate) fn parse(number: u64, bytes: Vec<u8>) -> Result<Self, Error> {
        let damaged = |problem, found: u64| Error::Damaged {
            structure: "header",
            record: number,
            problem,
            found,
        };
        let head = |at| bytes::u32_at(&bytes, at).ok_or_else(|| damaged("record cut short", 0));
        if head(0)?.to_le_bytes() != *b"FILE" {
            return Err(damaged("signature is not FILE", head(0)?.into()));
        }
        let used = head(0x18)? as usize;
        if used > bytes.len() || head(0x1c)? as usize != bytes.len() {
            return Err(damaged("size does not fit the volume's records", head(0x1c)?.into()));
        }
        let mut record = Self { number, bytes, slots: Vec::new() };
        record.slots = record.walk(used)?;
        record.check_update_sequence()?;
        Ok(record)
    }

    /// The update sequence lies between the header and the attributes: what is written there must harm neither.
    fn check_update_sequence(&self) -> Result<(), Error> {
        let at = usize::from(self.u16(4));
        let end = at + 2 * usize::from(self.u16(6));
        if at >= UPDATE_SEQUENCE_MIN && end <= usize::from(self.u16(0x14)) {
            return Ok(());
        }
        Err(Error::Damaged {
            structure: "header",
            record: self.number,
            problem: "update sequence array out of place",
            found: at as u64,
        })
    }

    fn walk(&self, used: usize) -> Result<Vec<Slot>, Error> {
        let damaged = |problem, found: usize| Error::Damaged {
            structure: "attribute chain",
            record: self.number,
            problem,
            found: found as u64,
        };
        let mut at = usize::from(self.u16(0x14));
        let mut slots = Vec::new();
        if at < 0x28 || !at.is_multiple_of(8) {
            return Err(damaged("first attribute out of place", at));
        }
        // Each turn moves on by at least ATTRIBUTE_MIN bytes.
        loop {
            let kind =
                bytes::u32_at(&self.bytes[..used], at).ok_or_else(|| damaged("no end mark", at))?;
            if kind == kind::END {
                return Ok(slots);
            }
            let length = bytes::u32_at(&self.bytes[..used], at + 4).unwrap_or(0) as usize;
            if length < ATTRIBUTE_MIN || !length.is_multiple_of(8) || length > used - at {
                return Err(damaged("attribute length is impossible", length));
            }
            slots.push(Slot { offset: at, length, kind, id: self.u16(at + 0x0e) });
            at += length;
        }
    }

    /// A new record in use without attributes; `old` is what the record's place held.
    pub(crate) fn format(number: u64, size: usize, sequence: u16) -> Self {
        let mut bytes = vec![0; size];
        let pieces = size / 512 + 1;
        let first = bytes::align8(HEAD + 2 * pieces);
        let mut put = |at: usize, data: &[u8]| bytes[at..at + data.len()].copy_from_slice(data);
        put(0, b"FILE");
        put(4, &(HEAD as u16).to_le_bytes());
        put(6, &(pieces as u16).to_le_bytes());
        put(0x10, &sequence.to_le_bytes());
        put(0x14, &(first as u16).to_le_bytes());
        put(0x18, &(first as u32 + 8).to_le_bytes());
        put(0x1c, &(size as u32).to_le_bytes());
        put(0x2c, &(number as u32).to_le_bytes());
        put(HEAD, &1u16.to_le_bytes());
        put(first, &kind::END.to_le_bytes());
        Self { number, bytes, slots: Vec::new() }
    }

    /// The bytes, for the update sequence to be put in and taken out.
    pub(crate) fn raw_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Goes on from the update sequence number that the record's place holds on disk.
    pub(crate) fn keep_update_sequence(&mut self, raw: &[u8]) {
        let number =
            bytes::u16_at(raw, 4).and_then(|at| bytes::u16_at(raw, at.into())).unwrap_or(1);
        self.put(HEAD, &number.to_le_bytes());
    }

    /// The record with its fixups undone.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn u16(&self, at: usize) -> u16 {
        bytes::u16_at(&self.bytes, at).unwrap_or(0)
    }

    fn put(&mut self, at: usize, data: &[u8]) {
        self.bytes[at..at + data.len()].copy_from_slice(data);
    }

    pub(crate) fn sequence(&self) -> u16 {
        self.u16(0x10)
    }

    pub(crate) fn set_sequence(&mut self, sequence: u16) {
        self.put(0x10, &sequence.to_le_bytes());
    }

    pub(crate) fn links(&self) -> u16 {
        self.u16(0x12)
    }

    pub(crate) fn set_links(&mut self, links: u16) {
        self.put(0x12, &links.to_le_bytes());
    }

    pub(crate) fn in_use(&self) -> bool {
        self.u16(0x16) & IN_USE != 0
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.u16(0x16) & DIRECTORY != 0
    }

    pub(crate) fn set_flags(&mut self, in_use: bool, directory: bool) {
        let other = self.u16(0x16) & !(IN_USE | DIRECTORY);
        let in_use = if in_use { IN_USE } else { 0 };
        let directory = if directory { DIRECTORY } else { 0 };
        let flags = other | in_use | directory;
        self.put(0x16, &flags.to_le_bytes());
    }

    /// True when this is no extension of another record.
    pub(crate) fn is_base(&self) -> bool {
        self.base().0 == 0
    }

    /// The base record; 0 when this is one.
    pub(crate) fn base(&self) -> FileReference {
        FileReference(bytes::u64_at(&self.bytes, 0x20).unwrap_or(0))
    }

    pub(crate) fn set_base(&mut self, base: FileReference) {
        self.put(0x20, &base.0.to_le_bytes());
    }

    pub(crate) fn reference(&self) -> FileReference {
        FileReference::new(self.number, self.sequence())
    }

    fn used(&self) -> usize {
        self.slots.last().map_or(usize::from(self.u16(0x14)), |last| last.offset + last.length)
    }

    /// Bytes that more attributes may take.
    pub(crate) fn room(&self) -> usize {
        self.bytes.len().saturating_sub(self.used() + 8)
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Parses the attribute in a slot.
    pub(crate) fn attribute(&self, slot: Slot) -> Result<Attribute, Error> {
        Attribute::parse(&self.bytes[slot.offset..slot.offset + slot.length]).map_err(|problem| {
            Error::Damaged {
                structure: "attribute",
                record: self.number,
                problem,
                found: slot.kind.into(),
            }
        })
    }

    /// The slot of the attribute with this type and id.
    pub(crate) fn find(&self, kind: u32, id: u16) -> Option<Slot> {
        self.slots.iter().copied().find(|slot| slot.kind == kind && slot.id == id)
    }

    /// The attributes of a type, or all, as entries of an attribute list.
    pub(crate) fn places(&self, kind: Option<u32>) -> Result<Vec<ListEntry>, Error> {
        let place = |slot: &Slot| {
            let (name, lowest) = attribute::name_and_lowest(self.raw(*slot))?;
            Some(ListEntry { kind: slot.kind, name, lowest, record: self.reference(), id: slot.id })
        };
        let damaged = |slot: &Slot| Error::Damaged {
            structure: "attribute",
            record: self.number,
            problem: "header cut short",
            found: slot.kind.into(),
        };
        let slots = self.slots.iter().filter(|slot| kind.is_none_or(|kind| slot.kind == kind));
        slots.map(|slot| place(slot).ok_or_else(|| damaged(slot))).collect()
    }

    fn raw(&self, slot: Slot) -> &[u8] {
        self.bytes.get(slot.offset..slot.offset + slot.length).unwrap_or_default()
    }

    /// All attributes, parsed.
    pub(crate) fn attributes(&self) -> Result<Vec<Attribute>, Error> {
        self.slots.iter().map(|slot| self.attribute(*slot)).collect()
    }

    /// An id that no attribute of the record has, counted up in its header.
    pub(crate) fn take_id(&mut self) -> u16 {
        let mut id = self.u16(0x28);
        while self.slots.iter().any(|slot| slot.id == id) {
            id = id.wrapping_add(1);
        }
        self.put(0x28, &id.wrapping_add(1).to_le_bytes());
        id
    }

    /// Replaces the bytes of `range` by `with` and closes or opens the gap. The caller has checked the room.
    fn splice(&mut self, offset: usize, length: usize, with: &[u8]) -> Result<(), Error> {
        let size = self.bytes.len();
        let end = self.used() + 8;
        // The end mark is made anew.
        let tail = offset + length..self.used();
        let next = offset + with.len() + tail.len();
        if next + 8 > size {
            let needed = next + 8 - size;
            return Err(Error::RecordFull { record: self.number, needed });
        }
        self.bytes.copy_within(tail, offset + with.len());
        self.put(offset, with);
        self.put(next, &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
        if next + 8 < end {
            self.bytes[next + 8..end.min(size)].fill(0);
        }
        self.put(0x18, &(next as u32 + 8).to_le_bytes());
        self.slots = self.walk(next + 8)?;
        Ok(())
    }

    /// Puts `attribute` (whose id is kept) in the place of `slot`.
    pub(crate) fn replace(&mut self, slot: Slot, attribute: &Attribute) -> Result<(), Error> {
        self.splice(slot.offset, slot.length, &attribute.to_bytes())
    }

    /// Takes an attribute out.
    pub(crate) fn remove(&mut self, slot: Slot) -> Result<(), Error> {
        self.splice(slot.offset, slot.length, &[])
    }

    /// Adds an attribute in its sorted place (type, name, first VCN) with a fresh id, which is returned.
    pub(crate) fn insert(&mut self, attribute: &Attribute, upcase: &UpCase) -> Result<u16, Error> {
        let lowest = |attribute: &Attribute| match attribute.form {
            attribute::Form::NonResident { lowest, .. } => lowest,
            attribute::Form::Resident { .. } => 0,
        };
        let mut at = self.used();
        for slot in &self.slots {
            let damaged = || Error::Damaged {
                structure: "attribute",
                record: self.number,
                problem: "header cut short",
                found: slot.kind.into(),
            };
            let (name, first) = attribute::name_and_lowest(self.raw(*slot)).ok_or_else(damaged)?;
            let order = slot
                .kind
                .cmp(&attribute.kind)
                .then_with(|| upcase.compare(&name, &attribute.name))
                .then_with(|| first.cmp(&lowest(attribute)));
            if order.is_gt() {
                at = slot.offset;
                break;
            }
        }
        if attribute.length() > self.room() {
            let needed = attribute.length() - self.room();
            return Err(Error::RecordFull { record: self.number, needed });
        }
        let mut attribute = attribute.clone();
        attribute.id = self.take_id();
        self.splice(at, 0, &attribute.to_bytes())?;
        Ok(attribute.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writing a record writes its update sequence: it must lie over nothing else.
    #[test]
    fn update_sequences_lie_between_header_and_attributes() {
        let check = |at: u16, fine: bool| {
            let mut bytes = FileRecord::format(30, 1024, 1).bytes;
            bytes[4..6].copy_from_slice(&at.to_le_bytes());
            assert_eq!(FileRecord::parse(30, bytes).is_ok(), fine, "{at:#x}");
        };
        check(0x30, true);
        check(0x2a, true);
        check(0x28, false);
        check(0x18, false);
        check(0x34, false);
    }
}
