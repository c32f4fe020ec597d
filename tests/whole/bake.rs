//! The main job: every preset on guests of every generation, raw and qcow2, MBR, GPT and bare.

use std::path::{Path, PathBuf};

use crate::guest::Guest;
use crate::judges::{hivexget, judge_hive, judge_volumes, ntfs_file, raw_copy};
use crate::tools::{hash, run};

const PRESETS: &[&str] = &[
    "acpi-shutdown",
    "tcp-tuning",
    "crash-dump=none",
    "no-auto-update",
    "rdp",
    "testsigning",
    "gplpv",
    "pae",
    "utc-clock",
    "no-fast-startup",
    "online-disks",
    "ide-fallback",
];

/// A value that a preset must have left: hive, key (`CS` is the current control set), name, as hivexget prints it.
type Expected = (&'static str, &'static str, &'static str, &'static str);

/// On every Windows.
const EVERYWHERE: &[Expected] = &[
    ("SOFTWARE", r"Microsoft\Windows\CurrentVersion\policies\system", "ShutdownWithoutLogon", "1"),
    ("SOFTWARE", r"Microsoft\Windows\CurrentVersion\policies\system", "DisableCAD", "1"),
    (
        "SOFTWARE",
        r"Microsoft\Windows NT\CurrentVersion\Windows",
        "ShutdownWarningDialogTimeout",
        "3",
    ),
    ("SOFTWARE", r"Policies\Microsoft\Windows\WindowsUpdate\AU", "NoAutoUpdate", "1"),
    ("SYSTEM", r"CS\Services\AFD\Parameters", "FastSendDatagramThreshold", "16384"),
    ("SYSTEM", r"CS\Control\CrashControl", "CrashDumpEnabled", "0"),
    ("SYSTEM", r"CS\Control\CrashControl", "AutoReboot", "1"),
    ("SYSTEM", r"CS\Control\Terminal Server", "fDenyTSConnections", "0"),
    ("SYSTEM", r"CS\Control\TimeZoneInformation", "RealTimeIsUniversal", "1"),
    ("SYSTEM", r"CS\Services\partmgr\Parameters", "SanPolicy", "1"),
    ("SYSTEM", r"CS\Control\Session Manager\Power", "HiberbootEnabled", "0"),
    ("SYSTEM", r"CS\Control\Power", "HibernateEnabled", "0"),
];

/// On NT 5.x.
const NT5: &[Expected] = &[
    ("SYSTEM", r"CS\Services\AFD\Parameters", "DefaultSendWindow", "1048576"),
    ("SYSTEM", r"CS\Services\AFD\Parameters", "DefaultReceiveWindow", "1048576"),
    ("SYSTEM", r"CS\Services\Tcpip\Parameters", "Tcp1323Opts", "1"),
    ("SYSTEM", r"CS\Services\Tcpip\Parameters", "TcpWindowSize", "1048576"),
    (
        "SYSTEM",
        r"CS\Services\SharedAccess\Parameters\FirewallPolicy\StandardProfile\GloballyOpenPorts\List",
        "3389:TCP",
        "3389:TCP:*:Enabled:@xpsp2res.dll,-22009",
    ),
];

/// On Vista and later.
const NT6: &[Expected] = &[("SYSTEM", r"CS\Services\Tcpip\Parameters", "EnableWsd", "0")];

fn check(guest: Guest) {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = guest.build(folder.path()) else { return };
    let before = folder.path().join(format!("before.{}", guest.format));
    std::fs::copy(&image, &before).expect("a copy");
    let unchanged = hash(&image);

    let mut args = vec!["apply".to_owned(), image.display().to_string(), "--json".to_owned()];
    for preset in PRESETS {
        args.extend(["--preset".to_owned(), (*preset).to_owned()]);
    }
    let dry = run(args.iter().map(String::as_str).chain(["--dry-run"])).expect(0).json();
    assert_eq!(dry["committed"], false, "{guest:?}");
    assert_eq!(hash(&image), unchanged, "{guest:?}: a dry run leaves the image as it is");

    let report = run(&args).expect(0).json();
    assert_eq!(report["committed"], true, "{guest:?}");
    assert_eq!(report["changes"], dry["changes"], "{guest:?}: the dry run told what would happen");
    for reader in ["ntfs", "nt-hive"] {
        let asked = report["verified"].as_array().expect("a list").iter();
        assert!(
            asked.into_iter().any(|v| v["reader"] == reader),
            "{guest:?}: {reader} was not asked"
        );
    }
    judge(guest, &image, &before, folder.path());

    let baked = hash(&image);
    let again = run(&args).expect(0).json();
    assert_eq!(again["committed"], false, "{guest:?}: {}", again["changes"]);
    assert_eq!(
        again["changes"].as_array().map(Vec::len),
        Some(0),
        "{guest:?}: {}",
        again["changes"]
    );
    assert_eq!(again["io"]["image_bytes_written"], 0, "{guest:?}");
    assert_eq!(hash(&image), baked, "{guest:?}: a second bake writes nothing");
}

