//! Stores whose disk got another identity.

use winkiln_boot::bcd::{self, Candidate, ElementValue, NewStore, PartitionRef};
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

fn mbr(signature: u32, mebibytes: u64) -> PartitionRef {
    PartitionRef::Mbr { signature, offset: mebibytes << 20 }
}

const SYSTEM: PartitionRef = PartitionRef::Mbr { signature: 9, offset: 1 << 20 };

/// What the loader entries of a store mean, which are on two partitions, on a disk with [`SYSTEM`] and these.
fn meant(on: [PartitionRef; 2], disk: &[Candidate]) -> [PartitionRef; 2] {
    let guids = [1, 2, 3]
        .map(|digit: u8| "{@-0000-0000-0000-000000000000}".replace('@', &format!("{digit:08}")));
    let new = NewStore {
        efi: false,
        system: SYSTEM,
        windows: on[0],
        system_root: r"\Windows",
        description: "Windows 7",
        version: (6, 1),
        template: None,
        guids: (&guids[1], &guids[0]),
    };
    let mut store = bcd::create_store(&new, NOW).unwrap();
    bcd::copy_object(&mut store, &guids[1], &guids[2], None, NOW).unwrap();
    for element in ["device", "osdevice"] {
        let device = format!("partition={}", on[1].identity());
        bcd::set(&mut store, &guids[2], element, &device, NOW).unwrap();
    }
    let mut disk = disk.to_vec();
    let files = [r"\bootmgr", r"\boot\memtest.exe"].map(str::to_owned).into();
    disk.push(Candidate { partition: Some(SYSTEM), files, ..Candidate::default() });
    bcd::retarget(&mut store, &disk, NOW).unwrap();
    [&guids[1], &guids[2]].map(|loader| {
        let found = ["device", "osdevice"].map(|name| {
            match bcd::element(&store, loader, name).unwrap().unwrap().value {
                ElementValue::Device(device) => device.partition().unwrap(),
                other => panic!("{other:?}"),
            }
        });
        assert_eq!(found[0], found[1]);
        found[0]
    })
}

fn windows_at(mebibytes: u64) -> Candidate {
    let files = ["winload.exe", "winresume.exe", "ntoskrnl.exe"];
    let files = files.map(|name| format!(r"\windows\system32\{name}")).into();
    Candidate { partition: Some(mbr(9, mebibytes)), files, ..Candidate::default() }
}

fn unreadable_at(mebibytes: u64) -> Candidate {
    let partition = Some(mbr(9, mebibytes));
    Candidate { partition, is_unreadable: true, ..Candidate::default() }
}

/// Two entries never come to start the same Windows: the one with the better proof gets it, whichever comes first.
#[test]
fn one_windows_is_what_one_entry_meant() {
    let here = mbr(9, 50);
    let former = Candidate { formerly: vec![mbr(1, 100)], ..windows_at(50) };
    let by_place = mbr(7, 50);
    for (names, disk, proved) in [
        // Both by files alone.
        ([mbr(1, 100), mbr(2, 200)], vec![windows_at(50)], [false, false]),
        ([mbr(1, 100), mbr(2, 200)], vec![former], [true, false]),
        ([by_place, mbr(2, 200)], vec![windows_at(50)], [true, false]),
        // Both at the place.
        ([by_place, mbr(8, 50)], vec![windows_at(50)], [false, false]),
        ([here, mbr(2, 200)], vec![windows_at(50)], [true, false]),
        ([mbr(1, 100), SYSTEM], vec![windows_at(50)], [true, false]),
    ] {
        let expected = [0, 1].map(|of| if proved[of] { here } else { names[of] });
        assert_eq!(meant(names, &disk), expected, "{names:?}");
        let reversed = [names[1], names[0]];
        assert_eq!(meant(reversed, &disk), [expected[1], expected[0]], "{reversed:?}");
    }
    let two = [windows_at(50), windows_at(200)];
    assert_eq!(meant([mbr(1, 50), mbr(1, 200)], &two), [mbr(9, 50), mbr(9, 200)]);
}

/// What cannot be read may be what was meant.
#[test]
fn a_partition_that_cannot_be_read_may_be_the_one() {
    let (other, here) = (mbr(1, 100), mbr(9, 50));
    let with = |unreadable: u64| [windows_at(50), unreadable_at(unreadable)];
    for (unreadable, second, expected) in [
        (100, SYSTEM, other),
        (300, SYSTEM, other),
        // That is what another entry means.
        (300, mbr(9, 300), here),
    ] {
        assert_eq!(meant([other, second], &with(unreadable)), [expected, second], "{unreadable}");
    }
    // Its own place tells of a readable one.
    assert_eq!(meant([mbr(1, 50), SYSTEM], &with(300)), [here, SYSTEM]);
}
