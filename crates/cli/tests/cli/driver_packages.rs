//! `drivers add`, `installed`, `remove`: packages go into the sample guest, and come out of it.

use std::fs;

use serde_json::{Value, json};

use crate::drivers::{DISK_CONTROLLER, program};
use crate::env::{Guest, path, winkiln};

const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";

/// A disk controller's package in a folder of a source; its INF has one more file, and what `more` says.
fn package(guest: &Guest, folder: &str, name: &str, more: &str) -> String {
    let source = guest.dir.path().join("source");
    let at = source.join(folder);
    fs::create_dir_all(&at).unwrap();
    fs::write(at.join(format!("{name}.sys")), program()).unwrap();
    fs::write(at.join("help.txt"), "help").unwrap();
    let inf = format!(
        r#"{DISK_CONTROLLER}[SourceDisksFiles]
{name}.sys=1
help.txt=1
[DestinationDirs]
DefaultDestDir=12
Help=16422,Kiln\{name}
[Manufacturer]
Kiln=Models,NTamd64
[Models.NTamd64]
Disks=Install,PCI\VEN_1234&DEV_0001,PCI\VEN_1234&CC_0100
[Install]
CopyFiles=@{name}.sys,Help
AddReg=Settings
[Help]
help.txt
[Install.Services]
AddService={name},2,Service
[Service]
ServiceType=1
StartType=0
ErrorControl=1
ServiceBinary=%12%\{name}.sys
[Settings]
{more}
"#
    );
    fs::write(at.join(format!("{name}.inf")), inf).unwrap();
    path(&source).to_owned()
}

fn add(guest: &Guest, source: &str) -> Value {
    winkiln(&["drivers", "add", guest.image(), source, "--force-unsigned", "--json"]).json()
}

fn has(guest: &Guest, inside: &str) -> bool {
    winkiln(&["fs", "stat", guest.image(), inside]).status == 0
}

#[test]
fn a_package_is_taken_out_and_added_anew_in_one_bake() {
    let guest = Guest::new();
    let source = package(&guest, "w10/x64", "kiln", "");
    let added = add(&guest, &source);
    assert_eq!(added["drivers"][0]["action"], "added", "{added:#}");
    // The same service from another folder, once what had it is gone.
    let recipe = format!(
        "[[remove-drivers]]\nname = ['kiln']\n[[drivers]]\nsource = '{source}'\nforce-unsigned = true\n"
    );
    let recipe = guest.write("again.toml", recipe.as_bytes());
    let again = winkiln(&["apply", guest.image(), &recipe, "--json"]).json();
    let became: Vec<_> =
        again["drivers"].as_array().unwrap().iter().map(|driver| &driver["action"]).collect();
    assert_eq!(became, ["removed", "added"], "{again:#}");
    assert!(has(&guest, r"C:\Windows\System32\drivers\kiln.sys"));
}

#[test]
fn folders_of_windows_stay_when_a_package_goes() {
    let guest = Guest::new();
    for folder in [r"C:\winkilnX\inner", r"C:\Windows\winkilnX\inner"] {
        winkiln(&["fs", "mkdir", "-p", guest.image(), folder]).ok();
    }
    let source = package(&guest, "", "kiln", "");
    let added = add(&guest, &source);
    assert!(added["drivers"][0]["files"].to_string().contains("Program Files"), "{added:#}");
    // The driver of a service may lie anywhere below the Windows folder.
    let elsewhere = r"C:\Windows\winkilnX\inner\other.sys";
    let file = guest.write("other.sys", &program());
    winkiln(&["fs", "put", guest.image(), &file, elsewhere]).ok();
    let key = format!(r"{SERVICES}\kiln");
    let image = r"\SystemRoot\winkilnX\inner\other.sys";
    winkiln(&["reg", "add", guest.image(), &key, "-v", "ImagePath", "-d", image]).ok();
    winkiln(&["drivers", "remove", guest.image(), "kiln", "--force"]).ok();
    for (inside, stays) in [
        (r"C:\Program Files", true),
        (r"C:\Program Files\Kiln", false),
        (r"C:\Windows\winkilnX\inner", true),
        (elsewhere, false),
    ] {
        assert_eq!(has(&guest, inside), stays, "{inside}");
    }
}

