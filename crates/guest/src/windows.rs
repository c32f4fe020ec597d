//! What an installation is.

use winkiln_trust::pe::Machine;

/// Processor architecture of the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Architecture {
    X86,
    X86_64,
    Arm64,
    Unknown,
}

impl Architecture {
    /// The processor that programs for it are made for.
    #[must_use]
    pub fn machine(self) -> Option<Machine> {
        match self {
            Self::X86 => Some(Machine::X86),
            Self::X86_64 => Some(Machine::Amd64),
            Self::Arm64 => Some(Machine::Arm64),
            Self::Unknown => None,
        }
    }

    /// The file that any UEFI for it starts, without an entry of its own: in `\EFI\Boot`.
    ///
    /// Source: UEFI specification, "Removable media boot behavior".
    #[must_use]
    pub fn fallback_loader(self) -> Option<&'static str> {
        match self {
            Self::X86 => Some("bootia32.efi"),
            Self::X86_64 => Some("bootx64.efi"),
            Self::Arm64 => Some("bootaa64.efi"),
            Self::Unknown => None,
        }
    }
}

/// How it boots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootKind {
    /// NTLDR and `boot.ini`.
    BootIni,
    /// Boot manager and a BCD store.
    Bcd,
    /// Neither was found.
    Missing,
}

/// Firmware the boot configuration is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Firmware {
    Bios,
    Uefi,
    Unknown,
}

/// The boot configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// `boot.ini` or BCD.
    pub kind: BootKind,
    /// BIOS or UEFI.
    pub firmware: Firmware,
    /// The volume and path of `boot.ini` or the store, when found.
    pub file: Option<(u32, String)>,
    /// BCD only: testsigning on in every Windows loader.
    pub testsigning: Option<bool>,
    /// Menu entries: description, and whether it is the default.
    pub entries: Vec<(String, bool)>,
}

/// A storage or network driver service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverService {
    /// Service name.
    pub name: String,
    /// `Start` value; 0 boot ... 4 disabled. None when absent.
    pub start: Option<u32>,
    /// Its file exists on the volume.
    pub present: bool,
}

/// One Windows installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    /// Volume it lives on.
    pub volume: u32,
    /// Its folder on the volume, such as `\Windows`.
    pub system_root: String,
    /// For people: Windows 11 from build 22000 on, whatever ProductName says.
    pub product_name: String,
    /// Kernel version, such as (10, 0) or (5, 1); (0, 0) when it could not be read.
    pub version: (u32, u32),
    /// Build number, such as 22631; 0 when it could not be read.
    pub build: u32,
    /// EditionID, may be empty.
    pub edition: String,
    /// `Client`, `Server`, ... may be empty.
    pub installation_type: String,
    /// CSDVersion, such as `Service Pack 3`; may be empty.
    pub service_pack: String,
    /// Architecture.
    pub architecture: Architecture,
    /// `Select\Current`, which `CurrentControlSet` means in edits; 0 when it could not be read.
    pub control_set: u32,
    /// The control set that the boot loader takes at the next start: `Select\Default`, or `LastKnownGood` where its default entry
    /// says so. That of `control_set` where neither is there.
    pub next_control_set: u32,
    /// HAL description on NT 5.x (`acpiapic_mp`...).
    pub hal: Option<String>,
    /// Boot configuration.
    pub boot: Boot,
    /// Storage and network drivers.
    pub drivers: Vec<DriverService>,
    /// Guest tools found (VMware Tools, QEMU guest agent, virtio drivers, Xen PV drivers...).
    pub guest_tools: Vec<String>,
    /// Facts that could not be read, in words.
    pub warnings: Vec<String>,
}

impl Windows {
    /// An installation of which nothing but the place is known.
    #[must_use]
    pub fn at(volume: u32, system_root: String) -> Self {
        Self {
            volume,
            system_root,
            product_name: String::new(),
            version: (0, 0),
            build: 0,
            edition: String::new(),
            installation_type: String::new(),
            service_pack: String::new(),
            architecture: Architecture::Unknown,
            control_set: 0,
            next_control_set: 0,
            hal: None,
            boot: Boot {
                kind: BootKind::Missing,
                firmware: Firmware::Unknown,
                file: None,
                testsigning: None,
                entries: Vec::new(),
            },
            drivers: Vec::new(),
            guest_tools: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// NT 5.x: boot.ini generation.
    #[must_use]
    pub fn is_nt5(&self) -> bool {
        self.version.0 == 5
    }
}
