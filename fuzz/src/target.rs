//! One source for every fuzzer: the program's name says which target it runs.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use winkiln_fuzz_targets::{TARGETS, Target};

static TARGET: OnceLock<&Target> = OnceLock::new();

fn target() -> &'static Target {
    TARGET.get_or_init(|| {
        let program = std::env::args().next().unwrap_or_default();
        let name = program.rsplit('/').next().unwrap_or_default();
        TARGETS.iter().find(|target| target.name == name).expect("a program named after a target")
    })
}

fuzz_target!(|data: &[u8]| (target().run)(data));
