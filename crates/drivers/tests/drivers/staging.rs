//! What adding a package means, against what its INF says, and against packages that Windows added itself.

use std::collections::BTreeMap;

use winkiln_drivers::choice::Fit;
use winkiln_drivers::inf::{Existing, IncludedInfs, Inf, NoIncludes, ParseOptions};
use winkiln_drivers::staging::{
    Binding, Edit, Framework, Guest, OemNumbers, PackageFile, Request, Signature, Staging,
    StagingError, Value, stage,
};
use winkiln_drivers::{Architecture, Package, Target};

/// A disk controller's package with one of everything that counts.
const STORAGE: &str = r#"
[Version]
Signature="$Windows NT$"
Class=SCSIAdapter
ClassGuid={4D36E97B-E325-11CE-BFC1-08002BE10318}
Provider=%Maker%
DriverVer=03/31/2024,1.20.300.4000
CatalogFile=kiln.cat
PnpLockdown=1
[SourceDisksNames]
1=disk
[SourceDisksFiles]
kiln.sys=1
[DestinationDirs]
DefaultDestDir=12
[Manufacturer]
%Maker%=Kiln,NTx86,NTamd64
[Kiln.NTx86]
%Desc%=Kiln_Inst,PCI\VEN_1AF4&DEV_1001&SUBSYS_00021AF4&REV_00,PCI\VEN_1234&DEV_0001
[Kiln.NTamd64]
%Desc%=Kiln_Inst,PCI\VEN_1AF4&DEV_1001&SUBSYS_00021AF4&REV_00,PCI\VEN_1234&DEV_0001
[Kiln_Inst.NT]
CopyFiles=@kiln.sys
FeatureScore=FE
[Kiln_Inst.NT.HW]
AddReg=Hardware
[Hardware]
HKR,"Interrupt Management\MessageSignaledInterruptProperties",MSISupported,0x00010001,1
HKR,,UpperFilters,0x00010000,"kilnfilter"
HKR,,Security,,"D:P(A;;GA;;;SY)"
HKR,,DeviceCharacteristics,0x00010001,0x100
[Kiln_Inst.NT.Services]
AddService=kiln,2,Service,Events
[Service]
DisplayName=%Desc%
ServiceType=1
StartType=0
ErrorControl=1
ServiceBinary=%12%\kiln.sys
LoadOrderGroup=SCSI miniport
Dependencies=storport,+Base
AddReg=Settings
[Settings]
HKR,Parameters,BusType,0x00010001,0x0A
HKR,Parameters,Kept,0x00010003,7
HKR,Parameters,List,0x00010008,"one"
HKR,Parameters,List,0x00010008,"two"
HKLM,"SYSTEM\CurrentControlSet\Control\Class\{4D36E97D-E325-11CE-BFC1-08002BE10318}",UpperFilters,0x00010008,"kilnfilter"
[Events]
AddReg=EventSettings
[EventSettings]
HKR,,EventMessageFile,0x00020000,"%%SystemRoot%%\System32\IoLogMsg.dll"
[Strings]
Maker="Kiln"
Desc="A disk"
"#;

pub(crate) fn guest(os: &str, architecture: Architecture) -> Guest {
    let target = Target::named(os, architecture).expect("a Windows");
    let binding = match target.version {
        version if version < (6, 2) => Binding::CriticalDevices,
        version => Binding::Database { drivers_hive: version >= (10, 0) },
    };
    Guest {
        target,
        system_root: r"\Windows".to_owned(),
        system_root_path: r"C:\Windows".to_owned(),
        binding,
        framework: Framework::inbox(target.version, target.build),
    }
}

fn staged(text: &str, guest: &Guest) -> Result<Staging, StagingError> {
    staged_with(text, guest, &NoIncludes)
}