/// What `winkiln check` finds; volumes must be sound. Windows' own hives are not in all points.
fn checked(image: &Path) -> Vec<(String, String)> {
    let shown = run(["check".into(), image.display().to_string(), "--json".into()]);
    let shown = shown.json();
    let findings = shown["findings"].as_array().expect("a list");
    let text = |finding: &serde_json::Value, field: &str| finding[field].to_string();
    let codes: Vec<_> =
        findings.iter().map(|finding| (text(finding, "code"), text(finding, "path"))).collect();
    let of_hives = |code: &str| code.starts_with("\"hive-");
    assert!(codes.iter().all(|(code, _)| of_hives(code)), "{shown}");
    assert!(shown["volumes"].as_array().is_some_and(|volumes| !volumes.is_empty()));
    codes
}

fn judge(guest: Guest, image: &Path, before: &Path, folder: &Path) {
    let known = checked(before);
    for finding in checked(image) {
        assert!(known.contains(&finding), "{guest:?}: winkiln check: {finding:?}");
    }
    judge_volumes(image, before);
    let raw = if guest.format == "raw" { image.to_path_buf() } else { raw_copy(image, folder) };
    let raw_before =
        if guest.format == "raw" { before.to_path_buf() } else { raw_copy(before, folder) };
    let offset = match guest.table {
        "gpt" => 239_616 * 512,
        "mbr" => 2048 * 512,
        _ => 0,
    };
    let mut hives: Vec<(&str, PathBuf)> = Vec::new();
    for name in ["SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT"] {
        let copy = folder.join(format!("after-{name}"));
        let path = format!("Windows/System32/config/{name}");
        ntfs_file(&raw, offset, &path, &copy);
        let elder = folder.join(format!("before-{name}"));
        ntfs_file(&raw_before, offset, &path, &elder);
        let found = judge_hive(&copy);
        // The XP hive has stale name hints of Windows' own: what it had before does not count.
        let known = if found.is_empty() { String::new() } else { judge_hive(&elder) };
        for finding in found.lines().filter(|line| line.contains('@')) {
            assert!(known.contains(finding), "{guest:?}: {name}: {finding}");
        }
        hives.push((name, copy));
    }
    let system = &hives[0].1;
    let current = hivexget(system, "Select", "Current").expect("a current control set");
    let control_set = format!("ControlSet{:03}", current.parse::<u32>().expect("a number"));
    let nt5 = matches!(guest.os, "xp" | "2003");
    for (hive, key, name, value) in EVERYWHERE.iter().chain(if nt5 { NT5 } else { NT6 }) {
        let file = &hives.iter().find(|(n, _)| n == hive).expect("a copied hive").1;
        let key = key
            .strip_prefix("CS")
            .map_or_else(|| (*key).to_owned(), |rest| control_set.clone() + rest);
        let found = hivexget(file, &key, name);
        assert_eq!(found.as_deref(), Some(*value), "{guest:?}: {hive}\\{key} {name}");
    }
    if nt5 {
        let copy = folder.join("after-boot.ini");
        ntfs_file(&raw, offset, "boot.ini", &copy);
        let text = String::from_utf8_lossy(&std::fs::read(copy).expect("boot.ini")).into_owned();
        let first = text.lines().skip_while(|l| !l.starts_with("[operating")).nth(1).unwrap_or("");
        assert!(first.contains("(PV drivers)") && first.contains("/gplpv"), "{guest:?}: {text}");
        assert!(text.to_lowercase().contains("/pae"), "{guest:?}: {text}");
    } else {
        let copy = folder.join("after-BCD");
        if guest.table == "gpt" {
            let esp = format!("{}@@{}", raw.display(), 2048 * 512);
            crate::tools::outside(
                "fsck.fat",
                ["-n", &extract_esp(&raw, folder).display().to_string()],
            );
            let to = copy.display().to_string();
            crate::tools::outside("mcopy", ["-n", "-i", &esp, "::/EFI/Microsoft/Boot/BCD", &to]);
        } else {
            ntfs_file(&raw, offset, "Boot/BCD", &copy);
        }
        assert_eq!(judge_hive(&copy), "", "{guest:?}: BCD");
        let listing =
            crate::tools::outside("hivexregedit", ["--export", &copy.display().to_string(), "\\"]);
        assert!(listing.contains(r"Elements\16000049]"), "{guest:?}: no testsigning element");
    }
}

