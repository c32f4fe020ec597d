//! Guests with SYSTEM hives of real machines, whose drivers are all there.

use std::path::{Path, PathBuf};
use std::process::Command;

use winkiln_bake::Step;
use winkiln_doctor::{Finding, Selection, Severity};
use winkiln_guest::service_file;
use winkiln_hive::{Hive, ValueType, strings};

use crate::guest::{Guest, Os, put, text};
use crate::small_guest::{AMD64, X86, program};

/// A file of the corpus, packed there; `None`, with a word on standard error, where it or `xz` is not.
pub(crate) fn unpacked(name: &str) -> Option<Vec<u8>> {
    let corpus = std::env::var_os("WINKILN_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let output = Command::new("xz").arg("-dc").arg(corpus.join(format!("{name}.xz"))).output();
    if let Some(output) = output.ok().filter(|output| output.status.success()) {
        return Some(output.stdout);
    }
    assert!(
        std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(),
        "no {name} of the corpus, or no xz"
    );
    eprintln!("SKIPPED: no {name} of the corpus, or no xz");
    None
}

/// The files of all drivers, as the hive has them.
fn drivers(system: &Hive, set: u32) -> Vec<String> {
    let services = format!(r"ControlSet{set:03}\Services");
    let services = system.find(system.root(), &services).unwrap().expect("services");
    let mut files = Vec::new();
    for (name, key) in system.subkeys(services).unwrap() {
        let value = |value: &str| system.value(key, value).unwrap().map(|value| value.data);
        let number = |name: &str| {
            value(name).and_then(|data| data.first_chunk().map(|word| u32::from_le_bytes(*word)))
        };
        if number("Type").is_some_and(|kind| matches!(kind, 1 | 2 | 8)) {
            let image = value("ImagePath").and_then(|data| strings(&data).into_iter().next());
            files.extend(service_file(&name, image.as_deref(), r"\Windows"));
        }
    }
    files
}

/// Makes a hive look as if Windows had closed it: both sequence numbers are the same.
pub(crate) fn close(hive: &mut [u8]) {
    hive.copy_within(4..8, 8);
    let sum = hive[..508]
        .chunks(4)
        .fold(0_u32, |sum, word| sum ^ u32::from_le_bytes(word.try_into().unwrap()));
    hive[508..512].copy_from_slice(&sum.to_le_bytes());
}

/// Puts the hive into a guest, and expects these rules alone to find something that stops or hinders it.
#[track_caller]
fn check(name: &str, os: Os, version: &str, machine: u16, expected: &[&str]) -> Vec<Finding> {
    let Some(guest) = Guest::new(os) else { return Vec::new() };
    let unpacked = unpacked(&format!("hive/{name}/SYSTEM"));
    let Some(mut bytes) = unpacked else { return Vec::new() };
    close(&mut bytes);
    let system = Hive::open(bytes).expect("the hive opens");
    let select = system.find(system.root(), "Select").unwrap().unwrap();
    let current = system.value(select, "Current").unwrap().unwrap().data;
    let set = u32::from_le_bytes(current[..4].try_into().unwrap());
    let mut steps: Vec<Step> = drivers(&system, set)
        .iter()
        .map(|file| put(os.volume(), file, &program(machine, &[])))
        .collect();
    steps.push(put(os.volume(), r"\Windows\System32\config\SYSTEM", system.bytes()));
    guest.apply(&steps);
    let key = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion";
    guest.apply(&[text(key, "CurrentVersion", ValueType::Sz, version)]);
    // Letters are those of the machine's own disk.
    let treated = guest.treat(None, &Selection { safe: true, rules: Vec::new() });
    assert_eq!(treated.left.skipped, [], "{name}");
    let repaired: Vec<_> = treated.repaired.iter().map(|finding| finding.rule).collect();
    assert_eq!(repaired, ["drive-letters"], "{name}: {treated:#?}");
    let left = treated.left.findings.iter().filter(|one| one.severity != Severity::Note);
    let left: Vec<_> = left.map(|finding| finding.rule).collect();
    assert_eq!(left, expected, "{name}: {:#?}", treated.left.findings);
    treated.left.findings
}

#[test]
fn a_windows_7_of_vmware_is_healthy() {
    drop(check("regipy-win7sp1-x86", Os::Seven, "6.1", X86, &[]));
}

/// A driver of VirtualBox belongs to a package, and nobody signed what stands for it here.
#[test]
fn a_windows_8_1_of_virtualbox_is_healthy() {
    drop(check("regipy-win81-x64", Os::Seven, "6.3", AMD64, &["boot-driver-unsigned"]));
}

/// It knows no controller but its own, which no hypervisor has.
#[test]
fn a_windows_xp_of_a_real_machine_finds_no_disk() {
    let found = check("cellxml-xpsp3-x86", Os::Xp, "5.1", X86, &["storage-not-bound"]);
    let Some(finding) = found.iter().find(|finding| finding.rule == "storage-not-bound") else {
        return;
    };
    let own =
        r"Windows ran on PCI\VEN_8086&DEV_24D1, PCI\VEN_8086&DEV_24DB, which no hypervisor has";
    assert!(finding.found.ends_with(own), "{}", finding.found);
}
