//! Objects made, copied, deleted and put in order, and whole new stores.

use std::collections::BTreeMap;

use winkiln_boot::bcd::{
    self, BcdError, ElementValue, NewStore, OrderEdit, OrderList, PartitionRef,
};
use winkiln_hive::{Hive, ValueType};

use crate::corpus;

const NOW: u64 = 133_000_000_000_000_000;
const NEW: &str = "{11111111-2222-3333-4444-555555555555}";
const OTHER: &str = "{66666666-7777-8888-9999-aaaaaaaaaaaa}";
const MEMDIAG: &str = "{b2721d73-1db4-4c62-bf78-c548a880142d}";

fn open(name: &str, file: &str) -> Option<Hive> {
    let bytes = std::fs::read(corpus::folder("bcd")?.join(name).join(file)).unwrap();
    Some(Hive::open(bytes).unwrap())
}

fn order(store: &Hive, list: &str) -> Vec<String> {
    match bcd::element(store, "{bootmgr}", list).unwrap().map(|element| element.value) {
        Some(ElementValue::ObjectList(list)) => list,
        _ => Vec::new(),
    }
}

fn text(store: &Hive, object: &str, element: &str) -> Option<String> {
    bcd::element(store, object, element).unwrap().map(|element| element.to_text())
}

#[test]
fn entries_are_copied_ordered_and_deleted() {
    let Some(mut store) = open("bios-win7", "BCD") else { return };
    let loader = bcd::windows_loaders(&store).unwrap().remove(0);
    let copy = bcd::copy_object(&mut store, "{default}", NEW, Some("Safe mode"), NOW).unwrap();
    assert_eq!(copy, NEW);
    let objects = bcd::objects(&store).unwrap();
    let find = |guid: &str| objects.iter().find(|object| object.guid == guid).unwrap();
    let (original, copied) = (find(&loader), find(NEW));
    assert_eq!(original.kind, copied.kind);
    for (old, new) in original.elements.iter().zip(&copied.elements) {
        assert!(old == new || new.id == 0x1200_0004, "{old:?} {new:?}");
    }
    assert_eq!(text(&store, NEW, "description").as_deref(), Some("Safe mode"));

    let mut edit = |edit, entries: &[&str], expected: &[&str]| {
        let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        let list = OrderList::Display;
        assert!(bcd::edit_order(&mut store, "{bootmgr}", list, edit, &entries, NOW).unwrap());
        assert!(!bcd::edit_order(&mut store, "{bootmgr}", list, edit, &entries, NOW).unwrap());
        assert_eq!(order(&store, "displayorder"), expected);
    };
    edit(OrderEdit::AddLast, &[NEW], &[&loader, NEW]);
    edit(OrderEdit::AddFirst, &[NEW], &[NEW, &loader]);
    edit(OrderEdit::Set, &["{default}", "{memdiag}", NEW], &[&loader, MEMDIAG, NEW]);
    edit(OrderEdit::Remove, &["{memdiag}", OTHER], &[&loader, NEW]);
    let missing = bcd::edit_order(
        &mut store,
        "{bootmgr}",
        OrderList::Display,
        OrderEdit::AddLast,
        &[OTHER.to_owned()],
        NOW,
    );
    assert!(matches!(missing, Err(BcdError::NoObject { .. })));

    bcd::set(&mut store, "{bootmgr}", "default", NEW, NOW).unwrap();
    assert!(matches!(
        bcd::copy_object(&mut store, &loader, NEW, None, NOW),
        Err(BcdError::ObjectExists { .. })
    ));
    bcd::delete_object(&mut store, NEW, true, NOW).unwrap();
    assert_eq!(order(&store, "displayorder"), std::slice::from_ref(&loader));
    assert_eq!(text(&store, "{bootmgr}", "default"), None);
    assert!(matches!(bcd::find_object(&store, NEW), Err(BcdError::NoObject { .. })));
    for manager in ["{bootmgr}", "{9DEA862C-5CDD-4E70-ACC1-F32B344D4795}"] {
        let refused = bcd::delete_object(&mut store, manager, true, NOW);
        assert!(matches!(refused, Err(BcdError::BootManager { .. })));
    }
    // Without cleaning up, the list still names what is gone; cleaning up the last entry takes the list away.
    bcd::delete_object(&mut store, "{memdiag}", false, NOW).unwrap();
    assert_eq!(order(&store, "toolsdisplayorder"), [MEMDIAG]);
    bcd::delete_object(&mut store, &loader, true, NOW).unwrap();
    assert_eq!(order(&store, "displayorder"), [""; 0]);
    assert_eq!(store.check(), []);
}

