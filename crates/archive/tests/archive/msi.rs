//! Windows Installer packages, made by wixl and changed by msibuild.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use winkiln_archive::{Error, Format, Limits, Reason, Tree};

use crate::sample::{Files, assert_holds, files, have, noise, on_host, run, tree_of};

/// A source of wixl's with these files, each in a component of its own; keys count from 0 in the order of the paths.
pub fn source(files: &Files) -> String {
    #[derive(Default)]
    struct Folder(BTreeMap<String, Self>, Vec<(usize, String, String)>);
    let mut root = Folder::default();
    for (number, path) in files.keys().enumerate() {
        let mut names: Vec<_> = path.split('/').collect();
        let name = names.pop().expect("a name").to_owned();
        let folder = names.iter().fold(&mut root, |f, n| f.0.entry((*n).to_owned()).or_default());
        folder.1.push((number, name, path.clone()));
    }
    fn write(folder: &Folder, key: &str, text: &mut String) {
        for (number, name, path) in &folder.1 {
            writeln!(
                text,
                "<Component Id='c{number}' Guid='12345678-1234-1234-1234-{number:012}'>\
                 <File Id='f{number}' Name='{name}' Source='{path}'/></Component>"
            )
            .expect("text");
        }
        for (at, (name, below)) in folder.0.iter().enumerate() {
            let key = format!("{key}_{at}");
            writeln!(text, "<Directory Id='{key}' Name='{name}'>").expect("text");
            write(below, &key, text);
            text.push_str("</Directory>\n");
        }
    }
    let mut folders = String::new();
    write(&root, "d", &mut folders);
    let features: String =
        (0..files.len()).map(|number| format!("<ComponentRef Id='c{number}'/>")).collect();
    format!(
        "<Wix xmlns='http://schemas.microsoft.com/wix/2006/wi'><Product Id='12345678-1234-1234-1234-123456789012' Name='Kiln'
        Language='1033' Version='1.0.0' Manufacturer='K' UpgradeCode='12345678-1234-1234-1234-123456789013'>
        <Package InstallerVersion='200' Compressed='yes'/><Media Id='1' Cabinet='kiln.cab' EmbedCab='yes'/>
        <Directory Id='TARGETDIR' Name='SourceDir'>{folders}</Directory><Feature Id='F' Level='1'>{features}</Feature>
        </Product></Wix>"
    )
}