fn staged_with(
    text: &str,
    guest: &Guest,
    included: &dyn IncludedInfs,
) -> Result<Staging, StagingError> {
    let package = Package::read("x/Kiln.inf", text.as_bytes(), &ParseOptions::default()).unwrap();
    let fit: Fit<'_> = package.fit(&guest.target).expect("it fits");
    let file = |name: &str, is_catalog| PackageFile {
        name: name.to_owned(),
        from: format!("x/{name}"),
        is_catalog,
    };
    let mut numbers = OemNumbers::from_map(&[0xE0]);
    numbers.take(3);
    stage(&Request {
        guest,
        package: &package,
        fit: &fit,
        included,
        files: &[file("kiln.sys", false), file("kiln.cat", true)],
        digest: 0x0123_4567_89AB_CDEF,
        oem_number: 3,
        oem_numbers: Some(&numbers),
        now: 5,
        origin: "here",
        signature: &Signature::None,
        has_class: true,
        class: None,
    })
}

/// Values by key and name; the last one counts.
pub(crate) fn values(staging: &Staging) -> BTreeMap<(String, String), Value> {
    let mut values = BTreeMap::new();
    for edit in &staging.edits {
        if let Edit::SetValue { key, name, value, .. } = edit {
            values.insert((key.clone(), name.clone()), value.clone());
        }
    }
    values
}

pub(crate) fn files(staging: &Staging) -> Vec<&str> {
    let files = staging.edits.iter().filter_map(|edit| match edit {
        Edit::PutFile { to, .. } => Some(to.as_str()),
        _ => None,
    });
    files.collect()
}

