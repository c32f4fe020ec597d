//! What each preset means on each Windows.

use std::collections::HashMap;

use winkiln_bake::facts::{Facts, Loader, Lookup};
use winkiln_bake::preset::{Planned, PresetError};
use winkiln_bake::value_text::string_data;
use winkiln_bake::{BakeError, ErrorKind, Preset, Step};
use winkiln_guest::{Architecture, BootKind, Firmware};
use winkiln_hive::{Value, ValueType};

#[derive(Default)]
struct Guest {
    values: HashMap<&'static str, Vec<Value>>,
    loaders: Vec<Loader>,
}

impl Lookup for Guest {
    fn values(&mut self, key: &str) -> Result<Vec<Value>, BakeError> {
        Ok(self.values.get(key).cloned().unwrap_or_default())
    }

    fn subkeys(&mut self, key: &str) -> Result<Option<Vec<String>>, BakeError> {
        Ok(self.values.contains_key(key).then(Vec::new))
    }

    fn loaders(&mut self) -> Result<Vec<Loader>, BakeError> {
        Ok(self.loaders.clone())
    }
}

fn facts(version: (u32, u32)) -> Facts {
    let boot = if version.0 == 5 { BootKind::BootIni } else { BootKind::Bcd };
    let architecture = Architecture::X86_64;
    let system_root = r"\Windows".to_owned();
    Facts { version, build: 0, architecture, boot, firmware: Firmware::Bios, system_root }
}

fn one_loader(load_options: &str) -> Guest {
    let loader = Loader { guid: "{a}".into(), load_options: load_options.into() };
    Guest { loaders: vec![loader], ..Guest::default() }
}

fn plan_for(text: &str, facts: &Facts, guest: &mut Guest) -> Result<Planned, BakeError> {
    Preset::parse(text)?.plan(facts, guest)
}

fn plan(text: &str, version: (u32, u32)) -> Planned {
    plan_for(text, &facts(version), &mut one_loader("")).expect(text)
}

