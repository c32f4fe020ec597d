//! Whole images: baked, judged by other programs, baked again.

use winkiln_bake::session::ErrorKind;
use winkiln_bake::{BakeError, Preset, Recipe, Report, Session, SessionOptions, Step};

use crate::in_box;
use crate::judge::Guest;

/// 2026-01-02 03:04:05 UTC in 100 ns ticks since 1601.
const NOW: u64 = 134_118_110_450_000_000;

pub(crate) fn options(dry_run: bool) -> SessionOptions {
    SessionOptions { dry_run, now: NOW, ..SessionOptions::default() }
}

pub(crate) fn bake(guest: &Guest, recipe: &Recipe, dry_run: bool) -> Report {
    let mut session = Session::open(&guest.image, &options(dry_run)).expect("opens");
    let planned = session.plan(&recipe.presets).expect("plans");
    for step in planned.iter().chain(&recipe.steps) {
        session.apply(step).unwrap_or_else(|error| panic!("{step:?}: {error:?}"));
    }
    session.finish().unwrap_or_else(|error| panic!("{error:?}"))
}

fn all_presets() -> Recipe {
    let certificate =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/kiln-test-root.crt").to_owned();
    // Those that have the guest start otherwise are no part of a bake that is judged as a whole.
    let names = Preset::names()
        .into_iter()
        .filter(|name| !["last-known-good", "ems", "restore-hive"].contains(name));
    let presets = names.map(|name| match name {
        "safe-mode" => Preset::parse("safe-mode=off"),
        "service" => Preset::parse("service=Disk:boot"),
        "boot-switch" => Preset::parse("boot-switch=/usepmtimer"),
        "crash-dump" => Preset::parse("crash-dump=small,no-reboot"),
        "trust-certificate" => Preset::parse(&format!("{name}={certificate}")),
        "nic-watchdog" => Preset::parse("nic-watchdog=192.0.2.1"),
        name => Preset::parse(name),
    });
    Recipe {
        presets: presets.map(Result::unwrap).collect(),
        steps: Vec::new(),
        ..Recipe::default()
    }
}

/// Dry run, bake, a second bake; the judges after each. The guest boots from more controllers then.
fn bake_all(guest: &Guest, arch: &str, elsewhere: &[(&str, &str)], boots: [&str; 2]) -> Report {
    in_box::furnish(guest, arch, elsewhere);
    assert_eq!(in_box::table(&guest.image), boots[0], "before");
    let before = guest.copy("before.img");
    let recipe = all_presets();

    let dry = bake(guest, &recipe, true);
    assert!(!dry.committed && dry.dry_run);
    assert_eq!(dry.io.image_bytes_written, 0);
    assert!(guest.is_as(&before), "a dry run changes nothing");

    let report = bake(guest, &recipe, false);
    assert!(report.committed && !report.dry_run);
    assert_eq!(report.changes, dry.changes, "the dry run said what would change");
    assert_eq!(report.warnings, dry.warnings);
    assert!(report.io.image_bytes_written > 0 && report.io.journal_bytes > 0);
    assert!(report.verified.iter().any(|verified| verified.reader == "nt-hive"), "{report:?}");
    assert!(!guest.is_as(&before));
    guest.assert_clean(&before);

    let baked = guest.copy("baked.img");
    let again = bake(guest, &recipe, false);
    assert!(!again.committed);
    assert_eq!(again.changes, []);
    assert_eq!(again.io.image_bytes_written, 0);
    assert_eq!(again.io.journal_bytes, 0);
    assert!(again.unchanged > 10, "{again:?}");
    assert!(guest.is_as(&baked), "a second bake writes nothing");
    assert_eq!(in_box::table(&guest.image), boots[1], "after");
    report
}

const CONFIG: &str = "Windows/System32/config";

fn check_software(guest: &Guest) {
    let software = guest.hive(&format!("{CONFIG}/SOFTWARE"));
    let policies = r"\Microsoft\Windows\CurrentVersion\Policies\System";
    assert_eq!(software.dword(policies, "ShutdownWithoutLogon"), Some(1));
    assert_eq!(software.dword(policies, "DisableCAD"), Some(1));
    assert_eq!(software.dword(policies, "dontdisplaylastusername"), Some(0), "kept");
    let windows = r"\Microsoft\Windows NT\CurrentVersion\Windows";
    assert_eq!(software.dword(windows, "ShutdownWarningDialogTimeout"), Some(3));
    let updates = r"\Policies\Microsoft\Windows\WindowsUpdate\AU";
    assert_eq!(software.dword(updates, "NoAutoUpdate"), Some(1));
}

