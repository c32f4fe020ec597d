//! Every power cut and every failed write, over a host of memory.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imago::qcow2::Qcow2;
use imago::{DenyImplicitOpenGate, FormatAccess, FormatDriverBuilder};

use super::CommitError;
use super::IoCounts;
use super::commit::commit;
use crate::host::folder::{Folder, JournalPlace};
use crate::host::pages::Pages;
use crate::host::staged::Staged;
use crate::host::{HostFile, read_padded};
use crate::image::{Backend, Plan, Target};
use crate::journal::recover::{self, Finished, Found, RecoverFailure};

const SECTOR: usize = 512;
const JOURNAL: &str = "i.winkiln-journal";

/// One change of a file that no sync has followed yet.
#[derive(Debug, Clone)]
enum Change {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

/// A file as it is seen, and as it would be after a power cut.
#[derive(Debug, Clone, Default)]
struct Contents {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

/// What goes wrong, counted in operations that change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// From this operation on, nothing happens any more.
    Cut(usize),
    /// This operation, and it alone, fails after doing a part of its work.
    Fail(usize),
    /// This operation fails, and so does every later one on the image.
    FailForGood(usize),
}

#[derive(Debug)]
struct World {
    files: BTreeMap<u64, Contents>,
    names: BTreeMap<OsString, u64>,
    durable_names: BTreeMap<OsString, u64>,
    next: u64,
    operations: usize,
    fault: Fault,
    /// The journal's medium reports data as durable that is not.
    lying: bool,
}

#[derive(Debug, Clone)]
struct Host(Arc<Mutex<World>>);

#[derive(Debug)]
struct MemoryFile(Host, u64);

const IMAGE: u64 = 0;

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(offset, data) => {
            let end = *offset as usize + data.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*offset as usize..end].copy_from_slice(data);
        }
        Change::SetLen(length) => bytes.resize(*length as usize, 0),
    }
}

