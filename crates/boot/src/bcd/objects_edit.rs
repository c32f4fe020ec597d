//! Making, copying and deleting objects, and the lists that put them in order.

use winkiln_hive::{Hive, KeyId, ValueType};

use super::ids::kind::{BOOT_MANAGER, FIRMWARE_MANAGER, MEMORY_TESTER, NTLDR, OS_LOADER, RESUME};
use super::ids::{DESCRIPTION, INHERIT};
use super::kind;
use super::names;
use super::store;
use super::value::{self, ElementValue};
use super::{BcdError, Object, alias};

/// A list of entries of the boot manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderList {
    /// The boot menu.
    Display,
    /// The tools of the boot menu.
    Tools,
    /// What the next start alone tries.
    BootSequence,
}

impl OrderList {
    /// `bcdedit`'s name of the element.
    #[must_use]
    pub fn element(self) -> &'static str {
        match self {
            Self::Display => "displayorder",
            Self::Tools => "toolsdisplayorder",
            Self::BootSequence => "bootsequence",
        }
    }
}

/// How a list of entries changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderEdit {
    /// It becomes these.
    Set,
    /// These come first, in their order.
    AddFirst,
    /// These come last, in their order.
    AddLast,
    /// These go.
    Remove,
}

/// The kind of an object to make, in `bcdedit`'s words: `osloader`, `resume`, `bootsector`, `startup`, `ntldr` for a program,
/// `device` for options of one, `inherit` and `inherit osloader`, `inherit bootmgr`, `inherit resume` for settings.
///
/// Source: `bcdedit /? /create`.
#[must_use]
pub fn kind_named(words: &str) -> Option<u32> {
    let words: Vec<String> = words.split_whitespace().map(str::to_ascii_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Some(match words.as_slice() {
        ["osloader"] => OS_LOADER,
        ["resume"] => RESUME,
        ["ntldr"] => NTLDR,
        ["bootsector"] => 0x1040_0008,
        ["startup"] => 0x1040_0009,
        ["inherit"] => 0x2010_0000,
        ["inherit", "bootmgr"] => 0x2020_0002,
        ["inherit", "osloader"] => 0x2020_0003,
        ["inherit", "resume"] => 0x2020_0004,
        ["inherit", "device"] => 0x2030_0000,
        ["device"] => 0x3000_0000,
        _ => return None,
    })
}

/// The kind of a well-known object, which needs none to be given: `{ntldr}`, `{ramdiskoptions}`...
#[must_use]
pub fn kind_of_alias(name: &str) -> Option<u32> {
    let guid = alias::guid_of(name)?;
    Some(match alias::alias_of(guid)? {
        "{fwbootmgr}" => FIRMWARE_MANAGER,
        "{bootmgr}" => BOOT_MANAGER,
        "{memdiag}" => MEMORY_TESTER,
        "{ntldr}" => NTLDR,
        "{bootloadersettings}" | "{hypervisorsettings}" => 0x2020_0003,
        "{resumeloadersettings}" => 0x2020_0004,
        "{ramdiskoptions}" => 0x3000_0000,
        _ => 0x2010_0000,
    })
}

/// Makes an object: `{guid}` or the alias of a well-known one. Returns its GUID. A Windows loader gets what `bcdedit` gives it:
/// `inherit`.
///
/// `now` is stamped on the keys that change, 100 ns ticks since 1601-01-01 UTC.
///
/// # Errors
/// [`BcdError::ObjectExists`], [`BcdError::BadGuid`]; a description that is no text.
pub fn create_object(
    store: &mut Hive,
    name: &str,
    kind: u32,
    description: Option<&str>,
    now: u64,
) -> Result<String, BcdError> {
    let guid = new_guid(store, name)?;
    if let Some(text) = description {
        check_description(text)?;
    }
    let object = add_object(store, &guid, kind, now)?;
    let settings = match kind {
        OS_LOADER => Some("{bootloadersettings}"),
        RESUME => Some("{resumeloadersettings}"),
        BOOT_MANAGER | MEMORY_TESTER => Some("{globalsettings}"),
        _ => None,
    };
    if let Some(settings) = settings.and_then(alias::guid_of) {
        // bcdedit names the settings whether or not the store has them; a store without needs no such element.
        if store::resolve_present(store, settings)? {
            put(store, object, INHERIT, &ElementValue::ObjectList(vec![settings.to_owned()]), now)?;
        }
    }
    if let Some(text) = description {
        put(store, object, DESCRIPTION, &ElementValue::String(text.to_owned()), now)?;
    }
    Ok(guid)
}

/// Copies an object under a new GUID, with another description. Returns the new GUID.
///
/// # Errors
/// As [`create_object`], and where there is no such object.
pub fn copy_object(
    store: &mut Hive,
    object: &str,
    name: &str,
    description: Option<&str>,
    now: u64,
) -> Result<String, BcdError> {
    let source = find(store, object)?;
    let guid = new_guid(store, name)?;
    if let Some(text) = description {
        check_description(text)?;
    }
    let copy = add_object(store, &guid, source.kind, now)?;
    for element in &source.elements {
        let (kind, data) = element.encode();
        store::write_element(store, copy, element.id, (kind, &data), now)?;
    }
    if let Some(text) = description {
        put(store, copy, DESCRIPTION, &ElementValue::String(text.to_owned()), now)?;
    }
    Ok(guid)
}

/// Deletes an object. With `cleanup`, as `bcdedit` does unless told otherwise, it leaves every list and element that names it.
///
/// # Errors
/// Where there is no such object; [`BcdError::BootManager`] for the boot managers.
pub fn delete_object(
    store: &mut Hive,
    object: &str,
    cleanup: bool,
    now: u64,
) -> Result<(), BcdError> {
    let gone = find(store, object)?;
    if matches!(gone.kind, FIRMWARE_MANAGER | BOOT_MANAGER) {
        return Err(BcdError::BootManager { object: gone.guid });
    }
    if cleanup {
        for other in store::objects(store)? {
            for element in other.elements {
                let left = match &element.value {
                    ElementValue::Object(guid) if *guid == gone.guid => None,
                    ElementValue::ObjectList(list) if list.contains(&gone.guid) => Some(
                        list.iter().filter(|guid| **guid != gone.guid).cloned().collect::<Vec<_>>(),
                    ),
                    _ => continue,
                };
                let key = store::find_object(store, &other.guid)?;
                replace_list(store, key, element.id, left.unwrap_or_default(), now)?;
            }
        }
    }
    let key = store::find_object(store, &gone.guid)?;
    store.delete_key(key, now)?;
    Ok(())
}

/// Changes a list of the boot manager, or with `of`, of another object. Returns false when it is already so. An empty list goes.
///
/// # Errors
/// Where an object named is not there (those that go need not be), or there is no boot manager.
pub fn edit_order(
    store: &mut Hive,
    of: &str,
    list: OrderList,
    edit: OrderEdit,
    entries: &[String],
    now: u64,
) -> Result<bool, BcdError> {
    let manager = find(store, of)?;
    let application = kind::Application::of(manager.kind);
    let no_element =
        || BcdError::NoElement { element: list.element().to_owned(), kind: manager.kind };
    let id = names::id_of(application, list.element()).ok_or_else(no_element)?;
    let mut guids = Vec::new();
    for entry in entries {
        let missing = || BcdError::NoObject { object: entry.clone() };
        let guid = store::resolve(store, entry)?.ok_or_else(missing)?;
        if edit != OrderEdit::Remove && !store::resolve_present(store, &guid)? {
            return Err(missing());
        }
        if !guids.contains(&guid) {
            guids.push(guid);
        }
    }
    let present = match manager.element(id).map(|element| &element.value) {
        Some(ElementValue::ObjectList(list)) => list.clone(),
        _ => Vec::new(),
    };
    let others = present.iter().filter(|guid| !guids.contains(guid)).cloned();
    let wanted: Vec<String> = match edit {
        OrderEdit::Set => guids,
        OrderEdit::AddFirst => guids.iter().cloned().chain(others).collect(),
        OrderEdit::AddLast => others.chain(guids.iter().cloned()).collect(),
        OrderEdit::Remove => others.collect(),
    };
    if wanted == present {
        return Ok(false);
    }
    let key = store::find_object(store, &manager.guid)?;
    replace_list(store, key, id, wanted, now)?;
    Ok(true)
}

/// Sets a list, or deletes the element when nothing is left in it.
fn replace_list(
    store: &mut Hive,
    object: KeyId,
    id: u32,
    list: Vec<String>,
    now: u64,
) -> Result<(), BcdError> {
    if list.is_empty() {
        if let Some(key) = store.find(object, &store::element_path(id))? {
            store.delete_key(key, now)?;
        }
        return Ok(());
    }
    put(store, object, id, &ElementValue::ObjectList(list), now)
}

/// Adds an object without elements, which is not there yet.
pub(super) fn add_object(
    store: &mut Hive,
    guid: &str,
    kind: u32,
    now: u64,
) -> Result<KeyId, BcdError> {
    let (object, _) = store.create_key(store.root(), &format!("Objects\\{guid}"), now)?;
    let (description, _) = store.create_key(object, "Description", now)?;
    store.set_value(description, "Type", ValueType::Dword, &kind.to_le_bytes(), now)?;
    store.create_key(object, "Elements", now)?;
    Ok(object)
}

/// Sets an element of an object.
pub(super) fn put(
    store: &mut Hive,
    object: KeyId,
    id: u32,
    value: &ElementValue,
    now: u64,
) -> Result<(), BcdError> {
    let (kind, data) = value::encode(value);
    store::write_element(store, object, id, (kind, &data), now)
}

fn find(store: &Hive, name: &str) -> Result<Object, BcdError> {
    let missing = || BcdError::NoObject { object: name.to_owned() };
    let guid = store::resolve(store, name)?.ok_or_else(missing)?;
    let object = store::objects(store)?.into_iter().find(|object| object.guid == guid);
    let object = object.ok_or_else(missing)?;
    if object.kind == 0 {
        return Err(BcdError::NoType { object: name.to_owned() });
    }
    Ok(object)
}

/// The GUID of an object to be made.
fn new_guid(store: &Hive, name: &str) -> Result<String, BcdError> {
    let guid = alias::guid_of(name).map(str::to_owned).or_else(|| alias::as_guid(name));
    let guid = guid.ok_or_else(|| BcdError::BadGuid { text: name.to_owned() })?;
    if store::resolve_present(store, &guid)? {
        return Err(BcdError::ObjectExists { object: name.to_owned() });
    }
    Ok(guid)
}

fn check_description(text: &str) -> Result<(), BcdError> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(BcdError::BadValue {
            element: "description".to_owned(),
            value: text.to_owned(),
            expected: "text without control characters".to_owned(),
        });
    }
    Ok(())
}
