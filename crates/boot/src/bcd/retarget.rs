//! Pointing device elements at the partitions they meant, after a disk got another signature or other GUIDs.
//!
//! A clone keeps where partitions lie and what is on them, and changes how they are named. What an element meant is told, in
//! this order: by an old name that is known to have been the partition's; by the partition's GUID, which stayed when the disk's
//! changed; by its offset together with the files that the object looks for; by those files alone, where one partition has them.
//! Where nothing tells, nothing is guessed.

use std::collections::{HashMap, HashSet};

use winkiln_hive::Hive;

use super::device::PartitionRef;
use super::ids::kind;
use super::ids::{DEVICE, OS_DEVICE, PATH, SDI_DEVICE, SDI_PATH, SYSTEM_ROOT};
use super::store;
use super::value::{self, ElementValue};
use super::{BcdError, Element, Object};

/// A partition of the disk, with what speaks for its being meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidate {
    /// How device elements name it now.
    pub partition: Option<PartitionRef>,
    /// Old names that are known to have meant it, such as the one that `MountedDevices` has for the drive of Windows.
    /// Of a GPT, disks are not compared.
    pub formerly: Vec<PartitionRef>,
    /// Paths, such as `\Windows\system32\winload.exe` and `\bootmgr`, that elements name and that it has, in lower case.
    pub files: HashSet<String>,
}

/// An element that was pointed elsewhere, or should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retargeted {
    /// `{guid}` of its object.
    pub object: String,
    /// The element as it was.
    pub before: Element,
    /// The element as it is, or would be; `None` where no partition could be told to be meant.
    pub after: Option<Element>,
}

impl Retargeted {
    /// The partitions that were meant: what they were called, and what they are called now.
    #[must_use]
    pub fn moved(&self) -> Vec<(PartitionRef, PartitionRef)> {
        let partitions = |element: &Element| match &element.value {
            ElementValue::Device(device) => device.partitions(),
            _ => Vec::new(),
        };
        let after = self.after.as_ref().map(partitions).unwrap_or_default();
        let pairs = partitions(&self.before).into_iter().zip(after);
        pairs.filter(|(old, new)| old != new).collect()
    }
}

