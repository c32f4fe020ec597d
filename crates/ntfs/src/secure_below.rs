//! A descriptor that is passed on to everything below a folder.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::vec::IntoIter;

use crate::{
    DirectoryEntry, Error, FileReference,
    core::Core,
    security::{self, Lists, ParentChange},
};

/// Files and folders of one operation.
const STEP: usize = 64;

/// What became of a descriptor.
#[derive(Clone)]
struct Outcome {
    old: Option<Rc<[u8]>>,
    new: Rc<[u8]>,
    /// The lists that reach what is below.
    lists: Lists,
}

/// A folder whose children are being looked at.
struct Open {
    outcome: Outcome,
    entries: IntoIter<DirectoryEntry>,
    /// Few descriptors serve many files: each is worked out once in a folder.
    known: HashMap<(u32, bool), Outcome>,
}

/// A walk over everything below a folder.
pub(crate) struct Below {
    people: Option<Vec<u8>>,
    left: Vec<(FileReference, Outcome)>,
    open: Option<Open>,
    /// Folders met, so that damaged ones that hold each other end.
    seen: HashSet<u64>,
    /// Files and folders with another descriptor so far.
    pub(crate) changed: u64,
}

impl Below {
    /// Gives a file or folder the parts of a descriptor, and begins to pass them on.
    pub(crate) fn begin(
        core: &mut Core,
        file: FileReference,
        folder: Option<FileReference>,
        given: &[u8],
    ) -> Result<Self, Error> {
        let (old, new) = core.set_security(file, folder, given)?;
        let people = security::owner_and_group(given)?;
        let lists = Lists::of(given)?;
        let seen = HashSet::from([file.record()]);
        let mut below = Self { people, left: Vec::new(), open: None, seen, changed: 0 };
        if core.base_record(file)?.is_directory() {
            let outcome = Outcome { old: old.map(Into::into), new: new.into(), lists };
            below.enter(file, &outcome);
        }
        Ok(below)
    }

    /// Notes a folder for later, when anything reaches what is in it.
    fn enter(&mut self, folder: FileReference, outcome: &Outcome) {
        if self.people.is_some() || outcome.lists.any() {
            self.left.push((folder, outcome.clone()));
        }
    }

    /// Goes on for some files and folders; false at the end.
    pub(crate) fn step(&mut self, core: &mut Core) -> Result<bool, Error> {
        let Some(mut open) = self.next_open(core)? else { return Ok(false) };
        for entry in open.entries.by_ref().take(STEP) {
            let record = core.base_record(entry.reference)?;
            let (base, is_directory) = (record.number, record.is_directory());
            let id = core.information(base)?.security_id();
            let place = id.map(|id| (id, is_directory));
            let outcome = match place.and_then(|place| open.known.get(&place)) {
                Some(outcome) => outcome.clone(),
                None => self.outcome(core, base, &open.outcome, is_directory)?,
            };
            let stored = core.store_descriptor(base, outcome.old.as_deref(), &outcome.new)?;
            self.changed += u64::from(stored);
            if is_directory && self.seen.insert(base) {
                self.enter(entry.reference, &outcome);
            }
            if let Some(place) = place {
                open.known.entry(place).or_insert(outcome);
            }
        }
        self.open = Some(open);
        Ok(true)
    }

    /// The folder at hand, or the next one.
    fn next_open(&mut self, core: &mut Core) -> Result<Option<Open>, Error> {
        if let Some(open) = self.open.take().filter(|open| !open.entries.as_slice().is_empty()) {
            return Ok(Some(open));
        }
        let Some((folder, outcome)) = self.left.pop() else { return Ok(None) };
        let entries = core.list(folder)?.into_iter();
        Ok(Some(Open { outcome, entries, known: HashMap::new() }))
    }

    fn outcome(
        &self,
        core: &mut Core,
        base: u64,
        above: &Outcome,
        is_directory: bool,
    ) -> Result<Outcome, Error> {
        let old: Option<Rc<[u8]>> = core.descriptor(base)?.map(Into::into);
        let inherited;
        let child = match &old {
            Some(old) => old,
            None => {
                inherited = security::inherit(&above.new, is_directory)?;
                &inherited[..]
            }
        };
        let (lists, people) = (above.lists, self.people.as_deref());
        let change = ParentChange { old: above.old.as_deref(), new: &above.new, lists, people };
        let (new, lists) = security::propagate(child, change, is_directory)?;
        Ok(Outcome { old, new: new.into(), lists })
    }
}
