//! Folders of the host.

use std::fs;
use std::os::unix::fs::symlink;

use winkiln_archive::{EntryKind, Error, Format, Limits, Reason, Tree};

use crate::sample::{Files, assert_holds, files, on_host};

#[test]
fn a_folder_is_its_files() {
    let files = files();
    let folder = on_host(&files);
    let tree = Tree::open(folder.path()).expect("a tree");
    assert_eq!(tree.format(), Format::Folder);
    assert_holds(&tree, &files);
    assert!(tree.left_out().is_empty());
}

#[test]
fn names_are_found_as_windows_finds_them() {
    let files: Files = [("A/x.inf", "1"), ("a/X.inf", "2"), ("b/One.Sys", "3")]
        .map(|(p, b)| (p.into(), b.into()))
        .into();
    let folder = on_host(&files);
    let tree = Tree::open(folder.path()).expect("a tree");
    assert_eq!(tree.read("B\\ONE.sys", 9).expect("found"), b"3");
    assert_eq!(tree.read("a/X.inf", 9).expect("found as it is"), b"2");
    assert!(matches!(tree.read("a/x.INF", 9), Err(Error::Ambiguous { .. })));
    assert!(matches!(tree.read("b", 9), Err(Error::IsFolder { .. })));
    assert!(matches!(tree.read("b/two.sys", 9), Err(Error::NotFound { .. })));
    assert!(matches!(tree.read("../b/One.Sys", 9), Err(Error::NotFound { .. })));
    assert!(matches!(tree.read("b/One.Sys", 0), Err(Error::FileTooLarge { size: 1, max: 0, .. })));
}

#[test]
fn links_lead_only_inside() {
    let files: Files =
        [("real/w10/a.sys", "a"), ("up/b.sys", "b")].map(|(p, b)| (p.into(), b.into())).into();
    let folder = on_host(&files);
    let outside = on_host(&[("secret".to_owned(), b"s".to_vec())].into());
    let at = |name: &str| folder.path().join(name);
    symlink("real", at("alias")).expect("a link");
    symlink("../real/w10/a.sys", at("up/c.sys")).expect("a link");
    symlink(outside.path(), at("out")).expect("a link");
    symlink(outside.path().join("secret"), at("secret")).expect("a link");
    symlink("..", at("up/round")).expect("a link");
    symlink("nothing", at("broken")).expect("a link");
    let tree = Tree::open(folder.path()).expect("a tree");
    let expected: Files =
        [("alias/w10/a.sys", "a"), ("real/w10/a.sys", "a"), ("up/b.sys", "b"), ("up/c.sys", "a")]
            .map(|(p, b)| (p.into(), b.into()))
            .into();
    assert_holds(&tree, &expected);
    assert_eq!(tree.entry("alias").expect("there").kind(), EntryKind::Folder);
    let left: Vec<_> =
        tree.left_out().iter().map(|left| (left.path.as_str(), left.reason)).collect();
    let link = |name| (name, Reason::Link);
    assert_eq!(left, [link("broken"), link("out"), link("secret"), link("up/round")]);
    // What becomes a link out of the folder after it was listed is not followed either.
    fs::remove_file(at("up/b.sys")).expect("removed");
    symlink(outside.path().join("secret"), at("up/b.sys")).expect("a link");
    assert!(matches!(tree.read("up/b.sys", 9), Err(Error::Changed { .. })));
}

#[test]
fn names_that_windows_cannot_have_are_left_out() {
    let files: Files =
        [("a:b", "1"), ("nul.inf", "2"), ("x\\y", "3"), ("fine", "4"), ("dot.", "5")]
            .map(|(p, b)| (p.into(), b.into()))
            .into();
    let folder = on_host(&files);
    let tree = Tree::open(folder.path()).expect("a tree");
    assert_eq!(tree.entries().len(), 1);
    assert_eq!(tree.left_out().len(), 4);
}

#[test]
fn too_many_files_are_an_error() {
    let folder = on_host(&files());
    let limits = Limits { entries: 10, ..Limits::default() };
    let error = Tree::open_with(folder.path(), limits).expect_err("too many");
    assert!(matches!(error, Error::TooManyEntries { max: 10, .. }), "{error}");
}
