//! A host of memory whose power can be cut, for tests: it keeps apart what is seen and what is durable, fails operations, and can
//! keep how it stood before each of them.

mod contents;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::host::folder::{Folder, JournalPlace};
use crate::host::{HostFile, write_zeros};
use crate::image::{Image, ImageError, OpenOptions};
use crate::journal::mend::mend;
use crate::undo::{self, Keep, UndoError, UndoFile, Undone};
use contents::{Bytes, Change, Contents};

const JOURNAL: &str = "i.winkiln-journal";
const UNDO: &str = "u";
/// Patterns of what a cut leaves.
const PATTERNS: u64 = 6;

/// What goes wrong, counted in operations that change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// From this operation on, nothing happens any more.
    Cut(usize),
    /// This operation, and it alone, fails after doing a part of its work.
    Fail(usize),
    /// This operation fails, and so does every later one on the image.
    FailForGood(usize),
    /// This operation fails, and the journal cannot be removed any more.
    FailAndStay(usize),
    /// From this operation on, nothing that takes room can be written.
    Full(usize),
}

/// What reports data as durable that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lying {
    /// Nothing does.
    Nothing,
    /// The journal's medium.
    Journal,
    /// The image's medium, the first time.
    Image,
    /// Whatever is made durable as the one of this number, from 1 on.
    Sync(usize),
}

/// Files and folder.
#[derive(Debug, Clone)]
struct State {
    files: BTreeMap<u64, Contents>,
    names: BTreeMap<OsString, u64>,
    durable_names: BTreeMap<OsString, u64>,
    next: u64,
}

/// Everything about a host.
#[derive(Debug)]
pub struct World {
    now: State,
    /// How it stood before each operation.
    history: Option<Vec<State>>,
    /// Operations so far.
    pub operations: usize,
    /// What was made durable so far: `image`, `folder`, or another file's `journal` or `undo`.
    pub syncs: Vec<&'static str>,
    /// What is to go wrong.
    pub fault: Fault,
    /// What is to lie.
    pub lying: Lying,
    /// The image file tells where its holes are.
    holes: bool,
    /// The most bytes that one write takes.
    pub piece: usize,
}

/// A host that holds an image file and what a transaction puts beside it.
#[derive(Debug, Clone)]
pub struct Host(Arc<Mutex<World>>);

#[derive(Debug)]
struct MemoryFile(Host, u64);

const IMAGE: u64 = 0;

impl World {
    fn file(&mut self, number: u64) -> &mut Contents {
        self.now.files.get_mut(&number).expect("an open file")
    }

    /// Counts making something durable; true when it is not done.
    fn lies(&mut self, what: &'static str) -> bool {
        self.syncs.push(what);
        match self.lying {
            Lying::Nothing => false,
            Lying::Journal => !matches!(what, "image" | "folder"),
            Lying::Image if what == "image" => {
                self.lying = Lying::Nothing;
                true
            }
            Lying::Image => false,
            Lying::Sync(number) => self.syncs.len() == number,
        }
    }
}

impl Host {
    /// A host with these bytes as the image file, which tells where its holes are if `holes` is set.
    #[must_use]
    pub fn new(image: &[u8], holes: bool) -> Self {
        Self::of(Bytes::new(image), holes)
    }

