//! Every field of what is told of an installation.

use winkiln_boot::bcd::{self, Device, Place};
use winkiln_disk::partition::TableKind;
use winkiln_guest::{Architecture, Boot, BootKind, Disk, Firmware, HiveName, Registry, Windows};
use winkiln_hive::ValueType;

use crate::tools::{Guest, NOW};

/// Names of the drivers that start at boot and whose file is there, in lower case and sorted.
fn ready(windows: &Windows) -> Vec<String> {
    let ready = windows.drivers.iter().filter(|driver| driver.start == Some(0) && driver.present);
    let mut names: Vec<String> = ready.map(|driver| driver.name.to_lowercase()).collect();
    names.sort();
    names
}

fn start_of(windows: &Windows, name: &str) -> Option<u32> {
    let found = windows.drivers.iter().find(|driver| driver.name.eq_ignore_ascii_case(name));
    found.unwrap_or_else(|| panic!("no {name}: {:?}", windows.drivers)).start
}

#[test]
fn windows_xp() {
    let Some(guest) = Guest::build(&["--os", "xp"]) else { return };
    let (disk, windows) = guest.windows();
    assert_eq!(disk.table().kind, TableKind::Mbr);
    assert_eq!((windows.volume, &*windows.system_root), (1, r"\Windows"));
    assert_eq!(windows.product_name, "Microsoft Windows XP");
    assert_eq!((windows.version, windows.build), ((5, 1), 2600));
    assert_eq!((&*windows.edition, &*windows.installation_type), ("Professional", "Client"));
    assert!(windows.is_nt5());
    assert_eq!(windows.architecture, Architecture::X86);
    assert_eq!(windows.control_set, 1);
    assert_eq!(windows.hal.as_deref(), Some("acpiapic_mp"));
    let boot = Boot {
        kind: BootKind::BootIni,
        firmware: Firmware::Bios,
        file: Some((1, r"\boot.ini".into())),
        testsigning: None,
        entries: vec![("Microsoft Windows XP Home Edition".into(), true)],
    };
    assert_eq!(windows.boot, boot);
    assert_eq!(windows.warnings, Vec::<String>::new());
    assert_eq!(start_of(&windows, "atapi"), Some(0));
    assert!(ready(&windows).contains(&"atapi".into()), "{:?}", windows.drivers);
    // In the hive, but the sample has no file for it.
    let ndis = windows.drivers.iter().find(|driver| !driver.present);
    assert!(ndis.is_some(), "{:?}", windows.drivers);
}

#[test]
fn windows_2003_with_a_foreign_boot_ini() {
    let Some(guest) = Guest::build(&["--os", "2003"]) else { return };
    let (_, windows) = guest.windows();
    assert_eq!(windows.product_name, "Microsoft Windows Server 2003 R2");
    assert_eq!((windows.version, windows.build), ((5, 2), 3790));
    assert_eq!(windows.installation_type, "Server");
    assert_eq!(windows.boot.kind, BootKind::BootIni);
    let entries = [("EMS boot".into(), true), ("Windows Server 2003, Standard".into(), false)];
    assert_eq!(windows.boot.entries, entries);
    assert_eq!(
        windows.warnings,
        [r"no entry of \boot.ini on volume 1 names \Windows of volume 1 on this disk"]
    );
}

#[test]
fn windows_7() {
    let Some(guest) = Guest::build(&["--os", "7"]) else { return };
    let (_, windows) = guest.windows();
    assert_eq!(windows.product_name, "Windows 7 Professional");
    assert_eq!((windows.version, windows.build), ((6, 1), 7601));
    assert_eq!(windows.architecture, Architecture::X86);
    assert_eq!((windows.control_set, windows.hal.as_deref()), (1, None));
    assert_eq!(windows.boot.kind, BootKind::Bcd);
    assert_eq!(windows.boot.firmware, Firmware::Bios);
    assert_eq!(windows.boot.file, Some((1, r"\Boot\BCD".into())));
    assert_eq!(windows.boot.testsigning, Some(false));
    assert_eq!(windows.boot.entries, [("Windows 10".into(), true)]);
    assert_eq!(windows.warnings.len(), 1, "{:?}", windows.warnings);
    assert!(windows.warnings[0].starts_with(r"no entry of \Boot\BCD"), "{:?}", windows.warnings);
    assert!(ready(&windows).contains(&"intelide".into()), "{:?}", windows.drivers);
    start_of(&windows, "msahci");
}

