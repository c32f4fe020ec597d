//! Why a store was not read or edited.

use winkiln_hive::HiveError;

/// Why a BCD store was not read or edited.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BcdError {
    /// The hive below.
    #[error("boot configuration store")]
    Hive(#[from] HiveError),
    /// The hive holds no `Objects` key.
    #[error("the hive is not a boot configuration store: it has no Objects key")]
    NotAStore,
    /// No such object.
    #[error("no object {object} in the store")]
    NoObject {
        /// As asked.
        object: String,
    },
    /// The object is there but its type is not, so the meaning of its elements is unknown.
    #[error("object {object} has no Description\\Type")]
    NoType {
        /// Its GUID.
        object: String,
    },
    /// An object of that GUID or alias is there already.
    #[error("the store has an object {object} already")]
    ObjectExists {
        /// As asked.
        object: String,
    },
    /// What should be a new object's GUID is none, and no alias either.
    #[error("{text:?} is neither a GUID nor a well-known object such as {{ramdiskoptions}}")]
    BadGuid {
        /// As asked.
        text: String,
    },
    /// The boot managers stay.
    #[error("object {object} is a boot manager, which a store cannot do without")]
    BootManager {
        /// Its GUID.
        object: String,
    },
    /// No element of that name belongs to such an object.
    #[error("{element} is not an element of an object of type {kind:#010x}")]
    NoElement {
        /// As asked.
        element: String,
        /// Type of the object.
        kind: u32,
    },
    /// The value does not fit the element.
    #[error("{value:?} is not a value of {element}; expected {expected}")]
    BadValue {
        /// Name of the element.
        element: String,
        /// As asked.
        value: String,
        /// What would fit.
        expected: String,
    },
}

impl BcdError {
    /// True when the store is unsafe to edit (dirty, damaged, not a store), as opposed to plain answers.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Hive(error) => error.is_refusal(),
            Self::NotAStore | Self::NoType { .. } => true,
            _ => false,
        }
    }
}
