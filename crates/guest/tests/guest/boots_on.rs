//! Which disk controllers a Windows boots from.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use winkiln_guest::boots_on::{BusVerdict, DriverFiles, examine};
use winkiln_guest::{Architecture, Windows};
use winkiln_hive::Hive;

use crate::small_guest::{
    AMD64, X86, boot_service, class, common, critical, hive, package, program,
};
use crate::tools::{beside, run};

/// Every driver that is asked for, but those that are said to be otherwise.
struct Files {
    machine: u16,
    missing: BTreeSet<String>,
    other: BTreeMap<String, Vec<u8>>,
}

impl DriverFiles for Files {
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let path = path.to_lowercase();
        if path == r"\windows\system32\drivers\unreadable.sys" {
            return Err("encrypted".into());
        }
        let usual = || program(self.machine, &["ntoskrnl.exe"]);
        let found = || self.other.get(&path).cloned().unwrap_or_else(usual);
        Ok((!self.missing.contains(&path)).then(found))
    }

    fn exists(&mut self, path: &str) -> Result<bool, String> {
        Ok(!self.missing.contains(&path.to_lowercase()))
    }
}

fn files(machine: u16) -> Files {
    Files { machine, missing: BTreeSet::new(), other: BTreeMap::new() }
}

fn windows(version: (u32, u32), architecture: Architecture) -> Windows {
    Windows {
        product_name: "Windows".into(),
        version,
        build: 1,
        architecture,
        control_set: 1,
        next_control_set: 1,
        ..Windows::at(1, r"\Windows".into())
    }
}

/// A Windows 10 that boots from virtio-blk, changed.
fn ten(change: &str, files: &mut Files) -> Vec<BusVerdict> {
    let device = r"PCI\VEN_1AF4&DEV_1001";
    let text = common(&package)
        + &package(device, "viostor", "4D36E97B")
        + &boot_service("viostor")
        + change;
    examine(&hive(&text), &windows((10, 0), Architecture::X86_64), files)
}

#[track_caller]
fn bus<'a>(buses: &'a [BusVerdict], word: &str) -> &'a BusVerdict {
    buses.iter().find(|bus| bus.word == word).expect("the bus is told of")
}

/// The word and the text of what is missing for the first controller of a bus.
#[track_caller]
fn obstacle(buses: &[BusVerdict], word: &str) -> (&'static str, String) {
    let obstacle = bus(buses, word).controllers[0].obstacle.as_ref();
    obstacle.map_or(("none", String::new()), |obstacle| (obstacle.word(), obstacle.to_string()))
}

const PACKAGE: &str = r"DriverDatabase\DriverPackages\viostor.inf_amd64_0123456789abcdef";
const SERVICE: &str = r"ControlSet001\Services\viostor";

#[test]
fn a_driver_that_is_bound_and_starts_boots() {
    let buses = ten("", &mut files(AMD64));
    let blk = bus(&buses, "virtio-blk");
    let [transitional, modern] = &blk.controllers[..] else { panic!("{blk:#?}") };
    assert!(transitional.boots() && !modern.boots() && blk.boots());
    assert_eq!(transitional.drivers[0].service, "viostor");
    assert_eq!(transitional.drivers[0].device, r"PCI\VEN_1AF4&DEV_1001");
    assert_eq!(transitional.drivers[0].bound_by, "viostor.inf_amd64_0123456789abcdef");
    assert_eq!(transitional.drivers[0].file, r"\Windows\System32\drivers\viostor.sys");
    let no = modern.obstacle.as_ref().unwrap().to_string();
    assert!(no.contains(r"PCI\VEN_1AF4&DEV_1042"), "{no}");
    let all: Vec<_> = buses.iter().filter(|bus| bus.boots()).map(|bus| bus.word).collect();
    assert_eq!(all, ["virtio-blk"]);
}

