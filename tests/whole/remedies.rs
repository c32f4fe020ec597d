//! Guests that Windows did not put away: refused with the way out, edited at the price named.

use std::fs;
use std::path::Path;

use crate::guest::Guest;
use crate::tools::{hash, outside, run};

fn put_hiberfil(image: &Path, folder: &Path) {
    let mount = folder.join("mnt");
    fs::create_dir_all(&mount).expect("a folder");
    let mount_point = mount.display().to_string();
    outside("ntfs-3g", [&image.display().to_string(), &mount_point]);
    let mut contents = vec![7; 1 << 20];
    contents[..4].copy_from_slice(b"HIBR");
    let written = fs::write(mount.join("hiberfil.sys"), contents);
    outside("umount", [&mount_point]);
    written.expect("written");
}

#[test]
fn a_hibernated_guest() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = Guest::new("10", "none", "raw").build(folder.path()) else { return };
    put_hiberfil(&image, folder.path());
    let name = image.display().to_string();
    let before = hash(&image);

    let shown = run(["inspect", &name, "--json"]).expect(0).json();
    let state = &shown["volumes"][0]["state"];
    assert_eq!(state["reasons"], serde_json::json!(["hibernated"]));
    let evidence = state["details"][0]["evidence"].as_str().expect("evidence");
    assert!(evidence.contains("hiberfil.sys") && evidence.contains("HIBR"), "{evidence}");

    let bake = |more: &[&str]| run([&["apply", &name, "--preset", "utc-clock"], more].concat());
    let refused = bake(&[]).expect(3);
    assert!(refused.stderr.contains("hibernated"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--discard-hibernation"), "{}", refused.stderr);
    assert!(refused.stderr.contains("unsaved work"), "it says what is lost: {}", refused.stderr);
    for (more, code) in [
        (&["--allow-dirty"][..], 3),
        (&["--reset-log"], 3),
        (&["--discard-hibernation", "--dry-run"], 0),
    ] {
        assert_eq!(bake(more).code, code, "{more:?}");
    }
    assert_eq!(hash(&image), before, "the image is as it was");

    let baked = bake(&["--discard-hibernation", "--json"]).expect(0).json();
    assert_eq!(baked["committed"], true);
    let change = &baked["changes"][0];
    assert_eq!(change["kind"], "volume-state");
    assert_eq!(change["after"], "discarded");
    let warnings = baked["warnings"].to_string();
    assert!(warnings.contains("unsaved work"), "{warnings}");
    let shown = run(["inspect", &name, "--json"]).expect(0).json();
    assert_eq!(shown["volumes"][0]["state"]["clean"], true);
    let again = bake(&["--discard-hibernation", "--json"]).expect(0).json();
    assert_eq!(again["committed"], false, "a second bake writes nothing");

    // The same guest with a check of its volume scheduled.
    assert!(!shown["windows"][0]["warnings"].to_string().contains("chkdsk"));
    let key = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager";
    let entries = r"autocheck autochk /p \??\C:\0autocheck autochk *";
    let more = ["-v", "BootExecute", "-t", "REG_MULTI_SZ", "-d", entries];
    let added = run([&["reg", "add", &name, key], &more[..]].concat());
    assert_eq!(added.code, 0, "{}", added.stderr);
    let shown = run(["inspect", &name, "--json"]).expect(0).json();
    let warnings = shown["windows"][0]["warnings"].to_string();
    assert_eq!(warnings.matches("chkdsk is scheduled").count(), 1, "{warnings}");
}
