//! What other programs say of the program's work.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::env::{Guest, require_tools, winkiln};

/// Runs a program; `None`, said loudly, when it is not here.
pub(crate) fn run(command: &mut Command) -> Option<(bool, String)> {
    match command.output() {
        Ok(done) => {
            let said = [done.stdout, done.stderr].concat();
            Some((done.status.success(), String::from_utf8_lossy(&said).into_owned()))
        }
        Err(error) => {
            let program = command.get_program().to_string_lossy().into_owned();
            assert!(!require_tools(), "{program}: {error}");
            eprintln!("SKIPPED: {program}: {error}");
            None
        }
    }
}

pub(crate) fn judge(name: &str) -> Option<PathBuf> {
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/judges").join(name);
    if judge.is_file() {
        return Some(judge);
    }
    assert!(!require_tools(), "no {}", judge.display());
    eprintln!("SKIPPED: no {}", judge.display());
    None
}

/// Edits of every kind.
fn edit(guest: &Guest) {
    let image = guest.image();
    let tree = guest.dir.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    for number in 0..300 {
        std::fs::write(tree.join(format!("file number {number}.txt")), vec![b'x'; number * 40])
            .unwrap();
    }
    drop(winkiln(&["fs", "put", "-r", image, tree.to_str().unwrap(), r"\Users"]).ok());
    drop(winkiln(&["fs", "rm", image, r"\Users\tree\file number 7.txt"]).ok());
    for number in 0..100 {
        let name = format!("value {number}");
        if number % 10 == 0 {
            drop(
                winkiln(&[
                    "reg",
                    "add",
                    image,
                    r"HKLM\SOFTWARE\Site\Many",
                    "-v",
                    &name,
                    "-d",
                    &name,
                ])
                .ok(),
            );
        }
    }
    drop(
        winkiln(&["bcd", "set", image, "{default}", "bootstatuspolicy", "IgnoreAllFailures"]).ok(),
    );
}

#[test]
fn other_checkers_find_nothing_in_the_edited_guest() {
    let guest = Guest::new();
    edit(&guest);
    if let Some(judge) = judge("ntfscheck.sh")
        && let Some((clean, said)) = run(Command::new("bash").arg(judge).arg(guest.image()))
    {
        assert!(clean, "{said}");
    }
    for inside in
        [r"\Windows\System32\config\SYSTEM", r"\Windows\System32\config\SOFTWARE", r"\Boot\BCD"]
    {
        let hive = guest.hive(inside, "hive");
        if let Some(judge) = judge("hivecheck.py")
            && let Some((clean, said)) = run(Command::new("python3").arg(judge).arg(&hive))
        {
            assert!(clean, "{inside}: {said}");
        }
    }
}

#[test]
fn hivexget_reads_what_was_written() {
    let guest = Guest::new();
    let hive = guest.hive(r"\Windows\System32\config\SYSTEM", "SYSTEM");
    drop(winkiln(&["reg", "add", "--hive", &hive, r"\Site", "-v", "text", "-d", "привет"]).ok());
    let mut hivexget = Command::new("hivexget");
    if let Some((ok, said)) = run(hivexget.args([&hive, r"\Site", "text"])) {
        assert!(ok && said.trim() == "привет", "{said}");
    }
    let mut hivexget = Command::new("hivexget");
    if let Some((ok, said)) =
        run(hivexget.args([&hive, r"\ControlSet001\Control\CrashControl", "CrashDumpEnabled"]))
    {
        assert!(ok && said.trim() == "0", "{said}");
    }
}

#[test]
fn a_qcow2_guest_is_edited_and_stays_sound() {
    let guest = Guest::new();
    let image = guest.local("guest.qcow2");
    let convert = ["convert", "-q", "-O", "qcow2", guest.image(), &image];
    let Some((ok, said)) = run(Command::new("qemu-img").args(convert)) else { return };
    assert!(ok, "{said}");
    let report = winkiln(&[
        "apply",
        &image,
        "--preset",
        "utc-clock",
        "--preset",
        "no-fast-startup",
        "--json",
    ])
    .json();
    assert_eq!(report["committed"], true, "{report}");
    let again = winkiln(&[
        "apply",
        &image,
        "--preset",
        "utc-clock",
        "--preset",
        "no-fast-startup",
        "--json",
    ])
    .json();
    assert_eq!(again["committed"], false, "{again}");
    assert_eq!(winkiln(&["inspect", &image, "--json"]).json()["image"]["format"], "qcow2");
    if let Some((ok, said)) = run(Command::new("qemu-img").args(["check", &image])) {
        assert!(ok && said.contains("No errors"), "{said}");
    }
}

