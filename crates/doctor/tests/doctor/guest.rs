//! Small guests of three generations, each built once and copied for every test.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;
use winkiln_bake::step::Contents;
use winkiln_bake::{Session, SessionOptions, Step};
use winkiln_boot::bcd::{self, Device, ElementValue, PartitionRef, Place};
use winkiln_disk::partition::{DiskId, PartitionKind};
use winkiln_doctor::{Diagnosis, Selection, Target, Treated, diagnose, treat};
use winkiln_hive::{Hive, ValueType};
use winkiln_volume::Remedies;

use crate::NOW;
use crate::disk::{self, SIGNATURE};
use crate::small_guest::{
    AMD64, X86, boot_service, common, critical, hive, import, package, program,
};

/// A generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Os {
    /// Windows XP: `boot.ini`, MBR, 32 bits.
    Xp,
    /// Windows 7: a store on an active partition, 64 bits.
    Seven,
    /// Windows 10: UEFI.
    Ten,
}

impl Os {
    /// The system volume.
    pub(crate) fn volume(self) -> u32 {
        if self == Self::Ten { 2 } else { 1 }
    }
}

/// The default loader of the stores.
pub(crate) const LOADER: &str = "{5f0e2c1a-7d4b-11ee-b962-0242ac120002}";
const BOOTMGR: &str = "{9dea862c-5cdd-4e70-acc1-f32b344d4795}";

/// A guest in a folder of its own.
pub(crate) struct Guest {
    pub(crate) os: Os,
    folder: TempDir,
}

impl Guest {
    /// A healthy one; `None` where it cannot be built.
    pub(crate) fn new(os: Os) -> Option<Self> {
        static BASES: [OnceLock<Option<Vec<u8>>>; 3] = [const { OnceLock::new() }; 3];
        let base = BASES[os as usize].get_or_init(|| {
            let folder = disk::have_tools().then(|| tempfile::tempdir().unwrap())?;
            let image = folder.path().join("base.raw");
            build(os, &image);
            Some(fs::read(&image).unwrap())
        });
        let bytes = base.as_ref()?;
        let guest = Self { os, folder: tempfile::tempdir().unwrap() };
        let copy = File::create(guest.image()).unwrap();
        copy.set_len(bytes.len() as u64).unwrap();
        disk::write_sparse(&copy, bytes, 0);
        Some(guest)
    }

    pub(crate) fn image(&self) -> PathBuf {
        self.folder.path().join("guest.raw")
    }

    pub(crate) fn open(&self, remedies: Remedies) -> Session {
        let options = SessionOptions { now: NOW, remedies, ..SessionOptions::default() };
        Session::open(&self.image(), &options).expect("the guest opens")
    }

    /// Makes it ill.
    pub(crate) fn apply(&self, steps: &[Step]) {
        apply(self.open(Remedies::default()), steps);
    }

    pub(crate) fn diagnose(&self, target: Option<Target>) -> Diagnosis {
        let options = SessionOptions { dry_run: true, now: NOW, ..SessionOptions::default() };
        let mut session = Session::open_read_only(&self.image(), &options).expect("opens");
        diagnose(&mut session, target).expect("it is examined")
    }

    pub(crate) fn treat(&self, target: Option<Target>, selection: &Selection) -> Treated {
        let found = self.diagnose(target);
        let mut session = self.open(selection.remedies(&found));
        let treated = treat(&mut session, target, selection).expect("it is treated");
        session.finish().expect("it is committed");
        treated
    }

    /// Expects nothing to be wrong.
    #[track_caller]
    pub(crate) fn is_healthy(&self, target: Option<Target>) {
        let found = self.diagnose(target);
        assert_eq!(found.findings, [], "{:?}", self.os);
        assert_eq!(found.skipped, [], "{:?}", self.os);
    }

    /// Expects one rule alone to find something; what it finds is repaired by `--fix`, or by naming it, and all is well then.
    #[track_caller]
    pub(crate) fn is_repaired(&self, target: Option<Target>, rule: &str, safe: bool) {
        self.is_found(target, rule);
        let all_safe = Selection { safe: true, rules: Vec::new() };
        let named = Selection { safe: false, rules: vec![rule.to_owned()] };
        if !safe {
            let untouched = self.treat(target, &all_safe);
            assert_eq!(untouched.repaired, [], "{rule} is not repaired unasked");
        }
        let selection = if safe { &all_safe } else { &named };
        let treated = self.treat(target, selection);
        assert_eq!(treated.left.findings, [], "{rule}: {:#?}", treated.repaired);
        self.is_healthy(target);
    }

