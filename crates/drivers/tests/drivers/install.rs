//! What the fixture means, entry by entry.

use winkiln_drivers::Architecture::{Amd64, Arm64, X86};
use winkiln_drivers::inf::{
    Decoration, Existing, Folder, Inf, Install, NoIncludes, ParseOptions, RegistryData,
    RegistryEdit, RegistryOperation, RegistryRoot, RegistryView,
};

use crate::{fixture, inf, parsed};

fn installed() -> Install {
    parsed("kilnstor.inf").install("Kiln_Inst", Amd64, &NoIncludes).expect("it installs")
}

#[test]
fn a_version_says_who_and_when() {
    let version = parsed("kilnstor.inf").version().expect("a version");
    assert_eq!(version.class.as_deref(), Some("SCSIAdapter"));
    let guid = version.class_guid.expect("a class");
    assert_eq!(guid.to_string(), "{4D36E97B-E325-11CE-BFC1-08002BE10318}");
    let provider = version.provider.clone().expect("a provider");
    assert_eq!((provider.raw.as_str(), provider.text.as_str()), ("%Maker%", "Kiln & Sons"));
    let driver = version.driver_version.expect("a driver version");
    assert_eq!(driver.to_string(), "03/31/2024,1.20.300.4000");
    assert_eq!(version.catalog(Amd64), Some("kilnstor64.cat"));
    assert_eq!(version.catalog(X86), Some("kilnstor.cat"));
    assert!(version.pnp_lockdown);
    assert_eq!(version.problems, []);
}

#[test]
fn models_are_listed_by_their_windows() {
    let makers = parsed("kilnstor.inf").manufacturers().expect("makers");
    let [maker] = makers.as_slice() else { panic!("{makers:?}") };
    assert_eq!(maker.name.text, "Kiln & Sons");
    let sections: Vec<_> =
        maker.sections.iter().map(|s| (s.name.as_str(), s.models.len())).collect();
    assert_eq!(
        sections,
        [
            ("Kiln.NTx86", 1),
            ("Kiln.NTx86.6.0", 0),
            ("Kiln.NTamd64.6.1", 1),
            ("Kiln.NTamd64.10.0...19041", 2),
            ("Kiln.NT$ARCH$", 1),
        ]
    );
    assert_eq!(maker.sections[4].decoration, Decoration::Unknown("NT$ARCH$".to_owned()));
    let [first, second] = maker.sections[3].models.as_slice() else { panic!() };
    assert_eq!(first.description.text, "Kiln \"Turbo\" storage");
    assert_eq!(first.description.raw, "%Kiln.Desc%");
    assert_eq!(first.install_section, "Kiln_Inst");
    assert_eq!(first.hardware_id.as_deref(), Some(r"PCI\VEN_1234&DEV_0001&REV_01"));
    assert_eq!(first.compatible_ids, [r"PCI\VEN_1234&DEV_0001"]);
    assert!(first.excluded_from_select);
    assert_eq!((second.hardware_id.as_deref(), second.ids().count()), (None, 1));
    assert!(!second.excluded_from_select);

    let options = ParseOptions { language: 0x0407, ..ParseOptions::default() };
    let german = Inf::parse("k.inf", &fixture("kilnstor.inf"), &options).expect("an INF");
    let makers = german.manufacturers().expect("makers");
    assert_eq!(makers[0].sections[2].models[0].description.text, "Kiln-Speicher");
}

#[test]
fn a_maker_may_be_a_section_by_itself() {
    let inf = inf("[Manufacturer]\nKiln\n%x%=Gone,NTx86\n[Kiln]\na=b,c\nno model\nd=\n");
    let makers = inf.manufacturers().expect("makers");
    assert_eq!((makers[0].name.text.as_str(), makers[0].sections.len()), ("Kiln", 1));
    assert_eq!(makers[0].sections[0].models.len(), 1);
    let problems: Vec<_> = makers[0].sections[0].problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "test.inf line 6: a model lacks its description",
            "test.inf line 7: a model lacks its install section"
        ]
    );
    assert_eq!(makers[1].sections, []);
}