#[test]
fn hivexget_reads_a_trusted_certificate() {
    let guest = Guest::new();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/kiln-test-root.crt");
    let preset = format!("trust-certificate={file}");
    let args = ["apply", guest.image(), "--preset", &preset, "--json"];
    assert_eq!(winkiln(&args).json()["committed"], true);
    let again = winkiln(&args).json();
    assert_eq!((&again["committed"], &again["unchanged"]), (&false.into(), &2.into()), "{again}");
    let hive = guest.hive(r"\Windows\System32\config\SOFTWARE", "SOFTWARE");
    let encoded = Command::new("openssl").args(["x509", "-in", file, "-outform", "DER"]).output();
    let Ok(encoded) = encoded.map(|done| done.stdout) else {
        assert!(!require_tools(), "openssl is missing");
        eprintln!("SKIPPED: openssl is missing");
        return;
    };
    let hex: Vec<_> = encoded.iter().map(|byte| format!("{byte:02x}")).collect();
    for store in ["ROOT", "TrustedPublisher"] {
        let key = format!(
            r"\Microsoft\SystemCertificates\{store}\Certificates\0A8FB3C147591FBA9BEAB3D44A6BAE7E31D162E0"
        );
        if let Some((ok, said)) = run(Command::new("hivexget").args([&hive, &key])) {
            assert!(ok && said.contains("\"Blob\"=hex(3):03,00,00,00,01"), "{said}");
            assert!(said.trim_end().ends_with(&hex.join(",")), "{said}");
        }
    }
}

/// Reads the descriptor of a key: `hivex` finds the key, the rest is taken from the bytes of its `sk` cell.
const RIGHTS: &str = r#"
import hivex, struct, sys
data = open(sys.argv[1], 'rb').read()
hive = hivex.Hivex(sys.argv[1])
key = hive.root()
for name in sys.argv[2].split('\\'):
    key = hive.node_get_child(key, name)
u32 = lambda at: struct.unpack_from('<I', data, at)[0]
assert data[key + 4:key + 6] == b'nk'
cell = 4096 + u32(key + 4 + 44)
assert data[cell + 4:cell + 6] == b'sk' and u32(cell + 16) > 0
sd = cell + 24
assert u32(cell + 20) <= -struct.unpack_from('<i', data, cell)[0] - 24
control, owner, group, sacl, dacl = struct.unpack_from('<HIIII', data, sd + 2)
def sid(at):
    count, last = data[at + 1], data[at + 7]
    return '-'.join(['S-1', str(last)] + [str(u32(at + 8 + 4 * n)) for n in range(count)])
print('owner', sid(sd + owner))
print('protected', control >> 12 & 1)
at = sd + dacl + 8
for n in range(struct.unpack_from('<H', data, sd + dacl + 4)[0]):
    kind, flags, size, mask = struct.unpack_from('<BBHI', data, at)
    print(kind, flags, hex(mask), sid(at + 8))
    at += size
"#;

#[test]
fn rights_of_keys_are_what_another_reader_finds() {
    let guest = Guest::new();
    let system = r"\Windows\System32\config\SYSTEM";
    let file = guest.hive(system, "SYSTEM");
    let key = r"HKLM\SYSTEM\CurrentControlSet\Control\Site";
    let sddl = "O:SYD:P(A;CI;GA;;;BA)(D;;KW;;;BU)";
    let add = [key, "-v", "x", "-d", "1", "--sddl", sddl, "--all-control-sets", "--json"];
    for target in [&[guest.image()][..], &["--hive", &file]] {
        let done = winkiln(&[&["reg", "add"][..], target, &add].concat()).json();
        let changes = done["changes"].as_array().unwrap();
        assert!(changes.iter().any(|change| change["kind"] == "security"), "{done}");
        let again = winkiln(&[&["reg", "add"][..], target, &add].concat()).json();
        assert_eq!(again["committed"], false);
        let wrong = [&["reg", "add"][..], target, &[key, "--sddl", "D:(A;;nonsense;;;BA)"]];
        winkiln(&wrong.concat()).fails(2, &["right"]);
    }
    // A recipe does the same.
    let recipe = format!("[[registry]]\nkey = '{key}2'\nsddl = '{sddl}'\n");
    let recipe = guest.write("recipe.toml", recipe.as_bytes());
    drop(winkiln(&["apply", guest.image(), &recipe]).ok());
    let inside = guest.hive(system, "inside");
    let expected =
        "owner S-1-5-18\nprotected 1\n0 2 0xf003f S-1-5-32-544\n1 0 0x20006 S-1-5-32-545\n";
    for (hive, name) in [(&file, "Site"), (&inside, "Site"), (&inside, "Site2")] {
        let path = format!(r"ControlSet001\Control\{name}");
        let mut python = Command::new("/usr/bin/python3");
        let Some((ok, said)) = run(python.args(["-c", RIGHTS, hive, &path])) else { return };
        if !ok && said.contains("No module named") && !require_tools() {
            eprintln!("SKIPPED: {said}");
            return;
        }
        assert!(ok && said == expected, "{hive} {path}: {said}");
    }
}