/// `Key\name=number`, the last component of the key only.
fn brief(step: &Step) -> String {
    match step {
        Step::SetValue { key, name, kind: ValueType::Dword, data } => {
            let data: [u8; 4] = data.as_slice().try_into().expect("four bytes");
            let key = key.rsplit('\\').next().unwrap_or_default();
            format!("{key}\\{name}={:#x}", u32::from_le_bytes(data))
        }
        Step::BcdAddLoadOption { object, word } => format!("{object} +{word}"),
        Step::BcdSet { object, element, value } => format!("{object} {element}={value}"),
        Step::FirstBoot { command } => format!("boot {}", command.name()),
        Step::DeleteValue { name, .. } => format!("-{name}"),
        Step::BootIniAddSwitch { entry: None, switch } => format!("+{switch}"),
        Step::BootIniDefaultCopy { description_suffix, switch } => {
            format!("copy{description_suffix} {switch}")
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn rescue_steps_are_what_their_windows_understands() {
    check(
        "safe-mode=network",
        XP,
        &[
            "BootIniRemoveSwitch { entry: None, switch: \"/safeboot:minimal\" }",
            "+/safeboot:network",
        ],
    );
    check("safe-mode=off", XP, &["BootIniRemoveSwitch { entry: None, switch: \"/safeboot\" }"]);
    check("safe-mode=on", TEN, &["{default} safeboot=Minimal"]);
    let delete = |name| format!("BcdDelete {{ object: \"{{default}}\", element: \"{name}\" }}");
    let (safeboot, shell) = (delete("safeboot"), delete("safebootalternateshell"));
    check("safe-mode=off", SEVEN, &[&safeboot, &shell]);
    check("ems", TEN, &["{bootmgr} bootems=on", "{a} ems=on"]);
    check("ems", XP, &["+/redirect", "BootIniSetRedirect { port: \"COM1\" }"]);

    let value = |name: &str, number: u8| Value {
        name: name.into(),
        kind: ValueType::Dword,
        data: vec![number, 0, 0, 0],
    };
    let mut guest = Guest::default();
    let select =
        |good| vec![value("Default", 1), value("Current", 1), value("LastKnownGood", good)];
    guest.values.insert(r"HKLM\SYSTEM\Select", select(2));
    let steps = |text: &str, guest: &mut Guest| {
        let planned = plan_for(text, &facts(TEN), guest).expect(text);
        planned.steps.iter().map(brief).collect::<Vec<_>>()
    };
    // A set that is not there starts nothing.
    let error = plan_for("last-known-good", &facts(TEN), &mut guest).unwrap_err();
    assert!(error.to_string().contains("not there"), "{error}");
    for set in [r"HKLM\SYSTEM\ControlSet001", r"HKLM\SYSTEM\ControlSet002"] {
        guest.values.insert(set, Vec::new());
    }
    let switched = [r"Select\Default=0x2", r"Select\Current=0x2"];
    assert_eq!(steps("last-known-good", &mut guest), switched);
    guest.values.insert(r"HKLM\SYSTEM\Select", select(1));
    assert_eq!(steps("last-known-good", &mut guest), [""; 0]);
    guest.values.insert(r"HKLM\SYSTEM\Select", select(0));
    let error = plan_for("last-known-good", &facts(TEN), &mut guest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);

    let restored = [r#"RestoreHive { place: None, name: "SYSTEM" }"#];
    assert_eq!(steps("restore-hive=system", &mut guest), restored);
    assert!(Preset::parse("restore-hive=NTUSER").is_err());

    let key = r"HKLM\SYSTEM\CurrentControlSet\Services\viostor";
    let overrides = r"HKLM\SYSTEM\CurrentControlSet\Services\viostor\StartOverride";
    let error = plan_for("service=viostor:boot", &facts(TEN), &mut guest).unwrap_err();
    assert!(error.to_string().contains("no such service"), "{error}");
    guest.values.insert(key, vec![value("Start", 3)]);
    guest.values.insert(overrides, vec![value("0", 3)]);
    let expected = [r"viostor\Start=0x0", "-0"];
    assert_eq!(steps("service=viostor:boot", &mut guest), expected);
    for wrong in [
        "service=viostor",
        "service=:boot",
        "service=a\\b:boot",
        "service=a:never",
        "safe-mode=maybe",
    ] {
        assert_eq!(Preset::parse(wrong).unwrap_err().kind(), ErrorKind::Usage, "{wrong}");
    }
}

fn check(preset: &str, version: (u32, u32), expected: &[&str]) {
    let steps: Vec<String> = plan(preset, version).steps.iter().map(brief).collect();
    assert_eq!(steps, expected, "{preset} on {version:?}");
}

const XP: (u32, u32) = (5, 1);
const VISTA: (u32, u32) = (6, 0);
const SEVEN: (u32, u32) = (6, 1);
const EIGHT: (u32, u32) = (6, 2);
const EIGHT_ONE: (u32, u32) = (6, 3);
const TEN: (u32, u32) = (10, 0);

#[test]
fn each_preset_is_what_its_windows_understands() {
    let acpi = [
        r"system\ShutdownWithoutLogon=0x1",
        r"system\DisableCAD=0x1",
        r"Windows\ShutdownWarningDialogTimeout=0x3",
    ];
    for version in [XP, SEVEN, TEN] {
        check("acpi-shutdown", version, &acpi);
        check("utc-clock", version, &[r"TimeZoneInformation\RealTimeIsUniversal=0x1"]);
    }
    check(
        "tcp-tuning",
        XP,
        &[
            r"Parameters\FastSendDatagramThreshold=0x4000",
            r"Parameters\DefaultSendWindow=0x100000",
            r"Parameters\DefaultReceiveWindow=0x100000",
            r"Parameters\Tcp1323Opts=0x1",
            r"Parameters\TcpWindowSize=0x100000",
        ],
    );
    let (threshold, scaling) =
        (r"Parameters\FastSendDatagramThreshold=0x4000", r"Parameters\EnableWsd=0x0");
    for version in [VISTA, SEVEN] {
        let congestion = "boot tcp-congestion";
        check("tcp-tuning", version, &[threshold, scaling, "boot tcp-heuristics", congestion]);
    }
    for version in [EIGHT, TEN] {
        check("tcp-tuning", version, &[threshold, scaling, "boot tcp-heuristics"]);
    }
    for (argument, number) in
        [("", 0), ("=none", 0), ("=complete", 1), ("=kernel", 2), ("=small", 3)]
    {
        let dump = format!(r"CrashControl\CrashDumpEnabled={number:#x}");
        check(&format!("crash-dump{argument}"), XP, &[&dump, r"CrashControl\AutoReboot=0x1"]);
    }
    let (automatic, stay) = (r"CrashControl\CrashDumpEnabled=0x7", r"CrashControl\AutoReboot=0x0");
    check("crash-dump=automatic,no-reboot", EIGHT, &[automatic, stay]);
    check("crash-dump=no-reboot", TEN, &[r"CrashControl\CrashDumpEnabled=0x0", stay]);
    for version in [XP, SEVEN, EIGHT_ONE] {
        check("no-auto-update", version, &[r"AU\NoAutoUpdate=0x1", r"Auto Update\AUOptions=0x1"]);
    }
    check("no-auto-update", TEN, &[r"AU\NoAutoUpdate=0x1"]);
    for version in [XP, SEVEN, EIGHT, TEN] {
        let steps = [r"Power\HiberbootEnabled=0x0", r"Power\HibernateEnabled=0x0"];
        check("no-fast-startup", version, &steps);
    }
    check("online-disks", XP, &[r"Parameters\SanPolicy=0x1"]);
    check("online-disks", TEN, &[r"Parameters\SanPolicy=0x1"]);
    check("testsigning", XP, &[]);
    check("testsigning", SEVEN, &["{a} testsigning=on"]);
    check("gplpv", XP, &["copy (PV drivers) /gplpv"]);
    check("gplpv", SEVEN, &["{a} +GPLPV"]);
    check("boot-switch=/3GB", XP, &["+/3GB"]);
    check("boot-switch=/x=1", TEN, &["{a} +x=1"]);
    check("pae", XP, &[]);
    check("pae", TEN, &[]);
}

#[test]
fn pae_is_for_32_bit() {
    for (version, expected) in [(XP, "+/PAE"), (TEN, "{a} pae=ForceEnable")] {
        let facts = Facts { architecture: Architecture::X86, ..facts(version) };
        let planned = plan_for("pae", &facts, &mut one_loader("")).unwrap();
        assert_eq!(planned.steps.iter().map(brief).collect::<Vec<_>>(), [expected]);
        assert_eq!(planned.warnings, [""; 0]);
    }
    let facts = Facts { architecture: Architecture::Unknown, ..facts(XP) };
    let error = plan_for("pae", &facts, &mut Guest::default()).unwrap_err();
    assert!(matches!(error, BakeError::Preset(PresetError::NotForGuest { .. })), "{error:?}");
}

#[test]
fn what_the_user_should_know_is_said() {
    for (preset, version, expected) in [
        ("testsigning", XP, "not needed"),
        ("pae", TEN, "64-bit"),
        ("no-fast-startup", XP, "no effect"),
        ("online-disks", XP, "no effect"),
        ("online-disks", TEN, "shared between hosts"),
        ("utc-clock", XP, "daylight saving"),
        ("boot-switch=/3GB", TEN, "loadoptions"),
    ] {
        let warnings = plan(preset, version).warnings;
        let name = preset.split('=').next().unwrap();
        assert_eq!(warnings.len(), 1, "{preset}: {warnings:?}");
        assert!(warnings[0].starts_with(&format!("{name}: ")), "{warnings:?}");
        assert!(warnings[0].contains(expected), "{warnings:?}");
    }
    let uefi = Facts { firmware: Firmware::Uefi, ..facts(TEN) };
    let planned = plan_for("testsigning", &uefi, &mut one_loader("")).unwrap();
    assert!(planned.warnings[0].contains("Secure Boot"), "{planned:?}");
}

#[test]
fn a_word_against_it_in_the_load_options_is_said() {
    for (present, warnings) in [("", 0), ("x /gplpv y", 0), ("x /nogplpv", 1), ("NOGPLPV", 1)] {
        let planned = plan_for("gplpv", &facts(SEVEN), &mut one_loader(present)).unwrap();
        assert_eq!(brief(&planned.steps[0]), "{a} +GPLPV");
        assert_eq!(planned.warnings.len(), warnings, "{planned:?}");
    }
}

const RULES: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules";

fn rule(name: &str, text: &str) -> Value {
    Value { name: name.into(), kind: ValueType::Sz, data: string_data(text) }
}

fn rdp(version: (u32, u32), rules: Vec<Value>) -> Vec<(String, String)> {
    let mut guest = Guest { values: HashMap::from([(RULES, rules)]), ..Guest::default() };
    let planned = plan_for("rdp", &facts(version), &mut guest).unwrap();
    let mut steps = planned.steps.into_iter();
    let first = steps.next().unwrap();
    assert_eq!(brief(&first), r"Terminal Server\fDenyTSConnections=0x0");
    steps
        .map(|step| match step {
            Step::SetValue { name, kind: ValueType::Sz, data, .. } => {
                let units: Vec<u16> = data
                    .chunks_exact(2)
                    .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                    .collect();
                (name, String::from_utf16(&units).unwrap().trim_end_matches('\0').to_owned())
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn remote_desktop_rules_are_switched_on_and_kept_otherwise() {
    let tcp = "v2.22|Action=Allow|Active=FALSE|Dir=In|Protocol=6|LPort=3389|Svc=termservice|";
    let shadow = "v2.22|Action=Allow|Active=FALSE|Dir=In|Protocol=6|Edge=TRUE|";
    let rules = vec![
        rule("RemoteDesktop-UserMode-In-TCP", tcp),
        rule("FPS-SMB-In-TCP", "v2.22|Active=FALSE|"),
        rule("remotedesktop-Shadow-In-TCP", shadow),
    ];
    let on = |rule: &str| rule.replace("FALSE", "TRUE");
    assert_eq!(
        rdp(EIGHT_ONE, rules),
        [
            ("RemoteDesktop-UserMode-In-TCP".to_owned(), on(tcp)),
            ("remotedesktop-Shadow-In-TCP".to_owned(), on(shadow)),
        ]
    );
}

#[test]
fn a_missing_remote_desktop_rule_is_made_in_the_form_of_its_generation() {
    for (version, name, schema) in [
        (VISTA, "RemoteDesktop-In-TCP", "v2.0|"),
        (SEVEN, "RemoteDesktop-In-TCP", "v2.10|"),
        (EIGHT, "RemoteDesktop-UserMode-In-TCP", "v2.20|"),
        (EIGHT_ONE, "RemoteDesktop-UserMode-In-TCP", "v2.22|"),
        (TEN, "RemoteDesktop-UserMode-In-TCP", "v2.26|"),
    ] {
        let steps = rdp(version, Vec::new());
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].0, name);
        assert!(steps[0].1.starts_with(schema), "{steps:?}");
        assert!(
            steps[0].1.contains("|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3389|"),
            "{steps:?}"
        );
    }
    // The store's own schema version wins.
    let steps = rdp(TEN, vec![rule("Other", "v2.31|Action=Allow|")]);
    assert!(steps[0].1.starts_with("v2.31|"), "{steps:?}");
}

#[test]
fn remote_desktop_on_nt5_opens_the_port_in_both_profiles() {
    let planned = plan("rdp", XP);
    let keys: Vec<&str> = planned
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::SetValue { key, name, kind: ValueType::Sz, data } => {
                assert_eq!(name, "3389:TCP");
                assert_eq!(data, &string_data("3389:TCP:*:Enabled:@xpsp2res.dll,-22009"));
                Some(key.as_str())
            }
            _ => None,
        })
        .collect();
    assert_eq!(keys.len(), 2);
    assert!(keys[0].ends_with(r"\DomainProfile\GloballyOpenPorts\List"));
    assert!(keys[1].ends_with(r"\StandardProfile\GloballyOpenPorts\List"));
}

#[test]
fn a_complete_dump_is_not_an_active_one() {
    let key = r"HKLM\SYSTEM\CurrentControlSet\Control\CrashControl";
    let filter =
        Value { name: "FilterPages".into(), kind: ValueType::Dword, data: vec![1, 0, 0, 0] };
    let mut guest = Guest { values: HashMap::from([(key, vec![filter])]), ..Guest::default() };
    let planned = plan_for("crash-dump=complete", &facts(TEN), &mut guest).unwrap();
    assert_eq!(brief(planned.steps.last().unwrap()), "-FilterPages");
}

#[test]
fn names_and_arguments_are_checked() {
    use PresetError::{BadArgument, MissingArgument, NotForGuest, SuperfluousArgument, Unknown};
    type Test = fn(&PresetError) -> bool;
    let rows: &[(&str, Test, ErrorKind)] = &[
        (
            "acpi-shutdwon",
            |e| matches!(e, Unknown { nearest: Some("acpi-shutdown"), .. }),
            ErrorKind::Usage,
        ),
        ("telemetry", |e| matches!(e, Unknown { nearest: None, .. }), ErrorKind::Usage),
        ("", |e| matches!(e, Unknown { .. }), ErrorKind::Usage),
        ("rdp=yes", |e| matches!(e, SuperfluousArgument { .. }), ErrorKind::Usage),
        ("boot-switch", |e| matches!(e, MissingArgument { .. }), ErrorKind::Usage),
        ("boot-switch=3GB", |e| matches!(e, BadArgument { .. }), ErrorKind::Usage),
        ("boot-switch=/a b", |e| matches!(e, BadArgument { .. }), ErrorKind::Usage),
        ("boot-switch=/", |e| matches!(e, BadArgument { .. }), ErrorKind::Usage),
        ("crash-dump=", |e| matches!(e, BadArgument { .. }), ErrorKind::Usage),
        ("crash-dump=active", |e| matches!(e, BadArgument { .. }), ErrorKind::Usage),
        ("crash-dump=small,kernel", |e| matches!(e, BadArgument { .. }), ErrorKind::Usage),
        ("crash-dump=no-reboot,no-reboot", |e| matches!(e, BadArgument { .. }), ErrorKind::Usage),
        ("trust-certificate", |e| matches!(e, MissingArgument { .. }), ErrorKind::Usage),
        ("ide-fallback=x", |e| matches!(e, SuperfluousArgument { .. }), ErrorKind::Usage),
        ("nic-watchdog", |e| matches!(e, MissingArgument { .. }), ErrorKind::Usage),
        ("nic-watchdog=a&b", |e| matches!(e, BadArgument { .. }), ErrorKind::Usage),
        ("nic-watchdog=-t", |e| matches!(e, BadArgument { .. }), ErrorKind::Usage),
        ("crash-dump=automatic", |e| matches!(e, NotForGuest { .. }), ErrorKind::Failed),
    ];
    for (text, expected, kind) in rows {
        let error = plan_for(text, &facts(SEVEN), &mut Guest::default()).expect_err(text);
        let BakeError::Preset(preset) = &error else { panic!("{text}: {error:?}") };
        assert!(expected(preset), "{text}: {preset:?}");
        assert_eq!(error.kind(), *kind, "{text}");
    }
    for version in [SEVEN, TEN] {
        for name in ["testsigning", "gplpv", "boot-switch=/x"] {
            let error = plan_for(name, &facts(version), &mut Guest::default()).unwrap_err();
            assert!(matches!(error, BakeError::Preset(NotForGuest { .. })), "{name}: {error:?}");
        }
    }
    assert_eq!(Preset::names().len(), 20);
}

/// The checked-in certificate, and its thumbprint as OpenSSL tells it.
const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/kiln-test-root.crt");
const THUMBPRINT: &str = "0A8FB3C147591FBA9BEAB3D44A6BAE7E31D162E0";

#[test]
fn a_certificate_goes_into_two_stores() {
    let text = format!("trust-certificate={CERTIFICATE}");
    let key = |store| {
        format!(r"HKLM\SOFTWARE\Microsoft\SystemCertificates\{store}\Certificates\{THUMBPRINT}")
    };
    let steps = plan(&text, TEN).steps;
    let [
        Step::SetValue { key: root, name, kind: ValueType::Binary, data },
        Step::SetValue { key: publisher, data: same, .. },
    ] = &steps[..]
    else {
        panic!("{steps:?}")
    };
    assert_eq!((root, publisher), (&key("ROOT"), &key("TrustedPublisher")));
    assert_eq!(name, "Blob");
    assert_eq!(data, same);

    // What Windows wrote of the same certificate stays as it is.
    let mut known = [&[11, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, b'K', 0][..], data].concat();
    for is_same in [true, false] {
        let name = "Blob".to_owned();
        let value = Value { name, kind: ValueType::Binary, data: known.clone() };
        let key: &'static str = key("ROOT").leak();
        let mut guest = Guest { values: [(key, vec![value])].into(), ..Guest::default() };
        let steps = plan_for(&text, &facts(TEN), &mut guest).expect("a plan").steps;
        let Step::SetValue { data: planned, .. } = &steps[0] else { panic!("{steps:?}") };
        assert_eq!(planned == &known, is_same);
        *known.last_mut().expect("bytes") ^= 1;
    }
}

#[test]
fn files_without_certificates_are_refused() {
    let missing =
        plan_for("trust-certificate=/nonexistent.cer", &facts(TEN), &mut Guest::default());
    assert!(matches!(missing, Err(BakeError::HostFile { .. })));
    let text = format!("trust-certificate={}", file!().replace("crates/bake/", ""));
    let error = plan_for(&text, &facts(TEN), &mut Guest::default()).expect_err("no certificate");
    assert!(matches!(error, BakeError::Preset(PresetError::Certificate { .. })), "{error:?}");
}

#[test]
fn a_recipe_names_certificates_beside_it() {
    let text = "[presets]\ntrust-certificate = ['a.cer', '/b/c.cer']\n";
    let recipe =
        winkiln_bake::Recipe::parse(text, std::path::Path::new("/recipes")).expect("a recipe");
    let files: Vec<_> =
        recipe.presets.iter().filter_map(|preset| preset.argument.as_deref()).collect();
    assert_eq!(files, ["/recipes/a.cer", "/b/c.cer"]);
}

#[test]
fn a_watchdog_is_a_script_and_a_task() {
    let planned = plan("nic-watchdog=gw.example.org", SEVEN);
    let [Step::PutFile { path, contents, .. }, task] = &planned.steps[..] else {
        panic!("{planned:?}")
    };
    assert_eq!(path, r"\Windows\winkiln\nicwatch.cmd");
    let winkiln_bake::step::Contents::Bytes(script) = contents else { panic!("{contents:?}") };
    let script = std::str::from_utf8(script).unwrap();
    assert!(script.contains("ping.exe -4 -n 3 -w 2000 gw.example.org | find.exe"), "{script}");
    assert!(!script.contains("HOST") && !script.replace("\r\n", "").contains('\n'));
    assert_eq!(brief(task), "boot nic-watchdog");
    let planned = plan("nic-watchdog=gw.example.org", XP);
    assert!(planned.steps.is_empty() && planned.warnings.len() == 1, "{planned:?}");
}
