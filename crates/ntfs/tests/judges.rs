//! Other programs that read what was written.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
};

use winkiln_ntfs::{FileReference, Volume};

use crate::images::{Image, shell, skip, tool};

/// A volume mounted read-only by ntfs-3g.
pub(crate) struct Mount {
    folder: tempfile::TempDir,
    device: String,
}

impl Mount {
    pub(crate) fn new(image: &Image, options: &str) -> Option<Self> {
        if !tool("ntfs-3g") || !Path::new("/dev/fuse").exists() || !is_root() {
            skip("mounting needs ntfs-3g, /dev/fuse and root");
            return None;
        }
        let size = image.length.map_or(String::new(), |length| format!("--sizelimit {length}"));
        let mode = if options.contains("ro") { "-r" } else { "" };
        let device = shell(&format!(
            "losetup -f --show {mode} -o {} {size} '{}'",
            image.start,
            image.path.display()
        ));
        let device = device.trim().to_owned();
        let folder = tempfile::tempdir().expect("a folder to mount on");
        let mount = Self { folder, device };
        shell(&format!("ntfs-3g -o {options} {} '{}'", mount.device, mount.path().display()));
        Some(mount)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// An extended attribute of a file, which is how ntfs-3g shows what other filesystems do not have. Links are not followed.
    pub(crate) fn attribute(&self, path: &str, name: &str) -> Vec<u8> {
        let text = shell(&format!(
            "python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], sys.argv[2], follow_symlinks=False).hex())' '{}/{path}' {name}",
            self.path().display()
        ));
        let pairs = text.trim().as_bytes().chunks(2);
        let byte = |pair: &[u8]| {
            u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("hexadecimal")
        };
        pairs.map(byte).collect()
    }

    /// Sets one, given in hexadecimal.
    pub(crate) fn set_attribute(&self, path: &str, name: &str, value: &str) {
        shell(&format!(
            "python3 -c 'import os, sys; os.setxattr(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]), follow_symlinks=False)' '{}/{path}' {name} {value}",
            self.path().display()
        ));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let script =
            format!("umount '{}'; losetup -d {}", self.folder.path().display(), self.device);
        let _ = Command::new("bash").args(["-c", &script]).status();
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// A stable digest of bytes (FNV-1a over 64-bit words, then bytes).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Digest {
    pub(crate) hash: u64,
    pub(crate) length: u64,
}

impl Digest {
    pub(crate) fn new() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, length: 0 }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.length += bytes.len() as u64;
    }

    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut digest = Self::new();
        digest.update(bytes);
        digest
    }
}

/// Digest of a stream as the crate reads it.
pub(crate) fn digest_stream(
    volume: &Volume,
    file: FileReference,
    stream: &str,
) -> Result<Digest, winkiln_ntfs::Error> {
    let mut digest = Digest::new();
    let mut buf = vec![0; 1 << 18];
    loop {
        let read = volume.read_at(file, stream, digest.length, &mut buf)?;
        if read == 0 {
            return Ok(digest);
        }
        digest.update(&buf[..read]);
    }
}

/// Files (with digests) and folders (without) by path.
pub(crate) type Tree = BTreeMap<String, Option<Digest>>;