/// A package of these files, in a folder of its own.
pub fn package(files: &Files) -> (TempDir, PathBuf) {
    let host = on_host(files);
    let out = tempfile::tempdir().expect("a scratch folder");
    let (wxs, msi) = (out.path().join("kiln.wxs"), out.path().join("kiln.msi"));
    fs::write(&wxs, source(files)).expect("a source");
    run(host.path(), "wixl", &["-o", text(&msi), text(&wxs)]);
    (out, msi)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

fn query(msi: &Path, queries: &[&str]) {
    for query in queries {
        run(Path::new("/"), "msibuild", &[text(msi), "-q", query]);
    }
}

#[test]
fn wixl() {
    if !have(&["wixl", "msiextract"]) {
        return;
    }
    let files = files();
    let (scratch, msi) = package(&files);
    let tree = Tree::open(&msi).expect("a tree");
    assert_eq!(tree.format(), Format::Msi);
    assert_holds(&tree, &files);
    let out = scratch.path().join("out");
    run(scratch.path(), "msiextract", &["-C", text(&out), text(&msi)]);
    assert_holds(&Tree::open(&out).expect("a tree"), &files);
    // The same bytes from a source, and as few entries as the limits say.
    let bytes = fs::read(&msi).expect("bytes");
    assert_holds(&tree_of(bytes.clone()).expect("a tree"), &files);
    for limits in
        [Limits { entries: 10, ..Limits::default() }, Limits { bytes: 1000, ..Limits::default() }]
    {
        let error = Tree::open_with(&msi, limits).expect_err("limits");
        assert!(
            matches!(error, Error::TooManyEntries { .. } | Error::TooLarge { .. }),
            "{error:?}"
        );
    }
    let other = tree_of([&bytes[..8], &[0; 1000]].concat()).expect_err("no package");
    assert!(matches!(other, Error::Damaged { format: Format::Msi, .. }), "{other:?}");
}

/// Three files: in the root, in a folder, in a folder below that.
fn three() -> (Files, TempDir, PathBuf) {
    let files: Files = ["a.inf", "w10/b.sys", "w10/amd64/c.cat"]
        .map(|path| (path.to_owned(), noise(path, 5000)))
        .into();
    let (scratch, msi) = package(&files);
    (files, scratch, msi)
}

#[track_caller]
fn assert_left_out(msi: &Path, reasons: &[Reason]) {
    let tree = Tree::open(msi).expect("a tree");
    let found: Vec<_> = tree.left_out().iter().map(|left| left.reason).collect();
    assert_eq!(found, reasons, "{:?}", tree.left_out());
    let held = tree.entries().iter().filter(|entry| entry.is_file()).count();
    assert_eq!(held + reasons.len(), 3, "{:?}", tree.entries());
}

#[test]
fn names_short_and_long_of_target_and_source() {
    if !have(&["wixl", "msibuild"]) {
        return;
    }
    let (files, _scratch, msi) = three();
    query(
        &msi,
        &[
            "UPDATE Directory SET DefaultDir='TGT~1|target folder:SRC|source folder' WHERE Directory='d_0'",
            "UPDATE Directory SET DefaultDir='.:files' WHERE Directory='d_0_0'",
            "UPDATE File SET FileName='LONG~1.SYS|long name ä.sys' WHERE File='f2'",
        ],
    );
    let tree = Tree::open(&msi).expect("a tree");
    let expected: Files = [
        ("a.inf", "a.inf"),
        ("target folder/c.cat", "w10/amd64/c.cat"),
        ("target folder/long name ä.sys", "w10/b.sys"),
    ]
    .map(|(path, from)| (path.to_owned(), files[from].clone()))
    .into();
    assert_holds(&tree, &expected);
    // A folder that Windows places has its key as a name.
    query(
        &msi,
        &[
            "INSERT INTO Directory (Directory, Directory_Parent, DefaultDir) VALUES ('System64Folder', 'TARGETDIR', '.')",
            "UPDATE Directory SET Directory_Parent='System64Folder' WHERE Directory='d_0'",
        ],
    );
    let tree = Tree::open(&msi).expect("a tree");
    assert!(tree.entry("System64Folder/target folder/c.cat").is_ok(), "{:?}", tree.entries());
}

#[test]
fn cabinets_and_files_beside() {
    if !have(&["wixl", "msibuild", "msiinfo"]) {
        return;
    }
    let (files, scratch, msi) = three();
    let cabinet = Command::new("msiinfo").args(["extract", text(&msi), "kiln.cab"]).output();
    let cabinet = cabinet.expect("a program").stdout;
    query(&msi, &["UPDATE Media SET Cabinet='Data1.cab' WHERE DiskId=1"]);
    assert_left_out(&msi, &[Reason::Missing; 3]);
    fs::write(scratch.path().join("DATA1.CAB"), &cabinet).expect("a cabinet");
    assert_holds(&Tree::open(&msi).expect("a tree"), &files);
    let bytes = fs::read(&msi).expect("bytes");
    assert!(tree_of(bytes).expect("a tree").entries().is_empty(), "nothing lies beside bytes");

    // A file outside of any cabinet, where the source has it; one whose cabinet is a folder up; one behind a link that leads out.
    query(
        &msi,
        &[
            "UPDATE File SET Attributes=8192 WHERE File='f1'",
            "UPDATE File SET FileName='C~1.CAT|c.cat' WHERE File='f1'",
            "UPDATE Directory SET DefaultDir='w10:Source' WHERE Directory='d_0'",
        ],
    );
    assert_left_out(&msi, &[Reason::Missing]);
    let place = scratch.path().join("source/amd64");
    fs::create_dir_all(&place).expect("a folder");
    fs::write(place.join("C.CAT"), b"outside").expect("a file");
    let tree = Tree::open(&msi).expect("a tree");
    assert_eq!(tree.read("w10/amd64/c.cat", 100).expect("contents"), b"outside");
    assert_eq!(tree.read("a.inf", 5000).expect("contents"), files["a.inf"]);
    fs::remove_file(place.join("C.CAT")).expect("removed");
    assert!(tree.read("w10/amd64/c.cat", 100).is_err(), "it is gone");
    std::os::unix::fs::symlink("/etc/hostname", place.join("c.cat")).expect("a link");
    assert_left_out(&msi, &[Reason::Link]);
    query(&msi, &["UPDATE Media SET Cabinet='../DATA1.CAB' WHERE DiskId=1"]);
    assert_left_out(&msi, &[Reason::Parent, Reason::Link, Reason::Parent]);
}

#[test]
fn names_that_lead_out() {
    if !have(&["wixl", "msibuild"]) {
        return;
    }
    let (_files, _scratch, msi) = three();
    for (sql, reasons) in [
        ("UPDATE File SET FileName='A|..' WHERE File='f0'", &[Reason::Parent][..]),
        ("UPDATE File SET FileName='../a' WHERE File='f0'", &[Reason::Character]),
        ("UPDATE File SET FileName='A|nul.inf' WHERE File='f0'", &[Reason::Device]),
        ("UPDATE File SET FileName='a.inf', Component_='c9' WHERE File='f0'", &[Reason::Missing]),
        ("UPDATE File SET Component_='c0' WHERE File='f0'", &[]),
        ("UPDATE Directory SET DefaultDir='..' WHERE Directory='d_0_0'", &[Reason::Parent]),
        ("UPDATE Directory SET DefaultDir='C:' WHERE Directory='d_0_0'", &[]),
        (
            "UPDATE Directory SET DefaultDir='.', Directory_Parent='d_0_0' WHERE Directory='d_0'",
            &[Reason::TooLong; 2],
        ),
    ] {
        query(&msi, &[sql]);
        assert_left_out(&msi, reasons);
    }
}
