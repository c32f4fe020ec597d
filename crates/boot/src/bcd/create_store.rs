//! A new store for a guest that lost its own.

use winkiln_hive::{Hive, KeyId, ValueType};

use super::blueprint::{Blueprint, Elements, Plan};
use super::device::{Device, PartitionRef, Place};
use super::ids::kind::{BOOT_MANAGER, MEMORY_TESTER, OS_LOADER, RESUME};
use super::ids::{
    DEFAULT_OBJECT, DESCRIPTION, DEVICE, DISPLAY_ORDER, MANAGER_RESUME_OBJECT, OS_DEVICE, PATH,
    RESUME_OBJECT, SYSTEM_ROOT, TOOLS_DISPLAY_ORDER,
};
use super::objects_edit::{add_object, put};
use super::value::ElementValue;
use super::{BcdError, alias};

/// Format of the hives that hold stores.
const MINOR_VERSION: u32 = 3;

/// What a new store should start.
#[derive(Debug, Clone, Copy)]
pub struct NewStore<'a> {
    /// For UEFI, not a BIOS.
    pub efi: bool,
    /// Where the boot manager and the store are.
    pub system: PartitionRef,
    /// Where Windows is.
    pub windows: PartitionRef,
    /// Folder of Windows, such as `\Windows`.
    pub system_root: &'a str,
    /// What the menu shows.
    pub description: &'a str,
    /// Version of Windows, such as (6, 1).
    pub version: (u32, u32),
    /// The guest's `BCD-Template`.
    pub template: Option<&'a Hive>,
    /// `{guid}` of the Windows loader, and of the resume loader.
    pub guids: (&'a str, &'a str),
}

/// Makes a store that starts one Windows: boot manager, loader, resume loader, memory tester, and the settings they inherit, as
/// Setup makes them.
///
/// `now` is stamped on the keys, 100 ns ticks since 1601-01-01 UTC.
///
/// # Errors
/// A template that is no store; [`BcdError::BadGuid`].
pub fn create_store(new: &NewStore<'_>, now: u64) -> Result<Hive, BcdError> {
    let guid = |text: &str| {
        alias::as_guid(text).ok_or_else(|| BcdError::BadGuid { text: text.to_owned() })
    };
    let (loader, resume) = (guid(new.guids.0)?, guid(new.guids.1)?);
    let template = match new.template {
        Some(template) => Blueprint::from_template(template, new.efi)?,
        None => None,
    };
    let blueprint = template.unwrap_or_else(|| Blueprint::usual(new.version, new.efi));

    let mut store = Hive::create_in_format("NewStoreRoot", MINOR_VERSION, now);
    let (description, _) = store.create_key(store.root(), "Description", now)?;
    let name: Vec<u8> = "BCD00000000\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    store.set_value(description, "KeyName", ValueType::Sz, &name, now)?;
    for name in ["System", "TreatAsSystem"] {
        store.set_value(description, name, ValueType::Dword, &1_u32.to_le_bytes(), now)?;
    }
    for plan in plans(new, blueprint, &loader, &resume) {
        let object: KeyId = add_object(&mut store, &plan.guid, plan.kind, now)?;
        for (id, value) in &plan.elements {
            put(&mut store, object, *id, value, now)?;
        }
    }
    Ok(store)
}

fn plans(new: &NewStore<'_>, blueprint: Blueprint, loader: &str, resume: &str) -> Vec<Plan> {
    let on = |partition| ElementValue::Device(Device::new(Place::Partition(partition)));
    let text = |text: &str| ElementValue::String(text.to_owned());
    let object = |guid: &str| ElementValue::Object(guid.to_owned());
    let known = |name| alias::guid_of(name).unwrap_or_default().to_owned();
    let root = new.system_root.trim_end_matches('\\');
    let end = if new.efi { "efi" } else { "exe" };
    let program = |name: &str| text(&format!(r"{root}\system32\{name}.{end}"));
    let plan = |guid: String, kind, mut elements: Elements, own: Elements| {
        elements.retain(|(id, _)| own.iter().all(|(other, _)| other != id));
        elements.extend(own);
        Plan { guid, kind, elements }
    };
    let mut manager = vec![
        (DEVICE, on(new.system)),
        (DESCRIPTION, text("Windows Boot Manager")),
        (DEFAULT_OBJECT, object(loader)),
        (MANAGER_RESUME_OBJECT, object(resume)),
        (DISPLAY_ORDER, ElementValue::ObjectList(vec![loader.to_owned()])),
        (TOOLS_DISPLAY_ORDER, ElementValue::ObjectList(vec![known("memdiag")])),
    ];
    let mut of_manager = blueprint.manager;
    // A BIOS finds the boot manager by its name.
    of_manager.retain(|(id, _)| *id != PATH);
    if new.efi {
        manager.push((PATH, text(r"\EFI\Microsoft\Boot\bootmgfw.efi")));
    }
    let memory_tester =
        if new.efi { r"\EFI\Microsoft\Boot\memtest.efi" } else { r"\boot\memtest.exe" };
    let mut plans = vec![
        plan(known("bootmgr"), BOOT_MANAGER, of_manager, manager),
        plan(
            loader.to_owned(),
            OS_LOADER,
            blueprint.loader,
            vec![
                (DEVICE, on(new.windows)),
                (PATH, program("winload")),
                (DESCRIPTION, text(new.description)),
                (OS_DEVICE, on(new.windows)),
                (SYSTEM_ROOT, text(new.system_root)),
                (RESUME_OBJECT, object(resume)),
            ],
        ),
        plan(
            resume.to_owned(),
            RESUME,
            blueprint.resume,
            vec![
                (DEVICE, on(new.windows)),
                (PATH, program("winresume")),
                (OS_DEVICE, on(new.windows)),
            ],
        ),
        plan(
            known("memdiag"),
            MEMORY_TESTER,
            blueprint.memory_tester,
            vec![
                (DEVICE, on(new.system)),
                (PATH, text(memory_tester)),
                (DESCRIPTION, text("Windows Memory Diagnostic")),
            ],
        ),
    ];
    plans.extend(blueprint.settings);
    plans
}
