//! What a check finds, and how it is told.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Findings told of one code; the rest is counted.
const TOLD_PER_CODE: u64 = 200;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know; the volume is consistent all the same.
    Note,
    /// Structures that contradict each other or break the format.
    Damage,
}

/// Something that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable short name such as `cluster-used-but-free`.
    pub code: &'static str,
    /// Damage, or a note.
    pub severity: Severity,
    /// The file record it concerns.
    pub record: Option<u64>,
    /// Where it lies, in bytes from the start of the volume.
    pub offset: Option<u64>,
    /// The structure, in NTFS's words, such as `$DATA` or `index $I30`.
    pub object: String,
    /// The file's path, where it can be told.
    pub path: Option<String>,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

impl Finding {
    pub(super) fn damage(code: &'static str) -> Self {
        Self::new(code, Severity::Damage)
    }

    pub(super) fn note(code: &'static str) -> Self {
        Self::new(code, Severity::Note)
    }

    fn new(code: &'static str, severity: Severity) -> Self {
        Self {
            code,
            severity,
            record: None,
            offset: None,
            object: String::new(),
            path: None,
            found: String::new(),
            expected: String::new(),
        }
    }

    pub(super) fn record(mut self, record: u64) -> Self {
        self.record = Some(record);
        self
    }

    pub(super) fn at(mut self, offset: impl Into<Option<u64>>) -> Self {
        self.offset = offset.into();
        self
    }

    pub(super) fn object(mut self, object: impl Into<String>) -> Self {
        self.object = object.into();
        self
    }

    pub(super) fn found(mut self, found: impl Into<String>) -> Self {
        self.found = found.into();
        self
    }

    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }
}

/// What a check tells while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something was found.
    Finding(Finding),
    /// So much of the work is done; the total may grow.
    Progress {
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
    },
}

/// What a check comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Findings that are damage, those not told included.
    pub damage: u64,
    /// Findings that are notes.
    pub notes: u64,
    /// File records in use.
    pub records: u64,
    /// Folders among them.
    pub folders: u64,
    /// Clusters that files own.
    pub clusters: u64,
    /// False when the check was stopped.
    pub complete: bool,
}

impl Summary {
    /// True when nothing contradicts anything.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.damage == 0 && self.complete
    }
}

/// Counts findings and passes them on.
pub(super) struct Report<'a> {
    watch: &'a mut dyn FnMut(Event) -> ControlFlow<()>,
    counts: BTreeMap<&'static str, u64>,
    pub(super) summary: Summary,
    pub(super) stopped: bool,
    pub(super) done: u64,
    pub(super) total: u64,
}

impl<'a> Report<'a> {
    pub(super) fn new(watch: &'a mut dyn FnMut(Event) -> ControlFlow<()>) -> Self {
        Self {
            watch,
            counts: BTreeMap::new(),
            summary: Summary::default(),
            stopped: false,
            done: 0,
            total: 0,
        }
    }

    /// True when a finding of this code would still be told.
    pub(super) fn wants(&self, code: &'static str) -> bool {
        self.counts.get(code).is_none_or(|count| *count < TOLD_PER_CODE)
    }

    pub(super) fn add(&mut self, finding: Finding) {
        match finding.severity {
            Severity::Damage => self.summary.damage += 1,
            Severity::Note => self.summary.notes += 1,
        }
        let told = self.wants(finding.code);
        *self.counts.entry(finding.code).or_default() += 1;
        if told {
            self.tell(Event::Finding(finding));
        }
    }

    pub(super) fn advance(&mut self, by: u64) {
        self.done += by;
        let (done, total) = (self.done, self.total.max(self.done));
        self.tell(Event::Progress { done, total });
    }

    /// Says how many findings were not told one by one.
    pub(super) fn finish(mut self) -> Summary {
        let counts = std::mem::take(&mut self.counts);
        for (code, count) in counts.into_iter().filter(|(_, count)| *count > TOLD_PER_CODE) {
            let more = count - TOLD_PER_CODE;
            let finding = Finding::note("findings-cut").object(code);
            self.tell(Event::Finding(finding.found(format!("{more} more findings {code}"))));
        }
        self.summary.complete = !self.stopped;
        self.summary
    }

    fn tell(&mut self, event: Event) {
        if !self.stopped && (self.watch)(event).is_break() {
            self.stopped = true;
        }
    }
}
