//! `$Secure`: the stream of security descriptors, its copy, and its two indexes.

use std::collections::BTreeMap;

use super::Check;
use super::facts::is;
use super::file::File;
use super::finding::Finding;
use crate::{
    attribute::kind,
    bytes,
    index::EntryView,
    mft,
    run_list::Run,
    security::{
        hash,
        sds::{BLOCK, HEAD, Header},
    },
};

/// Descriptors that are looked at.
const DESCRIPTORS_MAX: usize = 1 << 20;

/// What the indexes of `$Secure` hold, by security id.
#[derive(Default)]
pub(super) struct SecureIndexes {
    by_id: BTreeMap<u32, Header>,
    by_hash: BTreeMap<u32, Header>,
    /// Entries that are none, or whose key is not that of their data.
    bad: Vec<(&'static str, String)>,
}

impl SecureIndexes {
    /// Notes an entry of `$SII` or `$SDH`.
    pub(super) fn note(&mut self, index: &str, entry: EntryView<'_>) {
        let key = entry.key();
        let header = entry.data().and_then(Header::parse);
        let by_id = index == "$SII";
        let agrees = header.filter(|header| {
            let word = |at| bytes::u32_at(key, at);
            let id = if by_id { word(0) } else { word(4).filter(|_| word(0) == Some(header.hash)) };
            id == Some(header.id)
        });
        let Some(header) = agrees else {
            if self.bad.len() < 100 {
                let name = if by_id { "index $SII" } else { "index $SDH" };
                self.bad.push((name, format!("{header:?} under the key {key:02x?}")));
            }
            return;
        };
        let map = if by_id { &mut self.by_id } else { &mut self.by_hash };
        if map.len() < DESCRIPTORS_MAX {
            map.insert(header.id, header);
        }
    }
}

impl Check<'_> {
    /// Compares `$SDS`, `$SII`, `$SDH` and the ids that files have.
    pub(super) fn security(&mut self) {
        let indexes = std::mem::take(&mut self.secure);
        let finding = |code| Finding::damage(code).record(mft::SECURE);
        for (object, found) in &indexes.bad {
            let finding = finding("security-index-entry").object(*object).found(found.clone());
            self.add(finding.expected("the place of a descriptor under its id or hash"));
        }
        let file = File::load(&self.source, mft::SECURE);
        let name: Vec<u16> = "$SDS".encode_utf16().collect();
        let stream = file.and_then(|file| file.runs(&self.source, kind::DATA, &name));
        // NTFS 1.2 kept descriptors with the files.
        let Some((runs, size)) = stream else {
            if !indexes.by_id.is_empty() {
                let finding =
                    finding("security-stream").object("$SDS").found("none that can be read");
                self.add(finding.expected("security descriptors"));
            }
            return;
        };
        let size = size.min(self.source.device().len());
        // Descriptors lie in $SDS side by side.
        let mut left = size;
        for (id, header) in &indexes.by_id {
            let Some(less) = left.checked_sub(header.length.into()) else {
                let found = format!("more than {size} bytes of descriptors");
                let finding = finding("security-place").object("index $SII").found(found);
                self.add(finding.expected("as many as $SDS holds"));
                break;
            };
            left = less;
            match indexes.by_hash.get(id) {
                Some(other) if other == header => {}
                other => {
                    let found = other.map_or("no entry".to_owned(), |other| format!("{other:?}"));
                    let finding = finding("security-sdh").object("index $SDH").found(found);
                    self.add(finding.expected(format!("{header:?}, as in $SII")));
                }
            }
            self.descriptor(&runs, size, *header);
        }
        for (id, header) in &indexes.by_hash {
            if !indexes.by_id.contains_key(id) {
                let finding = finding("security-sii").object("index $SII").found("no entry");
                self.add(finding.expected(format!("{header:?}, as in $SDH")));
            }
        }
        self.unindexed(&runs, size, &indexes);
        let mut at = 0;
        while let Some(number) = self.facts.next(at, is::IN_USE) {
            at = number + 1;
            let fact = self.facts.get(number);
            if fact.is_file() && fact.security != 0 && !indexes.by_id.contains_key(&fact.security) {
                let finding = Finding::damage("security-id").object("$STANDARD_INFORMATION");
                let finding = finding.found(format!("security id {:#x}", fact.security));
                self.add_record(finding.expected("an id that $SII holds"), number, 0);
            }
        }
    }

    /// One descriptor: it lies inside `$SDS`, has its hash, and its copy equals it.
    fn descriptor(&mut self, runs: &[Run], size: u64, header: Header) {
        let at = self.source.place(runs, header.offset).and_then(|(place, _)| place);
        let finding = |code| Finding::damage(code).record(mft::SECURE).at(at).object("$SDS");
        let length = u64::from(header.length);
        let end = header.offset.checked_add(length).and_then(|end| end.checked_add(BLOCK));
        let fits = (HEAD as u64..=BLOCK).contains(&length) && end.is_some_and(|end| end <= size);
        if !fits {
            let found = format!("{header:?} in {size} bytes");
            return self
                .add(finding("security-place").found(found).expected("a place inside $SDS"));
        }
        let (mut first, mut copy) = (vec![0; length as usize], vec![0; length as usize]);
        if !self.source.read_value(runs, header.offset, &mut first)
            || !self.source.read_value(runs, header.offset + BLOCK, &mut copy)
        {
            let finding = finding("security-unreadable").found("a medium that cannot be read");
            return self.add(finding.expected("a security descriptor"));
        }
        let sound = |entry: &[u8]| {
            let (head, descriptor) = entry.split_at(HEAD.min(entry.len()));
            Header::parse(head) == Some(header) && hash(descriptor) == header.hash
        };
        let id = header.id;
        match (sound(&first), sound(&copy)) {
            (true, true) if first == copy => {}
            (true, _) => {
                let found = format!("a copy of security id {id:#x} that differs");
                self.add(finding("security-mirror").found(found).expected("an equal copy"));
            }
            (false, _) => {
                let found = format!("security id {id:#x} without its header or hash");
                self.add(
                    finding("security-descriptor").found(found).expected(format!("{header:?}")),
                );
            }
        }
    }

    /// Descriptors of `$SDS` that no index names: Windows leaves them, they cost room alone.
    fn unindexed(&mut self, runs: &[Run], size: u64, indexes: &SecureIndexes) {
        let (mut at, mut count) = (0u64, 0u64);
        let mut first = None;
        while at.saturating_add(HEAD as u64) <= size && !self.report.stopped {
            let block_end = (at - at % (2 * BLOCK) + BLOCK).min(size);
            let mut head = [0; HEAD];
            let read = self.source.read_value(runs, at, &mut head);
            let header = Header::parse(&head).filter(|header| {
                let end = at.checked_add(header.length.into());
                read && header.offset == at
                    && header.length >= HEAD as u32
                    && end.is_some_and(|end| end <= block_end)
            });
            let Some(header) = header else {
                at = at - at % (2 * BLOCK) + 2 * BLOCK;
                continue;
            };
            if indexes.by_id.get(&header.id).is_none_or(|known| known.offset != at) {
                count += 1;
                first.get_or_insert(header);
            }
            let next = (at + u64::from(header.length)).next_multiple_of(16);
            at = if next + HEAD as u64 > block_end {
                at - at % (2 * BLOCK) + 2 * BLOCK
            } else {
                next
            };
        }
        if let Some(header) = first {
            let finding = Finding::note("security-not-indexed").record(mft::SECURE).object("$SDS");
            let found = format!("{count} descriptors, the first is {header:?}");
            self.add(finding.found(found).expected("an entry in $SII"));
        }
    }
}
