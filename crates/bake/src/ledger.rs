//! The ledger: what every edit met and what it left, by target.
//!
//! The first state met and the last one left count, so a later step that undoes an earlier one leaves no change.

mod renames;

use std::collections::BTreeMap;
use std::sync::Arc;

use winkiln_guest::HiveName;
use winkiln_hive::ValueType;
use winkiln_verify::Fingerprint;

use crate::report::Change;
use crate::value_text::display_value;
use renames::Rename;

/// What an edit is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A key: its hive and path below the root.
    Key { hive: HiveName, path: String },
    /// A value of a key.
    Value { hive: HiveName, path: String, name: String },
    /// A file or one of its streams.
    File { volume: u32, path: String },
    /// A folder.
    Folder { volume: u32, path: String },
    /// The spelling of a name, where letters change their case alone.
    Name { volume: u32, path: String },
    /// The DOS attributes of a file or folder.
    Attributes { volume: u32, path: String },
    /// A link.
    Link { volume: u32, path: String },
    /// The security descriptor of a file or folder.
    Security { volume: u32, path: String },
    /// The security descriptor of a key.
    KeySecurity { hive: HiveName, path: String },
    /// An element of a BCD object: `{guid}`, number and name.
    Element { object: String, id: u32, name: String },
    /// `boot.ini` as a whole.
    BootIni { volume: u32, path: String },
    /// A part of a volume that was put right before it was opened: `log`, `hiberfil.sys`.
    VolumeState { volume: u32, part: &'static str },
}

impl Target {
    /// One text for each target, whatever its spelling.
    fn identity(&self) -> String {
        match self {
            Self::Key { hive, path } => format!("key|{hive:?}|{path}"),
            Self::Value { hive, path, name } => format!("value|{hive:?}|{path}\\\\{name}"),
            // One path is one thing at a time, whatever it is.
            Self::File { volume, path }
            | Self::Folder { volume, path }
            | Self::Link { volume, path }
            | Self::BootIni { volume, path } => format!("path|{volume}|{path}"),
            Self::Name { volume, path } => format!("name|{volume}|{path}"),
            Self::Attributes { volume, path } => format!("attributes|{volume}|{path}"),
            Self::Security { volume, path } => format!("security|{volume}|{path}"),
            Self::KeySecurity { hive, path } => format!("access|{hive:?}|{path}"),
            Self::Element { object, id, .. } => format!("element|{object}|{id}"),
            Self::VolumeState { volume, part } => format!("state|{volume}|{part}"),
        }
        .to_lowercase()
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Key { .. } => "registry-key",
            Self::Value { .. } => "registry-value",
            Self::File { .. } => "file",
            Self::Folder { .. } => "folder",
            Self::Name { .. } => "rename",
            Self::Attributes { .. } => "attributes",
            Self::Link { .. } => "link",
            Self::Security { .. } | Self::KeySecurity { .. } => "security",
            Self::Element { .. } => "bcd-element",
            Self::BootIni { .. } => "boot-ini",
            Self::VolumeState { .. } => "volume-state",
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Key { hive, path } | Self::KeySecurity { hive, path } => full_key(hive, path),
            Self::Value { hive, path, name } => {
                let name = if name.is_empty() { "(Default)" } else { name };
                format!("{}\\{name}", full_key(hive, path))
            }
            Self::File { path, .. }
            | Self::Folder { path, .. }
            | Self::Name { path, .. }
            | Self::Attributes { path, .. }
            | Self::Link { path, .. }
            | Self::Security { path, .. }
            | Self::BootIni { path, .. } => path.clone(),
            Self::Element { object, name, .. } => format!("{object} {name}"),
            Self::VolumeState { volume, part } => format!("volume {volume}: {part}"),
        }
    }
}