#[test]
fn windows_8_1_on_large_clusters() {
    let Some(guest) = Guest::build(&["--os", "8.1", "--cluster", "65536"]) else { return };
    let (disk, windows) = guest.windows();
    assert_eq!(disk.volumes()[0].identity.cluster_size, 65536);
    assert_eq!(windows.product_name, "Windows 8.1 Pro");
    assert_eq!((windows.version, windows.build), ((6, 3), 9600));
    assert_eq!(windows.architecture, Architecture::X86_64);
    // An inbox service of every Windows from 7 on is no guest tool.
    assert!(!windows.guest_tools.iter().any(|tools| tools.contains("Hyper-V")));
}

#[test]
fn windows_11_on_gpt() {
    let Some(guest) = Guest::build(&["--os", "11", "--table", "gpt"]) else { return };
    let (mut disk, windows) = guest.windows();
    assert_eq!(disk.table().kind, TableKind::Gpt);
    assert_eq!(disk.volumes().len(), 3);
    assert_eq!(windows.volume, 3);
    assert_eq!(windows.product_name, "Windows 11 Pro");
    assert_eq!((windows.version, windows.build), ((10, 0), 22631));
    assert_eq!(windows.architecture, Architecture::X86_64);
    assert_eq!(windows.boot.kind, BootKind::Bcd);
    assert_eq!(windows.boot.firmware, Firmware::Uefi);
    assert_eq!(windows.boot.file, Some((1, r"\EFI\Microsoft\Boot\BCD".into())));
    assert_eq!(windows.boot.testsigning, Some(false));
    assert_eq!(windows.boot.entries.iter().filter(|(_, default)| *default).count(), 1);
    assert!(ready(&windows).contains(&"storahci".into()), "{:?}", windows.drivers);
    assert_eq!(disk.pick_volume(None).unwrap(), 3);
    assert_eq!(disk.pick_volume(Some(1)).unwrap(), 1);
    let error = disk.pick_volume(Some(9)).unwrap_err();
    assert_eq!(error.to_string(), "no volume 9; there are: 1 (Fat32), 2 (Unknown), 3 (Ntfs)");
    assert!(!error.is_refusal());
}

#[test]
fn windows_10_on_a_bare_volume() {
    let Some(guest) = Guest::build(&["--os", "10", "--table", "none"]) else { return };
    let (mut disk, windows) = guest.windows();
    assert_eq!(disk.table().kind, TableKind::None);
    assert_eq!(windows.product_name, "Windows 10 Pro");
    assert_eq!((windows.version, windows.build), ((10, 0), 16299));
    assert_eq!(windows.boot.file, Some((windows.volume, r"\Boot\BCD".into())));
    assert_eq!(disk.pick_volume(None).unwrap(), windows.volume);
}

/// A store whose default loader names this disk's partition, on MBR and GPT, with testsigning on.
#[test]
fn stores_that_name_this_disk() {
    for (table, volume) in [("mbr", 1), ("gpt", 3)] {
        let Some(guest) = Guest::build(&["--os", "10", "--table", table]) else { return };
        let (_transaction, mut disk) = guest.begin(true);
        let windows = disk.find_windows().unwrap().remove(0);
        assert_eq!(windows.volume, volume);
        assert!(windows.warnings[0].starts_with("no entry of"), "{:?}", windows.warnings);
        let found = disk.volumes().iter().find(|found| found.number == volume).unwrap();
        let named = winkiln_guest::partition_ref(disk.table(), &found.partition).unwrap();
        let raw = Device::new(Place::Partition(named)).encode();
        let mut registry = Registry::new(&windows);
        let store = registry.hive_mut(&mut disk, &HiveName::Bcd).unwrap();
        let default = bcd::find_object(store, "{default}").unwrap();
        let (key, _) = store.create_key(default, r"Elements\21000001", NOW).unwrap();
        store.set_value(key, "Element", ValueType::Binary, &raw, NOW).unwrap();
        for loader in bcd::windows_loaders(store).unwrap() {
            bcd::set(store, &loader, "testsigning", "on", NOW).unwrap();
            bcd::set(store, &loader, "systemroot", r"\WINDOWS", NOW).unwrap();
        }
        registry.save(&mut disk, NOW).unwrap();
        disk.flush().unwrap();

        let mut again = Disk::open(disk.device().clone(), false, NOW).unwrap();
        let windows = again.find_windows().unwrap().remove(0);
        assert_eq!(windows.warnings, Vec::<String>::new(), "{table}");
        assert_eq!(windows.boot.testsigning, Some(true));
    }
}