fn check_vista_and_later(guest: &Guest) {
    check_software(guest);
    let system = guest.hive(&format!("{CONFIG}/SYSTEM"));
    for (key, name, expected) in [
        (r"Control\CrashControl", "CrashDumpEnabled", 3),
        (r"Control\CrashControl", "AutoReboot", 0),
        (r"Control\Terminal Server", "fDenyTSConnections", 0),
        (r"Control\TimeZoneInformation", "RealTimeIsUniversal", 1),
        (r"Control\Power", "HibernateEnabled", 0),
        (r"Services\partmgr\Parameters", "SanPolicy", 1),
        (r"Services\AFD\Parameters", "FastSendDatagramThreshold", 0x4000),
        (r"Services\Tcpip\Parameters", "EnableWsd", 0),
    ] {
        let found = system.dword(&format!(r"\ControlSet001\{key}"), name);
        assert_eq!(found, Some(expected), r"{key}\{name}");
    }
    let rules = r"\ControlSet001\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules";
    let rule = system.get(rules, "RemoteDesktop-UserMode-In-TCP").expect("the rule");
    assert!(rule.contains("|Active=TRUE|") && rule.contains("|Svc=termservice|"), "{rule}");
    assert_eq!(system.dword(r"\Setup", "SetupType"), Some(2));
    let line = system.get(r"\Setup", "CmdLine");
    let expected = r#"cmd.exe /d /s /c ""%SystemRoot%\winkiln\firstboot.cmd"""#;
    assert_eq!(line.as_deref(), Some(expected));
    let script = guest.file("Windows/winkiln/firstboot.cmd").expect("the script");
    let script = String::from_utf8(script).unwrap();
    assert!(script.contains("int tcp set heuristics disabled"), "{script}");
}

/// testsigning and load options of the loaders that the store of these samples starts Windows with.
fn check_store(report: &Report, store: &crate::judge::Hive) {
    let mut seen = 0;
    for change in report.changes.iter().filter(|change| change.kind == "bcd-element") {
        let (guid, element) = change.target.split_once(' ').expect("object and element");
        let (id, expected) = match element {
            "testsigning" => ("16000049", "\u{1}"),
            "loadoptions" => ("12000030", "GPLPV usepmtimer"),
            "pae" => ("25000021", "\u{1}"),
            other => panic!("{other}"),
        };
        let found = store.get(&format!(r"\Objects\{guid}\Elements\{id}"), "Element");
        let found = found.unwrap_or_else(|| panic!("no {element} in {guid}"));
        // hivexget prints binary data as it is.
        assert_eq!(found.trim_end_matches('\0'), expected, "{element} of {guid}");
        seen += 1;
    }
    assert!(seen >= 2, "{report:?}");
}

