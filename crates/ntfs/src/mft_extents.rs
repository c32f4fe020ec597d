//! The records beyond its first that `$MFT` needs when it lies in many pieces.
//!
//! An extension record that maps a part of `$MFT` lies itself in `$MFT`: a reader finds it through the extents before it alone.
//! Therefore the lowest free record is taken, first those that Windows keeps for this (16 to 23), and one before the part that it
//! maps. When those are used up, one record is left free, also on a full volume: clusters may come free when records do not.

use crate::{
    Error,
    attribute::{Attribute, Form, kind},
    core::Core,
    extension_records::LIST_EXTENT,
    mft::{FIRST_FREE, FIRST_USER, MFT},
    record::{FileRecord, Slot},
    run_list,
};

/// Bytes kept in `$MFT`'s own record for the list that comes: it stays resident until `$MFT` has some extents.
const LIST_ROOM: usize = 280;
/// Bytes that `$MFT`'s own record gives away at a time.
const ROOM_STEP: usize = 128;
/// Clusters that may be needed beside those of new records: for `$MFT`'s bitmap and its attribute list.
pub(crate) const GROWTH_SLACK: u64 = 4;
/// Pieces of `$MFT` below which it is far from needing another extension record.
const MANY_PIECES: usize = 64;

impl Core {
    /// Bytes to leave free in `$MFT`'s own record when a part of it moves out.
    pub(crate) fn room_for_list_of_mft(&mut self) -> Result<usize, Error> {
        Ok(if self.attribute_list(MFT)?.is_some() { 0 } else { LIST_ROOM.max(LIST_EXTENT) })
    }

    /// Takes a free record for an attribute of `$MFT` itself, which does not grow for that.
    pub(crate) fn take_record_of_mft(
        &mut self,
        attribute: &Attribute,
    ) -> Result<FileRecord, Error> {
        let before = match attribute.form {
            Form::NonResident { lowest, .. } if attribute.kind == kind::DATA => {
                lowest.saturating_mul(self.cluster()) / u64::from(self.geometry.record_size)
            }
            _ => self.records(),
        };
        let mut from = FIRST_USER;
        while let Some(number) = self.find_free_record(from, before)? {
            // Those below the first free one may be in use without a file.
            if number >= FIRST_FREE || !self.shared_record(number).is_ok_and(|r| r.in_use()) {
                return self.claim_record(number);
            }
            from = number + 1;
        }
        Err(Error::RecordFull { record: MFT, needed: attribute.length() })
    }

    /// Whether a free record is the last one that `$MFT` could take for itself, and must grow before a file takes it.
    pub(crate) fn is_last_for_mft(&mut self, number: u64) -> Result<bool, Error> {
        Ok(self.state.mft.len() >= MANY_PIECES
            && self.find_free_record(FIRST_USER, FIRST_FREE)?.is_none()
            && self.find_free_record(number + 1, self.records())?.is_none())
    }

    /// Makes room in a record of `$MFT`'s own: its first extent gives runs away, else its bitmap moves out.
    pub(crate) fn make_room_of_mft(
        &mut self,
        number: u64,
        needed: usize,
        keep: Slot,
    ) -> Result<(), Error> {
        if number == MFT && keep.kind != kind::DATA {
            let mut data = self.system_stream(MFT, kind::DATA, "")?;
            let end = data.extents.get(1).map_or(run_list::end(&self.state.mft).0, |e| e.lowest);
            let record = self.shared_record(MFT)?;
            let length = self.slot(&record, &data, data.extents[0])?.length;
            let give = needed.max(ROOM_STEP) + self.room_for_list_of_mft()?;
            let first = self.state.mft.first().map_or(0, |run| run.length);
            let least = data.attribute(0, first, self.cluster()).length();
            if least + give <= length {
                return self.split_extent(&mut data, 0, end, length - give);
            }
        }
        if keep.kind != kind::BITMAP {
            return Err(Error::RecordFull { record: number, needed });
        }
        self.relocate(MFT, number, keep)
    }
}

#[cfg(test)]
mod tests {
    use std::{ops::ControlFlow, path::Path, process::Command, sync::Arc};

    use winkiln_disk::{Device, MemoryDevice};

    use super::*;
    use crate::{FileTime, stream::Body};

    /// What takes hundreds of thousands of files to come about: there is no room for the runs of `$MFT`'s bitmap.
    #[test]
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    fn data_gives_way_then_the_bitmap_moves_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let image = folder.path().join("volume.raw");
        let make = |path: &Path| {
            std::fs::write(path, vec![0; 4 << 20])?;
            let path = path.as_os_str();
            Command::new("mkntfs").args(["-F", "-Q", "-q", "-c", "512"]).arg(path).output()
        };
        if !make(&image).is_ok_and(|made| made.status.success()) {
            assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "no mkntfs");
            return eprintln!("SKIPPED: no mkntfs");
        }
        let device: Arc<dyn Device> =
            Arc::new(MemoryDevice::new(std::fs::read(&image).expect("a volume")));
        let mut core = Core::open(device.clone(), FileTime::default()).expect("opened");
        core.operation(|core| {
            // Clusters taken apart from each other give $MFT's data more runs than its record takes.
            let mut bitmap = core.system_stream(MFT, kind::BITMAP, "")?;
            let mut mft = core.system_stream(MFT, kind::DATA, "")?;
            let Body::Runs { runs, .. } = &mut mft.body else { panic!("resident") };
            let mut gaps = Vec::new();
            for _ in 0..400 {
                gaps.extend(core.allocate(1, None)?);
                for (lcn, length) in core.allocate(2, None)? {
                    run_list::push(Arc::make_mut(runs), Some(lcn), length);
                }
            }
            core.state.mft = runs.clone();
            core.release(&gaps)?;
            core.save_stream(&mut mft)?;
            assert!(mft.extents.len() > 1, "{:?}", mft.extents);
            let mut moved = 0;
            loop {
                let extent = core.system_stream(MFT, kind::BITMAP, "")?.extents[0];
                if extent.record != MFT {
                    break;
                }
                let record = core.shared_record(MFT)?;
                let slot = core.slot(&record, &bitmap, extent)?;
                core.make_room_of_mft(MFT, record.room() + 60, slot)?;
                moved += 1;
            }
            assert!(moved > 1, "{moved}");
            bitmap = core.system_stream(MFT, kind::BITMAP, "")?;
            let record = core.shared_record(bitmap.extents[0].record)?;
            let slot = core.slot(&record, &bitmap, bitmap.extents[0])?;
            let refused = core.make_room_of_mft(record.number, 60, slot);
            assert!(matches!(refused, Err(Error::RecordFull { .. })), "{refused:?}");
            Ok(())
        })
        .expect("done");
        core.flush().expect("flushed");
        let core = Core::open(device.clone(), FileTime::default()).expect("opened again");
        assert!(core.state.mft.len() > 300, "{}", core.state.mft.len());
        let mut found = Vec::new();
        crate::check::check(&device, &mut |event| {
            if let crate::check::Event::Finding(finding) = event {
                found.push(format!("{finding:?}"));
            }
            ControlFlow::Continue(())
        })
        .expect("checked");
        assert!(found.is_empty(), "{found:#?}");
    }
}
