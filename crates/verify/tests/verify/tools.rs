//! Outside programs, and what they make.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use winkiln_disk::{Device, MemoryDevice};
use winkiln_verify::{Claim, Contents, Fingerprint, Opinion, VerifyError, verify_volume};

/// True when every program is installed; otherwise says so, or fails where they are required.
pub(crate) fn have(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing: Vec<&&str> = programs
        .iter()
        .filter(|program| !std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
        .collect();
    skip_unless(missing.is_empty(), &format!("missing programs: {missing:?}"))
}

/// The corpus file, when there is a corpus.
pub(crate) fn corpus(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("WINKILN_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let path = folder.join(file);
    skip_unless(path.exists(), &format!("no corpus file {file}")).then_some(path)
}

fn skip_unless(present: bool, why: &str) -> bool {
    if !present {
        assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "{why}");
        eprintln!("SKIPPED: {why}");
    }
    present
}

/// Runs a program that must succeed and returns its output.
pub(crate) fn run(command: &mut Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The unpacked bytes of an `.xz` file.
pub(crate) fn unxz(path: &Path) -> Vec<u8> {
    run(Command::new("xz").arg("-dc").arg(path))
}

/// A volume made by `mkntfs` and filled through `ntfs-3g`.
pub(crate) fn ntfs_volume(size: u64, cluster: u32, fill: impl FnOnce(&Path)) -> Arc<dyn Device> {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("volume.raw");
    fs::File::create(&image).unwrap().set_len(size).unwrap();
    run(Command::new("mkntfs")
        .args(["-F", "-Q", "-q", "-H", "255", "-S", "63", "-p", "0", "-s", "512", "-c"])
        .arg(cluster.to_string())
        .arg(&image));
    let mount = Mount::new(&image, &folder.path().join("mount"));
    fill(&mount.0);
    drop(mount);
    Arc::new(MemoryDevice::new(fs::read(&image).unwrap()))
}

struct Mount(PathBuf);

impl Mount {
    fn new(image: &Path, place: &Path) -> Self {
        fs::create_dir(place).unwrap();
        run(Command::new("ntfs-3g")
            .args(["-o", "streams_interface=windows,compression"])
            .args([image, place]));
        Self(place.to_owned())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run(Command::new("umount").arg(&self.0));
    }
}

/// The claim that `path` holds `contents`.
pub(crate) fn file(path: &str, contents: &[u8]) -> Claim {
    Claim::File { path: path.to_owned(), contents: Contents::Bytes(Arc::new(contents.to_vec())) }
}

/// The claim that `path` holds something of this length and hash.
pub(crate) fn hashed(path: &str, contents: &[u8]) -> Claim {
    let contents = Contents::Fingerprint(Fingerprint::of(contents));
    Claim::File { path: path.to_owned(), contents }
}

/// The opinion on claims that must stand.
#[track_caller]
pub(crate) fn opinion(device: &Arc<dyn Device>, claims: &[Claim]) -> Opinion {
    match verify_volume(device.clone(), claims) {
        Ok(opinion) => opinion,
        Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
    }
}

/// Checks that each claim alone is verified, not skipped.
#[track_caller]
pub(crate) fn agrees(device: &Arc<dyn Device>, claims: &[Claim]) {
    let opinion = opinion(device, claims);
    assert_eq!(opinion.skipped, []);
    assert!(opinion.verified.len() >= claims.len(), "{opinion:?}");
}

/// Checks that the claim is found wrong, for this reason.
#[track_caller]
pub(crate) fn disagrees(device: &Arc<dyn Device>, claim: Claim, reason: &str) {
    match verify_volume(device.clone(), std::slice::from_ref(&claim)) {
        Err(VerifyError::Disagreement { difference, .. }) => {
            assert!(difference.contains(reason), "{claim:?}: {difference}");
        }
        other => panic!("{claim:?}: {other:?}"),
    }
}

/// Seeded bytes.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