#[test]
fn a_disk_controller_starts_with_windows_10() {
    let guest = guest("w10", Architecture::Amd64);
    let staging = staged(STORAGE, &guest).expect("it is added");
    let store = "kiln.inf_amd64_0123456789abcdef";
    assert_eq!((staging.inf.as_deref(), &*staging.store_name), (Some("oem3.inf"), store));
    assert!(staging.boot_critical);
    assert_eq!(staging.services, ["kiln"]);
    assert_eq!(
        files(&staging),
        [
            &*format!(r"\Windows\System32\DriverStore\FileRepository\{store}\Kiln.inf"),
            &*format!(r"\Windows\System32\DriverStore\FileRepository\{store}\kiln.sys"),
            &*format!(r"\Windows\System32\DriverStore\FileRepository\{store}\kiln.cat"),
            r"\Windows\INF\oem3.inf",
            r"\Windows\System32\CatRoot\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}\oem3.cat",
            r"\Windows\System32\drivers\kiln.sys",
        ]
    );
    let values = values(&staging);
    let service = r"HKLM\SYSTEM\CurrentControlSet\Services\kiln";
    let database = r"HKLM\SYSTEM\DriverDatabase";
    let package = format!(r"{database}\DriverPackages\{store}");
    let configuration = format!(r"{package}\Configurations\Kiln_Inst.NT");
    let hardware = r"DeviceIds\PCI\VEN_1AF4&DEV_1001&SUBSYS_00021AF4&REV_00";
    let described = r"Descriptors\PCI\VEN_1234&DEV_0001";
    let lock = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\PnpLockdownFiles";
    let raw = |kind, bytes: &[u8]| Value::Data { kind, bytes: bytes.to_vec() };
    let version = [
        &[0x00, 0xFF, 0x09, 0x00, 0, 0, 0, 0][..],
        &[0x7B, 0xE9, 0x36, 0x4D, 0x25, 0xE3, 0xCE, 0x11, 0xBF, 0xC1, 0x08, 0x00, 0x2B, 0xE1],
        &[0x03, 0x18],
        &133_563_168_000_000_000_u64.to_le_bytes(),
        &0x0001_0014_012C_0FA0_u64.to_le_bytes(),
        &[0; 8],
    ]
    .concat();
    for (key, name, value) in [
        (service.to_owned(), "Type", Value::dword(1)),
        (service.to_owned(), "Start", Value::dword(0)),
        (service.to_owned(), "ErrorControl", Value::dword(1)),
        (service.to_owned(), "Group", Value::sz("SCSI miniport")),
        (service.to_owned(), "ImagePath", Value::expand_sz(r"System32\drivers\kiln.sys")),
        (service.to_owned(), "DisplayName", Value::sz("@oem3.inf,%Desc%;A disk")),
        (service.to_owned(), "DependOnService", Value::multi_sz(["storport"])),
        (service.to_owned(), "DependOnGroup", Value::multi_sz(["Base"])),
        (format!(r"{service}\Parameters"), "BusType", Value::dword(0x0A)),
        (
            r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\System\kiln".to_owned(),
            "EventMessageFile",
            Value::expand_sz(r"%SystemRoot%\System32\IoLogMsg.dll"),
        ),
        (database.to_owned(), "OemInfMap", Value::binary(&[0xF0])),
        (format!(r"{database}\DriverInfFiles\oem3.inf"), "", Value::multi_sz([store])),
        (format!(r"{database}\DriverInfFiles\oem3.inf"), "Active", Value::sz(store)),
        (
            format!(r"{database}\DriverInfFiles\oem3.inf"),
            "Configurations",
            Value::multi_sz(["Kiln_Inst.NT"]),
        ),
        (format!(r"{database}\{hardware}"), "oem3.inf", Value::binary(&[1, 0xFE, 0, 0])),
        (
            format!(r"{database}\DeviceIds\PCI\VEN_1234&DEV_0001"),
            "oem3.inf",
            Value::binary(&[2, 0xFE, 0, 0]),
        ),
        (
            format!(r"{database}\DeviceIds\{{4d36e97b-e325-11ce-bfc1-08002be10318}}"),
            "oem3.inf",
            raw(0, &[]),
        ),
        (package.clone(), "", Value::sz("oem3.inf")),
        (package.clone(), "Version", Value::binary(&version)),
        (package.clone(), "InfName", Value::sz("kiln.inf")),
        (package.clone(), "ImportDate", Value::binary(&5_u64.to_le_bytes())),
        (configuration.clone(), "Service", Value::sz("kiln")),
        (configuration.clone(), "ConfigScope", Value::dword(7)),
        (configuration.clone(), "UpperFilters", Value::multi_sz(["kilnfilter"])),
        (
            format!(r"{configuration}\Properties\{{a45c254e-df1c-4efd-8020-67d146a850e0}}\0019"),
            "",
            Value::Descriptor { kind: 0xFFFF_0013, sddl: "D:P(A;;GA;;;SY)".to_owned() },
        ),
        (
            format!(r"{configuration}\Properties\{{a45c254e-df1c-4efd-8020-67d146a850e0}}\001D"),
            "",
            raw(0xFFFF_0007, &[0, 1, 0, 0]),
        ),
        (
            format!(
                r"{configuration}\Device\Interrupt Management\MessageSignaledInterruptProperties"
            ),
            "MSISupported",
            Value::dword(1),
        ),
        (
            format!(r"{configuration}\Services\kiln\Parameters"),
            "Kept",
            raw(0x2_0004, &[7, 0, 0, 0]),
        ),
        (
            format!(r"{configuration}\Services\kiln\Parameters"),
            "List",
            raw(0x4_0007, b"o\0n\0e\0\0\0t\0w\0o\0\0\0\0\0"),
        ),
        (format!(r"{package}\{described}"), "Configuration", Value::sz("Kiln_Inst.NT")),
        (format!(r"{package}\{described}"), "Description", Value::sz("%desc%")),
        (format!(r"{package}\{described}"), "Manufacturer", Value::sz("%maker%")),
        (format!(r"{package}\Strings"), "desc", Value::sz("A disk")),
        (
            format!(r"{lock}\%SystemRoot%/System32/drivers/kiln.sys"),
            "Source",
            Value::expand_sz(&format!(
                r"%SystemRoot%\System32\DriverStore\FileRepository\{store}\kiln.sys"
            )),
        ),
    ] {
        let found = values.get(&(key.clone(), name.to_owned()));
        assert_eq!(found, Some(&value), "{key} {name}");
    }
    for key in ["kiln", "storport", "pci"] {
        let key = format!(r"HKLM\SYSTEM\CurrentControlSet\Services\{key}\StartOverride");
        assert!(staging.edits.contains(&Edit::DeleteKey { key: key.clone() }), "{key}");
    }
    // The filter of a class comes after the service that it names.
    let place = |wanted: &dyn Fn(&Edit) -> bool| staging.edits.iter().position(wanted);
    let filter = place(&|edit| {
        matches!(edit, Edit::AppendStrings { key, strings, .. }
            if key.contains("4D36E97D") && strings == &["kilnfilter"])
    });
    let image = place(&|edit| matches!(edit, Edit::SetValue { name, .. } if name == "ImagePath"));
    assert!(filter.expect("a filter") > image.expect("a service"));
}

