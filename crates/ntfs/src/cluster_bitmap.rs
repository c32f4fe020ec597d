//! `$Bitmap`: which clusters are free, and taking and freeing them.
//!
//! Contents go outside the zone behind `$MFT` as long as there is room elsewhere, so that `$MFT` can grow in one piece.

use crate::{
    Error, attribute::kind, cluster_io::Route, core::Core, mft, run_list::Lcn, stream::Body,
};

/// Bytes of the bitmap looked at in one go.
const CHUNK: usize = 4096;
/// Clusters searched on for a tighter fit after one that fits was found.
const BEST_FIT_WINDOW: u64 = 1 << 17;
/// Free runs that are remembered when a request must be cut into pieces.
const PIECES_MAX: usize = 1 << 18;
const META: (Route, u64) = (Route::Metadata, mft::BITMAP);

/// Free clusters that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FreeRun {
    start: u64,
    length: u64,
}

impl Core {
    pub(crate) fn open_bitmap(&mut self) -> Result<(), Error> {
        let stream = self.system_stream(mft::BITMAP, kind::DATA, "")?;
        if stream.size() < self.geometry.clusters().div_ceil(8) {
            return Err(stream.damaged("$Bitmap is shorter than the volume", stream.size()));
        }
        let Body::Runs { runs, .. } = stream.body else {
            return Err(Error::Unsupported { record: mft::BITMAP, what: "a resident $Bitmap" });
        };
        self.state.bitmap = runs;
        self.state.cursor = self.zone().1;
        Ok(())
    }

    /// The clusters kept for `$MFT`: an eighth of the volume behind its end.
    fn zone(&self) -> (u64, u64) {
        let start = self.mft_end().map_or(0, |lcn| lcn.0);
        (start, (start + self.geometry.clusters() / 8).min(self.geometry.clusters()))
    }

    /// Calls `visit` with each free run between two clusters in order until it says stop.
    fn free_runs(
        &mut self,
        start: u64,
        end: u64,
        visit: &mut dyn FnMut(FreeRun) -> bool,
    ) -> Result<(), Error> {
        let runs = self.state.bitmap.clone();
        let mut chunk = [0u8; CHUNK];
        let mut open = FreeRun { start, length: 0 };
        let mut at = start;
        while at < end {
            let first = at / 8;
            let length = (end.div_ceil(8) - first).min(CHUNK as u64) as usize;
            self.read_runs(&runs, first, &mut chunk[..length], META)?;
            let stop = ((first + length as u64) * 8).min(end);
            while at < stop {
                let byte = chunk[(at / 8 - first) as usize];
                let whole = at.is_multiple_of(8) && at + 8 <= stop;
                if whole && byte == 0 {
                    if open.length == 0 {
                        open.start = at;
                    }
                    open.length += 8;
                    at += 8;
                } else if byte >> (at % 8) & 1 == 0 {
                    if open.length == 0 {
                        open.start = at;
                    }
                    open.length += 1;
                    at += 1;
                } else {
                    if open.length > 0 && !visit(open) {
                        return Ok(());
                    }
                    open.length = 0;
                    at += if whole && byte == 0xff { 8 } else { 1 };
                }
            }
        }
        if open.length > 0 {
            visit(open);
        }
        Ok(())
    }

    /// Free clusters of the volume. Those behind the end of the device do not count: a boot sector may claim 2^54.
    pub(crate) fn free_clusters(&mut self) -> Result<u64, Error> {
        let mut free = 0;
        let there = self.cache.device_len() / self.cluster();
        self.free_runs(0, self.geometry.clusters().min(there), &mut |run| {
            free += run.length;
            true
        })?;
        Ok(free)
    }

    /// The tightest run of at least `need` clusters; one that fits well enough ends the search.
    fn fit(&mut self, start: u64, end: u64, need: u64) -> Result<Option<FreeRun>, Error> {
        let mut best: Option<FreeRun> = None;
        if start < end {
            self.free_runs(start, end, &mut |run| {
                if run.length >= need && best.is_none_or(|best| run.length < best.length) {
                    best = Some(run);
                }
                best.is_none_or(|best| {
                    best.length > need && run.start - best.start < BEST_FIT_WINDOW
                })
            })?;
        }
        Ok(best)
    }

    /// Whether the volume has `need` free clusters in one piece.
    pub(crate) fn has_free_run(&mut self, need: u64) -> Result<bool, Error> {
        Ok(self.fit(0, self.geometry.clusters(), need)?.is_some())
    }

