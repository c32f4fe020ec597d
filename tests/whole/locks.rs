//! A disk in use by QEMU is refused, and QEMU refuses one in use by winkiln.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::tools::{hash, have, outside, run, winkiln};

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
        let qemu = Running(qemu);
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
        let holder = format!("in use by qemu-system-x86_64 (process {})", qemu.0.id());
        assert!(refused.stderr.contains(&holder), "{}", refused.stderr);
        assert_eq!(hash(&image), before);
    }
}

/// One that was stopped in the middle of a bake.
#[test]
fn a_running_winkiln_refuses_others() {
    if !have(&["qemu-system-x86_64", "qemu-img", "qemu-nbd"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let agent = folder.path().join("agent.bin");
    std::fs::write(&agent, vec![7; 8 << 20]).expect("a file");
    for format in ["raw", "qcow2"] {
        let image = demo_image(folder.path(), format);
        let mut journal = image.clone().into_os_string();
        journal.push(".winkiln-journal");
        let mut put = Running(
            Command::new(winkiln())
                .args(["fs", "put", "-q", text(&image), text(&agent), r"C:\agent.bin"])
                .spawn()
                .expect("the built program starts"),
        );
        let start = Instant::now();
        while !Path::new(&journal).exists() {
            assert!(start.elapsed() < Duration::from_secs(30), "no journal");
            std::thread::sleep(Duration::from_micros(100));
        }
        let signal = |name: &str| {
            let process = put.0.id().to_string();
            let sent = Command::new("kill").args([name, &process]).status();
            assert!(sent.expect("kill runs").success());
        };
        signal("-STOP");
        let socket = folder.path().join("socket");
        let drive = format!("file={},format={format},if=ide", image.display());
        let others: [(&str, Vec<&str>); 4] = [
            ("qemu-system-x86_64", {
                let machine =
                    ["-accel", "tcg", "-m", "32", "-display", "none", "-S", "-nodefaults"];
                [&machine[..], &["-drive", &drive]].concat()
            }),
            ("qemu-nbd", vec!["-f", format, "--socket", text(&socket), text(&image)]),
            ("qemu-img", vec!["resize", "-f", format, text(&image), "+1M"]),
            ("qemu-img", vec!["convert", "-f", format, "-O", "raw", text(&image), "/dev/null"]),
        ];
        for (other, args) in others {
            let done = Command::new(other).args(&args).stdin(Stdio::null()).output();
            let done = done.expect("it runs");
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(!done.status.success() && said.contains("lock"), "{other}: {said}");
        }
        let refused = run(["fs", "ls", text(&image), r"C:\"]).expect(3);
        let holder = format!("in use by winkiln (process {})", put.0.id());
        assert!(refused.stderr.contains(&holder), "{}", refused.stderr);
        signal("-CONT");
        assert!(put.0.wait().expect("it ends").success());
        assert!(run(["fs", "ls", text(&image), r"C:\"]).expect(0).stdout.contains("agent.bin"));
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
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
