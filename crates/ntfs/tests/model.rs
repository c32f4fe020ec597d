//! Random changes made on a volume and on a model of it in memory.

use std::collections::BTreeMap;

use winkiln_ntfs::{Error, FileReference, Volume};

use crate::judges::{Digest, Tree};

/// Marsaglia's xorshift64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit.max(1)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

/// What stands at a path: a folder, or a file by its number, which several paths may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
}

/// A file's streams by name.
type Streams = BTreeMap<String, Vec<u8>>;

/// A volume's contents in memory.
pub(crate) struct Model {
    nodes: BTreeMap<String, Node>,
    files: Vec<Streams>,
    /// Renames, moves and links are among the changes.
    pub(crate) moves: bool,
    /// Long names get 8.3 names.
    pub(crate) short_names: bool,
    pub(crate) moved: usize,
    pub(crate) random: Random,
    /// Files grow to about this many bytes.
    pub(crate) size: u64,
    names: u64,
    pub(crate) full: usize,
}

const ENDINGS: [&str; 6] = [
    "",
    ".txt",
    ".TXT",
    " with a long name that takes its room.extension",
    "\u{e4}\u{f6}\u{fc}\u{df}",
    "\u{4e2d}\u{6587}",
];

impl Model {
    pub(crate) fn new(seed: u64, size: u64) -> Self {
        Self {
            nodes: BTreeMap::new(),
            files: Vec::new(),
            moves: false,
            short_names: false,
            moved: 0,
            random: Random(seed | 1),
            size,
            names: 0,
            full: 0,
        }
    }

    fn pick(&mut self, folder: bool) -> Option<String> {
        let wanted = |node: &Node| matches!(node, Node::Folder) == folder;
        let paths: Vec<&String> =
            self.nodes.iter().filter(|(_, node)| wanted(node)).map(|(path, _)| path).collect();
        let at = self.random.below(paths.len() as u64) as usize;
        paths.get(at).map(|path| (*path).clone())
    }

    fn parent(&mut self) -> String {
        if self.random.below(3) == 0 { String::new() } else { self.pick(true).unwrap_or_default() }
    }

    fn reference(volume: &Volume, path: &str) -> FileReference {
        volume.find(path).expect("a lookup").unwrap_or_else(|| panic!("{path} is lost"))
    }

    /// One random change. A full volume is fine; it changes nothing.
    pub(crate) fn step(&mut self, volume: &mut Volume) {
        volume.set_short_names(self.short_names);
        match self.try_step(volume) {
            Ok(()) => {}
            // So is $MFT when a nearly full volume has broken it into too many pieces.
            Err(Error::VolumeFull { .. } | Error::RecordFull { record: 0, .. }) => self.full += 1,
            Err(error) => panic!("{error}: {error:?}"),
        }
    }

    fn try_step(&mut self, volume: &mut Volume) -> Result<(), Error> {
        match self.random.below(if self.moves { 30 } else { 20 }) {
            0..=4 => self.create(volume, false),
            5 => self.create(volume, true),
            6..=11 => self.write(volume),
            12..=14 => self.resize(volume),
            15..=17 => self.remove(volume),
            18 => self.touch(volume),
            20..=27 => self.rename(volume),
            28.. => self.link(volume),
            _ => {
                // A name that exists is refused in any case of its letters.
                if let Some(path) = self.pick(false) {
                    let (parent, name) = path.rsplit_once('/').expect("a path");
                    let folder = Self::reference(volume, parent);
                    let refused =
                        volume.create_file(folder, &name.to_uppercase().replace("SS", "\u{df}"), 0);
                    assert!(
                        matches!(refused, Err(Error::AlreadyExists { .. })),
                        "{path}: {refused:?}"
                    );
                }
                Ok(())
            }
        }
    }