    /// Expects one rule alone to find something, and people to be told what to do.
    #[track_caller]
    pub(crate) fn is_told(&self, target: Option<Target>, rule: &str, advice: &str) {
        let found = self.is_found(target, rule);
        let told = format!("{:?}", found.findings[0].repair);
        assert!(told.starts_with("Advice") && told.contains(advice), "{rule}: {told}");
    }

    #[track_caller]
    pub(crate) fn is_found(&self, target: Option<Target>, rule: &str) -> Diagnosis {
        let found = self.diagnose(target);
        let rules: Vec<&str> = found.findings.iter().map(|finding| finding.rule).collect();
        let only = !rules.is_empty() && rules.iter().all(|other| *other == rule);
        assert!(only, "{rule} alone on {:?}: {:#?}", self.os, found.findings);
        found
    }
}

fn apply(mut session: Session, steps: &[Step]) {
    for step in steps {
        session.apply(step).unwrap_or_else(|error| panic!("{step:?}: {error:?}"));
    }
    session.finish().expect("committed");
}

/// Puts a file on a volume.
pub(crate) fn put(volume: u32, path: &str, contents: &[u8]) -> Step {
    let contents = Contents::Bytes(contents.to_vec());
    on(volume, Step::PutFile { path: path.to_owned(), contents, parents: true })
}

/// Removes a file of a volume.
pub(crate) fn remove(volume: u32, path: &str) -> Step {
    on(volume, Step::Remove { path: path.to_owned(), recursive: false })
}

pub(crate) fn on(volume: u32, step: Step) -> Step {
    Step::OnVolume { volume, step: Box::new(step) }
}

/// Sets a number below the current control set, or below a full key.
pub(crate) fn dword(key: &str, name: &str, number: u32) -> Step {
    let data = number.to_le_bytes().to_vec();
    Step::SetValue { key: full(key), name: name.to_owned(), kind: ValueType::Dword, data }
}

/// Sets a text, or several with `ValueType::MultiSz`.
pub(crate) fn text(key: &str, name: &str, kind: ValueType, text: &str) -> Step {
    let data = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    Step::SetValue { key: full(key), name: name.to_owned(), kind, data }
}

/// The data of a value below the current control set, or below a full key.
pub(crate) fn read(guest: &Guest, key: &str, name: &str) -> Vec<u8> {
    let mut session = guest.open(Remedies::default());
    session.value_of(&full(key), name).unwrap().map(|(_, data)| data).unwrap_or_default()
}

pub(crate) fn full(key: &str) -> String {
    if key.starts_with("HKLM") {
        key.to_owned()
    } else {
        format!(r"HKLM\SYSTEM\CurrentControlSet\{key}")
    }
}

