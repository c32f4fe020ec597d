//! Random changes made on a volume and on a model of it in memory.

use std::collections::BTreeMap;

mod extras;

use winkiln_ntfs::{Error, FileReference, FileTime, Link, Volume};

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

/// What stands at a path: a folder, a file by its number, which several paths may have, or a link by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
    Link(usize),
}

/// A file's streams by name.
type Streams = BTreeMap<String, Vec<u8>>;

/// A file.
#[derive(Debug, Default)]
struct File {
    streams: Streams,
    /// DOS attributes that users may set.
    attributes: u32,
    /// Created, modified, accessed, where they are known.
    times: [Option<FileTime>; 3],
    /// Its security as text, where it was given.
    sddl: Option<&'static str>,
}

/// What a write was doing when the device failed: the bytes in this range may be the old ones or the new ones.
struct Suspect {
    path: String,
    stream: String,
    range: std::ops::Range<usize>,
}

/// What users may set of a file's DOS attributes, but for the system bit: ntfs-3g takes an empty system file for a pipe.
const SETTABLE: u32 = 0x3123;
const ARCHIVE: u32 = 0x20;

/// A volume's contents in memory.
pub(crate) struct Model {
    nodes: BTreeMap<String, Node>,
    files: Vec<File>,
    /// Symbolic links and junctions, and whether each is a folder.
    links: Vec<(Link, bool)>,
    /// Links, junctions and given descriptors are among the changes.
    pub(crate) extras: bool,
    pub(crate) linked: usize,
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
    /// All kinds of changes and names are made: long ones, deep folders, many streams, attributes and times.
    pub(crate) nasty: bool,
    /// The device may fail now and then.
    pub(crate) faults: bool,
    pub(crate) faulted: usize,
    pub(crate) steps: usize,
    suspect: Option<Suspect>,
    /// The time that changes are stamped with.
    pub(crate) now: FileTime,
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
            links: Vec::new(),
            extras: false,
            linked: 0,
            moves: false,
            short_names: false,
            moved: 0,
            random: Random(seed | 1),
            size,
            names: 0,
            full: 0,
            nasty: false,
            faults: false,
            faulted: 0,
            steps: 0,
            suspect: None,
            now: crate::write_volumes::NOW,
        }
    }

    fn pick(&mut self, folder: bool) -> Option<String> {
        self.pick_of(
            |node| if folder { *node == Node::Folder } else { matches!(node, Node::File(_)) },
        )
    }

    fn pick_of(&mut self, wanted: impl Fn(&Node) -> bool) -> Option<String> {
        let paths: Vec<&String> =
            self.nodes.iter().filter(|(_, node)| wanted(node)).map(|(path, _)| path).collect();
        let at = self.random.below(paths.len() as u64) as usize;
        paths.get(at).map(|path| (*path).clone())
    }

    fn parent(&mut self) -> String {
        if self.random.below(3) == 0 {
            return String::new();
        }
        let some = self.pick(true).unwrap_or_default();
        let another = self.pick(true).unwrap_or_default();
        let depth = |path: &str| path.matches('/').count();
        // Folders grow deep, but no deeper than other programs follow.
        let deeper = self.nasty && depth(&another) > depth(&some) && depth(&another) < 30;
        let chosen = if deeper { another } else { some };
        // Other programs have limits for paths.
        if chosen.len() > 1500 { String::new() } else { chosen }
    }

    fn reference(volume: &Volume, path: &str) -> FileReference {
        // A device that fails on purpose does so once.
        let found = volume.find(path).or_else(|_| volume.find(path));
        found.expect("a lookup").unwrap_or_else(|| panic!("{path} is lost"))
    }

    /// One random change. A full volume is fine; it changes nothing.
    pub(crate) fn step(&mut self, volume: &mut Volume) {
        volume.set_short_names(self.short_names);
        self.steps += 1;
        self.suspect = None;
        match self.try_step(volume) {
            Ok(()) => {}
            Err(Error::Device(_)) if self.faults => {
                self.faulted += 1;
                self.look_at_suspect(volume);
            }
            Err(Error::VolumeFull { .. }) => self.full += 1,
            Err(error) => panic!("{error}: {error:?}"),
        }
    }

    fn try_step(&mut self, volume: &mut Volume) -> Result<(), Error> {
        if self.nasty && self.random.below(5) == 0 {
            return match self.random.below(6) {
                0 | 1 => self.set_attributes(volume),
                2 | 3 => self.set_times(volume),
                _ => self.remove_stream(volume),
            };
        }
        if self.extras && self.random.below(8) == 0 {
            return self.extra(volume);
        }
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
                    let other_case = name.to_uppercase().replace("SS", "\u{df}");
                    let refused = volume.create_file(folder, &other_case, 0);
                    if self.faults && matches!(refused, Err(Error::Device(_))) {
                        return refused.map(|_| ());
                    }
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
            // Empty, resident, or in clusters.
            let length = [0, 0, 30, 500, 5000][self.random.below(5) as usize];
            let contents = self.random.bytes(length);
            if contents.is_empty() {
                volume.create_file(at, &name, 0)?;
            } else {
                volume.create_file_holding(at, &name, 0, &contents)?;
            }
            self.nodes.insert(path, Node::File(self.files.len()));
            self.files.push(File {
                streams: BTreeMap::from([(String::new(), contents)]),
                attributes: ARCHIVE,
                times: [Some(self.now); 3],
                sddl: None,
            });
        }
        Ok(())
    }

    fn new_name(&mut self) -> String {
        self.names += 1;
        let ending = ENDINGS[self.random.below(ENDINGS.len() as u64) as usize];
        if !self.nasty {
            return format!("n{}{ending}", self.names);
        }
        let number = self.names;
        match self.random.below(8) {
            // As long as names can be.
            0 => format!("{number} {}", "\u{e9}y".repeat(200)).chars().take(255).collect(),
            1 => format!("{number} {}", "\u{1f600}".repeat(120)),
            // Each before those that came earlier, and in between.
            2 => format!("{:06}", 999_999 - number),
            3 => format!("{:08x}{ending}", (number as u32).reverse_bits()),
            // Pairs that upper-casing must tell apart.
            4 => format!("\u{df}\u{df}{number}\u{fe}"),
            5 => format!("\u{3c3}\u{3b1}\u{3a3}{number}{ending}"),
            _ => format!("n{number}{ending}"),
        }
    }

    fn streams(&self, path: &str) -> Option<&Streams> {
        match self.nodes.get(path)? {
            Node::Folder | Node::Link(_) => None,
            Node::File(number) => self.files.get(*number).map(|file| &file.streams),
        }
    }

    fn streams_mut(&mut self, path: &str) -> Option<&mut Streams> {
        match self.nodes.get(path)? {
            Node::Folder | Node::Link(_) => None,
            Node::File(number) => self.files.get_mut(*number).map(|file| &mut file.streams),
        }
    }

    fn file_mut(&mut self, path: &str) -> Option<&mut File> {
        match self.nodes.get(path)? {
            Node::Folder | Node::Link(_) => None,
            Node::File(number) => self.files.get_mut(*number),
        }
    }

    /// Takes note of a change of a file's contents.
    fn stamp(&mut self, path: &str) {
        let now = self.now;
        if let Some(file) = self.file_mut(path) {
            file.attributes |= ARCHIVE;
            file.times[1] = Some(now);
        }
    }

    /// After an error of the device: the length is the old one, and so are all bytes that were not to be written.
    fn look_at_suspect(&mut self, volume: &Volume) {
        let Some(Suspect { path, stream, range }) = self.suspect.take() else { return };
        let file = Self::reference(volume, &path);
        let size = volume.stream_size(file, &stream).expect("a size");
        let Some(old) = self.streams(&path).and_then(|streams| streams.get(&stream)) else {
            assert_eq!(size, None, "{path}:{stream} came to be");
            return;
        };
        assert_eq!(size, Some(old.len() as u64), "{path}:{stream} changed its length");
        let mut found = vec![0; old.len()];
        volume.read_at(file, &stream, 0, &mut found).expect("readable");
        for (at, (old, found)) in old.iter().zip(&found).enumerate() {
            assert!(old == found || range.contains(&at), "{path}:{stream} changed at {at}");
        }
        self.streams_mut(&path).expect("a file").insert(stream, found);
    }

    fn set_attributes(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let Some(path) = self.pick(false) else { return Ok(()) };
        let wanted = self.random.next() as u32 & SETTABLE;
        volume.set_attributes(Self::reference(volume, &path), wanted)?;
        self.file_mut(&path).expect("a file").attributes = wanted;
        Ok(())
    }

    fn set_times(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let Some(path) = self.pick(false) else { return Ok(()) };
        // Some day between 1970 and 2100 that other readers can tell.
        let day = |random: &mut Random| {
            let seconds = 11_644_473_600 + random.below(4_000_000_000);
            (random.below(2) == 0).then_some(FileTime(seconds * 10_000_000))
        };
        let times = [day(&mut self.random), day(&mut self.random), day(&mut self.random)];
        let file = Self::reference(volume, &path);
        volume.set_times(file, times[0], times[1], times[2])?;
        let known = &mut self.file_mut(&path).expect("a file").times;
        for (known, time) in known.iter_mut().zip(times) {
            *known = time.or(*known);
        }
        Ok(())
    }

    fn remove_stream(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let Some(path) = self.pick(false) else { return Ok(()) };
        let names: Vec<String> = self.streams(&path).expect("a file").keys().cloned().collect();
        let name = names[self.random.below(names.len() as u64) as usize].clone();
        let file = Self::reference(volume, &path);
        let done = volume.remove_stream(file, &name);
        if name.is_empty() {
            assert!(matches!(done, Err(Error::NoSuchStream { .. } | Error::Device(_))), "{done:?}");
            return Ok(());
        }
        done?;
        self.streams_mut(&path).expect("a file").remove(&name);
        Ok(())
    }

    /// Renames or moves: to a new name, in other case, over another file, into a folder below.
    fn rename(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let is_folder = self.random.below(3) == 0;
        let picked = match self.random.below(4) {
            0 if self.extras => self.pick_of(|node| matches!(node, Node::Link(_))),
            _ => self.pick(is_folder),
        };
        let Some(path) = picked else { return Ok(()) };
        let is_folder = self.is_folder(self.nodes[&path]);
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
        if matches!(self.nodes[&path], Node::Link(_)) {
            name = Self::link_name(&name);
        }
        let replace = self.random.below(3) > 0;
        let target = format!("{parent}/{name}");
        let inside = format!("{path}/");
        let below = self.nodes.keys().filter(|key| key.starts_with(&inside));
        let longest = below.map(|key| key.len() - path.len()).max().unwrap_or(0);
        if target.len() + longest > 2500 {
            return Ok(());
        }
        let taken = self.nodes.keys().find(|key| key.eq_ignore_ascii_case(&target)).cloned();
        let taken = taken.filter(|taken| *taken != path);
        let (from, to) = (Self::reference(volume, old_parent), Self::reference(volume, &parent));
        let done = volume.rename(from, old_name, to, &name, replace);
        if self.faults && matches!(done, Err(Error::Device(_))) {
            return done;
        }
        let below = format!("{parent}/").starts_with(&format!("{path}/"));
        let folder_there = taken.as_ref().is_some_and(|taken| self.is_folder(self.nodes[taken]));
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
        let most = if self.nasty { 60 } else { 4 };
        match self.random.below(if self.nasty { 3 } else { 6 }) {
            0 if streams.len() < most && self.nasty => {
                self.names += 1;
                format!("{} of the streams", self.names)
            }
            0 if streams.len() < most => format!("stream {}", streams.len()),
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
        let range = offset as usize..offset as usize + data.len();
        self.suspect = Some(Suspect { path: path.clone(), stream: stream.clone(), range });
        volume.write_at(file, &stream, offset, &data)?;
        self.stamp(&path);
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
        let range = 0..0;
        self.suspect = Some(Suspect { path: path.clone(), stream: stream.clone(), range });
        volume.set_size(file, &stream, size)?;
        let same = self.streams(&path).and_then(|streams| streams.get(&stream));
        // An empty stream that comes to be changes no contents.
        if same.map_or(0, |value| value.len() as u64) != size {
            self.stamp(&path);
        }
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
            if self.faults && matches!(refused, Err(Error::Device(_))) {
                return refused;
            }
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
        self.file_mut(&path).expect("a file").attributes = 0x21;
        let facts = volume.metadata(file)?;
        assert_eq!(facts.attributes & 0x27, 0x21, "{path}");
        volume.set_attributes(file, 0x20)?;
        self.file_mut(&path).expect("a file").attributes = 0x20;
        Ok(())
    }

    /// The tree that every reader should see.
    pub(crate) fn tree(&self) -> Tree {
        let digest = |node: &Node| match node {
            Node::Folder => Some(None),
            Node::File(number) => Some(Some(Digest::of(&self.files[*number].streams[""]))),
            // Trees leave them out.
            Node::Link(_) => None,
        };
        self.nodes.iter().filter_map(|(path, node)| Some((path.clone(), digest(node)?))).collect()
    }

    /// Compares every named stream.
    pub(crate) fn check_streams(&self, volume: &Volume) {
        self.check_extras(volume);
        for path in self.nodes.keys() {
            let Some(streams) = self.streams(path) else { continue };
            let file = Self::reference(volume, path);
            for (name, value) in streams.iter().filter(|(name, _)| !name.is_empty()) {
                let digest = crate::judges::digest_stream(volume, file, name).expect("a stream");
                assert_eq!(digest, Digest::of(value), "{path}:{name}");
            }
            let facts = volume.metadata(file).expect("facts");
            assert_eq!(facts.streams.len(), streams.len(), "{path}");
            let Node::File(number) = self.nodes[path] else { continue };
            let known = &self.files[number];
            assert_eq!(facts.attributes & SETTABLE, known.attributes, "{path}");
            let times = [facts.created, facts.modified, facts.accessed];
            assert_eq!(times.map(Some), known.times, "{path}");
            let links = self.nodes.values().filter(|node| **node == self.nodes[path]).count();
            assert_eq!(facts.links as usize, links, "{path}");
        }
    }
}
