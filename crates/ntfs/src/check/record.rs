//! One file record: its header, and the bounds and order of its attributes.

use crate::{
    FileReference,
    attribute::{Attribute, Form, flag, kind},
    bytes, fixup,
    upcase::UpCase,
};

/// Smallest attribute header.
const ATTRIBUTE_MIN: usize = 0x18;
/// Where a record holds its own number (NTFS 3.1), and where its update sequence then begins at the earliest.
const NUMBER_AT: usize = 0x2c;
const HEAD_WITH_NUMBER: u16 = 0x30;

/// The last type of `$AttrDef`, `$LOGGED_UTILITY_STREAM`.
const TYPE_MAX: u32 = 0x100;

/// Something wrong in a record. `at` counts from the record's start.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) code: &'static str,
    pub(super) at: usize,
    pub(super) object: String,
    pub(super) found: String,
    pub(super) expected: &'static str,
}

/// An attribute and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) attribute: Attribute,
    /// The file record it stands in.
    pub(super) record: u64,
    /// Bytes from the start of that record.
    pub(super) at: usize,
}

impl Placed {
    pub(super) fn lowest(&self) -> u64 {
        lowest(&self.attribute)
    }
}

/// The first VCN of an extent.
pub(super) fn lowest(attribute: &Attribute) -> u64 {
    match attribute.form {
        Form::NonResident { lowest, .. } => lowest,
        Form::Resident { .. } => 0,
    }
}

/// A file record taken apart as far as it goes.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) number: u64,
    pub(super) sequence: u16,
    pub(super) links: u16,
    pub(super) flags: u16,
    pub(super) base: FileReference,
    pub(super) attributes: Vec<Placed>,
    pub(super) problems: Vec<Problem>,
}

impl Record {
    pub(super) fn in_use(&self) -> bool {
        self.flags & 1 != 0
    }

    pub(super) fn is_directory(&self) -> bool {
        self.flags & 2 != 0
    }

    fn problem(&mut self, code: &'static str, at: usize, found: String, expected: &'static str) {
        let object = "file record".to_owned();
        self.problems.push(Problem { code, at, object, found, expected });
    }
}

/// The name of an attribute for people: type, and name if it has one.
pub(super) fn describe(kind: u32, name: &[u16]) -> String {
    let base = match kind {
        kind::STANDARD_INFORMATION => "$STANDARD_INFORMATION",
        kind::ATTRIBUTE_LIST => "$ATTRIBUTE_LIST",
        kind::FILE_NAME => "$FILE_NAME",
        kind::OBJECT_ID => "$OBJECT_ID",
        kind::SECURITY_DESCRIPTOR => "$SECURITY_DESCRIPTOR",
        kind::VOLUME_NAME => "$VOLUME_NAME",
        kind::VOLUME_INFORMATION => "$VOLUME_INFORMATION",
        kind::DATA => "$DATA",
        kind::INDEX_ROOT => "$INDEX_ROOT",
        kind::INDEX_ALLOCATION => "$INDEX_ALLOCATION",
        kind::BITMAP => "$BITMAP",
        kind::REPARSE_POINT => "$REPARSE_POINT",
        0xd0 => "$EA_INFORMATION",
        0xe0 => "$EA",
        0x100 => "$LOGGED_UTILITY_STREAM",
        _ => return format!("attribute type {kind:#x}"),
    };
    match name {
        [] => base.to_owned(),
        name => format!("{base}:{}", String::from_utf16_lossy(name)),
    }
}

