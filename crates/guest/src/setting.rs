//! Registry values read as what Windows takes them for.

use winkiln_hive::{Hive, KeyId};

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
    let units: Vec<u16> = value
        .data
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes(pair.try_into().unwrap_or_default()))
        .collect();
    let texts = units.split(|unit| *unit == 0).filter(|text| !text.is_empty());
    Some(texts.map(String::from_utf16_lossy).collect())
}
