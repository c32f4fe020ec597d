//! Renames: what was edited at the old path is told of the new one.

use super::{Ledger, State, Target};
use crate::report::Change;

/// Two entries that are one file or folder, by their place in the ledger.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rename {
    pub(super) from: usize,
    pub(super) to: usize,
}

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
        let origin = self.renames.iter().find(|rename| rename.to == old).map(|rename| rename.from);
        self.renames.retain(|rename| rename.to != old && rename.to != new);
        let from = origin.unwrap_or(old);
        if from != new {
            self.renames.push(Rename { from, to: new });
        }
    }

    /// Takes what was edited below a path, its streams and its attributes to the new path.
    fn carry_along(&mut self, volume: u32, from: &str, to: &str) {
        let from = from.to_lowercase();
        // Lower case may be longer or shorter than what it came from: the rest is counted from the end.
        let rest = |path: &str| {
            let lower = path.to_lowercase();
            let rest = lower.strip_prefix(&from)?;
            let letters = rest.chars().count();
            let start = path.char_indices().rev().nth(letters.checked_sub(1)?)?.0;
            rest.starts_with(['\\', ':']).then(|| format!("{to}{}", &path[start..]))
        };
        let mut moved = Vec::new();
        for entry in &mut self.entries {
            let (target, own) = match &entry.target {
                Target::File { volume: v, path } if *v == volume => {
                    (rest(path).map(|path| Target::File { volume, path }), false)
                }
                Target::Folder { volume: v, path } if *v == volume => {
                    (rest(path).map(|path| Target::Folder { volume, path }), false)
                }
                Target::BootIni { volume: v, path } if *v == volume => {
                    (rest(path).map(|path| Target::BootIni { volume, path }), false)
                }
                Target::Attributes { volume: v, path } if *v == volume => {
                    let same = (path.to_lowercase() == from).then(|| to.to_owned());
                    let path = rest(path).or(same);
                    (path.map(|path| Target::Attributes { volume, path }), true)
                }
                Target::Security { volume: v, path } if *v == volume => {
                    let same = (path.to_lowercase() == from).then(|| to.to_owned());
                    let path = rest(path).or(same);
                    (path.map(|path| Target::Security { volume, path }), true)
                }
                Target::Link { volume: v, path } if *v == volume => {
                    (rest(path).map(|path| Target::Link { volume, path }), false)
                }
                Target::Name { volume: v, path } if *v == volume => {
                    if path.to_lowercase() == from || rest(path).is_some() {
                        entry.after = entry.before.clone();
                    }
                    continue;
                }
                _ => continue,
            };
            let Some(target) = target.filter(|_| entry.after != State::Absent) else { continue };
            let before = if own { entry.before.clone() } else { State::Absent };
            moved.push((target, before, entry.after.clone()));
            entry.after = before_or_absent(entry, own);
        }
        for (target, before, after) in moved {
            self.record(target, before, after);
        }
    }

    /// The renames that tell all there is to tell: the same file or folder is now under the other name.
    pub(super) fn told_renames(&self) -> Vec<Rename> {
        let is_told = |rename: &&Rename| {
            let (Some(from), Some(to)) =
                (self.entries.get(rename.from), self.entries.get(rename.to))
            else {
                return false;
            };
            from.after == State::Absent && same(&from.before, &to.after)
        };
        self.renames.iter().filter(is_told).copied().collect()
    }

    pub(super) fn rename_change(&self, rename: &Rename) -> Change {
        let path = |at: usize| self.entries.get(at).map(|entry| entry.target.text());
        Change {
            kind: "rename",
            target: path(rename.from).unwrap_or_default(),
            before: path(rename.from),
            after: path(rename.to),
        }
    }
}

fn before_or_absent(entry: &super::Entry, own: bool) -> State {
    if own { entry.before.clone() } else { State::Absent }
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
}
