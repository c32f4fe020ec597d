//! Where `$MFT` lies, told by its own first record or by that record's copy in `$MFTMirr`.

use super::finding::{Finding, Report};
use super::record::{self, Record};
use super::source::Source;
use crate::{
    Error,
    attribute::{Attribute, Form, kind},
    attribute_list,
    run_list::{self, Lcn, Vcn},
};

/// File records that are looked at: their table then takes half a gigabyte.
const RECORDS_MAX: u64 = 1 << 24;

/// Finds the runs of `$MFT` and how many records it holds.
pub(super) fn find(source: &mut Source, report: &mut Report<'_>) -> Result<(), Error> {
    let (main, mirror) = (source.geometry.mft, source.geometry.mft_mirror);
    let first = match read_at(source, main).filter(is_usable) {
        Some(record) => record,
        None => {
            let finding = Finding::damage("mft-first-record").record(0).object("$MFT");
            let finding = finding.at(source.geometry.offset(main));
            report.add(finding.found("an unusable record").expected("the record of $MFT"));
            let none = Error::Damaged {
                structure: "$MFT",
                record: 0,
                problem: "neither its record nor the copy is usable",
                found: main.0,
            };
            read_at(source, mirror).filter(is_usable).ok_or(none)?
        }
    };
    let Some(data) = data(&first) else { return Ok(()) };
    let Form::NonResident { initialized, .. } = data.form else { return Ok(()) };
    source.mft = source.runs(data).unwrap_or_default();
    let mapped = |source: &Source| run_list::end(&source.mft).0.saturating_mul(source.cluster());
    let limit = |source: &Source| initialized.min(mapped(source)) / source.record_size();
    source.records = limit(source);
    for (lowest, number) in later_extents(source, &first) {
        // Each extent stands in a record that those before it map.
        let Some(extension) = source.record(number) else { break };
        let extent = extension.attributes.iter().map(|placed| &placed.attribute).find(|other| {
            other.kind == kind::DATA && other.name.is_empty() && record::lowest(other) == lowest
        });
        let joins = lowest == run_list::end(&source.mft).0;
        let Some(runs) = extent.filter(|_| joins).and_then(|extent| source.runs(extent)) else {
            break;
        };
        source.mft.extend(runs);
        source.records = limit(source);
    }
    if initialized > mapped(source) {
        let found = format!("runs for {} bytes", mapped(source));
        let finding = Finding::damage("mft-incomplete").record(0).object("$DATA").found(found);
        report.add(finding.expected(format!("runs for all {initialized} bytes of $MFT")));
    }
    if source.records > RECORDS_MAX {
        let found = format!("{} file records", source.records);
        let finding = Finding::damage("mft-too-large").record(0).object("$MFT").found(found);
        report.add(finding.expected(format!("at most {RECORDS_MAX}, which is what is checked")));
        source.records = RECORDS_MAX;
    }
    Ok(())
}

fn read_at(source: &Source, lcn: Lcn) -> Option<Record> {
    let mut raw = vec![0; source.geometry.record_size as usize];
    let there = source.read(source.geometry.offset(lcn)?, &mut raw) && raw.starts_with(b"FILE");
    there.then(|| record::parse(0, raw, None))
}

fn is_usable(record: &Record) -> bool {
    let torn = record.problems.iter().any(|problem| problem.code == "record-torn");
    !torn && data(record).is_some_and(|data| matches!(data.form, Form::NonResident { .. }))
}

fn data(record: &Record) -> Option<&Attribute> {
    let mut attributes = record.attributes.iter().map(|placed| &placed.attribute);
    attributes.find(|a| a.kind == kind::DATA && a.name.is_empty() && record::lowest(a) == 0)
}

/// First VCN and record of each further extent of `$MFT`.
fn later_extents(source: &Source, first: &Record) -> Vec<(u64, u64)> {
    let list = first.attributes.iter().find(|placed| placed.attribute.kind == kind::ATTRIBUTE_LIST);
    let value = list.and_then(|list| source.value(&[&list.attribute], attribute_list::BYTES_MAX));
    let entries = attribute_list::parse(&value.unwrap_or_default()).unwrap_or_default();
    let mut extents: Vec<(u64, u64)> = entries
        .iter()
        .filter(|entry| entry.kind == kind::DATA && entry.name.is_empty() && entry.lowest != 0)
        .map(|entry| (entry.lowest, entry.record.record()))
        .collect();
    extents.sort_unstable();
    extents
}

/// True when `$MFT` begins where the boot sector says.
pub(super) fn begins_at(runs: &[run_list::Run], lcn: Lcn) -> bool {
    runs.first().is_some_and(|run| run.vcn == Vcn(0) && run.lcn == Some(lcn))
}
