//! Every INF of the corpus, and those of the fixtures in the ways of makers, into guests of every generation.

use std::path::{Path, PathBuf};

use crate::drivers::{Added, finished_tree, furnish};
use crate::guest::{Guest, shared};
use crate::tools::{outside, run, workspace};

/// Folders of a source that have INFs of their own, or below one folder each.
fn sources(tree: &Path) -> Vec<PathBuf> {
    let list = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    };
    let mut found = Vec::new();
    for folder in list(tree) {
        if folder.ends_with("virtio-win") {
            found.extend(list(&folder).iter().flat_map(|release| list(release)));
        } else {
            found.push(folder);
        }
    }
    found.sort();
    found
}

#[test]
fn every_package_of_the_corpus_goes_into_every_generation() {
    let Some(long) = std::env::var_os("WINKILN_LONG") else { return };
    let all = [
        ("xp", "x86"),
        ("2003", "x86"),
        ("7", "x86"),
        ("8.1", "amd64"),
        ("10", "amd64"),
        ("11", "amd64"),
    ];
    // `WINKILN_LONG=xp` is that generation alone.
    let named: Vec<_> = all.into_iter().filter(|(os, _)| *os == long).collect();
    let wanted = if named.is_empty() { all.to_vec() } else { named };
    let mut added = 0;
    for &(os, architecture) in &wanted {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let Some(shared) = shared() else { return };
        let tree = folder.join("tree");
        for entry in std::fs::read_dir(shared.join("corpus/inf")).expect("the corpus") {
            let from = entry.expect("an entry").path();
            let name = from.file_name().expect("a name").to_string_lossy().into_owned();
            // Windows' own INFs are no packages to add.
            if !name.starts_with("ms-") {
                let made = finished_tree(&from, architecture, &folder.join("work").join(&name));
                std::fs::create_dir_all(&tree).expect("a folder");
                std::fs::rename(made, tree.join(name)).expect("it is moved");
            }
        }
        // In the ways of makers whose own are not to be had. They set what others set too, so they go in by themselves.
        let vendors = workspace().join("fixtures/inf/vendors");
        let vendors = finished_tree(&vendors, architecture, &folder.join("work/vendors"));
        let Some(guest) = Guest::new(os, "mbr", "raw").build(folder) else { return };
        furnish(&guest, architecture, folder);
        if architecture == "amd64" {
            // Where programs of 32 bits go.
            let image = guest.display().to_string();
            let _ = run(["fs", "mkdir", &image, r"C:\Windows\SysWOW64"]).expect(0);
        }
        let furnished = folder.join("furnished-SYSTEM");
        let all = sources(&tree).into_iter().chain([tree.clone(), vendors]);
        for source in all {
            let image = folder.join("copy/guest.raw");
            std::fs::create_dir_all(image.parent().expect("a folder")).expect("a folder");
            let (from, to) = (guest.display().to_string(), image.display().to_string());
            outside("cp", ["--sparse=always", &from, &to]);
            let path = source.display().to_string();
            let run = run(["drivers", "add", &to, &path, "--all", "--force-unsigned", "--json"]);
            if run.code != 0 {
                let fits = run.stderr.contains("no driver package of");
                assert!(fits && run.code == 1, "{os}: {path}: {}", run.stderr);
                continue;
            }
            let this = Added::read_back(os, image, guest.clone(), run.json());
            this.judge_against_infs(os, &source, architecture, &furnished);
            let drivers = this.report["drivers"].as_array().expect("a list");
            let count = drivers.iter().filter(|driver| driver["action"] == "added").count();
            eprintln!("{os}: {count} packages of {}", path.rsplit("tree").next().unwrap_or(&path));
            added += count;
            this.comes_out(os);
        }
    }
    assert!(added > 40 * wanted.len(), "{added}");
}
