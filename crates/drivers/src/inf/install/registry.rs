//! `AddReg`, `DelReg` and `BitReg`.
//!
//! Source: "INF AddReg directive", "INF DelReg directive", "INF BitReg directive".

mod add;
mod bits;
mod delete;

use super::super::{Entry, InfError, InfProblem, Text};
use super::copy_files::security;
use super::lookup::Lookup;

/// An edit of the registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RegistryEdit {
    /// The INF that asks for it.
    pub file: String,
    /// The line that asks for it, from 1.
    pub line: u32,
    /// The root key.
    pub root: RegistryRoot,
    /// Path below the root, without backslashes around it; empty for the root itself.
    pub key: Text,
    /// What to do there.
    pub operation: RegistryOperation,
    /// Which registry of a 64-bit Windows.
    pub view: RegistryView,
    /// The flags as written; the driver store keeps them beside the values.
    pub flags: u32,
    /// Security descriptor of the key as SDDL, when it does not inherit one.
    pub security: Option<String>,
}

/// A root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegistryRoot {
    /// `HKCR`.
    ClassesRoot,
    /// `HKCU`.
    CurrentUser,
    /// `HKLM`.
    LocalMachine,
    /// `HKU`.
    Users,
    /// `HKR`: the key that belongs to the section, such as that of the service.
    Relative,
}

/// Which registry of a 64-bit Windows is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegistryView {
    /// That of the system.
    Native,
    /// That of 64-bit programs.
    Bits64,
    /// That of 32-bit programs.
    Bits32,
}

/// What to do with a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RegistryOperation {
    /// Make the key.
    CreateKey,
    /// Set a value.
    Set {
        /// Its name; empty for the default value.
        name: Text,
        /// What to put into it.
        data: RegistryData,
        /// What holds when there is a value, or none.
        existing: Existing,
    },
    /// Add strings to a `REG_MULTI_SZ` value, those it does not have.
    Append {
        /// Its name; empty for the default value.
        name: Text,
        /// Strings to add.
        strings: Vec<Text>,
    },
    /// Delete the key with all below it.
    DeleteKey,
    /// Delete a value.
    DeleteValue {
        /// Its name; empty for the default value.
        name: Text,
    },
    /// Take a string out of a `REG_MULTI_SZ` value, without regard to case.
    DeleteString {
        /// Its name; empty for the default value.
        name: Text,
        /// The string.
        string: Text,
    },
    /// Set or clear bits of a `REG_BINARY` value that is there.
    Bits {
        /// Its name; empty for the default value.
        name: Text,
        /// Which byte, from 0.
        byte: u32,
        /// Which bits.
        mask: u8,
        /// Set them, or clear them.
        set: bool,
    },
}

/// What holds when there is a value already, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Existing {
    /// It is replaced.
    Replace,
    /// `FLG_ADDREG_NOCLOBBER`: it stays.
    Keep,
    /// `FLG_ADDREG_OVERWRITEONLY`: nothing is set where there is none.
    Only,
}

/// The contents of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RegistryData {
    /// `REG_SZ`.
    Sz(Text),
    /// `REG_EXPAND_SZ`.
    ExpandSz(Text),
    /// `REG_MULTI_SZ`.
    MultiSz(Vec<Text>),
    /// `REG_DWORD`.
    Dword(u32),
    /// Bytes of any type.
    Binary {
        /// The type: 3 for `REG_BINARY`, 0 for `REG_NONE`, 11 for `REG_QWORD`, or any other.
        kind: u32,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

impl RegistryData {
    /// The number of the type.
    #[must_use]
    pub fn kind(&self) -> u32 {
        match self {
            Self::Sz(_) => 1,
            Self::ExpandSz(_) => 2,
            Self::Dword(_) => 4,
            Self::MultiSz(_) => 7,
            Self::Binary { kind, .. } => *kind,
        }
    }
}

/// Which directive an entry belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    Add,
    Delete,
    Bits,
}

impl Directive {
    /// The directive that a key names.
    pub(super) fn from_key(key: &str) -> Option<Self> {
        Some(match key {
            "addreg" => Self::Add,
            "delreg" => Self::Delete,
            "bitreg" => Self::Bits,
            _ => return None,
        })
    }
}

/// Lists the edits of a directive, with their sections.
pub(super) fn edits<'a>(
    directive: &Entry<'a>,
    kind: Directive,
    lookup: &mut Lookup<'a>,
) -> Result<Vec<RegistryEdit>, InfError> {
    let mut edits = Vec::new();
    for list in directive.strings() {
        let Some(inf) = lookup.section(directive, &list)? else { continue };
        let security = security(inf, &list);
        for entry in inf.entries(&list) {
            lookup.take(&entry)?;
            let found = match kind {
                Directive::Add => add::entry_edit(&entry)?,
                Directive::Delete => delete::entry_edit(&entry)?,
                Directive::Bits => Some(bits::entry_edit(&entry)?),
            };
            edits.extend(found.map(|edit| RegistryEdit { security: security.clone(), ..edit }));
        }
    }
    Ok(edits)
}

/// An edit of the key that the first two fields name.
fn edit(
    entry: &Entry<'_>,
    flags: u32,
    operation: RegistryOperation,
) -> Result<RegistryEdit, InfError> {
    let key = entry.inf().substitute(entry.raw(1).trim_matches('\\'));
    let view = match flags {
        flags if flags & 0x1000 != 0 => RegistryView::Bits64,
        flags if flags & 0x4000 != 0 => RegistryView::Bits32,
        _ => RegistryView::Native,
    };
    Ok(RegistryEdit {
        file: entry.inf().name().to_owned(),
        line: entry.line(),
        root: root(entry)?,
        key,
        operation,
        view,
        flags,
        security: None,
    })
}

fn root(entry: &Entry<'_>) -> Result<RegistryRoot, InfError> {
    let found = entry.string(0);
    Ok(match found.to_ascii_uppercase().as_str() {
        "HKCR" | "HKEY_CLASSES_ROOT" => RegistryRoot::ClassesRoot,
        "HKCU" | "HKEY_CURRENT_USER" => RegistryRoot::CurrentUser,
        "HKLM" | "HKEY_LOCAL_MACHINE" => RegistryRoot::LocalMachine,
        "HKU" | "HKEY_USERS" => RegistryRoot::Users,
        "HKR" => RegistryRoot::Relative,
        _ => return Err(entry.error(InfProblem::UnknownRoot { found })),
    })
}
