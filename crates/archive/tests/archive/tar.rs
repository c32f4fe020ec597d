//! Tars, made by GNU tar.

use winkiln_archive::{Error, Format, Reason, Tree};

use crate::sample::{Files, assert_holds, files, have, noise, on_host, packed, run, tree_of};

#[test]
fn gnu_tar() {
    if !have(&["tar", "gzip"]) {
        return;
    }
    let mut files = files();
    let long = format!("{}/{}/x.inf", "long".repeat(30), "name".repeat(40));
    files.insert(long, b"long".to_vec());
    for format in ["gnu", "pax", "ustar", "v7"] {
        let mut files = files.clone();
        if format == "v7" || format == "ustar" {
            files.retain(|path, _| path.len() < 100);
        }
        let format_arg = format!("--format={format}");
        let (_scratch, archive) = packed(&files, "tar", &[&format_arg, "-cf", "OUT", "."]);
        let tree = Tree::open(&archive).expect("a tree");
        assert_eq!(tree.format(), Format::Tar);
        assert_holds(&tree, &files);
        let (_scratch, archive) = packed(&files, "tar", &[&format_arg, "-czf", "OUT", "."]);
        let tree = Tree::open(&archive).expect("a tree");
        assert_eq!(tree.format(), Format::TarGz);
        assert_holds(&tree, &files);
    }
}

#[test]
fn links_lead_only_inside() {
    if !have(&["tar"]) {
        return;
    }
    let folder = on_host(&[("d/a.sys".to_owned(), b"a".to_vec())].into());
    let at = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink("d/a.sys", at("soft")).expect("a link");
    std::os::unix::fs::symlink("../../etc/passwd", at("out")).expect("a link");
    std::fs::hard_link(at("d/a.sys"), at("d/hard")).expect("a link");
    run(folder.path(), "tar", &["-cf", "x.tar", "d", "soft", "out"]);
    let tree = Tree::open(at("x.tar")).expect("a tree");
    let expected: Files =
        ["d/a.sys", "d/hard", "soft"].map(|path| (path.into(), b"a".to_vec())).into();
    assert_holds(&tree, &expected);
    assert_eq!(tree.left_out().iter().map(|left| left.reason).collect::<Vec<_>>(), [Reason::Link]);
}

#[test]
fn a_gzip_that_unpacks_to_too_much_is_an_error() {
    if !have(&["tar", "gzip"]) {
        return;
    }
    let files: Files = [("bomb".to_owned(), vec![0; 80 << 20])].into();
    let (_scratch, archive) = packed(&files, "tar", &["-czf", "OUT", "."]);
    let error = Tree::open(archive).expect_err("a bomb");
    assert!(matches!(error, Error::Expands { format: Format::TarGz, .. }), "{error}");
}

#[test]
fn a_gzip_of_something_else_is_named() {
    if !have(&["gzip"]) {
        return;
    }
    let folder = on_host(&[("x".to_owned(), noise("x", 4000))].into());
    run(folder.path(), "gzip", &["x"]);
    let bytes = std::fs::read(folder.path().join("x.gz")).expect("bytes");
    assert!(matches!(tree_of(bytes), Err(Error::Unsupported { format: Format::TarGz, .. })));
}
