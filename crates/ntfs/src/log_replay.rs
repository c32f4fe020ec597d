//! Replaying `$LogFile` on the volume: the plan made, checked and written.

use crate::{
    Error,
    cluster_io::Route,
    core::Core,
    fixup,
    log::{LogError, replay},
    mft,
};

impl Core {
    /// Replays the log and empties it. Open the volume anew afterwards: what is known
    /// of `$MFT` may have changed; and call [`Core::settle_replay`].
    pub(crate) fn replay_log(&mut self) -> Result<replay::Plan, Error> {
        let log = self.read_log()?;
        let geometry = self.geometry.clone();
        let plan = replay::plan(&log, &geometry, &mut |offset, buf: &mut [u8]| {
            self.cache.read_through(offset, buf)
        })?;
        drop(log);
        self.operation(|core| {
            for (offset, bytes) in &plan.writes {
                core.cache.write(*offset, bytes)?;
            }
            core.empty_log()
        })?;
        self.flush()?;
        Ok(plan)
    }

    /// After a replay, on the volume opened anew: `$MFTMirr` follows `$MFT`, and the records written must be where `$MFT` says.
    pub(crate) fn settle_replay(&mut self, records: &[(u64, u64)]) -> Result<(), Error> {
        let (runs, size) = (self.state.mft.clone(), u64::from(self.geometry.record_size));
        for (number, offset) in records {
            let at = number.saturating_mul(size);
            let place =
                if at < self.state.mft_size { self.place(&runs, at, mft::MFT)?.0 } else { None };
            if place != Some(*offset) {
                let problem = "a file record of the log lies elsewhere on this volume: it is the log of another";
                return Err(LogError::Record { lsn: 0, problem, found: *number }.into());
            }
        }
        let mirror = self.state.mirror.clone();
        let length = self.state.mirror_size.min(self.state.mft_size);
        let mut record = vec![0; size as usize];
        for number in 0..length / size {
            let route = (Route::Metadata, mft::MFT);
            self.read_runs(&runs, number * size, &mut record, route)?;
            fixup::undo(&mut record.clone(), "file record", number)?;
            self.write_runs(&mirror, number * size, &record, route)?;
        }
        Ok(())
    }
}
