//! Reading the guest's registry.

use winkiln_hive::{Hive, HiveError, KeyId, Value};

use super::Session;
use super::registry_edit::failed;
use crate::BakeError;

/// Keys below a key that are looked at, however many there are.
const KEYS_MAX: usize = 2_000_000;

impl Session {
    /// The strings of a value; none without it.
    pub(super) fn texts_of(&mut self, key: &str, name: &str) -> Result<Vec<String>, BakeError> {
        Ok(self
            .value_of(key, name)?
            .map(|(_, data)| winkiln_hive::strings(&data))
            .unwrap_or_default())
    }

    /// The first string of a value.
    pub(super) fn text_of(&mut self, key: &str, name: &str) -> Result<Option<String>, BakeError> {
        Ok(self.texts_of(key, name)?.into_iter().next())
    }

    /// A number in a value.
    pub(super) fn dword_of(&mut self, key: &str, name: &str) -> Result<Option<u32>, BakeError> {
        let found = self.value_of(key, name)?;
        Ok(found.and_then(|(_, data)| data.first_chunk().copied()).map(u32::from_le_bytes))
    }

    /// Tells whether a key has neither values nor keys below it. `None`: there is no such key.
    pub(super) fn is_key_empty(&mut self, key: &str) -> Result<Option<bool>, BakeError> {
        let (place, hive, _) = self.hive_of(key)?;
        let failed = |source| failed(&place, source);
        let Some(found) = hive.find(hive.root(), &place.path).map_err(failed)? else {
            return Ok(None);
        };
        let info = hive.info(found).map_err(failed)?;
        Ok(Some(info.value_count == 0 && info.subkey_count == 0))
    }

    /// Looks at a key and all below it, down to a depth, and collects what `look` finds: it gets the full name of each key with its values.
    pub(super) fn search<T>(
        &mut self,
        key: &str,
        depth: usize,
        look: impl Fn(&str, &[Value]) -> Vec<T>,
    ) -> Result<Vec<T>, BakeError> {
        let (place, hive, _) = self.hive_of(key)?;
        let failed = |source| failed(&place, source);
        let Some(found) = hive.find(hive.root(), &place.path).map_err(failed)? else {
            return Ok(Vec::new());
        };
        let mut finds = Vec::new();
        let mut left = KEYS_MAX;
        walk(hive, found, key, depth, &mut left, &mut |key, values| {
            finds.extend(look(key, values));
        })
        .map_err(failed)?;
        Ok(finds)
    }
}

fn walk(
    hive: &Hive,
    key: KeyId,
    name: &str,
    depth: usize,
    left: &mut usize,
    look: &mut impl FnMut(&str, &[Value]),
) -> Result<(), HiveError> {
    *left = left.saturating_sub(1);
    look(name, &hive.values(key)?);
    if depth == 0 || *left == 0 {
        return Ok(());
    }
    for (below, id) in hive.subkeys(key)? {
        walk(hive, id, &format!(r"{name}\{below}"), depth - 1, left, look)?;
    }
    Ok(())
}