#[test]
fn each_thing_that_is_missing_is_named() {
    let delete = |key: &str| format!("[-{key}]\r\n");
    let set = |key: &str, value: &str| format!("[{key}]\r\n{value}\r\n");
    let inf = r"DriverDatabase\DriverInfFiles\viostor.inf";
    let descriptors = format!(r"{PACKAGE}\Descriptors");
    let configurations = format!(r"{PACKAGE}\Configurations");
    let override_key = format!(r"{SERVICE}\StartOverride");
    let scsi_class = format!(r"ControlSet001\Control\Class\{}", class("4D36E97B"));
    let disk_class = format!(r"ControlSet001\Control\Class\{}", class("4D36E967"));
    let ids = r"DriverDatabase\DeviceIds\PCI\VEN_1AF4&DEV_1001";
    let gone = "UpperFilters\"=hex(7):67,00,6f,00,6e,00,65,00,00,00,00,00";
    for (change, word, named) in [
        (delete(ids), "not-bound", r"HKLM\SYSTEM\DriverDatabase\DeviceIds"),
        (set(inf, "\"Active\"=-"), "staged", "value Active"),
        (delete(PACKAGE), "staged", PACKAGE),
        (set(PACKAGE, "\"Version\"=-"), "staged", "value Version"),
        (delete(&descriptors), "staged", r"Descriptors\PCI\VEN_1AF4&DEV_1001"),
        (delete(&configurations), "staged", r"Configurations\Inst"),
        (delete(SERVICE), "no-service", SERVICE),
        (set(SERVICE, "\"Type\"=dword:10"), "not-a-driver", "Type 16"),
        (set(SERVICE, "\"Start\"=dword:3"), "not-boot-start", "Start 3"),
        (set(SERVICE, "\"Start\"=-"), "not-boot-start", "no Start"),
        (set(&override_key, "\"0\"=dword:3"), "start-override", r"StartOverride\0 = 3"),
        (set(&override_key, "\"0\"=dword:0"), "none", ""),
        (set(SERVICE, "\"ImagePath\"=\"\\\\??\\\\D:\\\\x.sys\""), "other-volume", r"D:\x.sys"),
        (
            set(SERVICE, "\"ImagePath\"=\"System32\\\\drivers\\\\unreadable.sys\""),
            "unreadable",
            "encrypted",
        ),
        (
            set(&scsi_class, &format!("\"{gone}")),
            "filter",
            r"no key HKLM\SYSTEM\ControlSet001\Services\gone",
        ),
        (set(&disk_class, &format!("\"{gone}")), "filter", "4D36E967"),
        (set(r"ControlSet001\Services\pci", "\"Start\"=dword:4"), "not-boot-start", "service pci"),
        (
            set(r"ControlSet001\Services\disk", "\"Start\"=dword:3"),
            "not-boot-start",
            "service disk",
        ),
        (delete(r"ControlSet001\Services\ACPI"), "no-service", "ACPI"),
    ] {
        let (found, text) = obstacle(&ten(&change, &mut files(AMD64)), "virtio-blk");
        assert_eq!(found, word, "{change}: {text}");
        assert!(text.contains(named), "{change}: {text}");
    }
}

#[test]
fn files_of_drivers_are_looked_at() {
    let path = r"\windows\system32\drivers\viostor.sys".to_owned();
    let with = |contents: &[u8]| {
        let mut files = files(AMD64);
        files.other.insert(path.clone(), contents.to_vec());
        obstacle(&ten("", &mut files), "virtio-blk")
    };
    assert_eq!(with(&program(AMD64, &["STORPORT.SYS", "api-ms-win-x.dll"])).0, "none");
    assert_eq!(with(&program(X86, &[])).0, "wrong-machine");
    assert_eq!(with(b"MZ stand-in").0, "not-a-program");
    assert_eq!(with(b"").0, "not-a-program");
    let (word, text) = with(&program(AMD64, &["WDFLDR.SYS"]));
    assert_eq!(word, "needs");
    assert!(text.contains("Wdf01000"), "{text}");

    let mut without = files(AMD64);
    without.missing.insert(path.clone());
    let (word, text) = obstacle(&ten("", &mut without), "virtio-blk");
    assert_eq!((word, text.contains(r"\Windows\System32\drivers\viostor.sys")), ("no-file", true));

    let mut unlinked = files(AMD64);
    unlinked.other.insert(path, program(AMD64, &["xen.sys"]));
    for folder in ["", r"drivers\"] {
        unlinked.missing.insert(format!(r"\windows\system32\{folder}xen.sys"));
    }
    let (word, text) = obstacle(&ten("", &mut unlinked), "virtio-blk");
    assert_eq!((word, text.contains("xen.sys")), ("no-module", true));
}