/// Takes a record that begins with `FILE` apart. Names sort by `upcase`; without it their order is not looked at.
pub(super) fn parse(number: u64, mut raw: Vec<u8>, upcase: Option<&UpCase>) -> Record {
    let torn = fixup::undo(&mut raw, "file record", number).err();
    let word = |at| bytes::u16_at(&raw, at).unwrap_or(0);
    let mut record = Record {
        number,
        sequence: word(0x10),
        links: word(0x12),
        flags: word(0x16),
        base: FileReference(bytes::u64_at(&raw, 0x20).unwrap_or(0)),
        attributes: Vec::new(),
        problems: Vec::new(),
    };
    match torn {
        Some(crate::Error::TornWrite { sector, found, expected, .. }) => record.problem(
            "record-torn",
            (sector + 1) * 512 - 2,
            format!("update sequence {found:#06x}, not {expected:#06x}, in sector {sector}"),
            "the same number at the end of each 512 bytes",
        ),
        Some(_) => {
            let found = format!("offset {:#x}, {} entries", word(4), word(6));
            record.problem("record-fixups", 4, found, "one entry for each 512 bytes and one more");
        }
        None => {}
    }
    let dword = |at| bytes::u32_at(&raw, at).unwrap_or(0);
    let allocated = dword(0x1c);
    if allocated as usize != raw.len() {
        let found = format!("{allocated} bytes allocated");
        record.problem("record-size", 0x1c, found, "the volume's size of file records");
    }
    let own = dword(NUMBER_AT);
    if word(4) >= HEAD_WITH_NUMBER && u64::from(own) != number & 0xffff_ffff {
        let found = format!("the record says that it is number {own}");
        record.problem("record-number", NUMBER_AT, found, "its own number");
    }
    if record.sequence == 0 {
        record.problem("record-sequence", 0x10, "sequence number 0".into(), "1 or more");
    }
    walk(&mut record, &raw);
    order(&mut record, upcase);
    let next = bytes::u16_at(&raw, 0x28).unwrap_or(0);
    ids(&mut record, next);
    record
}

fn walk(record: &mut Record, raw: &[u8]) {
    let used = bytes::u32_at(raw, 0x18).unwrap_or(0) as usize;
    let mut at = usize::from(bytes::u16_at(raw, 0x14).unwrap_or(0));
    let array_end = usize::from(bytes::u16_at(raw, 4).unwrap_or(0))
        + 2 * usize::from(bytes::u16_at(raw, 6).unwrap_or(0));
    if at < array_end.max(0x2a) || !at.is_multiple_of(8) || at + 8 > raw.len() {
        let found = format!("first attribute at {at:#x}");
        record.problem("record-first-attribute", 0x14, found, "a place behind the header");
        return;
    }
    // Each turn passes at least ATTRIBUTE_MIN bytes.
    loop {
        let Some(kind) = bytes::u32_at(raw, at) else {
            record.problem("attribute-end", at, "no end mark".into(), "an end mark");
            return;
        };
        if kind == kind::END {
            break;
        }
        let length = bytes::u32_at(raw, at + 4).unwrap_or(0) as usize;
        if length < ATTRIBUTE_MIN || !length.is_multiple_of(8) || length > raw.len() - at {
            let found =
                format!("type {kind:#x}, {length:#x} bytes with {:#x} left", raw.len() - at);
            record.problem("attribute-bounds", at, found, "an attribute inside the record");
            return;
        }
        match Attribute::parse(&raw[at..at + length]) {
            Ok(attribute) => {
                header(record, &raw[at..at + length], at, &attribute);
                record.attributes.push(Placed { attribute, record: record.number, at });
            }
            Err(problem) => {
                record.problem(
                    "attribute-bounds",
                    at,
                    problem.into(),
                    "parts inside the attribute",
                );
            }
        }
        at += length;
    }
    if used != at + 8 {
        let found = format!("{used:#x} bytes used");
        record.problem("record-used-length", 0x18, found, "the end of the end mark");
    }
}

