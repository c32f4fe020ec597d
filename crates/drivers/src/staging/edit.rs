//! One thing to do.

use crate::inf::Existing;

/// One thing to do. Keys are full, paths are below the root of the guest's volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Write a file of the source; missing folders are made.
    PutFile {
        /// Path on the guest's volume.
        to: String,
        /// Path in the source of the package.
        from: String,
        /// What holds when there is such a file, or none.
        existing: Existing,
        /// A file of a higher version stays.
        keeps_newer: bool,
    },
    /// Make a key.
    CreateKey {
        /// Its full name.
        key: String,
    },
    /// Set a value.
    SetValue {
        /// Full name of the key.
        key: String,
        /// Its name; empty for the default value.
        name: String,
        /// What to put into it.
        value: Value,
        /// What holds when there is a value, or none.
        existing: Existing,
    },
    /// Add strings to a `REG_MULTI_SZ` value, those it does not have, behind those it has.
    AppendStrings {
        /// Full name of the key.
        key: String,
        /// Its name; empty for the default value.
        name: String,
        /// Strings to add.
        strings: Vec<String>,
    },
    /// Add a string to a `REG_MULTI_SZ` value that does not have it, in front of another; where that is not, at the beginning.
    InsertString {
        /// Full name of the key.
        key: String,
        /// Its name.
        name: String,
        /// The string.
        string: String,
        /// The other one.
        before: String,
    },
    /// Add a path to a `REG_EXPAND_SZ` value of paths with semicolons between them, behind those it has.
    AppendPath {
        /// Full name of the key.
        key: String,
        /// Its name.
        name: String,
        /// The path to add.
        path: String,
        /// What the value is taken to hold when there is none.
        first: String,
    },
    /// Delete a key with all below it.
    DeleteKey {
        /// Its full name.
        key: String,
    },
    /// Delete a value.
    DeleteValue {
        /// Full name of the key.
        key: String,
        /// Its name; empty for the default value.
        name: String,
    },
    /// Take a string out of a `REG_MULTI_SZ` value, without regard to case.
    DeleteString {
        /// Full name of the key.
        key: String,
        /// Its name; empty for the default value.
        name: String,
        /// The string.
        string: String,
    },
    /// Set or clear bits of a `REG_BINARY` value that is there.
    Bits {
        /// Full name of the key.
        key: String,
        /// Its name; empty for the default value.
        name: String,
        /// Which byte, from 0.
        byte: u32,
        /// Which bits.
        mask: u8,
        /// Set them, or clear them.
        set: bool,
    },
}

/// What a value holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Bytes of any type.
    Data {
        /// The number of the type.
        kind: u32,
        /// As stored.
        bytes: Vec<u8>,
    },
    /// A security descriptor, stored in its binary form.
    Descriptor {
        /// The number of the type.
        kind: u32,
        /// As SDDL.
        sddl: String,
    },
}

impl Edit {
    /// Sets a value, whatever is there.
    pub(super) fn set(key: impl Into<String>, name: &str, value: Value) -> Self {
        let (key, name) = (key.into(), name.to_owned());
        Self::SetValue { key, name, value, existing: Existing::Replace }
    }

    /// Sets a value where there is none.
    pub(super) fn fill(key: impl Into<String>, name: &str, value: Value) -> Self {
        let (key, name) = (key.into(), name.to_owned());
        Self::SetValue { key, name, value, existing: Existing::Keep }
    }
}

impl Value {
    /// `REG_SZ`.
    #[must_use]
    pub fn sz(text: &str) -> Self {
        Self::Data { kind: 1, bytes: terminated(text) }
    }

    /// `REG_EXPAND_SZ`.
    #[must_use]
    pub fn expand_sz(text: &str) -> Self {
        Self::Data { kind: 2, bytes: terminated(text) }
    }

    /// `REG_BINARY`.
    #[must_use]
    pub fn binary(bytes: &[u8]) -> Self {
        Self::Data { kind: 3, bytes: bytes.to_vec() }
    }

    /// `REG_DWORD`.
    #[must_use]
    pub fn dword(number: u32) -> Self {
        Self::Data { kind: 4, bytes: number.to_le_bytes().to_vec() }
    }

    /// `REG_MULTI_SZ`.
    #[must_use]
    pub fn multi_sz<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Self {
        let mut bytes: Vec<u8> =
            texts.into_iter().flat_map(|text| terminated(text.as_ref())).collect();
        bytes.extend([0, 0]);
        Self::Data { kind: 7, bytes }
    }

    /// The same contents as another type.
    #[must_use]
    pub(super) fn with_kind(self, kind: u32) -> Self {
        match self {
            Self::Data { bytes, .. } => Self::Data { kind, bytes },
            Self::Descriptor { sddl, .. } => Self::Descriptor { kind, sddl },
        }
    }

    /// The number of the type.
    #[must_use]
    pub fn kind(&self) -> u32 {
        match self {
            Self::Data { kind, .. } | Self::Descriptor { kind, .. } => *kind,
        }
    }
}

/// UTF-16 with a closing zero.
fn terminated(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}