    fn create(&mut self, volume: &mut Volume, folder: bool) -> Result<(), Error> {
        let parent = self.parent();
        let name = self.new_name();
        let path = format!("{parent}/{name}");
        let at = Self::reference(volume, &parent);
        if folder {
            volume.create_directory(at, &name)?;
            self.nodes.insert(path, Node::Folder);
        } else {
            volume.create_file(at, &name, 0)?;
            self.nodes.insert(path, Node::File(self.files.len()));
            self.files.push(BTreeMap::from([(String::new(), Vec::new())]));
        }
        Ok(())
    }

    fn new_name(&mut self) -> String {
        self.names += 1;
        let ending = ENDINGS[self.random.below(ENDINGS.len() as u64) as usize];
        format!("n{}{ending}", self.names)
    }

    fn streams(&self, path: &str) -> Option<&Streams> {
        match self.nodes.get(path)? {
            Node::Folder => None,
            Node::File(number) => self.files.get(*number),
        }
    }

    fn streams_mut(&mut self, path: &str) -> Option<&mut Streams> {
        match self.nodes.get(path)? {
            Node::Folder => None,
            Node::File(number) => self.files.get_mut(*number),
        }
    }

    /// Renames or moves: to a new name, in other case, over another file, into a folder below.
    fn rename(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let is_folder = self.random.below(3) == 0;
        let Some(path) = self.pick(is_folder) else { return Ok(()) };
        let (old_parent, old_name) = path.rsplit_once('/').expect("a path");
        let (mut parent, mut name) = (self.parent(), old_name.to_owned());
        match self.random.below(6) {
            0 => parent = old_parent.to_owned(),
            1 | 2 => name = self.new_name(),
            3 => {
                let over = self.random.below(4) == 0;
                if let Some(other) = self.pick(over) {
                    let (its_parent, its_name) = other.rsplit_once('/').expect("a path");
                    (parent, name) = (its_parent.to_owned(), its_name.to_owned());
                }
            }
            _ => {}
        }
        name = match self.random.below(3) {
            0 => name.to_ascii_uppercase(),
            1 => name.to_ascii_lowercase(),
            _ => name,
        };
        let replace = self.random.below(3) > 0;
        let target = format!("{parent}/{name}");
        let taken = self.nodes.keys().find(|key| key.eq_ignore_ascii_case(&target)).cloned();
        let taken = taken.filter(|taken| *taken != path);
        let (from, to) = (Self::reference(volume, old_parent), Self::reference(volume, &parent));
        let done = volume.rename(from, old_name, to, &name, replace);
        let below = format!("{parent}/").starts_with(&format!("{path}/"));
        let folder_there = taken.as_ref().is_some_and(|taken| self.nodes[taken] == Node::Folder);
        let expected = match (is_folder && below, &taken) {
            (true, _) => matches!(done, Err(Error::FolderIntoItself { .. })),
            (_, Some(_)) if !replace || is_folder => {
                matches!(done, Err(Error::AlreadyExists { .. }))
            }
            (_, Some(_)) if folder_there => matches!(done, Err(Error::IsADirectory { .. })),
            _ => {
                done?;
                self.moved += 1;
                taken.map(|taken| self.nodes.remove(&taken));
                let prefix = format!("{path}/");
                let moved = |key: &String| *key == path || key.starts_with(&prefix);
                let keys: Vec<String> =
                    self.nodes.keys().filter(|key| moved(key)).cloned().collect();
                for key in keys {
                    let node = self.nodes.remove(&key).expect("a node");
                    self.nodes.insert(format!("{target}{}", &key[path.len()..]), node);
                }
                return Ok(());
            }
        };
        assert!(expected, "{path} to {target}: {done:?}");
        Ok(())
    }

    fn link(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let Some(path) = self.pick(false) else { return Ok(()) };
        let (parent, name) = (self.parent(), self.new_name());
        let (file, folder) = (Self::reference(volume, &path), Self::reference(volume, &parent));
        volume.link(file, folder, &name)?;
        self.nodes.insert(format!("{parent}/{name}"), self.nodes[&path]);
        Ok(())
    }

