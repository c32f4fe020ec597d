//! BCD stores: what is read, and what edits leave behind.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use winkiln_boot::bcd::{self, BcdError, Device, ElementValue, PartitionRef, Place};
use winkiln_hive::{Hive, ValueType};

use crate::corpus;

const NOW: u64 = 133_000_000_000_000_000;

/// Tells whether an error is the one a test asks for.
type IsExpected = fn(&BcdError) -> bool;

/// Every store of the corpus, without its logs.
fn stores() -> Vec<(String, PathBuf)> {
    let Some(folder) = corpus::folder("bcd") else { return Vec::new() };
    corpus::files(&folder)
        .into_iter()
        .filter(|path| {
            !path.extension().is_some_and(|end| end.to_string_lossy().starts_with("LOG"))
        })
        .map(|path| {
            let folder = path.parent().unwrap().file_name().unwrap();
            (folder.to_string_lossy().into_owned(), path)
        })
        .collect()
}

fn open(path: &Path) -> Hive {
    Hive::open(std::fs::read(path).unwrap()).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

fn store(name: &str) -> Option<Hive> {
    stores().iter().find(|(folder, _)| folder == name).map(|(_, path)| open(path))
}

/// What an element holds, read from the hive without the library under test's own lookup.
fn raw(hive: &Hive, guid: &str, id: u32) -> Option<(ValueType, Vec<u8>)> {
    let key = hive.find(hive.root(), &format!("Objects\\{guid}\\Elements\\{id:08X}")).unwrap()?;
    hive.value(key, "Element").unwrap().map(|value| (value.kind, value.data))
}

#[test]
fn every_element_of_every_store_is_understood_and_encodes_back() {
    let (mut elements, mut usual) = (0, 0);
    let mut nameless = BTreeSet::new();
    for (name, path) in stores() {
        let hive = open(&path);
        if name == "bios-empty-seq3" {
            assert!(matches!(bcd::objects(&hive), Err(BcdError::NotAStore)), "{name}");
            continue;
        }
        for object in bcd::objects(&hive).unwrap() {
            assert!(!object.heading.starts_with("Unknown"), "{name} {object:?}");
            for element in &object.elements {
                let stored = raw(&hive, &object.guid, element.id).unwrap();
                let at = format!("{name} {} {:#x} {:?}", object.guid, element.id, element.value);
                assert!(!matches!(element.value, ElementValue::Raw(..)), "{at}: {stored:02x?}");
                if let ElementValue::Device(device) = &element.value {
                    assert_ne!(device.place, Place::Unknown, "{at}");
                    // From what was understood alone, without the bytes beside it.
                    let again = Device::with_options(device.place.clone(), device.options);
                    assert_eq!(again.encode(), stored.1, "{at}");
                }
                assert_eq!(element.encode(), stored, "{at}");
                elements += 1;
                usual += usize::from(bcd::encode(&element.value) == stored);
                let shown = bcd::element(&hive, &object.guid, &element.name).unwrap();
                assert_eq!(shown.as_ref(), Some(element), "{at}");
                if element.name.starts_with("custom:") {
                    nameless.insert(element.id);
                }
            }
        }
    }
    if !stores().is_empty() {
        assert!(elements > 1000 && usual * 10 > elements * 9, "{usual} of {elements}");
        assert_eq!(
            nameless.iter().filter(|id| **id >> 28 != 4).collect::<Vec<_>>(),
            [&0x2100_0026]
        );
    }
}

/// A store that every kind of oddity was put into is still shown, and each oddity kept.
#[test]
fn one_odd_element_hides_nothing() {
    let Some(mut hive) = store("bios-win7") else { return };
    let loader = bcd::windows_loaders(&hive).unwrap().remove(0);
    let count = |hive: &Hive| {
        let objects = bcd::objects(hive).unwrap();
        objects.iter().map(|object| object.elements.len()).sum::<usize>()
    };
    let before = count(&hive);
    let key = format!("Objects\\{loader}\\Elements");
    for (name, kind, data) in [
        ("11000043", ValueType::Binary, &[1; 20][..]),
        ("25000021", ValueType::Dword, &[1, 0, 0, 0]),
        ("26000022", ValueType::Binary, &[7]),
        ("2200ffff", ValueType::Sz, &[0, 0xD8, 0, 0]),
        ("14000008", ValueType::MultiSz, &[b'x', 0, 0, 0, 0, 0]),
        ("2f000001", ValueType::None, &[]),
        ("nonsense", ValueType::Sz, &[]),
        ("123", ValueType::Sz, &[]),
    ] {
        let (key, _) = hive.create_key(hive.root(), &format!("{key}\\{name}"), NOW).unwrap();
        hive.set_value(key, "Element", kind, data, NOW).unwrap();
    }
    hive.create_key(hive.root(), &format!("{key}\\16000001"), NOW).unwrap();
    hive.create_key(hive.root(), "Objects\\no guid", NOW).unwrap();
    assert_eq!(count(&hive), before + 6);
    let objects = bcd::objects(&hive).unwrap();
    let object = objects.iter().find(|object| object.guid == loader).unwrap();
    for element in &object.elements {
        assert_eq!(Some(element.encode()), raw(&hive, &loader, element.id), "{element:?}");
    }
    assert_eq!(object.element(0x1100_0043).unwrap().to_text(), "unknown");
    assert_eq!(object.element(0x2600_0022).unwrap().to_text(), "Yes");
}

/// Every partition device of every store is exactly what we would have written for that partition.
#[test]
fn partition_devices_encode_to_the_same_bytes() {
    let mut seen = 0;
    for (name, path) in stores() {
        for object in bcd::objects(&open(&path)).unwrap_or_default() {
            for element in object.elements {
                let ElementValue::Device(device) = &element.value else { continue };
                let Some(partition) = device.partition() else { continue };
                let written = Device::new(Place::Partition(partition)).encode();
                assert_eq!(written, device.encode(), "{name} {}", object.guid);
                seen += 1;
            }
        }
    }
    assert!(seen > 90 || stores().is_empty(), "{seen}");
}

#[test]
fn a_windows_7_store_reads_as_bcdedit_shows_it() {
    let Some(hive) = store("bios-win7") else { return };
    let objects = bcd::objects(&hive).unwrap();
    let manager =
        objects.iter().find(|object| object.alias.as_deref() == Some("{bootmgr}")).unwrap();
    assert_eq!((manager.kind, manager.heading.as_str()), (0x1010_0002, "Windows Boot Manager"));
    let loaders = bcd::windows_loaders(&hive).unwrap();
    assert_eq!(loaders.len(), 1);
    let loader = objects.iter().find(|object| object.guid == loaders[0]).unwrap();
    assert_eq!(loader.alias.as_deref(), Some("{default}"));
    assert_eq!(loader.heading, "Windows Boot Loader");
    let shown = |object: &str, element: &str| {
        bcd::element(&hive, object, element).unwrap().map(|element| element.to_text())
    };
    assert_eq!(shown("{default}", "path").as_deref(), Some("\\Windows\\system32\\winload.exe"));
    assert_eq!(shown("{current}", "nx").as_deref(), Some("OptIn"));
    assert_eq!(shown("bootmgr", "timeout").as_deref(), Some("30"));
    assert_eq!(shown("{default}", "inherit").as_deref(), Some("{bootloadersettings}"));
    assert_eq!(shown("{bootmgr}", "toolsdisplayorder").as_deref(), Some("{memdiag}"));
    assert_eq!(shown("{default}", "testsigning"), None);
    let device = bcd::element(&hive, "{default}", "osdevice").unwrap().unwrap();
    let ElementValue::Device(device) = device.value else { panic!("not a device") };
    assert_eq!(
        device.partition(),
        Some(PartitionRef::Mbr { signature: 0xC97A, offset: 0x10_0000 })
    );
}

#[test]
fn device_forms_have_bcdedits_names() {
    let texts = |name: &str| -> Vec<String> {
        let Some(hive) = store(name) else { return Vec::new() };
        bcd::objects(&hive)
            .unwrap()
            .into_iter()
            .flat_map(|object| object.elements)
            .filter(|element| matches!(element.value, ElementValue::Device(_)))
            .map(|element| element.to_text())
            .collect()
    };
    let Some(_) = corpus::folder("bcd") else { return };
    let eleven = texts("uefi-win11-ptbr-triple");
    let recovery = "ramdisk=[{42d3ebcc-3696-4b51-bf30-191a4e4ebe73}]\\Recovery\\WindowsRE\\Winre.wim,\
                    {2f1feac7-2dd4-11ee-94d3-82dcc7b255da}";
    assert!(eleven.iter().any(|text| text == recovery), "{eleven:#?}");
    assert!(
        eleven.iter().any(|text| text == "partition={42d3ebcc-3696-4b51-bf30-191a4e4ebe73}"),
        "{eleven:#?}"
    );
    let template = texts("uefi-win10-template-windeploy");
    assert!(template.iter().any(|text| text == "locate=custom:12000002"), "{template:#?}");
    let arm = texts("uefi-win11-arm64");
    assert!(
        arm.iter().any(|text| text == "locate=\\EFI\\Microsoft\\Boot\\bootmgfw.efi"),
        "{arm:#?}"
    );
    assert!(
        texts("aio-bios-pe-menu")
            .iter()
            .any(|text| text.starts_with("ramdisk=[boot]\\Files\\WIM\\ampe.wim,"))
    );
}

#[test]
fn installed_windows_are_told_from_windows_pe_and_recovery() {
    let counted: Vec<(String, usize)> = stores()
        .into_iter()
        .filter(|(name, _)| name != "bios-empty-seq3")
        .map(|(name, path)| {
            let count = bcd::windows_loaders(&open(&path)).unwrap().len();
            (name, count)
        })
        .filter(|(_, count)| *count > 0)
        .collect();
    if stores().is_empty() {
        return;
    }
    let expected = [
        ("bios-win10-zh-fresh", 1),
        ("bios-win7", 1),
        ("uefi-win10-lenovo", 1),
        ("uefi-win10-regipy", 1),
        ("uefi-win10-surface-zh", 1),
        ("uefi-win10-template-windeploy", 1),
        ("uefi-win11-arm64", 1),
        ("uefi-win11-ptbr-triple", 1),
        ("uefi-win11-windows2go", 1),
    ];
    let expected: Vec<(String, usize)> =
        expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    assert_eq!(counted, expected);
}

/// Logs and stores that were not written out are refused, not misread.
#[test]
fn logs_are_refused() {
    let Some(folder) = corpus::folder("bcd") else { return };
    for path in corpus::files(&folder) {
        if path.extension().is_some_and(|end| end.to_string_lossy().starts_with("LOG")) {
            let error = Hive::open(std::fs::read(&path).unwrap()).err();
            assert!(error.is_some_and(|error| error.is_refusal()), "{path:?}");
        }
    }
}

fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr),
    )
}

