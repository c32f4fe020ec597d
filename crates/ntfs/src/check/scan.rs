//! The pass over all file records, in the order of `$MFT`.

use super::Check;
use super::facts::{is, name_hash, object_hash};
use super::finding::Finding;
use super::record::{self, Placed, Record};
use crate::{
    FileReference,
    attribute::{Form, kind},
    bytes,
    file_name::{self, FileName, namespace},
    mft,
};

/// Bytes of `$MFT` read at a time.
const CHUNK: u64 = 1 << 20;

impl Check<'_> {
    /// Reads every record once: checks it by itself, notes what is compared later, takes its clusters.
    pub(super) fn scan(&mut self) {
        let size = self.source.record_size();
        let step = (CHUNK / size).max(1);
        let mut first = 0;
        while first < self.source.records && !self.report.stopped {
            let count = step.min(self.source.records - first);
            let mut chunk = vec![0; usize::try_from(count * size).unwrap_or(0)];
            let whole = self.source.read_value(&self.source.mft, first * size, &mut chunk);
            for (number, raw) in (first..).zip(chunk.chunks_exact_mut(size as usize)) {
                let read = whole || self.source.read_value(&self.source.mft, number * size, raw);
                self.raw_record(number, raw, read);
            }
            first += count;
            self.report.advance(count);
        }
    }

    fn raw_record(&mut self, number: u64, raw: &[u8], read: bool) {
        let marked = self.mft_bitmap.as_deref().is_some_and(|bits| bit(bits, number));
        if !read || !raw.starts_with(b"FILE") {
            if marked {
                let found = match raw.first_chunk::<4>() {
                    Some(magic) if read => {
                        format!("signature {:?}", magic.escape_ascii().to_string())
                    }
                    _ => "a medium that cannot be read".to_owned(),
                };
                let code = if read { "record-signature" } else { "record-unreadable" };
                self.add_record(Finding::damage(code).found(found).expected("FILE"), number, 0);
            }
            return;
        }
        if bytes::u16_at(raw, 0x16).unwrap_or(0) & 1 == 0 {
            if marked && number >= mft::FIRST_USER {
                let finding = Finding::damage("record-marked-but-free");
                let finding = finding.found("a record that is not in use");
                self.add_record(
                    finding.expected("a record in use, as $MFT's bitmap says"),
                    number,
                    0x16,
                );
            }
            return;
        }
        if !marked && self.mft_bitmap.is_some() {
            let finding = Finding::damage("record-used-but-free").found("free in $MFT's bitmap");
            self.add_record(finding.expected("in use, as the record says"), number, 0x16);
        }
        let record = record::parse(number, raw.to_vec(), self.upcase.as_deref());
        for problem in &record.problems {
            let finding = Finding::damage(problem.code).object(problem.object.clone());
            let finding = finding.found(problem.found.clone()).expected(problem.expected);
            self.add_record(finding, number, problem.at);
        }
        self.note(&record);
    }

    fn note(&mut self, record: &Record) {
        let number = record.number;
        let extension = record.base.0 != 0;
        let listed = record.attributes.iter().any(|p| p.attribute.kind == kind::ATTRIBUTE_LIST);
        self.report.summary.records += 1;
        if let Some(fact) = self.facts.entry(number) {
            fact.sequence = record.sequence;
            fact.bits |= is::IN_USE;
            if extension {
                fact.bits |= is::EXTENSION;
                fact.link = u32::try_from(record.base.record()).unwrap_or(u32::MAX);
            } else {
                fact.links = record.links;
            }
            if record.is_directory() {
                fact.bits |= is::DIRECTORY;
            }
            if listed {
                fact.bits |= is::LISTED;
            }
        }
        self.report.summary.folders += u64::from(record.is_directory() && !extension);
        let owner =
            if extension { record.base } else { FileReference::new(number, record.sequence) };
        let base = owner.record();
        for placed in &record.attributes {
            self.extent(base, placed);
            self.note_attribute(owner, placed);
        }
        if extension {
            return;
        }
        if !listed {
            let mut attributes = record.attributes.clone();
            let key = |p: &Placed| (p.attribute.kind, p.attribute.name.clone(), p.lowest());
            attributes.sort_by_key(key);
            self.values(number, &attributes);
        }
        let has = |wanted: u32| record.attributes.iter().any(|p| p.attribute.kind == wanted);
        if !has(kind::STANDARD_INFORMATION) {
            let finding = Finding::damage("standard-information-missing");
            let finding = finding.object("$STANDARD_INFORMATION").found("none");
            self.add_record(finding.expected("one in each base record"), number, 0);
        }
    }

    /// Keeps what other structures repeat of an attribute. `owner` is the base record.
    fn note_attribute(&mut self, owner: FileReference, placed: &Placed) {
        let attribute = &placed.attribute;
        let base = owner.record();
        let value = match &attribute.form {
            Form::Resident { value, .. } => value.clone(),
            Form::NonResident { .. } if attribute.kind == kind::REPARSE_POINT => {
                let mut tag = vec![0; 4];
                let runs = self.source.runs(attribute).unwrap_or_default();
                if self.source.read_value(&runs, 0, &mut tag) { tag } else { Vec::new() }
            }
            Form::NonResident { .. } => return,
        };
        let Some(fact) = self.facts.entry(base) else { return };
        let mut short = false;
        match attribute.kind {
            kind::STANDARD_INFORMATION => {
                short = value.len() < 0x30;
                fact.security = bytes::u32_at(&value, 0x34).unwrap_or(0);
            }
            kind::FILE_NAME => match FileName::parse(&value) {
                Some(name)
                    if value.len() == file_name::HEAD + 2 * name.name.len()
                        && !name.name.is_empty()
                        && name.namespace <= namespace::WIN32_AND_DOS =>
                {
                    let hash = name_hash(owner.0, name.parent.0, name.namespace, &name.name);
                    fact.names = fact.names.wrapping_add(hash);
                    fact.name_count = fact.name_count.saturating_add(1);
                    if fact.link == 0 && name.namespace != namespace::DOS {
                        fact.link = u32::try_from(name.parent.record()).unwrap_or(u32::MAX);
                    }
                }
                _ => short = true,
            },
            kind::INDEX_ROOT => fact.bits |= is::INDEXED,
            kind::REPARSE_POINT => {
                fact.bits |= is::REPARSE;
                short = value.len() < 4;
                fact.reparse_tag = bytes::u32_at(&value, 0).unwrap_or(0);
            }
            kind::OBJECT_ID => {
                fact.bits |= is::OBJECT_ID;
                short = value.len() < 16;
                fact.object = object_hash(value.get(..16).unwrap_or_default());
            }
            _ => {}
        }
        if short {
            let object = record::describe(attribute.kind, &attribute.name);
            let finding = Finding::damage("attribute-value").object(object);
            let finding = finding.found(format!("{} bytes that do not hold one", value.len()));
            let finding = finding.record(base).at(self.offset_in(placed.record, placed.at));
            self.add(finding.expected("a value of its type"));
        }
    }
}

/// A bit of a bitmap; 0 past its end.
pub(super) fn bit(bits: &[u8], number: u64) -> bool {
    let byte = usize::try_from(number / 8).ok().and_then(|at| bits.get(at));
    byte.is_some_and(|byte| byte >> (number % 8) & 1 != 0)
}
