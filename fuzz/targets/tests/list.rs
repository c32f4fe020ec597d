//! The fuzzers of `fuzz/` are the targets of this crate.

use winkiln_fuzz_targets::TARGETS;

#[test]
fn every_target_has_a_fuzzer() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).expect("the fuzzers' manifest");
    let fuzzers: Vec<_> = manifest
        .split("[[bin]]")
        .skip(1)
        .filter_map(|bin| bin.split("name = \"").nth(1)?.split('"').next())
        .collect();
    let targets: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(fuzzers, targets);
}