/// Keys of protected files name the packages that they belong to; one may lie below another's.
#[test]
fn what_others_protect_stays() {
    let guest = Guest::new();
    let source = package(&guest, "", "kiln", "");
    assert_eq!(add(&guest, &source)["drivers"][0]["inf"], "oem0.inf");
    let root = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\PnpResources";
    let mut reg = String::from("Windows Registry Editor Version 5.00\r\n");
    for (key, owners) in
        [("A", "oem0.inf"), (r"A\B", "oem7.inf"), (r"A\C", "oem0.inf"), (r"D\E", "oem0.inf")]
    {
        let units = format!("{owners}\0\0").encode_utf16().collect::<Vec<_>>();
        let bytes: Vec<_> = units.iter().map(|unit| format!("{:02x},00", unit & 0xFF)).collect();
        reg += &format!("[{root}\\{key}]\r\n\"Owners\"=hex(7):{}\r\n", bytes.join(","));
        reg += "\"Class\"=dword:4\r\n";
    }
    let reg = guest.write("owners.reg", reg.as_bytes());
    winkiln(&["reg", "import", guest.image(), &reg]).ok();
    winkiln(&["drivers", "remove", guest.image(), "kiln", "--force"]).ok();
    let exported = winkiln(&["reg", "query", guest.image(), root, "-s"]).ok();
    assert!(exported.contains(r"PnpResources\A\B") && exported.contains("oem7.inf"), "{exported}");
    for gone in [r"\A\C", r"\D", "oem0.inf"] {
        assert!(!exported.contains(gone), "{gone} in {exported}");
    }
    assert_eq!(exported.matches("Class").count(), 1, "{exported}");
}

#[test]
fn an_inf_that_is_none_hides_no_package() {
    let guest = Guest::new();
    let source = package(&guest, "", "kiln", "");
    add(&guest, &source);
    let huge = guest.write("huge.inf", &vec![b';'; (16 << 20) + 1]);
    for name in ["oem5.inf", "huge.inf"] {
        winkiln(&["fs", "put", guest.image(), &huge, &format!(r"C:\Windows\INF\{name}")]).ok();
    }
    let shown = winkiln(&["drivers", "installed", guest.image(), "--json"]).json();
    let infs: Vec<_> =
        shown["packages"].as_array().unwrap().iter().map(|package| &package["inf"]).collect();
    assert_eq!(infs, [&json!("oem0.inf"), &json!("oem5.inf")], "{shown:#}");
    winkiln(&["drivers", "remove", guest.image(), "kiln", "--force"]).ok();
}

/// Keys of the SYSTEM and SOFTWARE hives, as text.
fn registry(guest: &Guest) -> String {
    ["SYSTEM", "SOFTWARE"]
        .map(|hive| winkiln(&["reg", "export", guest.image(), &format!(r"HKLM\{hive}"), "-"]).ok())
        .concat()
}

