//! A program killed at any moment leaves the image as before, or completely baked.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::env::{Guest, command, winkiln};

const ROUNDS: u32 = 24;

/// The arguments of a bake that writes the same bytes each time.
fn bake(image: &str) -> Vec<&str> {
    vec![
        "apply",
        image,
        "--preset",
        "utc-clock",
        "--preset",
        "no-fast-startup",
        "--preset",
        "crash-dump=small",
        "--preset",
        "online-disks",
        "--time",
        "1700000000",
    ]
}

#[test]
fn a_killed_bake_is_whole_or_never_was() {
    let guest = Guest::new();
    let before = guest.hash();
    let started = Instant::now();
    drop(winkiln(&bake(guest.image())).ok());
    let took = started.elapsed();
    let after = guest.hash();
    assert_ne!(before, after);
    let mut ends = [0, 0];
    for round in 0..ROUNDS {
        let guest = Guest::new();
        let mut child = command(&bake(guest.image()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the built program starts");
        thread::sleep(took * round / ROUNDS + Duration::from_micros(u64::from(round) * 37));
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().expect("the program ends");
        drop(winkiln(&["recover", guest.image()]).ok());
        let now = guest.hash();
        assert!(now == before || now == after, "round {round}: neither before nor after");
        ends[usize::from(now == after)] += 1;
        let left = std::fs::read_dir(guest.dir.path()).expect("the folder is there").count();
        assert_eq!(left, 1, "round {round}: a journal stays behind");
    }
    assert!(ends[0] > 0, "no round was killed before the commit: {ends:?}");
}
