//! One index entry: a key with a file reference or data, and in inner nodes the VCN of the block that sorts before it.

use super::{Collation, IndexError};
use crate::{FileReference, bytes};

/// Bytes before an entry's key.
pub(crate) const HEAD: usize = 0x10;
/// Bytes of the VCN at the end of an entry that has a child.
pub(crate) const CHILD: usize = 8;
/// Flag: the entry ends with the VCN of a block.
const HAS_CHILD: u16 = 1;
/// Flag: the entry ends its node and has no key.
const IS_END: u16 = 2;

/// An index entry in a node. Its length and the place of its key have been checked.
///
/// Source: linux-ntfs documentation, "Index entry".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryView<'a> {
    bytes: &'a [u8],
}

impl<'a> EntryView<'a> {
    /// Reads the entry at the start of `bytes`, which reaches to the end of the node; `None` when its parts do not fit its length.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let length = usize::from(u16_at(bytes, 8));
        let bytes = bytes.get(..length)?;
        let entry = Self { bytes };
        let parts = HEAD + entry.key_length() + if entry.has_child() { CHILD } else { 0 };
        (length.is_multiple_of(8) && parts <= length).then_some(entry)
    }

    /// The file that the entry names. Meaningful in file name indexes alone.
    #[must_use]
    pub fn reference(&self) -> FileReference {
        FileReference(u64_at(self.bytes, 0))
    }

    /// The key; in file name indexes a `$FILE_NAME` value. Empty for an end entry.
    #[must_use]
    pub fn key(&self) -> &'a [u8] {
        self.bytes.get(HEAD..HEAD + self.key_length()).unwrap_or_default()
    }

    /// The data of an entry of a view index; `None` when they do not lie in the entry.
    #[must_use]
    pub fn data(&self) -> Option<&'a [u8]> {
        let (start, length) =
            (usize::from(u16_at(self.bytes, 0)), usize::from(u16_at(self.bytes, 2)));
        self.bytes.get(..self.plain_length())?.get(start..start.checked_add(length)?)
    }

    /// The flags: 1 has a child, 2 ends its node.
    #[must_use]
    pub fn flags(&self) -> u16 {
        u16_at(self.bytes, 0x0c)
    }

    /// VCN of the block whose entries sort before this one.
    #[must_use]
    pub fn child(&self) -> Option<u64> {
        self.has_child().then(|| u64_at(self.bytes, self.plain_length()))
    }

    /// True for the entry without a key that ends a node.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.flags() & IS_END != 0
    }

    /// A copy without the child.
    #[must_use]
    pub fn to_entry(&self) -> Entry {
        let mut bytes = self.bytes.get(..self.plain_length()).unwrap_or_default().to_vec();
        set_length_and_flags(&mut bytes, self.flags() & !HAS_CHILD);
        Entry { bytes }
    }

    /// An end entry without a child, for places where no entry is.
    pub(crate) fn nothing() -> Self {
        EntryView { bytes: &[0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 2, 0, 0, 0] }
    }

    /// The whole entry, its child included.
    pub(crate) fn raw(&self) -> &'a [u8] {
        self.bytes
    }

    /// Bytes of the whole entry.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of the entry without the VCN of its child.
    pub(crate) fn plain_length(&self) -> usize {
        self.bytes.len() - if self.has_child() { CHILD } else { 0 }
    }

    pub(crate) fn has_child(&self) -> bool {
        self.flags() & HAS_CHILD != 0
    }

    fn key_length(&self) -> usize {
        usize::from(u16_at(self.bytes, 0x0a))
    }
}

/// An index entry outside of a node, without a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    bytes: Vec<u8>,
}

impl Entry {
    /// An entry of a file name index: `key` is the file's `$FILE_NAME` value.
    /// # Errors
    /// [`IndexError::BadEntry`] when `key` is not a `$FILE_NAME` value.
    pub fn file_name(reference: FileReference, key: &[u8]) -> Result<Self, IndexError> {
        let bad = IndexError::BadEntry { key: key.len(), data: 0 };
        if super::file_name::name(key).is_none() {
            return Err(bad);
        }
        let mut bytes = Vec::with_capacity(HEAD + key.len() + CHILD);
        bytes.extend_from_slice(&reference.0.to_le_bytes());
        bytes.resize(HEAD, 0);
        Self::finish(bytes, key, &[]).ok_or(bad)
    }