#[test]
fn earlier_windows_bind_critical_devices() {
    let entry = |id: &str| {
        let key = r"HKLM\SYSTEM\CurrentControlSet\Control\CriticalDeviceDatabase";
        (format!(r"{key}\PCI#{id}"), "Service".to_owned())
    };
    for (os, shown, store) in [("xp", "A disk", false), ("w7", "@oem3.inf,%Desc%;A disk", true)] {
        let staging = staged(STORAGE, &guest(os, Architecture::X86)).expect("it is added");
        let values = values(&staging);
        for id in [
            "VEN_1AF4&DEV_1001&SUBSYS_00021AF4&REV_00",
            "VEN_1AF4&DEV_1001&REV_00",
            "VEN_1234&DEV_0001",
        ] {
            assert_eq!(values.get(&entry(id)), Some(&Value::sz("kiln")), "{os} {id}");
        }
        assert!(!values.keys().any(|(key, _)| key.contains("DriverDatabase")), "{os}");
        let service = r"HKLM\SYSTEM\CurrentControlSet\Services\kiln".to_owned();
        assert_eq!(values.get(&(service, "DisplayName".to_owned())), Some(&Value::sz(shown)));
        let files = files(&staging);
        assert_eq!(files.iter().any(|path| path.contains("FileRepository")), store, "{os}");
        assert!(files.contains(&r"\Windows\INF\oem3.inf"), "{os}: {files:?}");
        let folder = r"%SystemRoot%\winkiln\kiln.inf_x86_neutral_0123456789abcdef";
        let path = |edit: &Edit| matches!(edit, Edit::AppendPath { path, .. } if path == folder);
        assert!(staging.edits.iter().any(path), "{os}");
        // Where PnP was told not to look there, it looks again.
        let only = |edit: &Edit| matches!(edit, Edit::SetValue { name, existing: Existing::Only, .. } if name == "DisableCDDB");
        assert!(staging.edits.iter().any(only), "{os}");
    }
}