#[test]
fn the_critical_device_database_is_read_where_it_counts() {
    let xp = windows((5, 1), Architecture::X86);
    let text = common(&critical)
        + &critical(r"PCI\VEN_1AF4&DEV_1001&SUBSYS_00021AF4&REV_00", "viostor", "4D36E97B")
        + &boot_service("viostor")
        + &critical(r"PCI\VEN_5853&DEV_0001", "xenpci", "4D36E97D")
        + &boot_service("xenpci")
        + &critical(r"XEN\vbd", "xenvbd", "4D36E97B")
        + &boot_service("xenvbd");
    let told = |change: &str| examine(&hive(&(text.clone() + change)), &xp, &mut files(X86));
    let buses = told("");
    let all: Vec<_> = buses.iter().filter(|bus| bus.boots()).map(|bus| bus.word).collect();
    assert_eq!(all, ["virtio-blk", "xen"]);
    assert_eq!(bus(&buses, "xen").controllers[0].drivers[1].device, r"XEN\vbd");
    // What the other database says does not count, and the other way round.
    assert_eq!(obstacle(&told("[DriverDatabase]\r\n"), "virtio-blk").0, "not-bound");
    let policy = "[ControlSet001\\Control\\Pnp]\r\n\"DisableCDDB\"=dword:1\r\n";
    assert_eq!(obstacle(&told(policy), "virtio-blk").0, "policy");
    // A device that Windows installed needs no database.
    let device = r"ControlSet001\Enum\PCI\VEN_1AF4&DEV_1004&SUBSYS_00081AF4&REV_00\3&1&0";
    let met = format!("[{device}]\r\n\"Service\"=\"viostor\"\r\n");
    assert_eq!(obstacle(&told(&met), "virtio-scsi").0, "none");
    let disabled = format!("{met}\"ConfigFlags\"=dword:1\r\n");
    assert_eq!(obstacle(&told(&disabled), "virtio-scsi").0, "not-bound");
    // The bus of the Xen Project has other children.
    let project =
        critical(r"PCI\VEN_5853&DEV_0001", "xenbus", "4D36E97D") + &boot_service("xenbus");
    assert_eq!(obstacle(&told(&project), "xen").0, "not-bound");
    let child = critical(r"XENBUS\VEN_XP0001&DEV_VBD&REV_0900000B", "xenvbd", "4D36E97B");
    assert_eq!(obstacle(&told(&(project + &child)), "xen").0, "none");
}

#[test]
fn the_best_configured_package_counts() {
    // A newer package for the same ID that is only staged does not hide the other; one of a better ID does.
    let ids = r"DriverDatabase\DeviceIds\PCI\VEN_1AF4&DEV_1001";
    let staged = format!("[{ids}]\r\n\"oem1.inf\"=hex:01,80,00,00\r\n");
    assert_eq!(obstacle(&ten(&staged, &mut files(AMD64)), "virtio-blk").0, "none");
    let better = package(r"PCI\VEN_1AF4&DEV_1001&CC_0100", "other", "4D36E97B");
    let (word, text) = obstacle(&ten(&better, &mut files(AMD64)), "virtio-blk");
    assert_eq!(word, "no-service", "{text}");
    assert!(text.contains("other"), "{text}");
}

