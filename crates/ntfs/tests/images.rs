//! Volumes to test on: real ones of the corpus, and fresh ones made by mkntfs.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// An NTFS volume inside an image file.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) path: PathBuf,
    pub(crate) start: u64,
    pub(crate) length: Option<u64>,
}

/// Tells loudly that something was not tested; fails where everything must be there.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "{why}");
    eprintln!("SKIPPED: {why}");
}

pub(crate) fn shared(folder: &str, variable: &str) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(folder);
    let path = std::env::var_os(variable).map_or(default, PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    skip(&format!("no {folder} at {} (set {variable})", path.display()));
    None
}

pub(crate) fn tool(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let found = std::env::split_paths(&path).chain(sbin).any(|folder| folder.join(name).is_file());
    if !found {
        skip(&format!("no {name}"));
    }
    found
}

pub(crate) fn shell(script: &str) -> String {
    let output = Command::new("bash").args(["-c", script]).output().expect("bash runs");
    assert!(
        output.status.success(),
        "{script}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The corpus volumes: file, name of the image in it, offset of the volume.
const CORPUS: &[(&str, &str, u64)] = &[
    ("boot.sdi-3170304.sdi.xz", "", 8192),
    ("grr-mkntfs-ads.disk.raw.xz", "", 32256),
    ("linux-mkntfs-manysubdirs.vol.raw.xz", "", 0),
    ("linux-ntfs3-attrlist.vol.raw.xz", "", 0),
    ("plaso-vsstest.qcow2.xz", "qcow2", 0),
    ("win-links-junction-ads.vol.raw.xz", "", 0),
    ("win10-2k-cluster-index.disk.raw.xz", "", 65536),
    ("win10-2m-cluster.disk.raw.xz", "", 65536),
    ("win10-ads-attrlist.vol.raw.xz", "", 0),
    ("win10-largedir-compressed.vol.raw.xz", "", 0),
    ("win10-si-vs-fn.disk.raw.xz", "", 65536),
    ("win10-vss-2.disk.raw.tgz", "vss_2_stor.raw", 34_603_008),
    ("win2003-128g-vss-cyrillic.disk.raw.tgz", "vss_2003.raw", 32256),
];

/// Names of the corpus volumes.
pub(crate) fn corpus_names() -> impl Iterator<Item = &'static str> {
    CORPUS.iter().map(|(file, _, _)| *file)
}

/// Unpacks one corpus volume.
pub(crate) fn corpus(name: &str, folder: &Path) -> Option<Image> {
    let root = shared("corpus", "WINKILN_CORPUS")?;
    let (file, inner, start) = CORPUS.iter().find(|(file, _, _)| *file == name)?;
    let source = root.join("ntfs").join(file);
    let target = folder.join("volume.raw");
    let (from, to) = (source.display(), target.display());
    if file.ends_with("tgz") {
        shell(&format!(
            "tar xSf '{from}' -C '{}' && mv '{}/{inner}' '{to}'",
            folder.display(),
            folder.display()
        ));
    } else if *inner == "qcow2" {
        if !tool("qemu-img") {
            return None;
        }
        shell(&format!(
            "xz -dc '{from}' > '{to}.qcow2' && qemu-img convert -O raw '{to}.qcow2' '{to}'"
        ));
    } else {
        shell(&format!("xz -dc '{from}' | cp --sparse=always /dev/stdin '{to}'"));
    }
    // A partition ends before the space behind it does; the boot sector says where.
    let length = (*start > 0).then(|| {
        let size = std::fs::metadata(&target).expect("unpacked").len();
        size - start
    });
    Some(Image { path: target, start: *start, length })
}

/// Makes a volume of `size` bytes.
pub(crate) fn mkntfs(folder: &Path, size: u64, cluster: u64, extra: &str) -> Option<Image> {
    if !tool("mkntfs") {
        return None;
    }
    let path = folder.join("volume.raw");
    let shown = path.display();
    // mkntfs takes its time over zeroing unless told to be quick.
    shell(&format!(
        "truncate -s {size} '{shown}' && mkntfs -F -Q -q -c {cluster} -p 0 -H 0 -S 0 {extra} '{shown}'"
    ));
    Some(Image { path, start: 0, length: None })
}
