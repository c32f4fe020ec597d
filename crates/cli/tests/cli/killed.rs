//! A program killed at any moment leaves the image as before, or completely baked.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::env::{Guest, command, hash, path, winkiln};
use crate::overlay::qemu_img;

/// A bake that writes the same bytes each time, some of them ahead of the commit.
fn bake<'a>(image: &'a str, file: &'a str) -> Vec<&'a str> {
    vec![
        "apply",
        image,
        file,
        "--preset",
        "utc-clock",
        "--preset",
        "crash-dump=small",
        "--preset",
        "testsigning",
        "--time",
        "1700000000",
    ]
}

#[test]
fn a_killed_bake_is_whole_or_never_was() {
    let guest = Guest::new();
    if qemu_img(&["--version"]).is_none() {
        return;
    }
    let rounds = if std::env::var_os("WINKILN_LONG").is_some() { 300 } else { 10 };
    let _ = guest.write("big.bin", &[7; 3 << 20]);
    let recipe = "[[files]]\nfrom = \"big.bin\"\nto = 'C:\\big.bin'\n";
    let recipe = guest.write("recipe.toml", recipe.as_bytes());
    let old = guest.local("old.qcow2");
    let _ = qemu_img(&["convert", "-f", "raw", "-O", "qcow2", guest.image(), &old]);
    let folder = guest.dir.path().join("rounds");
    let image = folder.join("guest.qcow2");
    let again = || {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).expect("a folder");
        fs::copy(&old, &image).expect("a copy");
    };
    again();
    let started = Instant::now();
    let _ = winkiln(&bake(path(&image), &recipe)).ok();
    let took = started.elapsed();
    let (before, after) = (hash(old.as_ref()), hash(&image));
    assert_ne!(before, after);
    let _ = qemu_img(&["check", "-q", path(&image)]);
    let _ = winkiln(&["check", path(&image)]).ok();

    let (mut ends, mut journals) = ([0, 0], 0);
    for round in 0..rounds {
        again();
        let journal = folder.join("guest.qcow2.winkiln-journal");
        let mut child = command(&bake(path(&image), &recipe))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the built program starts");
        // Every other round waits for the commit, which takes a small part of the time.
        let part = Duration::from_micros(u64::from(round) * 7919 % 4001);
        if round % 2 == 0 {
            thread::sleep(took * round / rounds + part / 40);
        } else {
            while !journal.exists() && matches!(child.try_wait(), Ok(None)) {
                thread::sleep(Duration::from_micros(50));
            }
            thread::sleep(part);
        }
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().expect("the program ends");
        journals += u32::from(journal.exists());
        drop(winkiln(&["recover", path(&image)]).ok());
        let now = hash(&image);
        assert!(now == before || now == after, "round {round}: neither before nor after");
        ends[usize::from(now == after)] += 1;
        assert_eq!(names(&folder), 1, "round {round}: a journal stays behind");
        let _ = qemu_img(&["check", "-q", path(&image)]);
    }
    let _ = writeln!(
        std::io::stderr(),
        "{rounds} bakes killed: {} as before, {} baked; {journals} with a journal",
        ends[0],
        ends[1]
    );
    assert!(ends[0] > 0, "no round was killed before the commit: {ends:?}");
}

fn names(folder: &Path) -> usize {
    fs::read_dir(folder).expect("the folder is there").count()
}
