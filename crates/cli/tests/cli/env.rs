//! Hermetic runs: no environment, no clock where it matters, a folder of their own.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// What a run ended with.
#[must_use = "look at the status, or call `ok`"]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
    args: String,
}

impl Run {
    /// Expects success; standard output as text.
    pub(crate) fn ok(self) -> String {
        let text = self.text();
        assert_eq!(self.status, 0, "{}\n{}{}", self.args, text, self.err);
        text
    }

    /// Expects success and one JSON document on standard output.
    pub(crate) fn json(self) -> Value {
        let args = self.args.clone();
        let text = self.ok();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args}: {error}\n{text}"))
    }

    /// Expects a failure with this status, whose message has all these parts; nothing on standard output.
    pub(crate) fn fails(self, status: i32, parts: &[&str]) {
        assert_eq!(self.status, status, "{}\n{}{}", self.args, self.text(), self.err);
        assert!(self.out.is_empty(), "{}: {}", self.args, self.text());
        assert!(self.err.starts_with("error: "), "{}: {}", self.args, self.err);
        for part in parts {
            assert!(self.err.contains(part), "{}: no {part:?} in\n{}", self.args, self.err);
        }
        assert!(!self.err.contains("panicked"), "{}: {}", self.args, self.err);
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }
}

/// Runs the program.
pub(crate) fn winkiln<S: AsRef<OsStr>>(args: &[S]) -> Run {
    with_input(args, b"")
}

/// Runs the program with bytes on standard input.
pub(crate) fn with_input<S: AsRef<OsStr>>(args: &[S], input: &[u8]) -> Run {
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the built program starts");
    let mut stdin = child.stdin.take().expect("a pipe was asked for");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // The program may end without reading.
        let _ = stdin.write_all(&input);
    });
    let done = child.wait_with_output().expect("the program ends");
    writer.join().expect("the writer ends");
    let shown: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
    Run {
        status: done.status.code().unwrap_or(-1),
        out: done.stdout,
        err: String::from_utf8_lossy(&done.stderr).into_owned(),
        args: shown.join(" "),
    }
}

/// The program with an empty environment.
pub(crate) fn command<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_winkiln"));
    command.env_clear().env("COLUMNS", "100").args(args);
    command
}

/// The sample guest, made once for all tests; look, do not touch.
fn sample() -> &'static Path {
    static SAMPLE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, image) = SAMPLE.get_or_init(|| {
        let folder = TempDir::new().expect("a temporary folder");
        let dir = folder.path().join("sample");
        drop(winkiln(&["demo", "-q", path(&dir)]).ok());
        let image = dir.join("guest.raw");
        (folder, image)
    });
    image
}

/// A folder with a copy of the sample guest.
pub(crate) struct Guest {
    pub(crate) dir: TempDir,
    image: PathBuf,
}

impl Guest {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let image = dir.path().join("guest.raw");
        copy_sparse(sample(), &image);
        Self { dir, image }
    }

    /// The image, as an argument.
    pub(crate) fn image(&self) -> &str {
        path(&self.image)
    }

    /// A name in the folder, as an argument.
    pub(crate) fn local(&self, name: &str) -> String {
        path(&self.dir.path().join(name)).to_owned()
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> String {
        let file = self.dir.path().join(name);
        fs::write(&file, bytes).expect("the folder can be written");
        path(&file).to_owned()
    }

    /// Takes a hive out of the image.
    pub(crate) fn hive(&self, inside: &str, name: &str) -> String {
        let local = self.local(name);
        drop(winkiln(&["fs", "get", self.image(), inside, &local]).ok());
        local
    }

    pub(crate) fn hash(&self) -> u64 {
        hash(&self.image)
    }
}

/// A path of a temporary folder as text.
pub(crate) fn path(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

/// Copies a file, leaving out what is zero.
pub(crate) fn copy_sparse(from: &Path, to: &Path) {
    use std::os::unix::fs::FileExt as _;
    let mut source = File::open(from).expect("the sample is there");
    let target = File::create(to).expect("the folder can be written");
    target
        .set_len(source.metadata().expect("the sample is there").len())
        .expect("room for the copy");
    let mut piece = vec![0; 1 << 16];
    let mut offset = 0;
    loop {
        let read = source.read(&mut piece).expect("the sample can be read");
        if read == 0 {
            return;
        }
        if piece[..read].iter().any(|&byte| byte != 0) {
            target.write_all_at(&piece[..read], offset).expect("room for the copy");
        }
        offset += read as u64;
    }
}

/// A hash of all bytes of a file (FNV-1a, eight bytes at a time).
pub(crate) fn hash(file: &Path) -> u64 {
    let mut source = File::open(file).expect("the file is there");
    let mut piece = vec![0; 1 << 20];
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    loop {
        let read = source.read(&mut piece).expect("the file can be read");
        if read == 0 {
            return hash;
        }
        for chunk in piece[..read].chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            hash = (hash ^ u64::from_le_bytes(word) ^ chunk.len() as u64)
                .wrapping_mul(0x0000_0100_0000_01b3)
                .rotate_left(7);
        }
    }
}

/// True when outside programs must not be missing.
pub(crate) fn require_tools() -> bool {
    std::env::var_os("WINKILN_REQUIRE_TOOLS").is_some()
}