    /// An entry of a view index such as `$SII`: `data` lies behind `key`.
    /// # Errors
    /// [`IndexError::BadEntry`] when they are too long for an entry.
    pub fn view(key: &[u8], data: &[u8]) -> Result<Self, IndexError> {
        let bad = IndexError::BadEntry { key: key.len(), data: data.len() };
        let (Ok(start), Ok(length)) = (u16::try_from(HEAD + key.len()), u16::try_from(data.len()))
        else {
            return Err(bad);
        };
        let mut bytes = vec![0; HEAD];
        bytes[..2].copy_from_slice(&start.to_le_bytes());
        bytes[2..4].copy_from_slice(&length.to_le_bytes());
        Self::finish(bytes, key, data).ok_or(bad)
    }

    /// Fills the unused bytes at the end, which Windows does not always leave zero.
    #[must_use]
    pub(crate) fn with_padding(mut self, padding: &[u8]) -> Self {
        let used = HEAD + self.key().len() + self.data().map_or(0, <[u8]>::len);
        if let Some(unused) = self.bytes.get_mut(used..) {
            unused.iter_mut().zip(padding).for_each(|(byte, value)| *byte = *value);
        }
        self
    }

    /// The entry's parts.
    #[must_use]
    pub fn as_view(&self) -> EntryView<'_> {
        EntryView { bytes: &self.bytes }
    }

    /// The file that the entry names. Meaningful in file name indexes alone.
    #[must_use]
    pub fn reference(&self) -> FileReference {
        self.as_view().reference()
    }

    /// The key; in file name indexes a `$FILE_NAME` value.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.as_view().key()
    }

    /// The data of an entry of a view index; `None` when they do not lie in the entry.
    #[must_use]
    pub fn data(&self) -> Option<&[u8]> {
        self.as_view().data()
    }

    /// The end entry of a node.
    pub(crate) fn end() -> Self {
        let mut bytes = vec![0; HEAD];
        set_length_and_flags(&mut bytes, IS_END);
        Self { bytes }
    }

    /// Bytes of the entry without a child.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The entry's bytes in a node.
    pub(crate) fn encode(&self, child: Option<u64>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes.len() + CHILD);
        bytes.extend_from_slice(&self.bytes);
        if let Some(vcn) = child {
            bytes.extend(vcn.to_le_bytes());
            set_length_and_flags(&mut bytes, self.as_view().flags() | HAS_CHILD);
        }
        bytes
    }

    /// Fails when the entry is not one of an index that sorts by `collation`.
    pub(crate) fn expect_kind(&self, collation: Collation<'_>) -> Result<(), IndexError> {
        let data = self.data();
        if collation.accepts(self.key()) && (collation.is_file_name() || data.is_some()) {
            return Ok(());
        }
        Err(IndexError::BadEntry { key: self.key().len(), data: data.map_or(0, <[u8]>::len) })
    }

    /// Adds the key and data to the first 16 bytes, and the lengths.
    fn finish(mut bytes: Vec<u8>, key: &[u8], data: &[u8]) -> Option<Self> {
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        // With the VCN of a child the length must still fit its field.
        u16::try_from(bytes.len() + CHILD).ok()?;
        bytes[0x0a..0x0c].copy_from_slice(&u16::try_from(key.len()).ok()?.to_le_bytes());
        set_length_and_flags(&mut bytes, 0);
        Some(Self { bytes })
    }
}

fn set_length_and_flags(bytes: &mut [u8], flags: u16) {
    // Entries come from 16-bit lengths or were checked against them when they were made.
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    bytes[8..10].copy_from_slice(&length.to_le_bytes());
    bytes[0x0c..0x0e].copy_from_slice(&flags.to_le_bytes());
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes::u16_at(bytes, at).unwrap_or_default()
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes::u64_at(bytes, at).unwrap_or_default()
}
