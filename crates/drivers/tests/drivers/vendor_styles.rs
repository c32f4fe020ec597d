//! INFs in the ways that makers of disk controllers write them.

use encoding_rs::{SHIFT_JIS, WINDOWS_1252};
use winkiln_drivers::inf::{NoIncludes, ParseOptions};
use winkiln_drivers::staging::{Guest, PackageFile, Request, Signature, Staging, Value, stage};
use winkiln_drivers::{Architecture, Package};

use crate::fixture;
use crate::staging::{files, guest, values};

const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";

fn package(name: &str, bytes: &[u8]) -> Package {
    let options = ParseOptions::default();
    Package::read(name, bytes, &options).unwrap_or_else(|error| panic!("{error}"))
}

/// What adding it means, of one that starts with the guest.
fn staged(package: &Package, guest: &Guest) -> Staging {
    let staging = waiting(package, guest, true);
    assert!(staging.boot_critical, "{}", package.path());
    staging
}

/// What adding it means; it has all the files that it names.
fn waiting(package: &Package, guest: &Guest, has_class: bool) -> Staging {
    let fit = package.fit(&guest.target).unwrap_or_else(|refusal| panic!("{refusal}"));
    let sections = fit.sections.iter().copied();
    let needed = package.files(sections, guest.target.architecture).expect("files");
    let file = |file: &winkiln_drivers::package::NeededFile| PackageFile {
        name: file.path.replace('/', "\\"),
        from: file.path.clone(),
        is_catalog: file.is_catalog,
    };
    let request = Request {
        guest,
        package,
        fit: &fit,
        included: &NoIncludes,
        files: &needed.iter().map(file).collect::<Vec<_>>(),
        digest: 1,
        oem_number: 0,
        oem_numbers: None,
        now: 0,
        origin: "",
        signature: &Signature::None,
        has_class,
        class: None,
    };
    stage(&request).unwrap_or_else(|error| panic!("{}: {error}", package.path()))
}

/// The fixture, and the same text as the files of makers come.
fn encodings(name: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = fixture(name);
    let text = String::from_utf8(bytes.clone()).expect("UTF-8");
    let units = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<_>>();
    let crlf = text.replace('\n', "\r\n").into_bytes();
    vec![
        ("UTF-8", bytes),
        ("UTF-8 with a mark", [&[0xEF, 0xBB, 0xBF], &crlf[..]].concat()),
        ("UTF-16LE", [&[0xFF, 0xFE], &units(u16::to_le_bytes)[..]].concat()),
        ("UTF-16LE without a mark", units(u16::to_le_bytes)),
        ("UTF-16BE", [&[0xFE, 0xFF], &units(u16::to_be_bytes)[..]].concat()),
        ("code page 1252", WINDOWS_1252.encode(&text).0.into_owned()),
        ("code page 932", SHIFT_JIS.encode(&text).0.into_owned()),
    ]
}

/// A fixture for a Windows: in whatever encoding, these are its driver's services and values, of the first of them.
#[track_caller]
fn check(
    name: &str,
    (os, architecture): (&str, Architecture),
    services: &[&str],
    bound: usize,
    expected: &[(&str, &str, Value)],
) -> Staging {
    let guest = guest(os, architecture);
    let mut last = None;
    for (encoding, bytes) in encodings(&format!("vendors/{name}")) {
        let staging = staged(&package(name, &bytes), &guest);
        assert_eq!(staging.services, services, "{encoding}");
        assert_eq!(staging.bound.len(), bound, "{encoding}: {:?}", staging.bound);
        let values = values(&staging);
        for (below, name, value) in expected {
            let key = format!(r"{SERVICES}\{}{below}", services[0]);
            let found = values.get(&(key.clone(), (*name).to_owned()));
            assert_eq!(found, Some(value), r"{os}: {encoding}: {key}\{name}");
        }
        last = Some(staging);
    }
    last.expect("an encoding")
}

