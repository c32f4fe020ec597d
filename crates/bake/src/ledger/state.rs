//! What targets hold, before and after.

use std::sync::Arc;

use winkiln_hive::ValueType;
use winkiln_verify::Fingerprint;

use crate::value_text::display_value;

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
    /// A security descriptor as SDDL; many objects have the same.
    Security(Arc<str>),
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
    pub(super) fn is_unread(&self) -> bool {
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
    pub(super) fn text(&self) -> Option<String> {
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
            Self::Security(sddl) => Some(sddl.to_string()),
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

#[cfg(test)]
mod tests {
    use super::FileState;
    use winkiln_verify::Fingerprint;

    #[test]
    fn files_compare_by_contents() {
        let met = FileState::met(Fingerprint::of(b"one"));
        assert_eq!(met, FileState::ours(Fingerprint::of(b"one")));
        assert_ne!(met, FileState::met(Fingerprint::of(b"two")));
        assert_ne!(FileState::unread(3), FileState::unread(3), "unread files may differ");
    }
}