/// Writes an edited store, has it checked by an independent checker, and returns where it lies.
fn judged(hive: &mut Hive, folder: &Path, name: &str) -> PathBuf {
    assert_eq!(hive.check(), [], "{name}");
    hive.seal(NOW);
    let path = folder.join(name);
    std::fs::write(&path, hive.bytes()).unwrap();
    if let Some(checker) = corpus::hive_checker() {
        let (clean, text) = run(Command::new("/usr/bin/python3").arg(checker).arg(&path));
        assert!(clean, "{name}: {text}");
    }
    path
}

/// What `hivexget` reads from an element of a written store, such as `hex(3):01`.
fn hivexget(path: &Path, guid: &str, id: u32) -> Option<String> {
    let program = corpus::program("hivexget")?;
    let key = format!("\\Objects\\{guid}\\Elements\\{id:08x}");
    let (_, text) = run(Command::new(program).arg(path).arg(key));
    Some(
        text.lines()
            .find_map(|line| line.strip_prefix("\"Element\"="))
            .unwrap_or_default()
            .to_owned(),
    )
}

#[test]
fn test_signing_is_set_and_deleted_in_every_store() {
    let folder = tempfile::tempdir().unwrap();
    for (name, path) in stores() {
        let mut hive = open(&path);
        let Ok(loaders) = bcd::windows_loaders(&hive) else { continue };
        if loaders.is_empty() {
            continue;
        }
        for loader in &loaders {
            let before = bcd::element(&hive, loader, "testsigning").unwrap();
            let changed = bcd::set(&mut hive, loader, "testsigning", "on", NOW).unwrap();
            assert_eq!(
                changed,
                before.is_none_or(|element| element.value != ElementValue::Boolean(true))
            );
            assert!(!bcd::set(&mut hive, loader, "TestSigning", "YES", NOW).unwrap(), "{name}");
            let now = bcd::element(&hive, loader, "0x16000049").unwrap().unwrap();
            assert_eq!(
                (now.name.as_str(), now.to_text().as_str()),
                ("testsigning", "Yes"),
                "{name}"
            );
        }
        let written = judged(&mut hive, folder.path(), &name);
        for loader in &loaders {
            if let Some(text) = hivexget(&written, loader, 0x1600_0049) {
                assert_eq!(text, "hex(3):01", "{name}");
            }
        }

        let mut hive = open(&written);
        for loader in &loaders {
            assert!(bcd::delete_value(&mut hive, loader, "testsigning", NOW).unwrap(), "{name}");
            assert!(!bcd::delete_value(&mut hive, loader, "testsigning", NOW).unwrap(), "{name}");
            assert_eq!(bcd::element(&hive, loader, "testsigning").unwrap(), None, "{name}");
        }
        judged(&mut hive, folder.path(), &name);
    }
}

