//! Folders that have no room: each file that an edit makes beside the image may be the one that does not fit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::env::{Guest, command, hash, path, require_tools, winkiln};
use crate::overlay::qemu_img;

/// A file system of 64 KiB in memory, unmounted when dropped.
struct Small(PathBuf);

impl Small {
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir(&at).expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "none", path(&at)])
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(at));
        }
        assert!(!require_tools(), "mounting needs root");
        eprintln!("SKIPPED: mounting needs root");
        None
    }

    fn file(&self, name: &str) -> String {
        path(&self.0.join(name)).to_owned()
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(&self.0).expect("the folder").next().is_none()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// A loop device over a file, taken away when dropped.
struct Loop(String);

impl Loop {
    fn over(image: &str) -> Self {
        let made = Command::new("/sbin/losetup").args(["-f", "--show", image]).output();
        let made = made.expect("losetup runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self(String::from_utf8_lossy(&made.stdout).trim().to_owned())
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("/sbin/losetup").args(["-d", &self.0]).status();
    }
}

#[test]
fn what_does_not_fit_beside_an_image_leaves_it_as_it_was() {
    let guest = Guest::new();
    let Some(small) = Small::mount(guest.dir.path().join("small")) else { return };
    // What no file system holds twice.
    let noise: Vec<u8> =
        (0..600_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let file = guest.write("noise.bin", &noise);
    let mut images = vec![guest.image().to_owned()];
    if qemu_img(&["--version"]).is_some() {
        let image = guest.local("guest.qcow2");
        let _ = qemu_img(&["convert", "-O", "qcow2", guest.image(), &image]);
        images.push(image);
    }
    let device = Loop::over(guest.image());
    let beside = fs::read_dir(guest.dir.path()).expect("the folder").count();
    for image in &images {
        let before = hash(image.as_ref());
        for (option, place, word) in [
            ("--journal-dir", small.file(""), "journal"),
            ("--undo", small.file("undo"), "undo file"),
            ("--overlay", small.file("over.qcow2"), "overlay"),
        ] {
            let put = ["fs", "put", image, &file, r"C:\noise.bin", option, &place];
            let run = winkiln(&put);
            assert!(run.err.contains("space"), "{option}: {}", run.err);
            run.fails(1, &["error: cannot", word]);
            assert_eq!(hash(image.as_ref()), before, "{image} {option}");
            assert!(small.is_empty(), "{image} {option}");
        }
        // Of what comes through a pipe a copy is made first.
        let done = command(&["fs", "put", image, "-", r"C:\noise.bin"])
            .env("TMPDIR", &small.0)
            .stdin(fs::File::open(&file).expect("the file"))
            .output()
            .expect("the built program runs");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.code() == Some(1) && said.contains("space"), "{said}");
        assert_eq!(hash(image.as_ref()), before, "{image} from a pipe");
        assert!(small.is_empty());
    }
    let before = hash(guest.image().as_ref());
    let put = ["fs", "put", &device.0, &file, r"C:\noise.bin", "--journal-dir", path(&small.0)];
    winkiln(&put).fails(1, &["journal"]);
    assert_eq!(hash(Path::new(&device.0)), before);
    assert!(small.is_empty());
    assert_eq!(fs::read_dir(guest.dir.path()).expect("the folder").count(), beside);
}
