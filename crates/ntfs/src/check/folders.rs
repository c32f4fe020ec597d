//! Indexes of all files: folders against the records that they name, `$R` and `$O` against reparse points and object ids.

use super::Check;
use super::facts::{is, name_hash, object_hash};
use super::file::File;
use super::finding::Finding;
use super::record::describe;
use super::tree::{Step, Walk};
use crate::{
    FileReference,
    attribute::{Form, kind},
    bytes,
    file_name::{self, FileName},
    index::{Collation, EntryView},
    mft,
};

/// Collation rules that tell the indexes of NTFS's own files apart.
const ULONGS: u32 = 0x13;

/// An index of a file.
pub(super) struct Index {
    pub(super) file: u64,
    pub(super) name: Vec<u16>,
    /// Where its root lies on the volume.
    pub(super) offset: Option<u64>,
    pub(super) collation: u32,
}

impl Check<'_> {
    /// Walks every index.
    pub(super) fn indexes(&mut self) {
        // Blocks of all indexes together lie on the volume once; more means that they are shared.
        let mut budget = self.source.device().len() / 512 + self.source.records;
        let mut at = 0;
        while let Some(number) = self.facts.next(at, is::INDEXED).filter(|_| !self.report.stopped) {
            self.report.advance(number - at);
            at = number + 1;
            if !self.facts.get(number).is_file() {
                continue;
            }
            let Some(file) = self.load(number) else { continue };
            for index in self.indexes_of(&file) {
                let blocks = self.index(&file, &index, &mut |check, entry, offset| {
                    check.index_entry(&index, entry, offset);
                });
                let Some(left) = budget.checked_sub(blocks) else {
                    let finding = Finding::damage("index-blocks-shared").record(number);
                    let found = "more index blocks than the volume holds";
                    return self.add(finding.found(found).expected("each block in one index"));
                };
                budget = left;
            }
        }
        self.report.advance(self.source.records.saturating_sub(at));
    }

    /// The indexes that a file holds, their roots looked at.
    pub(super) fn indexes_of(&self, file: &File) -> Vec<Index> {
        let number = file.base.number;
        let roots = file.attributes.iter().filter(|p| p.attribute.kind == kind::INDEX_ROOT);
        roots
            .filter_map(|placed| {
                let Form::Resident { value, .. } = &placed.attribute.form else { return None };
                Some(Index {
                    file: number,
                    name: placed.attribute.name.clone(),
                    offset: self.offset_in(placed.record, placed.at),
                    collation: bytes::u32_at(value, 4).unwrap_or(0),
                })
            })
            .collect()
    }

    /// Walks one index and hands each entry on; returns the blocks it has.
    pub(super) fn index(
        &mut self,
        file: &File,
        index: &Index,
        each: &mut dyn FnMut(&mut Self, EntryView<'_>, Option<u64>),
    ) -> u64 {
        let upcase = self.upcase.clone();
        let rule = upcase.as_deref().and_then(|up| Collation::from_code(index.collation, up).ok());
        let source = self.source.clone();
        let mut walk = Walk::new(&source, file, &index.name, rule, index.offset);
        while let Some(step) = walk.next() {
            match step {
                Step::Entry { bytes, offset } => {
                    if let Some(entry) = EntryView::parse(&bytes) {
                        each(self, entry, offset.or(index.offset));
                    }
                }
                Step::Wrong(wrong) => {
                    let finding = Finding::damage(wrong.code).record(index.file).at(wrong.offset);
                    let finding = finding.object(describe_index(index)).found(wrong.found);
                    self.add(finding.expected(wrong.expected));
                }
            }
        }
        walk.count
    }

    fn index_entry(&mut self, index: &Index, entry: EntryView<'_>, offset: Option<u64>) {
        let name = String::from_utf16_lossy(&index.name);
        match name.as_str() {
            "$I30" => self.folder_entry(index, entry, offset),
            "$R" => self.reparse_entry(index, entry, offset),
            "$O" if index.collation == ULONGS => self.object_entry(index, entry, offset),
            "$SII" | "$SDH" if index.file == mft::SECURE => self.secure.note(&name, entry),
            _ => {}
        }
    }

    fn folder_entry(&mut self, index: &Index, entry: EntryView<'_>, offset: Option<u64>) {
        let reference = entry.reference();
        let number = reference.record();
        let finding =
            |code| Finding::damage(code).record(index.file).at(offset).object("index $I30");
        let Some(name) = FileName::parse(entry.key()) else {
            let finding = finding("index-key").found("a key that is no $FILE_NAME value");
            return self.add(finding.expected("a $FILE_NAME value"));
        };
        let text = String::from_utf16_lossy(&name.name);
        let folder = FileReference::new(index.file, self.facts.get(index.file).sequence);
        if name.parent != folder {
            let found = format!("{text:?} with the parent {:#x}", name.parent.0);
            let expected = format!("{:#x}, the folder", folder.0);
            self.add(finding("entry-parent").found(found).expected(expected));
        }
        let fact = self.facts.get(number);
        if !fact.is_file() {
            let found = format!("{text:?} names record {number}, which is no file in use");
            return self.add(finding("entry-without-file").found(found).expected("a file in use"));
        }
        if fact.sequence != reference.sequence() {
            let found =
                format!("{text:?} names record {number}, sequence {}", reference.sequence());
            let expected = format!("sequence {}, as the record", fact.sequence);
            return self.add(finding("entry-sequence").found(found).expected(expected));
        }
        let directory = name.duplicated.attributes & file_name::DIRECTORY != 0;
        // Formatters leave NTFS's own files without the bit, and chkdsk lets them.
        if directory != fact.has(is::DIRECTORY) && number >= mft::FIRST_USER {
            let (found, expected) = if directory { ("folder", "file") } else { ("file", "folder") };
            let found = format!("{text:?} as a {found}");
            let expected = format!("a {expected}, as record {number} says");
            self.add(finding("entry-kind").found(found).expected(expected));
        }
        let hash = name_hash(reference.0, folder.0, name.namespace, &name.name);
        if let Some(fact) = self.facts.entry(number) {
            fact.names = fact.names.wrapping_sub(hash);
        }
    }

    fn reparse_entry(&mut self, index: &Index, entry: EntryView<'_>, offset: Option<u64>) {
        let key = entry.key();
        let (tag, file) = (bytes::u32_at(key, 0).unwrap_or(0), bytes::u64_at(key, 4).unwrap_or(0));
        let file = FileReference(file);
        let fact = self.facts.get(file.record());
        let agrees = fact.is_file()
            && fact.has(is::REPARSE)
            && (fact.sequence, fact.reparse_tag) == (file.sequence(), tag);
        if agrees {
            return self.facts.set(file.record(), is::REPARSE_SEEN);
        }
        let finding = Finding::damage("reparse-entry").record(index.file).at(offset);
        let found = format!("tag {tag:#x} of file {:#x}", file.0);
        let finding = finding.object("index $R").found(found);
        self.add(finding.expected("a reparse point of this file"));
    }

    fn object_entry(&mut self, index: &Index, entry: EntryView<'_>, offset: Option<u64>) {
        let file = FileReference(entry.data().and_then(|data| bytes::u64_at(data, 0)).unwrap_or(0));
        let fact = self.facts.get(file.record());
        let agrees = fact.is_file()
            && fact.has(is::OBJECT_ID)
            && (fact.sequence, fact.object) == (file.sequence(), object_hash(entry.key()));
        if agrees {
            return self.facts.set(file.record(), is::OBJECT_SEEN);
        }
        let finding = Finding::damage("object-id-entry").record(index.file).at(offset);
        let finding = finding.object("index $O").found(format!("an id of file {:#x}", file.0));
        self.add(finding.expected("an $OBJECT_ID of this file"));
    }

    /// Reparse points and object ids that no index names.
    pub(super) fn unnamed_by_indexes(&mut self) {
        for (has, seen, code, object, expected) in [
            (
                is::REPARSE,
                is::REPARSE_SEEN,
                "reparse-not-indexed",
                "$REPARSE_POINT",
                "an entry in $R",
            ),
            (
                is::OBJECT_ID,
                is::OBJECT_SEEN,
                "object-id-not-indexed",
                "$OBJECT_ID",
                "an entry in $O",
            ),
        ] {
            let mut at = 0;
            while let Some(number) = self.facts.next(at, has) {
                at = number + 1;
                let fact = self.facts.get(number);
                if fact.is_file() && !fact.has(seen) {
                    let finding = Finding::damage(code).object(object).found("no entry");
                    self.add_record(finding.expected(expected), number, 0);
                }
            }
        }
    }
}

fn describe_index(index: &Index) -> String {
    format!("index {}", describe(kind::INDEX_ROOT, &index.name).trim_start_matches("$INDEX_ROOT:"))
}
