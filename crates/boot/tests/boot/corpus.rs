//! Where real files are found, and what happens when they are not.

use std::path::{Path, PathBuf};

/// A folder of the corpus; `None`, with a word on standard error, when there is no corpus here.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("WINKILN_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    missing(&format!("no corpus folder {name} (set WINKILN_CORPUS)"));
    None
}

/// Says that a test could not run; fails where everything has to be there.
pub(crate) fn missing(why: &str) {
    assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "{why}");
    eprintln!("SKIPPED: {why}");
}

/// Every file below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A program on the path; `None`, with a word on standard error, when it is not installed.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        missing(&format!("no program {name}"));
    }
    found
}

/// The independent hive checker; `None`, with a word on standard error, when it is not here.
pub(crate) fn hive_checker() -> Option<PathBuf> {
    let script = std::env::var_os("WINKILN_JUDGES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/judges"),
        PathBuf::from,
    );
    let script = script.join("hivecheck.py");
    if script.is_file() {
        return Some(script);
    }
    missing("no hivecheck.py (set WINKILN_JUDGES)");
    None
}
