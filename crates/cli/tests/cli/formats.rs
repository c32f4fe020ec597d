//! Containers of other hypervisors, judged by qemu-img.

use std::process::Command;

use crate::env::{Guest, require_tools, winkiln};
use crate::outside_tools::{judge, run};
use crate::overlay::qemu_img;

const APPLY: [&str; 6] =
    ["--preset", "utc-clock", "--preset", "crash-dump=small", "--time", "1700000000"];

/// A bake gives the guest in a container the same bytes as one of a raw image.
#[test]
fn a_bake_is_the_same_in_every_container() {
    let guest = Guest::new();
    if qemu_img(&["--version"]).is_none() {
        return;
    }
    if let Err(error) = Command::new("qemu-nbd").arg("--version").output() {
        assert!(!require_tools(), "qemu-nbd: {error}");
        eprintln!("SKIPPED: qemu-nbd: {error}");
        return;
    }
    let formats = [("vmdk", "vmdk"), ("vhdx", "vhdx"), ("vhd", "vpc"), ("vdi", "vdi")];
    let count = if std::env::var_os("WINKILN_LONG").is_some() { 4 } else { 2 };
    let images: Vec<_> = formats
        .into_iter()
        .take(count)
        .map(|(name, qemu)| {
            let image = guest.local(&format!("guest.{name}"));
            let exact: &[&str] = if name == "vhd" { &["-o", "force_size=on"] } else { &[] };
            let convert = [&["convert", "-f", "raw", "-O", qemu][..], exact];
            let _ = qemu_img(&[&convert.concat()[..], &[guest.image(), &image]].concat());
            (name, qemu, image)
        })
        .collect();
    let _ = winkiln(&[&["apply", guest.image()][..], &APPLY].concat()).ok();
    for (name, qemu, image) in images {
        let bake = [&["apply", &image, "--json"][..], &APPLY].concat();
        assert_eq!(winkiln(&bake).json()["committed"], true, "{name}");
        assert_eq!(winkiln(&bake).json()["committed"], false, "{name}: a second bake");
        let _ = qemu_img(&["compare", "-f", "raw", "-F", qemu, guest.image(), &image]);
        if name != "vhd" {
            let _ = qemu_img(&["check", "-f", qemu, &image]);
        }
        let shown = winkiln(&["inspect", &image, "--json"]).json();
        assert_eq!(shown["image"]["format"], name);
        for (inside, local) in
            [(r"\Windows\System32\config\SYSTEM", "SYSTEM"), (r"\Boot\BCD", "BCD")]
        {
            let local = guest.local(local);
            drop(winkiln(&["fs", "get", &image, inside, &local]).ok());
            judged("hivecheck.py", "python3", &local);
        }
    }
    // Each container holds what this one does.
    judged("ntfscheck.sh", "bash", guest.image());
}

fn judged(name: &str, interpreter: &str, file: &str) {
    if let Some(judge) = judge(name)
        && let Some((clean, said)) = run(Command::new(interpreter).arg(judge).arg(file))
    {
        assert!(clean, "{file}: {said}");
    }
}
