//! All attributes of one file, from its base record and the records that its attribute list names.

use super::record::{Placed, Record};
use super::source::Source;
use crate::{
    attribute::{Attribute, Form, kind},
    attribute_list::{self, ListEntry},
    run_list::Run,
};

/// A file's attributes; those of one type and name stand together by first VCN.
pub(super) struct File {
    pub(super) base: Record,
    pub(super) attributes: Vec<Placed>,
}

impl File {
    /// Loads one of NTFS's own files as far as it can be read.
    pub(super) fn load(source: &Source, number: u64) -> Option<Self> {
        Self::load_from(source, number, &|_| true)
    }

    /// Loads a file as far as it can be read, from those records of its list that are `own`.
    pub(super) fn load_from(
        source: &Source,
        number: u64,
        own: &dyn Fn(u64) -> bool,
    ) -> Option<Self> {
        let base = source.record(number)?;
        let mut attributes = base.attributes.clone();
        let mut records: Vec<u64> = entries(source, &base)
            .unwrap_or_default()
            .iter()
            .map(|entry| entry.record.record())
            .filter(|other| *other != number && own(*other))
            .collect();
        records.sort_unstable();
        records.dedup();
        for other in records {
            let extension = source.record(other).filter(Record::in_use);
            let extension = extension.filter(|other| other.base.record() == number);
            attributes.extend(extension.map(|other| other.attributes).unwrap_or_default());
        }
        let key = |p: &Placed| (p.attribute.kind, p.attribute.name.clone(), p.lowest());
        attributes.sort_by_key(key);
        Some(Self { base, attributes })
    }

    /// The extents of a value, the first one first.
    pub(super) fn extents(&self, kind: u32, name: &str) -> Vec<&Attribute> {
        let name: Vec<u16> = name.encode_utf16().collect();
        self.extents_of(kind, &name)
    }

    pub(super) fn extents_of(&self, kind: u32, name: &[u16]) -> Vec<&Attribute> {
        let attributes = self.attributes.iter().map(|placed| &placed.attribute);
        attributes.filter(|a| a.kind == kind && a.name == name).collect()
    }

    /// Runs and length in bytes of what a non-resident value holds.
    pub(super) fn runs(&self, source: &Source, kind: u32, name: &[u16]) -> Option<(Vec<Run>, u64)> {
        let extents = self.extents_of(kind, name);
        let Form::NonResident { size, initialized, .. } = extents.first()?.form else {
            return None;
        };
        Some((source.joined(&extents)?, size.min(initialized)))
    }
}

/// The entries of a record's attribute list; nothing when there is none or it cannot be read.
pub(super) fn entries(source: &Source, base: &Record) -> Option<Vec<ListEntry>> {
    let list = base.attributes.iter().find(|p| p.attribute.kind == kind::ATTRIBUTE_LIST)?;
    let value = source.value(&[&list.attribute], attribute_list::BYTES_MAX)?;
    attribute_list::parse(&value).ok()
}
