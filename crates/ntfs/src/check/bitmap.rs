//! `$Bitmap` and `$MFT`'s own bitmap against what was found in use.

use super::Check;
use super::clusters::Ranges;
use super::facts::is;
use super::file::File;
use super::finding::Finding;
use super::record::describe;
use super::scan::bit;
use crate::{attribute::kind, mft};

/// Bytes of `$Bitmap` read at a time.
const CHUNK: u64 = 1 << 20;

impl Check<'_> {
    /// Compares `$Bitmap` with the clusters that files own, both ways.
    pub(super) fn cluster_bitmap(&mut self) {
        let clusters = self.source.geometry.clusters();
        let finding = |code| Finding::damage(code).record(mft::BITMAP).object("$Bitmap");
        let file = File::load(&self.source, mft::BITMAP);
        let runs = file.and_then(|file| file.runs(&self.source, kind::DATA, &[]));
        let Some((runs, size)) = runs else {
            let finding = finding("bitmap-unreadable").found("no runs that can be followed");
            return self.add(finding.expected("a bit for each cluster"));
        };
        if size < clusters.div_ceil(8) {
            let found = format!("{size} bytes for {clusters} clusters");
            self.add(finding("bitmap-size").found(found).expected("a bit for each cluster"));
        }
        // What lies far behind the last cluster's bit is of no meaning, and may be one great hole.
        let size = size.min(clusters.div_ceil(8) + CHUNK);
        let (mut free, mut unowned) = (Ranges::default(), Ranges::default());
        let (mut at, mut tail) = (0, None);
        while at < size && !self.report.stopped {
            let length = CHUNK.min(size - at);
            let mut chunk = vec![0; usize::try_from(length).unwrap_or(0)];
            if !self.source.read_value(&runs, at, &mut chunk) {
                let finding = finding("bitmap-unreadable").found("a medium that cannot be read");
                return self.add(finding.expected("a bit for each cluster"));
            }
            for (index, bytes) in (at * 8..).step_by(64).zip(chunk.chunks(8)) {
                let mut marked = [0; 8];
                marked[..bytes.len()].copy_from_slice(bytes);
                let (marked, bits) = (u64::from_le_bytes(marked), bytes.len() as u64 * 8);
                let used = self.used.word(index);
                let inside = clusters.saturating_sub(index).min(bits);
                let mask = low(inside);
                each_run(used & !marked & mask, |from, length| free.add(index + from, length));
                each_run(marked & !used & mask, |from, length| unowned.add(index + from, length));
                if !marked & low(bits) & !mask != 0 && tail.is_none() {
                    tail = Some(index + u64::from((!marked & !mask).trailing_zeros()));
                }
            }
            at += length;
        }
        if let Some(first) = tail {
            let found = format!("bit {first} clear, of {clusters} clusters");
            self.add(
                finding("bitmap-tail").found(found).expected("bits past the last cluster set"),
            );
        }
        for (first, length) in std::mem::take(&mut unowned.list) {
            let at = first * self.source.cluster();
            let found = format!("clusters {first} to {} marked", first + length - 1);
            let finding = finding("cluster-marked-but-unowned").at(at).found(found);
            self.add(finding.expected("free clusters: no file owns them"));
        }
        self.unmarked = free;
    }

    /// Tells whose clusters are crossed or marked free.
    pub(super) fn owners(&mut self) {
        self.crossed.sort();
        if self.crossed.list.is_empty() && self.unmarked.list.is_empty() {
            return;
        }
        let (crossed, unmarked) =
            (std::mem::take(&mut self.crossed), std::mem::take(&mut self.unmarked));
        let mut at = 0;
        while let Some(number) = self.facts.next(at, is::IN_USE).filter(|_| !self.report.stopped) {
            at = number + 1;
            let Some(record) = self.source.record(number) else { continue };
            let base = if record.base.0 == 0 { number } else { record.base.record() };
            for placed in &record.attributes {
                let attribute = &placed.attribute;
                for run in self.source.runs(attribute).unwrap_or_default() {
                    let Some(lcn) = run.lcn else { continue };
                    for (ranges, code, expected) in [
                        (&crossed, "cluster-cross-linked", "clusters of one file"),
                        (&unmarked, "cluster-used-but-free", "clusters marked as used in $Bitmap"),
                    ] {
                        let Some((first, length)) = ranges.overlap(lcn.0, run.length) else {
                            continue;
                        };
                        let finding = Finding::damage(code).record(base);
                        let object = describe(attribute.kind, &attribute.name);
                        let found = format!("clusters {first} to {}", first + length - 1);
                        let finding = finding.at(first * self.source.cluster()).object(object);
                        self.add(finding.found(found).expected(expected));
                    }
                }
            }
        }
    }

    /// Reads `$MFT`'s bitmap of records, before the records are.
    pub(super) fn read_record_bitmap(&mut self) {
        let most = self.source.records.div_ceil(8) + (1 << 20);
        let file = File::load(&self.source, mft::MFT);
        self.mft_bitmap =
            file.and_then(|file| self.source.value(&file.extents(kind::BITMAP, ""), most));
        let finding = Finding::damage("record-bitmap").record(mft::MFT).object("$BITMAP");
        match &self.mft_bitmap {
            None => {
                let finding = finding.found("none that can be read");
                self.add(finding.expected("a bit for each file record"));
            }
            Some(bits) => {
                let (bits_there, records) = (bits.len() as u64 * 8, self.source.records);
                let past = (records..bits_there).find(|number| bit(bits, *number));
                if bits_there < records {
                    let found = format!("{bits_there} bits for {records} records");
                    self.add(finding.found(found).expected("a bit for each file record"));
                } else if let Some(past) = past {
                    let found = format!("bit {past} set, of {records} records");
                    self.add(finding.found(found).expected("no bits past the last record"));
                }
            }
        }
    }

    /// Compares the first records with `$MFTMirr`, and the places of both with the boot sector.
    pub(super) fn mirror(&mut self) {
        let geometry = self.source.geometry.clone();
        let size = geometry.record_size as usize;
        let file = File::load(&self.source, mft::MIRROR);
        let mirror = file.and_then(|file| file.runs(&self.source, kind::DATA, &[]));
        let finding = |code| Finding::damage(code).record(mft::MIRROR).object("$MFTMirr");
        let Some((runs, length)) = mirror else {
            let finding = finding("mirror-unreadable").found("no runs that can be followed");
            return self.add(finding.expected("copies of the first file records"));
        };
        if !super::mft_map::begins_at(&runs, geometry.mft_mirror) {
            let found = format!("cluster {:?}", runs.first().and_then(|run| run.lcn).map(|l| l.0));
            let expected = format!("cluster {}, as the boot sector says", geometry.mft_mirror.0);
            self.add(finding("mirror-place").found(found).expected(expected));
        }
        if !super::mft_map::begins_at(&self.source.mft, geometry.mft) {
            let found = format!("cluster {:?}", self.source.mft.first().and_then(|run| run.lcn));
            let expected = format!("cluster {}, as the boot sector says", geometry.mft.0);
            let finding = Finding::damage("mft-place").record(mft::MFT).object("$MFT");
            self.add(finding.found(found).expected(expected));
        }
        for number in 0..(length / size as u64).min(4).min(self.source.records) {
            let at = number * size as u64;
            let (mut main, mut copy) = (vec![0; size], vec![0; size]);
            let read = self.source.read_value(&self.source.mft, at, &mut main)
                && self.source.read_value(&runs, at, &mut copy);
            if read && main == copy {
                continue;
            }
            let differs = (0..size).find(|at| main[*at] != copy[*at]).unwrap_or(0);
            let place = self.source.place(&runs, at).and_then(|(place, _)| place);
            let found = format!("{:#04x} at offset {differs:#x}", copy[differs]);
            let expected = format!("{:#04x}, as in record {number}", main[differs]);
            let finding = Finding::damage("mirror-mismatch").record(number).at(place);
            self.add(finding.object("$MFTMirr").found(found).expected(expected));
        }
    }
}

/// The lowest bits of a word.
fn low(bits: u64) -> u64 {
    if bits == 0 { 0 } else { u64::MAX >> (64 - bits.min(64)) }
}

/// Runs of set bits.
fn each_run(mut word: u64, mut each: impl FnMut(u64, u64)) {
    while word != 0 {
        let from = u64::from(word.trailing_zeros());
        let length = u64::from((word >> from).trailing_ones());
        each(from, length);
        word &= !(low(length) << from);
    }
}
