//! Names that lead elsewhere: in recipes, on the command line, in INF files. Nothing is written.

use std::process::Command;

use crate::env::{Guest, hash, path, require_tools, winkiln};

/// Paths that are no place in an image.
const ELSEWHERE: [&str; 6] = [
    r"..\evil.txt",
    r"C:\Windows\..\..\evil.txt",
    "C:/Windows/./evil.txt",
    r"\\host\share\evil.txt",
    r"\\?\C:\evil.txt",
    r"\\.\PhysicalDrive0",
];

/// Expects a failure or wrong usage, told in words.
fn refused(args: &[&str]) {
    let run = winkiln(args);
    assert!([1, 2].contains(&run.status), "{args:?}: {}", run.text());
    assert!(run.err.starts_with("error: ") && !run.err.contains("panicked"), "{}", run.err);
}

#[test]
fn a_recipe_cannot_lead_out_of_the_volume() {
    let guest = Guest::new();
    let before = guest.hash();
    let _ = guest.write("evil.txt", b"evil");
    for path in ELSEWHERE {
        let text = format!("[[files]]\nfrom = \"evil.txt\"\nto = '{path}'\n");
        let recipe = guest.write("recipe.toml", text.as_bytes());
        refused(&["apply", guest.image(), &recipe]);
        refused(&["fs", "put", guest.image(), &guest.local("evil.txt"), path]);
    }
    for key in [r"HKLM\..\SAM", r"HKCC\x", r"HKLM\NOSUCH\x"] {
        let text =
            format!("[[registry]]\nkey = '{key}'\nname = \"x\"\ntype = \"REG_DWORD\"\ndata = 1\n");
        let recipe = guest.write("recipe.toml", text.as_bytes());
        refused(&["apply", guest.image(), &recipe]);
    }
    assert_eq!(guest.hash(), before);
}

/// Names that Windows can hardly open are not made, on NTFS and on FAT.
#[test]
fn names_of_devices_are_not_made() {
    let guest = Guest::new();
    let fat = guest.local("fat.raw");
    let has_fat = Command::new("mformat")
        .args(["-C", "-i", &fat, "-h", "2", "-s", "32", "-t", "160", "::"])
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .status()
        .is_ok_and(|status| status.success());
    assert!(has_fat || !require_tools(), "mformat");
    let images = if has_fat { vec![guest.image(), &fat] } else { vec![guest.image()] };
    let local = guest.write("x", b"x");
    let folder = guest.local("folder");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(format!("{folder}/aux.txt"), "x").expect("a file");
    for image in images {
        let before = hash(image.as_ref());
        for name in ["CON", "nul", "COM1", "aux.txt", "lpt9 .x", "PRN", "end.", "end ", "a<b"] {
            let path = format!("\\{name}");
            refused(&["fs", "put", image, &local, &path]);
            refused(&["fs", "mkdir", image, &path]);
            let text = format!("[[files]]\nfrom = 'x'\nto = '{path}'\n");
            refused(&["apply", image, &guest.write("recipe.toml", text.as_bytes())]);
        }
        refused(&["fs", "put", "-r", image, &folder, r"\folder"]);
        assert_eq!(hash(image.as_ref()), before);
    }
}