/// Parts of an attribute's header that parsing does not look at.
fn header(record: &mut Record, raw: &[u8], at: usize, attribute: &Attribute) {
    let object = describe(attribute.kind, &attribute.name);
    let mut add = |code, offset: usize, found: String, expected| {
        record.problems.push(Problem {
            code,
            at: at + offset,
            object: object.clone(),
            found,
            expected,
        });
    };
    if !(0x10..=TYPE_MAX).contains(&attribute.kind) || !attribute.kind.is_multiple_of(0x10) {
        add("attribute-type", 0, format!("type {:#x}", attribute.kind), "a type of $AttrDef");
    }
    let plain = matches!(
        attribute.kind,
        kind::STANDARD_INFORMATION | kind::FILE_NAME | kind::OBJECT_ID | kind::VOLUME_INFORMATION
    );
    let known = flag::COMPRESSION | flag::ENCRYPTED | flag::SPARSE;
    if attribute.flags & !known != 0 || plain && attribute.flags != 0 {
        let found = format!("flags {:#06x}", attribute.flags);
        add("attribute-flags", 0x0c, found, "flags that its type may have");
    }
    let name_at = usize::from(bytes::u16_at(raw, 0x0a).unwrap_or(0));
    let name_end = name_at + 2 * attribute.name.len();
    let resident = matches!(attribute.form, Form::Resident { .. });
    let (head, body) = if resident {
        (0x18, bytes::u16_at(raw, 0x14).unwrap_or(0))
    } else {
        (0x40, bytes::u16_at(raw, 0x20).unwrap_or(0))
    };
    if raw[8] > 1 {
        add("attribute-form", 8, format!("form {}", raw[8]), "0 (resident) or 1 (non-resident)");
    }
    if usize::from(body) < head
        || !attribute.name.is_empty() && (name_at < head || name_end > usize::from(body))
    {
        let found = format!("name {name_at:#x} to {name_end:#x}, value at {body:#x}");
        add("attribute-layout", 0x0a, found, "header, name and value one behind the other");
    }
    let must_be_resident = matches!(
        attribute.kind,
        kind::STANDARD_INFORMATION
            | kind::FILE_NAME
            | kind::OBJECT_ID
            | kind::VOLUME_NAME
            | kind::VOLUME_INFORMATION
            | kind::INDEX_ROOT
    );
    if must_be_resident && !resident || attribute.kind == kind::INDEX_ALLOCATION && resident {
        let found = if resident { "resident" } else { "not resident" };
        add("attribute-form", 8, found.into(), "the form that its type has");
    }
    if let Form::Resident { indexed, .. } = attribute.form
        && (indexed & 1 != 0) != (attribute.kind == kind::FILE_NAME)
    {
        let found = format!("indexed flag {indexed}");
        add("attribute-indexed", 0x16, found, "1 for $FILE_NAME, 0 for the rest");
    }
}

/// Attributes sort by type, name and first VCN.
fn order(record: &mut Record, upcase: Option<&UpCase>) {
    let Some(upcase) = upcase else { return };
    let wrong = record.attributes.windows(2).find(|pair| {
        let [left, right] = pair else { return false };
        let (a, b) = (&left.attribute, &right.attribute);
        a.kind
            .cmp(&b.kind)
            .then_with(|| upcase.compare(&a.name, &b.name))
            .then_with(|| left.lowest().cmp(&right.lowest()))
            .is_gt()
    });
    if let Some([left, right]) = wrong {
        let (a, b) = (&left.attribute, &right.attribute);
        let found = format!("{} behind {}", describe(b.kind, &b.name), describe(a.kind, &a.name));
        let at = right.at;
        record.problem("attribute-order", at, found, "attributes sorted by type and name");
    }
}

fn ids(record: &mut Record, next: u16) {
    let mut ids: Vec<(u16, usize)> =
        record.attributes.iter().map(|placed| (placed.attribute.id, placed.at)).collect();
    ids.sort_unstable();
    let twice = ids.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1]);
    if let Some((id, at)) = twice {
        record.problem("attribute-id", at + 0x0e, format!("id {id} twice"), "an id of its own");
    }
    if let Some((id, _)) = ids.last().filter(|(id, _)| *id >= next) {
        let found = format!("next id {next}, and an attribute with id {id}");
        record.problem("attribute-next-id", 0x28, found, "an id above all others");
    }
}
