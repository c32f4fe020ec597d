//! Object types: what an object starts, and so what its elements mean.
//!
//! Source: Microsoft's BCD reference, "BcdObject": bits 28 to 31 object type (1 application, 2 inherited, 3 device),
//! bits 20 to 23 image or inherit class, bits 0 to 19 application type.

use super::ids::kind::{
    BOOT_MANAGER, FIRMWARE_APPLICATION, FIRMWARE_MANAGER, MEMORY_TESTER, NTLDR, OS_LOADER, RESUME,
};

/// The program an application object starts, or inherited settings are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Application {
    /// Firmware's or Windows' own boot manager.
    BootManager,
    OsLoader,
    Resume,
    MemoryTester,
    /// NTLDR, Setup's loader, a boot sector.
    Legacy,
    /// PXE start-up programs.
    Startup,
    /// Options of a ramdisk, not a program.
    Device,
    /// Any, or one we do not know: only the elements that all share.
    Any,
}

impl Application {
    pub(super) fn of(kind: u32) -> Self {
        match (kind >> 28, kind & 0x000F_FFFF) {
            (3, _) => Self::Device,
            (1 | 2, 1 | 2) => Self::BootManager,
            (1 | 2, 3) => Self::OsLoader,
            (1 | 2, 4) => Self::Resume,
            (1 | 2, 5) => Self::MemoryTester,
            (1 | 2, 6..=8) => Self::Legacy,
            (1 | 2, 9) => Self::Startup,
            _ => Self::Any,
        }
    }
}

/// `bcdedit`'s heading over an object, such as `Windows Boot Loader`.
///
/// `kind` is the object's `Description\Type`; settings that are inherited are told apart by their GUID.
#[must_use]
pub fn heading(kind: u32, guid: &str) -> String {
    let known = match kind {
        FIRMWARE_MANAGER => "Firmware Boot Manager",
        BOOT_MANAGER => "Windows Boot Manager",
        OS_LOADER => "Windows Boot Loader",
        RESUME => "Resume from Hibernate",
        MEMORY_TESTER => "Windows Memory Tester",
        NTLDR => "Windows Legacy OS Loader",
        0x1030_0007 => "Windows Legacy Setup Loader",
        0x1040_0008 => "Real-mode Boot Sector",
        0x1040_0009 => "Startup Application",
        FIRMWARE_APPLICATION => "Firmware Application (101fffff)",
        _ => match super::alias_of(guid) {
            Some("{globalsettings}") => "Global Settings",
            Some("{bootloadersettings}") => "Boot Loader Settings",
            Some("{resumeloadersettings}") => "Resume Loader Settings",
            Some("{dbgsettings}") => "Debugger Settings",
            Some("{emssettings}") => "EMS Settings",
            Some("{badmemory}") => "RAM Defects",
            Some("{hypervisorsettings}") => "Hypervisor Settings",
            Some("{kerneldbgsettings}") => "Kernel Debugger Settings",
            Some("{ramdiskoptions}") => "Setup Ramdisk Options",
            _ if kind >> 28 == 3 => "Device options",
            _ => return format!("Unknown ({kind:08x})"),
        },
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_name_applications() {
        for (kind, application) in [
            (0x1010_0001, Application::BootManager),
            (0x1010_0002, Application::BootManager),
            (0x1020_0003, Application::OsLoader),
            (0x2020_0003, Application::OsLoader),
            (0x1020_0004, Application::Resume),
            (0x2020_0004, Application::Resume),
            (0x1020_0005, Application::MemoryTester),
            (0x1030_0006, Application::Legacy),
            (0x1040_0008, Application::Legacy),
            (0x2010_0000, Application::Any),
            (0x101F_FFFF, Application::Any),
            (0x3000_0000, Application::Device),
        ] {
            assert_eq!(Application::of(kind), application, "{kind:#x}");
        }
    }

    #[test]
    fn headings_are_bcdedits() {
        assert_eq!(heading(0x1020_0003, "{x}"), "Windows Boot Loader");
        assert_eq!(
            heading(0x2010_0000, "{4636856E-540F-4170-A130-A84776F4C654}"),
            "Debugger Settings"
        );
        assert_eq!(heading(0x3000_0000, "{x}"), "Device options");
        assert_eq!(heading(0x1234_5678, "{x}"), "Unknown (12345678)");
    }
}
