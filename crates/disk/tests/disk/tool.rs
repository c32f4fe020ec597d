//! Outside programs, scratch folders and seeded numbers.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// True when every program is there. Otherwise says so loudly, and fails where `WINKILN_REQUIRE_TOOLS` is set.
#[must_use]
pub(crate) fn have(programs: &[&str]) -> bool {
    let mut folders: Vec<PathBuf> = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    folders.extend(["/usr/sbin".into(), "/sbin".into()]);
    for program in programs {
        if !folders.iter().any(|folder| folder.join(program).is_file()) {
            skip(&format!("{program} is not installed"));
            return false;
        }
    }
    true
}

/// Says that a test is skipped; fails where `WINKILN_REQUIRE_TOOLS` is set.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "required: {why}");
    eprintln!("SKIPPED: {why}");
}

/// Runs a program that must succeed, and returns its standard output.
pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(program: &str, arguments: &[S]) -> String {
    let output = output(program, arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program}: {error}{text}");
    text
}

/// Runs a program.
pub(crate) fn output<S: AsRef<std::ffi::OsStr>>(program: &str, arguments: &[S]) -> Output {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    Command::new(program).args(arguments).env("PATH", path).output().expect(program)
}

/// Runs a program with arguments split at blanks, `{}` standing for the folder.
pub(crate) fn sh(folder: &Path, line: &str) -> String {
    let line = line.replace("{}", folder.to_str().expect("scratch folder is UTF-8"));
    let mut words = line.split_whitespace();
    let program = words.next().expect("a program");
    run(program, &words.collect::<Vec<_>>())
}

/// A scratch folder that goes with the test.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("scratch folder")
}

/// Numbers that look random and are the same every time (xorshift64*).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(2 * seed + 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        for chunk in bytes.chunks_mut(8) {
            let number = self.next().to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
        bytes
    }
}