#[test]
fn a_filter_without_a_device_goes_in_and_comes_out() {
    let guest = Guest::new();
    let before = registry(&guest);
    let source = package(&guest, "", "kiln", "");
    let inf = guest.dir.path().join("source/kiln.inf");
    let text = fs::read_to_string(&inf).unwrap();
    let class = r"SYSTEM\CurrentControlSet\Control\Class\{4D36E97B-E325-11CE-BFC1-08002BE10318}";
    let filters = format!("[Settings]\nHKLM,\"{class}\",UpperFilters,0x00010008,\"kiln\"\n");
    let text = text
        .replace("[Install", "[DefaultInstall.NTamd64")
        .replace("[Manufacturer]\nKiln=Models,NTamd64\n", "")
        .replace("[Settings]\n", &filters);
    fs::write(&inf, text).unwrap();
    let added = add(&guest, &source);
    let driver = &added["drivers"][0];
    assert_eq!((&driver["action"], &driver["inf"]), (&json!("added"), &Value::Null), "{added:#}");
    assert_eq!(driver["services"], json!(["kiln"]));
    assert_eq!(add(&guest, &source)["drivers"][0]["action"], "already-there");
    let shown = winkiln(&["drivers", "installed", guest.image()]).ok();
    assert!(shown.contains("has no device  kiln.inf  SCSIAdapter  03/31/2024,1.2.3.4"), "{shown}");
    assert!(shown.contains("service   kiln: start 0, "), "{shown}");
    let shown = winkiln(&["inspect", guest.image()]).ok();
    assert!(
        shown.contains("vendor driver   kiln.inf, SCSIAdapter, 03/31/2024,1.2.3.4, Kiln: kiln\n"),
        "{shown}"
    );
    let shown = winkiln(&["inspect", guest.image(), "--json"]).json();
    let vendors = &shown["windows"][0]["vendor_drivers"]["packages"];
    assert_eq!(vendors[0]["services"][0]["name"], "kiln", "{shown:#}");
    winkiln(&["drivers", "remove", guest.image(), "kiln"]).ok();
    assert_eq!(registry(&guest), before);
    for gone in [r"C:\Windows\System32\drivers\kiln.sys", r"C:\Program Files\Kiln"] {
        assert!(!has(&guest, gone), "{gone}");
    }
}

/// Makers put several INFs beside one driver, each for other devices.
#[test]
fn several_packages_may_share_a_driver() {
    let guest = Guest::new();
    let source = package(&guest, "a", "kiln", "");
    let inf = guest.dir.path().join("source/a/kiln.inf");
    // Its class is told by its name alone.
    let second = fs::read_to_string(&inf)
        .unwrap()
        .replace("DEV_0001", "DEV_0002")
        .replace("ClassGuid=", "Other=");
    fs::write(inf.with_file_name("kiln2.inf"), second).unwrap();
    let refused = add(&guest, &source);
    assert!(refused["drivers"].to_string().contains("does not know its class"), "{refused:#}");
    let key = r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{4d36e97b-e325-11ce-bfc1-08002be10318}";
    winkiln(&["reg", "add", guest.image(), key, "-v", "Class", "-d", "SCSIAdapter"]).ok();
    let added = add(&guest, &source);
    let became: Vec<_> =
        added["drivers"].as_array().unwrap().iter().map(|driver| &driver["action"]).collect();
    assert_eq!(became, ["already-there", "added"], "{added:#}");
    // It stays for as long as one of them needs it.
    winkiln(&["drivers", "remove", guest.image(), "oem0.inf"]).ok();
    let driver = r"C:\Windows\System32\drivers\kiln.sys";
    assert!(has(&guest, driver));
    winkiln(&["drivers", "remove", guest.image(), "oem1.inf"]).ok();
    assert!(!has(&guest, driver));
    // Nor do they share a service that each wants to be another.
    let second = inf.with_file_name("kiln2.inf");
    let text = fs::read_to_string(&second).unwrap();
    fs::write(&second, text.replace("ErrorControl=1", "ErrorControl=3")).unwrap();
    let added = add(&guest, &source);
    assert!(added["drivers"].to_string().contains("its service kiln is that of"), "{added:#}");
    fs::write(&second, text).unwrap();
    winkiln(&["drivers", "remove", guest.image(), "oem0.inf"]).ok();
    // Another driver of that name is not the same.
    fs::create_dir(guest.dir.path().join("source/b")).unwrap();
    for name in ["kiln2.inf", "kiln.sys", "help.txt"] {
        let from = inf.with_file_name(name);
        let mut bytes = fs::read(&from).unwrap();
        if name == "kiln.sys" {
            bytes.push(0);
        }
        fs::write(guest.dir.path().join("source/b").join(name), bytes).unwrap();
        if name == "kiln2.inf" {
            fs::remove_file(from).unwrap();
        }
    }
    let added = add(&guest, &source);
    assert!(added["drivers"].to_string().contains("its service kiln is that of"), "{added:#}");
}

