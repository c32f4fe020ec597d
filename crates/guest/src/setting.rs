//! Registry values read as what Windows takes them for.

use winkiln_hive::{Hive, KeyId, strings};

/// A key by its path below `from`; `None` when it does not exist or is damaged.
pub(crate) fn key(hive: &Hive, from: KeyId, path: &str) -> Option<KeyId> {
    hive.find(from, path).ok().flatten()
}

/// A number, stored as REG_DWORD.
pub(crate) fn dword(hive: &Hive, key: KeyId, name: &str) -> Option<u32> {
    let value = hive.value(key, name).ok().flatten()?;
    value.data.first_chunk().copied().map(u32::from_le_bytes)
}

/// Text, stored as REG_SZ or REG_EXPAND_SZ, up to the first NUL.
pub(crate) fn text(hive: &Hive, key: KeyId, name: &str) -> Option<String> {
    texts(hive, key, name)?.into_iter().next()
}

/// Texts, stored as REG_MULTI_SZ; empty ones are left out.
pub(crate) fn texts(hive: &Hive, key: KeyId, name: &str) -> Option<Vec<String>> {
    let value = hive.value(key, name).ok().flatten()?;
    Some(strings(&value.data))
}
