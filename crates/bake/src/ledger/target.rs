//! What edits are about.

use winkiln_guest::HiveName;

/// What an edit is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A key: its hive and path below the root.
    Key { hive: HiveName, path: String },
    /// A value of a key.
    Value { hive: HiveName, path: String, name: String },
    /// A file or one of its streams.
    File { volume: u32, path: String },
    /// A folder.
    Folder { volume: u32, path: String },
    /// The spelling of a name, where letters change their case alone.
    Name { volume: u32, path: String },
    /// The DOS attributes of a file or folder.
    Attributes { volume: u32, path: String },
    /// A link.
    Link { volume: u32, path: String },
    /// The security descriptor of a file or folder.
    Security { volume: u32, path: String },
    /// The security descriptor of a key.
    KeySecurity { hive: HiveName, path: String },
    /// An element of a BCD object: `{guid}`, number and name.
    Element { object: String, id: u32, name: String },
    /// A BCD object: `{guid}`.
    Object { object: String },
    /// The sector that starts a volume (or the disk, 0): see [`winkiln_boot::boot_sector`].
    BootSector { volume: u32 },
    /// `boot.ini` as a whole.
    BootIni { volume: u32, path: String },
    /// A part of a volume that was put right before it was opened: `log`, `hiberfil.sys`.
    VolumeState { volume: u32, part: &'static str },
}

impl Target {
    /// One text for each target, whatever its spelling: letter by letter, so that what is below a path begins as it does.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Key { hive, path } => format!("key|{hive:?}|{path}"),
            Self::Value { hive, path, name } => format!("value|{hive:?}|{path}\\\\{name}"),
            // One path is one thing at a time, whatever it is.
            Self::File { volume, path }
            | Self::Folder { volume, path }
            | Self::Link { volume, path }
            | Self::BootIni { volume, path } => format!("path|{volume}|{path}"),
            Self::Name { volume, path } => format!("name|{volume}|{path}"),
            Self::Attributes { volume, path } => format!("attributes|{volume}|{path}"),
            Self::Security { volume, path } => format!("security|{volume}|{path}"),
            Self::KeySecurity { hive, path } => format!("access|{hive:?}|{path}"),
            Self::Element { object, id, .. } => format!("element|{object}|{id}"),
            Self::Object { object } => format!("object|{object}"),
            Self::BootSector { volume } => format!("boot-sector|{volume}"),
            Self::VolumeState { volume, part } => format!("state|{volume}|{part}"),
        }
        .chars()
        .flat_map(char::to_lowercase)
        .collect()
    }

    /// Something that a file or folder carries, beside its contents.
    pub(super) fn is_carried(&self) -> bool {
        matches!(self, Self::Attributes { .. } | Self::Security { .. } | Self::Name { .. })
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Key { .. } => "registry-key",
            Self::Value { .. } => "registry-value",
            Self::File { .. } => "file",
            Self::Folder { .. } => "folder",
            Self::Name { .. } => "rename",
            Self::Attributes { .. } => "attributes",
            Self::Link { .. } => "link",
            Self::Security { .. } | Self::KeySecurity { .. } => "security",
            Self::Element { .. } => "bcd-element",
            Self::Object { .. } => "bcd-object",
            Self::BootSector { .. } => "boot-sector",
            Self::BootIni { .. } => "boot-ini",
            Self::VolumeState { .. } => "volume-state",
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Key { hive, path } | Self::KeySecurity { hive, path } => full_key(hive, path),
            Self::Value { hive, path, name } => {
                let name = if name.is_empty() { "(Default)" } else { name };
                format!("{}\\{name}", full_key(hive, path))
            }
            Self::File { path, .. }
            | Self::Folder { path, .. }
            | Self::Name { path, .. }
            | Self::Attributes { path, .. }
            | Self::Link { path, .. }
            | Self::Security { path, .. }
            | Self::BootIni { path, .. } => path.clone(),
            Self::Element { object, name, .. } => format!("{object} {name}"),
            Self::Object { object } => object.clone(),
            Self::BootSector { volume: 0 } => "master boot record".to_owned(),
            Self::BootSector { volume } => format!("boot sector of volume {volume}"),
            Self::VolumeState { volume, part } => format!("volume {volume}: {part}"),
        }
    }
}

/// A key as administrators write it.
pub(crate) fn full_key(hive: &HiveName, path: &str) -> String {
    let root = match hive {
        HiveName::System => r"HKLM\SYSTEM".to_owned(),
        HiveName::Software => r"HKLM\SOFTWARE".to_owned(),
        HiveName::Sam => r"HKLM\SAM".to_owned(),
        HiveName::Security => r"HKLM\SECURITY".to_owned(),
        HiveName::Drivers => r"HKLM\DRIVERS".to_owned(),
        HiveName::Components => r"HKLM\COMPONENTS".to_owned(),
        HiveName::Bcd => r"HKLM\BCD00000000".to_owned(),
        HiveName::DefaultUser => r"HKU\.DEFAULT".to_owned(),
        HiveName::User(user) => format!(r"HKU\{user}"),
        HiveName::UserClasses(user) => format!(r"HKU\{user}_Classes"),
    };
    if path.is_empty() { root } else { format!("{root}\\{path}") }
}