/// Texts for people are those of the guest's language, in its code page.
#[test]
fn an_inf_is_read_as_the_guest_reads_it() {
    let guest = Guest::new();
    let source = package(&guest, "", "kiln", "[Strings]\nName=Disk\n[Strings.0411]\nName=\"@\"");
    let inf = guest.dir.path().join("source/kiln.inf");
    let text = fs::read_to_string(&inf).unwrap();
    let text = text.replace("ServiceType=1", "ServiceType=1\nDescription=\"x %Name%\"");
    // The second byte of the first character is a backslash.
    let text = text.replace('@', "\u{1}").into_bytes();
    let at = text.iter().rposition(|&byte| byte == 1).unwrap();
    let bytes = [&text[..at], &[0x83, 0x5C, 0x83, 0x74], &text[at + 1..]].concat();
    let bytes =
        bytes.into_iter().map(|byte| if byte == 1 { b'@' } else { byte }).collect::<Vec<_>>();
    fs::write(&inf, bytes).unwrap();
    let nls = r"HKLM\SYSTEM\CurrentControlSet\Control\Nls";
    for (key, name, data) in [("Language", "InstallLanguage", "0411"), ("CodePage", "ACP", "932")] {
        let key = format!(r"{nls}\{key}");
        winkiln(&["reg", "add", guest.image(), &key, "-v", name, "-d", data]).ok();
    }
    add(&guest, &source);
    let shown = winkiln(&["reg", "query", guest.image(), &format!(r"{SERVICES}\kiln")]).ok();
    assert!(shown.contains("x ソフ"), "{shown}");
}

#[test]
fn a_service_that_was_there_is_as_it_was_when_the_package_goes() {
    let guest = Guest::new();
    let log = r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\System\kiln";
    let service = format!(r"{SERVICES}\kiln");
    for (key, name, kind, data) in [
        (&*service, "Type", "REG_DWORD", "1"),
        (&*service, "Start", "REG_DWORD", "3"),
        (&*service, "Own", "REG_SZ", "kept"),
        (log, "EventMessageFile", "REG_EXPAND_SZ", "old"),
    ] {
        winkiln(&["reg", "add", guest.image(), key, "-v", name, "-t", kind, "-d", data]).ok();
    }
    let driver = r"C:\Windows\System32\drivers\kiln.sys";
    let own = guest.write("own.sys", b"as it was");
    winkiln(&["fs", "put", guest.image(), &own, driver]).ok();
    let before = registry(&guest);
    let more = "[Log]\nAddReg=Messages\n[Messages]\nHKR,,EventMessageFile,0x20000,\"new\"";
    let source = package(&guest, "", "kiln", more);
    let inf = guest.dir.path().join("source/kiln.inf");
    let text = fs::read_to_string(&inf).unwrap();
    fs::write(&inf, text.replace("=kiln,2,Service", "=kiln,2,Service,Log")).unwrap();
    add(&guest, &source);
    let shown = winkiln(&["reg", "query", guest.image(), log]).ok();
    assert!(shown.contains("new") && !shown.contains("old"), "{shown}");
    let run = winkiln(&["drivers", "remove", guest.image(), "kiln", "--force"]);
    assert!(run.err.contains("service kiln stays: it was there before the package"), "{}", run.err);
    run.ok();
    assert_eq!(registry(&guest), before);
    assert_eq!(winkiln(&["fs", "cat", guest.image(), driver]).ok(), "as it was");
    // What others put there since is theirs.
    add(&guest, &source);
    let others = guest.write("others.sys", b"of others");
    winkiln(&["fs", "put", guest.image(), &others, driver]).ok();
    let run = winkiln(&["drivers", "remove", guest.image(), "kiln", "--force"]);
    assert!(run.err.contains("is not put back: it was changed after"), "{}", run.err);
}

