//! Guests built by other programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;
use winkiln_disk::{Device, Image, OpenOptions, Transaction};
use winkiln_guest::{Disk, Windows};

/// The time stamped on edits.
pub(crate) const NOW: u64 = 0x01DA_0000_0000_0000;

/// A guest's disk in a folder of its own.
pub(crate) struct Guest {
    pub(crate) folder: TempDir,
}

impl Guest {
    /// Builds a guest with the script beside the workspace; `None` when that cannot run here.
    pub(crate) fn build(options: &[&str]) -> Option<Self> {
        let script = beside("judges/mkguest.sh", "WINKILN_JUDGES")?;
        let corpus = beside("corpus/MANIFEST.md", "WINKILN_CORPUS")?;
        if !have(&[
            "losetup",
            "sfdisk",
            "mkntfs",
            "ntfs-3g",
            "hivexsh",
            "hivexregedit",
            "mcopy",
            "xz",
        ]) || !is_root()
        {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let guest = Self { folder };
        run(Command::new("bash")
            .arg(script)
            .arg(guest.image())
            .args(["--size", "1G"])
            .args(options)
            .env("WINKILN_CORPUS", corpus.parent().unwrap())
            .env("PATH", path_with_system_python()));
        Some(guest)
    }

    pub(crate) fn image(&self) -> PathBuf {
        self.folder.path().join("disk.raw")
    }

    /// The disk in a transaction.
    pub(crate) fn begin(&self, writable: bool) -> (Arc<Transaction>, Disk) {
        let options = OpenOptions { writable, ..OpenOptions::default() };
        let image = Image::open(&self.image(), &options).expect("the image opens");
        let transaction = Arc::new(Transaction::begin(image));
        let device: Arc<dyn Device> = transaction.clone();
        (transaction, Disk::open(device, true, NOW).expect("the disk opens"))
    }

    /// The disk, and the one Windows on it.
    pub(crate) fn windows(&self) -> (Disk, Windows) {
        let (_, mut disk) = self.begin(false);
        let mut found = disk.find_windows().expect("installations are found");
        assert_eq!(found.len(), 1, "{found:#?}");
        (disk, found.remove(0))
    }
}

/// System programs first: the script's hive bindings belong to the system's Python.
fn path_with_system_python() -> String {
    format!("/usr/sbin:/usr/bin:/sbin:/bin:{}", std::env::var("PATH").unwrap_or_default())
}

/// True when every program is installed; otherwise says so, or fails where they are required.
pub(crate) fn have(programs: &[&str]) -> bool {
    let path = path_with_system_python();
    let missing: Vec<&&str> = programs
        .iter()
        .filter(|program| !path.split(':').any(|dir| Path::new(dir).join(program).is_file()))
        .collect();
    skip_unless(missing.is_empty(), &format!("missing programs: {missing:?}"))
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().map(|output| output.stdout).unwrap_or_default();
    skip_unless(id == b"0\n", "loop devices need root")
}

/// A file of the folder beside the workspace, or of the folder that a variable names.
pub(crate) fn beside(file: &str, variable: &str) -> Option<PathBuf> {
    let (folder, rest) = file.split_once('/').unwrap();
    let folder = std::env::var_os(variable).map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(folder),
        PathBuf::from,
    );
    let path = folder.join(rest);
    skip_unless(path.exists(), &format!("no file {}", path.display())).then_some(path)
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
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    output.stdout
}

/// Changes a bare volume through `ntfs-3g`.
pub(crate) fn change(image: &Path, edit: impl FnOnce(&Path)) {
    let place = tempfile::tempdir().unwrap();
    run(Command::new("ntfs-3g").args([image, place.path()]));
    edit(place.path());
    run(Command::new("umount").arg(place.path()));
}

/// Merges a `.reg` file into a hive with `hivexregedit`.
pub(crate) fn merge(hive: &Path, prefix: &str, reg: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), format!("Windows Registry Editor Version 5.00\n\n{reg}")).unwrap();
    run(Command::new("hivexregedit")
        .args(["--merge", "--prefix", prefix])
        .arg(hive)
        .arg(file.path()));
}
