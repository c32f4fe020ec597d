//! A host of memory whose power can be cut.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::host::folder::{Folder, JournalPlace};
use crate::host::{HostFile, write_zeros};

const SECTOR: usize = 512;
const JOURNAL: &str = "i.winkiln-journal";
const UNDO: &str = "u";

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
pub(super) enum Fault {
    None,
    /// From this operation on, nothing happens any more.
    Cut(usize),
    /// This operation, and it alone, fails after doing a part of its work.
    Fail(usize),
    /// This operation fails, and so does every later one on the image.
    FailForGood(usize),
    /// This operation fails, and the journal cannot be removed any more.
    FailAndStay(usize),
}

#[derive(Debug)]
pub(super) struct World {
    files: BTreeMap<u64, Contents>,
    names: BTreeMap<OsString, u64>,
    durable_names: BTreeMap<OsString, u64>,
    next: u64,
    pub(super) operations: usize,
    pub(super) fault: Fault,
    pub(super) lying: Lying,
    /// The image file tells where its holes are.
    holes: bool,
    /// The most bytes that one write takes.
    pub(super) piece: usize,
}

/// What reports data as durable that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lying {
    Nothing,
    /// The journal's medium.
    Journal,
    /// The image's medium, the first time.
    Image,
}

#[derive(Debug, Clone)]
pub(super) struct Host(Arc<Mutex<World>>);

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
    pub(super) fn new(image: Vec<u8>, holes: bool) -> Self {
        let contents = Contents { live: image.clone(), durable: image, pending: Vec::new() };
        let names = BTreeMap::from([(OsString::from("i"), IMAGE)]);
        Self(Arc::new(Mutex::new(World {
            files: BTreeMap::from([(IMAGE, contents)]),
            durable_names: names.clone(),
            names,
            next: 1,
            operations: 0,
            fault: Fault::None,
            lying: Lying::Nothing,
            holes,
            piece: 3000,
        })))
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn image(&self) -> Arc<dyn HostFile> {
        Arc::new(MemoryFile(self.clone(), IMAGE))
    }

    pub(super) fn place(&self) -> JournalPlace {
        self.place_of(JOURNAL)
    }

    pub(super) fn undo_place(&self) -> JournalPlace {
        self.place_of(UNDO)
    }

    fn place_of(&self, name: &str) -> JournalPlace {
        JournalPlace { folder: Box::new(self.clone()), name: name.into(), path: name.into() }
    }

    /// Counts an operation, and fails it when its turn has come.
    fn step(&self, file: Option<u64>) -> io::Result<()> {
        let mut world = self.world();
        world.operations += 1;
        let number = world.operations;
        match world.fault {
            Fault::Cut(at) if number >= at => Err(io::Error::other("cut")),
            Fault::Fail(at) | Fault::FailAndStay(at) if number == at => {
                Err(io::Error::other("failed"))
            }
            Fault::FailForGood(at) if number == at || (number > at && file == Some(IMAGE)) => {
                Err(io::Error::other("failed"))
            }
            _ => Ok(()),
        }
    }

    /// The hosts that a cut may leave: each pending sector written or not, by several patterns.
    pub(super) fn survivors(&self) -> Vec<Self> {
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
                    lying: Lying::Nothing,
                    holes: world.holes,
                    piece: world.piece,
                }))));
            }
        }
        survivors
    }

    /// The host after the process was killed: everything it did is there.
    pub(super) fn killed(&self) -> Self {
        let world = self.world();
        Self(Arc::new(Mutex::new(World {
            files: world.files.clone(),
            names: world.names.clone(),
            durable_names: world.names.clone(),
            next: world.next,
            operations: 0,
            fault: Fault::None,
            lying: Lying::Nothing,
            holes: world.holes,
            piece: world.piece,
        })))
    }

    pub(super) fn image_bytes(&self) -> Vec<u8> {
        self.world().files[&IMAGE].live.clone()
    }

    pub(super) fn has_journal(&self) -> bool {
        self.world().names.contains_key(OsStr::new(JOURNAL))
    }

    pub(super) fn has_undo_file(&self) -> bool {
        self.world().names.contains_key(OsStr::new(UNDO))
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
        let count = data.len().min(self.0.world().piece);
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
        match world.lying {
            Lying::Journal if self.1 != IMAGE => return Ok(()),
            Lying::Image if self.1 == IMAGE => {
                world.lying = Lying::Nothing;
                return Ok(());
            }
            _ => {}
        }
        let contents = world.files.get_mut(&self.1).expect("open file");
        contents.durable = contents.live.clone();
        contents.pending.clear();
        Ok(())
    }

    fn hole_end(&self, offset: u64) -> io::Result<u64> {
        let world = self.0.world();
        if !world.holes {
            return Ok(offset);
        }
        let live = &world.files[&self.1].live;
        let zeros = live.iter().skip(offset as usize).take_while(|byte| **byte == 0);
        Ok(offset + zeros.count() as u64)
    }

    fn zero(&self, offset: u64, length: u64, _: bool) -> io::Result<()> {
        write_zeros(self, offset, length)
    }
}

impl Folder for Host {
    fn create(&self, name: &OsStr) -> io::Result<Arc<dyn HostFile>> {
        self.step(None)?;
        let mut world = self.world();
        if world.names.contains_key(name) {
            assert!(name != JOURNAL, "a journal is never overwritten");
            return Err(io::ErrorKind::AlreadyExists.into());
        }
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
        let mut world = self.world();
        if name == JOURNAL && matches!(world.fault, Fault::FailAndStay(at) if world.operations > at) {
            return Err(io::Error::other("failed"));
        }
        world.names.remove(name).map(|_| ()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        self.step(None)?;
        let mut world = self.world();
        world.durable_names = world.names.clone();
        Ok(())
    }
}
