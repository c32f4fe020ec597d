//! Processor architectures, by the names that INF files use.

use std::fmt;

/// A processor architecture that Windows was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// 32-bit x86.
    X86,
    /// x64.
    Amd64,
    /// Itanium.
    Ia64,
    /// 32-bit ARM.
    Arm,
    /// 64-bit ARM.
    Arm64,
}

impl Architecture {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::X86, Self::Amd64, Self::Ia64, Self::Arm, Self::Arm64];

    /// As in `NTamd64` and `SourceDisksFiles.amd64`, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86",
            Self::Amd64 => "amd64",
            Self::Ia64 => "ia64",
            Self::Arm => "arm",
            Self::Arm64 => "arm64",
        }
    }

    /// The architecture of that name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|architecture| architecture.name().eq_ignore_ascii_case(name))
    }

    /// `PROCESSOR_ARCHITECTURE_*` of `winnt.h`, which the registry holds.
    #[must_use]
    pub fn processor(self) -> u16 {
        match self {
            Self::X86 => 0,
            Self::Arm => 5,
            Self::Ia64 => 6,
            Self::Amd64 => 9,
            Self::Arm64 => 12,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