#[test]
fn one_installation_serves_many_decorations() {
    for (os, architecture, bound) in [
        ("xp", Architecture::X86, 3),
        ("w7", Architecture::X86, 3),
        ("2k3", Architecture::Amd64, 2),
        ("vista", Architecture::Amd64, 2),
        ("w10", Architecture::Amd64, 3),
    ] {
        let path = Value::expand_sz(r"System32\drivers\kilnraid.sys");
        let parameter = Value::sz(r#"nobusywait=1;"quoted";100%"#);
        let expected = [
            ("", "Start", Value::dword(0)),
            ("", "ImagePath", path),
            (r"\Parameters\Device", "DriverParameter", parameter),
            (r"\Parameters", "BusType", Value::dword(10)),
            (r"\Parameters\PnpInterface", "5", Value::dword(1)),
        ];
        let staging = check("kilnraid.inf", (os, architecture), &["kilnraid"], bound, &expected);
        assert!(files(&staging).contains(&r"\Windows\System32\drivers\kilnraid.sys"), "{os}");
        let log = (format!(r"{SERVICES}\EventLog\System\kilnraid"), "EventMessageFile".to_owned());
        let messages =
            r"%SystemRoot%\System32\IoLogMsg.dll;%SystemRoot%\System32\drivers\kilnraid.sys";
        assert_eq!(values(&staging).get(&log), Some(&Value::expand_sz(messages)), "{os}");
    }
    let package = package("kilnraid.inf", &fixture("vendors/kilnraid.inf"));
    let provider = package.version().provider.as_ref().map(|provider| provider.text.as_str());
    assert_eq!(provider, Some("Kiln Works, Inc."));
    let catalog = package.version().catalog(Architecture::Amd64);
    assert_eq!(catalog, Some("kilnraid.cat"));
}

#[test]
fn files_lie_in_a_folder_of_their_architecture() {
    for (os, architecture, folder, bound) in
        [("xp", Architecture::X86, "i386", 2), ("w10", Architecture::Amd64, "amd64", 1)]
    {
        let expected = [(r"\Parameters", "BusType", Value::dword(8))];
        check("kilnsas.inf", (os, architecture), &["kilnsas"], bound, &expected);
        let package = package("kilnsas.inf", &fixture("vendors/kilnsas.inf"));
        let guest = guest(os, architecture);
        let fit = package.fit(&guest.target).expect("it fits");
        let needed = package.files(fit.sections.iter().copied(), architecture).expect("files");
        let paths: Vec<&str> = needed.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, [&format!("{folder}/kilnsas.sys"), "kilnsas.cat"]);
    }
}

