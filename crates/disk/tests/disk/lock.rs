//! Keeping off images in use, and keeping QEMU off ours.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use winkiln_disk::{Image, ImageError, OpenOptions};

use crate::opened::open;
use crate::tool::{have, output, run, scratch};

/// A running `qemu-nbd`, ended when dropped.
pub(crate) struct Nbd(PathBuf);

impl Nbd {
    pub(crate) fn serve(image: &Path, format: &str, read_only: bool) -> Self {
        let (socket, pid) = (image.with_extension("socket"), image.with_extension("pid"));
        let mut arguments = vec!["-t", "--fork", "-f", format, "-k", socket.to_str().unwrap()];
        arguments.extend(["--pid-file", pid.to_str().unwrap()]);
        if read_only {
            arguments.push("-r");
        }
        arguments.push(image.to_str().unwrap());
        // Returns when the image is open. No output is captured: the server keeps the streams.
        let status = Command::new("qemu-nbd").args(arguments).stdout(Stdio::null()).status();
        assert!(status.unwrap().success());
        Self(pid)
    }

    pub(crate) fn socket(&self) -> String {
        self.0.with_extension("socket").display().to_string()
    }
}

impl Drop for Nbd {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(&self.0).unwrap_or_default();
        let proc = PathBuf::from("/proc").join(pid.trim());
        let _ = Command::new("kill").args(["-9", pid.trim()]).status();
        let started = Instant::now();
        while proc.exists() && started.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_file(self.0.with_extension("socket"));
    }
}

pub(crate) fn assert_in_use(result: Result<Image, ImageError>, what: &str) {
    match result {
        Err(error @ ImageError::InUse { .. }) => {
            assert!(error.is_refusal());
            let text = error.to_string();
            assert!(text.contains("in use") && text.contains("shut the guest down"), "{text}");
        }
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn an_image_open_in_qemu_nbd_is_refused() {
    if !have(&["qemu-img", "qemu-nbd"]) {
        return;
    }
    for format in ["raw", "qcow2"] {
        let folder = scratch();
        let path = folder.path().join("i.img");
        run("qemu-img", &["create", "-q", "-f", format, path.to_str().unwrap(), "8M"]);
        let before = std::fs::read(&path).unwrap();
        {
            let _nbd = Nbd::serve(&path, format, false);
            assert_in_use(open(&path, true), "writing next to a writer");
            assert_in_use(open(&path, false), "reading next to a writer");
        }
        {
            let _nbd = Nbd::serve(&path, format, true);
            assert_in_use(open(&path, true), "writing next to a reader");
            open(&path, false).expect("readers share");
        }
        open(&path, true).expect("free again");
        assert!(std::fs::read(&path).unwrap() == before);
    }
}

#[test]
fn qemu_refuses_an_image_that_is_open_here() {
    if !have(&["qemu-img", "qemu-io", "qemu-nbd"]) {
        return;
    }
    for format in ["raw", "qcow2"] {
        let folder = scratch();
        let path = folder.path().join("i.img");
        let text = path.to_str().unwrap();
        let socket = folder.path().join("s");
        run("qemu-img", &["create", "-q", "-f", format, text, "8M"]);
        let read = ["-r", "-f", format, "-c", "read 0 4k", text];
        let write = ["-f", format, "-c", "write 0 4k", text];
        let nbd = ["-f", format, "-k", socket.to_str().unwrap(), text];
        let refused = |program, arguments: &[&str]| {
            let output = output(program, arguments);
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && error.contains("lock"), "{program}: {error}");
        };

        let writer = open(&path, true).unwrap();
        refused("qemu-io", &write);
        refused("qemu-io", &read);
        refused("qemu-nbd", &nbd);
        refused("qemu-img", &["convert", "-f", format, "-O", "raw", text, "/dev/null"]);
        refused("qemu-img", &["snapshot", "-c", "s", text]);
        drop(writer);

        let reader = open(&path, false).unwrap();
        run("qemu-io", &read);
        refused("qemu-io", &write);
        drop(reader);
        run("qemu-io", &write);
    }
}

#[test]
fn two_of_us_do_not_share_a_writer() {
    let folder = scratch();
    let path = folder.path().join("i.raw");
    std::fs::write(&path, vec![0; 1 << 20]).unwrap();
    let link = folder.path().join("link.raw");
    std::os::unix::fs::symlink(&path, &link).unwrap();

    let writer = open(&path, true).unwrap();
    assert_in_use(open(&link, true), "second writer, by another name");
    assert_in_use(open(&path, false), "reader");
    drop(writer);
    let _first = open(&path, false).unwrap();
    let _second = open(&link, false).expect("readers share");
    assert_in_use(open(&path, true), "writer next to readers");
}

#[test]
fn backing_files_are_locked_for_reading() {
    if !have(&["qemu-img", "qemu-io"]) {
        return;
    }
    let folder = scratch();
    let base = folder.path().join("base.raw");
    let top = folder.path().join("top.qcow2");
    std::fs::write(&base, vec![1; 1 << 20]).unwrap();
    run(
        "qemu-img",
        &["create", "-q", "-f", "qcow2", "-b", "base.raw", "-F", "raw", top.to_str().unwrap()],
    );

    let overlay = open(&top, true).unwrap();
    let write = ["-f", "raw", "-c", "write 0 4k", base.to_str().unwrap()];
    assert!(!output("qemu-io", &write).status.success(), "the base must not change below us");
    open(&base, false).expect("others may read the base");
    assert_in_use(open(&base, true), "writing the base");
    drop(overlay);

    let _writer = open(&base, true).unwrap();
    match open(&top, true) {
        Err(ImageError::InUse { path, .. }) => assert!(path.ends_with("base.raw")),
        other => panic!("{other:?}"),
    }
}

/// A child that is being started holds copies of every open file for a moment; the locks must not stay with it.
#[test]
fn closing_an_image_frees_it_at_once() {
    let folder = scratch();
    let path = folder.path().join("disk.raw");
    std::fs::write(&path, vec![0; 1 << 20]).unwrap();
    let options = OpenOptions { writable: true, ..OpenOptions::default() };
    let started = std::sync::atomic::AtomicBool::new(false);
    let done = std::sync::atomic::AtomicBool::new(false);
    let order = std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(order) {
                Command::new("true").status().unwrap();
                started.store(true, order);
            }
        });
        while !started.load(order) {
            std::thread::yield_now();
        }
        let results: Vec<_> = (0..300).map(|_| Image::open(&path, &options).map(drop)).collect();
        done.store(true, order);
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    });
}