fn build(os: Os, image: &Path) {
    if os == Os::Ten {
        disk::gpt(image);
    } else {
        disk::mbr(image);
    }
    let options = SessionOptions { now: NOW, ..SessionOptions::default() };
    let mut session = Session::open(image, &options).expect("the disk opens");
    let partition = partition(&mut session, os);
    let volume = os.volume();
    let config = r"\Windows\System32\config";
    let mut steps = vec![
        put(volume, &format!(r"{config}\SYSTEM"), &bytes(system(os))),
        put(volume, &format!(r"{config}\SOFTWARE"), &bytes(hive(software(os)))),
    ];
    for name in ["SAM", "SECURITY", "DEFAULT"] {
        steps.push(put(volume, &format!(r"{config}\{name}"), &bytes(Hive::create(name, NOW))));
    }
    let machine = if os == Os::Xp { X86 } else { AMD64 };
    for driver in drivers(os) {
        let path = format!(r"\Windows\System32\drivers\{driver}.sys");
        steps.push(put(volume, &path, &program(machine, &["ntoskrnl.exe"])));
    }
    for name in ["ntoskrnl.exe", "hal.dll", "ntdll.dll", "smss.exe"] {
        let path = format!(r"\Windows\System32\{name}");
        steps.push(put(volume, &path, &program(machine, &[])));
    }
    match os {
        Os::Xp => {
            let ini = "[boot loader]\r\ntimeout=30\r\ndefault=multi(0)disk(0)rdisk(0)partition(1)\\WINDOWS\r\n\
                [operating systems]\r\nmulti(0)disk(0)rdisk(0)partition(1)\\WINDOWS=\"Windows XP\" /fastdetect\r\n";
            steps.push(put(1, r"\boot.ini", ini.as_bytes()));
            steps.push(put(1, r"\ntldr", b"stands for ntldr"));
            steps.push(put(1, r"\NTDETECT.COM", b"stands for ntdetect"));
        }
        Os::Seven => {
            steps.push(put(1, r"\bootmgr", b"stands for bootmgr"));
            steps.push(put(1, r"\Boot\BCD", &bytes(store(os, &partition))));
            steps.push(put(1, r"\Windows\System32\winload.exe", &program(machine, &[])));
            steps.push(put(1, r"\Windows\Boot\PCAT\bootmgr", b"stands for bootmgr"));
        }
        Os::Ten => {
            let loader = program(machine, &[]);
            steps.push(put(1, r"\EFI\Microsoft\Boot\BCD", &bytes(store(os, &partition))));
            steps.push(put(1, r"\EFI\Microsoft\Boot\bootmgfw.efi", &loader));
            steps.push(put(1, r"\EFI\Boot\bootx64.efi", &loader));
            steps.push(put(2, r"\Windows\System32\winload.efi", &loader));
            steps.push(put(2, r"\Windows\Boot\EFI\bootmgfw.efi", &loader));
        }
    }
    apply(session, &steps);
}

fn bytes(mut hive: Hive) -> Vec<u8> {
    hive.seal(NOW);
    hive.bytes().to_vec()
}

/// How the store names the system partition.
fn partition(session: &mut Session, os: Os) -> PartitionRef {
    let table = session.disk().table().clone();
    let partition = table.partitions.iter().find(|part| part.number == os.volume()).unwrap();
    match (table.disk_id, &partition.kind) {
        (DiskId::Gpt(disk), PartitionKind::Gpt { guid, .. }) => {
            PartitionRef::Gpt { disk: disk.0, partition: guid.0 }
        }
        _ => PartitionRef::Mbr { signature: SIGNATURE, offset: partition.start },
    }
}

/// The services that start at boot.
fn drivers(os: Os) -> Vec<&'static str> {
    let mut drivers = vec!["ACPI", "pci", "disk", "viostor"];
    drivers.extend(match os {
        Os::Xp => &["intelide", "atapi"][..],
        Os::Seven | Os::Ten => &["storahci"][..],
    });
    drivers
}

fn system(os: Os) -> Hive {
    let bind: fn(&str, &str, &str) -> String = if os == Os::Ten { package } else { critical };
    let processor = if os == Os::Xp { "x86" } else { "AMD64" };
    let mut text = format!(
        "[Select]\r\n\"Current\"=dword:1\r\n\"Default\"=dword:1\r\n\"Failed\"=dword:0\r\n\
         \"LastKnownGood\"=dword:2\r\n\r\n\
         [Setup]\r\n\"SystemSetupInProgress\"=dword:0\r\n\"SetupType\"=dword:0\r\n\"CmdLine\"=\"\"\r\n\r\n\
         [ControlSet001\\Control\\Session Manager\\Environment]\r\n\
         \"PROCESSOR_ARCHITECTURE\"=\"{processor}\"\r\n\r\n\
         [ControlSet001\\Services\\partmgr\\Parameters]\r\n\"SanPolicy\"=dword:1\r\n\r\n\
         [ControlSet002\\Control]\r\n\r\n"
    );
    text += &common(&bind);
    for driver in drivers(os) {
        text += &boot_service(driver);
    }
    text += &bind(r"PCI\VEN_1AF4&DEV_1001", "viostor", "4D36E97B");
    text += &bind(r"PCI\VEN_1AF4&DEV_1042", "viostor", "4D36E97B");
    if os == Os::Xp {
        text += &bind(r"PCI\VEN_8086&DEV_7010", "intelide", "4D36E96A");
        text += &bind("Primary_IDE_Channel", "atapi", "4D36E96A");
        text += "[ControlSet001\\Enum\\Root\\ACPI_HAL\\0000]\r\n\
            \"HardwareID\"=hex(7):61,00,63,00,70,00,69,00,61,00,70,00,69,00,63,00,5f,00,6d,00,70,00,00,00,00,00\r\n\r\n";
    } else {
        text += &bind(r"PCI\CC_010601", "storahci", "4D36E96A");
        let firmware = if os == Os::Ten { 2 } else { 1 };
        text += &format!("[ControlSet001\\Control]\r\n\"PEFirmwareType\"=dword:{firmware}\r\n\r\n");
    }
    hive(&text)
}

