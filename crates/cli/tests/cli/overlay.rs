//! `--overlay OUT.qcow2`, judged by qemu-img.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::env::{Guest, command, hash, require_tools, winkiln};

const APPLY: [&str; 6] =
    ["--preset", "utc-clock", "--preset", "crash-dump=small", "--time", "1700000000"];

/// Runs qemu-img; `None`, said loudly, when it is not here.
pub(crate) fn qemu_img(args: &[&str]) -> Option<String> {
    match Command::new("qemu-img").args(args).output() {
        Ok(done) => {
            let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
            assert!(done.status.success(), "{args:?}: {said}");
            Some(said)
        }
        Err(error) => {
            assert!(!require_tools(), "qemu-img: {error}");
            eprintln!("SKIPPED: qemu-img: {error}");
            None
        }
    }
}

/// An overlay is sound, names its backing file, and shows the guest what a bake in place would.
fn judge(overlay: &Path, backing: &str, format: &str, baked: &str) {
    let overlay = overlay.to_str().expect("text");
    let Some(info) = qemu_img(&["info", "--output=json", overlay]) else { return };
    let info: serde_json::Value = serde_json::from_str(&info).expect("JSON");
    assert_eq!(info["backing-filename"], backing);
    assert_eq!(info["backing-filename-format"], format);
    let _ = qemu_img(&["check", "-f", "qcow2", overlay]);
    let _ = qemu_img(&["compare", "-f", "qcow2", "-F", "raw", overlay, baked]);
}

#[test]
fn the_image_stays_and_the_overlay_holds_the_result() {
    let guest = Guest::new();
    let folder = guest.dir.path();
    let before = guest.hash();
    let big = guest.write("big.bin", &[7; 3 << 20]);
    let baked = folder.join("baked.raw");
    fs::copy(guest.image(), &baked).expect("a copy");
    let baked = baked.to_str().expect("text");
    let _ = winkiln(&[&["apply", baked][..], &APPLY].concat()).ok();

    let out = folder.join("out.qcow2");
    let to = out.to_str().expect("text");
    let bake = [&["apply", guest.image(), "--overlay", to, "--json"][..], &APPLY].concat();
    let dry = winkiln(&[&bake[..], &["--dry-run"]].concat()).json();
    assert!(dry.get("overlay").is_none() && !out.exists());
    // What a killed process left behind is no obstacle.
    fs::write(folder.join("out.qcow2.winkiln-overlay"), b"half").expect("a file");
    let report = winkiln(&bake).json();
    assert_eq!((&report["committed"], &report["overlay"]), (&true.into(), &to.into()));
    judge(&out, guest.image(), "raw", baked);
    winkiln(&bake).fails(1, &["is there already"]);

    // Relative names count from the overlay's folder.
    fs::create_dir(folder.join("sub")).expect("a folder");
    let relative = ["apply", "guest.raw", "--overlay", "sub/b.qcow2"];
    let relative = [&relative[..], &APPLY].concat();
    let done = command(&relative).current_dir(folder).output().expect("runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    judge(&folder.join("sub/b.qcow2"), "../guest.raw", "raw", baked);

    // Nothing to change makes an overlay too; a failure makes none.
    let idle = folder.join("idle.qcow2");
    let idle_to = idle.to_str().expect("text");
    let again = [&["apply", baked, "--overlay", idle_to, "--json"][..], &APPLY].concat();
    assert_eq!(winkiln(&again).json()["committed"], false);
    judge(&idle, baked, "raw", baked);
    let none = folder.join("none.qcow2");
    let none = none.to_str().expect("text");
    winkiln(&["fs", "put", guest.image(), &big, r"\no\such", "--overlay", none]).fails(1, &[]);
    let both = ["fs", "rm", guest.image(), r"\x", "--overlay", none, "--undo", "u"];
    winkiln(&both).fails(2, &[]);

    // An overlay of an overlay.
    if qemu_img(&["--version"]).is_some() {
        let top = folder.join("top.qcow2");
        let add = ["fs", "put", to, &big, r"\big.bin", "--overlay", top.to_str().expect("text")];
        let lower = hash(&out);
        let _ = winkiln(&add).ok();
        let _ = winkiln(&["fs", "put", baked, &big, r"\big.bin", "--time", "1700000000"]).ok();
        let _ = qemu_img(&["check", "-f", "qcow2", top.to_str().expect("text")]);
        assert_eq!(hash(&out), lower);
        let got = folder.join("got");
        let get =
            ["fs", "get", top.to_str().expect("text"), r"\big.bin", got.to_str().expect("text")];
        let _ = winkiln(&get).ok();
        assert_eq!(fs::read(got).expect("the copy"), [7; 3 << 20]);
    }
    assert_eq!(guest.hash(), before, "the image is never written to");
    let left = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one").file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().contains("winkiln-")));
}

#[test]
fn an_overlay_does_not_stand_on_half_a_commit() {
    let guest = Guest::new();
    let journal = format!("{}.winkiln-journal", guest.image());
    fs::write(&journal, b"").expect("a journal that was begun");
    let out = guest.dir.path().join("out.qcow2");
    let out = out.to_str().expect("text");
    let bake = [&["apply", guest.image(), "--overlay", out][..], &APPLY].concat();
    winkiln(&bake).fails(3, &["interrupted", "recover"]);
    assert!(!fs::exists(out).expect("asked"));
    let _ = winkiln(&["recover", guest.image()]).ok();
    let _ = winkiln(&bake).ok();
}