#[test]
fn windows_xp_on_a_raw_mbr_disk() {
    let Some(guest) = Guest::new("xp.raw", "xp", "mbr", &[]) else { return };
    let elsewhere = [("intelide", r"\Windows\System32\dllcache\intelide.sys")];
    let report =
        bake_all(&guest, "x86", &elsewhere, ["ahci=no ide=no nvme=no", "ahci=no ide=yes nvme=no"]);
    check_software(&guest);
    let system = guest.hive(&format!("{CONFIG}/SYSTEM"));
    for (key, name, expected) in [
        (r"Services\AFD\Parameters", "DefaultSendWindow", 0x0010_0000),
        (r"Services\AFD\Parameters", "DefaultReceiveWindow", 0x0010_0000),
        (r"Services\AFD\Parameters", "FastSendDatagramThreshold", 0x4000),
        (r"Services\Tcpip\Parameters", "Tcp1323Opts", 1),
        (r"Services\Tcpip\Parameters", "TcpWindowSize", 0x0010_0000),
        (r"Control\CrashControl", "CrashDumpEnabled", 3),
        (r"Control\Terminal Server", "fDenyTSConnections", 0),
        (r"Control\TimeZoneInformation", "RealTimeIsUniversal", 1),
    ] {
        let found = system.dword(&format!(r"\ControlSet001\{key}"), name);
        assert_eq!(found, Some(expected), r"{key}\{name}");
    }
    for profile in ["DomainProfile", "StandardProfile"] {
        let list = format!(
            r"\ControlSet001\Services\SharedAccess\Parameters\FirewallPolicy\{profile}\GloballyOpenPorts\List"
        );
        let port = system.get(&list, "3389:TCP");
        assert_eq!(port.as_deref(), Some("3389:TCP:*:Enabled:@xpsp2res.dll,-22009"));
    }
    let critical = r"\ControlSet001\Control\CriticalDeviceDatabase";
    for (id, service) in [
        ("PCI#VEN_8086&DEV_7010", "intelide"),
        ("PCI#CC_0101", "pciide"),
        ("PCI#VEN_1039&DEV_5513", "pciide"), // by the guest's own INF
        ("*PNP0600", "atapi"),
    ] {
        let key = format!(r"{critical}\{id}");
        assert_eq!(system.get(&key, "Service").as_deref(), Some(service), "{id}");
        let class = system.get(&key, "ClassGUID");
        assert_eq!(class.as_deref(), Some("{4D36E96A-E325-11CE-BFC1-08002BE10318}"), "{id}");
    }
    let put_back = &report.drivers[0].files;
    assert_eq!(put_back, &[r"\Windows\system32\DRIVERS\intelide.sys"]);
    assert_eq!(system.dword(r"\Setup", "SetupType"), Some(0), "no first boot work on XP");
    let ini = String::from_utf8(guest.file("boot.ini").expect("boot.ini")).unwrap();
    let entries: Vec<&str> =
        ini.split("\r\n").filter(|line| line.starts_with("multi(") && line.contains('"')).collect();
    assert_eq!(entries.len(), 2, "{ini}");
    assert!(entries[0].contains("(PV drivers)\" ") && entries[0].contains("/gplpv"), "{ini}");
    assert!(!entries[1].contains("/gplpv") && entries[1].contains("/PAE"), "{ini}");
    assert!(entries[0].contains("/usepmtimer"), "{ini}");
    let change = report.changes.iter().find(|change| change.kind == "boot-ini").expect("a change");
    assert_eq!(change.target, r"\boot.ini");
}

#[test]
fn windows_7_on_a_qcow2_mbr_disk() {
    let Some(guest) = Guest::new("7.qcow2", "7", "mbr", &[]) else { return };
    let report =
        bake_all(&guest, "x86", &[], ["ahci=no ide=yes nvme=no", "ahci=yes ide=yes nvme=yes"]);
    check_vista_and_later(&guest);
    check_store(&report, &guest.hive("Boot/BCD"));
    assert!(report.changes.iter().any(|change| change.target.ends_with(" pae")), "32-bit");
    let script = guest.file("Windows/winkiln/firstboot.cmd").unwrap();
    assert!(String::from_utf8(script).unwrap().contains("congestionprovider=ctcp"));
}

#[test]
fn windows_8_1_on_a_raw_gpt_disk() {
    // This sample was taken from a running system, without its logs: its structure is whole.
    let Some(guest) = Guest::new("81.raw", "8.1", "gpt", &[]) else { return };
    let store = r"\Windows\System32\DriverStore\FileRepository\mshdc.inf_amd64_64aa4354da84c2df";
    let storahci = format!(r"{store}\storahci.sys");
    let elsewhere = [("storahci", storahci.as_str())];
    let report = bake_all(
        &guest,
        "amd64",
        &elsewhere,
        ["ahci=no ide=no nvme=no", "ahci=yes ide=yes nvme=yes"],
    );
    check_vista_and_later(&guest);
    check_store(&report, &guest.esp_store());
    for text in ["Secure Boot", "taken as it is"] {
        assert!(report.warnings.iter().any(|warning| warning.contains(text)), "{report:?}");
    }
}

#[test]
fn windows_10_on_a_qcow2_gpt_disk() {
    let Some(guest) = Guest::new("10.qcow2", "10", "gpt", &["--files", "300"]) else { return };
    let report =
        bake_all(&guest, "amd64", &[], ["ahci=no ide=no nvme=no", "ahci=yes ide=yes nvme=yes"]);
    check_vista_and_later(&guest);
    check_store(&report, &guest.esp_store());
}