/// The paths that objects of the store look for on the partitions that their devices name, in lower case: what
/// [`Candidate::files`] should tell of.
///
/// # Errors
/// When it is not a BCD store.
pub fn wanted_files(store: &Hive) -> Result<Vec<String>, BcdError> {
    let mut found: Vec<String> = Vec::new();
    for object in store::objects(store)? {
        for element in &object.elements {
            let ElementValue::Device(device) = &element.value else { continue };
            if !device.partitions().is_empty() {
                found.extend(evidence(&object, element));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Tells which device elements name partitions that are not on the disk, and what they should name.
///
/// # Errors
/// When it is not a BCD store.
pub fn dangling(store: &Hive, disk: &[Candidate]) -> Result<Vec<Retargeted>, BcdError> {
    let objects = store::objects(store)?;
    let there: HashSet<PartitionRef> = disk.iter().filter_map(|found| found.partition).collect();
    let is_there = |named: &PartitionRef| there.contains(named);
    let mut found: Vec<Retargeted> = Vec::new();
    // What the first element with evidence proves holds for every other that has the same name.
    let mut proved: HashMap<PartitionRef, PartitionRef> = HashMap::new();
    // What loader entries start is each a Windows of its own: one that has an entry here is not what another one meant.
    let taken: HashSet<(u32, PartitionRef)> = objects
        .iter()
        .filter(|object| object.kind == kind::OS_LOADER)
        .flat_map(|object| &object.elements)
        .filter_map(|element| match &element.value {
            ElementValue::Device(device) => Some((element.id, device.partitions())),
            _ => None,
        })
        .flat_map(|(id, named)| named.into_iter().map(move |named| (id, named)))
        .filter(|(_, named)| is_there(named))
        .collect();
    for object in &objects {
        for element in &object.elements {
            let ElementValue::Device(device) = &element.value else { continue };
            for named in device.partitions().into_iter().filter(|named| !is_there(named)) {
                if proved.contains_key(&named) {
                    continue;
                }
                let files = evidence(object, element);
                let is_free = |meant: &PartitionRef| {
                    object.kind != kind::OS_LOADER || !taken.contains(&(element.id, *meant))
                };
                let meant = by_identity(&named, disk)
                    .or_else(|| by_place(&named, &files, disk).filter(is_free))
                    .or_else(|| by_files(&files, disk).filter(is_free));
                proved.extend(meant.map(|meant| (named, meant)));
            }
        }
    }
    let moved = |named: &PartitionRef| proved.get(named).copied();
    for object in objects {
        for element in &object.elements {
            let ElementValue::Device(device) = &element.value else { continue };
            if device.partitions().iter().all(is_there) {
                continue;
            }
            let after = device.with_partitions(&moved).map(|device| Element {
                value: ElementValue::Device(device),
                spelling: super::spelling::Spelling::Usual,
                ..element.clone()
            });
            let object = object.guid.clone();
            found.push(Retargeted { object, before: element.clone(), after });
        }
    }
    Ok(found)
}

/// Points every element that [`dangling`] has an answer for at it, and returns all that dangled.
///
/// `now` is stamped on the keys that change, 100 ns ticks since 1601-01-01 UTC.
///
/// # Errors
/// When it is not a BCD store, or cannot be edited.
pub fn retarget(
    store: &mut Hive,
    disk: &[Candidate],
    now: u64,
) -> Result<Vec<Retargeted>, BcdError> {
    let found = dangling(store, disk)?;
    for Retargeted { object, after, .. } in &found {
        let Some(after) = after else { continue };
        let object = store::find_object(store, object)?;
        let (kind, data) = value::encode(&after.value);
        store::write_element(store, object, after.id, (kind, &data), now)?;
    }
    Ok(found)
}

/// The one partition that is known to have had an old name, or that kept its own GUID when its disk got another.
fn by_identity(named: &PartitionRef, disk: &[Candidate]) -> Option<PartitionRef> {
    let formerly = disk.iter().filter(|found| found.formerly.iter().any(|old| is_same(old, named)));
    only(formerly).or_else(|| {
        let PartitionRef::Gpt { .. } = named else { return None };
        only(
            disk.iter().filter(|found| found.partition.is_some_and(|found| is_same(&found, named))),
        )
    })
}

/// True for one partition: that of a GPT has a GUID of its own, whatever its disk is called.
fn is_same(old: &PartitionRef, named: &PartitionRef) -> bool {
    match (old, named) {
        (PartitionRef::Gpt { partition: old, .. }, PartitionRef::Gpt { partition, .. }) => {
            old == partition
        }
        _ => old == named,
    }
}

/// The partition at the same offset of a disk with another signature, when it has the files that are looked for: many a disk has
/// a partition at 1 MiB.
fn by_place(named: &PartitionRef, files: &[String], disk: &[Candidate]) -> Option<PartitionRef> {
    let PartitionRef::Mbr { offset: wanted, .. } = named else { return None };
    let is_there = |found: &&Candidate| matches!(found.partition, Some(PartitionRef::Mbr { offset, .. }) if offset == *wanted);
    only(disk.iter().filter(is_there).filter(|found| has_all(found, files)))
}

fn has_all(found: &Candidate, files: &[String]) -> bool {
    !files.is_empty() && files.iter().all(|path| found.files.contains(path))
}

/// The one partition that has every file that is looked for.
fn by_files(wanted: &[String], disk: &[Candidate]) -> Option<PartitionRef> {
    only(disk.iter().filter(|found| has_all(found, wanted)))
}

fn only<'c>(mut found: impl Iterator<Item = &'c Candidate>) -> Option<PartitionRef> {
    let first = found.next()?;
    found.next().is_none().then_some(first.partition).flatten()
}

/// The files that prove a partition to be the one an element means: the file of the device itself, else what the object starts
/// there.
fn evidence(object: &Object, element: &Element) -> Vec<String> {
    let text = |id: u32| {
        object.element(id).and_then(|element| match &element.value {
            ElementValue::String(text) => Some(text.as_str()),
            _ => None,
        })
    };
    // A BIOS finds the boot manager by its name.
    let usual = (object.kind == kind::BOOT_MANAGER).then_some(r"\bootmgr");
    let ElementValue::Device(device) = &element.value else { return Vec::new() };
    let inner = device.file_path();
    let path = match (inner, element.id) {
        (Some(path), _) => Some(path.to_owned()),
        (None, DEVICE) => text(PATH).or(usual).map(str::to_owned),
        // The folder alone could be many a partition's; with the kernel in it, it is a Windows.
        (None, OS_DEVICE) => {
            // A resume loader has the hibernation file there instead.
            text(SYSTEM_ROOT)
                .filter(|path| !path.to_ascii_lowercase().ends_with(".sys"))
                .map(|root| format!("{}\\system32\\ntoskrnl.exe", root.trim_end_matches('\\')))
        }
        (None, SDI_DEVICE) => text(SDI_PATH).map(str::to_owned),
        _ => None,
    };
    path.into_iter().filter(|path| path.starts_with('\\')).map(|path| path.to_lowercase()).collect()
}
