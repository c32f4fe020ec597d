//! Outside programs, real files, and devices over them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use winkiln_disk::{Device, MemoryDevice};
use winkiln_volume::{OpenOptions, Volume};

/// 2026-11-21 20:02:34 UTC.
pub(crate) const NOW: u64 = 134_397_649_540_000_000;

/// Says that a test could not run; fails where everything has to be there.
pub(crate) fn missing(why: &str) {
    assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "{why}");
    eprintln!("SKIPPED: {why}");
}

/// True when every program is installed.
pub(crate) fn have(programs: &[&str]) -> bool {
    programs.iter().all(|program| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
        if !found {
            missing(&format!("no program {program}"));
        }
        found
    })
}

/// A folder of the corpus; `None`, with a word on standard error, when there is no corpus here.
pub(crate) fn corpus(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("WINKILN_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let folder = root.join(name);
    if !folder.is_dir() {
        missing(&format!("no corpus folder {name} (set WINKILN_CORPUS)"));
        return None;
    }
    Some(folder)
}

/// Runs a program; its exit status and what it said.
pub(crate) fn run(program: &str, arguments: &[&str]) -> (bool, Vec<u8>, String) {
    let mut command = Command::new(program);
    command.args(arguments).env("MTOOLS_SKIP_CHECK", "1").env("TZ", "UTC").env("LC_ALL", "C.UTF-8");
    let output = command.output().unwrap();
    (output.status.success(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Runs a program that has to succeed; what it wrote.
pub(crate) fn must(program: &str, arguments: &[&str]) -> Vec<u8> {
    let (success, stdout, stderr) = run(program, arguments);
    assert!(success, "{program} {arguments:?}: {}{stderr}", String::from_utf8_lossy(&stdout));
    stdout
}

/// A device over a file's bytes.
pub(crate) fn device(path: &Path) -> Arc<MemoryDevice> {
    Arc::new(MemoryDevice::new(std::fs::read(path).unwrap()))
}

/// Opens what a device holds for writing.
pub(crate) fn writable(device: &Arc<MemoryDevice>) -> Volume {
    open(device, true).unwrap()
}

pub(crate) fn open(
    device: &Arc<MemoryDevice>,
    writable: bool,
) -> Result<Volume, winkiln_volume::VolumeError> {
    Volume::open(
        Arc::clone(device) as Arc<dyn Device>,
        OpenOptions { writable, now: NOW, ..Default::default() },
    )
}

/// Numbers that are the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}
