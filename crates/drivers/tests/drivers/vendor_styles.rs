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

/// What adding it means; it has all the files that it names.
fn staged(package: &Package, guest: &Guest) -> Staging {
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
        has_class: true,
        class: None,
    };
    let staging = stage(&request).unwrap_or_else(|error| panic!("{}: {error}", package.path()));
    assert!(staging.boot_critical, "{}", package.path());
    staging
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
