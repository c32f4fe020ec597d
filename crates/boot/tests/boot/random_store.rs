//! Stores of elements of every format, and what another program reads in them.

use std::collections::BTreeMap;
use std::process::Command;

use winkiln_boot::bcd::{self, kind_named};
use winkiln_hive::Hive;

use crate::corpus;

const NOW: u64 = 133_000_000_000_000_000;

/// Prints object, element, type and data of every element, by libhivex.
const READ: &str = r"
import sys, hivex
store = hivex.Hivex(sys.argv[1])
for object in store.node_children(store.node_get_child(store.root(), 'Objects')):
    elements = store.node_get_child(object, 'Elements')
    for element in store.node_children(elements) if elements else []:
        kind, data = store.value_value(store.node_get_value(element, 'Element'))
        print(store.node_name(object), store.node_name(element), kind, data.hex())
";

/// Numbers that look random and are the same at every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) ^ (self.0 << 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// A device's bytes: its type, its size, what is in it.
fn device(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 16];
    for word in [kind, 0, 16 + body.len() as u32, 0] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(body);
    bytes
}

/// What is typed, and the registry type and bytes that must come of it.
fn value(numbers: &mut Numbers, format: u32, objects: &[String]) -> (String, u32, Vec<u8>) {
    match format {
        1 if numbers.below(2) == 0 => ("boot".into(), 3, device(5, &[0; 56])),
        1 => {
            let (signature, offset) = (numbers.next() as u32, numbers.below(1 << 40) * 512);
            let mut body = offset.to_le_bytes().to_vec();
            body.extend([0; 8 + 4]);
            body.extend(1_u32.to_le_bytes());
            body.extend(signature.to_le_bytes());
            body.extend([0; 28]);
            (format!("partition=mbr:{signature:08x}:{offset:#x}"), 3, device(6, &body))
        }
        2 => {
            let letters: Vec<char> =
                "abcXYZ 019\\.\u{e4}\u{436}\u{6f22}\u{1f600}".chars().collect();
            let length = numbers.below(60) + 1;
            let text: String = (0..length).map(|_| numbers.pick(&letters)).collect();
            let data = wide(&text);
            (text, 1, data)
        }
        3 => {
            let guid = numbers.pick(objects);
            (guid.to_uppercase(), 1, wide(&guid))
        }
        4 => {
            let list: Vec<String> = (0..=numbers.below(5)).map(|_| numbers.pick(objects)).collect();
            let data = list.iter().flat_map(|guid| wide(guid)).chain([0, 0]).collect();
            (list.join(" "), 7, data)
        }
        5 => {
            let number = numbers.next() >> numbers.below(64);
            (format!("{number:#x}"), 3, number.to_le_bytes().to_vec())
        }
        6 => {
            let on = numbers.below(2) as u8;
            (numbers.pick(&[["no", "yes"], ["off", "on"]])[usize::from(on)].into(), 3, vec![on])
        }
        _ => {
            let list: Vec<u64> = (0..=numbers.below(4)).map(|_| numbers.next()).collect();
            let texts: Vec<String> = list.iter().map(u64::to_string).collect();
            (texts.join(","), 3, list.iter().flat_map(|number| number.to_le_bytes()).collect())
        }
    }
}

#[test]
fn what_is_set_is_what_hivex_reads() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 1..4 {
        let mut numbers = Numbers(seed);
        let mut store = Hive::create("NewStoreRoot", NOW);
        store.create_key(store.root(), "Objects", NOW).unwrap();
        let kinds = ["osloader", "resume", "startup", "ntldr", "inherit", "device"];
        let objects: Vec<String> = (0..kinds.len())
            .map(|number| {
                format!("{{{number:08x}-0000-4000-8000-{:012x}}}", numbers.below(1 << 40))
            })
            .collect();
        for (guid, kind) in objects.iter().zip(kinds) {
            let kind = kind_named(kind).unwrap();
            assert_eq!(bcd::create_object(&mut store, guid, kind, None, NOW).unwrap(), *guid);
        }
        let mut expected = BTreeMap::new();
        for _ in 0..120 {
            let number = numbers.below(objects.len() as u64) as usize;
            let class = if kinds[number] == "device" { 3 } else { 1 + numbers.below(2) as u32 };
            let format = 1 + numbers.below(7) as u32;
            // Numbers that no element has a name for.
            let id = class << 28 | format << 24 | (0x300 + numbers.below(0x400) as u32);
            let (text, kind, data) = value(&mut numbers, format, &objects);
            let name = format!("custom:{id:08x}");
            let object = &objects[number];
            bcd::set(&mut store, object, &name, &text, NOW)
                .unwrap_or_else(|error| panic!("{name} {text}: {error}"));
            assert!(!bcd::set(&mut store, object, &name, &text, NOW).unwrap(), "{name} {text}");
            if numbers.below(8) == 0 {
                assert!(bcd::delete_value(&mut store, object, &name, NOW).unwrap());
                expected.remove(&(object.clone(), id));
            } else {
                expected.insert((object.clone(), id), (kind, data));
            }
        }
        store.seal(NOW);
        let file = folder.path().join(format!("store{seed}"));
        std::fs::write(&file, store.bytes()).unwrap();
        let python = Command::new("/usr/bin/python3").args(["-c", READ]).arg(&file).output();
        let Some(output) = python.ok().filter(|output| output.status.success()) else {
            return corpus::missing("no python3-hivex");
        };
        let text = String::from_utf8(output.stdout).unwrap();
        let found: BTreeMap<(String, u32), (u32, Vec<u8>)> = text
            .lines()
            .map(|line| {
                let parts: Vec<&str> = line.split(' ').collect();
                let bytes = parts[3].as_bytes().chunks(2);
                let byte = |pair: &[u8]| {
                    u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()
                };
                let id = u32::from_str_radix(parts[1], 16).unwrap();
                ((parts[0].into(), id), (parts[2].parse().unwrap(), bytes.map(byte).collect()))
            })
            .collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}
