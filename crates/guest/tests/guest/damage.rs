//! Guests whose hives are damaged: described as far as they can be read, refused for editing.

use std::fs;
use std::process::Command;

use winkiln_guest::{Architecture, BootKind, HiveName, Registry};

use crate::tools::{Guest, change, have};

#[test]
fn damaged_hives_leave_warnings() {
    if !have(&["umount"]) {
        return;
    }
    let Some(guest) = Guest::build(&["--os", "8.1", "--table", "none"]) else { return };
    change(&guest.image(), |root| {
        let config = root.join("Windows/System32/config");
        let mut software = fs::read(config.join("SOFTWARE")).unwrap();
        software[4096..4100].copy_from_slice(b"bad!");
        fs::write(config.join("SOFTWARE"), software).unwrap();
        let system = fs::read(config.join("SYSTEM")).unwrap();
        fs::write(config.join("SYSTEM"), &system[..system.len() / 2]).unwrap();
        fs::create_dir(root.join("Windows/SysWOW64")).unwrap();
        fs::write(root.join("Boot/BCD"), b"not a store").unwrap();
    });
    let (_, mut disk) = guest.begin(true);
    let windows = disk.find_windows().unwrap().remove(0);
    assert_eq!((windows.version, windows.build, windows.control_set), ((0, 0), 0, 0));
    assert_eq!(windows.architecture, Architecture::X86_64);
    assert_eq!(windows.boot.kind, BootKind::Bcd);
    let all = windows.warnings.join("\n");
    for name in [
        r"\config\SOFTWARE cannot be read",
        r"\config\SYSTEM cannot be read",
        r"\Boot\BCD on volume 1: registry hive",
    ] {
        assert!(all.contains(name), "{all}");
    }
    let mut registry = Registry::new(&windows);
    for name in [HiveName::Software, HiveName::System, HiveName::Bcd] {
        let error = registry.hive_mut(&mut disk, &name).expect_err("refused");
        assert!(error.is_refusal(), "{name}: {error}");
    }
    // No key of a broken hive can be found through the control set either.
    assert!(registry.locate(&mut disk, r"HKLM\SYSTEM\CurrentControlSet").is_err());
}

/// A hibernated guest is described; its volume is refused for writing.
#[test]
fn unclean_volumes_are_described() {
    let Some(guest) = Guest::build(&["--os", "xp", "--table", "none"]) else { return };
    if !have(&["python3"]) {
        return;
    }
    // The dirty flag of $Volume, set as ntfs-3g's own tools show it.
    let script = "import sys\n\
        f=open(sys.argv[1],'r+b')\n\
        b=f.read(512); spc=b[13]; mft=int.from_bytes(b[48:56],'little')*spc*512\n\
        at=mft+3*1024; f.seek(at); r=bytearray(f.read(1024))\n\
        o=int.from_bytes(r[20:22],'little')\n\
        while int.from_bytes(r[o:o+4],'little')!=0x70: o+=int.from_bytes(r[o+4:o+8],'little')\n\
        v=o+int.from_bytes(r[o+20:o+22],'little'); r[v+10]|=1; f.seek(at); f.write(r)\n";
    crate::tools::run(Command::new("python3").args(["-c", script]).arg(guest.image()));
    let (_, mut disk) = guest.begin(true);
    assert_eq!(disk.find_windows().unwrap()[0].build, 2600);
    let identity = &disk.volumes()[0].identity;
    assert!(
        !identity.clean && identity.reasons.iter().any(|reason| reason.contains("dirty")),
        "{identity:?}"
    );
    let error = disk.volume_mut(1).expect_err("refused");
    assert!(error.is_refusal(), "{error}");
    // Reading goes on.
    assert!(disk.volume(1).unwrap().metadata(r"\boot.ini").unwrap().is_some());
}