fn extract_esp(raw: &Path, folder: &Path) -> PathBuf {
    let esp = folder.join("esp.img");
    let (from, to) = (format!("if={}", raw.display()), format!("of={}", esp.display()));
    crate::tools::outside("dd", [&from, &to, "bs=512", "skip=2048", "count=204800", "status=none"]);
    esp
}

#[test]
fn windows_xp_mbr_raw() {
    check(Guest::new("xp", "mbr", "raw"));
}

#[test]
fn server_2003_mbr_qcow2() {
    check(Guest::new("2003", "mbr", "qcow2"));
}

#[test]
fn windows_7_mbr_qcow2() {
    check(Guest::new("7", "mbr", "qcow2"));
}

#[test]
fn windows_8_1_gpt_qcow2() {
    check(Guest::new("8.1", "gpt", "qcow2"));
}

#[test]
fn windows_10_gpt_raw_with_full_folders() {
    check(Guest { files: 3000, ..Guest::new("10", "gpt", "raw") });
}

#[test]
fn windows_10_bare_volume_raw() {
    check(Guest::new("10", "none", "raw"));
}

#[test]
fn windows_11_mbr_qcow2() {
    check(Guest::new("11", "mbr", "qcow2"));
}

#[test]
fn clusters_of_512_bytes_and_64_kib() {
    check(Guest { cluster: 512, ..Guest::new("10", "mbr", "raw") });
    check(Guest { cluster: 65_536, ..Guest::new("7", "mbr", "raw") });
}

/// One value of a big hive costs a few pages, not the hive.
#[test]
fn one_preset_on_a_big_hive_writes_little() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = Guest::new("10", "mbr", "raw").build(folder.path()) else { return };
    let image = image.display().to_string();
    let report = run(["apply", &image, "--json", "--preset", "utc-clock"]).expect(0).json();
    assert_eq!(report["committed"], true);
    let written = report["io"]["image_bytes_written"].as_u64().expect("a number");
    assert!(written <= 64 * 1024, "{written} bytes");
}

/// A hive that was not closed properly is baked with what its logs hold, as Windows would load it.
#[test]
fn a_dirty_hive_is_recovered() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = Guest::new("10-dirty", "mbr", "raw").build(folder.path()) else { return };
    let before = folder.path().join("before.raw");
    std::fs::copy(&image, &before).expect("a copy");
    let name = image.display().to_string();
    let power = r"ControlSet001\Control\Session Manager\Power";
    let query = run(["reg", "query", &name, &format!(r"HKLM\SYSTEM\{power}"), "-v", "POSTTime"]);
    let query = query.expect(0);
    assert!(query.stdout.contains("0x2063"), "only the logs know: {}", query.stdout);
    let told =
        r"\config\SYSTEM was not closed properly: it was recovered from its logs (24 entries)";
    assert!(query.stderr.contains(told), "{}", query.stderr);
    assert_eq!(hash(&image), hash(&before), "reading writes nothing");

    let apply = ["apply", &name, "--json", "--preset", "utc-clock"];
    let report = run(apply).expect(0).json();
    assert_eq!(report["committed"], true);
    let warnings = report["warnings"].as_array().expect("a list");
    let said = warnings.iter().filter(|text| text.as_str().is_some_and(|text| text.contains(told)));
    assert_eq!(said.count(), 1, "{warnings:?}");
    judge_volumes(&image, &before);
    let copy = folder.path().join("SYSTEM");
    ntfs_file(&image, 2048 * 512, "Windows/System32/config/SYSTEM", &copy);
    assert_eq!(judge_hive(&copy), "");
    let clock = r"ControlSet001\Control\TimeZoneInformation";
    assert_eq!(hivexget(&copy, clock, "RealTimeIsUniversal").as_deref(), Some("1"));
    assert_eq!(hivexget(&copy, power, "POSTTime").as_deref(), Some("8291"));
    for log in ["LOG1", "LOG2"] {
        ntfs_file(&image, 2048 * 512, &format!("Windows/System32/config/SYSTEM.{log}"), &copy);
        assert_eq!(std::fs::read(&copy).expect("the log"), b"", "{log} cannot undo the edit");
        let asked = report["verified"].as_array().expect("a list").iter();
        let mut names = asked.filter_map(|verified| verified["what"].as_str());
        assert!(names.any(|name| name.ends_with(log)), "{}", report["verified"]);
    }

    let again = run(apply).expect(0).json();
    assert_eq!(again["committed"], false);
    assert_eq!(again["io"]["image_bytes_written"], 0);
}
