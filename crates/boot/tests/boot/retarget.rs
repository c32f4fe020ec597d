//! Stores whose disk got another identity.

use winkiln_boot::bcd::{self, Candidate, ElementValue, PartitionRef};
use winkiln_hive::Hive;

use crate::corpus;

const NOW: u64 = 133_000_000_000_000_000;

fn store(name: &str) -> Option<Hive> {
    let bytes = std::fs::read(corpus::folder("bcd")?.join(name).join("BCD")).unwrap();
    Some(Hive::open(bytes).unwrap())
}

/// Every partition that the store names, by who names it.
fn named(store: &Hive) -> Vec<(String, u32, PartitionRef)> {
    let mut found = Vec::new();
    for object in bcd::objects(store).unwrap() {
        for element in object.elements {
            if let ElementValue::Device(device) = &element.value {
                let partitions = device.partitions();
                found.extend(
                    partitions.into_iter().map(|named| (object.guid.clone(), element.id, named)),
                );
            }
        }
    }
    found
}

/// The disk as the store sees it, under the names that `renamed` gives, with the files that lead to each partition.
fn disk(store: &Hive, renamed: &dyn Fn(&PartitionRef) -> PartitionRef) -> Vec<Candidate> {
    let mut disk: Vec<Candidate> = Vec::new();
    let wanted = bcd::wanted_files(store).unwrap();
    for partition in bcd::named_partitions(store).unwrap() {
        // Which partition has which file is told by a store that names this one alone.
        let own = |path: &&String| owner(store, path) == Some(partition);
        let files = wanted.iter().filter(own).cloned().collect();
        let partition = Some(renamed(&partition));
        disk.push(Candidate { partition, files, ..Candidate::default() });
    }
    disk
}

/// The first partition that an object of the store looks for a path on.
fn owner(store: &Hive, path: &str) -> Option<PartitionRef> {
    let objects = bcd::objects(store).unwrap();
    objects
        .iter()
        .flat_map(|object| object.elements.iter().map(move |element| (object, element)))
        .find_map(|(object, element)| {
            let ElementValue::Device(device) = &element.value else { return None };
            let text = |id| object.element(id).map(|element| element.to_text().to_lowercase());
            let looked_for = match element.id {
                0x1100_0001 if object.kind == 0x1010_0002 => {
                    text(0x1200_0002).or(Some(r"\bootmgr".to_owned()))
                }
                0x1100_0001 => text(0x1200_0002),
                0x2100_0001 => text(0x2200_0002).map(|root| root + r"\system32\ntoskrnl.exe"),
                0x3100_0003 => text(0x3200_0004),
                _ => None,
            };
            let inside = device.to_text().to_lowercase().contains(path);
            (inside || looked_for.as_deref() == Some(path))
                .then(|| device.partitions().first().copied())?
        })
}

#[track_caller]
fn retargeted(name: &str, renamed: &dyn Fn(&PartitionRef) -> PartitionRef, left: usize) {
    let Some(mut store) = store(name) else { return };
    let before = named(&store);
    let disk = disk(&store, renamed);
    let found = bcd::retarget(&mut store, &disk, NOW).unwrap();
    let dangling = found.iter().filter(|found| found.after.is_none()).count();
    assert_eq!(dangling, left, "{name}: {found:#?}");
    let mut unmoved = 0;
    for ((object, id, old), (_, _, new)) in before.iter().zip(named(&store)) {
        if new == *old {
            unmoved += 1;
        } else {
            assert_eq!(new, renamed(old), "{name} {object} {id:#x}");
        }
    }
    assert!(unmoved >= left && found.len() > left, "{name}");
    assert_eq!(store.check(), [], "{name}");
    // A second time there is nothing left to do.
    assert_eq!(bcd::retarget(&mut store, &disk, NOW).unwrap().len(), left, "{name}");
}

fn signature(new: u32) -> impl Fn(&PartitionRef) -> PartitionRef {
    move |old| match old {
        PartitionRef::Mbr { offset, .. } => PartitionRef::Mbr { signature: new, offset: *offset },
        gpt => *gpt,
    }
}

fn guids(of_partitions: bool) -> impl Fn(&PartitionRef) -> PartitionRef {
    move |old| match old {
        PartitionRef::Gpt { disk, partition } => PartitionRef::Gpt {
            disk: disk.map(|byte| byte ^ 0x5A),
            partition: partition.map(|byte| if of_partitions { byte ^ 0xA5 } else { byte }),
        },
        mbr => *mbr,
    }
}

#[test]
fn a_new_disk_signature_is_followed() {
    retargeted("bios-win7", &signature(0x5ca1_ab1e), 0);
}

#[test]
fn a_new_disk_guid_is_followed_by_the_guids_of_partitions() {
    for name in ["uefi-win10-lenovo", "uefi-win11-ptbr-triple", "bios-win10-zh-fresh"] {
        retargeted(name, &guids(false), 0);
    }
}

/// Entries of other disks' systems and firmware applications look for files that lead nowhere else.
#[test]
fn new_guids_of_partitions_are_followed_by_files() {
    for (name, left) in [("bios-win10-zh-fresh", 0), ("uefi-win11-ptbr-triple", 0)] {
        retargeted(name, &guids(true), left);
    }
}

#[test]
fn what_is_there_is_left_alone_and_nothing_is_guessed() {
    let Some(mut hive) = store("bios-win7") else { return };
    let before = hive.bytes().to_vec();
    let there = disk(&hive, &|partition| *partition);
    assert_eq!(bcd::retarget(&mut hive, &there, NOW).unwrap(), []);
    // Another disk with a partition at the same place, but without the files.
    let mut other = disk(&hive, &signature(1));
    other.iter_mut().for_each(|found| found.files.clear());
    let found = bcd::retarget(&mut hive, &other, NOW).unwrap();
    assert!(!found.is_empty() && found.iter().all(|found| found.after.is_none()), "{found:#?}");
    // Two partitions with the files, at other places.
    let moved = |at: u64| move |_: &PartitionRef| PartitionRef::Mbr { signature: 1, offset: at };
    let mut two = disk(&hive, &moved(0x700_0000));
    two.extend(disk(&hive, &moved(0x800_0000)));
    let found = bcd::retarget(&mut hive, &two, NOW).unwrap();
    assert!(!found.is_empty() && found.iter().all(|found| found.after.is_none()), "{found:#?}");
    assert_eq!(hive.bytes(), before);
}
