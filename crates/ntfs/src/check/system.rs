//! The file system's own files that nothing else looks at, and the volume's state.

use super::Check;
use super::facts::is;
use super::file::File;
use super::finding::Finding;
use crate::{
    FileTime,
    attribute::kind,
    bytes,
    core::Core,
    mft,
    run_list::{self, Lcn},
    upcase::{self, UpCase},
};

/// Bytes of an entry of `$AttrDef`, and where its type stands.
const DEFINITION: usize = 0xa0;
const DEFINITION_TYPE_AT: usize = 0x80;

impl Check<'_> {
    /// Reads `$UpCase`, which everything that is sorted needs.
    pub(super) fn read_upcase(&mut self) {
        let file = File::load(&self.source, mft::UPCASE);
        let most = upcase::TABLE_BYTES as u64;
        let value = file.and_then(|file| self.source.value(&file.extents(kind::DATA, ""), most));
        let finding = Finding::damage("upcase").record(mft::UPCASE).object("$DATA");
        let whole = value.filter(|value| value.len() == upcase::TABLE_BYTES);
        let Some(value) = whole else {
            let finding = finding.found("no complete table");
            return self.add(finding.expected("65,536 units"));
        };
        let table = UpCase::from_bytes(&value);
        let wrong = (0..128u16).find(|unit| {
            let upper = u8::try_from(*unit).map_or(0, |byte| byte.to_ascii_uppercase());
            table.upper(*unit) != u16::from(upper)
        });
        if let Some(unit) = wrong {
            let found = format!("{unit:#x} becomes {:#x}", table.upper(unit));
            self.add(finding.found(found).expected("a table that maps ASCII letters"));
        }
        self.upcase = Some(table.into());
    }

    /// `$Volume`, `$AttrDef`, `$Boot`, `$BadClus`, and that NTFS's own files are there.
    pub(super) fn system_files(&mut self) {
        for number in 0..12 {
            let fact = self.facts.get(number);
            let folder = matches!(number, mft::ROOT | 11);
            if !fact.is_file() || fact.has(is::DIRECTORY) != folder {
                let finding = Finding::damage("system-file").object("file record");
                let found = if fact.is_file() { "another kind of file" } else { "no file" };
                self.add_record(finding.found(found).expected("a file of NTFS's own"), number, 0);
            }
        }
        let information = self.system_value(mft::VOLUME, kind::VOLUME_INFORMATION, 64);
        match information.as_deref() {
            Some([_, _, _, _, _, _, _, _, 3, _, _, _, ..]) => {}
            Some([_, _, _, _, _, _, _, _, major, minor, _, _, ..]) => {
                let finding = Finding::note("volume-version").record(mft::VOLUME);
                let finding = finding.object("$VOLUME_INFORMATION");
                self.add(
                    finding.found(format!("NTFS {major}.{minor}")).expected("NTFS 3.0 or 3.1"),
                );
            }
            _ => {
                let finding = Finding::damage("volume-information").object("$VOLUME_INFORMATION");
                let finding = finding.found("none that can be read");
                self.add_record(finding.expected("version and flags"), mft::VOLUME, 0);
            }
        }
        self.definitions();
        let boot = File::load(&self.source, mft::BOOT);
        let boot = boot.and_then(|file| file.runs(&self.source, kind::DATA, &[]));
        if !boot.is_some_and(|(runs, _)| super::mft_map::begins_at(&runs, Lcn(0))) {
            let finding = Finding::damage("boot-place").object("$Boot").found("elsewhere");
            self.add_record(finding.expected("cluster 0"), mft::BOOT, 0);
        }
        let name: Vec<u16> = "$Bad".encode_utf16().collect();
        let bad = File::load(&self.source, mft::BAD_CLUSTERS).and_then(|file| {
            let extents = file.extents_of(kind::DATA, &name);
            self.source.joined(&extents)
        });
        match bad {
            None => {
                let finding = Finding::damage("bad-clusters-missing").object("$DATA:$Bad");
                let finding = finding.found("none that can be read");
                self.add_record(finding.expected("a list of bad clusters"), mft::BAD_CLUSTERS, 0);
            }
            Some(runs) => {
                let (end, clusters) = (run_list::end(&runs).0, self.source.geometry.clusters());
                if end > clusters {
                    let finding = Finding::damage("bad-clusters-size").object("$DATA:$Bad");
                    let finding = finding.found(format!("{end} clusters"));
                    let expected = format!("{clusters}, those of the volume");
                    self.add_record(finding.expected(expected), mft::BAD_CLUSTERS, 0);
                }
                let count: u64 = runs.iter().filter(|r| r.lcn.is_some()).map(|r| r.length).sum();
                if count > 0 {
                    let finding = Finding::note("bad-clusters").record(mft::BAD_CLUSTERS);
                    let found = format!("{count} clusters are set aside as bad");
                    self.add(finding.object("$DATA:$Bad").found(found).expected("none"));
                }
            }
        }
    }

    fn definitions(&mut self) {
        let value = self.system_value(mft::ATTRIBUTE_DEFINITIONS, kind::DATA, 1 << 20);
        let value = value.unwrap_or_default();
        let types: Vec<u32> = value
            .chunks_exact(DEFINITION)
            .map_while(|entry| bytes::u32_at(entry, DEFINITION_TYPE_AT).filter(|kind| *kind != 0))
            .collect();
        let known = [kind::STANDARD_INFORMATION, kind::FILE_NAME, kind::DATA];
        if !types.is_sorted() || !known.iter().all(|kind| types.contains(kind)) {
            let finding = Finding::damage("attribute-definitions").object("$AttrDef");
            let finding = finding.found(format!("types {types:x?}"));
            let expected = "the attribute types in order";
            self.add_record(finding.expected(expected), mft::ATTRIBUTE_DEFINITIONS, 0);
        }
    }

    fn system_value(&self, record: u64, kind: u32, most: u64) -> Option<Vec<u8>> {
        let file = File::load(&self.source, record)?;
        self.source.value(&file.extents(kind, ""), most)
    }

    /// What the volume says of itself; and whether it opens at all.
    pub(super) fn state(&mut self) {
        let core = Core::open(self.source.device().clone(), FileTime::default());
        let state = core.and_then(|mut core| core.volume_state());
        let details = match state {
            Ok(state) => state.details,
            Err(error) => {
                // As a rule the damage behind it was found already.
                let finding = Finding::damage("does-not-open").object("volume");
                return self.add(finding.found(error.to_string()).expected("a volume that opens"));
            }
        };
        for detail in details.into_iter().filter(|detail| detail.blocks_writing) {
            let code = match detail.word.as_str() {
                "dirty" => "state-dirty",
                "check-underway" => "state-check-underway",
                "upgrade-on-mount" => "state-upgrade-on-mount",
                "log-not-clean" => "state-log-not-clean",
                "fast-startup" => "state-fast-startup",
                "hibernated" => "state-hibernated",
                // Told as damage, with the place.
                _ => continue,
            };
            let finding = Finding::note(code).object("volume").found(detail.evidence);
            self.add(finding.expected("a clean dismount"));
        }
    }
}