#[test]
fn windows_11_on_a_raw_mbr_disk() {
    let Some(guest) = Guest::new("11.raw", "11", "mbr", &["--cluster", "65536"]) else { return };
    let report =
        bake_all(&guest, "amd64", &[], ["ahci=no ide=no nvme=no", "ahci=yes ide=yes nvme=yes"]);
    check_vista_and_later(&guest);
    check_store(&report, &guest.hive("Boot/BCD"));
}

#[test]
fn a_recipe_with_everything() {
    let Some(guest) = Guest::new("recipe.raw", "10", "mbr", &[]) else { return };
    let before = guest.copy("before.img");
    std::fs::create_dir_all(guest.path("agent/sub")).unwrap();
    std::fs::write(guest.path("agent/setup.exe"), vec![7_u8; 300_000]).unwrap();
    std::fs::write(guest.path("agent/sub/read.me"), "hello").unwrap();
    std::fs::write(
        guest.path("site.reg"),
        "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Site\\Inner]\r\n\"x\"=dword:0000002a\r\n",
    )
    .unwrap();
    let text = r#"
[presets]
acpi-shutdown = true
[[registry]]
file = "site.reg"
[[registry]]
key = 'HKLM\SYSTEM\CurrentControlSet\Control\Site'
name = "long"
type = "REG_MULTI_SZ"
data = ["one", "two"]
[[files]]
from = "agent"
to = 'C:\Setup'
[[files]]
from = "agent/setup.exe"
to = 'C:\Windows\INF\'
[[files]]
from = "agent/sub/read.me"
to = 'C:\'
[[bcd]]
object = "{default}"
element = "bootstatuspolicy"
value = "IgnoreAllFailures"
[[firstboot]]
name = "agent"
run = 'C:\Setup\setup.exe /quiet'
"#;
    let folder = guest.image.parent().unwrap();
    let recipe = Recipe::parse(text, folder).unwrap();
    let report = bake(&guest, &recipe, false);
    assert!(report.committed, "{report:?}");
    guest.assert_clean(&before);
    assert_eq!(guest.file("Setup/setup.exe"), Some(vec![7; 300_000]));
    assert_eq!(guest.file("Setup/sub/read.me"), Some(b"hello".to_vec()));
    assert_eq!(guest.file("Windows/INF/setup.exe"), Some(vec![7; 300_000]));
    assert_eq!(guest.file("read.me"), Some(b"hello".to_vec()));
    let software = guest.hive(&format!("{CONFIG}/SOFTWARE"));
    assert_eq!(software.dword(r"\Site\Inner", "x"), Some(42));
    let readers: Vec<&str> = report.verified.iter().map(|v| v.reader.as_str()).collect();
    assert!(readers.contains(&"ntfs") && readers.contains(&"nt-hive"), "{report:?}");

    // The same again, and once more with another command, which joins the first.
    let again = bake(&guest, &Recipe::parse(text, folder).unwrap(), false);
    assert!(!again.committed && again.io.image_bytes_written == 0, "{again:?}");
    let more = "[[firstboot]]\nname = \"second\"\nrun = 'whoami'\n";
    let more = bake(&guest, &Recipe::parse(more, folder).unwrap(), false);
    assert_eq!(more.changes.len(), 1, "{more:?}");
    let script = String::from_utf8(guest.file("Windows/winkiln/firstboot.cmd").unwrap()).unwrap();
    let first = script.find("\"C:\\Setup\\setup.exe /quiet\"").expect("the first command");
    assert!(first < script.find("\"whoami\"").expect("the second command"));
}

#[test]
fn a_small_edit_of_a_large_hive_writes_little() {
    let Some(guest) = Guest::new("small.raw", "10", "mbr", &[]) else { return };
    let recipe = Recipe {
        presets: vec![Preset::parse("crash-dump").unwrap()],
        steps: Vec::new(),
        ..Recipe::default()
    };
    let report = bake(&guest, &recipe, false);
    assert!(report.committed);
    assert!(report.io.image_bytes_written <= 64 << 10, "{:?}", report.io);
}

fn dword(name: &str, number: u8) -> Step {
    Step::SetValue {
        key: r"HKLM\SYSTEM\CurrentControlSet\Control\Site".into(),
        name: name.into(),
        kind: winkiln_hive::ValueType::Dword,
        data: vec![number, 0, 0, 0],
    }
}

