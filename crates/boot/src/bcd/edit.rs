//! Changing elements.

use winkiln_hive::Hive;

use super::partitions::Partitions;
use super::store::{self, Target};
use super::value::{self, ElementValue, Format};
use super::{BcdError, device, integer_words, names};

/// Sets an element from `bcdedit`'s words (`on`, `off`, `yes`, numbers, enumeration words, text, `{guid}`, `boot`,
/// `partition=...`). Returns false when it is already so. Lists are separated by spaces or commas. Of partitions those are
/// known that the store names already.
///
/// `now` is stamped on the keys that change, 100 ns ticks since 1601-01-01 UTC.
///
/// # Errors
/// Unknown object or element name, a value that does not fit the element.
pub fn set(
    store: &mut Hive,
    object: &str,
    element: &str,
    value: &str,
    now: u64,
) -> Result<bool, BcdError> {
    set_on(store, object, element, value, &Partitions::default(), now)
}

/// The same on a disk with these partitions.
///
/// # Errors
/// As [`set`].
pub fn set_on(
    store: &mut Hive,
    object: &str,
    element: &str,
    value: &str,
    partitions: &Partitions,
    now: u64,
) -> Result<bool, BcdError> {
    let target = Target::find(store, object, element)?;
    let wanted = parse(store, &target, value, partitions)?;
    if target.value(store)?.as_ref() == Some(&wanted) {
        return Ok(false);
    }
    let (kind, data) = value::encode(&wanted);
    store::write_element(store, target.object, target.id, (kind, &data), now)?;
    Ok(true)
}

/// Deletes an element. Returns false when there was none.
///
/// # Errors
/// Unknown object or element name.
pub fn delete_value(
    store: &mut Hive,
    object: &str,
    element: &str,
    now: u64,
) -> Result<bool, BcdError> {
    let Some(key) = Target::find(store, object, element)?.key(store)? else { return Ok(false) };
    store.delete_key(key, now)?;
    Ok(true)
}

/// Reads `value` as the element's format asks.
fn parse(
    store: &Hive,
    target: &Target,
    value: &str,
    partitions: &Partitions,
) -> Result<ElementValue, BcdError> {
    let name = names::name_of(target.application, target.id);
    let bad = |expected: &str| BcdError::BadValue {
        element: name.clone(),
        value: value.to_owned(),
        expected: expected.to_owned(),
    };
    let items = || value.split([' ', ',', '\t']).filter(|item| !item.is_empty());
    match Format::of(target.id) {
        Format::Boolean => {
            boolean(value).map(ElementValue::Boolean).ok_or_else(|| bad("on or off"))
        }
        Format::Integer => integer(&name, value).map(ElementValue::Integer).ok_or_else(|| {
            let words = integer_words::words(&name);
            bad(&if words.is_empty() { "a number".to_owned() } else { words.join(", ") })
        }),
        Format::IntegerList => {
            let numbers: Option<Vec<u64>> = items().map(number).collect();
            numbers
                .filter(|numbers| !numbers.is_empty())
                .map(ElementValue::IntegerList)
                .ok_or_else(|| bad("numbers"))
        }
        Format::String => {
            if value.is_empty() || value.chars().any(char::is_control) {
                return Err(bad("text without control characters"));
            }
            Ok(ElementValue::String(value.to_owned()))
        }
        Format::Object => present(store, value).map(ElementValue::Object),
        Format::ObjectList => {
            let guids: Vec<String> =
                items().map(|item| present(store, item)).collect::<Result<_, _>>()?;
            if guids.is_empty() {
                return Err(bad("objects such as {bootmgr}"));
            }
            Ok(ElementValue::ObjectList(guids))
        }
        Format::Device => {
            let mut known = partitions.clone();
            store::named_partitions(store)?.into_iter().for_each(|named| known.add_other(named));
            device::parse(target.id, value, &known)
                .map(ElementValue::Device)
                .map_err(|expected| bad(&expected))
        }
        Format::Unknown => Err(bad("an element of a known format")),
    }
}

/// The GUID of an object that the store has.
fn present(store: &Hive, name: &str) -> Result<String, BcdError> {
    store::find_object(store, name)?;
    store::resolve(store, name)?.ok_or_else(|| BcdError::NoObject { object: name.to_owned() })
}

fn boolean(value: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(value));
    if is(&["on", "yes", "true", "1"]) {
        Some(true)
    } else if is(&["off", "no", "false", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// A word of the element, or a number: one that has a word where the element has words.
fn integer(name: &str, value: &str) -> Option<u64> {
    let words = integer_words::words(name);
    integer_words::number_of(name, value).or_else(|| names::address(name, value)).or_else(|| {
        number(value)
            .filter(|number| words.is_empty() || integer_words::word_of(name, *number).is_some())
    })
}

/// A decimal or `0x` hexadecimal number.
fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_read() {
        assert_eq!(integer("nx", "optout"), Some(1));
        assert_eq!(integer("nx", "3"), Some(3));
        assert_eq!(integer("nx", "4"), None);
        assert_eq!(integer("nx", "maybe"), None);
        assert_eq!(integer("debugtype", "1394"), Some(1));
        assert_eq!(integer("timeout", "30"), Some(30));
        assert_eq!(integer("timeout", "0x1E"), Some(30));
        for bad in ["", "-1", "+1", "0x", "1e", "18446744073709551616"] {
            assert_eq!(integer("timeout", bad), None, "{bad}");
        }
        assert_eq!(boolean("ON"), Some(true));
        assert_eq!(boolean("No"), Some(false));
        assert_eq!(boolean("maybe"), None);
    }
}