#[test]
fn little_is_said_and_lists_go_on() {
    let expected = [
        ("", "Description", Value::sz(r#"Smart Array, "SAS/SATA" 100% of it"#)),
        (r"\Parameters\Device", "List", Value::multi_sz(["one, two", "three", "four"])),
        (r"\Parameters", "Bin", Value::binary(&[0xDE, 0xAD, 0xBE, 0xEF])),
        (r"\Parameters\PnpInterface", "5", Value::dword(1)),
    ];
    for os in ["w10", "2k22"] {
        let of = (os, Architecture::Amd64);
        let staging = check("kilnarray.inf", of, &["kilnarray"], 2, &expected);
        assert!(staging.warnings.is_empty(), "{:?}", staging.warnings);
    }
}

#[test]
fn a_filter_comes_along() {
    let expected = [
        (r"\Parameters", "queuePriorityEnable", Value::dword(0)),
        ("", "Group", Value::sz("SCSI Miniport")),
    ];
    let of = ("w10", Architecture::Amd64);
    let staging = check("kilnahci.inf", of, &["kilnahci", "kilnflt"], 1, &expected);
    let values = values(&staging);
    let lists: Vec<_> = values
        .iter()
        .filter(|((_, name), _)| name == "LowerFilters")
        .map(|(_, list)| list)
        .collect();
    assert_eq!(lists, [&Value::multi_sz(["kilnflt"])]);
    let score =
        values.iter().find(|((key, name), _)| key.contains(r"DeviceIds\PCI") && name == "oem0.inf");
    assert_eq!(score.map(|(_, value)| value), Some(&Value::binary(&[1, 0x80, 0, 0])));
}

#[test]
fn a_package_of_old_needs_no_tokens() {
    let path = Value::expand_sz(r"System32\drivers\kilnpv.sys");
    let expected = [("", "ImagePath", path), (r"\Parameters", "BusType", Value::dword(10))];
    for of in [("xp", Architecture::X86), ("w11", Architecture::Amd64)] {
        check("kilnpv.inf", of, &["kilnpv"], 2, &expected);
    }
}

#[test]
fn a_bus_and_what_sits_on_it() {
    let expected = [
        ("", "ErrorControl", Value::dword(2)),
        ("", "Group", Value::sz("base")),
        (r"\Parameters\Device", "SleepHost", Value::dword(u32::MAX)),
    ];
    for (of, bound) in [(("w7", Architecture::X86), 1), (("w8.1", Architecture::Amd64), 2)] {
        check("kilnbottom.inf", of, &["kilnbottom"], bound, &expected);
    }
    let expected = [
        ("", "DependOnService", Value::multi_sz(["kilnbottom"])),
        (r"\Parameters\Device", "DriverParameter", Value::sz("Mode=Kiln;Depth=2")),
    ];
    let of = ("xp", Architecture::X86);
    let staging = check("kilntop.inf", of, &["kilntop"], 1, &expected);
    assert!(files(&staging).contains(&r"\Windows\System32\drivers\kilntop.sys"));
    let of_bus = "{7f3a2c10-5b6e-4d21-9c80-1e2f3a4b5c6d}#kilnbottom";
    assert!(values(&staging).keys().any(|(key, _)| key.ends_with(of_bus)));
}

#[test]
fn a_controller_of_tokens_names_another_package() {
    let expected = [
        ("", "ImagePath", Value::expand_sz(r"System32\drivers\kiln9k.sys")),
        (r"\Parameters\Device", "NumberOfRequests", Value::dword(255)),
        (r"\Parameters\Device", "MaximumSGList", Value::dword(65)),
    ];
    for of in [("xp", Architecture::X86), ("w7", Architecture::Amd64)] {
        let staging = check("kiln9k.inf", of, &["kiln9k"], 2, &expected);
        assert_eq!(staging.warnings, ["kiln9k.inf line 38: Reboot is left to Windows"]);
        let disk = (r"HKLM\System\CurrentControlSet\Services\Disk", "TimeoutValue");
        let timeout = values(&staging).get(&(disk.0.to_owned(), disk.1.to_owned())).cloned();
        assert_eq!(timeout, Some(Value::dword(60)));
        let package = package("kiln9k.inf", &fixture("vendors/kiln9k.inf"));
        let guest = guest(of.0, of.1);
        let fit = package.fit(&guest.target).expect("it fits");
        let copied = package.copied_infs(fit.sections.iter().copied(), of.1);
        assert_eq!(copied.into_iter().collect::<Vec<_>>(), ["kilnmgmt.inf"]);
    }
}

#[test]
fn an_old_controller_sets_more_than_it_adds() {
    let expected = [
        ("", "DisplayName", Value::sz("Kiln 3112 IDE controller")),
        (r"\Parameters\Device", "RegOption", Value::binary(&[0x30, 0, 1, 0xFF])),
        (r"\Parameters\Device", "EnableX", Value::dword(0)),
    ];
    let of = ("xp", Architecture::X86);
    let staging = check("kilnide.inf", of, &["kilnide", "KilnAcc"], 2, &expected);
    let values = values(&staging);
    let filters = values.iter().filter(|((_, name), _)| name == "LowerFilters");
    let filters: Vec<_> = filters.map(|(_, list)| list).collect();
    assert_eq!(filters, [&Value::multi_sz(["KilnAcc"]), &Value::multi_sz(["KilnAcc"])]);
    assert!(files(&staging).contains(&r"\Windows\System32\KilnSupp.dll"));
}

#[test]
fn a_filter_sits_above_its_controller() {
    for (of, bound) in [(("w7", Architecture::X86), 1), (("w8.1", Architecture::Amd64), 3)] {
        let expected = [(r"\Parameters", "BusType", Value::dword(11))];
        let staging = check("kilnsata.inf", of, &["kilnsata", "kilnxata"], bound, &expected);
        let values = values(&staging);
        let mut lists = values.iter().filter(|((_, name), _)| name == "UpperFilters");
        assert_eq!(lists.next().map(|(_, list)| list), Some(&Value::multi_sz(["kilnxata"])));
    }
}

#[test]
fn a_universal_driver_runs_from_the_store() {
    let list = Value::multi_sz([r#"a "quoted" one"#, "b", "c"]);
    let expected =
        [(r"\Parameters", "IoTimeout", Value::dword(30)), (r"\Parameters\Device", "List", list)];
    for architecture in [Architecture::Amd64, Architecture::Arm64] {
        let (bound, folder) =
            if architecture == Architecture::Amd64 { (2, "x64") } else { (1, "ARM64") };
        let of = ("w11", architecture);
        let staging = check("kilnnvme.inf", of, &["kilnnvme", "kilnnvmf"], bound, &expected);
        let image = (format!(r"{SERVICES}\kilnnvme"), "ImagePath".to_owned());
        let path = format!(
            r"\SystemRoot\System32\DriverStore\FileRepository\{}\kilnnvme.sys",
            staging.store_name
        );
        assert_eq!(values(&staging).get(&image), Some(&Value::expand_sz(&path)));
        let in_store = format!(r"{}\{folder}\kilnnvme.sys", staging.store_name);
        assert!(files(&staging).iter().any(|file| file.ends_with(&in_store)), "{in_store}");
        let filter = "[Nvme_Install.NT] gives the device filter kilnnvmf: that is left to Windows";
        assert!(staging.warnings.iter().any(|text| text == filter), "{:?}", staging.warnings);
    }
}

#[test]
fn a_service_of_user_mode_comes_along() {
    let expected = [(r"\Parameters", "*PNP0A03", Value::sz("PCI"))];
    for of in [("xp", Architecture::X86), ("w10", Architecture::Amd64)] {
        let staging = check("kilniface.inf", of, &["kilniface", "kilnagent"], 2, &expected);
        let agent = (format!(r"{SERVICES}\kilnagent"), "ImagePath".to_owned());
        let path = Value::expand_sz(r"%SystemRoot%\System32\kilnagent_9_1_0_12.exe");
        assert_eq!(values(&staging).get(&agent), Some(&path));
        assert!(files(&staging).contains(&r"\Windows\System32\kilnagent_9_1_0_12.exe"));
    }
}

#[test]
fn extensions_wait_and_hosts_of_cards_do_not() {
    let os = guest("w10", Architecture::Amd64);
    let extension = waiting(&package("kilnext.inf", &fixture("vendors/kilnext.inf")), &os, true);
    assert!(!extension.boot_critical && extension.services.is_empty());
    let id = [
        0x2E, 0x4A, 0x1B, 0x3C, 0x6F, 0x8D, 0x1C, 0x4B, 0x9A, 0x7E, 0x0F, 0x1D, 0x2C, 0x3B, 0x4A,
        0x59,
    ];
    let values = values(&extension);
    let mut ids = values.iter().filter(|((_, name), _)| name == "ExtensionId");
    assert_eq!(ids.next().map(|(_, value)| value), Some(&Value::binary(&id)));
    for of in [("xp", Architecture::X86), ("w10", Architecture::Amd64)] {
        let bound = if of.0 == "xp" { 1 } else { 2 };
        check("kilnsdh.inf", of, &["kilnsdh"], bound, &[]);
    }
    // Without its framework it waits.
    let text = String::from_utf8(fixture("vendors/kilnsdh.inf")).expect("UTF-8");
    let text = text + "[SDH.NT.Wdf]\nKmdfService=kilnsdh,Wdf\n[Wdf]\nKmdfLibraryVersion=1.5\n";
    let needs_one = package("kilnsdh.inf", text.as_bytes());
    for (os, starts) in [("xp", false), ("w7", true)] {
        let staging = waiting(&needs_one, &guest(os, Architecture::X86), true);
        assert_eq!(staging.boot_critical, starts, "{os}: {:?}", staging.warnings);
    }
    let version = |name: &str| {
        let package = package(name, &fixture(&format!("vendors/{name}")));
        package.version().driver_version.map(|version| version.to_string())
    };
    assert_eq!(version("kilnfs.inf").as_deref(), Some("09/19/2021,1.3.0.1000"));
}

/// The names and types are those of classes in the hives of Windows 7, 8.1 and 10, such as that of readers of magnetic stripes.
#[test]
fn a_class_is_made_as_windows_makes_it() {
    let text = String::from_utf8(fixture("vendors/kilnsdh.inf")).expect("UTF-8");
    let own = "{A0A588A4-C46F-4B37-B7EA-C82FE89870C7}";
    let text = text.replace("=SDHost", "=KilnHost").replace("C82FE89870C6", "C82FE89870C7")
        + "[ClassInstall32]\nAddReg=Class\n[Class]\nHKR,,,0,%Desc%\nHKR,,Icon,,\"-10\"\n";
    let package = package("kilnsdh.inf", text.as_bytes());
    for (os, names) in [
        ("xp", &["", "Class", "Icon"][..]),
        ("w7", &["", "Class", "ClassDesc", "Icon", "IconPath"]),
        ("w8.1", &["Class", "ClassDesc", "Icon", "IconPath"]),
        ("w10", &["Class", "ClassDesc", "Icon", "IconPath"]),
    ] {
        let architecture = if os == "xp" { Architecture::X86 } else { Architecture::Amd64 };
        let staging = waiting(&package, &guest(os, architecture), false);
        let key = format!(r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{own}");
        let values = values(&staging);
        let made = values.iter().filter(|((of, _), _)| *of == key);
        let made: Vec<_> = made.map(|((_, name), value)| (name.as_str(), value)).collect();
        assert_eq!(made.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names, "{os}");
        for (name, expected) in [
            ("", Value::sz("Kiln SD host")),
            ("Class", Value::sz("KilnHost")),
            ("ClassDesc", Value::sz("@oem0.inf,%Desc%;Kiln SD host")),
            ("Icon", Value::sz("-10")),
            ("IconPath", Value::multi_sz([r"%SystemRoot%\System32\setupapi.dll,-10"])),
        ] {
            let found = made.iter().find(|(known, _)| *known == name);
            assert!(found.is_none_or(|(_, value)| **value == expected), "{os}: {name}");
        }
    }
}