impl Host {
    fn new(image: Vec<u8>) -> Self {
        let contents = Contents { live: image.clone(), durable: image, pending: Vec::new() };
        let names = BTreeMap::from([(OsString::from("i"), IMAGE)]);
        Self(Arc::new(Mutex::new(World {
            files: BTreeMap::from([(IMAGE, contents)]),
            durable_names: names.clone(),
            names,
            next: 1,
            operations: 0,
            fault: Fault::None,
            lying: false,
        })))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn image(&self) -> Arc<dyn HostFile> {
        Arc::new(MemoryFile(self.clone(), IMAGE))
    }

    fn place(&self) -> JournalPlace {
        JournalPlace {
            folder: Box::new(self.clone()),
            name: JOURNAL.into(),
            path: PathBuf::from(JOURNAL),
        }
    }

    /// Counts an operation, and fails it when its turn has come.
    fn step(&self, file: Option<u64>) -> io::Result<()> {
        let mut world = self.world();
        world.operations += 1;
        let number = world.operations;
        match world.fault {
            Fault::Cut(at) if number >= at => Err(io::Error::other("cut")),
            Fault::Fail(at) if number == at => Err(io::Error::other("failed")),
            Fault::FailForGood(at) if number == at || (number > at && file == Some(IMAGE)) => {
                Err(io::Error::other("failed"))
            }
            _ => Ok(()),
        }
    }

    /// The hosts that a cut may leave: each pending sector written or not, by several patterns.
    fn survivors(&self) -> Vec<Self> {
        let world = self.world();
        let mut survivors = Vec::new();
        for names in [&world.names, &world.durable_names] {
            for pattern in 0..6_u64 {
                let mut files = world.files.clone();
                for contents in files.values_mut() {
                    let mut bytes = contents.durable.clone();
                    let mut index = pattern;
                    for change in &contents.pending {
                        for sector in split(change) {
                            index =
                                index.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(pattern);
                            let lands = match pattern {
                                0 => false,
                                1 => true,
                                _ => index >> 40 & 1 == 1,
                            };
                            if lands {
                                apply(&mut bytes, &sector);
                            }
                        }
                    }
                    *contents =
                        Contents { live: bytes.clone(), durable: bytes, pending: Vec::new() };
                }
                survivors.push(Self(Arc::new(Mutex::new(World {
                    files,
                    names: names.clone(),
                    durable_names: names.clone(),
                    next: world.next,
                    operations: 0,
                    fault: Fault::None,
                    lying: false,
                }))));
            }
        }
        survivors
    }

    /// The host after the process was killed: everything it did is there.
    fn killed(&self) -> Self {
        let world = self.world();
        Self(Arc::new(Mutex::new(World {
            files: world.files.clone(),
            names: world.names.clone(),
            durable_names: world.names.clone(),
            next: world.next,
            operations: 0,
            fault: Fault::None,
            lying: false,
        })))
    }

    fn image_bytes(&self) -> Vec<u8> {
        self.world().files[&IMAGE].live.clone()
    }

    fn has_journal(&self) -> bool {
        self.world().names.contains_key(OsStr::new(JOURNAL))
    }
}

/// A change cut into sectors, which a medium writes whole.
fn split(change: &Change) -> Vec<Change> {
    match change {
        Change::SetLen(_) => vec![change.clone()],
        Change::Write(offset, data) => {
            let mut parts = Vec::new();
            let mut at = 0;
            while at < data.len() {
                let position = *offset as usize + at;
                let count = (SECTOR - position % SECTOR).min(data.len() - at);
                parts.push(Change::Write(position as u64, data[at..at + count].to_vec()));
                at += count;
            }
            parts
        }
    }
}

impl HostFile for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.world().files[&self.1].live.len() as u64)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let world = self.0.world();
        let live = &world.files[&self.1].live;
        let rest = live.get(offset as usize..).unwrap_or(&[]);
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        // Short writes on purpose: a page is never written in one piece.
        let count = data.len().min(3000);
        let step = self.0.step(Some(self.1));
        let cut = matches!(self.0.world().fault, Fault::Cut(_));
        let done = match &step {
            Ok(()) => count,
            // What a failing write leaves behind before it fails cannot be told by its caller.
            Err(_) if cut => count / 2,
            Err(_) => 0,
        };
        let mut world = self.0.world();
        let late = matches!(world.fault, Fault::Cut(at) if world.operations > at);
        if done > 0 && !late {
            let change = Change::Write(offset, data[..done].to_vec());
            let contents = world.files.get_mut(&self.1).expect("open file");
            apply(&mut contents.live, &change);
            contents.pending.push(change);
        }
        step.map(|()| count)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.step(Some(self.1))?;
        let mut world = self.0.world();
        let contents = world.files.get_mut(&self.1).expect("open file");
        apply(&mut contents.live, &Change::SetLen(length));
        contents.pending.push(Change::SetLen(length));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.step(Some(self.1))?;
        let mut world = self.0.world();
        if world.lying && self.1 != IMAGE {
            return Ok(());
        }
        let contents = world.files.get_mut(&self.1).expect("open file");
        contents.durable = contents.live.clone();
        contents.pending.clear();
        Ok(())
    }
}

impl Folder for Host {
    fn create(&self, name: &OsStr) -> io::Result<Arc<dyn HostFile>> {
        self.step(None)?;
        let mut world = self.world();
        assert!(!world.names.contains_key(name), "a journal is never overwritten");
        let id = world.next;
        world.next += 1;
        world.files.insert(id, Contents::default());
        world.names.insert(name.to_owned(), id);
        Ok(Arc::new(MemoryFile(self.clone(), id)))
    }

    fn open(&self, name: &OsStr, _: bool) -> io::Result<Option<Arc<dyn HostFile>>> {
        let id = self.world().names.get(name).copied();
        Ok(id.map(|id| Arc::new(MemoryFile(self.clone(), id)) as Arc<dyn HostFile>))
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.step(None)?;
        self.world().names.remove(name).map(|_| ()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        self.step(None)?;
        let mut world = self.world();
        world.durable_names = world.names.clone();
        Ok(())
    }
}

/// Opens as for writing: deals with the journal.
fn reopen(host: &Host) -> Result<(), RecoverFailure> {
    let (place, image) = (host.place(), host.image());
    match recover::find(&place, &*image)? {
        Found::Nothing => Ok(()),
        Found::Complete(journal) => recover::finish(&place, &journal, &*image),
        Found::Incomplete => {
            crate::journal::discard(&place).map_err(|error| RecoverFailure::Io("remove", error))
        }
    }
}

/// What a reader sees, looking through the journal.
fn look_through(host: &Host) -> Vec<u8> {
    let image = host.image();
    let view: Arc<dyn HostFile> = match recover::find(&host.place(), &*image).expect("fits") {
        Found::Complete(journal) => Arc::new(Finished::new(image, &journal).expect("reads")),
        _ => image,
    };
    let mut bytes = vec![0; view.len().expect("length") as usize];
    read_padded(&*view, 0, &mut bytes).expect("reads");
    bytes
}

/// A case: an image, the change to it, and what it looks like before and after.
struct Case {
    name: &'static str,
    image: Vec<u8>,
    changes: Vec<(u64, Vec<u8>)>,
    qcow2: bool,
}

impl Case {
    fn open(&self, host: &Host) -> Backend {
        open_image(host.image(), self.qcow2)
    }