#[test]
fn an_upgraded_driver_goes_whole() {
    let guest = Guest::new();
    let driver = r"C:\Windows\System32\drivers\kiln.sys";
    let own = guest.write("own.sys", b"as it was");
    let source = package(&guest, "", "kiln", "");
    let (file, inf) = (format!("{source}/kiln.sys"), format!("{source}/kiln.inf"));
    let (first, text) = (program(), fs::read_to_string(&inf).unwrap());
    let mut second = first.clone();
    second.push(2);
    for was_there in [false, true] {
        if was_there {
            winkiln(&["fs", "put", guest.image(), &own, driver]).ok();
        }
        for (bytes, version) in [(&first, "1.2.3.4"), (&second, "1.2.3.5")] {
            fs::write(&file, bytes).unwrap();
            fs::write(&inf, text.replace("1.2.3.4", version)).unwrap();
            add(&guest, &source);
        }
        let run = winkiln(&["drivers", "remove", guest.image(), "kiln", "--force"]);
        assert!(!run.err.contains("put back"), "{}", run.err);
        run.ok();
        // What the first version replaced is back, not what the second one replaced.
        assert_eq!(has(&guest, driver), was_there);
        if was_there {
            assert_eq!(winkiln(&["fs", "cat", guest.image(), driver]).ok(), "as it was");
        }
    }
}

#[test]
fn a_driver_does_not_change_the_other_names_of_the_one_it_replaces() {
    let guest = Guest::new();
    let source = package(&guest, "", "kiln", "");
    let [driver, other] = [r"C:\Windows\System32\drivers\kiln.sys", r"C:\Windows\WinSxS\kiln.sys"];
    let old = guest.write("old.sys", b"MZ of Windows");
    winkiln(&["fs", "put", "-p", guest.image(), &old, other]).ok();
    winkiln(&["fs", "ln", guest.image(), other, driver]).ok();
    drop(add(&guest, &source));
    assert_eq!(winkiln(&["fs", "cat", guest.image(), other]).ok(), "MZ of Windows");
    assert_ne!(winkiln(&["fs", "stat", guest.image(), driver, "--json"]).json()["size"], 13);
    winkiln(&["drivers", "remove", guest.image(), "kiln", "--force"]).ok();
    assert_eq!(winkiln(&["fs", "cat", guest.image(), driver]).ok(), "MZ of Windows");
}

/// Newer Windows installs a driver as a second name of its copy in the driver store; what has a name elsewhere is not the package's.
#[test]
fn a_driver_linked_to_its_store_copy_goes() {
    let guest = Guest::new();
    let source = package(&guest, "", "kiln", "");
    let driver = r"C:\Windows\System32\drivers\kiln.sys";
    let other = r"C:\Windows\WinSxS\kiln.sys";
    winkiln(&["fs", "mkdir", "-p", guest.image(), r"C:\Windows\WinSxS"]).ok();
    for elsewhere in [true, false] {
        let added = add(&guest, &source);
        let files = added["drivers"][0]["files"].as_array().unwrap();
        let mut files = files.iter().map(|file| file.as_str().unwrap());
        let store = files.find(|path| path.contains("FileRepository") && path.ends_with(".sys"));
        let store = format!("C:{}", store.unwrap());
        winkiln(&["fs", "rm", guest.image(), driver]).ok();
        winkiln(&["fs", "ln", guest.image(), &store, driver]).ok();
        if elsewhere {
            winkiln(&["fs", "ln", guest.image(), &store, other]).ok();
        }
        let run = winkiln(&["drivers", "remove", guest.image(), "kiln", "--force"]);
        assert_eq!(run.err.contains("is part of Windows"), elsewhere, "{}", run.err);
        run.ok();
        assert_eq!(has(&guest, driver), elsewhere);
        assert!(!has(&guest, &store));
        let shown = winkiln(&["reg", "query", guest.image(), &format!(r"{SERVICES}\kiln")]);
        assert_eq!(shown.status == 0, elsewhere, "{}", shown.err);
        if elsewhere {
            winkiln(&["fs", "rm", guest.image(), other]).ok();
            winkiln(&["fs", "rm", guest.image(), driver]).ok();
            winkiln(&["reg", "delete", guest.image(), &format!(r"{SERVICES}\kiln")]).ok();
        }
    }
}
