//! The SYSTEM hive as it is asked here: what is damaged is told, never taken for missing.

use winkiln_hive::{Hive, HiveError, KeyId, strings};

use super::Obstacle;
use crate::Windows;

/// What is asked.
#[derive(Clone)]
pub(super) struct Guest<'a> {
    pub(super) hive: &'a Hive,
    pub(super) windows: &'a Windows,
    /// Such as `ControlSet001`: that of the next start.
    pub(super) control_set: String,
}

impl<'a> Guest<'a> {
    pub(super) fn new(hive: &'a Hive, windows: &'a Windows) -> Self {
        Self { hive, windows, control_set: format!("ControlSet{:03}", windows.next_control_set) }
    }

    /// The path of a key of the control set.
    pub(super) fn in_set(&self, path: &str) -> String {
        format!(r"{}\{path}", self.control_set)
    }

    /// A key by its path from the hive's root.
    pub(super) fn find(&self, path: &str) -> Result<Option<KeyId>, Obstacle> {
        self.hive.find(self.hive.root(), path).map_err(|error| damaged(path, &error))
    }

    /// The names of the keys below one; none when it does not exist.
    pub(super) fn subkeys(&self, path: &str) -> Result<Vec<String>, Obstacle> {
        let Some(key) = self.find(path)? else { return Ok(Vec::new()) };
        let found = self.hive.subkeys(key).map_err(|error| damaged(path, &error))?;
        Ok(found.into_iter().map(|(name, _)| name).collect())
    }

    /// The values of a key, by name; none when it does not exist.
    pub(super) fn values(&self, path: &str) -> Result<Vec<(String, Vec<u8>)>, Obstacle> {
        let Some(key) = self.find(path)? else { return Ok(Vec::new()) };
        let found = self.hive.values(key).map_err(|error| damaged(path, &error))?;
        Ok(found.into_iter().map(|value| (value.name, value.data)).collect())
    }

    /// A value's data; `None` without key or value.
    pub(super) fn value(&self, path: &str, name: &str) -> Result<Option<Vec<u8>>, Obstacle> {
        let Some(key) = self.find(path)? else { return Ok(None) };
        let found = self.hive.value(key, name).map_err(|error| damaged(path, &error))?;
        Ok(found.map(|value| value.data))
    }

    pub(super) fn dword(&self, path: &str, name: &str) -> Result<Option<u32>, Obstacle> {
        let data = self.value(path, name)?;
        Ok(data.and_then(|data| data.first_chunk().copied()).map(u32::from_le_bytes))
    }

    /// The first text of a value; `None` when it is empty too.
    pub(super) fn text(&self, path: &str, name: &str) -> Result<Option<String>, Obstacle> {
        Ok(self.texts(path, name)?.into_iter().next())
    }

    pub(super) fn texts(&self, path: &str, name: &str) -> Result<Vec<String>, Obstacle> {
        Ok(strings(&self.value(path, name)?.unwrap_or_default()))
    }

    /// The filter drivers that a key names, each with the value that does.
    pub(super) fn filters(&self, path: &str) -> Result<Vec<(&'static str, String)>, Obstacle> {
        let mut filters = Vec::new();
        for value in ["UpperFilters", "LowerFilters"] {
            filters.extend(self.texts(path, value)?.into_iter().map(|name| (value, name)));
        }
        Ok(filters)
    }
}

fn damaged(path: &str, error: &HiveError) -> Obstacle {
    Obstacle::Damaged { key: full(path), reason: error.to_string() }
}

/// A key with its root, as administrators write it.
pub(super) fn full(path: &str) -> String {
    format!(r"HKLM\SYSTEM\{path}")
}
