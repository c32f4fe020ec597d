//! Objects and elements as they are shown.

use winkiln_hive::ValueType;

use super::spelling::Spelling;
use super::value::{self, ElementValue};
use super::{integer_words, names};

/// One element of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Number, such as 0x16000049.
    pub id: u32,
    /// `bcdedit`'s name, such as `testsigning`; `custom:16000049` when it has none.
    pub name: String,
    /// Decoded value.
    pub value: ElementValue,
    pub(super) spelling: Spelling,
}

impl Element {
    /// Registry type and data of the value `Element`, as they are in the store.
    #[must_use]
    pub fn encode(&self) -> (ValueType, Vec<u8>) {
        self.spelling.apply(value::encode(&self.value))
    }

    /// The value as `bcdedit` prints it: `Yes`, `OptIn`, `30`, `{bootloadersettings}`. Lists have one item a line.
    #[must_use]
    pub fn to_text(&self) -> String {
        match &self.value {
            ElementValue::Integer(number) => integer_words::word_of(&self.name, *number)
                .map_or_else(|| names::number_text(&self.name, *number), str::to_owned),
            ElementValue::IntegerList(numbers) => names::list_text(&self.name, numbers),
            other => other.to_text(),
        }
    }
}

/// One object of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// `{guid}` in lower case.
    pub guid: String,
    /// `bcdedit`'s alias, such as `{bootmgr}`, when it has one here (`{default}` by the boot manager's default).
    pub alias: Option<String>,
    /// Description type, such as 0x10200003; 0 when the store does not say.
    pub kind: u32,
    /// `bcdedit`'s heading, such as `Windows Boot Loader`.
    pub heading: String,
    /// Elements in the store's order.
    pub elements: Vec<Element>,
}

impl Object {
    /// The element of that number.
    #[must_use]
    pub fn element(&self, id: u32) -> Option<&Element> {
        self.elements.iter().find(|element| element.id == id)
    }
}
