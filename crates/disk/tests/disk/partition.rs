//! Partition tables made by other programs.

use std::path::Path;
use std::sync::Arc;

use winkiln_disk::partition::{
    DiskId, Guid, PartitionError, PartitionKind, PartitionTable, TableKind, read_table,
};
use winkiln_disk::{Device, MemoryDevice, Window};

use crate::tool::{have, output, run, scratch};

const MIB: u64 = 1 << 20;

/// A disk partitioned by a script of `sfdisk`.
fn sfdisk(size: u64, script: &str) -> Vec<u8> {
    let folder = scratch();
    let path = folder.path().join("d.raw");
    std::fs::write(&path, vec![0; size as usize]).unwrap();
    let commands = folder.path().join("script");
    std::fs::write(&commands, script).unwrap();
    let line = format!("sfdisk -q --no-reread {} < {}", path.display(), commands.display());
    run("sh", &["-c", &line]);
    std::fs::read(path).unwrap()
}

fn sgdisk(path: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut all = arguments.to_vec();
    all.push(path.to_str().unwrap());
    run("sgdisk", &all);
    std::fs::read(path).unwrap()
}

fn table_of(bytes: &[u8]) -> PartitionTable {
    read_table(&MemoryDevice::new(bytes.to_vec())).unwrap()
}

/// Number, start and length of every partition.
fn places(table: &PartitionTable) -> Vec<(u32, u64, u64)> {
    table.partitions.iter().map(|p| (p.number, p.start, p.length)).collect()
}

const LOGICAL: &str = "label: dos\nlabel-id: 0x1234abcd\n\
    start=2048, size=20480, type=7, bootable\n\
    start=22528, size=80000, type=5\n\
    start=24576, size=8192, type=7\n\
    start=34816, size=4096, type=b\n\
    start=40960, size=2048, type=27\n\
    start=104448, size=10240, type=c\n";

fn logical() -> Vec<u8> {
    // sfdisk numbers by line: the extended partition is 2, logical ones follow from 5.
    let script = LOGICAL
        .replace("start=24576", "5: start=24576")
        .replace("start=34816", "6: start=34816")
        .replace("start=40960", "7: start=40960")
        .replace("start=104448", "3: start=104448")
        .replace("start=2048", "1: start=2048")
        .replace("start=22528", "2: start=22528");
    sfdisk(64 * MIB, &script)
}

#[test]
fn an_mbr_with_logical_partitions() {
    if !have(&["sfdisk"]) {
        return;
    }
    let table = table_of(&logical());
    assert_eq!((table.kind, table.sector_size), (TableKind::Mbr, 512));
    assert_eq!(table.disk_id, DiskId::Mbr(0x1234_abcd));
    assert_eq!(
        places(&table),
        [
            (1, 2048 * 512, 20480 * 512),
            (5, 24576 * 512, 8192 * 512),
            (6, 34816 * 512, 4096 * 512),
            (7, 40960 * 512, 2048 * 512),
            (3, 104_448 * 512, 10240 * 512),
        ]
    );
    let kinds: Vec<_> = table.partitions.iter().map(|p| p.kind.clone()).collect();
    let kind = |type_id, active, logical| PartitionKind::Mbr { type_id, active, logical };
    assert_eq!(
        kinds,
        [
            kind(7, true, false),
            kind(7, false, true),
            kind(0xb, false, true),
            kind(0x27, false, true),
            kind(0xc, false, false)
        ]
    );
    assert_eq!(table.warnings, Vec::<String>::new());
}

#[test]
fn a_broken_chain_of_extended_records_is_an_error() {
    if !have(&["sfdisk"]) {
        return;
    }
    let good = logical();
    // Where each record is: found by its signature, from the links of the one before.
    let first = 22528 * 512;
    let link = |bytes: &[u8], at: usize| {
        u32::from_le_bytes(bytes[at + 462 + 8..at + 462 + 12].try_into().unwrap())
    };
    let second = first + link(&good, first) as usize * 512;
    let third = first + link(&good, second) as usize * 512;
    let check = |what: &str, at: usize, patch: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + patch.len()].copy_from_slice(patch);
        let error = read_table(&MemoryDevice::new(bytes)).expect_err(what);
        assert!(matches!(error, PartitionError::LogicalChain { .. }), "{what}: {error:?}");
    };
    let back = link(&good, first).to_le_bytes();
    check("leads to itself", third + 462 + 8, &link(&good, second).to_le_bytes());
    check("leads back", third + 462 + 8, &back);
    check("leads past the end", third + 462 + 8, &0x7fff_ffff_u32.to_le_bytes());
    check("leads past all numbers", third + 462 + 8, &u32::MAX.to_le_bytes());
    check("no signature", third + 510, &[0, 0]);
    check("start passes all numbers", second + 446 + 8, &u32::MAX.to_le_bytes());
    check("starts at its own record", second + 446 + 8, &[0; 4]);
}