#[test]
fn other_devices_wait_for_windows_to_find_them() {
    let text = STORAGE.replace("StartType=0", "StartType=3");
    let staging = staged(&text, &guest("w10", Architecture::Amd64)).expect("it is added");
    assert!(!staging.boot_critical && staging.services.is_empty());
    let values = values(&staging);
    assert!(
        !values
            .keys()
            .any(|(key, _)| key.contains(r"\Services\") || key.contains("Configurations"))
    );
    let network = text.replace("4D36E97B", "4D36E972");
    let staging = staged(&network, &guest("w10", Architecture::Amd64)).expect("it is added");
    let packages = r"HKLM\DRIVERS\DriverDatabase\DriverPackages\";
    assert!(self::values(&staging).keys().any(|(key, _)| key.starts_with(packages)));
    let staging = staged(&text, &guest("xp", Architecture::X86)).expect("it is added");
    assert_eq!(staging.inf, None, "Windows numbers it when the device comes up");
    assert_eq!(files(&staging).len(), 3);
}

#[test]
fn what_would_not_start_is_refused() {
    let framework = format!(
        "{STORAGE}[Kiln_Inst.NT.Wdf]\nKmdfService=kiln,Wdf\n[Wdf]\nKmdfLibraryVersion=1.9\n"
    );
    let store = STORAGE.replace(r"%12%\kiln.sys", r"%13%\kiln.sys");
    let elsewhere = STORAGE.replace(r"%12%\kiln.sys", r"%24%\kiln.sys");
    let classless = STORAGE.replace("ClassGuid=", "Other=");
    let nameless = STORAGE.replace("CopyFiles=@kiln.sys", "CopyFiles=@other.sys");
    for (text, os, word) in [
        (&framework, "xp", "needs the kernel-mode driver framework 1.9, and this Windows has none"),
        (&framework, "vista", "this Windows has 1.7"),
        (&framework, "w7", ""),
        (&store, "w7", "runs from the driver store"),
        (&store, "w10", ""),
        (&elsewhere, "w10", "folder 24"),
        (&classless, "w10", "no ClassGuid, and Windows does not know its class"),
        (&nameless, "w10", "other.sys, which is not in the package"),
    ] {
        let found = staged(text, &guest(os, Architecture::X86));
        match found {
            Ok(_) => assert_eq!(word, "", "{os}"),
            Err(error) => {
                assert!(!word.is_empty() && error.to_string().contains(word), "{os}: {error}");
            }
        }
    }
    let staging = staged(&store, &guest("w10", Architecture::Amd64)).expect("it is added");
    let key = (r"HKLM\SYSTEM\CurrentControlSet\Services\kiln".to_owned(), "ImagePath".to_owned());
    let path =
        r"\SystemRoot\System32\DriverStore\FileRepository\kiln.inf_amd64_0123456789abcdef\kiln.sys";
    assert_eq!(values(&staging).get(&key), Some(&Value::expand_sz(path)));
}

#[test]
fn what_an_included_inf_copies_is_the_guests_own() {
    let including = STORAGE.replace(
        "CopyFiles=@kiln.sys",
        "CopyFiles=@kiln.sys\nInclude=machine.inf\nNeeds=Machine_Inst",
    );
    let machine = "[Version]\nSignature=\"$Windows NT$\"\n[SourceDisksNames]\n1=disk\n\
        [SourceDisksFiles]\nown.sys=1\n[Machine_Inst]\nCopyFiles=@own.sys\n";
    let machine = Inf::parse("machine.inf", machine.as_bytes(), &ParseOptions::default()).unwrap();
    let guest = guest("w10", Architecture::Amd64);
    let staging = staged_with(&including, &guest, &vec![machine]).expect("it is added");
    assert!(!files(&staging).iter().any(|file| file.contains("own.sys")));
    let copies = STORAGE.replace("CopyFiles=@kiln.sys", "CopyFiles=@kiln.sys,@own.sys");
    assert!(staged(&copies, &guest).is_err(), "what it copies itself must be there");
}

#[test]
fn filters_are_one_list_in_the_end() {
    let line = "HKR,,UpperFilters,0x00010000,\"kilnfilter\"\n";
    let lines = "HKR,,UpperFilters,0x00010000,\"lost\"\nHKR,,upperfilters,0x00010000,one\n\
        HKR,,UpperFilters,0x00010008,two,ONE\nHKR,,LowerFilters,,three\n";
    // The same device twice, and in another spelling.
    let twice =
        STORAGE.replace(line, lines).replace("DEV_0001\n", "DEV_0001,pci\\ven_1234&dev_0001\n");
    for (os, key) in [
        (
            "w10",
            r"HKLM\SYSTEM\DriverDatabase\DriverPackages\kiln.inf_x86_0123456789abcdef\Configurations\Kiln_Inst.NT",
        ),
        (
            "w7",
            r"HKLM\SYSTEM\CurrentControlSet\Control\CriticalDeviceDatabase\PCI#VEN_1234&DEV_0001",
        ),
    ] {
        let staging = staged(&twice, &guest(os, Architecture::X86)).expect("it is added");
        assert_eq!(staging.bound.len(), 2, "{:?}", staging.bound);
        let values = values(&staging);
        for (name, list) in [("UpperFilters", &["one", "two"][..]), ("LowerFilters", &["three"])] {
            let found = values.get(&(key.to_owned(), name.to_owned()));
            assert_eq!(found, Some(&Value::multi_sz(list)), "{os} {name}");
        }
    }
}

#[test]
fn what_only_windows_does_is_told() {
    let text = STORAGE.replace(
        "AddService=kiln,2,Service,Events",
        "AddService=kiln,2,Service,Events\nDelService=kilnold\n[Kiln_Inst.NT.CoInstallers]\n\
         AddReg=Co\n[Co]\nHKR,,CoInstallers32,0x00010000,\"co.dll,Entry\"",
    );
    let staging = staged(&text, &guest("w7", Architecture::X86)).expect("it is added");
    for word in ["deletes service kilnold", "has a co-installer"] {
        assert!(staging.warnings.iter().any(|text| text.contains(word)), "{:?}", staging.warnings);
    }
}

#[test]
fn flags_of_a_file_count_where_nobody_signed_the_package() {
    let text = STORAGE
        .replace("CopyFiles=@kiln.sys", "CopyFiles=Files")
        .replace("[Kiln_Inst.NT.HW]", "[Files]\nkiln.sys,,,0x20\n[Kiln_Inst.NT.HW]")
        .replace("DefaultDestDir", "Files");
    let staging = staged(&text, &guest("w7", Architecture::X86)).expect("it is added");
    let keeps: Vec<_> = staging
        .edits
        .iter()
        .filter_map(|edit| match edit {
            Edit::PutFile { to, keeps_newer: true, .. } => Some(to.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(keeps, [r"\Windows\System32\drivers\kiln.sys"]);
}

/// A filter of a class, which no device of its own brings.
const WITHOUT_DEVICE: &str = r#"
[Version]
Signature="$Windows NT$"
PnpLockdown=1
[SourceDisksNames]
1=disk
[SourceDisksFiles]
kiln.sys=1
[DestinationDirs]
DefaultDestDir=12
[DefaultInstall]
CopyFiles=@kiln.sys
AddReg=Filters
RegisterDlls=Dlls
[DefaultInstall.Services]
AddService=kiln,,Service
[Service]
DisplayName=%Desc%
ServiceType=1
StartType=0
ErrorControl=1
ServiceBinary=%12%\kiln.sys
[Filters]
HKLM,"SYSTEM\CurrentControlSet\Control\Class\{4D36E97B-E325-11CE-BFC1-08002BE10318}",UpperFilters,0x00010008,"kiln"
[Strings]
Desc="A filter"
"#;

#[test]
fn what_has_no_device_is_installed_at_once() {
    for (os, class) in [("w10", "kiln.inf_x86_"), ("xp", "kiln.inf_x86_neutral_")] {
        let staging = staged(WITHOUT_DEVICE, &guest(os, Architecture::X86)).expect("it is added");
        let kept = staging.kept_in.as_deref().expect("its INF is kept");
        assert!(kept.starts_with(&format!(r"\Windows\winkiln\{class}")), "{kept}");
        assert_eq!((&staging.inf, staging.boot_critical), (&None, true), "{os}");
        assert_eq!((staging.services.len(), staging.bound.len()), (1, 0), "{os}");
        assert_eq!(files(&staging), [kept, r"\Windows\System32\drivers\kiln.sys"], "{os}");
        let values = values(&staging);
        let service = r"HKLM\SYSTEM\CurrentControlSet\Services\kiln".to_owned();
        for (name, value) in [
            ("Start", Value::dword(0)),
            ("DisplayName", Value::sz("A filter")),
            ("ImagePath", Value::expand_sz(r"System32\drivers\kiln.sys")),
        ] {
            assert_eq!(
                values.get(&(service.clone(), name.to_owned())),
                Some(&value),
                "{os} {name}"
            );
        }
        // Neither an owner nor an entry of a package.
        let lists = staging.edits.iter().filter_map(|edit| match edit {
            Edit::AppendStrings { name, .. } => Some(name.as_str()),
            Edit::AppendPath { name, .. } => Some(name.as_str()),
            _ => None,
        });
        assert_eq!(lists.collect::<Vec<_>>(), ["UpperFilters"], "{os}");
        assert!(values.keys().all(|(key, _)| *key == service), "{os}: {values:?}");
        let told = ["x/Kiln.inf line 14: RegisterDlls is not carried out"];
        assert_eq!(staging.warnings, told, "{os}");
    }
    let without = WITHOUT_DEVICE.replace("AddService=", "DelService=");
    let refused = staged(&without, &guest("w10", Architecture::X86)).expect_err("it runs nothing");
    assert!(refused.to_string().contains("DefaultInstall makes no service"), "{refused}");
}

#[test]
fn devices_whose_service_is_not_known_are_left_out() {
    // A controller's second function, for which an INF of Windows has a null driver.
    let dummy = STORAGE
        .replace("[Kiln_Inst.NT]", "[Dummy.NT]\nInclude=machine.inf\nNeeds=NO_DRV\n[Dummy.NT.Services]\nInclude=machine.inf\nNeeds=NO_DRV.Services\n[Kiln_Inst.NT]")
        .replace("[Kiln.NTamd64]", "[Kiln.NTamd64]\n%Desc%=Dummy,PCI\\VEN_1234&DEV_0009");
    let guest = guest("w10", Architecture::Amd64);
    let staging = staged(&dummy, &guest).expect("the others are added");
    assert!(!staging.bound.iter().any(|id| id.ends_with("0009")), "{:?}", staging.bound);
    assert!(staging.warnings[0].contains("machine.inf, which the guest does not have"));
    let text =
        "[Version]\nSignature=\"$Windows NT$\"\n[NO_DRV]\n[NO_DRV.Services]\nAddService=,2\n";
    let machine = Inf::parse("machine.inf", text.as_bytes(), &ParseOptions::default()).unwrap();
    let staging = staged_with(&dummy, &guest, &vec![machine]).expect("it is added");
    assert!(staging.bound.iter().any(|id| id.ends_with("0009")), "{:?}", staging.bound);
    // Of which nothing is left.
    let only = dummy.replace("%Desc%=Kiln_Inst,", "%Desc%=Dummy,");
    let error = staged(&only, &guest).expect_err("nothing is left");
    assert!(matches!(error, StagingError::MissingInclude { .. }), "{error}");
}

/// `AddService` says by a flag of each value that what is there stays.
#[test]
fn what_a_service_has_stays_where_the_inf_says_so() {
    let settings = "BootFlags=8\nServiceSidType=1\nDelayedAutoStart=1\nRequiredPrivileges=SeTcbPrivilege\nDescription=x\n";
    let names = [
        ("RequiredPrivileges", 0x1000),
        ("ServiceSidType", 0x4000),
        ("DelayedAutostart", 0x8000),
        ("BootFlags", 0x4_0000),
        ("Description", 0x100),
    ];
    for (kept, flag) in names {
        let text = STORAGE
            .replace("AddService=kiln,2,", &format!("AddService=kiln,{:#x},", 2 | flag))
            .replace("ServiceType=1\n", &format!("ServiceType=1\n{settings}"));
        let staging = staged(&text, &guest("w10", Architecture::Amd64)).expect("it is added");
        let own = r"HKLM\SYSTEM\CurrentControlSet\Services\kiln";
        for (name, _) in names {
            let found = staging.edits.iter().find_map(|edit| match edit {
                Edit::SetValue { key, name: found, existing, .. }
                    if key == own && found == name =>
                {
                    Some(*existing)
                }
                _ => None,
            });
            let expected = if name == kept { Existing::Keep } else { Existing::Replace };
            assert_eq!(found, Some(expected), "{name} with {flag:#x}");
        }
    }
}
