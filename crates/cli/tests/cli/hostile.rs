//! Names that lead elsewhere: in recipes, on the command line, in INF files. Nothing is written.

use crate::env::{Guest, winkiln};

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
