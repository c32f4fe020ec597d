//! What differs between two keys, of one hive or of two.

use crate::error::HiveError;
use crate::hive::{Hive, KeyId, Value};
use crate::reg_text::{RegAction, RegOperation};
use crate::value::ValueType;
use std::collections::BTreeMap;
use std::rc::Rc;

/// One difference between two keys. Names are the same whatever the case of their letters; times and access rights are
/// not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Path of the key below the ones compared, as spelt in the second when it is there; empty for these themselves.
    pub key: String,
    /// What differs.
    pub what: Differs,
}

/// What differs about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Differs {
    /// Only the second has the key. What is in it follows.
    KeyAdded,
    /// Only the first has the key; of what is in it nothing follows.
    KeyRemoved,
    /// A value, by its name.
    Value {
        /// Name; empty for the default value.
        name: String,
        /// Type and data in the first.
        before: Option<(ValueType, Vec<u8>)>,
        /// Type and data in the second.
        after: Option<(ValueType, Vec<u8>)>,
    },
    /// The class name.
    Class {
        /// In the first.
        before: Option<String>,
        /// In the second.
        after: Option<String>,
    },
}

/// Compares a key with all below it with another, in the order of the keys' names.
///
/// # Errors
/// What is damaged in either.
pub fn diff(a: (&Hive, KeyId), b: (&Hive, KeyId)) -> Result<Vec<Difference>, HiveError> {
    let mut found = Vec::new();
    // The path of the key above and the name: a full path for each that waits would be more than the hives hold.
    let top: Rc<str> = "".into();
    let mut left = vec![(Some(a.1), Some(b.1), top, String::new())];
    while let Some((old, new, above, name)) = left.pop() {
        let separator = if above.is_empty() { "" } else { "\\" };
        let path = format!("{above}{separator}{name}");
        match (old, new) {
            (Some(_), None) => found.push(Difference { key: path, what: Differs::KeyRemoved }),
            (old, Some(new)) => {
                if old.is_none() {
                    found.push(Difference { key: path.clone(), what: Differs::KeyAdded });
                }
                content(a.0, old, b.0, new, &path, &mut found)?;
                let mut subkeys: BTreeMap<Vec<u16>, Pair> = BTreeMap::new();
                if let Some(old) = old {
                    for (upper, name, subkey) in a.0.upper_subkeys(old)? {
                        subkeys.insert(upper, (name, Some(subkey), None));
                    }
                }
                for (upper, name, subkey) in b.0.upper_subkeys(new)? {
                    let pair = subkeys.entry(upper).or_insert((String::new(), None, None));
                    (pair.0, pair.2) = (name, Some(subkey));
                }
                let above: Rc<str> = path.into();
                for (name, old, new) in subkeys.into_values().rev() {
                    left.push((old, new, Rc::clone(&above), name));
                }
            }
            (None, None) => {}
        }
    }
    Ok(found)
}

/// A subkey's name and where it is in the first and in the second.
type Pair = (String, Option<KeyId>, Option<KeyId>);

/// Compares values and class name.
fn content(
    a: &Hive,
    old: Option<KeyId>,
    b: &Hive,
    new: KeyId,
    path: &str,
    found: &mut Vec<Difference>,
) -> Result<(), HiveError> {
    let mut add = |what| found.push(Difference { key: path.to_owned(), what });
    let mut values = BTreeMap::new();
    for (upper, value) in old.map_or(Ok(Vec::new()), |old| a.upper_values(old))? {
        values.insert(upper, (Some(value), None));
    }
    let mut order = Vec::new();
    for (upper, value) in b.upper_values(new)? {
        values.entry(upper.clone()).or_insert((None, None)).1 = Some(value);
        order.push(upper);
    }
    // In the order of the second, then what is gone.
    let mut told: Vec<_> = order.iter().filter_map(|upper| values.remove(upper)).collect();
    told.extend(values.into_values());
    for (before, after) in told {
        let name = |value: &Value| value.name.clone();
        let name = after.as_ref().or(before.as_ref()).map(name).unwrap_or_default();
        let typed = |value: Value| (value.kind, value.data);
        let (before, after) = (before.map(typed), after.map(typed));
        if before != after {
            add(Differs::Value { name, before, after });
        }
    }
    let before = old.map_or(Ok(None), |old| a.info(old).map(|info| info.class))?;
    let after = b.info(new)?.class;
    if before != after {
        add(Differs::Class { before, after });
    }
    Ok(())
}

/// The operations that make the first what the second is; `prefix` is the full path of the keys compared. Class names
/// have no place in such text and are passed over.
#[must_use]
pub fn operations(differences: &[Difference], prefix: &str) -> Vec<RegOperation> {
    let mut operations = Vec::new();
    for (line, difference) in (1..).zip(differences) {
        let separator = if difference.key.is_empty() { "" } else { "\\" };
        let key = format!("{prefix}{separator}{}", difference.key);
        let action = match &difference.what {
            Differs::KeyAdded => RegAction::CreateKey,
            Differs::KeyRemoved => RegAction::DeleteKey,
            Differs::Value { name, after: Some((kind, data)), .. } => {
                RegAction::SetValue { name: name.clone(), kind: *kind, data: data.clone() }
            }
            Differs::Value { name, .. } => RegAction::DeleteValue { name: name.clone() },
            Differs::Class { .. } => continue,
        };
        operations.push(RegOperation { line, key: key.into(), action });
    }
    operations
}