    /// Takes `need` clusters: behind `hint` if they are free there, else in one piece, else in as few pieces as can be.
    pub(crate) fn allocate(
        &mut self,
        need: u64,
        hint: Option<Lcn>,
    ) -> Result<Vec<(Lcn, u64)>, Error> {
        if need == 0 {
            return Ok(Vec::new());
        }
        let end = self.geometry.clusters();
        let (zone_start, zone_end) = self.zone();
        // The start of the zone is where $MFT itself goes on.
        let open = |hint: &Lcn| hint.0 < end && !(zone_start + 1..zone_end).contains(&hint.0);
        if let Some(hint) = hint.filter(open) {
            let stop = hint.0.saturating_add(need).min(end);
            let mut found = 0;
            self.free_runs(hint.0, stop, &mut |run| {
                found = if run.start == hint.0 { run.length } else { 0 };
                false
            })?;
            if found >= need {
                return self.take(vec![FreeRun { start: hint.0, length: need }]);
            }
        }
        let cursor = self.state.cursor.min(end);
        let (low, high) =
            if cursor < zone_start { (cursor, zone_start) } else { (cursor.max(zone_end), end) };
        let areas = [(low, high), (zone_end, end), (0, zone_start), (zone_start, zone_end)];
        for (from, to) in areas {
            if let Some(run) = self.fit(from, to, need)? {
                self.state.cursor = run.start + need;
                return self.take(vec![FreeRun { start: run.start, length: need }]);
            }
        }
        self.allocate_pieces(need, (zone_start, zone_end))
    }

    fn allocate_pieces(&mut self, need: u64, zone: (u64, u64)) -> Result<Vec<(Lcn, u64)>, Error> {
        let end = self.geometry.clusters();
        let (mut free, mut pieces) = (0, Vec::new());
        for (from, to) in [(0, zone.0), (zone.1, end), (zone.0, zone.1)] {
            let mut found = Vec::new();
            self.free_runs(from, to, &mut |run| {
                free += run.length;
                found.push(run);
                found.len() < PIECES_MAX
            })?;
            found.sort_by_key(|run| std::cmp::Reverse(run.length));
            pieces.extend(found);
        }
        if free < need {
            return Err(Error::VolumeFull { needed: need, free });
        }
        let mut left = need;
        let mut taken = Vec::new();
        for mut piece in pieces {
            piece.length = piece.length.min(left);
            left -= piece.length;
            if piece.length > 0 {
                taken.push(piece);
            }
        }
        taken.sort_by_key(|piece| piece.start);
        self.take(taken)
    }

    fn take(&mut self, pieces: Vec<FreeRun>) -> Result<Vec<(Lcn, u64)>, Error> {
        for piece in &pieces {
            self.check_not_own(*piece)?;
            self.mark_clusters(piece.start, piece.length, true)?;
        }
        Ok(pieces.into_iter().map(|piece| (Lcn(piece.start), piece.length)).collect())
    }

    /// Refuses clusters that hold the volume's own structures, whatever `$Bitmap` says of them.
    fn check_not_own(&self, piece: FreeRun) -> Result<(), Error> {
        let end = piece.start + piece.length;
        let owned = [&self.state.mft, &self.state.mirror, &self.state.bitmap]
            .into_iter()
            .flat_map(|runs| runs.iter())
            .find_map(|run| {
                run.lcn.filter(|lcn| lcn.0 < end && piece.start < lcn.0.saturating_add(run.length))
            });
        let first = (piece.start == 0).then_some(Lcn(0));
        match owned.or(first) {
            None => Ok(()),
            Some(lcn) => Err(Error::Damaged {
                structure: "$Bitmap",
                record: mft::BITMAP,
                problem: "clusters of the volume's own structures are marked free",
                found: lcn.0.max(piece.start),
            }),
        }
    }

    /// Frees clusters. Clusters that are free already show a damaged volume.
    pub(crate) fn release(&mut self, pieces: &[(Lcn, u64)]) -> Result<(), Error> {
        for (lcn, length) in pieces {
            self.mark_clusters(lcn.0, *length, false)?;
            self.state.cursor = self.state.cursor.min(lcn.0);
        }
        // The zone is left to $MFT even when something in it was freed.
        let (start, end) = self.zone();
        if (start..end).contains(&self.state.cursor) {
            self.state.cursor = end;
        }
        Ok(())
    }

    fn mark_clusters(&mut self, start: u64, length: u64, used: bool) -> Result<(), Error> {
        let runs = self.state.bitmap.clone();
        let end = start + length;
        let mut at = start;
        let mut chunk = [0u8; CHUNK];
        while at < end {
            let first = at / 8;
            let size = (end.div_ceil(8) - first).min(CHUNK as u64) as usize;
            let chunk = &mut chunk[..size];
            self.read_runs(&runs, first, chunk, META)?;
            while at < end && at / 8 - first < size as u64 {
                let byte = &mut chunk[(at / 8 - first) as usize];
                let bit = 1u8 << (at % 8);
                if (*byte & bit != 0) == used {
                    let problem = if used {
                        "a cluster was taken twice"
                    } else {
                        "a cluster of a file is free"
                    };
                    return Err(Error::Damaged {
                        structure: "$Bitmap",
                        record: mft::BITMAP,
                        problem,
                        found: at,
                    });
                }
                *byte ^= bit;
                at += 1;
            }
            self.write_runs(&runs, first, chunk, META)?;
        }
        Ok(())
    }
}
