//! Driver sources of every kind, and what packages bring along: other INFs, the driver framework.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::drivers::{DISK_CONTROLLER, program};
use crate::env::{Guest, path, require_tools, winkiln};

#[path = "../../../trust/tests/trust/image.rs"]
mod image;

/// The INF of a disk controller, and `more` of it.
fn inf(name: &str, more: &str) -> String {
    format!(
        r#"{DISK_CONTROLLER}[SourceDisksFiles]
{name}.sys=1
[DestinationDirs]
DefaultDestDir=12
[ControlFlags]
ExcludeFromSelect=PCI\VEN_1234&DEV_0001
[Manufacturer]
Kiln=Models,NTamd64
[Models.NTamd64]
Disks=Install,PCI\VEN_1234&DEV_0001
Others=Install,PCI\VEN_1234&DEV_0002
[Install.NT.Services]
AddService={name},2,Service
[Service]
ServiceType=1
StartType=0
ErrorControl=1
ServiceBinary=%12%\{name}.sys
[Install.NT]
CopyFiles=@{name}.sys
{more}
"#
    )
}

fn put(folder: &Path, name: &str, more: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(format!("{name}.inf")), inf(name, more)).unwrap();
    fs::write(folder.join(format!("{name}.sys")), program()).unwrap();
}

/// Runs a program in a folder; `false`, said loudly, when it is not here.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> bool {
    match Command::new(program).args(arguments).current_dir(folder).output() {
        Ok(done) => {
            assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
            true
        }
        Err(error) => {
            assert!(!require_tools(), "{program}: {error}");
            eprintln!("SKIPPED: {program}: {error}");
            false
        }
    }
}

#[test]
fn packages_are_found_in_every_kind_of_source() {
    let scratch = TempDir::new().unwrap();
    let tree = scratch.path().join("tree");
    put(&tree.join("w10/amd64"), "kiln", "");
    put(&tree.join("deep/er/still"), "kiln2", "");
    let list = |source: &Path| -> Value {
        let mut listed = winkiln(&["drivers", "list", "--json", path(source)]).json();
        listed["packages"].take()
    };
    let expected = list(&tree);
    assert_eq!(expected.as_array().unwrap().len(), 2, "{expected:#}");
    let hidden = |of: &Value| of["models"][0]["devices"][0]["excluded_from_select"].clone();
    assert_eq!(hidden(&expected[0]), true);
    let text = winkiln(&["drivers", "list", path(&tree)]).ok();
    assert!(text.contains("amd64 (2 devices, 1 not for choice by hand)\n"), "{text}");
    let component = |number: usize, name: &str, folder: &str| {
        format!(
            "<Component Id='c{number}' Guid='12345678-1234-1234-1234-00000000000{number}'>\
             <File Id='f{number}' Name='{name}' Source='{folder}/{name}'/></Component>"
        )
    };
    let (first, second) = ("w10/amd64", "deep/er/still");
    let wxs = format!(
        "<Wix xmlns='http://schemas.microsoft.com/wix/2006/wi'>\
         <Product Id='12345678-1234-1234-1234-123456789012' Name='Kiln' Language='1033' Version='1.0.0' \
         Manufacturer='K' UpgradeCode='12345678-1234-1234-1234-123456789013'>\
         <Package InstallerVersion='200' Compressed='yes'/><Media Id='1' Cabinet='k.cab' EmbedCab='yes'/>\
         <Directory Id='TARGETDIR' Name='SourceDir'><Directory Id='d0' Name='w10'><Directory Id='d1' Name='amd64'>{}{}\
         </Directory></Directory><Directory Id='d2' Name='deep'><Directory Id='d3' Name='er'>\
         <Directory Id='d4' Name='still'>{}{}</Directory></Directory></Directory></Directory>\
         <Feature Id='F' Level='1'><ComponentRef Id='c0'/><ComponentRef Id='c1'/><ComponentRef Id='c2'/>\
         <ComponentRef Id='c3'/></Feature></Product></Wix>",
        component(0, "kiln.inf", first),
        component(1, "kiln.sys", first),
        component(2, "kiln2.inf", second),
        component(3, "kiln2.sys", second),
    );
    fs::write(tree.join("kiln.wxs"), wxs).unwrap();
    for (name, program, arguments) in [
        (
            "plain.iso",
            "genisoimage",
            &["-quiet", "-iso-level", "3", "-o", "../plain.iso", "w10", "deep"][..],
        ),
        ("joliet.iso", "genisoimage", &["-quiet", "-J", "-o", "../joliet.iso", "."]),
        ("rock.iso", "genisoimage", &["-quiet", "-R", "-o", "../rock.iso", "."]),
        ("udf.iso", "genisoimage", &["-quiet", "-udf", "-o", "../udf.iso", "."]),
        ("a.zip", "zip", &["-q", "-r", "../a.zip", "."]),
        ("a.tar.gz", "tar", &["-czf", "../a.tar.gz", "."]),
        ("a.msi", "wixl", &["-o", "../a.msi", "kiln.wxs"]),
        (
            "a.cab",
            "gcab",
            &["-c", "-z", "-n", "../a.cab", "w10/amd64/kiln.inf", "w10/amd64/kiln.sys"],
        ),
    ] {
        if !run(&tree, program, arguments) {
            continue;
        }
        let mut found = list(&scratch.path().join(name));
        let packages = found.as_array_mut().unwrap();
        // Paths of discs without long names are in capitals, and genisoimage takes folders apart.
        let plain = |of: &Value| {
            let name = of["path"].as_str().unwrap().to_lowercase();
            let name = name.rsplit('/').next().unwrap().to_owned();
            (
                name,
                of["hardware_ids"].clone(),
                of["services"].clone(),
                of["files"][0]["present"].clone(),
            )
        };
        packages.sort_by_key(|package| plain(package).0.len());
        let mut wanted: Vec<_> = expected.as_array().unwrap().iter().map(plain).collect();
        wanted.sort_by_key(|(name, ..)| name.len());
        // gcab leaves folders out.
        wanted.truncate(if name == "a.cab" { 1 } else { 2 });
        assert_eq!(packages.iter().map(plain).collect::<Vec<_>>(), wanted, "{name}");
    }
}