#[test]
fn sector_0_entries_do_not_stop_or_panic() {
    for start in [0_u32, 1, u32::MAX] {
        for kind in [7, 5, 0xee] {
            let mut bytes = vec![0; MIB as usize];
            bytes[446 + 4] = kind;
            bytes[446 + 8..446 + 12].copy_from_slice(&start.to_le_bytes());
            bytes[446 + 12..446 + 16].copy_from_slice(&u32::MAX.to_le_bytes());
            bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
            let result = read_table(&MemoryDevice::new(bytes));
            match (kind, start) {
                (7, 1 | u32::MAX) => {
                    let table = result.unwrap();
                    assert_eq!(table.partitions.len(), 1);
                    assert!(table.warnings[0].contains("past the end"), "{:?}", table.warnings);
                }
                (7 | 5, 0) => assert!(result.unwrap().partitions.is_empty()),
                (0xee, _) => assert!(matches!(result, Err(PartitionError::Gpt))),
                _ => drop(result),
            }
        }
    }
}

#[test]
fn overlaps_and_ends_are_warned_of() {
    let mut bytes = vec![0; 4 * MIB as usize];
    for (index, (start, sectors)) in
        [(64_u32, 2000_u32), (1000, 2000), (5000, 4000)].iter().enumerate()
    {
        let at = 446 + 16 * index;
        bytes[at + 4] = 7;
        bytes[at + 8..at + 12].copy_from_slice(&start.to_le_bytes());
        bytes[at + 12..at + 16].copy_from_slice(&sectors.to_le_bytes());
    }
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    let table = table_of(&bytes);
    assert_eq!(table.partitions.len(), 3);
    assert_eq!(table.warnings.len(), 2, "{:?}", table.warnings);
    assert!(table.warnings[0].contains("1 and 2 overlap"));
    assert!(
        table.warnings[1].contains("partition 3") && table.warnings[1].contains("past the end")
    );
    let last = &table.partitions[2];
    let device: Arc<dyn Device> = Arc::new(MemoryDevice::new(bytes));
    assert!(Window::new(device, last.start, last.length).is_err());
}

const BASIC_DATA: &str = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7";

fn gpt_disk(path: &Path) -> Vec<u8> {
    std::fs::write(path, vec![0; 64 * MIB as usize]).unwrap();
    sgdisk(
        path,
        &[
            "-U",
            "11223344-5566-7788-99AA-BBCCDDEEFF00",
            "-n",
            "1:2048:22527",
            "-t",
            "1:EF00",
            "-c",
            "1:EFI system partition",
            "-n",
            "4:40960:61439",
            "-t",
            "4:0700",
            "-c",
            "4:Grüße",
            "-A",
            "4:set:60",
            "-u",
            "4:01020304-0506-0708-090A-0B0C0D0E0F10",
        ],
    )
}

fn check_gpt(table: &PartitionTable, what: &str) {
    assert_eq!((table.kind, table.sector_size), (TableKind::Gpt, 512), "{what}");
    let id: Guid = "11223344-5566-7788-99aa-bbccddeeff00".parse().unwrap();
    assert_eq!(table.disk_id, DiskId::Gpt(id), "{what}");
    assert_eq!(
        places(table),
        [(1, 2048 * 512, 20480 * 512), (4, 40960 * 512, 20480 * 512)],
        "{what}"
    );
    let kind = PartitionKind::Gpt {
        type_guid: BASIC_DATA.parse().unwrap(),
        guid: "01020304-0506-0708-090a-0b0c0d0e0f10".parse().unwrap(),
        name: "Grüße".to_owned(),
        attributes: 1 << 60,
    };
    assert_eq!(table.partitions[1].kind, kind, "{what}");
}

#[test]
fn a_gpt_whole_and_damaged() {
    if !have(&["sgdisk"]) {
        return;
    }
    let folder = scratch();
    let good = gpt_disk(&folder.path().join("d.raw"));
    let last = good.len() - 512;
    let table = table_of(&good);
    check_gpt(&table, "whole");
    assert_eq!(table.warnings, Vec::<String>::new());

    let damaged = |what: &str, warning: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        let table = table_of(&bytes);
        check_gpt(&table, what);
        assert!(
            table.warnings.iter().any(|text| text.contains(warning)),
            "{what}: {:?}",
            table.warnings
        );
    };
    damaged("primary header zeroed", "the backup is used", &|bytes| bytes[512..1024].fill(0));
    damaged("primary header flipped", "the backup is used", &|bytes| bytes[512 + 40] ^= 1);
    damaged("primary entries damaged", "entries are damaged", &|bytes| bytes[1024 + 50] ^= 1);
    damaged("backup zeroed", "backup GPT header", &|bytes| bytes[last..].fill(0));
    damaged("cut short", "backup GPT header", &|bytes| bytes.truncate(50 * MIB as usize));
    damaged("MBR zeroed", "protective MBR", &|bytes| bytes[..512].fill(0));
    damaged("hybrid", "lists partitions beside", &|bytes| {
        bytes[462 + 4] = 7;
        bytes[462 + 8] = 64;
        bytes[462 + 12] = 64;
    });
    let mut grown = good.clone();
    grown.resize(good.len() + MIB as usize, 0);
    check_gpt(&table_of(&grown), "grown");
    grown[1024 + 50] ^= 1;
    check_gpt(&table_of(&grown), "grown, and primary entries damaged");

    let mut both = good.clone();
    both[512..1024].fill(0);
    both[last..].fill(0);
    assert!(matches!(read_table(&MemoryDevice::new(both)), Err(PartitionError::Gpt)));
}

