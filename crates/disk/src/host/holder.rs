//! Which programs lock a file, as far as the system tells.
//!
//! Source: `proc(5)`: `/proc/PID/fd`, and the `lock:` lines of `/proc/PID/fdinfo`.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Programs told by name; more are of no use.
const TOLD_MAX: usize = 3;
/// Characters of a program's name that are told.
const NAME_MAX: usize = 64;

/// The programs that hold locks on a file. Those of other users stay unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holders(Vec<(u32, String)>);

impl Holders {
    /// Looks for those of the file at `path`.
    pub(crate) fn of(path: &Path) -> Self {
        let Ok(file) = fs::metadata(path) else { return Self::default() };
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let holds = |process: &u32| locks(*process, (file.dev(), file.ino())).unwrap_or(false);
        let holders = processes.filter(|process| *process != std::process::id()).filter(holds);
        Self(holders.take(TOLD_MAX).map(|process| (process, name(process))).collect())
    }
}

/// Whether a process has locks on the file with these numbers of device and inode; `None` when it is gone or somebody else's.
fn locks(process: u32, file: (u64, u64)) -> Option<bool> {
    for entry in fs::read_dir(format!("/proc/{process}/fd")).ok()?.flatten() {
        // First what is sure to answer: an open file may lie on a file system that does not.
        let number = entry.file_name();
        let info = Path::new("/proc").join(process.to_string()).join("fdinfo").join(number);
        let info = fs::read_to_string(info).unwrap_or_default();
        if !info.lines().any(|line| line.starts_with("lock:")) {
            continue;
        }
        // What the link leads to, which is the open file whatever its name is by now.
        let Ok(facts) = fs::metadata(entry.path()) else { continue };
        if (facts.dev(), facts.ino()) == file {
            return Some(true);
        }
    }
    Some(false)
}

fn name(process: u32) -> String {
    let program = fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let name = name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect::<String>();
    if name.is_empty() { "a program".to_owned() } else { name }
}

impl fmt::Display for Holders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("another program");
        }
        for (number, (process, name)) in self.0.iter().enumerate() {
            let before = if number == 0 { "" } else { " and " };
            write!(f, "{before}{name} (process {process})")?;
        }
        Ok(())
    }
}