#[test]
fn a_later_step_may_undo_an_earlier_one() {
    let Some(guest) = Guest::new("undo.raw", "7", "mbr", &[]) else { return };
    let before = guest.copy("before.img");
    let file = |contents: &[u8]| Step::PutFile {
        path: r"C:\note.txt".into(),
        contents: winkiln_bake::step::Contents::Bytes(contents.to_vec()),
        parents: false,
    };
    let remove = Step::Remove { path: r"C:\note.txt".into(), recursive: false };
    let key = r"HKLM\SYSTEM\CurrentControlSet\Control\Site".to_owned();
    let steps = [dword("a", 1), file(b"one"), remove.clone(), Step::DeleteKey { key: key.clone() }];
    let report = bake(
        &guest,
        &Recipe { presets: vec![], steps: steps.to_vec(), ..Recipe::default() },
        false,
    );
    assert_eq!(report.changes, []);
    assert!(!report.committed && guest.is_as(&before), "nothing is left of it");

    let steps =
        [dword("a", 1), dword("a", 2), dword("b", 1), file(b"one"), file(b"two"), dword("b", 1)];
    let report = bake(
        &guest,
        &Recipe { presets: vec![], steps: steps.to_vec(), ..Recipe::default() },
        false,
    );
    let targets: Vec<&str> = report.changes.iter().map(|change| change.target.as_str()).collect();
    assert_eq!(
        targets,
        [
            r"HKLM\SYSTEM\ControlSet001\Control\Site",
            r"HKLM\SYSTEM\ControlSet001\Control\Site\a",
            r"HKLM\SYSTEM\ControlSet001\Control\Site\b",
            r"\note.txt",
        ]
    );
    assert_eq!(report.changes[1].after.as_deref(), Some("REG_DWORD 0x00000002"));
    assert_eq!(report.unchanged, 1);
    assert_eq!(guest.file("note.txt"), Some(b"two".to_vec()));

    // A key that is deleted and made again has lost what was in it.
    let steps = [Step::DeleteKey { key }, dword("a", 2)];
    let report = bake(
        &guest,
        &Recipe { presets: vec![], steps: steps.to_vec(), ..Recipe::default() },
        false,
    );
    assert!(report.committed, "{report:?}");
    let system = guest.hive(&format!("{CONFIG}/SYSTEM"));
    assert_eq!(system.dword(r"\ControlSet001\Control\Site", "a"), Some(2));
    assert_eq!(system.dword(r"\ControlSet001\Control\Site", "b"), None);
    guest.assert_clean(&before);
}

#[test]
fn folders_are_removed_with_what_is_in_them() {
    let Some(guest) = Guest::new("remove.raw", "7", "mbr", &["--files", "120"]) else { return };
    let before = guest.copy("before.img");
    let step = Step::Remove { path: r"C:\Windows\INF".into(), recursive: false };
    let mut session = Session::open(&guest.image, &options(false)).unwrap();
    let error = session.apply(&step).expect_err("it is not empty");
    assert_eq!(error.kind(), ErrorKind::Failed, "{error:?}");
    drop(session);
    assert!(guest.is_as(&before));
    let step = Step::Remove { path: r"C:\Windows\INF".into(), recursive: true };
    let report =
        bake(&guest, &Recipe { presets: vec![], steps: vec![step], ..Recipe::default() }, false);
    assert_eq!(report.changes.len(), 121);
    assert!(!guest.lists("Windows", "INF") && guest.lists("Windows", "System32"));
    guest.assert_clean(&before);
}

#[test]
fn a_guest_in_the_middle_of_its_setup_gets_no_first_boot_work() {
    let Some(guest) = Guest::new("setup.raw", "7", "mbr", &[]) else { return };
    let set = |name: &str, number: u8| Step::SetValue {
        key: r"HKLM\SYSTEM\Setup".into(),
        name: name.into(),
        kind: winkiln_hive::ValueType::Dword,
        data: vec![number, 0, 0, 0],
    };
    let steps = vec![set("OOBEInProgress", 1)];
    assert!(bake(&guest, &Recipe { presets: vec![], steps, ..Recipe::default() }, false).committed);
    let presets = vec![Preset::parse("tcp-tuning").unwrap()];
    let report = bake(&guest, &Recipe { presets, steps: vec![], ..Recipe::default() }, false);
    for command in ["int tcp set heuristics disabled", "congestionprovider=ctcp"] {
        let said = |warning: &&String| warning.contains("by hand") && warning.contains(command);
        assert_eq!(report.warnings.iter().filter(said).count(), 1, "{:?}", report.warnings);
    }
    assert!(!guest.lists("Windows", "winkiln"));
    let system = guest.hive(&format!("{CONFIG}/SYSTEM"));
    assert_eq!(system.dword(r"\Setup", "SetupType"), Some(0));
}