#[test]
fn files_have_a_source_and_a_destination() {
    let install = installed();
    assert_eq!(install.section, "Kiln_Inst.NTamd64");
    assert_eq!(install.feature_score, Some(0xFC));
    let [driver, monitor] = install.files.as_slice() else { panic!("{:?}", install.files) };
    assert_eq!((driver.name.as_str(), driver.line), ("kilnstor.sys", 90));
    assert_eq!(driver.destination.folder, Folder::DRIVERS);
    assert_eq!(driver.source.path, r"x64\drivers\kilnstor.sys");
    assert_eq!(driver.source.cabinet.as_deref(), Some(r"x64\kiln.cab"));
    assert_eq!(driver.flags, 0x5002);
    assert_eq!(driver.security.as_deref(), Some("D:P(A;;GA;;;BA)(A;;GA;;;SY)"));
    assert_eq!(
        (monitor.name.as_str(), monitor.source_name.as_str()),
        ("monitor.exe", "kilnmon.exe")
    );
    assert_eq!(monitor.destination.folder, Folder::SYSTEM);
    assert_eq!(monitor.destination.subfolder, "kiln");
    assert_eq!(monitor.source.path, r"x64\tools\kilnmon.exe");

    let old = parsed("kilnstor.inf").install("Kiln_Old", X86, &NoIncludes).expect("it installs");
    assert_eq!(old.section, "Kiln_Old");
    assert_eq!(old.files[0].source.path, "kilnstor.sys");
    assert_eq!(old.files[0].destination.folder, Folder::DRIVERS);

    let [library] = install.coinstallers.files.as_slice() else { panic!() };
    assert!(!library.source.listed, "the library is in no list");
    assert_eq!(library.source.path, "WdfCoInstaller01011.dll");
}

#[test]
fn folders_have_numbers() {
    for (number, expected) in [(10, ""), (11, "System32"), (12, r"System32\drivers"), (17, "INF")] {
        assert_eq!(Folder(number).below_windows(), Some(expected));
    }
    assert_eq!(Folder::DRIVER_STORE.below_windows(), None);
    assert_eq!(Folder(16422).below_drive(), Some("Program Files"));
    let text = "[DestinationDirs]\na=65535,C:\\x\nb=-1\nc=0x4026\nd=twelve\n\
        [I]\nCopyFiles=a\n[J]\nCopyFiles=b,c,e\n[K]\nCopyFiles=d\n[a]\nf\n[b]\nf\n[c]\nf\n[d]\nf\n[e]\nf\n";
    let folder = |section: &str| -> Result<Vec<_>, String> {
        let install = inf(text).install(section, X86, &NoIncludes).map_err(|e| e.to_string())?;
        Ok(install.files.iter().map(|file| file.destination.folder.0).collect())
    };
    assert_eq!(folder("I"), Ok(vec![-1]));
    assert_eq!(folder("J"), Ok(vec![-1, 0x4026, 11]));
    let error = "test.inf line 5: \"twelve\" is not a number (folder of [DestinationDirs])";
    assert_eq!(folder("K"), Err(error.to_owned()));
}