#[test]
fn every_format_is_set_as_windows_writes_it() {
    let Some(mut hive) = store("bios-win7") else { return };
    let folder = tempfile::tempdir().unwrap();
    for (object, element, value) in [
        ("{default}", "nx", "AlwaysOff"),
        ("{default}", "pae", "ForceEnable"),
        ("{default}", "loadoptions", "NOGPLPV /x"),
        ("{default}", "safeboot", "network"),
        ("{default}", "device", "boot"),
        ("{default}", "custom:15000052", "1"),
        ("{bootmgr}", "timeout", "5"),
        ("{bootmgr}", "displayorder", "{default} {memdiag}"),
        ("{bootmgr}", "default", "{memdiag}"),
        ("{memdiag}", "allowedinmemorysettings", "0x15000075,1"),
    ] {
        assert!(bcd::set(&mut hive, object, element, value, NOW).unwrap(), "{element}");
        if element != "default" {
            assert!(!bcd::set(&mut hive, object, element, value, NOW).unwrap(), "{element}");
        }
    }
    let memdiag = "{b2721d73-1db4-4c62-bf78-c548a880142d}";
    let loader = bcd::windows_loaders(&hive).unwrap().remove(0);
    assert_eq!(bcd::element(&hive, "{default}", "description").unwrap().unwrap().id, 0x1200_0004);
    assert_eq!(
        bcd::objects(&hive).unwrap().iter().find(|object| object.guid == loader).unwrap().alias,
        None
    );
    let written = judged(&mut hive, folder.path(), "BCD");

    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let hex = |kind: u32, data: &[u8]| {
        let bytes: Vec<String> = data.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("hex({kind}):{}", bytes.join(","))
    };
    let mut boot = vec![0; 88];
    boot[16] = 5;
    boot[24] = 0x48;
    for (guid, id, expected) in [
        (&*loader, 0x2500_0020, hex(3, &2_u64.to_le_bytes())),
        (&*loader, 0x2500_0021, hex(3, &1_u64.to_le_bytes())),
        (&*loader, 0x2500_0080, hex(3, &1_u64.to_le_bytes())),
        (&*loader, 0x1500_0052, hex(3, &1_u64.to_le_bytes())),
        (&*loader, 0x1200_0030, "\"NOGPLPV /x\"".to_owned()),
        (&*loader, 0x1100_0001, hex(3, &boot)),
        ("{9dea862c-5cdd-4e70-acc1-f32b344d4795}", 0x2500_0004, hex(3, &5_u64.to_le_bytes())),
        (
            "{9dea862c-5cdd-4e70-acc1-f32b344d4795}",
            0x2400_0001,
            hex(7, &utf16(&format!("{loader}\0{memdiag}\0\0"))),
        ),
        ("{9dea862c-5cdd-4e70-acc1-f32b344d4795}", 0x2300_0003, format!("\"{memdiag}\"")),
        (memdiag, 0x1700_0077, hex(3, &[0x75, 0, 0, 0x15, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])),
    ] {
        if let Some(text) = hivexget(&written, guid, id) {
            assert_eq!(text, expected, "{id:#x}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let Some(mut hive) = store("bios-win7") else { return };
    let before = hive.bytes().to_vec();
    let refused: [(&str, &str, &str, IsExpected); 12] = [
        ("{nothing}", "nx", "OptIn", |error| matches!(error, BcdError::NoObject { .. })),
        ("{00000000-0000-0000-0000-000000000000}", "nx", "OptIn", |error| {
            matches!(error, BcdError::NoObject { .. })
        }),
        ("{default}", "displayorder", "{default}", |error| {
            matches!(error, BcdError::NoElement { .. })
        }),
        ("{default}", "nothing", "1", |error| matches!(error, BcdError::NoElement { .. })),
        ("{default}", "nx", "Perhaps", |error| matches!(error, BcdError::BadValue { .. })),
        ("{default}", "testsigning", "maybe", |error| matches!(error, BcdError::BadValue { .. })),
        ("{default}", "device", "partition=C:", |error| matches!(error, BcdError::BadValue { .. })),
        ("{default}", "loadoptions", "", |error| matches!(error, BcdError::BadValue { .. })),
        ("{default}", "loadoptions", "a\nb", |error| matches!(error, BcdError::BadValue { .. })),
        ("{bootmgr}", "timeout", "soon", |error| matches!(error, BcdError::BadValue { .. })),
        ("{bootmgr}", "default", "{11111111-2222-3333-4444-555555555555}", |error| {
            matches!(error, BcdError::NoObject { .. })
        }),
        ("{bootmgr}", "displayorder", " ", |error| matches!(error, BcdError::BadValue { .. })),
    ];
    for (object, element, value, expected) in refused {
        let error = bcd::set(&mut hive, object, element, value, NOW).unwrap_err();
        assert!(expected(&error), "{object} {element} {value}: {error}");
        assert!(!error.is_refusal(), "{error}");
    }
    assert!(!hive.is_modified());
    assert_eq!(hive.bytes(), before);
}

#[test]
fn a_hive_that_is_no_store_is_refused() {
    let mut hive = Hive::create("SYSTEM", NOW);
    let error = bcd::objects(&hive).unwrap_err();
    assert!(matches!(error, BcdError::NotAStore) && error.is_refusal());
    assert!(bcd::set(&mut hive, "{default}", "nx", "OptIn", NOW).is_err());
    let objects =
        hive.create_key(hive.root(), "Objects\\{11111111-2222-3333-4444-555555555555}", NOW);
    objects.unwrap();
    assert_eq!(bcd::objects(&hive).unwrap()[0].kind, 0);
    assert!(matches!(
        bcd::set(&mut hive, "{11111111-2222-3333-4444-555555555555}", "nx", "OptIn", NOW),
        Err(BcdError::NoType { .. })
    ));
    assert!(matches!(bcd::find_object(&hive, "{default}"), Err(BcdError::NoObject { .. })));
}
