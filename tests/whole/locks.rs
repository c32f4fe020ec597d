//! A disk in use by QEMU is refused, and QEMU refuses one in use by winkiln.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::tools::{hash, have, outside, run};

/// Kills the program when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_running_guest_refuses_winkiln() {
    if !have(&["qemu-system-x86_64", "qemu-img", "qemu-io"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for format in ["raw", "qcow2"] {
        let image = demo_image(folder.path(), format);
        let before = hash(&image);
        let monitor = folder.path().join(format!("{format}.sock"));
        let qemu = Command::new("qemu-system-x86_64")
            .args([
                "-accel",
                "tcg",
                "-m",
                "32",
                "-display",
                "none",
                "-S",
                "-nodefaults",
                "-monitor",
            ])
            .arg(format!("unix:{},server=on,wait=off", monitor.display()))
            .arg("-drive")
            .arg(format!("file={},format={format},if=ide", image.display()))
            .stdin(Stdio::null())
            .spawn()
            .expect("qemu runs");
        let _qemu = Running(qemu);
        let start = Instant::now();
        while !monitor.exists() {
            assert!(start.elapsed() < Duration::from_secs(30), "qemu does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        // The monitor's socket is made before the disk is opened: wait until QEMU holds its lock.
        while !locked(&image, format) {
            assert!(start.elapsed() < Duration::from_secs(30), "qemu does not lock the disk");
            std::thread::sleep(Duration::from_millis(20));
        }
        let refused =
            run(["apply", &image.display().to_string(), "--preset", "utc-clock"]).expect(3);
        assert!(refused.stderr.contains("in use"), "{}", refused.stderr);
        assert_eq!(hash(&image), before);
    }
}

fn locked(image: &Path, format: &str) -> bool {
    let probe = Command::new("qemu-io").args(["-f", format, "-c", "quit"]).arg(image).output();
    !probe.expect("qemu-io runs").status.success()
}

fn demo_image(folder: &Path, format: &str) -> PathBuf {
    let demo = folder.join(format!("demo-{format}"));
    let _ = run(["demo", &demo.display().to_string()]).expect(0);
    let raw = std::fs::read_dir(&demo)
        .expect("the demo's folder")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|e| e == "raw" || e == "img"))
        .expect("the demo leaves an image");
    if format == "raw" {
        return raw;
    }
    let image = folder.join("guest.qcow2");
    let (from, to) = (raw.display().to_string(), image.display().to_string());
    outside("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", &from, &to]);
    image
}