#[test]
fn objects_are_made() {
    let Some(mut store) = open("bios-win7", "BCD") else { return };
    let kind = bcd::kind_named("OsLoader").unwrap();
    let made = bcd::create_object(&mut store, NEW, kind, Some("PE"), NOW).unwrap();
    assert_eq!(text(&store, &made, "inherit").as_deref(), Some("{bootloadersettings}"));
    let kind = bcd::kind_of_alias("{ramdiskoptions}").unwrap();
    bcd::create_object(&mut store, "{ramdiskoptions}", kind, None, NOW).unwrap();
    for (object, element, value) in [
        ("{ramdiskoptions}", "ramdisksdidevice", "boot"),
        ("{ramdiskoptions}", "ramdisksdipath", r"\boot\boot.sdi"),
        (NEW, "device", r"ramdisk=[boot]\sources\boot.wim,{ramdiskoptions}"),
        (NEW, "osdevice", r"ramdisk=[boot]\sources\boot.wim,{ramdiskoptions}"),
        (NEW, "winpe", "yes"),
    ] {
        assert!(bcd::set(&mut store, object, element, value, NOW).unwrap(), "{element}");
        assert!(!bcd::set(&mut store, object, element, value, NOW).unwrap(), "{element}");
    }
    // The same bytes that a store of a Windows PE has, whose options have another GUID.
    let pe = open("aio-tools-pcbios", "BCD").unwrap();
    let device = |store: &Hive, object: &str| {
        bcd::element(store, object, "osdevice").unwrap().unwrap().encode().1
    };
    assert_eq!(device(&store, NEW)[16..], device(&pe, "{default}")[16..]);
    for (name, kind) in [("{nothing}", 0x1020_0003), ("{ramdiskoptions}", 0x3000_0000)] {
        assert!(bcd::create_object(&mut store, name, kind, None, NOW).is_err(), "{name}");
    }
    assert_eq!(bcd::kind_named("inherit osloader"), Some(0x2020_0003));
    assert_eq!(bcd::kind_named("something"), None);
    assert_eq!(store.check(), []);
}

type Shape = BTreeMap<(u32, String), Vec<(u32, ValueType)>>;

/// Kinds of objects with the GUIDs of well-known ones, and the elements of each with their registry types.
fn shape(store: &Hive, ignored: &[u32]) -> Shape {
    let objects = bcd::objects(store).unwrap();
    let wanted = objects.iter().filter(|object| {
        !matches!(object.kind, 0x1010_0001 | 0x101F_FFFF | 0x3000_0000)
            && object.element(0x2600_0022).is_none()
    });
    wanted
        .map(|object| {
            let name = bcd::alias_of(&object.guid).unwrap_or_default().to_owned();
            let elements = object.elements.iter().filter(|element| !ignored.contains(&element.id));
            (
                (object.kind, name),
                elements.map(|element| (element.id, element.encode().0)).collect(),
            )
        })
        .collect()
}

/// New stores, with and without a template, have what stores have that Setup wrote.
#[test]
fn new_stores_are_shaped_as_setups() {
    let Some(template) = open("template-win10", "BCD-Template") else { return };
    let partition = |offset| PartitionRef::Mbr { signature: 0x5ca1_ab1e, offset };
    let new = |version, efi, template| NewStore {
        efi,
        system: partition(1 << 20),
        windows: partition(1 << 29),
        system_root: r"\Windows",
        description: "Windows",
        version,
        template,
        guids: (NEW, OTHER),
    };
    // Recovery came later; 0x21000026 is of newer builds; this Windows 10 has no filedevice, this Windows 7 signs nothing.
    let added = [0x1400_0008, 0x1500_0066, 0x1600_0009, 0x2100_0026];
    let fresh = [0x2100_0001, 0x2600_0006];
    let seven = [0x1600_0048, 0x2600_0004];
    for (name, new, ignored) in [
        ("bios-win10-zh-fresh", new((10, 0), false, Some(&template)), &fresh[..]),
        ("bios-win10-zh-fresh", new((10, 0), false, None), &fresh),
        ("bios-win7", new((6, 1), false, None), &seven),
        ("uefi-win10-surface-zh", new((10, 0), true, Some(&template)), &[0x2600_0006]),
        ("uefi-win10-surface-zh", new((10, 0), true, None), &[]),
        ("uefi-win10-regipy", new((10, 0), true, None), &added),
    ] {
        let real = open(name, "BCD").unwrap();
        let store = bcd::create_store(&new, NOW).unwrap();
        assert_eq!(shape(&store, ignored), shape(&real, ignored), "{name}");
        assert_eq!(store.check(), [], "{name}");
        assert_eq!(store.minor_version(), real.minor_version(), "{name}");
        assert_eq!(bcd::windows_loaders(&store).unwrap(), [NEW], "{name}");
        let same = |object: &str, element: &str| {
            let (ours, theirs) = (text(&store, object, element), text(&real, object, element));
            let lower = |text: Option<String>| text.map(|text| text.to_lowercase());
            assert_eq!(lower(ours), lower(theirs), "{name} {object} {element}");
        };
        for (object, element) in [
            ("{default}", "path"),
            ("{default}", "systemroot"),
            ("{default}", "nx"),
            ("{default}", "inherit"),
            ("{default}", "bootmenupolicy"),
            ("{default}", "allowedinmemorysettings"),
            ("{bootmgr}", "path"),
            ("{bootmgr}", "timeout"),
            ("{bootmgr}", "inherit"),
            ("{bootmgr}", "toolsdisplayorder"),
            ("{memdiag}", "path"),
            ("{globalsettings}", "inherit"),
            ("{hypervisorsettings}", "hypervisorbaudrate"),
            ("{dbgsettings}", "debugtype"),
            ("{emssettings}", "bootems"),
        ] {
            same(object, element);
        }
    }
}
