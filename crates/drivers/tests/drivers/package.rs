//! Packages and the files they need.

use std::fs;

use winkiln_archive::Tree;
use winkiln_drivers::Architecture::{Amd64, X86};
use winkiln_drivers::Target;
use winkiln_drivers::choice::{Options, Selection, choose};
use winkiln_drivers::inf::ParseOptions;
use winkiln_drivers::package::{Found, Held};

use crate::{corpus, fixture};

fn found(folder: &std::path::Path) -> (Tree, Found) {
    let tree = Tree::open(folder).expect("a folder");
    let found = Found::all(&tree, &ParseOptions::default());
    (tree, found)
}

#[test]
fn needed_files_are_found_beside_the_inf() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("Storage/Kiln");
    fs::create_dir_all(root.join("X64/DRIVERS")).expect("folders");
    fs::create_dir_all(root.join("tools")).expect("folders");
    for (name, bytes) in [
        ("kilnstor.INF", fixture("kilnstor.inf")),
        ("X64/DRIVERS/KILNSTOR.SYS", vec![1]),
        ("X64/kiln.cab", vec![1]),
        ("wdfcoinstaller01011.dl_", vec![1]),
        ("broken.inf", b"no".to_vec()),
        ("autorun.inf", b"[autorun]\n".to_vec()),
    ] {
        fs::write(root.join(name), bytes).expect("a file");
    }
    let (tree, found) = found(folder.path());
    assert_eq!(found.unreadable.len(), 1);
    let broken = "Storage/Kiln/broken.inf line 1: text before the first section: this is no INF";
    assert_eq!(found.unreadable[0].reason, broken);
    let [package] = found.packages.as_slice() else { panic!("{:?}", found.packages) };
    assert_eq!(package.name(), "kilnstor");
    assert_eq!(package.file_name(), "kilnstor.INF");
    assert_eq!(package.folder(), "Storage/Kiln");
    assert_eq!(package.services(), ["kilnmon", "kilnstor"]);
    assert!(!package.has_default_install());
    let target = Target::named("2k22", Amd64).expect("a release");
    let fit = package.fit(&target).expect("it fits");
    assert_eq!(fit.sections[0].name, "Kiln.NTamd64.10.0...19041");
    let files = package.files(fit.sections.iter().copied(), Amd64).expect("files");
    let places: Vec<_> =
        files.iter().map(|file| (file.path.as_str(), file.find(&tree), file.is_catalog)).collect();
    let held = |name: &str, packed| Some(Held { path: format!("Storage/Kiln/{name}"), packed });
    assert_eq!(
        places,
        [
            ("Storage/Kiln/WdfCoInstaller01011.dll", held("WdfCoInstaller01011.dl_", true), false),
            ("Storage/Kiln/kilnstor64.cat", None, true),
            (
                "Storage/Kiln/x64/drivers/kilnstor.sys",
                held("x64/drivers/kilnstor.sys", false),
                false
            ),
            ("Storage/Kiln/x64/tools/kilnmon.exe", held("x64/kiln.cab", true), false),
        ]
    );
    let old = package.fit(&Target::named("xp", X86).expect("a release")).expect("it fits");
    let files = package.files(old.sections.iter().copied(), X86).expect("files");
    assert!(files.iter().all(|file| file.find(&tree).is_none()), "nothing of it is there");

    // All in one folder, as some hand packages on.
    fs::remove_dir_all(root.join("X64")).expect("removed");
    fs::write(root.join("kilnstor.sys"), [2]).expect("a file");
    fs::write(root.join("kilnmon.ex_"), [2]).expect("a file");
    let tree = Tree::open(folder.path()).expect("a folder");
    let files = package.files(fit.sections.iter().copied(), Amd64).expect("files");
    let places: Vec<_> = files.iter().filter_map(|file| file.find(&tree)).collect();
    assert_eq!(
        places[1..],
        [held("kilnstor.sys", false), held("kilnmon.ex_", true)].map(Option::unwrap)
    );
}

/// Of a medium with builds for every release, each release gets its own.
#[test]
fn each_release_gets_its_build_of_a_vendors_medium() {
    let Some(folder) = corpus::folder("inf/virtio-win") else { return };
    let (_, found) = found(&folder);
    assert!(found.packages.len() > 50, "{}", found.packages.len());
    let selection = Selection { only: vec!["viostor".to_owned()], ..Selection::default() };
    for (name, architecture, expected) in [
        ("xp", X86, &["xp-viostor/Wxp/x86/viostor.inf"][..]),
        ("2k8", Amd64, &["Wlh/amd64/viostor.inf"]),
        ("w7", Amd64, &["Win7/amd64/viostor.inf"]),
        ("w8", X86, &["Win8/x86/viostor.inf"]),
        ("w8.1", Amd64, &["Win8.1/amd64/viostor.inf"]),
        ("w8", Amd64, &["Win7/amd64/viostor.inf"]),
        ("2k22", Amd64, &["Win8.1/amd64/viostor.inf"]),
    ] {
        let target = Target::named(name, architecture).expect("a release");
        let options = Options { selection: &selection, signature: &|_| 0x0D };
        let choice = choose(&found.packages, &target, &options);
        let chosen: Vec<_> = choice.chosen.iter().map(|chosen| chosen.package.path()).collect();
        assert_eq!(chosen, expected, "{name}");
        assert_eq!(choice.chosen.len() + choice.others.len(), found.packages.len());
    }
}

#[test]
fn what_is_kept_of_a_source_is_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let version = "[Version]\nSignature=$Windows NT$\n[M]\n";
    let large = format!("{version}[Manufacturer]\nM=M{}\n[M.NT]\n", ",NT".repeat(200_000));
    for name in ["a.inf", "b.inf", "c.inf", "d.inf", "e.inf"] {
        fs::write(folder.path().join(name), &large).expect("a file");
    }
    fs::write(folder.path().join("f.inf"), version).expect("a file");
    let (_, found) = found(folder.path());
    let paths: Vec<_> = found.packages.iter().map(winkiln_drivers::Package::path).collect();
    assert_eq!(paths, ["a.inf", "b.inf", "c.inf", "d.inf", "f.inf"]);
    let [beyond] = found.unreadable.as_slice() else { panic!("{:?}", found.unreadable) };
    assert!(beyond.path == "e.inf" && beyond.reason.contains("give a folder"), "{beyond:?}");
}
