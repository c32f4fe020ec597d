//! Reading a store.

use std::collections::HashSet;

use winkiln_hive::{Hive, KeyId, ValueType};

use super::device::{PartitionRef, Place};
use super::ids::{self, DEFAULT_OBJECT, DEVICE, OS_DEVICE, PATH, RECOVERY_OS, WINPE};
use super::kind::{self, Application};
use super::spelling::Spelling;
use super::value::{self, ElementValue};
use super::{BcdError, Element, Object, alias, names};

/// The value that holds an element's data.
pub(super) const ELEMENT: &str = "Element";

/// Reads every object.
///
/// # Errors
/// When it is not a BCD store.
pub fn objects(store: &Hive) -> Result<Vec<Object>, BcdError> {
    let default = default_guid(store)?;
    let mut found = Vec::new();
    for (name, key) in store.subkeys(objects_key(store)?)? {
        let guid = name.to_lowercase();
        let kind = kind_of(store, key)?.unwrap_or(0);
        let alias = alias::alias_of(&guid)
            .or_else(|| (default.as_deref() == Some(&guid)).then_some("{default}"));
        found.push(Object {
            alias: alias.map(str::to_owned),
            kind,
            heading: kind::heading(kind, &guid),
            elements: elements(store, key, Application::of(kind))?,
            guid,
        });
    }
    Ok(found)
}

/// Finds an object by GUID or alias (`{default}`, `{bootmgr}`, `{current}` = the default loader here, `{memdiag}`...).
/// Braces may be left out.
///
/// # Errors
/// [`BcdError::NoObject`].
pub fn find_object(store: &Hive, name: &str) -> Result<KeyId, BcdError> {
    let missing = || BcdError::NoObject { object: name.to_owned() };
    let guid = resolve(store, name)?.ok_or_else(missing)?;
    store.find(objects_key(store)?, &guid)?.ok_or_else(missing)
}

/// GUIDs of every Windows loader entry (0x10200003) that starts an installed Windows: not Windows PE, not setup, not recovery.
///
/// # Errors
/// When it is not a BCD store.
pub fn windows_loaders(store: &Hive) -> Result<Vec<String>, BcdError> {
    Ok(installed_loaders(&objects(store)?))
}

/// As [`windows_loaders`], of objects that were read already.
#[must_use]
pub fn installed_loaders(objects: &[Object]) -> Vec<String> {
    let loaders = objects.iter().filter(|object| starts_installed_windows(object));
    loaders.map(|object| object.guid.clone()).collect()
}

/// Every partition that a device element of the store names, each once.
///
/// # Errors
/// When it is not a BCD store.
pub fn named_partitions(store: &Hive) -> Result<Vec<PartitionRef>, BcdError> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for element in objects(store)?.into_iter().flat_map(|object| object.elements) {
        if let ElementValue::Device(device) = element.value {
            found.extend(device.partitions().into_iter().filter(|named| seen.insert(*named)));
        }
    }
    Ok(found)
}

fn starts_installed_windows(object: &Object) -> bool {
    let yes =
        |id| object.element(id).is_some_and(|element| element.value == ElementValue::Boolean(true));
    let on_partition = [DEVICE, OS_DEVICE].into_iter().all(|id| {
        object.element(id).is_none_or(|element| match &element.value {
            ElementValue::Device(device) => !matches!(device.place, Place::Ramdisk { .. }),
            _ => true,
        })
    });
    let loader = object.element(PATH).is_some_and(|element| match &element.value {
        ElementValue::String(path) => {
            let file = path.rsplit('\\').next().unwrap_or_default();
            ["winload.exe", "winload.efi"].iter().any(|known| file.eq_ignore_ascii_case(known))
        }
        _ => false,
    });
    object.kind == ids::kind::OS_LOADER
        && loader
        && on_partition
        && !yes(WINPE)
        && !yes(RECOVERY_OS)
}

/// One element as `bcdedit` would show it, `None` when the object has none.
///
/// # Errors
/// Unknown object or element name.
pub fn element(store: &Hive, object: &str, element: &str) -> Result<Option<Element>, BcdError> {
    let target = Target::find(store, object, element)?;
    let Some(key) = target.key(store)? else { return Ok(None) };
    let stored = store.value(key, ELEMENT)?;
    Ok(stored.map(|stored| read(target.application, target.id, stored.kind, &stored.data)))
}

