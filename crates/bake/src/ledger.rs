//! The ledger: what every edit met and what it left, by target.
//!
//! The first state met and the last one left count, so a later step that undoes an earlier one leaves no change.

mod change;
mod renames;
mod state;
mod target;

use std::collections::{BTreeMap, BTreeSet};

use winkiln_guest::HiveName;

use crate::report::Change;
use change::change;
pub(crate) use state::{FileState, State};
pub(crate) use target::{Target, full_key};

/// One target with the state that was met and the state that was left.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) target: Target,
    pub(crate) before: State,
    pub(crate) after: State,
}

/// What was changed so far, in the order of first touch.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    /// By identity, so that what lies below a path is together.
    places: BTreeMap<String, usize>,
    /// Which file or folder a place holds that was renamed: where it was met, by where it is.
    renames: BTreeMap<usize, usize>,
    /// Steps that were already so.
    pub(crate) unchanged: usize,
}

impl Ledger {
    /// Notes an edit.
    pub(crate) fn record(&mut self, target: Target, before: State, after: State) {
        let identity = target.identity();
        if let Some(entry) = self.places.get(&identity).and_then(|at| self.entries.get_mut(*at)) {
            // A path may have become something else; otherwise the first spelling stays.
            if entry.target.kind() != target.kind() {
                entry.target = target;
            }
            entry.after = after;
        } else {
            self.places.insert(identity, self.entries.len());
            self.entries.push(Entry { target, before, after });
        }
    }

    /// Notes that all that was edited below a key went with it.
    pub(crate) fn key_deleted(&mut self, hive: &HiveName, key: &str) {
        let own = Target::Key { hive: hive.clone(), path: key.to_owned() }.identity();
        let value = Target::Value { hive: hive.clone(), path: key.to_owned(), name: String::new() };
        // Names of values begin after two backslashes, subkeys after one.
        let values = value.identity();
        let below_values = values.trim_end_matches('\\');
        // Rights go unmentioned: what had them is gone, which is told of itself.
        let access = Target::KeySecurity { hive: hive.clone(), path: key.to_owned() }.identity();
        let mut carried: Vec<usize> = self.places.get(&access).copied().into_iter().collect();
        carried.extend(self.beginning(&format!("{access}\\")));
        for at in carried {
            if let Some(entry) = self.entries.get_mut(at) {
                entry.after = entry.before.clone();
            }
        }
        let mut gone: Vec<usize> = self.places.get(&own).copied().into_iter().collect();
        gone.extend(self.beginning(&format!("{own}\\")));
        gone.extend(self.beginning(&format!("{below_values}\\")));
        for at in gone {
            if let Some(entry) = self.entries.get_mut(at) {
                entry.after = State::Absent;
            }
        }
    }

    /// Notes that the streams of a path, and all that was edited below it, went with it.
    pub(crate) fn path_removed(&mut self, volume: u32, removed: &str) {
        for at in self.going_along(volume, removed) {
            let Some(entry) = self.entries.get_mut(at) else { continue };
            // Attributes and spelling go unmentioned: what carried them is gone, which is told of itself.
            entry.after =
                if entry.target.is_carried() { entry.before.clone() } else { State::Absent };
        }
    }

    /// The entries that go where a path goes: what is below it, streams, attributes, security and spelling. Not the path
    /// itself, and nothing else is looked at.
    fn going_along(&self, volume: u32, path: &str) -> Vec<usize> {
        let own = || path.to_owned();
        let mut along: Vec<usize> = Vec::new();
        for target in [
            Target::Attributes { volume, path: own() },
            Target::Security { volume, path: own() },
            Target::Name { volume, path: own() },
        ] {
            let identity = target.identity();
            along.extend(self.places.get(&identity));
            along.extend(self.under(&identity));
        }
        along.extend(self.under(&Target::File { volume, path: own() }.identity()));
        along.sort_unstable();
        along
    }

    /// Tells whether a path, or a folder above it, is gone.
    pub(crate) fn is_gone(&self, volume: u32, path: &str) -> bool {
        let ends = path.match_indices('\\').map(|(at, _)| at).skip(1).chain([path.len()]);
        ends.filter_map(|end| path.get(..end)).any(|above| {
            let target = Target::File { volume, path: above.to_owned() };
            let place = self.places.get(&target.identity());
            place.and_then(|at| self.entries.get(*at)).is_some_and(|e| e.after == State::Absent)
        })
    }

    /// The entries of what is below a path or a stream of it.
    fn under(&self, identity: &str) -> Vec<usize> {
        let below = self.beginning(&format!("{identity}\\"));
        below.chain(self.beginning(&format!("{identity}:"))).collect()
    }