fn software(os: Os) -> &'static str {
    match os {
        Os::Xp => {
            "[Microsoft\\Windows NT\\CurrentVersion]\r\n\"ProductName\"=\"Microsoft Windows XP\"\r\n\"CurrentVersion\"=\"5.1\"\r\n\"CurrentBuildNumber\"=\"2600\"\r\n"
        }
        Os::Seven => {
            "[Microsoft\\Windows NT\\CurrentVersion]\r\n\"ProductName\"=\"Windows 7 Professional\"\r\n\"CurrentVersion\"=\"6.1\"\r\n\"CurrentBuildNumber\"=\"7601\"\r\n"
        }
        Os::Ten => {
            "[Microsoft\\Windows NT\\CurrentVersion]\r\n\"ProductName\"=\"Windows 10 Pro\"\r\n\"CurrentVersion\"=\"6.3\"\r\n\"CurrentMajorVersionNumber\"=dword:a\r\n\"CurrentMinorVersionNumber\"=dword:0\r\n\"CurrentBuildNumber\"=\"19045\"\r\n"
        }
    }
}

/// A store with a boot manager and a loader.
fn store(os: Os, partition: &PartitionRef) -> Hive {
    let mut store = Hive::create("NewStoreRoot", NOW);
    let object = |guid: &str, kind: u32| {
        format!(
            "[Objects\\{guid}\\Description]\r\n\"Type\"=dword:{kind:x}\r\n\r\n[Objects\\{guid}\\Elements]\r\n\r\n"
        )
    };
    import(&mut store, "[Description]\r\n\"KeyName\"=\"BCD00000000\"\r\n\r\n");
    import(&mut store, &object(BOOTMGR, 0x1010_0002));
    import(&mut store, &object(LOADER, 0x1020_0003));
    let device = Device::new(Place::Partition(*partition));
    let (_, device) = bcd::encode(&ElementValue::Device(device));
    let mut put = |object: &str, element: &str, kind, data: &[u8]| {
        let path = format!(r"Objects\{object}\Elements\{element}");
        let (key, _) = store.create_key(store.root(), &path, NOW).unwrap();
        store.set_value(key, "Element", kind, data, NOW).unwrap();
    };
    let text = |text: &str| -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    };
    let extension = if os == Os::Ten { "efi" } else { "exe" };
    put(BOOTMGR, "11000001", ValueType::Binary, &device);
    put(BOOTMGR, "12000004", ValueType::Sz, &text("Windows Boot Manager"));
    put(BOOTMGR, "23000003", ValueType::Sz, &text(LOADER));
    put(BOOTMGR, "24000001", ValueType::MultiSz, &text(&format!("{LOADER}\0")));
    if os == Os::Ten {
        put(BOOTMGR, "12000002", ValueType::Sz, &text(r"\EFI\Microsoft\Boot\bootmgfw.efi"));
    }
    put(LOADER, "11000001", ValueType::Binary, &device);
    put(
        LOADER,
        "12000002",
        ValueType::Sz,
        &text(&format!(r"\Windows\system32\winload.{extension}")),
    );
    put(LOADER, "12000004", ValueType::Sz, &text("Windows"));
    put(LOADER, "21000001", ValueType::Binary, &device);
    put(LOADER, "22000002", ValueType::Sz, &text(r"\Windows"));
    store
}