#[test]
fn what_a_package_copies_along_comes_with_it() {
    let guest = Guest::new();
    let source = guest.dir.path().join("source");
    put(&source, "kiln", "CopyINF=Kiln2.inf,gone.inf");
    put(&source, "kiln2", "CopyINF=kiln3.inf");
    put(&source, "kiln3", "");
    put(&source, "other", "");
    let add = |more: &[&str]| {
        let command = ["drivers", "add", guest.image(), path(&source), "--force-unsigned"];
        winkiln(&[&command[..], &["--dry-run", "--json", "--only", "kiln"], more].concat()).json()
    };
    let became = |report: &Value| -> Vec<String> {
        let drivers = report["drivers"].as_array().unwrap().iter();
        let added = drivers.filter(|driver| driver["action"] == "added");
        added.map(|driver| driver["package"].as_str().unwrap().to_owned()).collect()
    };
    let report = add(&[]);
    assert_eq!(became(&report), ["kiln.inf", "kiln2.inf", "kiln3.inf"], "{report:#}");
    let missing = "kiln.inf: gone.inf, which it copies along, is missing";
    assert!(report["warnings"].to_string().contains(missing), "{report:#}");
    assert_eq!(became(&add(&["--exclude", "kiln2"])), ["kiln.inf"]);
    // An INF by its own path is asked for as by its name.
    let inf = source.join("kiln2.inf");
    let command = ["drivers", "add", guest.image(), path(&inf), "--force-unsigned", "--dry-run"];
    let report = winkiln(&[&command[..], &["--json"]].concat()).json();
    assert_eq!(became(&report), ["kiln2.inf", "kiln3.inf"], "{report:#}");
    let listed = winkiln(&["drivers", "list", path(&inf), "--json"]).json();
    let names: Vec<_> =
        listed["packages"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["kiln2"]);
}

