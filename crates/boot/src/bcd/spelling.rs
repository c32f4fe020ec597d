//! How a value is stored, where that is not how Windows usually writes it.

use winkiln_hive::ValueType;

use super::value::{self, ElementValue};

/// What a stored value has besides its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Spelling {
    /// As Windows writes it.
    #[default]
    Usual,
    /// An integer of fewer bytes than 8, as templates hold them.
    Short(usize),
    /// Bytes behind the usual end, as firmware entries have them.
    Tail(Vec<u8>),
    /// Something else of the same meaning, such as a GUID in capitals.
    Exactly(Vec<u8>),
}

impl Spelling {
    /// How `data` spells `value`, which was decoded from them.
    pub(super) fn of(value: &ElementValue, data: &[u8]) -> Self {
        let (_, usual) = value::encode(value);
        if usual == data {
            return Self::Usual;
        }
        match (value, data.strip_prefix(usual.as_slice())) {
            (ElementValue::Integer(_), _) if data.len() < usual.len() => Self::Short(data.len()),
            (_, Some(tail)) => Self::Tail(tail.to_vec()),
            _ => Self::Exactly(data.to_vec()),
        }
    }

    /// The stored form of a value in its usual form.
    pub(super) fn apply(&self, (kind, mut data): (ValueType, Vec<u8>)) -> (ValueType, Vec<u8>) {
        match self {
            Self::Usual => {}
            Self::Short(bytes) => data.truncate(*bytes),
            Self::Tail(tail) => data.extend_from_slice(tail),
            Self::Exactly(stored) => data.clone_from(stored),
        }
        (kind, data)
    }
}
