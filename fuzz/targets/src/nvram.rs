//! Firmware variables. An input is the file that holds them.

use winkiln_boot::bcd::PartitionRef;
use winkiln_boot::nvram::{EfiPartition, LoadOption, NvramStore};

fn entry() -> LoadOption {
    let named = PartitionRef::Gpt { disk: [0; 16], partition: [7; 16] };
    LoadOption {
        description: "Windows Boot Manager".to_owned(),
        is_active: true,
        partition: Some(EfiPartition { number: 1, start: 2048, sectors: 200_000, named }),
        path: Some(r"\EFI\Microsoft\Boot\bootmgfw.efi".to_owned()),
    }
}

/// Reads variables and adds a boot entry: it is first, what was written can be read, and what fails changes nothing.
pub fn run(data: &[u8]) {
    let Ok(mut store) = NvramStore::open(data.to_vec()) else { return };
    let _ = store.variables();
    for option in store.boot_entries().values() {
        let _ = option.encode();
    }
    let Ok(added) = store.add_boot_entry(&entry()) else {
        assert!(store.bytes() == data, "what failed changed nothing");
        return;
    };
    assert_eq!(added.changed, store.bytes() != data);
    let again = NvramStore::open(store.bytes().to_vec()).expect("what was written is a store");
    assert_eq!(again.boot_order().first(), Some(&added.number));
    assert!(again.boot_entries()[&added.number].leads_where(&entry()));
}

/// A store of plain variables, with entries that lead elsewhere.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let other = LoadOption { path: Some(r"\other.efi".to_owned()), ..entry() };
    let other = other.encode().expect("it can be encoded");
    let empty = plain(&[]);
    let full = plain(&[slot(0x3F, "Boot0000", &other), slot(0x3D, "BootOrder", &[9, 0])].concat());
    let more = [slot(0x3F, "Boot0000", &other), slot(0x3F, "BootOrder", &[0, 0])].concat();
    let seeds = vec![empty, full, plain(&more)];
    assert!(seeds.iter().all(|seed| NvramStore::open(seed.clone()).is_ok()));
    seeds
}

fn slot(state: u8, name: &str, data: &[u8]) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let mut bytes = vec![0xAA, 0x55, state, 0, 7, 0, 0, 0];
    for length in [name.len(), data.len()] {
        bytes.extend((length as u32).to_le_bytes());
    }
    // EFI_GLOBAL_VARIABLE.
    bytes.extend([0x61, 0xDF, 0xE4, 0x8B, 0xCA, 0x93, 0xD2, 0x11]);
    bytes.extend([0xAA, 0x0D, 0x00, 0xE0, 0x98, 0x03, 0x2B, 0x8C]);
    bytes.extend(name);
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(4), 0xFF);
    bytes
}

fn plain(slots: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 16];
    bytes.extend([0x8D, 0x2B, 0xF1, 0xFF, 0x96, 0x76, 0x8B, 0x4C]);
    bytes.extend([0xA9, 0x85, 0x27, 0x47, 0x07, 0x5B, 0x4F, 0x50]);
    bytes.extend(0x1000_u64.to_le_bytes());
    bytes.extend(b"_FVH\0\0\0\0\x48\0");
    bytes.resize(72, 0);
    bytes.extend([0x16, 0x36, 0xCF, 0xDD, 0x75, 0x32, 0x64, 0x41]);
    bytes.extend([0x98, 0xB6, 0xFE, 0x85, 0x70, 0x7F, 0xFE, 0x7D]);
    bytes.extend((0x400_u32 - 72).to_le_bytes());
    bytes.extend([0x5A, 0xFE]);
    bytes.resize(100, 0);
    bytes.extend(slots);
    bytes.resize(0x400, 0xFF);
    bytes.resize(0x440, 0);
    bytes
}
