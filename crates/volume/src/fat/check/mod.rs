//! The consistency check of a FAT volume: tables, chains, folders.
//!
//! **Memory:** one bit for each cluster, and the folders that are still to be read.

mod folder;
mod tables;

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::directory::Place;
use super::{FatError, FatVolume};
use crate::check::{Event, Finding, Severity, Summary};

/// Findings told of one code.
const TOLD_PER_CODE: usize = 200;

/// A folder to be read.
struct Folder {
    place: Place,
    parent: u32,
    path: String,
}

/// A check under way.
struct Check<'a> {
    volume: &'a FatVolume,
    watch: &'a mut dyn FnMut(Event) -> ControlFlow<()>,
    summary: Summary,
    told: Vec<&'static str>,
    stopped: bool,
    /// Clusters that files and folders own, by number.
    used: Vec<u64>,
    /// Folders that are still to be read.
    folders: VecDeque<Folder>,
}

impl FatVolume {
    /// Checks everything.
    pub(crate) fn check(
        &self,
        watch: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Summary, FatError> {
        let clusters = u64::from(self.geometry.clusters) + 2;
        let mut check = Check {
            volume: self,
            watch,
            summary: Summary::default(),
            told: Vec::new(),
            stopped: false,
            used: vec![0; usize::try_from(clusters.div_ceil(64)).unwrap_or(0)],
            folders: VecDeque::new(),
        };
        check.state()?;
        check.tables()?;
        check.tree()?;
        if !check.stopped {
            check.lost()?;
        }
        check.summary.complete = !check.stopped;
        Ok(check.summary)
    }
}

impl Check<'_> {
    fn add(&mut self, severity: Severity, code: &'static str, told: Told<'_>) {
        match severity {
            Severity::Damage => self.summary.damage += 1,
            Severity::Note => self.summary.notes += 1,
        }
        if self.told.iter().filter(|other| **other == code).count() >= TOLD_PER_CODE {
            return;
        }
        self.told.push(code);
        self.tell(Event::Finding(Finding {
            code,
            severity,
            record: None,
            offset: told.offset,
            object: told.object.to_owned(),
            path: told.path.map(str::to_owned),
            found: told.found,
            expected: told.expected.to_owned(),
        }));
    }

    fn damage(&mut self, code: &'static str, told: Told<'_>) {
        self.add(Severity::Damage, code, told);
    }

    fn tell(&mut self, event: Event) {
        if !self.stopped && (self.watch)(event).is_break() {
            self.stopped = true;
        }
    }

    /// Marks a cluster as owned; false when it was owned before.
    fn own(&mut self, cluster: u32) -> bool {
        let (word, bit) = ((cluster / 64) as usize, 1u64 << (cluster % 64));
        let Some(word) = self.used.get_mut(word) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    fn is_owned(&self, cluster: u32) -> bool {
        let word = self.used.get((cluster / 64) as usize);
        word.is_some_and(|word| word >> (cluster % 64) & 1 != 0)
    }

    fn state(&mut self) -> Result<(), FatError> {
        if !self.volume.reasons()?.is_empty() {
            let told = Told {
                object: "volume",
                found: "the dirty flag is set".into(),
                expected: "a clean dismount",
                ..Told::default()
            };
            self.add(Severity::Note, "state-dirty", told);
        }
        Ok(())
    }
}

/// The words of a finding.
#[derive(Default)]
struct Told<'a> {
    object: &'a str,
    path: Option<&'a str>,
    offset: Option<u64>,
    found: String,
    expected: &'a str,
}
