//! Renames: what was edited at the old path is told of the new one.

use std::collections::BTreeMap;

use super::{Ledger, State, Target};
use crate::report::Change;

impl Ledger {
    /// Notes that a file or folder left `from` for `to`, which held `replaced`, and is `state` there.
    pub(crate) fn renamed(
        &mut self,
        volume: u32,
        (from, to): (&str, &str),
        state: State,
        replaced: State,
    ) {
        self.carry_along(volume, from, to);
        let target = |path: &str| {
            let path = path.to_owned();
            match state {
                State::Folder => Target::Folder { volume, path },
                _ => Target::File { volume, path },
            }
        };
        let (old, new) = (target(from), target(to));
        let places = [old.identity(), new.identity()];
        self.record(old, state.clone(), State::Absent);
        self.record(new, replaced, state);
        let [Some(old), Some(new)] = places.map(|place| self.places.get(&place).copied()) else {
            return;
        };
        // It may have come from elsewhere before.
        let from = self.renames.remove(&old).unwrap_or(old);
        self.renames.remove(&new);
        if from != new {
            self.renames.insert(new, from);
        }
    }

    /// Takes what was edited below a path, its streams and its attributes to the new path.
    fn carry_along(&mut self, volume: u32, from: &str, to: &str) {
        let folded = folded_length(from);
        let mut moved = Vec::new();
        for at in self.going_along(volume, from) {
            let Some(entry) = self.entries.get_mut(at) else { continue };
            if matches!(entry.target, Target::Name { .. }) {
                entry.after = entry.before.clone();
                continue;
            }
            let Some(target) = entry.target.moved(folded, to) else { continue };
            if entry.after == State::Absent {
                continue;
            }
            let left = if entry.target.is_carried() { entry.before.clone() } else { State::Absent };
            moved.push((target, left.clone(), std::mem::replace(&mut entry.after, left)));
        }
        for (target, before, after) in moved {
            self.record(target, before, after);
        }
    }

    /// The renames that tell all there is to tell: the same file or folder is now under the other name. Where it is, by
    /// where it was met; of several that are as it was the one that was touched first.
    pub(super) fn told_renames(&self) -> BTreeMap<usize, usize> {
        let mut told = BTreeMap::new();
        for (&to, &from) in &self.renames {
            let (Some(old), Some(new)) = (self.entries.get(from), self.entries.get(to)) else {
                continue;
            };
            if old.after == State::Absent && same(&old.before, &new.after) {
                told.entry(from).or_insert(to);
            }
        }
        told
    }

    pub(super) fn rename_change(&self, from: usize, to: usize) -> Change {
        let path = |at: usize| self.entries.get(at).map(|entry| entry.target.text());
        Change {
            kind: "rename",
            target: path(from).unwrap_or_default(),
            before: path(from),
            after: path(to),
        }
    }
}

impl Target {
    /// The target at the new path of what had a path whose length in lower case is `folded` bytes.
    fn moved(&self, folded: usize, to: &str) -> Option<Self> {
        let mut moved = self.clone();
        match &mut moved {
            Self::File { path, .. }
            | Self::Folder { path, .. }
            | Self::BootIni { path, .. }
            | Self::Link { path, .. }
            | Self::Attributes { path, .. }
            | Self::Security { path, .. } => *path = format!("{to}{}", rest(path, folded)),
            _ => return None,
        }
        Some(moved)
    }
}

/// Bytes of a text in lower case, letter by letter: other than in the spelling at hand.
fn folded_length(text: &str) -> usize {
    text.chars().flat_map(char::to_lowercase).map(char::len_utf8).sum()
}

/// What follows the letters whose lower case is `folded` bytes long.
fn rest(path: &str, folded: usize) -> &str {
    let mut seen = 0;
    let mut letters = path.chars();
    while seen < folded {
        let Some(letter) = letters.next() else { break };
        seen += letter.to_lowercase().map(char::len_utf8).sum::<usize>();
    }
    letters.as_str()
}

/// Tells whether two states are those of one file or folder. A file that was not read has its length.
fn same(before: &State, after: &State) -> bool {
    match (before, after) {
        (State::Folder, State::Folder) => true,
        (State::File(a), State::File(b)) => {
            let unread = a.is_unread() && b.is_unread();
            a == b || unread && a.length == b.length
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FileState, Ledger, State, Target};
    use winkiln_verify::Fingerprint;

    fn file(text: &str) -> State {
        State::File(FileState::ours(Fingerprint::of(text.as_bytes())))
    }

    fn told(ledger: &Ledger) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let changes = ledger.changes().into_iter();
        changes
            .map(|c| format!("{} {} {} {}", c.kind, c.target, text(&c.before), text(&c.after)))
            .collect()
    }

    #[test]
    fn a_way_over_several_names_is_one_rename_and_the_way_back_none() {
        let mut ledger = Ledger::default();
        ledger.renamed(1, (r"\a", r"\b"), file("x"), State::Absent);
        ledger.renamed(1, (r"\B", r"\c"), file("x"), file("three"));
        assert_eq!(told(&ledger), [r"rename \a \a \c", r"file \c 5 bytes 1 bytes"]);
        ledger.renamed(1, (r"\c", r"\a"), file("x"), State::Absent);
        assert_eq!(told(&ledger), [r"file \c 5 bytes -"]);
    }

    #[test]
    fn what_was_edited_before_goes_along() {
        let mut ledger = Ledger::default();
        let at = |path: &str| Target::File { volume: 1, path: path.to_owned() };
        ledger.record(at(r"\İ\new"), State::Absent, file("x"));
        ledger.record(at(r"\İ\old"), file("1"), file("2"));
        ledger.record(at(r"\İb"), State::Absent, file("x"));
        ledger.renamed(1, (r"\İ", r"\To"), State::Folder, State::Absent);
        assert_eq!(
            told(&ledger),
            [
                r"file \İ\old 1 bytes -",
                r"file \İb - 1 bytes",
                r"file \To\new - 1 bytes",
                r"file \To\old - 1 bytes",
                r"rename \İ \İ \To",
            ]
        );
    }

    #[test]
    fn what_takes_the_old_place_and_leaves_it_too_is_told() {
        let mut ledger = Ledger::default();
        ledger.renamed(1, (r"\a", r"\b"), file("x"), State::Absent);
        ledger.record(Target::File { volume: 1, path: r"\a".into() }, State::Absent, file("x"));
        ledger.renamed(1, (r"\a", r"\c"), file("x"), State::Absent);
        assert_eq!(told(&ledger), [r"rename \a \a \b", r"file \c - 1 bytes"]);
    }

    #[test]
    fn letters_that_get_longer_in_lower_case_stay_whole() {
        let mut ledger = Ledger::default();
        let at = |path: &str| Target::File { volume: 1, path: path.to_owned() };
        ledger.record(at(r"\a\İİ"), State::Absent, file("x"));
        ledger.renamed(1, (r"\A", r"\To"), State::Folder, State::Absent);
        assert_eq!(told(&ledger), [r"file \To\İİ - 1 bytes", r"rename \A \A \To"]);
    }
}
