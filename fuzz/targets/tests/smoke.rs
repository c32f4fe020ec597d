//! Runs every fuzz target over its seeds and a few thousand mutations of them. `WINKILN_LONG=1` runs many more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use winkiln_fuzz_targets::{TARGETS, Target, mutate::Random};

/// Runs one input; the report of a panic holds the input.
fn run(target: &Target, input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
        let path =
            std::env::temp_dir().join(format!("winkiln-{}-{:016x}.bin", target.name, sum(input)));
        std::fs::write(&path, input).expect("the input is kept");
        panic!(
            "{}: an input of {} bytes breaks a promise: {}",
            target.name,
            input.len(),
            path.display()
        );
    }
}

fn sum(input: &[u8]) -> u64 {
    input.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn every_target_withstands_its_mutated_seeds() {
    let long = std::env::var_os("WINKILN_LONG").is_some();
    // The time is a limit for slow machines; the turns come first.
    let (turns, time) = if long { (200_000, 60) } else { (4000, 1) };
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has seeds", target.name);
        for seed in &seeds {
            run(target, seed);
        }
        run(target, &[]);
        let mut random = Random::new(0x5eed);
        let start = Instant::now();
        for _ in 0..turns {
            let (seed, other) =
                (&seeds[random.below(seeds.len())], &seeds[random.below(seeds.len())]);
            run(target, &random.mutate(seed, other));
            if start.elapsed() > Duration::from_secs(time) {
                break;
            }
        }
    }
}