    fn plan(&self, host: &Host) -> Plan {
        let backend = self.open(host);
        let mut pages = Pages::default();
        for (offset, data) in &self.changes {
            pages
                .write(*offset, data, backend.size(), |at, buf| backend.read(at, buf))
                .expect("page");
        }
        backend.plan(&pages).expect("plan")
    }

    /// The guest's bytes.
    fn guest(&self, host: &Host) -> Vec<u8> {
        let backend = self.open(host);
        let mut bytes = vec![0; backend.size() as usize];
        backend.read(0, &mut bytes).expect("guest");
        bytes
    }

    fn commit(&self, host: &Host, fault: Fault) -> Result<(), CommitError> {
        let plan = self.plan(host);
        host.world().fault = fault;
        let target = Target { file: host.image(), place: host.place() };
        let result = commit(&target, &plan, &mut IoCounts::default());
        host.world().fault = Fault::None;
        result
    }
}

fn open_image(file: Arc<dyn HostFile>, qcow2: bool) -> Backend {
    if !qcow2 {
        let size = file.len().expect("length");
        return Backend::Raw { file, size };
    }
    let staged = Staged::new(file, "i".to_owned()).expect("staged");
    let image = Qcow2::<Staged>::builder(staged.clone())
        .write(true)
        .backing(None)
        .data_file(None)
        .open(DenyImplicitOpenGate::default())
        .expect("qcow2");
    Backend::Qcow2 { access: FormatAccess::new(image), staged, cluster_bits: 12 }
}

/// An empty qcow2 disk of 256 KiB with clusters of 4 KiB: header, refcount table, refcount block, L1 table.
fn empty_qcow2() -> Vec<u8> {
    let mut bytes = vec![0; 4 * 4096];
    let mut put = |at: usize, data: &[u8]| bytes[at..at + data.len()].copy_from_slice(data);
    put(0, b"QFI\xfb");
    put(4, &3_u32.to_be_bytes());
    put(20, &12_u32.to_be_bytes());
    put(24, &(256_u64 << 10).to_be_bytes());
    put(36, &1_u32.to_be_bytes());
    put(40, &(3 * 4096_u64).to_be_bytes());
    put(48, &4096_u64.to_be_bytes());
    put(56, &1_u32.to_be_bytes());
    put(96, &4_u32.to_be_bytes());
    put(100, &104_u32.to_be_bytes());
    put(4096, &(2 * 4096_u64).to_be_bytes());
    for cluster in 0..4 {
        put(2 * 4096 + 2 * cluster, &1_u16.to_be_bytes());
    }
    bytes
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn cases() -> Vec<Case> {
    let changes = vec![
        (0, noise(1, 100)),
        (9000, noise(2, 9000)),
        (40_000, vec![0; 5000]),
        (70_000, noise(3, 333)),
    ];
    vec![
        Case { name: "raw", image: noise(9, 80_000), changes: changes.clone(), qcow2: false },
        Case {
            name: "raw of odd length",
            image: noise(10, 70_333),
            changes: changes.clone(),
            qcow2: false,
        },
        Case {
            name: "empty qcow2, growing",
            image: empty_qcow2(),
            changes: changes.clone(),
            qcow2: true,
        },
        Case { name: "full qcow2", image: filled_qcow2(), changes, qcow2: true },
    ]
}

/// A qcow2 disk whose first clusters hold data.
fn filled_qcow2() -> Vec<u8> {
    let host = Host::new(empty_qcow2());
    let changes = vec![(0, noise(20, 60_000))];
    let case = Case { name: "", image: Vec::new(), changes, qcow2: true };
    case.commit(&host, Fault::None).expect("commit");
    host.image_bytes()
}

/// The guest's bytes before and after, and how many operations a commit takes.
fn measure(case: &Case) -> (Vec<u8>, Vec<u8>, usize) {
    let host = Host::new(case.image.clone());
    let old = case.guest(&host);
    case.commit(&host, Fault::None).expect(case.name);
    let new = case.guest(&host);
    let mut model = old.clone();
    for (offset, data) in &case.changes {
        model[*offset as usize..][..data.len()].copy_from_slice(data);
    }
    assert!(new == model && new != old, "{}", case.name);
    assert!(!host.has_journal());
    let operations = host.world().operations;
    (old, new, operations)
}

/// After a cut at any operation, whatever subset of the unsynced sectors survived, the image is old or new.
#[test]
fn every_power_cut_shows_old_or_new() {
    for case in cases() {
        let (old, new, operations) = measure(&case);
        let mut seen = [false; 2];
        for cut in 1..=operations {
            let host = Host::new(case.image.clone());
            let result = case.commit(&host, Fault::Cut(cut));
            let done = result.is_ok();
            let mut after = host.survivors();
            after.push(host.killed());
            for (index, survivor) in after.into_iter().enumerate() {
                let what = format!("{}: cut {cut} of {operations}, survivor {index}", case.name);
                let through = look_through(&survivor);
                reopen(&survivor).unwrap_or_else(|failure| panic!("{what}: {failure:?}"));
                assert!(!survivor.has_journal(), "{what}");
                assert!(
                    through == survivor.image_bytes(),
                    "{what}: readers see what a writer will"
                );
                let found = case.guest(&survivor);
                assert!(found == new || (found == old && !done), "{what}");
                seen[usize::from(found == new)] = true;
            }
        }
        assert_eq!(seen, [true; 2], "{}", case.name);
    }
}

/// A failed operation leaves the image as it was, or a complete journal, and the error says which.
#[test]
fn every_failed_operation_is_undone_or_can_be_finished() {
    for case in cases() {
        let (old, new, operations) = measure(&case);
        for at in 1..=operations {
            for fault in [Fault::Fail(at), Fault::FailForGood(at)] {
                let what = format!("{}: {fault:?} of {operations}", case.name);
                let host = Host::new(case.image.clone());
                let error = case.commit(&host, fault).expect_err(&what);
                let before = case.guest(&host);
                match error {
                    CommitError::Journal { .. } | CommitError::UndoneWrite(_) => {
                        assert!(before == old && host.image_bytes() == case.image, "{what}");
                        reopen(&host).unwrap();
                        assert!(case.guest(&host) == old, "{what}");
                    }
                    CommitError::Unfinished { .. } => {
                        assert!(host.has_journal(), "{what}");
                        reopen(&host).unwrap();
                        assert!(case.guest(&host) == new, "{what}");
                    }
                    CommitError::JournalLeft { .. } => {
                        assert!(before == new, "{what}");
                        reopen(&host).unwrap();
                        assert!(case.guest(&host) == new, "{what}");
                    }
                    other => panic!("{what}: {other:?}"),
                }
            }
        }
    }
}

/// The sweep is worth something: where the journal's sync does nothing, it finds images that are neither old nor new.
#[test]
fn the_sweep_notices_a_missing_barrier() {
    let case = &cases()[0];
    let (old, new, operations) = measure(case);
    let torn = (1..=operations).any(|cut| {
        let host = Host::new(case.image.clone());
        host.world().lying = true;
        let _ = case.commit(&host, Fault::Cut(cut));
        host.survivors().iter().any(|survivor| {
            let opened = reopen(survivor).is_ok();
            let found = case.guest(survivor);
            !opened || (found != old && found != new)
        })
    });
    assert!(torn);
}

/// A journal whose image was changed meanwhile is refused, not applied.
#[test]
fn a_journal_of_another_image_is_refused() {
    for case in cases() {
        let (_, _, operations) = measure(&case);
        let mut refused = 0;
        for cut in 1..=operations {
            let host = Host::new(case.image.clone());
            let _ = case.commit(&host, Fault::Cut(cut));
            let found = recover::find(&host.place(), &*host.image());
            if !matches!(found, Ok(Found::Complete(_))) {
                continue;
            }
            let plan = case.plan(&Host::new(case.image.clone()));
            let offset = plan.pages[0].offset + 5;
            host.image().write_at(offset, &[0xe7; 3]).unwrap();
            let before = host.image_bytes();
            let failure = reopen(&host).expect_err(case.name);
            assert!(matches!(failure, RecoverFailure::Mismatch(_)), "{failure:?}");
            assert!(host.image_bytes() == before && host.has_journal());
            refused += 1;
        }
        assert!(refused > 0, "{}", case.name);
    }
}
