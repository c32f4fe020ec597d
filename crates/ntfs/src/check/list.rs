//! Attribute lists against the records that they name, both ways.

use std::collections::{BTreeMap, HashSet, btree_map::Entry::Vacant};

use super::Check;
use super::facts::is;
use super::file;
use super::finding::Finding;
use super::record::{Placed, Record, describe};
use crate::{FileReference, attribute::kind, attribute_list::ListEntry};

impl Check<'_> {
    /// Every file with an attribute list, then extension records that no list names.
    pub(super) fn lists(&mut self) {
        let mut at = 0;
        while let Some(number) = self.facts.next(at, is::LISTED).filter(|_| !self.report.stopped) {
            at = number + 1;
            if self.facts.get(number).is_file() {
                self.list(number);
            }
        }
        at = 0;
        while let Some(number) = self.facts.next(at, is::EXTENSION) {
            at = number + 1;
            let fact = self.facts.get(number);
            if !fact.has(is::CLAIMED) {
                let finding = Finding::damage("extension-orphaned").record(number);
                let finding = finding.at(self.source.record_offset(number)).object("file record");
                let found = format!("an extension of record {}", fact.link);
                self.add(
                    finding.found(found).expected("a base record whose attribute list names it"),
                );
            }
        }
    }

    fn list(&mut self, number: u64) {
        let Some(base) = self.source.record(number) else { return };
        let at = self.source.record_offset(number);
        let finding = |code| Finding::damage(code).record(number).at(at).object("$ATTRIBUTE_LIST");
        let Some(entries) = file::entries(&self.source, &base) else {
            let finding = finding("attribute-list").found("a list that cannot be read");
            return self.add(finding.expected("entries one behind the other"));
        };
        let mut records = BTreeMap::from([(number, base)]);
        for entry in &entries {
            let other = entry.record.record();
            if let Vacant(place) = records.entry(other)
                && let Some(record) = self.extension(number, entry)
            {
                place.insert(record);
                self.facts.set(other, is::CLAIMED);
            }
        }
        self.list_order(number, &entries);
        let named: HashSet<Key<'_>> = entries.iter().map(key_of_entry).collect();
        let mut there = HashSet::new();
        let mut attributes = Vec::new();
        for record in records.values() {
            for placed in &record.attributes {
                if placed.attribute.kind == kind::ATTRIBUTE_LIST {
                    continue;
                }
                there.insert(key_of(placed));
                if !named.contains(&key_of(placed)) {
                    let object = describe(placed.attribute.kind, &placed.attribute.name);
                    let at = self.offset_in(record.number, placed.at);
                    let finding = finding("attribute-not-listed").at(at).object(object);
                    let found = format!("an attribute of record {}", record.number);
                    self.add(finding.found(found).expected("an entry in the attribute list"));
                }
                attributes.push(placed.clone());
            }
        }
        for entry in &entries {
            if records.contains_key(&entry.record.record()) && !there.contains(&key_of_entry(entry))
            {
                let finding = finding("attribute-list-entry").found(text(entry));
                self.add(finding.expected("an attribute of this type, name, id and first VCN"));
            }
        }
        let key = |p: &Placed| (p.attribute.kind, p.attribute.name.clone(), p.lowest());
        attributes.sort_by_key(key);
        self.values(number, &attributes);
    }

    /// The record that an entry names, when it is one of this file.
    fn extension(&mut self, base: u64, entry: &ListEntry) -> Option<Record> {
        let other = entry.record.record();
        let fact = self.facts.get(other);
        let own = FileReference::new(base, self.facts.get(base).sequence);
        // Looked at before anything is read: a record is read for its own base alone.
        let own_record = fact.has(is::EXTENSION) && u64::from(fact.link) == base;
        let record = if own_record { self.source.record(other) } else { None };
        let problem = match &record {
            None => "not an extension record of this file".to_owned(),
            Some(record) if record.base.0 != own.0 => {
                format!("an extension of {:#x}, not of {:#x}", record.base.0, own.0)
            }
            Some(record) if record.sequence != entry.record.sequence() => {
                format!("sequence number {}", record.sequence)
            }
            Some(_) => return record,
        };
        let finding = Finding::damage("attribute-list-target").record(base);
        let finding = finding.at(self.source.record_offset(other)).object("$ATTRIBUTE_LIST");
        let found = format!("record {other}: {problem}");
        self.add(finding.found(found).expected(format!("what the list names: {}", text(entry))));
        None
    }

    /// Entries sort by type, name and first VCN.
    fn list_order(&mut self, number: u64, entries: &[ListEntry]) {
        let Some(upcase) = self.upcase.clone() else { return };
        let wrong = entries.windows(2).find(|pair| {
            pair[0]
                .kind
                .cmp(&pair[1].kind)
                .then_with(|| upcase.compare(&pair[0].name, &pair[1].name))
                .then_with(|| pair[0].lowest.cmp(&pair[1].lowest))
                .is_gt()
        });
        if let Some([left, right]) = wrong {
            let finding = Finding::damage("attribute-list-order").record(number);
            let finding = finding.at(self.source.record_offset(number)).object("$ATTRIBUTE_LIST");
            let found = format!("{} behind {}", text(right), text(left));
            self.add(finding.found(found).expected("entries sorted by type, name and first VCN"));
        }
    }
}

/// What tells an extent: record, id, type, first VCN, name.
type Key<'a> = (u64, u16, u32, u64, &'a [u16]);

fn key_of(placed: &Placed) -> Key<'_> {
    let attribute = &placed.attribute;
    (placed.record, attribute.id, attribute.kind, placed.lowest(), &attribute.name)
}

fn key_of_entry(entry: &ListEntry) -> Key<'_> {
    (entry.record.record(), entry.id, entry.kind, entry.lowest, &entry.name)
}

fn text(entry: &ListEntry) -> String {
    let (kind, record) = (describe(entry.kind, &entry.name), entry.record.record());
    format!("{kind} (id {}, VCN {}) in record {record}", entry.id, entry.lowest)
}