    /// A host whose image file is a copy of this one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn above(image: &Path) -> io::Result<Self> {
        let host = Self::of(Bytes::above(File::open(image)?)?, true);
        host.world().piece = usize::MAX;
        Ok(host)
    }

    fn of(image: Bytes, holes: bool) -> Self {
        let names = BTreeMap::from([(OsString::from("i"), IMAGE)]);
        let files = BTreeMap::from([(IMAGE, Contents::settled(image))]);
        Self::with(State { files, durable_names: names.clone(), names, next: 1 }, holes, 3000)
    }

    fn with(now: State, holes: bool, piece: usize) -> Self {
        Self(Arc::new(Mutex::new(World {
            now,
            history: None,
            operations: 0,
            syncs: Vec::new(),
            fault: Fault::None,
            lying: Lying::Nothing,
            holes,
            piece,
        })))
    }

    /// Opens the image, as [`Image::open`] does; `path` is for what depends on the name.
    ///
    /// # Errors
    /// As [`Image::open`].
    pub fn open(&self, path: &Path, options: &OpenOptions) -> Result<Image, ImageError> {
        let failed = |source| ImageError::Io { action: "name", path: path.to_owned(), source };
        let keep = options.undo.as_ref().map(|_| Keep::new(self.undo_place(), Path::new("/i")));
        let keep = keep.transpose().map_err(failed)?;
        Image::open_simulated(path, options, self.image(), self.place(), keep)
    }

    /// Undoes the commit that was made with an undo file.
    ///
    /// # Errors
    /// As [`UndoFile::open`] and [`UndoFile::undo`].
    pub fn undo(&self) -> Result<Undone, UndoError> {
        let file = UndoFile::open_in(&self.undo_place())?;
        file.undo_in(Path::new("i"), &*self.image(), Some(self.place()), false)
    }

    /// The bytes of the journal beside the image.
    #[must_use]
    pub fn journal(&self) -> Option<Vec<u8>> {
        self.bytes_of(JOURNAL)
    }

    /// The journal that the undo file holds.
    #[must_use]
    pub fn undo_journal(&self) -> Option<Vec<u8>> {
        let head = undo::header(Path::new("/i")).map_or(0, |head| head.len());
        self.bytes_of(UNDO).map(|bytes| bytes.get(head..).unwrap_or_default().to_vec())
    }

    fn bytes_of(&self, name: &str) -> Option<Vec<u8>> {
        let world = self.world();
        let id = world.now.names.get(OsStr::new(name))?;
        Some(world.now.files.get(id)?.live.to_vec())
    }

    /// Puts these bytes beside the image as its journal, their checksums put right.
    pub fn put_journal(&self, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        mend(&mut bytes);
        self.put(JOURNAL, &bytes);
    }

    /// As [`Host::put_journal`], as what an undo file holds.
    pub fn put_undo_journal(&self, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        mend(&mut bytes);
        let mut file = undo::header(Path::new("/i")).unwrap_or_default();
        file.extend_from_slice(&bytes);
        self.put(UNDO, &file);
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let mut world = self.world();
        let id = world.now.next;
        world.now.next += 1;
        world.now.files.insert(id, Contents::settled(Bytes::new(bytes)));
        world.now.names.insert(name.into(), id);
    }

    /// The length of the image file.
    #[must_use]
    pub fn image_len(&self) -> u64 {
        self.world().file(IMAGE).live.len()
    }

    /// What goes on.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn image(&self) -> Arc<dyn HostFile> {
        Arc::new(MemoryFile(self.clone(), IMAGE))
    }

    pub(crate) fn place(&self) -> JournalPlace {
        self.place_of(JOURNAL)
    }

    pub(crate) fn undo_place(&self) -> JournalPlace {
        self.place_of(UNDO)
    }

    fn place_of(&self, name: &str) -> JournalPlace {
        JournalPlace { folder: Box::new(self.clone()), name: name.into(), path: name.into() }
    }

    /// Counts an operation, and fails it when its turn has come.
    fn step(&self, file: Option<u64>) -> io::Result<()> {
        let mut world = self.world();
        world.operations += 1;
        let before = world.history.is_some().then(|| world.now.clone());
        if let (Some(history), Some(before)) = (&mut world.history, before) {
            history.push(before);
        }
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

    /// From now on, keeps how the host stands before each operation.
    pub fn record(&self) {
        self.world().history = Some(Vec::new());
    }

    /// How the host stood before each operation that was recorded, and how it stands now.
    #[must_use]
    pub fn moments(&self) -> Vec<Self> {
        let world = self.world();
        let states = world.history.iter().flatten().chain([&world.now]);
        states.map(|state| Self::with(state.clone(), world.holes, world.piece)).collect()
    }

    /// The hosts that a cut may leave: each pending sector written or not, by several patterns.
    #[must_use]
    pub fn survivors(&self) -> Vec<Self> {
        self.survivors_of(PATTERNS)
    }

    /// As [`Host::survivors`], by so many patterns. The first has no pending sector, the second all of them, the third all but
    /// a part of the last write of each file.
    #[must_use]
    pub fn survivors_of(&self, patterns: u64) -> Vec<Self> {
        let world = self.world();
        let State { files, names, durable_names, next } = &world.now;
        let mut survivors = Vec::new();
        let same = names == durable_names;
        for names in [names, durable_names].into_iter().take(if same { 1 } else { 2 }) {
            for pattern in 0..patterns {
                let files =
                    files.iter().map(|(id, contents)| (*id, contents.survivor(pattern))).collect();
                let (names, durable_names) = (names.clone(), names.clone());
                let state = State { files, names, durable_names, next: *next };
                survivors.push(Self::with(state, world.holes, world.piece));
            }
        }
        survivors
    }

    /// The host after the process was killed: everything it did is there.
    #[must_use]
    pub fn killed(&self) -> Self {
        let world = self.world();
        let durable_names = world.now.names.clone();
        Self::with(State { durable_names, ..world.now.clone() }, world.holes, world.piece)
    }

    /// All bytes of the image file.
    #[must_use]
    pub fn image_bytes(&self) -> Vec<u8> {
        self.world().now.files[&IMAGE].live.to_vec()
    }

    /// Whether the image file is as on another host that came from the same one.
    #[must_use]
    pub fn is_as(&self, other: &Self) -> bool {
        let other = other.world().now.files[&IMAGE].live.clone();
        self.world().now.files[&IMAGE].live.is_as(&other)
    }

    /// Makes a copy of the file that the host began with what the image file is now.
    ///
    /// # Errors
    /// The copy cannot be written.
    pub fn save(&self, copy: &Path) -> io::Result<()> {
        let live = self.world().now.files[&IMAGE].live.clone();
        live.save(&File::options().write(true).open(copy)?)
    }

    /// Whether a journal stands beside the image.
    #[must_use]
    pub fn has_journal(&self) -> bool {
        self.world().now.names.contains_key(OsStr::new(JOURNAL))
    }

    #[cfg(test)]
    pub(crate) fn has_undo_file(&self) -> bool {
        self.world().now.names.contains_key(OsStr::new(UNDO))
    }
}

