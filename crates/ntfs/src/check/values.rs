//! Attribute values: their extents follow each other, and their sizes fit their clusters.
//!
//! Source: linux-ntfs documentation, "Attribute Header" and "Compression".

use super::Check;
use super::finding::Finding;
use super::record::{Placed, describe};
use crate::{
    attribute::{Attribute, Form, flag, kind},
    mft,
    run_list::{self, Run, Vcn},
};

/// Largest compression unit in clusters, as a power of two.
const UNIT_MAX: u8 = 16;

/// Owners that each cluster may have on average before they are not counted any more.
const OWNERS_MAX: u64 = 8;

impl Check<'_> {
    /// One extent: its mapping pairs decode, lie inside the volume and cover the VCNs that the header says.
    /// Their clusters are taken for the file.
    pub(super) fn extent(&mut self, base: u64, placed: &Placed) {
        let Form::NonResident { pairs, lowest, highest, .. } = &placed.attribute.form else {
            return;
        };
        let at = self.offset_in(placed.record, placed.at);
        let object = describe(placed.attribute.kind, &placed.attribute.name);
        let finding = |code| Finding::damage(code).record(base).at(at).object(object.clone());
        let runs = match run_list::decode(pairs, Vcn(*lowest), self.source.geometry.clusters()) {
            Ok(runs) => runs,
            Err(bad) => {
                let outside = run_list::decode(pairs, Vcn(*lowest), u64::MAX >> 1).is_ok();
                let (code, expected) = if outside {
                    (
                        "run-outside-volume",
                        format!("below cluster {}", self.source.geometry.clusters()),
                    )
                } else {
                    ("run-list", "mapping pairs that decode".to_owned())
                };
                let found = format!("run at byte {:#x} of the mapping pairs", bad.at);
                return self.add(finding(code).found(found).expected(expected));
            }
        };
        let end = if runs.is_empty() { *lowest } else { run_list::end(&runs).0 };
        if end != highest.wrapping_add(1) {
            let found = format!("VCN {lowest} to {}", highest.cast_signed());
            let expected = format!("to {}, as the runs", end.wrapping_sub(1).cast_signed());
            self.add(finding("extent-vcns").found(found).expected(expected));
        }
        // Clusters that are owned over and over are damage enough; further owners are not counted.
        let most = self.source.geometry.clusters().saturating_mul(OWNERS_MAX);
        for run in &runs {
            if self.crossed.clusters > most {
                return;
            }
            if let Some(lcn) = run.lcn {
                self.used
                    .add(lcn.0, run.length, &mut |first, length| self.crossed.add(first, length));
            }
        }
    }

    /// All extents of all values of a file; those of one type and name stand together by first VCN.
    pub(super) fn values(&mut self, base: u64, attributes: &[Placed]) {
        let same = |a: &Placed, b: &Placed| {
            (a.attribute.kind, &a.attribute.name) == (b.attribute.kind, &b.attribute.name)
        };
        for parts in attributes.chunk_by(same) {
            self.value(base, parts);
        }
    }

    fn value(&mut self, base: u64, parts: &[Placed]) {
        let Some(first) = parts.first() else { return };
        let attribute = &first.attribute;
        let at = self.offset_in(first.record, first.at);
        let object = describe(attribute.kind, &attribute.name);
        let finding = |code| Finding::damage(code).record(base).at(at).object(object.clone());
        if attribute.kind == kind::FILE_NAME {
            return;
        }
        let resident = parts.iter().any(|p| matches!(p.attribute.form, Form::Resident { .. }));
        if resident {
            if parts.len() > 1 {
                let found = format!("{} attributes of one type and name", parts.len());
                self.add(
                    finding("attribute-twice").found(found).expected("one resident attribute"),
                );
            }
            return;
        }
        let mut next = 0;
        for part in parts {
            let Form::NonResident { highest, .. } = part.attribute.form else { continue };
            if part.lowest() != next {
                let code = if part.lowest() > next { "extent-missing" } else { "extent-overlap" };
                let at = self.offset_in(part.record, part.at);
                let finding = finding(code).at(at).found(format!("VCN {}", part.lowest()));
                return self.add(finding.expected(format!("VCN {next}")));
            }
            next = highest.wrapping_add(1);
        }
        let extents: Vec<&Attribute> = parts.iter().map(|part| &part.attribute).collect();
        // Runs that do not decode were told with their extent.
        if let Some(runs) = self.source.joined(&extents) {
            for (code, found, expected) in sizes(attribute, &runs, self.source.cluster(), base) {
                self.add(finding(code).found(found).expected(expected));
            }
        }
    }
}

type Wrong = (&'static str, String, String);

/// Compares the sizes in the first extent with the runs.
fn sizes(attribute: &Attribute, runs: &[Run], cluster: u64, base: u64) -> Vec<Wrong> {
    let Form::NonResident { unit, allocated, size, initialized, packed, .. } = &attribute.form
    else {
        return Vec::new();
    };
    let mut wrong = Vec::new();
    let room = run_list::end(runs).0.saturating_mul(cluster);
    if *allocated != room {
        let found = format!("{allocated} bytes allocated");
        wrong.push(("size-allocated", found, format!("{room}, as the runs")));
    }
    if *size > *allocated {
        let found = format!("{size} bytes long");
        wrong.push(("size-past-allocation", found, format!("at most {allocated}, as allocated")));
    }
    if *initialized > *size {
        let found = format!("{initialized} bytes initialized");
        wrong.push(("size-initialized", found, format!("at most {size}, the length")));
    }
    let real: u64 = runs.iter().filter(|run| run.lcn.is_some()).map(|run| run.length).sum();
    if let Some(packed) = packed
        && *packed != real.saturating_mul(cluster)
    {
        let found = format!("{packed} bytes on disk");
        wrong.push((
            "size-packed",
            found,
            format!("{}, as the runs", real.saturating_mul(cluster)),
        ));
    }
    let compressed = attribute.flags & flag::COMPRESSION != 0;
    let sparse = attribute.flags & flag::SPARSE != 0;
    let holes = runs.iter().any(|run| run.lcn.is_none());
    if *unit > UNIT_MAX || compressed && *unit == 0 || !compressed && !sparse && *unit != 0 {
        wrong.push(("compression-unit", format!("2^{unit} clusters"), "a power of two".into()));
    } else if compressed {
        let unit = 1u64 << unit;
        let inside = runs.windows(2).find(|pair| {
            pair[0].lcn.is_none() && pair[1].lcn.is_some() && !pair[1].vcn.0.is_multiple_of(unit)
        });
        if let Some([_, run]) = inside {
            let found = format!("clusters behind a hole at VCN {}", run.vcn.0);
            let expected = format!("holes that reach to the end of {unit} clusters");
            wrong.push(("compression-layout", found, expected));
        }
    }
    // The list of bad clusters is one great hole in a plain stream.
    if holes && !compressed && !sparse && base != mft::BAD_CLUSTERS {
        wrong.push(("hole-in-plain-stream", "a hole".into(), "clusters for every VCN".into()));
    }
    wrong
}
