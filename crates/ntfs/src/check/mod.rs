//! The consistency check: every structure of a volume against every other, changing nothing.
//!
//! One pass reads all file records in the order of `$MFT` and keeps 32 bytes of each; a second one walks the indexes. What a
//! structure says twice is compared without keeping it: names and index entries as sums of hashes, which are zero when they agree,
//! clusters as one bit each. Only where that shows a difference is it looked for by name.
//!
//! **Invariant:** damage ends neither the check nor the process: what cannot be read is a finding, every loop is bounded by the
//! volume's size, and no length is believed before it was compared with what is there.
//! **Memory:** 32 bytes for each file record in use and one bit for each cluster in use, in pieces of 128 KiB and 64 KiB:
//! 46 MB for a million files on 1 TB.
//! **Not here:** contents of files, `$UsnJrnl`, quotas, the log; what folders repeat of sizes and times, which Windows leaves behind.

mod finding;
mod source;
mod boot;
mod mft_map;
mod record;
mod file;
mod facts;
mod clusters;
mod scan;
mod values;
mod list;
mod tree;
mod folders;
mod names;
mod bitmap;
mod secure;
mod system;

use std::ops::ControlFlow;
use std::sync::Arc;

use winkiln_disk::Device;

pub use finding::{Event, Finding, Severity, Summary};

use crate::{
    Error,
    attribute::{Form, kind},
    file_name::{FileName, namespace},
    mft,
    upcase::UpCase,
};
use clusters::{Clusters, Ranges};
use facts::Facts;
use finding::Report;
use source::Source;

/// Folders that a path is followed through.
const PATH_MAX: usize = 64;

/// Checks the volume that `device` holds, also one that [`crate::Volume::open`] refuses. Findings and progress go to `watch`,
/// which may stop the check. Of each kind of finding 200 are told one by one.
///
/// # Errors
/// [`Error::BootSector`] when neither the boot sector nor its copy is one of NTFS, or the volume has more than 2^32 clusters,
/// [`Error::Damaged`] when `$MFT` is not found, [`Error::Device`] when the first sector cannot be read.
pub fn check(
    device: &Arc<dyn Device>,
    watch: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<Summary, Error> {
    let mut report = Report::new(watch);
    let geometry = boot::read(&**device, &mut report)?;
    let mut source = Source::new(device.clone(), geometry);
    mft_map::find(&mut source, &mut report)?;
    let mut check = Check {
        facts: Facts::new(source.records),
        used: Clusters::new(source.geometry.clusters()),
        source: source.into(),
        report,
        upcase: None,
        mft_bitmap: None,
        crossed: Ranges::default(),
        unmarked: Ranges::default(),
        secure: secure::SecureIndexes::default(),
        silent: false,
    };
    check.run();
    check.report.summary.clusters = check.used.count;
    Ok(check.report.finish())
}

/// A check under way.
struct Check<'a> {
    source: Arc<Source>,
    report: Report<'a>,
    upcase: Option<Arc<UpCase>>,
    /// `$MFT`'s bitmap of records.
    mft_bitmap: Option<Vec<u8>>,
    facts: Facts,
    /// Clusters that files own.
    used: Clusters,
    /// Clusters that more than one value owns.
    crossed: Ranges,
    /// Clusters that files own and `$Bitmap` says are free.
    unmarked: Ranges,
    secure: secure::SecureIndexes,
    /// What is found is known already.
    silent: bool,
}

impl Check<'_> {
    fn run(&mut self) {
        self.report.total = self.source.records.saturating_mul(2);
        self.read_record_bitmap();
        self.read_upcase();
        self.mirror();
        type Pass = fn(&mut Check<'_>);
        let passes: [Pass; 9] = [
            |check| check.scan(),
            |check| check.lists(),
            |check| check.indexes(),
            |check| check.unnamed_by_indexes(),
            |check| check.names(),
            |check| check.security(),
            |check| check.cluster_bitmap(),
            |check| check.owners(),
            |check| check.system_files(),
        ];
        for pass in passes {
            if self.report.stopped {
                return;
            }
            pass(self);
        }
        self.state();
    }

    /// Tells a finding, with the path of its record.
    fn add(&mut self, mut finding: Finding) {
        if self.silent {
            return;
        }
        if finding.path.is_none() && self.report.wants(finding.code) {
            finding.path = finding.record.and_then(|record| self.path(record));
        }
        self.report.add(finding);
    }

    /// Tells a finding at an offset of a file record.
    fn add_record(&mut self, finding: Finding, number: u64, at: usize) {
        let offset = self.offset_in(number, at);
        let object =
            if finding.object.is_empty() { "file record".into() } else { finding.object.clone() };
        self.add(finding.record(number).at(offset).object(object));
    }

    /// A place in a file record as an offset on the volume.
    fn offset_in(&self, number: u64, at: usize) -> Option<u64> {
        Some(self.source.record_offset(number)? + at as u64)
    }

    /// Loads a file. A record is read for the file alone that it says it belongs to.
    fn load(&self, number: u64) -> Option<file::File> {
        file::File::load_from(&self.source, number, &|other| {
            u64::from(self.facts.get(other).link) == number
        })
    }

    /// The path of a file, read up from its record.
    fn path(&self, record: u64) -> Option<String> {
        let mut names = Vec::new();
        let mut at = record;
        while at != mft::ROOT {
            if names.len() == PATH_MAX {
                return None;
            }
            // The name stands in the base record, or the file has very many attributes.
            let base = self.source.record(at)?;
            let (parent, name) = match long_name(&base.attributes) {
                Some(name) => name,
                None => long_name(&self.load(at)?.attributes)?,
            };
            names.push(name);
            at = parent;
        }
        names.push(String::new());
        names.reverse();
        Some(if names.len() == 1 { "\\".to_owned() } else { names.join("\\") })
    }
}

/// The first name that is not for DOS alone, and the record of its folder.
fn long_name(attributes: &[record::Placed]) -> Option<(u64, String)> {
    attributes.iter().find_map(|placed| {
        let Form::Resident { value, .. } = &placed.attribute.form else { return None };
        let name = Some(value).filter(|_| placed.attribute.kind == kind::FILE_NAME)?;
        let name = FileName::parse(name).filter(|name| name.namespace != namespace::DOS)?;
        Some((name.parent.record(), String::from_utf16_lossy(&name.name)))
    })
}
