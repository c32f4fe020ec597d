//! Nothing is found where nothing is wrong.

use winkiln_doctor::Target;

use winkiln_hive::ValueType;

use crate::guest::{Guest, Os, dword, text};

#[test]
fn guests_of_each_generation_are_healthy() {
    for (os, boots_on) in [
        (Os::Xp, &["ide", "virtio-blk"][..]),
        (Os::Seven, &["ahci", "virtio-blk"]),
        (Os::Ten, &["ahci", "virtio-blk"]),
    ] {
        let Some(guest) = Guest::new(os) else { return };
        guest.is_healthy(None);
        guest.is_healthy(Some(Target::VirtioBlk));
        assert_eq!(guest.diagnose(None).boots_on, boots_on, "{os:?}");
    }
}

/// The others, told from those by what their SOFTWARE hive says, on the controllers that such machines have.
#[test]
fn every_version_between_is_healthy() {
    let key = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion";
    for (os, name, version, build) in [
        (Os::Xp, "Microsoft Windows Server 2003", "5.2", "3790"),
        (Os::Seven, "Windows Vista (TM) Business", "6.0", "6002"),
        (Os::Seven, "Windows Server 2008 R2 Standard", "6.1", "7601"),
        (Os::Ten, "Windows 7 Professional", "6.1", "7601"),
        (Os::Seven, "Windows 8.1 Pro", "6.3", "9600"),
        (Os::Seven, "Windows 10 Pro", "10.0", "19045"),
        (Os::Ten, "Windows Server 2012", "6.2", "9200"),
        (Os::Ten, "Windows 8.1 Pro", "6.3", "9600"),
        (Os::Ten, "Windows 10 Pro", "10.0", "22631"),
        (Os::Ten, "Windows Server 2025 Standard", "10.0", "26100"),
    ] {
        let Some(guest) = Guest::new(os) else { return };
        let (major, minor) = version.split_once('.').unwrap();
        let mut steps = vec![
            text(key, "ProductName", ValueType::Sz, name),
            text(key, "CurrentVersion", ValueType::Sz, version),
            text(key, "CurrentBuildNumber", ValueType::Sz, build),
        ];
        if os != Os::Xp && (os == Os::Ten || major == "10") {
            steps.push(dword(key, "CurrentMajorVersionNumber", major.parse().unwrap()));
            steps.push(dword(key, "CurrentMinorVersionNumber", minor.parse().unwrap()));
        }
        guest.apply(&steps);
        guest.is_healthy(None);
        guest.is_healthy(Some(if os == Os::Xp { Target::Ide } else { Target::Ahci }));
    }
}
