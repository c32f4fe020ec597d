//! A driver with a catalog that OpenSSL and osslsigncode signed, through the program.

use std::path::Path;

use crate::guest::shared;
use crate::tools::{have, outside, run};

const INF: &str = r#"[Version]
Signature="$Windows NT$"
Class=SCSIAdapter
ClassGuid={4D36E97B-E325-11CE-BFC1-08002BE10318}
Provider=Kiln
DriverVer=03/31/2024,1.2.3.4
CatalogFile=kiln.cat
[SourceDisksNames]
1=disk
[SourceDisksFiles]
kiln.sys=1
[DestinationDirs]
DefaultDestDir=12
[Manufacturer]
Kiln=Models,NTamd64
[Models.NTamd64]
Disks=Install,PCI\VEN_1234&DEV_0001
[Install]
CopyFiles=@kiln.sys
[Install.Services]
AddService=kiln,2,Service
[Service]
ServiceType=1
StartType=0
ErrorControl=1
ServiceBinary=%12%\kiln.sys
"#;

/// A package that a vendor signed with a certificate of its own.
fn signed(folder: &Path) -> Option<std::path::PathBuf> {
    let shared = shared()?;
    let (inf, package) = (folder.join("inf"), folder.join("package"));
    std::fs::create_dir(&inf).expect("a folder");
    std::fs::write(inf.join("kiln.inf"), INF).expect("an INF");
    let script = shared.join("judges/mkdrivers.py");
    let args =
        [script.as_os_str(), inf.as_ref(), package.as_ref(), "--arch".as_ref(), "amd64".as_ref()];
    outside("python3", args);
    let at = |name: &str| folder.join(name).display().to_string();
    let (root, root_key, leaf, leaf_key) =
        (at("root.pem"), at("root.key"), at("leaf.pem"), at("leaf.key"));
    std::fs::write(folder.join("ext"), "extendedKeyUsage=codeSigning\n").expect("a file");
    for args in [
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            &root_key,
            "-out",
            &root,
            "-subj",
            "/CN=Kiln Root",
            "-addext",
            "basicConstraints=critical,CA:TRUE",
        ][..],
        &[
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            &leaf_key,
            "-out",
            &at("csr"),
            "-subj",
            "/CN=Kiln Signer",
        ],
        &[
            "x509",
            "-req",
            "-in",
            &at("csr"),
            "-CA",
            &root,
            "-CAkey",
            &root_key,
            "-set_serial",
            "2",
            "-extfile",
            &at("ext"),
            "-out",
            &leaf,
        ],
    ] {
        outside("openssl", args);
    }
    let chain = [&leaf, &root].map(|path| std::fs::read(path).expect("a certificate")).concat();
    std::fs::write(folder.join("chain.pem"), chain).expect("a file");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/whole/make_catalog.py").to_owned();
    let files = ["kiln.inf", "kiln.sys"].map(|name| package.join(name).display().to_string());
    outside("python3", [&[script, at("unsigned.cat")], &files[..]].concat());
    let catalog = package.join("kiln.cat").display().to_string();
    std::fs::remove_file(&catalog).expect("the stand-in");
    let chain = at("chain.pem");
    outside(
        "osslsigncode",
        ["sign", "-certs", &chain, "-key", &leaf_key, "-in", &at("unsigned.cat"), "-out", &catalog],
    );
    Some(package)
}

#[test]
fn a_vendors_signature_counts_where_tests_are_allowed() {
    if !have(&["openssl", "osslsigncode", "python3"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let Some(package) = signed(folder.path()) else { return };
    let source = package.display().to_string();
    let listed = run(["drivers", "list", &source]).expect(0).stdout;
    assert!(listed.contains("  catalog   kiln.cat, signed by Kiln Signer (test)\n"), "{listed}");

    let demo = folder.path().join("demo");
    let _ = run(["demo", &demo.display().to_string()]).expect(0);
    let image = demo.join("guest.raw").display().to_string();
    let add = || run(["drivers", "add", &image, &source, "--json"]);
    let _ = run(["bcd", "set", &image, "{default}", "testsigning", "off"]).expect(0);
    let refused = add().expect(1);
    for part in ["signed by Kiln Signer, whom Windows does not know", "testsigning"] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
    let _ = run(["apply", &image, "--preset", "testsigning"]).expect(0);
    let added = add().expect(0).json();
    assert_eq!(added["drivers"][0]["action"], "added", "{added:#}");
    assert!(!added["warnings"].to_string().contains("kiln"), "{}", added["warnings"]);
    let catalog = r"C:\Windows\System32\CatRoot\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}\oem0.cat";
    let copy = folder.path().join("oem0.cat");
    let _ = run(["fs", "get", &image, catalog, &copy.display().to_string()]).expect(0);
    let read = |path: &Path| std::fs::read(path).expect("a catalog");
    assert_eq!(read(&copy), read(&package.join("kiln.cat")));

    // Another driver under its name is not what was signed.
    let driver = package.join("kiln.sys");
    let mut bytes = std::fs::read(&driver).expect("a driver");
    *bytes.last_mut().expect("a byte") ^= 1;
    std::fs::write(&driver, bytes).expect("a driver");
    let refused = add().expect(1);
    assert!(
        refused.stderr.contains("kiln.cat does not have kiln.sys as it is"),
        "{}",
        refused.stderr
    );
}