    /// The entries whose identity begins so.
    fn beginning<'l>(&'l self, prefix: &str) -> impl Iterator<Item = usize> + use<'l> {
        let prefix = prefix.to_owned();
        let from = self.places.range(prefix.clone()..);
        from.take_while(move |(identity, _)| identity.starts_with(&prefix)).map(|(_, at)| *at)
    }

    /// Tells whether a key was there and was deleted earlier in this session.
    pub(crate) fn was_deleted(&self, hive: &HiveName, path: &str) -> bool {
        let target = Target::Key { hive: hive.clone(), path: path.to_owned() };
        self.places
            .get(&target.identity())
            .and_then(|at| self.entries.get(*at))
            .is_some_and(|entry| entry.before != State::Absent && entry.after == State::Absent)
    }

    /// Every target that was touched, changed in the end or not.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Tells whether anything differs from how it was met.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.iter().all(|entry| entry.before == entry.after)
    }

    /// The changes.
    #[cfg(test)]
    pub(crate) fn changes(&self) -> Vec<Change> {
        self.changes_up_to(usize::MAX).0
    }

    /// How many changes there are.
    pub(crate) fn change_count(&self) -> usize {
        self.changes_up_to(0).1
    }

    /// The first changes, for the report, and how many more there are.
    pub(crate) fn changes_up_to(&self, max: usize) -> (Vec<Change>, usize) {
        let told = self.told_renames();
        let ends: BTreeSet<usize> = told.values().copied().collect();
        let mut changes = Vec::new();
        let mut untold = 0;
        for (at, entry) in self.entries.iter().enumerate() {
            let renamed = told.get(&at);
            let is_told = entry.before == State::Absent && ends.contains(&at);
            if renamed.is_none() && (entry.before == entry.after || is_told) {
                continue;
            }
            if changes.len() >= max {
                untold += 1;
                continue;
            }
            changes.push(match renamed {
                Some(to) => self.rename_change(at, *to),
                None => change(entry),
            });
        }
        (changes, untold)
    }
}

#[cfg(test)]
mod tests {
    use super::{FileState, Ledger, State, Target};
    use winkiln_guest::HiveName;
    use winkiln_hive::ValueType;
    use winkiln_verify::Fingerprint;

    fn value(path: &str, name: &str) -> Target {
        Target::Value { hive: HiveName::System, path: path.into(), name: name.into() }
    }

    fn dword(number: u8) -> State {
        State::Value(ValueType::Dword, vec![number, 0, 0, 0])
    }

    #[test]
    fn what_is_undone_is_no_change() {
        let mut ledger = Ledger::default();
        ledger.record(value("A", "x"), dword(1), dword(2));
        assert_eq!(ledger.changes().len(), 1);
        ledger.record(value("a", "X"), dword(2), dword(1));
        assert!(ledger.is_empty(), "spelling does not make another target");
        ledger.record(value("a", "X"), dword(1), dword(3));
        let changes = ledger.changes();
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].target, r"HKLM\SYSTEM\A\x");
        assert_eq!(changes[0].before.as_deref(), Some("REG_DWORD 0x00000001"));
        assert_eq!(changes[0].after.as_deref(), Some("REG_DWORD 0x00000003"));
    }

    #[test]
    fn values_go_with_their_key() {
        let mut ledger = Ledger::default();
        ledger.record(value("A\\B", "new"), State::Absent, dword(1));
        ledger.record(value("AB", "other"), State::Absent, dword(1));
        ledger.key_deleted(&HiveName::System, "a");
        let changes = ledger.changes();
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(changes[0].target, r"HKLM\SYSTEM\AB\other");
    }

    #[test]
    fn a_path_is_one_thing_at_a_time() {
        let mut ledger = Ledger::default();
        let path = || "\\a".to_owned();
        let bytes = || FileState::ours(Fingerprint::of(b"x"));
        let file = |path| Target::File { volume: 1, path };
        ledger.record(file(path()), State::Absent, State::File(bytes()));
        ledger.record(file("\\A:s".into()), State::Absent, State::File(bytes()));
        ledger.record(file("\\ab".into()), State::Absent, State::File(bytes()));
        ledger.path_removed(1, "\\a");
        ledger.record(file(path()), State::File(bytes()), State::Absent);
        ledger.record(Target::Folder { volume: 1, path: path() }, State::Absent, State::Folder);
        let changes = ledger.changes();
        let kinds: Vec<_> = changes.iter().map(|change| (change.kind, &*change.target)).collect();
        assert_eq!(kinds, [("folder", "\\a"), ("file", "\\ab")]);
    }

    #[test]
    fn what_goes_along_is_all_that_is_looked_at() {
        let mut ledger = Ledger::default();
        let file = |path: String| Target::File { volume: 1, path };
        let bytes = || State::File(FileState::ours(Fingerprint::of(b"x")));
        for number in 0..500 {
            ledger.record(file(format!("\\a{number}\\f")), bytes(), State::Absent);
        }
        let attributes = Target::Attributes { volume: 1, path: "\\A7".into() };
        ledger.record(attributes, State::Attributes(1), State::Attributes(2));
        ledger.record(file("\\a7:s".into()), State::Absent, bytes());
        assert_eq!(ledger.going_along(1, "\\A7"), [7, 500, 501]);
        assert_eq!(ledger.going_along(2, "\\a7"), [0; 0]);
        assert!(ledger.is_gone(1, "\\A7\\F") && ledger.is_gone(1, "\\a7\\f\\below"));
        assert!(!ledger.is_gone(1, "\\a7") && !ledger.is_gone(2, "\\a7\\f"));
        assert!(!ledger.is_gone(1, "\\a7\\fg") && !ledger.is_gone(1, "\\a7:s"));
    }

    /// A stream's name decides how the sigma before it would be written in a word.
    #[test]
    fn streams_go_with_their_file_whatever_its_last_letter() {
        let mut ledger = Ledger::default();
        let bytes = || State::File(FileState::ours(Fingerprint::of(b"x")));
        let stream = Target::File { volume: 1, path: "\\ΑΣ:s".into() };
        ledger.record(stream, State::Absent, bytes());
        ledger.path_removed(1, "\\ΑΣ");
        assert!(ledger.is_empty());
    }
}