/// A key as administrators write it.
pub(crate) fn full_key(hive: &HiveName, path: &str) -> String {
    let root = match hive {
        HiveName::System => r"HKLM\SYSTEM".to_owned(),
        HiveName::Software => r"HKLM\SOFTWARE".to_owned(),
        HiveName::Sam => r"HKLM\SAM".to_owned(),
        HiveName::Security => r"HKLM\SECURITY".to_owned(),
        HiveName::Drivers => r"HKLM\DRIVERS".to_owned(),
        HiveName::Components => r"HKLM\COMPONENTS".to_owned(),
        HiveName::Bcd => r"HKLM\BCD00000000".to_owned(),
        HiveName::DefaultUser => r"HKU\.DEFAULT".to_owned(),
        HiveName::User(user) => format!(r"HKU\{user}"),
        HiveName::UserClasses(user) => format!(r"HKU\{user}_Classes"),
    };
    if path.is_empty() { root } else { format!("{root}\\{path}") }
}

/// What a target holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing of that name.
    Absent,
    /// A key, with what is in it in words.
    Key(String),
    /// A value.
    Value(ValueType, Vec<u8>),
    /// A file.
    File(FileState),
    /// A folder.
    Folder,
    /// A path as it is spelt.
    Name(String),
    /// DOS attribute bits.
    Attributes(u32),
    /// A symbolic link or a junction.
    Link { junction: bool, target: String },
    /// One more name of the file at another path.
    HardLink { other: String },
    /// A security descriptor as SDDL.
    Security(String),
    /// An element: as `bcdedit` prints it, and its registry type and data.
    Element(String, ValueType, Vec<u8>),
    /// The bytes of `boot.ini`.
    BootIni(Arc<Vec<u8>>),
    /// How a part of a volume was or is, in words.
    Words(String),
}

/// A file's contents.
#[derive(Debug, Clone)]
pub(crate) struct FileState {
    pub(crate) length: u64,
    /// Of the whole file, when it was read or written.
    fingerprint: Option<Fingerprint>,
    /// We answer for these contents.
    ours: bool,
}

impl FileState {
    /// The state of a file that got these contents.
    pub(crate) fn ours(fingerprint: Fingerprint) -> Self {
        Self { ours: true, ..Self::met(fingerprint) }
    }

    /// The state of a file that was read.
    pub(crate) fn met(fingerprint: Fingerprint) -> Self {
        Self { length: fingerprint.length, fingerprint: Some(fingerprint), ours: false }
    }

    /// The state of a file that was not read.
    pub(crate) fn unread(length: u64) -> Self {
        Self { length, fingerprint: None, ours: false }
    }

    /// A file whose contents must stay as they are.
    pub(crate) fn into_ours(self) -> Self {
        Self { ours: true, ..self }
    }

    /// What must be found in the file when it is read back.
    pub(crate) fn claimed(&self) -> Option<Fingerprint> {
        self.fingerprint.filter(|_| self.ours)
    }

    /// True when the contents are not known.
    fn is_unread(&self) -> bool {
        self.fingerprint.is_none()
    }
}

impl PartialEq for FileState {
    fn eq(&self, other: &Self) -> bool {
        !self.is_unread() && self.fingerprint == other.fingerprint
    }
}

impl Eq for FileState {}

impl State {
    fn text(&self) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Key(text) | Self::Element(text, ..) | Self::Name(text) | Self::Words(text) => {
                Some(text.clone())
            }
            Self::Value(kind, data) => Some(display_value(*kind, data)),
            Self::File(file) => Some(format!("{} bytes", file.length)),
            Self::Folder => Some("folder".to_owned()),
            Self::Attributes(bits) => Some(attribute_letters(*bits)),
            Self::Link { junction: true, target } => Some(format!("junction to {target}")),
            Self::Link { target, .. } => Some(format!("symbolic link to {target}")),
            Self::HardLink { other } => Some(format!("hard link to {other}")),
            Self::Security(sddl) => Some(sddl.clone()),
            Self::BootIni(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        }
    }
}