/// The tree as the crate sees it; what is refused by design is left out and counted. Reparse points are left out.
pub(crate) fn tree_of(volume: &Volume) -> (Tree, usize) {
    let mut tree = Tree::new();
    let mut refused = 0;
    let mut folders = vec![(String::new(), volume.root())];
    while let Some((path, folder)) = folders.pop() {
        for entry in volume.read_directory(folder).unwrap_or_else(|error| panic!("{path}: {error}"))
        {
            let path = format!("{path}/{}", entry.name);
            let facts =
                volume.metadata(entry.reference).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert_eq!(facts.is_directory, entry.is_directory, "{path}");
            if facts.reparse_tag.is_some() {
                refused += 1;
                continue;
            }
            if entry.is_directory {
                tree.insert(path.clone(), None);
                folders.push((path, entry.reference));
                continue;
            }
            match digest_stream(volume, entry.reference, "") {
                Ok(digest) => {
                    assert_eq!(digest.length, facts.size, "{path}");
                    tree.insert(path, Some(digest));
                }
                Err(
                    winkiln_ntfs::Error::Encrypted { .. }
                    | winkiln_ntfs::Error::WofCompressed { .. },
                ) => refused += 1,
                Err(winkiln_ntfs::Error::NoSuchStream { .. }) => {
                    tree.insert(path, Some(Digest::new()));
                }
                Err(error) => panic!("{path}: {error}"),
            }
        }
    }
    (tree, refused)
}

/// The tree as ntfs-3g sees it.
pub(crate) fn mounted_tree(mount: &Mount) -> Tree {
    fn walk(folder: &Path, path: &str, tree: &mut Tree) {
        for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{path}: {error}")) {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            let inner = format!("{path}/{name}");
            let kind = entry.file_type().expect("a type");
            if kind.is_symlink() {
                continue;
            }
            if kind.is_dir() {
                tree.insert(inner.clone(), None);
                walk(&entry.path(), &inner, tree);
            } else {
                tree.insert(inner, Some(digest_file(&entry.path())));
            }
        }
    }
    let mut tree = Tree::new();
    walk(mount.path(), "", &mut tree);
    // ntfs-3g shows this one of NTFS's own files.
    tree.retain(|path, _| !path.starts_with("/$Extend"));
    tree
}

fn digest_file(path: &PathBuf) -> Digest {
    let mut digest = Digest::new();
    let mut file =
        fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut buf = vec![0; 1 << 18];
    loop {
        let read =
            file.read(&mut buf).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if read == 0 {
            return digest;
        }
        digest.update(&buf[..read]);
    }
}

/// Compares two trees and shows what differs.
pub(crate) fn assert_same_tree(ours: &Tree, theirs: &Tree, what: &str) {
    let mut differences = Vec::new();
    for (path, digest) in ours {
        match theirs.get(path) {
            None => differences.push(format!("only here: {path}")),
            Some(other) if other != digest => {
                differences.push(format!("differs: {path} {digest:?} {other:?}"));
            }
            Some(_) => {}
        }
    }
    differences.extend(
        theirs
            .keys()
            .filter(|path| !ours.contains_key(*path))
            .map(|path| format!("only there: {path}")),
    );
    assert!(
        differences.is_empty(),
        "{what}: {} differences: {:#?}",
        differences.len(),
        &differences[..differences.len().min(12)]
    );
}

/// Our own check, which needs no other program; then checkdisk, ntfsfix -n and a full read by ntfs-3g: nothing that the image had
/// not before.
pub(crate) fn judge(after: &Path, before: Option<&Path>) {
    let mut boot = [0; 11];
    let mut file = fs::File::open(after).expect("an image");
    file.read_exact(&mut boot).expect("a boot sector");
    // Of a whole disk the volume is checked by those who know where it begins.
    if &boot[3..] == b"NTFS    " {
        let image = Image { path: after.to_owned(), start: 0, length: None };
        crate::check::assert_clean(&image, &after.display().to_string());
    }
    judge_as(after, before, "");
}

/// The same, with a word on what is judged.
pub(crate) fn judge_as(after: &Path, before: Option<&Path>, what: &str) {
    let Some(folder) = crate::images::shared("judges", "WINKILN_JUDGES") else { return };
    if !is_root() || !tool("ntfs-3g") {
        return;
    }
    let script = folder.join("ntfscheck.sh");
    let output =
        Command::new("bash").arg(script).arg(after).args(before).output().expect("bash runs");
    if output.status.code() == Some(2) {
        return skip("ntfscheck.sh cannot run here");
    }
    let found = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{what}: {found}");
}
