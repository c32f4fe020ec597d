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
        outside("bash", args);
        Some(image)
    }
}
