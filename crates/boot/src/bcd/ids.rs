//! Numbers of elements and kinds of objects that mean something here.
//!
//! Source: Microsoft's BCD reference, `BcdLibraryElementTypes`, `BcdBootMgrElementTypes`, `BcdOSLoaderElementTypes`,
//! `BcdResumeElementTypes`, `BcdDeviceObjectElementTypes`; stores that Setup wrote.

/// Kinds of objects: `Description\Type`.
pub mod kind {
    /// The firmware's boot manager.
    pub const FIRMWARE_MANAGER: u32 = 0x1010_0001;
    /// Windows' boot manager.
    pub const BOOT_MANAGER: u32 = 0x1010_0002;
    /// Something else that the firmware starts.
    pub const FIRMWARE_APPLICATION: u32 = 0x101F_FFFF;
    /// A Windows loader entry.
    pub const OS_LOADER: u32 = 0x1020_0003;
    /// A resume loader.
    pub const RESUME: u32 = 0x1020_0004;
    /// The memory tester.
    pub const MEMORY_TESTER: u32 = 0x1020_0005;
    /// NTLDR.
    pub const NTLDR: u32 = 0x1030_0006;
}

/// Device of a boot program.
pub const DEVICE: u32 = 0x1100_0001;
/// Path of a boot program.
pub const PATH: u32 = 0x1200_0002;
/// What the menu shows.
pub const DESCRIPTION: u32 = 0x1200_0004;
/// Language.
pub const LOCALE: u32 = 0x1200_0005;
/// Objects whose settings count too.
pub const INHERIT: u32 = 0x1400_0006;
/// Of every loader: drivers signed for tests are taken.
pub const TEST_SIGNING: u32 = 0x1600_0049;

/// Of the boot manager: entries of the menu.
pub const DISPLAY_ORDER: u32 = 0x2400_0001;
/// Of the boot manager: the entry that starts when nobody chooses.
pub const DEFAULT_OBJECT: u32 = 0x2300_0003;
/// Of the boot manager: seconds that the menu waits.
pub const TIMEOUT: u32 = 0x2500_0004;
/// Of the boot manager: the resume loader.
pub const MANAGER_RESUME_OBJECT: u32 = 0x2300_0006;
/// Of the boot manager: tools of the menu.
pub const TOOLS_DISPLAY_ORDER: u32 = 0x2400_0010;

/// Of a Windows loader: the device of Windows; of a resume loader, that of the hibernation file.
pub const OS_DEVICE: u32 = 0x2100_0001;
/// Of a Windows loader: its folder; of a resume loader, the path of the hibernation file.
pub const SYSTEM_ROOT: u32 = 0x2200_0002;
/// Of a Windows loader: its resume loader.
pub const RESUME_OBJECT: u32 = 0x2300_0003;
/// Of a Windows loader: it takes the control set of `Select\LastKnownGood`.
pub const LAST_KNOWN_GOOD: u32 = 0x2600_0025;
/// Of a Windows loader: it is Windows PE.
pub const WINPE: u32 = 0x2600_0022;

/// Of device options: the device of a ramdisk's SDI file.
pub const SDI_DEVICE: u32 = 0x3100_0003;
/// Of device options: the path of a ramdisk's SDI file.
pub const SDI_PATH: u32 = 0x3200_0004;

/// Of templates: where the program is below the system root.
pub const RELATIVE_PATH: u32 = 0x4200_0002;
/// Of recovery entries.
pub const RECOVERY_OS: u32 = 0x4600_0010;
