//! Names of files against folders, link counts, and the way from every folder to the root.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use super::facts::is;
use super::finding::Finding;
use crate::{
    attribute::{Form, kind},
    file_name::FileName,
    mft,
};

/// Files whose names are told one by one.
const SUSPECTS_MAX: usize = 1000;
/// Index entries kept of them all.
const ENTRIES_MAX: usize = 20_000;

/// A name as a file or an entry gives it: parent, namespace, units.
type Name = (u64, u8, Vec<u16>);

impl Check<'_> {
    /// Compares counts, and looks closer where names and entries do not agree.
    pub(super) fn names(&mut self) {
        let mut suspects = BTreeSet::new();
        let mut more = 0u64;
        let mut at = 0;
        while let Some(number) = self.facts.next(at, is::IN_USE).filter(|_| !self.report.stopped) {
            at = number + 1;
            let fact = self.facts.get(number);
            if !fact.is_file() {
                continue;
            }
            if fact.name_count == 0 && number >= mft::FIRST_FREE {
                let finding = Finding::damage("name-missing").object("$FILE_NAME").found("none");
                self.add_record(finding.expected("a name"), number, 0);
            }
            if fact.links != fact.name_count {
                let finding = Finding::damage("link-count").object("file record");
                let finding = finding.found(format!("{} links", fact.links));
                let expected = format!("{}, the names there are", fact.name_count);
                self.add_record(finding.expected(expected), number, 0x12);
            }
            if fact.names != 0 {
                if suspects.len() < SUSPECTS_MAX {
                    suspects.insert(number);
                } else {
                    more += 1;
                }
            }
        }
        if !suspects.is_empty() {
            self.look_closer(&suspects);
        }
        if more > 0 {
            let finding = Finding::damage("names-unmatched").object("$FILE_NAME");
            let found = format!("{more} more files whose names and index entries differ");
            self.add(finding.found(found).expected("an entry for each name"));
        }
        self.ways_to_the_root();
    }

    /// Collects the entries of these files and compares them with their names.
    fn look_closer(&mut self, suspects: &BTreeSet<u64>) {
        let mut entries: BTreeMap<u64, Vec<(Name, u64, Option<u64>)>> = BTreeMap::new();
        let mut kept = 0;
        let told = std::mem::replace(&mut self.silent, true);
        let mut at = 0;
        while let Some(number) = self.facts.next(at, is::INDEXED | is::DIRECTORY) {
            at = number + 1;
            let Some(file) = self.load(number) else { continue };
            let indexes = self.indexes_of(&file);
            let Some(index) = indexes.iter().find(|i| String::from_utf16_lossy(&i.name) == "$I30")
            else {
                continue;
            };
            self.index(&file, index, &mut |check, entry, offset| {
                let reference = entry.reference();
                let current = check.facts.get(reference.record()).sequence == reference.sequence();
                if !suspects.contains(&reference.record()) || !current || kept >= ENTRIES_MAX {
                    return;
                }
                let Some(name) = FileName::parse(entry.key()) else { return };
                let folder = crate::FileReference::new(number, check.facts.get(number).sequence);
                let name = (folder.0, name.namespace, name.name);
                kept += 1;
                entries.entry(reference.record()).or_default().push((name, number, offset));
            });
        }
        self.silent = told;
        for number in suspects {
            let names = self.names_of(*number);
            let mut entries = entries.remove(number).unwrap_or_default();
            for (name, offset) in names {
                match entries.iter().position(|(entry, ..)| *entry == name) {
                    Some(found) => drop(entries.swap_remove(found)),
                    None => self.unlisted_name(*number, &name, offset),
                }
            }
            for ((_, _, units), folder, offset) in entries {
                let text = String::from_utf16_lossy(&units);
                let finding = Finding::damage("entry-without-name").record(folder).at(offset);
                let found = format!("{text:?} names record {number}, which has no such name here");
                let finding = finding.object("index $I30").found(found);
                self.add(finding.expected("a $FILE_NAME of this folder and name"));
            }
        }
    }

    fn names_of(&self, number: u64) -> Vec<(Name, Option<u64>)> {
        let Some(file) = self.load(number) else { return Vec::new() };
        let names = file.attributes.iter().filter(|p| p.attribute.kind == kind::FILE_NAME);
        names
            .filter_map(|placed| {
                let Form::Resident { value, .. } = &placed.attribute.form else { return None };
                let name = FileName::parse(value)?;
                let at = self.offset_in(placed.record, placed.at);
                Some(((name.parent.0, name.namespace, name.name), at))
            })
            .collect()
    }

    fn unlisted_name(&mut self, number: u64, (parent, _, units): &Name, offset: Option<u64>) {
        let text = String::from_utf16_lossy(units);
        let parent = crate::FileReference(*parent);
        let fact = self.facts.get(parent.record());
        let is_folder =
            fact.is_file() && fact.has(is::DIRECTORY) && fact.sequence == parent.sequence();
        let (code, expected) = if is_folder {
            ("name-without-entry", format!("an entry in folder record {}", parent.record()))
        } else {
            ("name-parent", format!("a folder in use at {:#x}", parent.0))
        };
        let finding = Finding::damage(code).record(number).at(offset).object("$FILE_NAME");
        self.add(finding.found(format!("{text:?}")).expected(expected));
    }

    /// Follows the parents of every folder; a way that comes back to itself never reaches the root.
    fn ways_to_the_root(&mut self) {
        self.facts.set(mft::ROOT, is::REACHED);
        let mut at = 0;
        while let Some(number) = self.facts.next(at, is::DIRECTORY).filter(|_| !self.report.stopped)
        {
            at = number + 1;
            let mut way = Vec::new();
            let mut next = number;
            loop {
                let fact = self.facts.get(next);
                if !fact.is_file() || fact.has(is::REACHED) || fact.link == 0 {
                    break;
                }
                if fact.has(is::ON_THE_WAY) {
                    let finding = Finding::damage("folder-cycle").object("$FILE_NAME");
                    let found =
                        format!("a folder that lies in itself, by way of {} more", way.len());
                    self.add_record(finding.found(found).expected("a way to the root"), next, 0);
                    break;
                }
                self.facts.set(next, is::ON_THE_WAY);
                way.push(next);
                next = fact.link.into();
            }
            for passed in way {
                self.facts.set(passed, is::REACHED);
            }
        }
    }
}
