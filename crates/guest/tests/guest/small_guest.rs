//! The keys and files of a Windows that boots from a disk, as small as what looks at them takes them.

use winkiln_hive::Hive;
use winkiln_hive::reg_text::{self, RegAction};

use super::NOW;

/// A PE file for a machine that is linked to some others, as small as the loader's reader takes it.
pub(crate) fn program(machine: u16, imports: &[&str]) -> Vec<u8> {
    let mut bytes = vec![0; 0x800];
    let mut put = |at: usize, data: &[u8]| bytes[at..at + data.len()].copy_from_slice(data);
    put(0, b"MZ");
    put(60, &0x40_u32.to_le_bytes());
    put(0x40, b"PE\0\0");
    put(0x44, &machine.to_le_bytes());
    put(0x54, &240_u16.to_le_bytes()); // SizeOfOptionalHeader
    put(0x58, &0x20b_u16.to_le_bytes());
    put(0x58 + 60, &0x800_u32.to_le_bytes()); // SizeOfHeaders
    put(0x58 + 108, &16_u32.to_le_bytes()); // NumberOfRvaAndSizes
    put(0x58 + 112 + 8, &0x200_u32.to_le_bytes()); // imports
    put(0x58 + 112 + 12, &0x100_u32.to_le_bytes());
    for (number, name) in imports.iter().enumerate() {
        let at = 0x400 + 0x20 * number;
        put(0x200 + 20 * number + 12, &u32::try_from(at).unwrap().to_le_bytes());
        put(at, name.as_bytes());
    }
    bytes
}

pub(crate) const AMD64: u16 = 0x8664;
pub(crate) const X86: u16 = 0x14C;

/// Takes the lines of `.reg` text into a hive.
pub(crate) fn import(hive: &mut Hive, text: &str) {
    let text = format!("Windows Registry Editor Version 5.00\r\n\r\n{text}");
    for operation in reg_text::parse(text.as_bytes()).expect("the text parses") {
        let (key, _) = hive.create_key(hive.root(), &operation.key, NOW).unwrap();
        match operation.action {
            RegAction::CreateKey => {}
            RegAction::SetValue { name, kind, data } => {
                hive.set_value(key, &name, kind, &data, NOW).unwrap();
            }
            RegAction::DeleteKey => hive.delete_key(key, NOW).unwrap(),
            RegAction::DeleteValue { name } => _ = hive.delete_value(key, &name, NOW).unwrap(),
        }
    }
}

/// What every disk needs: `bind` makes a binding of its generation.
pub(crate) fn common(bind: &dyn Fn(&str, &str, &str) -> String) -> String {
    let mut text = String::new();
    for (id, service, class) in [
        ("*PNP0C08", "ACPI", "4D36E97D"),
        ("*PNP0A03", "pci", "4D36E97D"),
        ("GenDisk", "disk", "4D36E967"),
    ] {
        text += &bind(id, service, class);
        text += &boot_service(service);
    }
    text
}

pub(crate) fn boot_service(name: &str) -> String {
    format!(
        "[ControlSet001\\Services\\{name}]\r\n\"Type\"=dword:1\r\n\"Start\"=dword:0\r\n\
         \"ImagePath\"=\"System32\\\\drivers\\\\{name}.sys\"\r\n\r\n"
    )
}

pub(crate) fn class(start: &str) -> String {
    format!("{{{start}-E325-11CE-BFC1-08002BE10318}}")
}

/// A key of the CriticalDeviceDatabase.
pub(crate) fn critical(id: &str, service: &str, class_start: &str) -> String {
    format!(
        "[ControlSet001\\Control\\CriticalDeviceDatabase\\{}]\r\n\"Service\"=\"{service}\"\r\n\
         \"ClassGUID\"=\"{}\"\r\n\r\n",
        id.replace('\\', "#"),
        class(class_start)
    )
}

/// The five keys of a configured package.
pub(crate) fn package(id: &str, service: &str, class_start: &str) -> String {
    let inf = format!("{service}.inf");
    let name = format!("{inf}_amd64_0123456789abcdef");
    let database = "DriverDatabase";
    let first: String =
        (0..4).rev().map(|at| format!("{},", &class_start[2 * at..2 * at + 2])).collect();
    let version = format!(
        "hex:ff,ff,09,00,00,00,00,00,{first}25,e3,ce,11,bf,c1,08,00,2b,e1,03,18,\
         00,80,8c,a3,c5,94,c6,01,00,00,00,00,00,00,0a,00,00,00,00,00,00,00,00,00"
    );
    format!(
        "[{database}\\DeviceIds\\{id}]\r\n\"{inf}\"=hex:01,ff,00,00\r\n\r\n\
         [{database}\\DriverInfFiles\\{inf}]\r\n\"Active\"=\"{name}\"\r\n\r\n\
         [{database}\\DriverPackages\\{name}]\r\n@=\"{inf}\"\r\n\"Version\"={version}\r\n\
         \"SignerScore\"=dword:0d000003\r\n\r\n\
         [{database}\\DriverPackages\\{name}\\Configurations\\Inst]\r\n\"Service\"=\"{service}\"\r\n\r\n\
         [{database}\\DriverPackages\\{name}\\Descriptors\\{id}]\r\n\"Configuration\"=\"Inst\"\r\n\r\n"
    )
}

pub(crate) fn hive(text: &str) -> Hive {
    let mut hive = Hive::create("ROOT", NOW);
    import(&mut hive, text);
    hive
}