/// Attributes in the letters of `attrib`; `none` without any.
fn attribute_letters(bits: u32) -> String {
    const LETTERS: [(u32, char); 5] =
        [(0x20, 'A'), (0x04, 'S'), (0x02, 'H'), (0x01, 'R'), (0x2000, 'I')];
    let letters: String =
        LETTERS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, letter)| letter).collect();
    if letters.is_empty() { "none".to_owned() } else { letters }
}

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
    renames: Vec<Rename>,
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
        let path = || removed.to_owned();
        let own = Target::File { volume, path: path() }.identity();
        let mut gone: Vec<usize> = Vec::new();
        for target in [
            Target::Attributes { volume, path: path() },
            Target::Security { volume, path: path() },
            Target::Name { volume, path: path() },
        ] {
            gone.extend(self.places.get(&target.identity()));
            gone.extend(self.under(&target.identity()));
        }
        gone.extend(self.under(&own));
        for at in gone {
            let Some(entry) = self.entries.get_mut(at) else { continue };
            // Attributes and spelling go unmentioned: what carried them is gone, which is told of itself.
            let carried = matches!(
                entry.target,
                Target::Attributes { .. } | Target::Security { .. } | Target::Name { .. }
            );
            entry.after = if carried { entry.before.clone() } else { State::Absent };
        }
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

    /// The changes, for the report.
    pub(crate) fn changes(&self) -> Vec<Change> {
        let told = self.told_renames();
        let mut changes = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            if let Some(rename) = told.iter().find(|rename| rename.from == at) {
                changes.push(self.rename_change(rename));
                continue;
            }
            let is_told =
                entry.before == State::Absent && told.iter().any(|rename| rename.to == at);
            if entry.before != entry.after && !is_told {
                changes.push(change(entry));
            }
        }
        changes
    }
}

fn change(entry: &Entry) -> Change {
    let (before, after) = match (&entry.before, &entry.after) {
        (State::BootIni(before), State::BootIni(after)) => {
            let (before, after) = changed_lines(before, after);
            let some = |text: String| (!text.is_empty()).then_some(text);
            (some(before), some(after))
        }
        (before, after) => (before.text(), after.text()),
    };
    Change { kind: entry.target.kind(), target: entry.target.text(), before, after }
}

/// The lines between the first and the last that differ. Bytes outside UTF-8 have an unknown code page.
fn changed_lines(before: &[u8], after: &[u8]) -> (String, String) {
    let before: Vec<&[u8]> = before.split(|byte| *byte == b'\n').collect();
    let after: Vec<&[u8]> = after.split(|byte| *byte == b'\n').collect();
    let head = before.iter().zip(&after).take_while(|(b, a)| b == a).count();
    let rest = before.len().min(after.len()) - head;
    let equal_tail = before.iter().rev().zip(after.iter().rev()).take_while(|(b, a)| b == a);
    let tail = equal_tail.count().min(rest);
    let text = |lines: &[&[u8]]| {
        let lines = lines[head..lines.len() - tail].join(&b'\n');
        String::from_utf8_lossy(&lines).replace('\r', "").trim_end_matches('\n').to_owned()
    };
    (text(&before), text(&after))
}

#[cfg(test)]
mod tests {
    use super::{FileState, Ledger, State, Target, changed_lines};
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
    fn files_compare_by_contents() {
        let met = FileState::met(Fingerprint::of(b"one"));
        assert_eq!(met, FileState::ours(Fingerprint::of(b"one")));
        assert_ne!(met, FileState::met(Fingerprint::of(b"two")));
        assert_ne!(FileState::unread(3), FileState::unread(3), "unread files may differ");
    }

    #[test]
    fn boot_ini_shows_only_what_differs() {
        let before = b"[a]\r\nx=1\r\ny=2\r\n";
        assert_eq!(changed_lines(before, b"[a]\r\nx=3\r\ny=2\r\n"), ("x=1".into(), "x=3".into()));
        assert_eq!(
            changed_lines(before, b"[a]\r\nx=1\r\nx=1\r\ny=2\r\n"),
            (String::new(), "x=1".into())
        );
        assert_eq!(changed_lines(before, before), (String::new(), String::new()));
    }
}
