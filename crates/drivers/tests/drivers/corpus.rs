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
