//! Rules of the tree, kept by test: crate order, licences, module sizes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::tools::workspace;

/// From the bottom up. A crate may use those before it, never one after it.
const ORDER: &[&str] = &[
    "security", "lzx", "disk", "ntfs", "volume", "hive", "boot", "archive", "trust", "drivers",
    "guest", "verify", "bake", "doctor", "cli",
];

/// Crates that link GPL code; everything else is MIT OR Apache-2.0.
const COPYLEFT: &[&str] = &["verify", "bake", "doctor", "cli"];

fn manifest(name: &str) -> String {
    let path = workspace().join("crates").join(name).join("Cargo.toml");
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn crates_depend_downwards_only() {
    let folders = fs::read_dir(workspace().join("crates")).expect("crates/");
    let mut found: Vec<_> = folders
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    found.sort_unstable();
    let mut known: Vec<_> = ORDER.iter().map(|&name| name.to_owned()).collect();
    known.sort_unstable();
    assert_eq!(found, known, "every crate has its place in the order");
    for (place, name) in ORDER.iter().enumerate() {
        let text = manifest(name);
        let dependencies = text.split("[dev-dependencies]").next().unwrap_or(&text);
        for later in &ORDER[place..] {
            let used =
                dependencies.lines().any(|line| line.starts_with(&format!("winkiln-{later}")));
            assert!(!used, "{name} may not use {later}");
        }
    }
}

#[test]
fn licences_are_as_designed() {
    for name in ORDER {
        let gpl = manifest(name).contains("GPL-3.0-or-later");
        assert_eq!(gpl, COPYLEFT.contains(name), "{name}");
    }
}

#[test]
fn modules_hold_one_idea() {
    const LINES_MAX: usize = 400; // counted before the inline tests
    let texts: Vec<_> = sources()
        .into_iter()
        .map(|path| (fs::read_to_string(&path).expect("a source file"), path))
        .collect();
    for (text, path) in &texts {
        let lines = text.split("#[cfg(test)]").next().unwrap_or(text).lines().count();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // A module of tests alone is declared behind `cfg(test)`.
        let test = format!("#[cfg(test)]\nmod {stem};");
        if texts.iter().any(|(text, _)| text.contains(&test)) {
            continue;
        }
        assert!(lines <= LINES_MAX, "{}: {lines} lines; split it by idea", path.display());
        assert!(text.starts_with("//!"), "{}: a module says what it is for", path.display());
        assert!(
            !["utils", "util", "common", "helpers", "misc"].contains(&stem.as_str()),
            "{}",
            path.display()
        );
    }
}

#[test]
fn every_dependency_is_justified() {
    let text = fs::read_to_string(workspace().join("Cargo.toml")).expect("the manifest");
    let reasons =
        fs::read_to_string(workspace().join("docs/dependencies.md")).expect("docs/dependencies.md");
    let listed = text.split("[workspace.dependencies]").nth(1).expect("a list");
    for line in
        listed.lines().take_while(|line| !line.starts_with("# ") && !line.starts_with("[profile"))
    {
        let Some((name, _)) = line.split_once(" = ") else { continue };
        if !name.starts_with("winkiln-") {
            assert!(
                reasons.contains(&format!("`{name}`")),
                "docs/dependencies.md does not name {name}"
            );
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in ORDER {
        collect(&workspace().join("crates").join(name).join("src"), &mut found);
    }
    assert!(found.len() > ORDER.len(), "the sources are there");
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn unsafe_code_is_forbidden() {
    for name in ORDER.iter().filter(|name| **name != "disk") {
        let folder = workspace().join("crates").join(name).join("src");
        let root = if *name == "cli" { "main.rs" } else { "lib.rs" };
        let text = fs::read_to_string(folder.join(root)).expect("the crate's root");
        assert!(text.contains("#![forbid(unsafe_code)]"), "{name}");
    }
}
