//! Entries of `DelReg`: `root,subkey[,name][,flags][,value]`.

use super::super::super::{Entry, InfError};
use super::{RegistryEdit, RegistryOperation, edit};

const KEY_ONLY: u32 = 0x0000_2000;
/// The bits of `FLG_DELREG_MULTI_SZ_DELSTRING`.
const DELETE_STRING: u32 = 0x0001_8002;

/// `None` for an entry that would delete the section's own key, which no INF means.
pub(super) fn entry_edit(entry: &Entry<'_>) -> Result<Option<RegistryEdit>, InfError> {
    let flags = entry.number(3, "flags of DelReg")?.unwrap_or(0);
    let name = entry.text(2);
    let operation = if flags & DELETE_STRING == DELETE_STRING {
        RegistryOperation::DeleteString { name, string: entry.text(4) }
    } else if flags & KEY_ONLY != 0 || name.is_empty() {
        RegistryOperation::DeleteKey
    } else {
        RegistryOperation::DeleteValue { name }
    };
    let edit = edit(entry, flags, operation)?;
    let whole = edit.operation == RegistryOperation::DeleteKey && edit.key.is_empty();
    Ok((!whole).then_some(edit))
}
