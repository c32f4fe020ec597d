//! Which clusters were free when the transaction below the volume began. Contents and metadata that go there overwrite nothing that a
//! rollback would need, so the transaction may pass them on to the image at once.
//!
//! The answer comes from `$Bitmap` as it was then, each time anew: it holds for every volume that is open on the transaction,
//! whatever was taken and freed since.

use crate::{
    Error,
    attribute::{Form, kind},
    boot_sector, bytes,
    core::Core,
    fixup, mft,
    page_cache::PAGE,
    record::FileRecord,
    run_list::{self, Vcn},
};

/// Bytes of the bitmap looked at in one go: 32,768 clusters.
const CHUNK: u64 = 4096;

impl Core {
    /// Looks whether `$Bitmap` lay where it lies now when the transaction began. Where that cannot be seen, nothing counts as fresh.
    pub(crate) fn find_original_bitmap(&mut self) -> Result<(), Error> {
        self.original_bitmap = false;
        let (mut now, mut then) = ([0; boot_sector::BYTES], [0; boot_sector::BYTES]);
        self.cache.read(0, &mut now)?;
        self.cache.read_original(0, &mut then)?;
        if now != then {
            return Ok(());
        }
        let mut raw = vec![0; self.geometry.record_size as usize];
        let runs = self.state.mft.clone();
        let mut done = 0;
        while done < raw.len() {
            let offset = mft::BITMAP * raw.len() as u64 + done as u64;
            let (Some(at), left) = self.place(&runs, offset, mft::MFT)? else { return Ok(()) };
            let length = left.min((raw.len() - done) as u64) as usize;
            self.cache.read_original(at, &mut raw[done..done + length])?;
            done += length;
        }
        self.original_bitmap = self.maps_the_bitmap(raw);
        Ok(())
    }

    /// Whether a file record, as it was stored, leads to the clusters that hold `$Bitmap` now.
    fn maps_the_bitmap(&self, mut raw: Vec<u8>) -> bool {
        if bytes::u32_at(&raw, 0) != Some(u32::from_le_bytes(*b"FILE"))
            || fixup::undo(&mut raw, "file record", mft::BITMAP).is_err()
        {
            return false;
        }
        let record = FileRecord::parse(mft::BITMAP, raw);
        let Ok(attributes) = record.and_then(|record| record.attributes()) else { return false };
        let data = attributes.into_iter().find(|a| a.kind == kind::DATA && a.name.is_empty());
        let Some(Form::NonResident { lowest: 0, pairs, .. }) = data.map(|a| a.form) else {
            return false;
        };
        run_list::decode(&pairs, Vcn(0), self.geometry.clusters())
            .is_ok_and(|runs| runs == *self.state.bitmap)
    }

    /// Whether the clusters from byte `at` of the volume were free when the transaction began, and for how many of the next `length`
    /// bytes that holds.
    pub(crate) fn is_fresh(&self, at: u64, length: u64) -> Result<(bool, u64), Error> {
        let cluster = self.cluster();
        let first = at / cluster;
        let last = (at + length.max(1) - 1) / cluster;
        if !self.original_bitmap || last >= self.geometry.clusters() {
            return Ok((false, length));
        }
        let start = first / 8;
        let (place, left) = self.place(&self.state.bitmap, start, mft::BITMAP)?;
        let Some(place) = place else { return Ok((false, length)) };
        let mut bits = [0; CHUNK as usize];
        let bits = &mut bits[..(last / 8 + 1 - start).min(left).min(CHUNK) as usize];
        self.cache.read_original(place, bits)?;
        let is_free = |number: u64| bits[(number / 8 - start) as usize] >> (number % 8) & 1 == 0;
        let stop = (last + 1).min((start + bits.len() as u64) * 8);
        let fresh = is_free(first);
        let end = (first..stop).find(|number| is_free(*number) != fresh).unwrap_or(stop);
        Ok((fresh, length.min(end * cluster - at)))
    }

    /// Writes file contents, those for fresh clusters as such.
    pub(crate) fn write_contents(&mut self, mut at: u64, mut data: &[u8]) -> Result<(), Error> {
        while !data.is_empty() {
            let (fresh, length) = self.is_fresh(at, data.len() as u64)?;
            let (part, rest) = data.split_at(length as usize);
            self.cache.write_through(at, part, fresh)?;
            at += length;
            data = rest;
        }
        Ok(())
    }

    /// Writes all metadata that changed to the device, those in fresh clusters (new file records, new index blocks) as such.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for (first, count) in self.cache.dirty_runs() {
            self.cache.copy_pages(first, count, &mut bytes);
            let (mut at, mut data) = (first * PAGE as u64, &bytes[..]);
            while !data.is_empty() {
                let (fresh, length) = self.fresh_pages(at, data.len() as u64)?;
                let (part, rest) = data.split_at(length as usize);
                self.cache.put(at, part, fresh)?;
                at += length;
                data = rest;
            }
        }
        self.cache.all_written();
        Ok(())
    }

    /// As [`Core::is_fresh`] for whole pages: one that holds a cluster which is not fresh is not fresh.
    fn fresh_pages(&self, at: u64, length: u64) -> Result<(bool, u64), Error> {
        let page = PAGE as u64;
        let (fresh, known) = self.is_fresh(at, length)?;
        if known >= length {
            return Ok((fresh, length));
        }
        Ok(match known - known % page {
            0 => (false, page.min(length)),
            whole if fresh => (true, whole),
            _ => (false, known.next_multiple_of(page).min(length)),
        })
    }
}
