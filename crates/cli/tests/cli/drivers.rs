//! `drivers list`, `drivers scan`.

use std::fs;

use serde_json::json;

use crate::env::{Guest, path, winkiln};

/// With which the INF of a disk controller begins.
pub const DISK_CONTROLLER: &str = r#"[Version]
Signature="$Windows NT$"
Class=SCSIAdapter
ClassGuid={4D36E97B-E325-11CE-BFC1-08002BE10318}
Provider=Kiln
DriverVer=03/31/2024,1.2.3.4
[SourceDisksNames]
1=disk
"#;

/// A folder with the INF of the fixtures for two releases, one with its file.
fn source() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let inf =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/inf/kilnstor.inf"))
            .unwrap();
    for (name, date) in [("w7", "03/31/2023"), ("w10", "03/31/2024")] {
        let folder = folder.path().join(name);
        fs::create_dir_all(folder.join("x64/drivers")).unwrap();
        fs::write(folder.join("kilnstor.inf"), inf.replace("03/31/2024", date)).unwrap();
    }
    fs::write(folder.path().join("w10/x64/drivers/kilnstor.sys"), "MZ").unwrap();
    fs::write(folder.path().join("broken.inf"), "no").unwrap();
    folder
}

#[test]
fn packages_say_what_they_are_for() {
    let folder = source();
    let run = winkiln(&["drivers", "list", path(folder.path())]);
    assert!(
        run.err.contains("warning: broken.inf: broken.inf line 1: text before the first section"),
        "{}",
        run.err
    );
    let text = run.ok();
    for part in [
        "kilnstor  SCSIAdapter  1.20.300.4000  2024-03-31\n",
        "  inf       w10/kilnstor.inf\n",
        "  provider  Kiln & Sons\n",
        "  catalog   kilnstor.cat, which is missing\n  catalog   kilnstor64.cat, which is missing\n",
        "  services  kilnmon, kilnstor\n",
        "  for       Windows 10.0 build 19041 and later, amd64 (2 devices, 1 not for choice by hand)\n",
        "  for       no Windows: NT$ARCH$ is a template's (1 device)\n",
        r"  devices   PCI\CC_0100, PCI\VEN_1234&DEV_0001, PCI\VEN_1234&DEV_0001&REV_01, PCI\VEN_FFFF&DEV_FFFF",
        "\n2 driver packages\n",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let shown = winkiln(&["drivers", "list", path(folder.path()), "--json", "--os", "2k22"]).json();
    assert_eq!(shown["target"], "10.0.20348 server, amd64");
    let [new, old] = shown["packages"].as_array().unwrap().as_slice() else { panic!("{shown}") };
    assert_eq!((&new["path"], &new["fit"]["chosen"]), (&"w10/kilnstor.inf".into(), &true.into()));
    assert_eq!(old["fit"]["chosen"], false);
    assert_eq!(old["fit"]["reason"], "w10/kilnstor.inf is of a later date");
    let sys = |package: &serde_json::Value| {
        let files = package["files"].as_array().unwrap();
        files.iter().find(|file| file["path"].as_str().unwrap().ends_with("kilnstor.sys")).unwrap()
            ["present"]
            .clone()
    };
    assert_eq!((sys(new), sys(old)), (true.into(), false.into()));
    assert_eq!(new["models"][3]["devices"][0]["ids"][0], r"PCI\VEN_1234&DEV_0001&REV_01");
    assert_eq!(new["models"][3]["build"], 19041);
    assert_eq!(shown["unreadable"][0]["path"], "broken.inf");
}

#[test]
fn a_windows_gets_its_packages() {
    let folder = source();
    let source = path(folder.path());
    let list = |arguments: &[&str]| {
        winkiln(&[&["drivers", "list", source, "-q"], arguments].concat()).ok()
    };
    let text = list(&["--os", "vista", "--arch", "x86"]);
    assert!(
        text.contains(
            "fits      no: its section [Kiln.NTx86.6.0] has no devices, which excludes this Windows"
        ),
        "{text}"
    );
    assert!(text.ends_with("0 of 2 driver packages for Windows 6.0.6002 client, x86\n"), "{text}");
    let text = list(&["--os", "w7", "--all"]);
    assert!(
        text.ends_with("2 of 2 driver packages for Windows 6.1.7601 client, amd64\n"),
        "{text}"
    );
    let text = list(&["--arch", "arm64"]);
    assert_eq!(text, "0 driver packages\n");
    assert!(list(&["--only", "KILNMON", "--os", "xp"]).contains("1 of 2 driver packages"));
    assert!(list(&["--exclude", "kilnstor"]).ends_with("0 driver packages\n"));
}

#[test]
fn mistakes_are_told() {
    let folder = source();
    let source = path(folder.path());
    for (arguments, parts) in [
        (&["--os", "w9"][..], &["no Windows w9", "hint: xp, 2k3, vista"][..]),
        (&["--arch", "sparc"], &["no architecture sparc"]),
        (&["--only", "viostor"], &["no package, service or class viostor"]),
    ] {
        winkiln(&[&["drivers", "list", source, "-q"], arguments].concat()).fails(2, parts);
    }
    let missing = folder.path().join("nothing");
    winkiln(&["drivers", "list", path(&missing)]).fails(1, &["cannot read", "cannot open"]);
}

/// The head of a PE file for x86_64, which is all that a driver without imports needs.
pub(crate) fn program() -> Vec<u8> {
    let mut bytes = vec![0; 0x200];
    for (at, data) in [
        (0, &b"MZ"[..]),
        (60, &[0x40]),
        (0x40, b"PE\0\0\x64\x86"),
        (0x54, &[240]),
        (0x58, &[0x0B, 0x02]),
        (0x58 + 61, &[0x02]),
    ] {
        bytes[at..at + data.len()].copy_from_slice(data);
    }
    bytes
}

#[test]
fn what_an_image_boots_from_is_told_with_the_reason() {
    let guest = Guest::new();
    let before = guest.hash();
    let shown = winkiln(&["drivers", "scan", "--json", guest.image()]).json();
    let windows = &shown["windows"][0];
    assert_eq!((&windows["volume"], &windows["boots_on"]), (&json!(1), &json!([])));
    let ide = &windows["buses"][0]["controllers"][0];
    assert_eq!((&ide["boots"], &ide["obstacle"]), (&json!(false), &json!("not-bound")));
    let text = winkiln(&["drivers", "scan", guest.image()]).ok();
    assert!(
        text.contains("\n  AHCI          no   ICH9 (QEMU): no driver is bound to PCI\\VEN_"),
        "{text}"
    );
    assert_eq!(guest.hash(), before);

    let mut reg = String::from("Windows Registry Editor Version 5.00\r\n");
    let control_set = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet";
    for (id, service) in [
        ("*PNP0C08", "ACPI"),
        ("*PNP0A03", "pci"),
        ("GenDisk", "disk"),
        ("PCI#CC_010601", "storahci"),
    ] {
        reg += &format!(
            "[{control_set}\\Control\\CriticalDeviceDatabase\\{id}]\r\n\"Service\"=\"{service}\"\r\n\
             [{control_set}\\Services\\{service}]\r\n\"Type\"=dword:1\r\n\"Start\"=dword:0\r\n\
             \"ImagePath\"=\"System32\\\\drivers\\\\storahci.sys\"\r\n"
        );
    }
    // A maker's leftovers: a filter of a class before another one, a device, a service that disks need.
    let vendor = [
        (
            r"Control\Class\{4D36E97B-E325-11CE-BFC1-08002BE10318}",
            "\"UpperFilters\"=hex(7):\
          56,00,42,00,6f,00,78,00,53,00,46,00,00,00,61,00,00,00,00,00",
        ),
        (r"Enum\PCI\VEN_80EE&DEV_CAFE\3&0", "\"Service\"=\"VBoxSF\"\r\n\"ConfigFlags\"=dword:4"),
        (r"Services\VBoxSF", "\"Type\"=dword:1\r\n\"Start\"=dword:1"),
        (r"Control\SafeBoot\Minimal\VBoxSF", "@=\"Driver\""),
    ];
    for (key, values) in vendor {
        reg += &format!("[{control_set}\\{key}]\r\n{values}\r\n");
    }
    let reg = guest.write("boot.reg", reg.as_bytes());
    winkiln(&["reg", "import", guest.image(), &reg]).ok();
    let file = guest.write("storahci.sys", &program());
    let inside = r"C:\Windows\System32\drivers\storahci.sys";
    winkiln(&["fs", "put", guest.image(), &file, inside]).ok();
    let shown = winkiln(&["drivers", "scan", "--json", guest.image()]).json();
    assert_eq!(shown["windows"][0]["boots_on"], json!(["ahci"]), "{shown:#}");
    let text = winkiln(&["drivers", "scan", "-v", guest.image()]).ok();
    assert!(text.contains("  AHCI          yes  ICH9 (QEMU): storahci, disk\n"), "{text}");
    winkiln(&["drivers", "scan", "--volume", "7", guest.image()]).fails(1, &["Windows"]);
    leftovers_go(&guest);
}

/// What a maker left goes, filters before services; what Windows boots from stays.
fn leftovers_go(guest: &Guest) {
    let image = guest.image();
    let shown = winkiln(&["drivers", "installed", "--json", image]).json();
    assert_eq!(shown["packages"], json!([]));
    let found = &shown["leftovers"][0];
    assert_eq!((&found["vendor"], &found["name"]), (&json!("virtualbox"), &json!("VBoxSF")));
    assert_eq!((&found["start"], &found["present"]), (&json!(1), &json!(false)));
    let text = winkiln(&["drivers", "installed", image]).ok();
    assert!(text.contains("virtualbox  service VBoxSF: start 1, "), "{text}");

    let before = guest.hash();
    for (arguments, status, part) in [
        (&["nothing"][..], 2, "no driver package of this Windows goes by the name nothing"),
        (&["--vendor", "sun"], 2, "no drivers of a maker sun are known"),
        (&["storahci"], 1, "storahci"),
        (&[], 2, "NAME"),
    ] {
        winkiln(&[&["drivers", "remove", image, "-q"], arguments].concat()).fails(status, &[part]);
    }
    assert_eq!(guest.hash(), before);

    let done = winkiln(&["drivers", "remove", image, "--vendor", "virtualbox", "--json"]).json();
    let changes = done["changes"].as_array().unwrap();
    let place = |word: &str| {
        let is_it = |change: &serde_json::Value| change["target"].as_str().unwrap().contains(word);
        changes.iter().position(is_it).unwrap_or_else(|| panic!("{word}: {done:#}"))
    };
    assert!(place("UpperFilters") < place(r"Services\VBoxSF"), "{done:#}");
    assert!(place(r"Enum\PCI\VEN_80EE") < place(r"Services\VBoxSF"));
    assert_eq!(changes[place("UpperFilters")]["after"], "REG_MULTI_SZ [\"a\"]");
    assert_eq!(changes[place("ConfigFlags")]["after"], "REG_DWORD 0x00000024");
    assert_eq!(changes.len(), 5, "{done:#}");
    assert_eq!(done["drivers"][0]["action"], "removed");
    let again = winkiln(&["drivers", "remove", image, "--vendor", "virtualbox", "--json"]).json();
    assert_eq!(again["committed"], false);

    // The one that it boots from, under a maker's name.
    let set = r"HKLM\SYSTEM\CurrentControlSet";
    let key = format!(r"{set}\Control\CriticalDeviceDatabase\PCI#CC_010601");
    winkiln(&["reg", "add", image, &key, "-v", "Service", "-d", "viostor"]).ok();
    let from = format!(r"{set}\Services\storahci");
    let to = format!(r"{set}\Services\viostor");
    winkiln(&["reg", "copy", image, &from, &to]).ok();
    winkiln(&["drivers", "remove", image, "viostor"])
        .fails(1, &["boots from no disk controller any more; it boots from AHCI now", "--force"]);
    let done = winkiln(&["drivers", "remove", image, "viostor", "--force", "--json"]).json();
    assert!(done["warnings"].to_string().contains("boots from AHCI no more; left are: none"));
    let shown = winkiln(&["drivers", "scan", "--json", image]).json();
    assert_eq!(shown["windows"][0]["boots_on"], json!([]), "{shown:#}");
}