#[test]
fn a_hostile_gpt_header_neither_panics_nor_allocates() {
    if !have(&["sgdisk"]) {
        return;
    }
    let folder = scratch();
    let good = gpt_disk(&folder.path().join("d.raw"));
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    for (at, value) in
        [(80, u32::MAX), (84, 1), (84, 0), (84, u32::MAX), (24, 7), (72, u32::MAX), (12, 512)]
    {
        let mut bytes = good.clone();
        for header in [512, good.len() - 512] {
            let header = &mut bytes[header..header + 512];
            header[at..at + 4].copy_from_slice(&value.to_le_bytes());
            header[16..20].fill(0);
            let sum = crc.checksum(&header[..92]);
            header[16..20].copy_from_slice(&sum.to_le_bytes());
        }
        let result = read_table(&MemoryDevice::new(bytes));
        assert!(matches!(result, Err(PartitionError::Gpt)), "{at} {value}: {result:?}");
    }
}

#[test]
fn a_disk_of_4096_byte_sectors() {
    if !have(&["sgdisk", "losetup"]) {
        return;
    }
    let folder = scratch();
    let file = folder.path().join("d.raw");
    std::fs::write(&file, vec![0; 64 * MIB as usize]).unwrap();
    let attached = output("losetup", &["-f", "--show", "-b", "4096", file.to_str().unwrap()]);
    if !attached.status.success() {
        return crate::tool::skip("loop devices need root");
    }
    let device = String::from_utf8(attached.stdout).unwrap().trim().to_owned();
    let made = output("sgdisk", &["-n", "1:256:4095", "-t", "1:0700", &device]);
    run("losetup", &["-d", &device]);
    assert!(made.status.success());
    let bytes = std::fs::read(&file).unwrap();
    let table = table_of(&bytes);
    assert_eq!((table.kind, table.sector_size), (TableKind::Gpt, 4096));
    assert_eq!(places(&table), [(1, MIB, 3840 * 4096)]);
    let mut damaged = bytes.clone();
    damaged[4096..8192].fill(0);
    assert_eq!(places(&table_of(&damaged)), [(1, MIB, 3840 * 4096)], "backup header");
    let mut damaged = bytes;
    damaged[8192 + 32] ^= 1;
    assert_eq!(places(&table_of(&damaged)), [(1, MIB, 3840 * 4096)], "backup entries");
}

#[test]
fn a_bare_volume_is_no_partition_table() {
    if have(&["mkntfs"]) {
        let folder = scratch();
        let path = folder.path().join("v.raw");
        std::fs::write(&path, vec![0; 8 * MIB as usize]).unwrap();
        run("mkntfs", &["-q", "-F", path.to_str().unwrap()]);
        let table = table_of(&std::fs::read(&path).unwrap());
        assert_eq!((table.kind, places(&table)), (TableKind::None, vec![(1, 0, 8 * MIB)]));
        assert_eq!(table.partitions[0].kind, PartitionKind::Bare);
    }
    if have(&["mkfs.fat"]) {
        let folder = scratch();
        let path = folder.path().join("v.raw");
        for options in [&["-F", "12"][..], &["-F", "16"], &["-F", "32"], &["-F", "16", "--mbr=yes"]]
        {
            std::fs::write(&path, vec![0; 40 * MIB as usize]).unwrap();
            run("mkfs.fat", &[options, &[path.to_str().unwrap()]].concat());
            let table = table_of(&std::fs::read(&path).unwrap());
            let seen = (table.kind, places(&table));
            assert_eq!(seen, (TableKind::None, vec![(1, 0, 40 * MIB)]), "{options:?}");
        }
    }
}

#[test]
fn disks_with_nothing_known_have_no_partitions() {
    for bytes in [vec![], vec![0; 100], vec![0; 4096], vec![0xff; MIB as usize], b"MZ".repeat(5000)]
    {
        let table = table_of(&bytes);
        assert_eq!((table.kind, table.partitions.len()), (TableKind::None, 0));
    }
}

#[test]
fn an_mbr_counted_in_4096_byte_sectors() {
    let mut bytes = vec![0; 8 * MIB as usize];
    bytes[446 + 4] = 7;
    bytes[446 + 8..446 + 12].copy_from_slice(&256_u32.to_le_bytes());
    bytes[446 + 12..446 + 16].copy_from_slice(&512_u32.to_le_bytes());
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    assert_eq!(table_of(&bytes).sector_size, 512, "nothing says otherwise");
    bytes[256 * 4096 + 510..256 * 4096 + 512].copy_from_slice(&[0x55, 0xaa]);
    let table = table_of(&bytes);
    assert_eq!((table.sector_size, places(&table)), (4096, vec![(1, MIB, 2 * MIB)]));
}