    fn stream(&mut self, path: &str) -> String {
        let Some(streams) = self.streams(path).cloned() else { return String::new() };
        match self.random.below(6) {
            0 if streams.len() < 4 => format!("stream {}", streams.len()),
            1 => streams.keys().last().cloned().unwrap_or_default(),
            _ => String::new(),
        }
    }

    fn write(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let Some(path) = self.pick(false) else { return Ok(()) };
        let stream = self.stream(&path);
        let small = self.random.below(2) == 0;
        let limit = if small { 700 } else { self.size };
        let length = 1 + self.random.below(limit) as usize;
        let data = self.random.bytes(length);
        let Some(streams) = self.streams(&path) else { return Ok(()) };
        let have = streams.get(&stream).map_or(0, Vec::len) as u64;
        let offset = match self.random.below(4) {
            0 => 0,
            1 => have,
            2 => self.random.below(have + 1),
            _ => have + self.random.below(3000),
        };
        let file = Self::reference(volume, &path);
        volume.write_at(file, &stream, offset, &data)?;
        let Some(streams) = self.streams_mut(&path) else { return Ok(()) };
        let value = streams.entry(stream).or_default();
        let end = offset as usize + data.len();
        value.resize(value.len().max(end), 0);
        value[offset as usize..end].copy_from_slice(&data);
        Ok(())
    }

    fn resize(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let Some(path) = self.pick(false) else { return Ok(()) };
        let stream = self.stream(&path);
        let limit = if self.random.below(3) == 0 { self.size } else { 2000 };
        let size = if self.random.below(4) == 0 { 0 } else { self.random.below(limit) };
        let file = Self::reference(volume, &path);
        volume.set_size(file, &stream, size)?;
        let Some(streams) = self.streams_mut(&path) else { return Ok(()) };
        streams.entry(stream).or_default().resize(size as usize, 0);
        Ok(())
    }

    fn remove(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let folder = self.random.below(4) == 0;
        let Some(path) = self.pick(folder) else { return Ok(()) };
        let (parent, name) = path.rsplit_once('/').expect("a path");
        let at = Self::reference(volume, parent);
        let prefix = format!("{path}/");
        if folder && self.nodes.keys().any(|other| other.starts_with(&prefix)) {
            let refused = volume.remove(at, name);
            assert!(matches!(refused, Err(Error::DirectoryNotEmpty { .. })), "{path}: {refused:?}");
            return Ok(());
        }
        volume.remove(at, name)?;
        self.nodes.remove(&path);
        Ok(())
    }

    fn touch(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let Some(path) = self.pick(false) else { return Ok(()) };
        let file = Self::reference(volume, &path);
        volume.set_attributes(file, 0x1 | 0x20)?;
        let facts = volume.metadata(file)?;
        assert_eq!(facts.attributes & 0x27, 0x21, "{path}");
        volume.set_attributes(file, 0x20)
    }

    /// The tree that every reader should see.
    pub(crate) fn tree(&self) -> Tree {
        let digest = |node: &Node| match node {
            Node::Folder => None,
            Node::File(number) => Some(Digest::of(&self.files[*number][""])),
        };
        self.nodes.iter().map(|(path, node)| (path.clone(), digest(node))).collect()
    }

    /// Compares every named stream.
    pub(crate) fn check_streams(&self, volume: &Volume) {
        for path in self.nodes.keys() {
            let Some(streams) = self.streams(path) else { continue };
            let file = Self::reference(volume, path);
            for (name, value) in streams.iter().filter(|(name, _)| !name.is_empty()) {
                let digest = crate::judges::digest_stream(volume, file, name).expect("a stream");
                assert_eq!(digest, Digest::of(value), "{path}:{name}");
            }
            let facts = volume.metadata(file).expect("facts");
            assert_eq!(facts.streams.len(), streams.len(), "{path}");
            let links = self.nodes.values().filter(|node| **node == self.nodes[path]).count();
            assert_eq!(facts.links as usize, links, "{path}");
        }
    }
}
