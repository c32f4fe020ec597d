//! Finding and running programs: winkiln itself and the outside ones.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The workspace root.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace")
}

/// The built program; built once per test run.
pub fn winkiln() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        // target/<profile>/deps/whole-... -> target/<profile>/winkiln
        let exe = std::env::current_exe().expect("the test program has a path");
        let profile_dir = exe.ancestors().nth(2).expect("it lies in target/<profile>/deps");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "-p", "winkiln-cli", "--target-dir"]);
        cargo.arg(profile_dir.parent().expect("target/<profile> lies in target"));
        if profile_dir.ends_with("release") {
            cargo.arg("--release");
        }
        let status = cargo.current_dir(workspace()).status().expect("cargo runs");
        assert!(status.success(), "winkiln does not build");
        profile_dir.join("winkiln")
    })
}

/// What a run of winkiln did.
#[must_use = "look at the exit status or the output"]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Asserts the exit status.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The JSON document on standard output.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}:\n{}", self.stdout))
    }
}

/// Runs winkiln.
pub fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    let output = Command::new(winkiln())
        .args(args)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .expect("winkiln runs");
    text(&output)
}

fn text(output: &Output) -> Run {
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs an outside program and returns its standard output; fails the test when the program fails.
#[track_caller]
pub fn outside<S: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = S>) -> String {
    let output = outside_run(program, args);
    assert!(output.code == 0, "{program}: {}\n{}{}", output.code, output.stdout, output.stderr);
    output.stdout
}

/// Runs an outside program.
pub fn outside_run<S: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = S>) -> Run {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new(program).args(args).env("PATH", path).stdin(Stdio::null()).output();
    text(&output.unwrap_or_else(|e| panic!("{program}: {e}")))
}

/// True when every program is there. Otherwise says so, or fails where the run must be complete.
pub fn have(programs: &[&str]) -> bool {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let missing: Vec<_> = programs
        .iter()
        .filter(|name| !std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
        .collect();
    if missing.is_empty() {
        return true;
    }
    let complete = std::env::var_os("WINKILN_REQUIRE_TOOLS").is_some();
    assert!(!complete, "missing programs: {missing:?}");
    eprintln!("SKIPPED: missing programs: {missing:?}");
    false
}

/// True for root; otherwise says that the test is skipped.
pub fn root() -> bool {
    let root = outside("id", ["-u"]).trim() == "0";
    if !root {
        eprintln!("SKIPPED: needs root for loop devices and mounts");
    }
    root
}

/// SHA-256 of a file, by `sha256sum`.
pub fn hash(path: &Path) -> String {
    outside("sha256sum", [path]).split_whitespace().next().expect("a hash").to_owned()
}
