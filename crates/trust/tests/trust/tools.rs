//! Outside programs, and the certificates they make.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// True when every program is there. Otherwise says so, or fails where the run must be complete.
pub fn have(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing: Vec<_> = programs
        .iter()
        .filter(|name| !std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
        .collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "missing programs: {missing:?}");
    eprintln!("SKIPPED: missing programs: {missing:?}");
    false
}

/// Runs a program in a folder; it must succeed. Returns what it wrote.
#[track_caller]
pub fn run(folder: &TempDir, program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(folder.path()).output();
    let output = output.expect("a program");
    let text = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{program} {args:?}: {text}");
    text
}

/// Certificates for all tests, made once: `NAME.pem` and `NAME.key`.
pub struct Authority {
    pub folder: TempDir,
}

/// Name, subject, issuer, extensions.
const CERTIFICATES: &[(&str, &str, &str, &str)] = &[
    ("root", "/C=XX/O=Kiln Works/CN=Kiln Test Root", "root", "basicConstraints=critical,CA:TRUE"),
    ("sub", "/O=Kiln Works/CN=Kiln Sub CA", "root", "basicConstraints=critical,CA:TRUE"),
    ("leaf", "/O=Kiln Works/CN=Kiln Driver Signer", "sub", "extendedKeyUsage=codeSigning"),
    ("self", "/CN=WDKTestCert kiln", "self", "extendedKeyUsage=codeSigning"),
    (
        "ms2010",
        "/O=Microsoft Corporation/CN=Microsoft Root Certificate Authority 2010",
        "ms2010",
        "basicConstraints=critical,CA:TRUE",
    ),
    (
        "hardware",
        "/O=Microsoft Corporation/CN=Microsoft Windows Third Party Component CA 2014",
        "ms2010",
        "basicConstraints=critical,CA:TRUE",
    ),
    (
        "whql",
        "/CN=Microsoft Windows Hardware Compatibility Publisher",
        "hardware",
        "extendedKeyUsage=1.3.6.1.4.1.311.10.3.5,codeSigning",
    ),
    (
        "attest",
        "/CN=Microsoft Windows Hardware Compatibility Publisher",
        "hardware",
        "extendedKeyUsage=1.3.6.1.4.1.311.10.3.5.1,codeSigning",
    ),
    (
        "verification",
        "/CN=Microsoft Code Verification Root",
        "verification",
        "basicConstraints=critical,CA:TRUE",
    ),
    ("cross", "/O=Kiln Works/CN=Kiln Sub CA", "verification", "basicConstraints=critical,CA:TRUE"),
];

/// Who has the same key; `cross` must have that of `sub`.
const RANKS: &[&[&str]] = &[
    &["root", "ms2010", "verification"],
    &["sub", "hardware", "cross"],
    &["leaf", "self", "whql", "attest"],
];

/// The certificates.
pub fn authority() -> &'static Authority {
    static MADE: OnceLock<Authority> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a scratch folder");
        for (serial, (name, subject, issuer, extension)) in CERTIFICATES.iter().enumerate() {
            // Making keys is what takes time: those of one rank share one.
            let key = format!("{name}.key");
            match RANKS
                .iter()
                .find_map(|names| Some((names, names.iter().position(|n| n == name)?)))
            {
                Some((names, place)) if place > 0 => {
                    let from = folder.path().join(format!("{}.key", names[0]));
                    fs::copy(from, folder.path().join(&key)).expect("a key");
                }
                _ => drop(run(&folder, "openssl", &["genrsa", "-out", &key, "2048"])),
            }
            let request = format!("{name}.csr");
            run(
                &folder,
                "openssl",
                &["req", "-new", "-utf8", "-key", &key, "-subj", subject, "-out", &request],
            );
            fs::write(
                folder.path().join("ext"),
                format!("{extension}\nsubjectKeyIdentifier=hash\n"),
            )
            .expect("a file");
            let (out, serial) = (format!("{name}.pem"), (serial + 1).to_string());
            let mut args = vec![
                "x509",
                "-req",
                "-in",
                &request,
                "-out",
                &out,
                "-days",
                "3650",
                "-set_serial",
                &serial,
                "-extfile",
                "ext",
                "-sha256",
            ];
            let (by, by_key) = (format!("{issuer}.pem"), format!("{issuer}.key"));
            if name == issuer {
                args.extend(["-signkey", &key]);
            } else {
                args.extend(["-CA", &by, "-CAkey", &by_key]);
            }
            run(&folder, "openssl", &args);
        }
        Authority { folder }
    })
}

impl Authority {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The certificates of these names in one PEM file.
    pub fn bundle(&self, names: &[&str]) -> String {
        let texts: Vec<_> = names
            .iter()
            .map(|name| {
                fs::read_to_string(self.path(&format!("{name}.pem"))).expect("a certificate")
            })
            .collect();
        let path = self.path(&format!("bundle-{}.pem", names.join("-")));
        fs::write(&path, texts.concat()).expect("a file");
        path.to_str().expect("a path of text").to_owned()
    }

    /// Signs a file with osslsigncode: the first name is the signer's, all certificates come along.
    pub fn sign(&self, contents: &[u8], extension: &str, names: &[&str], more: &[&str]) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let (input, output) = (format!("in.{extension}"), format!("out.{extension}"));
        fs::write(folder.path().join(&input), contents).expect("a file");
        let key = self.path(&format!("{}.key", names[0]));
        let bundle = self.bundle(names);
        let key = key.to_str().expect("a path of text");
        let args = [
            &["sign", "-certs", &bundle, "-key", key][..],
            more,
            &["-in", &input, "-out", &output],
        ]
        .concat();
        run(&folder, "osslsigncode", &args);
        fs::read(folder.path().join(output)).expect("a signed file")
    }
}