/// A letter may mean any volume, so that only C is taken for the one of Windows.
#[test]
fn other_drives_are_not_taken_for_this_one() {
    let guest = Guest::new();
    let image = guest.image();
    let before = guest.hash();
    let local = guest.write("x", b"x");
    let text = "[[files]]\nfrom = 'x'\nto = 'D:\\x'\n";
    let recipe = guest.write("recipe.toml", text.as_bytes());
    for args in [
        &["fs", "put", image, &local, r"D:\x"][..],
        &["fs", "put", "-L", image, &local, r"D:\x"],
        &["fs", "mkdir", image, r"d:/x"],
        &["fs", "ls", image, r"D:\"],
        &["fs", "ls", "-L", image, r"D:\"],
        &["fs", "rm", image, r"D:\Windows"],
        &["fs", "mv", image, r"C:\Windows", r"D:\x"],
        &["fs", "attrib", image, r"D:\Windows"],
        &["fs", "get", "-r", image, r"D:\Windows", &guest.local("out")],
        &["apply", image, &recipe],
    ] {
        winkiln(args).fails(2, &["drive D:", "--volume N"]);
    }
    assert_eq!(guest.hash(), before);
    assert!(!guest.dir.path().join("out").exists());
    // Whoever names the volume means it; so does whoever gives it the letter.
    assert!(winkiln(&["fs", "ls", "--volume", "1", image, r"D:\"]).ok().contains("Windows"));
    assert!(winkiln(&["fs", "ls", "-L", "--drive", "D", image, r"D:\"]).ok().contains("Windows"));
    drop(winkiln(&["fs", "put", "--volume", "1", image, &local, r"D:\x"]).ok());
    assert_eq!(winkiln(&["fs", "cat", image, r"C:\x"]).out, b"x");
}

/// What a guest says of its dumps is no path of the host.
#[test]
fn logs_stay_in_their_folder() {
    let guest = Guest::new();
    let key = r"HKLM\SYSTEM\CurrentControlSet\Control\CrashControl";
    let add = ["reg", "add", guest.image(), key, "-v", "DumpFile", "-t", "REG_EXPAND_SZ", "-d"];
    for place in [r"C:\..\..\evil", r"..\..\evil", r"\??\C:\..\evil", r"\\host\evil", "/etc/passwd"]
    {
        drop(winkiln(&[&add[..], &[place, "-q"]].concat()).ok());
        let out = guest.dir.path().join("out/inner");
        let run = winkiln(&["collect", "--memory-dump", guest.image(), path(&out)]);
        assert!(run.status == 0 || run.err.starts_with("error: "), "{place}: {}", run.err);
        let folder = std::fs::read_dir(guest.dir.path().join("out")).expect("a folder");
        assert_eq!(folder.count(), 1, "{place}");
    }
}

fn inf(copied: &str, folder: &str) -> String {
    format!(
        r#"[Version]
Signature = "$Windows NT$"
Class = System
ClassGuid = {{4d36e97d-e325-11ce-bfc1-08002be10318}}
Provider = %Maker%
DriverVer = 01/01/2024,1.0.0.0
[Manufacturer]
%Maker% = Models,NTamd64
[Models.NTamd64]
"Evil" = Install,PCI\VEN_1234&DEV_5678
[DestinationDirs]
Files = {folder}
[Install]
CopyFiles = Files
[Files]
{copied}
[Install.Services]
AddService = evil,2,Service
[Service]
ServiceType = 1
StartType = 3
ErrorControl = 1
ServiceBinary = %12%\evil.sys
[SourceDisksNames]
1 = Disk
[SourceDisksFiles]
evil.dat = 1
[Strings]
Maker = "Evil"
"#
    )
}

#[test]
fn an_inf_cannot_lead_out_of_the_volume() {
    let guest = Guest::new();
    let before = guest.hash();
    let folder = guest.dir.path().join("package");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("evil.dat"), "evil").expect("a file");
    let add = |copied: &str, to: &str| {
        std::fs::write(folder.join("evil.inf"), inf(copied, to)).expect("an INF");
        let folder = folder.to_str().expect("text");
        winkiln(&[
            "drivers",
            "add",
            guest.image(),
            folder,
            "--force-unsigned",
            "--dry-run",
            "--json",
        ])
    };
    // The package is sound without what leads out.
    assert!(add("evil.dat", "12").json()["changes"].to_string().contains("evil.dat"));
    for (copied, to) in [
        (r"..\..\..\evil.dat,evil.dat", "12"),
        ("evil.dat", r"12,..\..\..\.."),
        (r"evil.dat,..\..\etc\passwd", "12"),
        (r"\\host\share\evil.dat,evil.dat", "12"),
        ("evil.dat:stream:$DATA,evil.dat", "12"),
    ] {
        let run = add(copied, to);
        if run.status == 0 {
            let changes = run.json()["changes"].clone();
            let places = changes.as_array().expect("a list").iter();
            for place in places.filter_map(|change| change["target"].as_str()) {
                assert!(!place.contains("..") && !place.contains(r"\\"), "{copied}: {place}");
                assert!(!place.contains(":stream"), "{copied}: {place}");
            }
        } else {
            assert!(run.err.starts_with("error: "), "{copied}: {}", run.err);
        }
    }
    assert_eq!(guest.hash(), before);
}
