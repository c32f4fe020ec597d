//! Pointing device elements at the partitions they meant, after a disk got another signature or other GUIDs.
//!
//! A clone keeps where partitions lie and what is on them, and changes how they are named. What an element meant is told, in
//! this order: by an old name that is known to have been the partition's; by the partition's GUID, which stayed when the disk's
//! changed; by its offset together with the files that the object looks for; by those files alone, where one partition has them.
//! Where nothing tells, nothing is guessed: not where two names would lead loaders to one partition, nor where what is meant may be
//! a partition that cannot be read.

use std::collections::{BTreeSet, HashMap, HashSet};

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
    /// What it has cannot be told: it is encrypted, or damaged.
    pub is_unreadable: bool,
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
    let proved = proofs(&objects, &there, disk);
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

/// What the store says of one name that no partition has.
#[derive(Default)]
struct Mentions {
    /// The elements of loader entries that name it.
    of_loaders: BTreeSet<u32>,
    /// The files by which elements tell what they mean: those of loader entries, then the rest.
    evidence: [BTreeSet<Vec<String>>; 2],
}

/// Partitions by the elements of loader entries that name them. What loader entries start is each a Windows of its own: one that has
/// an entry is not what another one meant.
type Taken = HashSet<(u32, PartitionRef)>;

/// The names that no partition has, and what is taken by others.
fn mentions(
    objects: &[Object],
    there: &HashSet<PartitionRef>,
) -> (HashMap<PartitionRef, Mentions>, Taken) {
    let (mut dangling, mut taken) = (HashMap::<PartitionRef, Mentions>::new(), Taken::new());
    for object in objects {
        let is_loader = object.kind == kind::OS_LOADER;
        for element in &object.elements {
            let ElementValue::Device(device) = &element.value else { continue };
            for named in device.partitions() {
                if there.contains(&named) {
                    taken.extend(is_loader.then_some((element.id, named)));
                    continue;
                }
                let mentions = dangling.entry(named).or_default();
                mentions.of_loaders.extend(is_loader.then_some(element.id));
                mentions.evidence[usize::from(!is_loader)].insert(evidence(object, element));
            }
        }
    }
    (dangling, taken)
}

/// What every name that no partition has can be proved to mean, the strongest proof first.
fn proofs(
    objects: &[Object],
    there: &HashSet<PartitionRef>,
    disk: &[Candidate],
) -> HashMap<PartitionRef, PartitionRef> {
    let (dangling, mut taken) = mentions(objects, there);
    let mut proved = HashMap::new();
    for by in [Proof::Identity, Proof::Place, Proof::Files] {
        let settled: HashSet<PartitionRef> =
            taken.iter().map(|(_, taken)| *taken).chain(proved.values().copied()).collect();
        let may_hide = disk.iter().any(|found| {
            found.is_unreadable && !found.partition.is_some_and(|found| settled.contains(&found))
        });
        let claims: Vec<(PartitionRef, PartitionRef)> = dangling
            .iter()
            .filter(|(named, _)| !proved.contains_key(*named))
            .filter_map(|(named, mentions)| {
                let is_loader = !mentions.of_loaders.is_empty();
                if by == Proof::Files && (is_loader && may_hide || is_hidden(named, disk)) {
                    return None;
                }
                let mut told = mentions.evidence.iter().map(|files| by.told(named, files, disk));
                // Of answers that contradict each other, none counts.
                let told = told.find(|told| !told.is_empty())?;
                let meant = *told.iter().next().filter(|_| told.len() == 1)?;
                let is_taken = mentions.of_loaders.iter().any(|id| taken.contains(&(*id, meant)));
                (by == Proof::Identity || !is_taken).then_some((*named, meant))
            })
            .collect();
        // Where two names claim one partition with the same right, neither gets it.
        let mut claimed: HashMap<(u32, PartitionRef), usize> = HashMap::new();
        for (named, meant) in &claims {
            for id in dangling.get(named).into_iter().flat_map(|mentions| &mentions.of_loaders) {
                *claimed.entry((*id, *meant)).or_default() += 1;
            }
        }
        for (named, meant) in claims {
            let Some(mentions) = dangling.get(&named) else { continue };
            let is_contested = |id: &u32| claimed.get(&(*id, meant)).is_some_and(|n| *n > 1);
            if by == Proof::Identity || !mentions.of_loaders.iter().any(is_contested) {
                taken.extend(mentions.of_loaders.iter().map(|id| (*id, meant)));
                proved.insert(named, meant);
            }
        }
    }
    proved
}

/// What may tell which partition a name means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    Identity,
    Place,
    Files,
}

impl Proof {
    /// The partitions that it tells, by one set of files or another.
    fn told(
        self,
        named: &PartitionRef,
        evidence: &BTreeSet<Vec<String>>,
        disk: &[Candidate],
    ) -> HashSet<PartitionRef> {
        match self {
            Self::Identity => by_identity(named, disk).into_iter().collect(),
            Self::Place => {
                evidence.iter().filter_map(|files| by_place(named, files, disk)).collect()
            }
            Self::Files => evidence.iter().filter_map(|files| by_files(files, disk)).collect(),
        }
    }
}

/// True when a partition that cannot be read lies where the one that is named lay.
fn is_hidden(named: &PartitionRef, disk: &[Candidate]) -> bool {
    let PartitionRef::Mbr { offset: wanted, .. } = named else { return false };
    disk.iter().any(|found| {
        found.is_unreadable
            && matches!(found.partition, Some(PartitionRef::Mbr { offset, .. }) if offset == *wanted)
    })
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