impl HostFile for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.world().file(self.1).live.len())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        Ok(self.0.world().file(self.1).live.read(offset, buf))
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        // Short writes on purpose, where asked for: a page is never written in one piece.
        let count = data.len().min(self.0.world().piece);
        let step = self.0.step(Some(self.1));
        let mut world = self.0.world();
        let (number, fault, holes) = (world.operations, world.fault, world.holes);
        let contents = world.file(self.1);
        if matches!(fault, Fault::Full(at) if number >= at) {
            let end = offset + count as u64;
            if end > contents.live.len() || holes && contents.live.zeros_end(offset) >= end {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        let done = match (&step, fault) {
            (Ok(()), _) => count,
            // What a failing write leaves behind before it fails cannot be told by its caller.
            (Err(_), Fault::Cut(at) | Fault::Fail(at) | Fault::FailForGood(at)) if number <= at => {
                count / 2
            }
            (Err(_), _) => 0,
        };
        if done > 0 {
            contents.change(Change::Write(offset, data[..done].into()));
        }
        step.map(|()| count)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.step(Some(self.1))?;
        self.0.world().file(self.1).change(Change::SetLen(length));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.step(Some(self.1))?;
        let mut world = self.0.world();
        let named = world.now.names.iter().find(|(_, id)| **id == self.1);
        let what = match named.and_then(|(name, _)| name.to_str()) {
            Some("i") => "image",
            Some(UNDO) => "undo",
            _ => "journal",
        };
        if !world.lies(what) {
            world.file(self.1).sync();
        }
        Ok(())
    }

    fn hole_end(&self, offset: u64) -> io::Result<u64> {
        let mut world = self.0.world();
        if !world.holes {
            return Ok(offset);
        }
        Ok(world.file(self.1).live.zeros_end(offset))
    }

    fn zero(&self, offset: u64, length: u64, _: bool) -> io::Result<()> {
        write_zeros(self, offset, length)
    }
}

impl Folder for Host {
    fn create(&self, name: &OsStr) -> io::Result<Arc<dyn HostFile>> {
        self.step(None)?;
        let mut world = self.world();
        if matches!(world.fault, Fault::Full(at) if world.operations >= at) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let now = &mut world.now;
        if now.names.contains_key(name) {
            assert!(name != JOURNAL, "a journal is never overwritten");
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = now.next;
        now.next += 1;
        now.files.insert(id, Contents::default());
        now.names.insert(name.to_owned(), id);
        Ok(Arc::new(MemoryFile(self.clone(), id)))
    }

    fn open(&self, name: &OsStr, _: bool) -> io::Result<Option<Arc<dyn HostFile>>> {
        let id = self.world().now.names.get(name).copied();
        Ok(id.map(|id| Arc::new(MemoryFile(self.clone(), id)) as Arc<dyn HostFile>))
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.step(None)?;
        let mut world = self.world();
        if name == JOURNAL && matches!(world.fault, Fault::FailAndStay(at) if world.operations > at)
        {
            return Err(io::Error::other("failed"));
        }
        world.now.names.remove(name).map(|_| ()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        self.step(None)?;
        let mut world = self.world();
        if !world.lies("folder") {
            world.now.durable_names = world.now.names.clone();
        }
        Ok(())
    }
}