/// An object and an element number that it may have.
pub(super) struct Target {
    pub(super) object: KeyId,
    pub(super) application: Application,
    pub(super) id: u32,
}

impl Target {
    pub(super) fn find(store: &Hive, object: &str, element: &str) -> Result<Self, BcdError> {
        let key = find_object(store, object)?;
        let kind =
            kind_of(store, key)?.ok_or_else(|| BcdError::NoType { object: object.to_owned() })?;
        let application = Application::of(kind);
        let id = names::id_of(application, element)
            .ok_or_else(|| BcdError::NoElement { element: element.to_owned(), kind })?;
        Ok(Self { object: key, application, id })
    }

    /// The element's key, when there is one.
    pub(super) fn key(&self, store: &Hive) -> Result<Option<KeyId>, BcdError> {
        Ok(store.find(self.object, &element_path(self.id))?)
    }

    pub(super) fn value(&self, store: &Hive) -> Result<Option<ElementValue>, BcdError> {
        let Some(key) = self.key(store)? else { return Ok(None) };
        let stored = store.value(key, ELEMENT)?;
        Ok(stored.map(|stored| value::decode(self.id, stored.kind, &stored.data)))
    }
}

/// The key of an element below its object.
pub(super) fn element_path(id: u32) -> String {
    format!("Elements\\{id:08x}")
}

/// Writes what an element holds: registry type and data.
pub(super) fn write_element(
    store: &mut Hive,
    object: KeyId,
    id: u32,
    (kind, data): (ValueType, &[u8]),
    now: u64,
) -> Result<(), BcdError> {
    let (key, _) = store.create_key(object, &element_path(id), now)?;
    store.set_value(key, ELEMENT, kind, data, now)?;
    Ok(())
}

/// The GUID that a name stands for in this store, in lower case; `None` for a name that is none.
pub(super) fn resolve(store: &Hive, name: &str) -> Result<Option<String>, BcdError> {
    if alias::is_default(name) {
        return default_guid(store);
    }
    Ok(alias::guid_of(name).map(str::to_owned).or_else(|| alias::as_guid(name)))
}

/// Tells whether the store has an object of that GUID.
pub(super) fn resolve_present(store: &Hive, guid: &str) -> Result<bool, BcdError> {
    Ok(store.find(objects_key(store)?, guid)?.is_some())
}

fn objects_key(store: &Hive) -> Result<KeyId, BcdError> {
    store.find(store.root(), "Objects")?.ok_or(BcdError::NotAStore)
}

/// The boot manager's default entry.
fn default_guid(store: &Hive) -> Result<Option<String>, BcdError> {
    let Some(manager) = store.find(objects_key(store)?, alias::BOOTMGR)? else { return Ok(None) };
    let target =
        Target { object: manager, application: Application::BootManager, id: DEFAULT_OBJECT };
    Ok(match target.value(store)? {
        Some(ElementValue::Object(guid)) => Some(guid),
        _ => None,
    })
}

/// `Description\Type` of an object.
fn kind_of(store: &Hive, object: KeyId) -> Result<Option<u32>, BcdError> {
    let Some(description) = store.find(object, "Description")? else { return Ok(None) };
    let kind = store.value(description, "Type")?;
    Ok(kind.and_then(|kind| kind.data.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))))
}

/// Elements of an object; keys that are no element number, or hold no value, are passed over.
fn elements(
    store: &Hive,
    object: KeyId,
    application: Application,
) -> Result<Vec<Element>, BcdError> {
    let Some(key) = store.find(object, "Elements")? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (name, key) in store.subkeys(key)? {
        let Some(id) = number(&name) else { continue };
        found.push(match store.value(key, ELEMENT) {
            Ok(Some(stored)) => read(application, id, stored.kind, &stored.data),
            Ok(None) => continue,
            // One damaged value does not hide the others.
            Err(_) => read(application, id, ValueType::None, &[]),
        });
    }
    Ok(found)
}

/// The number that an element's key is named after.
fn number(name: &str) -> Option<u32> {
    let plain = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(name, 16).ok()).flatten()
}

/// Reads what an element's key holds.
fn read(application: Application, id: u32, kind: ValueType, data: &[u8]) -> Element {
    let value = value::decode(id, kind, data);
    let spelling = Spelling::of(&value, data);
    Element { id, name: names::name_of(application, id), value, spelling }
}
