//! Steps that repairs are made of.

use winkiln_bake::Step;
use winkiln_hive::ValueType;

/// Sets a number.
pub(super) fn set_dword(key: &str, name: &str, number: u32) -> Step {
    Step::SetValue {
        key: key.to_owned(),
        name: name.to_owned(),
        kind: ValueType::Dword,
        data: number.to_le_bytes().to_vec(),
    }
}

/// Removes a value.
pub(super) fn delete_value(key: &str, name: &str) -> Step {
    Step::DeleteValue { key: key.to_owned(), name: name.to_owned() }
}

/// Takes an element off an object of the store.
pub(super) fn delete_element(object: &str, element: &str) -> Step {
    Step::BcdDelete { object: object.to_owned(), element: element.to_owned() }
}