#[test]
fn first_boot_work_that_was_done_is_not_done_again() {
    let Some(guest) = Guest::new("done.raw", "10", "mbr", &[]) else { return };
    let recipe = Recipe {
        presets: vec![Preset::parse("tcp-tuning").unwrap()],
        steps: vec![],
        ..Recipe::default()
    };
    assert!(bake(&guest, &recipe, false).committed);
    // What the script leaves behind when it ran.
    let script = String::from_utf8(guest.file("Windows/winkiln/firstboot.cmd").unwrap()).unwrap();
    let noted = script.lines().find_map(|line| line.strip_prefix(">>\"%WINKILN_DONE%\" echo "));
    let put = Step::PutFile {
        path: r"\Windows\winkiln\firstboot.done".into(),
        contents: winkiln_bake::step::Contents::Bytes(format!("{}\r\n", noted.unwrap()).into()),
        parents: false,
    };
    let set = |name: &str, kind, data: &[u8]| Step::SetValue {
        key: r"HKLM\SYSTEM\Setup".into(),
        name: name.into(),
        kind,
        data: data.to_vec(),
    };
    let steps = vec![
        put,
        set("SetupType", winkiln_hive::ValueType::Dword, &[0; 4]),
        set("CmdLine", winkiln_hive::ValueType::Sz, &[0; 2]),
    ];
    assert!(bake(&guest, &Recipe { presets: vec![], steps, ..Recipe::default() }, false).committed);
    let report = bake(&guest, &recipe, false);
    assert!(!report.committed, "{report:?}");
}

#[test]
fn files_keep_out_of_the_way_of_open_hives() {
    let Some(guest) = Guest::new("hives.raw", "7", "mbr", &[]) else { return };
    let before = guest.copy("before.img");
    let contents = winkiln_bake::step::Contents::Bytes(b"regf".to_vec());
    let path = r"C:\Windows\System32\config\system".to_owned();
    let put = Step::PutFile { path, contents, parents: false };
    let mut session = Session::open(&guest.image, &options(false)).unwrap();
    session.apply(&dword("a", 1)).unwrap();
    let error = session.apply(&put).unwrap_err();
    assert!(matches!(error, BakeError::FileInTheWay { .. }), "{error:?}");
    drop(session);
    assert!(guest.is_as(&before), "a dropped session changes nothing");

    // A file may become a folder, and boot.ini be written in two ways, in one run.
    let bytes = |text: &str| winkiln_bake::step::Contents::Bytes(text.as_bytes().to_vec());
    let put = |path: &str, text: &str| Step::PutFile {
        path: path.into(),
        contents: bytes(text),
        parents: true,
    };
    let steps = vec![
        put(r"C:\thing", "a file"),
        put(r"C:\thing:stream", "beside it"),
        Step::Remove { path: r"C:\thing".into(), recursive: false },
        put(r"C:\thing\in it", "a file in a folder"),
    ];
    let report = bake(&guest, &Recipe { presets: vec![], steps, ..Recipe::default() }, false);
    let kinds: Vec<&str> = report.changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, ["folder", "file"], "{report:?}");
    assert_eq!(guest.file("thing/in it"), Some(b"a file in a folder".to_vec()));
    guest.assert_clean(&before);
}

#[test]
fn a_full_volume_is_said_and_nothing_is_written() {
    let Some(guest) = Guest::new("full.qcow2", "7", "mbr", &["--size", "96M"]) else { return };
    let before = guest.copy("before.img");
    let mut session = Session::open(&guest.image, &options(false)).unwrap();
    session.apply(&dword("a", 1)).unwrap();
    let put = Step::PutFile {
        path: r"C:\large".into(),
        contents: winkiln_bake::step::Contents::Bytes(vec![1; 90 << 20]),
        parents: true,
    };
    let error = session.apply(&put).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed, "{error:?}");
    let error = session.finish().unwrap_err();
    assert!(matches!(error, BakeError::StepFailed), "half a step is not committed: {error:?}");
    assert!(guest.is_as(&before));
}