#[test]
fn services_have_all_their_entries() {
    let install = installed();
    let [service, monitor] = install.services.as_slice() else { panic!("{:?}", install.services) };
    assert_eq!(install.function_service(), Some(service));
    assert_eq!((service.name.as_str(), service.flags.0), ("kilnstor", 2));
    let display = service.display_name.clone().expect("a display name");
    assert_eq!(display.raw, "%Kiln.Desc%");
    assert_eq!((service.service_type, service.start, service.error_control), (1, 0, 1));
    assert_eq!(service.binary.in_folder(), Some((12, "kilnstor.sys".to_owned())));
    assert_eq!(service.load_order_group.as_deref(), Some("SCSI miniport"));
    assert_eq!(service.dependencies, ["+TDI", "pci"]);
    assert_eq!(service.boot_flags, Some(4));
    let bus = &service.registry[1];
    assert_eq!((bus.root, bus.line), (RegistryRoot::Relative, 126));
    assert_eq!(bus.key, "Parameters");
    let RegistryOperation::Set { name, data, existing } = &bus.operation else { panic!("{bus:?}") };
    assert_eq!(
        (name, data, existing),
        (&"BusType".into_text(), &RegistryData::Dword(10), &Existing::Replace)
    );
    let RegistryOperation::Set { data: RegistryData::ExpandSz(path), .. } =
        &service.registry[2].operation
    else {
        panic!()
    };
    assert_eq!(path.expand(|id| Some(format!("<{id}>"))).as_deref(), Ok(r"%SystemRoot%\<11>\x"));
    let log = service.event_log.as_ref().expect("an event log");
    assert_eq!(
        (log.log.as_str(), log.name.as_str(), log.registry.len()),
        ("System", "kilnstor", 2)
    );

    assert_eq!(monitor.binary, r#"%11%\kiln\monitor.exe -quiet "now""#);
    assert_eq!(monitor.security.as_deref(), Some("D:(A;;GA;;;SY)"));
    let log = monitor.event_log.as_ref().expect("an event log");
    assert_eq!((log.log.as_str(), log.name.as_str()), ("Application", "Kiln Monitor"));
    let [removed] = install.removed_services.as_slice() else { panic!() };
    assert_eq!((removed.name.as_str(), removed.flags), ("kilnold", 4));
}

trait IntoText {
    fn into_text(self) -> winkiln_drivers::inf::Text;
}

impl IntoText for &str {
    fn into_text(self) -> winkiln_drivers::inf::Text {
        inf("").substitute(self)
    }
}

#[test]
fn what_belongs_to_a_section_is_found() {
    let install = installed();
    assert_eq!(install.wdf[0].library_version.as_deref(), Some("1.15"));
    assert_eq!(install.filters[0].service, "kilnmon");
    assert_eq!(install.filters[0].position.as_deref(), Some("Upper"));
    assert_eq!(install.hardware_registry.len(), 2);
    assert_eq!(install.hardware_registry[0].operation, RegistryOperation::CreateKey);
    assert_eq!(install.coinstallers.registry.len(), 1);
    let left: Vec<_> =
        install.not_carried_out.iter().map(|left| (left.line, left.directive.as_str())).collect();
    assert_eq!(left, [(63, "Reboot"), (122, "AddTrigger")]);
    assert!(install.not_carried_out[0].values.is_empty());
}

fn shown(edit: &RegistryEdit) -> String {
    format!("{} {:?}", edit.key, edit.operation)
}

#[test]
fn every_flag_of_addreg_has_its_meaning() {
    let install = installed();
    let text = |text: &str| text.into_text();
    let set = |name: &str, data| RegistryOperation::Set {
        name: text(name),
        data,
        existing: Existing::Replace,
    };
    let sz = |value: &str| RegistryData::Sz(text(value));
    let binary = |kind, bytes: &[u8]| RegistryData::Binary { kind, bytes: bytes.to_vec() };
    let expected = [
        ("", set("Empty", sz(""))),
        ("", set("", sz("the default"))),
        (r"Sub\Key", RegistryOperation::CreateKey),
        (r"Sub\Key2", RegistryOperation::CreateKey),
        (
            "",
            RegistryOperation::Set {
                name: text("Kept"),
                data: sz("kept"),
                existing: Existing::Keep,
            },
        ),
        (
            "",
            RegistryOperation::Set {
                name: text("Only"),
                data: sz("only"),
                existing: Existing::Only,
            },
        ),
        ("", RegistryOperation::DeleteValue { name: text("Gone") }),
        (r"Gone\Too", RegistryOperation::DeleteKey),
        ("", set("Bytes", binary(3, &[0xDE, 0xAD, 0xBE, 0, 0xEF]))),
        ("", set("Quad", binary(11, &[1, 0, 0, 0, 0, 0, 0, 0x80]))),
        ("", set("Nothing", binary(0, &[1, 2]))),
        ("", set("Number", RegistryData::Dword(u32::MAX))),
        ("", set("FourBytes", RegistryData::Dword(0x1234_5678))),
        (
            "",
            set("Many", RegistryData::MultiSz(vec![text("one"), text("two"), text("Kiln & Sons")])),
        ),
        ("", RegistryOperation::Append { name: text("Many"), strings: vec![text("three")] }),
        (r"SOFTWARE\Kiln", set("View", sz("32"))),
        (r"SOFTWARE\Kiln", set("View", sz("64"))),
    ];
    assert_eq!(install.registry.len(), expected.len());
    for (edit, (key, operation)) in install.registry.iter().zip(expected) {
        assert_eq!(shown(edit), format!("{key} {operation:?}"), "line {}", edit.line);
        assert_eq!(edit.security.as_deref(), Some("D:P(A;;GA;;;SY)"));
    }
    let views: Vec<_> = install.registry[14..].iter().map(|edit| edit.view).collect();
    assert_eq!(views, [RegistryView::Native, RegistryView::Bits32, RegistryView::Bits64]);
    assert_eq!(install.registry[15].root, RegistryRoot::LocalMachine);
    assert_eq!(install.registry[15].flags, 0x4000);
}

#[test]
fn delreg_and_bitreg_are_read() {
    let class =
        parsed("kilnstor.inf").install("ClassInstall32", Arm64, &NoIncludes).expect("a class");
    let name = |text: &str| text.into_text();
    let expected = [
        (
            "",
            RegistryOperation::Set {
                name: name(""),
                data: RegistryData::Sz(name("Kilns")),
                existing: Existing::Replace,
            },
        ),
        ("Old", RegistryOperation::DeleteKey),
        ("", RegistryOperation::DeleteValue { name: name("Icon") }),
        (
            "",
            RegistryOperation::DeleteString { name: name("UpperFilters"), string: name("kilnflt") },
        ),
        (r"SOFTWARE\Kiln\Wow", RegistryOperation::DeleteKey),
        (
            r"SOFTWARE\Kiln",
            RegistryOperation::Bits { name: name("Bits"), byte: 2, mask: 0x80, set: true },
        ),
        (
            r"SOFTWARE\Kiln",
            RegistryOperation::Bits { name: name("Bits"), byte: 0, mask: 1, set: false },
        ),
    ];
    let found: Vec<_> = class.registry.iter().map(shown).collect();
    let expected: Vec<_> =
        expected.iter().map(|(key, operation)| format!("{key} {operation:?}")).collect();
    assert_eq!(found, expected);
}

#[test]
fn bad_entries_name_their_line() {
    let service = |rest: &str| format!("[I]\n[I.Services]\nAddService=a,2,S\n[S]\n{rest}");
    let full = "ServiceType=1\nStartType=0\nErrorControl=1\nServiceBinary=%12%\\a.sys\n";
    for (text, expected) in [
        (
            "[I]\nAddReg=A\n[A]\nHKX,a".to_owned(),
            "line 4: \"HKX\" is not a registry root (HKCR, HKCU, HKLM, HKU, HKR)",
        ),
        (
            "[I]\nAddReg=A\n[A]\nHKR,,a,x".to_owned(),
            "line 4: \"x\" is not a number (flags of AddReg)",
        ),
        (
            "[I]\nAddReg=A\n[A]\nHKR,,a,1,zz".to_owned(),
            "line 4: \"zz\" is not a byte in hexadecimal",
        ),
        (
            "[I]\nAddReg=A\n[A]\nHKR,,a,1,100".to_owned(),
            "line 4: \"100\" is not a byte in hexadecimal",
        ),
        (
            "[I]\nAddReg=A\n[A]\nHKR,,a,0x10001,1,2".to_owned(),
            "line 4: \"a list of values\" is not a number (REG_DWORD)",
        ),
        (
            "[I]\nAddReg=A\n[A]\nHKR,,a,0x50000,1".to_owned(),
            "line 4: flags 0x00050000 name no registry type that can be written this way",
        ),
        ("[I]\nBitReg=A\n[A]\nHKR,,a,,,1".to_owned(), "line 4: \"\" is not a byte in hexadecimal"),
        ("[I]\nFeatureScore=x".to_owned(), "line 2: \"x\" is not a byte in hexadecimal"),
        (
            "[I]\nCopyFiles=A\n[A]\nf,,,x".to_owned(),
            "line 4: \"x\" is not a number (flags of a file to copy)",
        ),
        (service(""), "line 3: [S] has no ServiceType"),
        (service("ServiceType=1\nStartType=0\n"), "line 3: [S] has no ServiceBinary"),
        ("[I]\n[I.Services]\nAddService=a,2,S\n".to_owned(), "line 3: there is no section [S]"),
        (
            "[I]\n[I.Services]\nAddService=a,2\n".to_owned(),
            "line 3: AddService lacks its install section",
        ),
        ("[I]\n[I.Services]\nDelService=\n".to_owned(), "line 3: DelService lacks its name"),
        ("[I]\n[I.Filters]\nAddFilter=\n".to_owned(), "line 3: AddFilter lacks its name"),
        ("[I]\n[I.Wdf]\nKmdfService=\n".to_owned(), "line 3: KmdfService lacks its name"),
        ("[J]\n".to_owned(), "there is no section [I]"),
    ] {
        let error = inf(&text).install("I", Amd64, &NoIncludes).expect_err(expected).to_string();
        let place = if expected.starts_with("line") { "test.inf " } else { "test.inf: " };
        assert_eq!(error, format!("{place}{expected}"), "{text}");
    }
    assert!(inf(&service(full)).install("I", Amd64, &NoIncludes).is_ok());
}

#[test]
fn a_section_that_is_referred_to_for_ever_is_refused() {
    let mut text = format!("[I]\nAddReg={}\n[A]\n", ["A"; 3000].join(","));
    text.extend(["HKR,,a,,b\n"; 200]);
    let error = inf(&text).install("I", Amd64, &NoIncludes).expect_err("too much").to_string();
    assert!(error.ends_with("more than 500000 entries are referred to"), "{error}");
}
