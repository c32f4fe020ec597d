//! Writes a fuzz target's seeds into a folder, one file each. usage: fuzz-seeds TARGET FOLDER
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

use winkiln_fuzz_targets::TARGETS;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, folder] = &arguments[..] else { return ExitCode::from(2) };
    let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
        return ExitCode::from(2);
    };
    let write = |(index, seed): (usize, Vec<u8>)| {
        std::fs::write(Path::new(folder).join(format!("seed-{index:03}")), seed)
    };
    match (target.seeds)().into_iter().enumerate().try_for_each(write) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