/// Windows XP has no framework: that in the co-installer of the package is put in.
#[test]
fn the_framework_comes_along() {
    let guest = Guest::new();
    let version = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion";
    for name in ["CurrentMajorVersionNumber", "CurrentMinorVersionNumber"] {
        winkiln(&["reg", "delete", guest.image(), version, "-v", name]).ok();
    }
    for (name, data) in
        [("CurrentVersion", "5.2"), ("CurrentBuild", "3790"), ("CurrentBuildNumber", "3790")]
    {
        winkiln(&["reg", "add", guest.image(), version, "-v", name, "-d", data]).ok();
    }
    let control = r"HKLM\SYSTEM\CurrentControlSet\Control";
    let groups = format!(r"{control}\ServiceGroupOrder");
    let list = ["-v", "List", "-t", "REG_MULTI_SZ", "-d", r"System Reserved\0Boot Bus Extender"];
    winkiln(&[&["reg", "add", guest.image(), &groups][..], &list].concat()).ok();
    let source = guest.dir.path().join("source");
    let needs = |version: &str| {
        let more = "[Install.NT.Wdf]\nKmdfService=kiln,Wdf\n[Wdf]\nKmdfLibraryVersion=";
        put(&source, "kiln", &format!("{more}{version}"));
    };
    needs("1.2");
    let add = || winkiln(&["drivers", "add", guest.image(), path(&source), "--json"]);
    add().fails(1, &["framework 1.2, and this Windows has none", "beside the INF"]);
    fs::write(source.join("Wdf01000.sys"), image::driver(1)).unwrap();
    fs::write(source.join("WdfLdr.sys"), image::driver(2)).unwrap();
    if !run(&source, "gcab", &["-c", "-z", "framework.cab", "Wdf01000.sys", "WdfLdr.sys"]) {
        return;
    }
    let cabinet = fs::read(source.join("framework.cab")).unwrap();
    let parts = [&program()[..], b"MSCF no cabinet", &cabinet, b"the rest"];
    fs::write(source.join("WdfCoInstaller01002.dll"), parts.concat()).unwrap();
    for name in ["framework.cab", "Wdf01000.sys", "WdfLdr.sys"] {
        fs::remove_file(source.join(name)).unwrap();
    }
    needs("1.3");
    add().fails(1, &["framework 1.3, and this Windows has none"]);
    needs("1.2");
    let added = add().json();
    assert!(added["warnings"].to_string().contains("framework 1.2 of the source comes along"));
    for (name, filler) in [("Wdf01000.sys", 1), ("WdfLdr.sys", 2)] {
        let out = guest.local(name);
        let inside = format!(r"C:\Windows\System32\drivers\{name}");
        winkiln(&["fs", "get", guest.image(), &inside, &out]).ok();
        assert_eq!(fs::read(out).unwrap(), image::driver(filler), "{name}");
    }
    for (key, parts) in [
        (r"HKLM\SYSTEM\CurrentControlSet\Services\Wdf01000", &["WdfLoadGroup", "Start"][..]),
        (r"HKLM\SYSTEM\CurrentControlSet\Control\Wdf\Kmdf\KmdfLibrary\Versions\1", &["Wdf01000"]),
        (&groups, &[r"System Reserved\0WdfLoadGroup\0Boot Bus Extender"]),
    ] {
        let shown = winkiln(&["reg", "query", guest.image(), key]).ok();
        assert!(parts.iter().all(|part| shown.contains(part)), "{key}: {shown}");
    }
    assert_eq!(add().json()["committed"], false);
    // Others may need it by now.
    winkiln(&["drivers", "remove", guest.image(), "kiln", "--force"]).ok();
    assert_eq!(
        winkiln(&["fs", "stat", guest.image(), r"C:\Windows\System32\drivers\WdfLdr.sys"]).status,
        0
    );
}

/// Updates replace the framework that Windows came with: its file tells which it is.
#[test]
fn the_framework_is_the_one_its_file_is() {
    let guest = Guest::new();
    let source = guest.dir.path().join("source");
    let more = "[Install.NT.Wdf]\nKmdfService=kiln,Wdf\n[Wdf]\nKmdfLibraryVersion=1.3";
    put(&source, "kiln", more);
    let add = |mode: &str| {
        winkiln(&["drivers", "add", guest.image(), path(&source), "--force-unsigned", mode])
    };
    add("--dry-run").ok();
    let file = guest.write("Wdf01000.sys", &image::driver(1));
    let inside = r"C:\Windows\System32\drivers\Wdf01000.sys";
    winkiln(&["fs", "put", guest.image(), &file, inside]).ok();
    add("--json").fails(1, &["framework 1.3, and this Windows has 1.2"]);
}
