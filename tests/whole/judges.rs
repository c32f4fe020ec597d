//! The judges: other people's programs over what winkiln wrote.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::guest::shared;
use crate::tools::{outside, outside_run};

/// Fails when a judge of volumes finds something in `after` that `before` had not.
#[track_caller]
pub fn judge_volumes(after: &Path, before: &Path) {
    let Some(shared) = shared() else { return };
    let script = shared.join("judges/ntfscheck.sh");
    let run = outside_run("bash", [&script, after, before]);
    assert!(run.code == 0, "ntfscheck: {}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("clean"), "ntfscheck said: {}{}", run.stdout, run.stderr);
    if after.extension().is_some_and(|e| e == "qcow2") {
        outside("qemu-img", [Path::new("check"), Path::new("-q"), after]);
    }
}

/// Findings of `hivecheck.py` on a hive, one a line; empty when clean.
pub fn judge_hive(hive: &Path) -> String {
    let Some(shared) = shared() else { return String::new() };
    let script = shared.join("judges/hivecheck.py");
    let run = outside_run("python3", [&script, hive]);
    assert!(run.code == 0 || run.code == 1, "hivecheck: {}{}", run.stdout, run.stderr);
    if run.code == 0 { String::new() } else { run.stdout }
}

/// A raw copy of an image, made by qemu-img.
pub fn raw_copy(image: &Path, folder: &Path) -> PathBuf {
    let name = image.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let raw = folder.join(format!("raw-copy-of-{name}.img"));
    let raw_copy = raw.as_os_str();
    outside(
        "qemu-img",
        ["convert".as_ref(), "-O".as_ref(), "raw".as_ref(), image.as_os_str(), raw_copy],
    );
    raw
}

/// Copies a file out of the NTFS volume at a byte offset of a raw disk with `ntfscat`.
#[track_caller]
pub fn ntfs_file(raw: &Path, offset: u64, path: &str, to: &Path) {
    let device = outside(
        "losetup",
        ["-f", "--show", "-r", "-o", &offset.to_string(), &raw.display().to_string()],
    );
    let device = device.trim();
    let output = Command::new("ntfscat").args(["-f", device, path]).output().expect("ntfscat runs");
    outside("losetup", ["-d", device]);
    assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(to, output.stdout).expect("the copy is written");
}

/// One value as `hivexget` prints it, `None` when there is none.
pub fn hivexget(hive: &Path, key: &str, name: &str) -> Option<String> {
    let run = outside_run("hivexget", [hive.as_os_str(), key.as_ref(), name.as_ref()]);
    (run.code == 0).then(|| run.stdout.trim_end().to_owned())
}
