//! `[DestinationDirs]`: where files go.

use super::{Entry, Inf, InfError, Text};

/// A folder of the guest by its number (dirid).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Folder(pub i32);

impl Folder {
    /// `-1` or 65535: the path that follows is absolute.
    pub const ABSOLUTE: Self = Self(-1);
    /// Where the INF itself is.
    pub const SOURCE: Self = Self(1);
    /// The Windows folder.
    pub const WINDOWS: Self = Self(10);
    /// `System32`.
    pub const SYSTEM: Self = Self(11);
    /// `System32\drivers`.
    pub const DRIVERS: Self = Self(12);
    /// The package's own folder in the driver store: the file stays where staging put it.
    pub const DRIVER_STORE: Self = Self(13);

    /// The path below the Windows folder (`%SystemRoot%`), for folders that are there on every Windows.
    #[must_use]
    pub fn below_windows(self) -> Option<&'static str> {
        Some(match self.0 {
            10 => "",
            11 | 16421 => "System32",
            12 => r"System32\drivers",
            17 => "INF",
            18 => "Help",
            20 | 16404 => "Fonts",
            21 => r"System32\viewers",
            23 => r"System32\spool\drivers\color",
            50 => "System",
            51 => r"System32\spool",
            52 => r"System32\spool\drivers",
            55 => r"System32\spool\prtprocs",
            // CSIDL_SYSTEMX86, CSIDL_WINDOWS, CSIDL_RESOURCES.
            16420 => "",
            16425 => "SysWOW64",
            16440 => "Resources",
            _ => return None,
        })
    }

    /// The path below the root of the drive that Windows is on, for folders that are there on Windows Vista and later.
    #[must_use]
    pub fn below_drive(self) -> Option<&'static str> {
        Some(match self.0 {
            24 => "",
            16406 => r"ProgramData\Microsoft\Windows\Start Menu",
            16407 => r"ProgramData\Microsoft\Windows\Start Menu\Programs",
            16408 => r"ProgramData\Microsoft\Windows\Start Menu\Programs\Startup",
            16409 => r"Users\Public\Desktop",
            16419 => "ProgramData",
            16422 => "Program Files",
            16426 => "Program Files (x86)",
            16427 => r"Program Files\Common Files",
            16428 => r"Program Files (x86)\Common Files",
            16429 => r"ProgramData\Microsoft\Windows\Templates",
            16430 => r"Users\Public\Documents",
            _ => return None,
        })
    }
}

/// Where a file goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The folder.
    pub folder: Folder,
    /// Folders below it, without backslashes around them; empty for none.
    pub subfolder: Text,
}

impl Destination {
    /// The default when a file says nothing: `System32`.
    pub(super) fn system() -> Self {
        Self { folder: Folder::SYSTEM, subfolder: Text::default() }
    }
}

impl Inf {
    /// Where the files of a section go, by its own entry.
    pub(super) fn own_destination(&self, list: &str) -> Result<Option<Destination>, InfError> {
        self.entry("DestinationDirs", list).map(|entry| destination(&entry)).transpose()
    }

    /// Where files go whose section has no entry.
    pub(super) fn default_destination(&self) -> Result<Option<Destination>, InfError> {
        self.own_destination("DefaultDestDir")
    }
}

fn destination(entry: &Entry<'_>) -> Result<Destination, InfError> {
    let number = entry.number(0, "folder of [DestinationDirs]")?;
    let number = number.map_or(11, |number| match number {
        // Both mean an absolute path.
        0xFFFF | u32::MAX => -1,
        number => i32::try_from(number).unwrap_or(i32::MAX),
    });
    let raw = entry.raw(1).trim_matches('\\');
    Ok(Destination { folder: Folder(number), subfolder: entry.inf().substitute(raw) })
}
