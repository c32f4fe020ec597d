//! Setting values.

use super::{Hive, KeyId};
use crate::edit;
use crate::error::HiveError;
use crate::name;
use crate::value::{VALUE_NAME_MAX, ValueType};

/// A value to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewValue<'a> {
    /// Name; empty for the default value.
    pub name: &'a str,
    /// Type.
    pub kind: ValueType,
    /// Data as they will be stored.
    pub data: &'a [u8],
}

/// What setting a value did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueSet {
    /// It was exactly so already, and was not touched.
    Unchanged,
    /// There was none of that name.
    Created,
    /// It had this type and these data before.
    Replaced(ValueType, Vec<u8>),
}

impl Hive {
    /// Creates or replaces a value. Returns false, and touches nothing, when it is already exactly so.
    ///
    /// # Errors
    /// When name or data are too long, when the key stands for a predefined handle, when the hive is dirty or what is
    /// touched is damaged.
    pub fn set_value(
        &mut self,
        key: KeyId,
        name: &str,
        kind: ValueType,
        data: &[u8],
        now: u64,
    ) -> Result<bool, HiveError> {
        let set = self.set_values(key, &[NewValue { name, kind, data }], now)?;
        Ok(set.iter().any(|set| *set != ValueSet::Unchanged))
    }

    /// Creates or replaces values of one key, in their order, and tells what became of each. Much faster than one by one.
    ///
    /// # Errors
    /// As [`Hive::set_value`]; then none is set.
    pub fn set_values(
        &mut self,
        key: KeyId,
        values: &[NewValue<'_>],
        now: u64,
    ) -> Result<Vec<ValueSet>, HiveError> {
        self.refuse_dirty()?;
        for value in values {
            let units = name::units_count(value.name);
            if units > VALUE_NAME_MAX {
                return Err(HiveError::NameTooLong { what: "value", units, max: VALUE_NAME_MAX });
            }
        }
        let minor = self.minor;
        let set =
            self.cells.edit(|cells| edit::set_values(cells, key.cell(), values, minor, now))?;
        self.edited |= set.iter().any(|set| *set != ValueSet::Unchanged);
        Ok(set)
    }
}
