//! Boot entries in the variables of a virtual machine's firmware.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::guest::Guest;
use crate::tools::{hash, outside, run, workspace};

/// OVMF's own variables and code; `None`, with a word about it, where they are not installed.
fn ovmf() -> Option<(&'static Path, &'static Path)> {
    let vars = Path::new("/usr/share/OVMF/OVMF_VARS_4M.fd");
    let code = Path::new("/usr/share/OVMF/OVMF_CODE_4M.fd");
    if vars.is_file() && code.is_file() {
        return Some((vars, code));
    }
    assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "no {}", vars.display());
    eprintln!("SKIPPED: no {}", vars.display());
    None
}

#[test]
fn an_entry_is_added_read_by_others_and_undone() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some((shipped, code)) = ovmf() else { return };
    let Some(image) = Guest::new("10", "gpt", "raw").build(folder.path()) else { return };
    let before = hash(&image);
    for format in ["raw", "qcow2"] {
        let vars = folder.path().join(format!("vars.{format}"));
        convert(format, shipped, &vars);
        let undo = folder.path().join(format!("undo.{format}"));
        let untouched = hash(&vars);
        let (image, vars, undo) =
            (image.to_str().unwrap(), vars.to_str().unwrap(), undo.to_str().unwrap());
        let dry = run(["nvram", "add", image, vars, "--dry-run", "--json"]).expect(0).json();
        assert_eq!((&dry["committed"], &dry["changed"]), (&false.into(), &true.into()), "{dry}");
        assert_eq!(hash(Path::new(vars)), untouched);
        let done = run(["nvram", "add", image, vars, "--undo", undo, "--json"]).expect(0).json();
        assert_eq!(done["committed"], true, "{done}");
        let added = done["added"].as_str().unwrap().to_owned();
        assert_eq!(done["order"][0], added.as_str(), "{done}");
        let again = run(["nvram", "add", image, vars, "--json"]).expect(0).json();
        assert_eq!((&again["committed"], &again["changed"]), (&false.into(), &false.into()));
        let shown = run(["nvram", "list", vars]).expect(0).stdout;
        assert!(
            shown.contains(&added) && shown.contains(r"\EFI\Microsoft\Boot\bootmgfw.efi"),
            "{shown}"
        );
        let table: serde_json::Value =
            serde_json::from_str(&outside("sfdisk", ["-J", image])).expect("sfdisk's table");
        let uuid =
            table["partitiontable"]["partitions"][0]["uuid"].as_str().unwrap().to_lowercase();
        assert!(shown.contains(&uuid), "{shown}");

        let raw = folder.path().join("raw.fd");
        convert("raw", Path::new(vars), &raw);
        judged(&raw, &added, Some("Windows Boot Manager"));
        if std::env::var_os("WINKILN_LONG").is_some() {
            starts(Path::new(image), code, &raw, &uuid);
        }
        if format == "raw" {
            edited_entries(&raw, &added);
        }
        drop(run(["undo", undo]).expect(0));
        assert_eq!(hash(Path::new(vars)), untouched, "{format}");
    }
    assert_eq!(hash(&image), before, "the image is not changed");
    // A guest that a BIOS starts needs none, and an image is no store of variables.
    let image = image.to_str().unwrap();
    let refused = run(["nvram", "add", image, image]).expect(1);
    assert!(refused.stderr.contains("firmware variables"), "{}", refused.stderr);
}

/// The entry gets another name, is first already, and goes.
fn edited_entries(vars: &Path, added: &str) {
    let text = vars.to_str().unwrap();
    drop(run(["nvram", "rename", text, added, "-d", "Renamed"]).expect(0));
    let ordered = run(["nvram", "order", text, added, "--json"]).expect(0).json();
    assert_eq!((&ordered["committed"], &ordered["entry"]), (&false.into(), &added.into()));
    judged(vars, added, Some("Renamed"));
    drop(run(["nvram", "delete", text, added]).expect(0));
    judged(vars, added, None);
    let missing = run(["nvram", "delete", text, added]).expect(1);
    assert!(missing.stderr.contains("there is no boot entry"), "{}", missing.stderr);
}

fn convert(format: &str, from: &Path, to: &Path) {
    let (from, to) = (from.to_str().expect("text"), to.to_str().expect("text"));
    outside("qemu-img", ["convert", "-O", format, from, to]);
}

/// virt-firmware's reader finds the entry by that name, or none.
fn judged(vars: &Path, added: &str, name: Option<&str>) {
    let venv = workspace().join("target/readers/venv/bin");
    let path = format!("{}:{}", venv.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("virt-fw-vars")
        .args(["--print", "--verbose", "--input"])
        .arg(vars)
        .env("PATH", path)
        .output();
    let Ok(output) = output else {
        assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "no virt-fw-vars");
        eprintln!("SKIPPED: no virt-fw-vars");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    match name {
        Some(name) => {
            let has = [added, name, "bootmgfw.efi"].iter().all(|part| text.contains(part));
            assert!(has, "{text}");
        }
        None => assert!(!text.contains(added) && !text.contains("bootmgfw.efi"), "{text}"),
    }
}

/// OVMF itself tries the entry first, on that partition. The boot manager there is a stand-in, which it cannot start.
fn starts(image: &Path, code: &Path, vars: &Path, partition: &str) {
    let drive = |options: &str, path: &Path| format!("{options},file={}", path.display());
    let output = Command::new("timeout")
        .args(["60", "qemu-system-x86_64", "-M", "q35", "-m", "256", "-nographic", "-net", "none"])
        .args(["-drive", &drive("if=pflash,format=raw,readonly=on", code)])
        .args(["-drive", &drive("if=pflash,format=raw,snapshot=on", vars)])
        .args(["-drive", &drive("if=none,id=d,format=raw,snapshot=on", image)])
        .args(["-device", "ahci,id=a", "-device", "ide-hd,bus=a.0,drive=d"])
        .stdin(Stdio::null())
        .output()
        .expect("timeout runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.contains("BdsDxe"));
    let line = line.unwrap_or_default().to_lowercase();
    assert!(line.contains("windows boot manager") && line.contains(partition), "{text}");
}
