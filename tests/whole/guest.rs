//! Guests to bake: built around real hives with programs that we did not write.

use std::path::{Path, PathBuf};

use crate::tools::{have, outside, root};

/// The folder with the corpus and the judges, when it is there.
pub fn shared() -> Option<PathBuf> {
    let corpus = std::env::var_os("WINKILN_CORPUS")
        .map_or_else(|| crate::tools::workspace().join("../shared/corpus"), PathBuf::from);
    let shared = corpus.parent()?.to_path_buf();
    if corpus.is_dir() && shared.join("judges/mkguest.sh").is_file() {
        return Some(shared);
    }
    eprintln!("SKIPPED: no corpus of real files at {}", corpus.display());
    None
}

/// A guest to build. `os` as `mkguest.sh` names it.
#[derive(Clone, Copy, Debug)]
pub struct Guest {
    pub os: &'static str,
    pub table: &'static str,
    pub format: &'static str,
    pub cluster: u32,
    pub files: u32,
}

impl Guest {
    pub const fn new(os: &'static str, table: &'static str, format: &'static str) -> Self {
        Self { os, table, format, cluster: 4096, files: 0 }
    }

    /// Builds it as `folder/guest.<format>`; `None`, with a word about it, where that is not possible.
    pub fn build(&self, folder: &Path) -> Option<PathBuf> {
        let shared = shared()?;
        let tools =
            ["mkntfs", "ntfs-3g", "hivexsh", "hivexregedit", "qemu-img", "sfdisk", "mmd", "xz"];
        if !have(&tools) || !root() {
            return None;
        }
        let image = folder.join(format!("guest.{}", self.format));
        let mut args = vec![
            shared.join("judges/mkguest.sh").display().to_string(),
            image.display().to_string(),
        ];
        for (option, value) in [
            ("--os", self.os.to_owned()),
            ("--table", self.table.to_owned()),
            ("--cluster", self.cluster.to_string()),
            ("--files", self.files.to_string()),
            ("--size", "320M".to_owned()),
        ] {
            args.extend([option.to_owned(), value]);
        }
        if self.os == "8.1" {
            // The published hive is dirty and came without its logs: settled as a clean shutdown would have left it.
            let hive = folder.join("SYSTEM-8.1");
            let packed = shared.join("corpus/hive/regipy-win81-x64/SYSTEM.xz");
            std::fs::write(&hive, unpack(&packed)).expect("the hive is written");
            settle(&hive);
            args.extend(["--system".to_owned(), hive.display().to_string()]);
        }
        outside("bash", args);
        Some(image)
    }
}

/// The contents of an `.xz` file.
pub fn unpack(path: &Path) -> Vec<u8> {
    let output = std::process::Command::new("xz").arg("-dc").arg(path).output().expect("xz runs");
    assert!(output.status.success(), "{}", path.display());
    output.stdout
}

fn settle(hive: &Path) {
    let script = hive.with_extension("hivexsh");
    std::fs::write(&script, "commit\nunload\n").expect("the script is written");
    outside("hivexsh", [Path::new("-w"), hive, Path::new("-f"), &script]);
}
