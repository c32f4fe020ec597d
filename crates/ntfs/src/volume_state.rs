//! Whether a volume may be written, and why not.

use crate::{
    Error, VolumeState,
    boot_sector::Geometry,
    core::Core,
    log_state::LogState,
    volume_information::{CHECK_UNDERWAY, DIRTY, UPGRADE_ON_MOUNT},
};

impl Core {
    /// Collects what speaks against writing. Damage that hides the answer is an error.
    pub(crate) fn volume_state(&mut self) -> Result<VolumeState, Error> {
        let mut reasons = Vec::new();
        let information = self.volume_information()?;
        let mut add = |bad: bool, word: &str| {
            if bad {
                reasons.push(word.to_owned());
            }
        };
        add(information.version.0 != 3, "version");
        add(information.flags & DIRTY != 0, "dirty");
        add(information.flags & CHECK_UNDERWAY != 0, "check-underway");
        add(information.flags & UPGRADE_ON_MOUNT != 0, "upgrade-on-mount");
        let log = self.log_state()?;
        add(log == LogState::NotClean, "log-not-clean");
        add(log == LogState::KeptByWindows, "fast-startup");
        add(self.is_hibernated()?, "hibernated");
        add(self.geometry.backup_offset() > self.cache.device_len(), "larger-than-partition");
        add(!self.backup_agrees()?, "boot-sector-mismatch");
        add(!self.mirror_agrees()?, "mft-mirror-mismatch");
        Ok(VolumeState { clean: reasons.is_empty(), reasons })
    }

    /// Compares the boot sector with its copy behind the volume. A copy that is not there is no contradiction.
    fn backup_agrees(&mut self) -> Result<bool, Error> {
        let offset = self.geometry.backup_offset();
        let mut sector = [0; crate::boot_sector::BYTES];
        if offset.saturating_add(sector.len() as u64) > self.cache.device_len() {
            return Ok(true);
        }
        self.cache.read(offset, &mut sector)?;
        Ok(sector[3..11] != *b"NTFS    "
            || Geometry::parse(&sector).is_ok_and(|backup| backup == self.geometry))
    }

    /// Compares the first records of `$MFT` with `$MFTMirr`.
    fn mirror_agrees(&mut self) -> Result<bool, Error> {
        let length =
            (u64::from(self.geometry.record_size) * 4).min(self.state.mirror_size) as usize;
        let (mut main, mut copy) = (vec![0; length], vec![0; length]);
        let (mft, mirror) = (self.state.mft.clone(), self.state.mirror.clone());
        let meta = (crate::cluster_io::Route::Metadata, crate::mft::MIRROR);
        self.read_runs(&mft, 0, &mut main, meta)?;
        self.read_runs(&mirror, 0, &mut copy, meta)?;
        let size = self.geometry.record_size as usize;
        for (number, (main, copy)) in
            main.chunks_exact_mut(size).zip(copy.chunks_exact_mut(size)).enumerate()
        {
            crate::fixup::undo(main, "file record", number as u64)?;
            let intact = crate::fixup::undo(copy, "file record", number as u64).is_ok();
            // The update sequence itself and what lies behind the used bytes may differ.
            let used =
                crate::bytes::u32_at(main, 0x18).map_or(0, |used| used as usize).clamp(0x38, size);
            if !intact || main[0x38..used] != copy[0x38..used] {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
