//! Sections that directives name: of the same INF, or of those it includes.

use std::collections::HashSet;

use super::super::{Entry, Inf, InfError, InfProblem, Section, fold};
use super::{ENTRIES_MAX, Included, IncludedInfs, NotCarriedOut, not_carried_out};

/// Values, and bytes, of an entry that counts as one.
const ENTRY_VALUES: usize = 16;
const ENTRY_BYTES: usize = 256;

/// Finds sections, and counts entries.
pub(super) struct Lookup<'a> {
    source: &'a dyn IncludedInfs,
    /// INFs included so far. Windows opens them together with the first, so that their sections can be named too.
    open: Vec<&'a Inf>,
    /// Their names and those of the absent ones, in lower case.
    known: HashSet<String>,
    /// Included INFs that are not there.
    absent: Vec<String>,
    /// Entries that may still be taken up.
    left: &'a mut usize,
    missing: Vec<Included>,
    left_out: Vec<NotCarriedOut>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(source: &'a dyn IncludedInfs, left: &'a mut usize) -> Self {
        let (open, absent, missing, left_out) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { source, open, known: HashSet::new(), absent, left, missing, left_out }
    }

    /// Counts an entry: a long one as several, for its copies take memory.
    pub(super) fn take(&mut self, entry: &Entry<'_>) -> Result<(), InfError> {
        self.take_many(entry, 1 + entry.len() / ENTRY_VALUES + entry.size() / ENTRY_BYTES)
    }

    /// Counts what an entry costs, when that is more than one entry does.
    pub(super) fn take_many(&mut self, entry: &Entry<'_>, count: usize) -> Result<(), InfError> {
        let left = self.left.checked_sub(count);
        let error = || entry.error(InfProblem::TooManyEntries { max: ENTRIES_MAX });
        *self.left = left.ok_or_else(error)?;
        Ok(())
    }

    /// Opens INFs.
    pub(super) fn include(&mut self, names: &[String]) {
        for name in names.iter().filter(|name| !name.is_empty()) {
            if self.known.insert(fold(name)) {
                match self.source.find(name) {
                    Some(inf) => self.open.push(inf),
                    None => self.absent.push(name.clone()),
                }
            }
        }
    }

    /// The section that a `Needs` names: of the INFs included beside it, or of its own.
    pub(super) fn needed(
        &self,
        includes: &[String],
        own: &'a Inf,
        name: &str,
    ) -> Option<(&'a Inf, &'a Section)> {
        let beside = includes.iter().filter_map(|file| self.source.find(file));
        let mut infs = beside.chain([own]).chain(self.open.iter().copied());
        infs.find_map(|inf| Some((inf, inf.section(name)?)))
    }

    /// The INF that has the section a directive names. `None`, and a note, when there is none, which Windows lets pass.
    pub(super) fn section(
        &mut self,
        directive: &Entry<'a>,
        name: &str,
    ) -> Result<Option<&'a Inf>, InfError> {
        self.take_many(directive, 1)?;
        let found = self.find(directive, name);
        if found.is_none() && !self.note_absent(directive, name)? {
            self.take(directive)?;
            self.left_out.push(NotCarriedOut {
                values: vec![name.to_owned()],
                ..not_carried_out(directive)
            });
        }
        Ok(found)
    }

    /// The INF that has the section a directive cannot do without. `None`, and a note, when an INF that is not there may have it.
    pub(super) fn required(
        &mut self,
        directive: &Entry<'a>,
        name: &str,
    ) -> Result<Option<&'a Inf>, InfError> {
        self.take_many(directive, 1)?;
        let found = self.find(directive, name);
        if found.is_none() && !self.note_absent(directive, name)? {
            return Err(directive.error(InfProblem::NoSection { section: name.to_owned() }));
        }
        Ok(found)
    }

    /// What was not found: in INFs that are not there, and anywhere.
    pub(super) fn missing(self) -> (Vec<Included>, Vec<NotCarriedOut>) {
        (self.missing, self.left_out)
    }

    fn find(&self, directive: &Entry<'a>, name: &str) -> Option<&'a Inf> {
        let mut infs = std::iter::once(directive.inf()).chain(self.open.iter().copied());
        infs.find(|inf| inf.section(name).is_some())
    }

    /// Notes a section that INFs which are not there may have.
    fn note_absent(&mut self, directive: &Entry<'_>, name: &str) -> Result<bool, InfError> {
        if self.absent.is_empty() {
            return Ok(false);
        }
        self.take_many(directive, self.absent.len())?;
        self.missing.push(Included {
            line: directive.line(),
            files: self.absent.clone(),
            section: name.to_owned(),
            found_in: None,
        });
        Ok(true)
    }
}