#[test]
fn what_is_not_there_is_said_and_nothing_is_written() {
    let Some(guest) = Guest::new("errors.raw", "xp", "mbr", &[]) else { return };
    let before = guest.copy("before.img");
    let mut session = Session::open(&guest.image, &options(false)).unwrap();
    let bcd = Step::BcdSet {
        object: "{default}".into(),
        element: "testsigning".into(),
        value: "on".into(),
    };
    let error = session.apply(&bcd).unwrap_err();
    assert!(matches!(error, BakeError::NoBootConfiguration { .. }), "{error:?}");
    assert!(error.hint().is_some_and(|hint| hint.contains("bootini")), "{error:?}");
    let path = Step::MakeDirectory { path: r"C:\a\..\b".into(), parents: true };
    let error = session.apply(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error:?}");
    let file = Step::MakeDirectory { path: r"C:\boot.ini\x".into(), parents: true };
    let error = session.apply(&file).unwrap_err();
    assert!(matches!(error, BakeError::FileInTheWay { .. }), "{error:?}");
    drop(session);

    let mut session = Session::open_read_only(&guest.image, &options(false)).unwrap();
    assert_eq!(session.image(), ("raw", 400 << 20));
    assert_eq!(session.windows().unwrap().version, (5, 1));
    let error = session.apply(&path).unwrap_err();
    assert!(matches!(error, BakeError::ReadOnly), "{error:?}");
    drop(session);

    let elsewhere = SessionOptions { volume: Some(7), ..options(false) };
    let mut session = Session::open(&guest.image, &elsewhere).unwrap();
    let error = session.windows().unwrap_err();
    assert!(matches!(error, BakeError::NoWindowsOnVolume { volume: 7, .. }), "{error:?}");
    drop(session);
    assert!(guest.is_as(&before));
}

#[test]
fn what_is_renamed_keeps_what_it_holds() {
    let Some(guest) = Guest::new("rename.raw", "7", "mbr", &["--files", "120"]) else { return };
    let before = guest.copy("before.img");
    let rename = |from: &str, to: &str| Step::Rename { from: from.into(), to: to.into() };
    let mut session = Session::open(&guest.image, &options(false)).unwrap();
    session.apply(&dword("a", 1)).unwrap();
    let error = session.apply(&rename(r"C:\Windows", r"C:\Old")).unwrap_err();
    assert!(matches!(error, BakeError::FileInTheWay { .. }), "{error:?}");
    drop(session);
    assert!(guest.is_as(&before));

    let put = |path: &str, text: &[u8]| Step::PutFile {
        path: path.into(),
        contents: winkiln_bake::step::Contents::Bytes(text.to_vec()),
        parents: false,
    };
    let long = vec![0x5a; 300_000];
    let steps = vec![
        put(r"C:\one.bin", &long),
        put(r"C:\two.bin", b"two"),
        put(r"C:\Windows\INF\new.inf", b"new"),
    ];
    assert!(bake(&guest, &Recipe { presets: vec![], steps, ..Recipe::default() }, false).committed);
    let steps = vec![
        put(r"C:\Windows\INF\new.inf", b"newer"),
        rename(r"C:\windows\inf", r"C:\Windows\Moved"),
        rename(r"C:\ONE.BIN", r"C:\two.bin"),
        rename(r"C:\two.bin", r"C:\Two.bin"),
    ];
    let report = bake(&guest, &Recipe { presets: vec![], steps, ..Recipe::default() }, false);
    let changes = report.changes.iter();
    let told: Vec<_> = changes.map(|change| (change.kind, &*change.target)).collect();
    assert_eq!(
        told,
        [
            ("file", r"\Windows\INF\new.inf"),
            ("file", r"\Windows\Moved\new.inf"),
            ("rename", r"\windows\INF"),
            ("rename", r"\one.bin"),
            ("file", r"\two.bin"),
            ("rename", r"\two.bin"),
        ],
        "{report:?}"
    );
    assert!(guest.lists("Windows", "Moved") && !guest.lists("Windows", "INF"));
    assert_eq!(guest.file("Windows/Moved/new.inf"), Some(b"newer".to_vec()));
    assert_eq!(guest.file("Two.bin"), Some(long));
    assert_eq!(guest.file("one.bin"), None);
    guest.assert_clean(&before);
}