/// A hive of a real Windows, whose drivers are taken to be there.
fn real(name: &str, version: (u32, u32), architecture: Architecture) -> Option<Vec<BusVerdict>> {
    let file = beside(&format!("corpus/hive/{name}/SYSTEM.xz"), "WINKILN_CORPUS")?;
    let bytes = run(Command::new("xz").arg("-dc").arg(file));
    let hive = Hive::open_unrecovered(bytes).expect("the hive opens");
    let machine = if architecture == Architecture::X86 { X86 } else { AMD64 };
    Some(examine(&hive, &windows(version, architecture), &mut files(machine)))
}

#[track_caller]
fn check_real(buses: &[BusVerdict], expected: &[(&str, &str)]) {
    let told: Vec<_> = buses.iter().map(|bus| (bus.word, obstacle(buses, bus.word).0)).collect();
    assert_eq!(told, expected, "{buses:#?}");
}

/// On a machine of Dell: its controller is in RAID mode, and Windows put every other storage driver off.
#[test]
fn a_real_windows_10_boots_where_its_storage_drivers_were_not_put_off() {
    let Some(buses) = real("regipy-win10-1709-x64-dirty", (10, 0), Architecture::X86_64) else {
        return;
    };
    check_real(
        &buses,
        &[
            ("ide", "start-override"),
            ("ahci", "start-override"),
            ("nvme", "start-override"),
            ("virtio-blk", "not-bound"),
            ("virtio-scsi", "not-bound"),
            ("xen", "not-bound"),
            ("pvscsi", "not-bound"),
            ("lsi-sas", "start-override"),
            ("lsi-scsi", "not-bound"),
            ("hyper-v", "start-override"),
        ],
    );
}

/// In VirtualBox, from AHCI.
#[test]
fn a_real_windows_8_1_boots_where_it_ran() {
    let Some(buses) = real("regipy-win81-x64", (6, 3), Architecture::X86_64) else { return };
    check_real(
        &buses,
        &[
            ("ide", "start-override"),
            ("ahci", "none"),
            ("nvme", "start-override"),
            ("virtio-blk", "not-bound"),
            ("virtio-scsi", "not-bound"),
            ("xen", "not-bound"),
            ("pvscsi", "not-bound"),
            ("lsi-sas", "start-override"),
            ("lsi-scsi", "not-bound"),
            ("hyper-v", "start-override"),
        ],
    );
}

/// In VMware, from LSI SAS, with an IDE CD-ROM: drivers of other controllers do not start.
#[test]
fn a_real_windows_7_boots_where_it_ran() {
    let Some(buses) = real("regipy-win7sp1-x86", (6, 1), Architecture::X86) else { return };
    check_real(
        &buses,
        &[
            ("ide", "none"),
            ("ahci", "not-boot-start"),
            ("nvme", "not-bound"),
            ("virtio-blk", "not-bound"),
            ("virtio-scsi", "not-bound"),
            ("xen", "not-bound"),
            ("pvscsi", "not-bound"),
            ("lsi-sas", "none"),
            ("lsi-scsi", "none"),
            ("hyper-v", "not-boot-start"),
        ],
    );
}

/// On a machine with ICH5, which alone it knows.
#[test]
fn a_real_windows_xp_boots_from_no_controller_of_hypervisors() {
    let Some(buses) = real("cellxml-xpsp3-x86", (5, 1), Architecture::X86) else { return };
    check_real(
        &buses,
        &[
            ("ide", "not-bound"),
            ("ahci", "not-bound"),
            ("nvme", "not-bound"),
            ("virtio-blk", "not-bound"),
            ("virtio-scsi", "not-bound"),
            ("xen", "not-bound"),
            ("pvscsi", "not-bound"),
            ("lsi-sas", "not-bound"),
            ("lsi-scsi", "not-bound"),
            ("hyper-v", "not-bound"),
        ],
    );
}
