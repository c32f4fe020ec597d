//! ISO and UDF images, made by xorriso and genisoimage.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use winkiln_archive::{Format, Limits, Reason, Tree};

use crate::sample::{Counting, Files, assert_holds, files, have, on_host, packed, run};

/// Files too deep for ISO 9660 itself.
fn deep() -> Files {
    let mut files = files();
    files.insert("a/b/c/d/e/f/g/h/i/j/deep.inf".into(), b"deep".to_vec());
    files.insert("ünïcødé/Тест.inf".into(), b"names".to_vec());
    files
}

#[test]
fn rock_ridge() {
    if !have(&["genisoimage", "xorriso"]) {
        return;
    }
    let files = deep();
    for (program, args) in [
        ("genisoimage", &["-quiet", "-R", "-o", "OUT", "."][..]),
        ("genisoimage", &["-quiet", "-R", "-J", "-joliet-long", "-o", "OUT", "."]),
        ("xorriso", &["-as", "mkisofs", "-quiet", "-R", "-J", "-o", "OUT", "."]),
    ] {
        let (_scratch, image) = packed(&files, program, args);
        let tree = Tree::open(image).expect("a tree");
        assert_eq!(tree.format(), Format::Iso);
        assert_holds(&tree, &files);
        assert!(tree.left_out().is_empty(), "{:?}", tree.left_out());
    }
}

#[test]
fn joliet() {
    if !have(&["genisoimage"]) {
        return;
    }
    let mut files = files();
    files.insert("ünïcødé/Тест.inf".into(), b"names".to_vec());
    let args = ["-quiet", "-J", "-joliet-long", "-input-charset", "utf-8", "-o", "OUT", "."];
    let (_scratch, image) = packed(&files, "genisoimage", &args);
    let tree = Tree::open(image).expect("a tree");
    assert_eq!(tree.format(), Format::Iso);
    assert_holds(&tree, &files);
}

#[test]
fn plain_names() {
    if !have(&["genisoimage"]) {
        return;
    }
    let files: Files = [("DIR/FILE.INF", "1"), ("DIR/NODOT", "2"), ("README.TXT", "3")]
        .map(|(p, b)| (p.into(), b.into()))
        .into();
    let (_scratch, image) = packed(&files, "genisoimage", &["-quiet", "-o", "OUT", "."]);
    assert_holds(&Tree::open(image).expect("a tree"), &files);
}

#[test]
fn udf() {
    if !have(&["genisoimage"]) {
        return;
    }
    let files = deep();
    for args in [
        &["-quiet", "-udf", "-R", "-D", "-allow-limited-size", "-o", "OUT", "."][..],
        &["-quiet", "-udf", "-J", "-R", "-o", "OUT", "."],
    ] {
        let (_scratch, image) = packed(&files, "genisoimage", args);
        let tree = Tree::open(image).expect("a tree");
        assert_eq!(tree.format(), Format::Udf);
        assert_holds(&tree, &files);
    }
}

#[test]
fn links_of_rock_ridge_lead_only_inside() {
    if !have(&["xorriso"]) {
        return;
    }
    let files: Files =
        [("w10/a.sys", "a"), ("w11/b.sys", "b")].map(|(p, b)| (p.into(), b.into())).into();
    let folder = on_host(&files);
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, folder.path().join(name)).expect("a link");
    };
    link("../w10/./a.sys", "w11/a.sys");
    link("w10", "w8");
    link("w8", "w7");
    link("/etc/passwd", "passwd");
    link("../../etc/passwd", "w11/passwd");
    link("loop2", "loop1");
    link("loop1", "loop2");
    link("..", "w10/up");
    let out = tempfile::tempdir().expect("a scratch folder");
    let image = out.path().join("links.iso");
    let image_text = image.to_str().expect("text");
    run(folder.path(), "xorriso", &["-as", "mkisofs", "-quiet", "-R", "-o", image_text, "."]);
    let tree = Tree::open(&image).expect("a tree");
    let expected: Files = [
        ("w10/a.sys", "a"),
        ("w11/a.sys", "a"),
        ("w11/b.sys", "b"),
        ("w7/a.sys", "a"),
        ("w8/a.sys", "a"),
    ]
    .map(|(p, b)| (p.into(), b.into()))
    .into();
    assert_holds(&tree, &expected);
    let left: Vec<_> = tree.left_out().iter().map(|left| left.path.as_str()).collect();
    assert_eq!(left, ["loop1", "loop2", "passwd", "w10/up", "w11/passwd"]);
    assert!(tree.left_out().iter().all(|left| left.reason == Reason::Link));
}

/// A few packages from a medium cost these packages and its folders, not the medium.
#[test]
fn reading_some_files_reads_little() {
    if !have(&["xorriso", "genisoimage"]) {
        return;
    }
    let mut files = files();
    for number in 0..8 {
        files.insert(format!("big{number}.bin"), vec![number; 4 << 20]);
    }
    for (program, args) in [
        ("xorriso", &["-as", "mkisofs", "-quiet", "-R", "-J", "-o", "OUT", "."][..]),
        ("genisoimage", &["-quiet", "-udf", "-R", "-o", "OUT", "."]),
    ] {
        let (_scratch, image) = packed(&files, program, args);
        let source = Counting::open(&image);
        let tree = Tree::read_from(Arc::clone(&source) as _, Limits::default()).expect("a tree");
        let mut wanted = 0;
        for entry in tree.entries().iter().filter(|entry| entry.path().starts_with("viostor/")) {
            if entry.is_file() {
                wanted += tree.read(entry.path(), 1 << 20).expect("contents").len() as u64;
            }
        }
        let read = source.bytes.load(Ordering::Relaxed);
        assert!(wanted > 100_000 && read < wanted + 600_000, "{program}: {read} for {wanted}");
    }
}
