//! A driver medium in small, outside programs to pack it with, and the comparison with what is read back.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;
use winkiln_archive::{Entry, EntryKind, FileSource, Limits, Source, Tree};

/// Paths and contents.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A driver medium in small: folders by driver, Windows and architecture.
pub fn files() -> Files {
    let mut files = Files::new();
    for driver in ["NetKVM", "viostor", "Balloon"] {
        for windows in ["xp", "w7", "2k12R2", "w10"] {
            for arch in ["x86", "amd64"] {
                let folder = format!("{driver}/{windows}/{arch}");
                let name = driver.to_lowercase();
                let inf = format!("[Version]\r\nSignature=\"$WINDOWS NT$\"\r\n; {folder}\r\n");
                files.insert(format!("{folder}/{name}.inf"), inf.into_bytes());
                files.insert(format!("{folder}/{name}.sys"), noise(&folder, 20_000 + folder.len()));
                files.insert(format!("{folder}/{name}.cat"), noise(&folder, 2048));
            }
        }
    }
    files.insert("empty.txt".into(), Vec::new());
    files.insert(
        "guest-agent/A rather long name of a file, with spaces.msi".into(),
        noise("msi", 70_001),
    );
    files.insert("zeros.bin".into(), vec![0; 100_000]);
    files
}

/// Bytes that no packer makes much smaller, the same for the same text.
pub fn noise(text: &str, length: usize) -> Vec<u8> {
    let mut state = text
        .bytes()
        .fold(0x9e37_79b9_7f4a_7c15u64, |s, b| (s ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // Not all bits, so that a packer finds something to do.
            (state >> 32) as u8 & 0x3f
        })
        .collect()
}

/// Writes files below a new folder.
pub fn on_host(files: &Files) -> TempDir {
    let folder = tempfile::tempdir().expect("a scratch folder");
    for (path, bytes) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    folder
}

/// Asserts that a tree holds these files, and no other file.
#[track_caller]
pub fn assert_holds(tree: &Tree, files: &Files) {
    let found: Vec<_> = tree.entries().iter().filter(|e| e.is_file()).map(Entry::path).collect();
    let mut expected: Vec<_> = files.keys().map(String::as_str).collect();
    expected.sort_by_key(|path| (path.to_uppercase(), path.to_owned()));
    assert_eq!(found, expected, "left out: {:?}", tree.left_out());
    for (path, bytes) in files {
        let entry = tree.entry(path).expect("an entry");
        assert_eq!(entry.size(), bytes.len() as u64, "{path}");
        assert!(tree.read(path, 1 << 20).expect("contents") == *bytes, "{path}");
        for (at, _) in path.match_indices('/') {
            let folder = tree.entry(&path[..at]).expect("a folder");
            assert_eq!(folder.kind(), EntryKind::Folder, "{path}");
        }
    }
}

/// True when every program is there. Otherwise says so, or fails where the run must be complete.
pub fn have(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing: Vec<_> = programs
        .iter()
        .filter(|name| !std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
        .collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "missing programs: {missing:?}");
    eprintln!("SKIPPED: missing programs: {missing:?}");
    false
}

/// Runs a program in a folder; it must succeed.
#[track_caller]
pub fn run(folder: &Path, program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).current_dir(folder).output().expect("a program");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {text}");
}

/// Packs files with a program that runs in their folder; `OUT` stands for the archive.
#[track_caller]
pub fn packed(files: &Files, program: &str, args: &[&str]) -> (TempDir, PathBuf) {
    let folder = on_host(files);
    let out = tempfile::tempdir().expect("a scratch folder");
    let archive = out.path().join("archive");
    let text = archive.to_str().expect("a path of text");
    let args: Vec<_> = args.iter().map(|arg| if *arg == "OUT" { text } else { arg }).collect();
    run(folder.path(), program, &args);
    (out, archive)
}

/// A file that counts the bytes read from it.
pub struct Counting {
    file: FileSource,
    pub bytes: AtomicU64,
}

impl Counting {
    pub fn open(path: &Path) -> Arc<Self> {
        Arc::new(Self { file: FileSource::open(path).expect("a file"), bytes: AtomicU64::new(0) })
    }
}

impl Source for Counting {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.file.read_at(offset, buffer)
    }
}

/// Opens bytes as an archive.
pub fn tree_of(bytes: Vec<u8>) -> Result<Tree, winkiln_archive::Error> {
    Tree::read_from(Arc::new(bytes), Limits::default())
}
