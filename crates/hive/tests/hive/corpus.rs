//! Real hives: `$WINKILN_CORPUS`, or `../shared/corpus` beside the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The corpus folder; `None` after a loud note when there is none.
pub fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("WINKILN_CORPUS")
        .map_or_else(|| workspace().join("../shared/corpus"), PathBuf::from);
    found(folder.is_dir().then_some(folder), "no corpus of real hives")
}

/// A checker beside the corpus; `None` after a loud note when there is none.
pub fn judge(name: &str) -> Option<PathBuf> {
    let judge = workspace().join("../shared/judges").join(name);
    found(judge.is_file().then_some(judge), &format!("no {name}"))
}

/// Passes on what was found; a missing thing is said aloud, and fails where everything must be there.
pub fn found<T>(thing: Option<T>, why: &str) -> Option<T> {
    if thing.is_none() {
        assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "{why}");
        eprintln!("SKIPPED: {why}");
    }
    thing
}

/// A file of the corpus with its name there.
pub struct Sample {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// The primary hive files of the corpus, by name.
pub fn hives() -> Vec<Sample> {
    let Some(folder) = folder() else { return Vec::new() };
    let mut samples = Vec::new();
    for part in ["hive", "bcd"] {
        collect(&folder.join(part), part, &mut samples);
    }
    samples.retain(|sample| !sample.name.contains(".LOG"));
    samples.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(samples.len() > 80, "only {} hives in the corpus", samples.len());
    samples
}

/// One file of the corpus.
pub fn sample(name: &str) -> Option<Vec<u8>> {
    let folder = folder()?;
    let plain = folder.join(name);
    if plain.is_file() {
        Some(std::fs::read(plain).unwrap())
    } else {
        unpack(&folder.join(format!("{name}.xz")))
    }
}

/// All files below a folder of the corpus.
pub fn files(part: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    if let Some(folder) = folder() {
        collect(&folder.join(part), part, &mut samples);
    }
    samples.sort_by(|a, b| a.name.cmp(&b.name));
    samples
}

fn collect(folder: &Path, prefix: &str, samples: &mut Vec<Sample>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}/{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, samples);
        } else if let Some(name) = name.strip_suffix(".xz") {
            if let Some(bytes) = unpack(&path) {
                samples.push(Sample { name: name.to_owned(), bytes });
            }
        } else {
            samples.push(Sample { name, bytes: std::fs::read(&path).unwrap() });
        }
    }
}

fn unpack(path: &Path) -> Option<Vec<u8>> {
    let output = found(Command::new("xz").arg("-dc").arg(path).output().ok(), "no xz")?;
    assert!(output.status.success(), "{}", path.display());
    Some(output.stdout)
}
