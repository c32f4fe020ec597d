//! A BCD store. An input is as one of the hive target, over a store.

use std::sync::OnceLock;

use winkiln_boot::bcd;
use winkiln_hive::{Hive, ValueType};

use crate::bytes::{Input, utf16};
use crate::hive::patch;

const PATCHES_MAX: usize = 24;
const LOADER: &str = "{11111111-2222-3333-4444-555555555555}";

/// A store with a boot manager and a loader.
fn base() -> &'static [u8] {
    static BASE: OnceLock<Vec<u8>> = OnceLock::new();
    BASE.get_or_init(|| {
        let mut hive = Hive::create("BCD00000000", 1);
        let text = |text: &str| [utf16(text), vec![0, 0]].concat();
        let mut device = vec![0; 0x58];
        device[0x10] = 6;
        device[0x18] = 0x48;
        device[0x20..0x28].copy_from_slice(&(1u64 << 20).to_le_bytes());
        device[0x38..0x3c].copy_from_slice(&1u32.to_le_bytes());
        let manager = "{9dea862c-5cdd-4e70-acc1-f32b344d4795}";
        let rows = [
            (manager, 0x1010_0002u32, "11000001", ValueType::Binary, device.clone()),
            (manager, 0x1010_0002, "12000004", ValueType::Sz, text("Windows Boot Manager")),
            (manager, 0x1010_0002, "23000003", ValueType::Sz, text(LOADER)),
            (
                manager,
                0x1010_0002,
                "24000001",
                ValueType::MultiSz,
                [text(LOADER), vec![0, 0]].concat(),
            ),
            (manager, 0x1010_0002, "25000004", ValueType::Binary, 30u64.to_le_bytes().to_vec()),
            (LOADER, 0x1020_0003, "11000001", ValueType::Binary, device.clone()),
            (
                LOADER,
                0x1020_0003,
                "12000002",
                ValueType::Sz,
                text("\\Windows\\system32\\winload.exe"),
            ),
            (LOADER, 0x1020_0003, "21000001", ValueType::Binary, device),
            (LOADER, 0x1020_0003, "16000049", ValueType::Binary, vec![1]),
        ];
        for (object, kind, element, value_kind, value) in rows {
            let path = format!("Objects\\{object}\\");
            let root = hive.root();
            let (key, _) = hive.create_key(root, &format!("{path}Description"), 1).expect("a key");
            hive.set_value(key, "Type", ValueType::Dword, &kind.to_le_bytes(), 1).expect("a value");
            let (key, _) =
                hive.create_key(root, &format!("{path}Elements\\{element}"), 1).expect("a key");
            hive.set_value(key, "Element", value_kind, &value, 1).expect("a value");
        }
        hive.seal(1);
        hive.bytes().to_vec()
    })
}

/// Lists the objects of a damaged store and sets elements.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let patches = usize::from(input.u8()) % (PATCHES_MAX + 1);
    let mut bytes = base().to_vec();
    patch(&mut bytes, patches, &mut input);
    let Ok(mut store) = Hive::open(bytes) else { return };
    let listed = bcd::objects(&store);
    if patches == 0 {
        assert_eq!(listed.as_ref().map_or(0, Vec::len), 2);
    }
    for object in listed.into_iter().flatten() {
        for element in object.elements {
            let _ = (element.to_text(), element.value.to_text());
        }
    }
    let _ = bcd::windows_loaders(&store);
    let text: String = input.0.iter().map(|byte| char::from(*byte)).take(64).collect();
    for object in ["{bootmgr}", "{default}", LOADER, &text] {
        for (element, value) in [
            ("testsigning", "on"),
            ("timeout", &text[..]),
            ("device", "boot"),
            ("displayorder", LOADER),
            (&text, "1"),
        ] {
            let before = store.shared_bytes();
            let done = bcd::set(&mut store, object, element, value, 2);
            assert!(
                done.is_ok() || *before == store.bytes() || patches > 0,
                "a failure changes nothing"
            );
            drop(before);
            if done.is_ok() {
                let found = bcd::element(&store, object, element);
                assert!(patches > 0 || found.is_ok_and(|found| found.is_some()), "it was set");
            }
        }
        let _ = bcd::delete_value(&mut store, object, "testsigning", 2);
    }
    store.seal(2);
}

/// A sound store, and damage in its first cells.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![b"\0nx".to_vec(), b"\x000x26000010 yes".to_vec()];
    for at in (0x1000u16..0x2000).step_by(0x34) {
        let [low, high] = at.to_le_bytes();
        seeds.push(vec![1, low, high, 2, 0x20, 0x10, b'1', b'2']);
    }
    seeds
}
