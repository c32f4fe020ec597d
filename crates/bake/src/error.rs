//! Why a bake failed, and what its caller should do about it.

use std::io;
use std::path::PathBuf;

use winkiln_boot::bcd::BcdError;
use winkiln_boot::boot_ini::BootIniError;
use winkiln_disk::{CommitError, DeviceError, ImageError};
use winkiln_guest::GuestError;
use winkiln_hive::HiveError;
use winkiln_verify::VerifyError;
use winkiln_volume::VolumeError;

pub use crate::drivers::DriverError;
use crate::first_boot::FirstBootError;
pub use crate::image_path::PathError;
use crate::keep_ip::KeepIpError;
pub use crate::preset::PresetError;
pub use crate::recipe::RecipeError;
pub use crate::value_text::ValueTextError;

/// Why a bake failed. The image is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BakeError {
    /// A preset's name or argument, or a guest it does not fit.
    #[error(transparent)]
    Preset(#[from] PresetError),
    /// A recipe that cannot be understood.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A `.reg` file that cannot be understood.
    #[error("registry file {}", path.display())]
    RegFile {
        /// On the host.
        path: PathBuf,
        /// The line.
        source: winkiln_hive::reg_text::RegTextError,
    },
    /// A value's type or data.
    #[error(transparent)]
    ValueText(#[from] ValueTextError),
    /// Driver packages.
    #[error(transparent)]
    Drivers(#[from] DriverError),
    /// A path inside the image.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A first-boot command, or the script in the guest that holds the pending ones.
    #[error(transparent)]
    FirstBoot(#[from] FirstBootError),
    /// Addresses of network adapters.
    #[error(transparent)]
    KeepIp(#[from] KeepIpError),
    /// A file of the host.
    #[error("cannot read {}", path.display())]
    HostFile {
        /// On the host.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file of the host that is not read: not a regular file, or too large.
    #[error("cannot take {}: {reason}", path.display())]
    HostFileUnfit {
        /// On the host.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file of the host whose length changed while it was copied.
    #[error("{} was {expected} bytes when the copy began and is {found} now", path.display())]
    HostFileChanged {
        /// On the host.
        path: PathBuf,
        /// Bytes at the beginning.
        expected: u64,
        /// Bytes now.
        found: u64,
    },
    /// The image was not opened.
    #[error("cannot open the image")]
    Image(#[from] ImageError),
    /// The disk, a volume or a hive of the guest.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// No Windows on the volume asked for.
    #[error("no Windows installation on volume {volume}; there is {found}")]
    NoWindowsOnVolume {
        /// As asked.
        volume: u32,
        /// Where there are some, in words.
        found: String,
    },
    /// The edit needs a boot configuration that the guest does not have.
    #[error("cannot edit {wanted}: {found}")]
    NoBootConfiguration {
        /// `boot.ini` or `the BCD store`.
        wanted: &'static str,
        /// What the guest has.
        found: String,
    },
    /// A store is to be made where there is one.
    #[error("volume {volume} has a boot configuration store already: {path}")]
    StoreExists {
        /// Its path.
        path: String,
        /// Volume number.
        volume: u32,
    },
    /// Windows made no copy of a hive, or one that is not sound.
    #[error("there is no sound copy of {path} in RegBack on volume {volume}")]
    NoBackup {
        /// Path of the hive.
        path: String,
        /// Volume number.
        volume: u32,
    },
    /// The disk has no partition that the firmware would start, or several.
    #[error("the disk has no {what}, or several")]
    NoSystemVolume {
        /// Such as `active partition`.
        what: &'static str,
    },
    /// What makes a volume start cannot be edited as asked.
    #[error("volume {volume}: {problem}")]
    Unboot {
        /// Volume number.
        volume: u32,
        /// Such as `it is no primary partition`.
        problem: &'static str,
    },
    /// A key of a hive.
    #[error("registry key {key}")]
    Hive {
        /// Full key.
        key: String,
        /// Cause.
        source: HiveError,
    },
    /// A key that is to be renamed, moved or copied and is not there.
    #[error("no such key: {key}")]
    NoKey {
        /// Full key.
        key: String,
    },
    /// A hive that was edited in this session cannot be written anew in it.
    #[error("{path} was edited in the same session and cannot be written anew too")]
    HiveInUse {
        /// Path on its volume.
        path: String,
    },
    /// Keys are moved within one hive only.
    #[error(
        "{from} and {to} lie in different hives; a key is moved within its hive, copied anywhere"
    )]
    OtherHive {
        /// Full key.
        from: String,
        /// Full key.
        to: String,
    },
    /// An object or element of the BCD store.
    #[error("boot configuration object {object}")]
    Bcd {
        /// As asked.
        object: String,
        /// Cause.
        source: BcdError,
    },
    /// A security descriptor's text.
    #[error("security descriptor {text:?}")]
    Sddl {
        /// As given.
        text: String,
        /// What is wrong with it.
        source: winkiln_ntfs::security::SecurityError,
    },
    /// The guest's `boot.ini`.
    #[error("{path}")]
    BootIni {
        /// Path on its volume.
        path: String,
        /// Cause.
        source: BootIniError,
    },
    /// A file or folder of the guest.
    #[error("{path}")]
    Volume {
        /// Path on its volume.
        path: String,
        /// Cause.
        source: VolumeError,
    },
    /// A file or folder that is in the way, or not what the step expects.
    #[error("{path} {problem}")]
    FileInTheWay {
        /// Path on its volume.
        path: String,
        /// Such as `is a folder`.
        problem: &'static str,
    },
    /// More than the limit that keeps memory and time bounded.
    #[error("{what}: more than {limit}")]
    TooMuch {
        /// What there is too much of.
        what: String,
        /// The limit in words.
        limit: &'static str,
    },
    /// A session opened for reading was asked to edit.
    #[error("the image is open for reading only")]
    ReadOnly,
    /// A step failed earlier, perhaps half done.
    #[error("an earlier step failed; nothing was written")]
    StepFailed,
    /// The disk could not be read.
    #[error("cannot read the image")]
    Device(#[from] DeviceError),
    /// An independent reader disagrees with what was written. Nothing was committed.
    #[error("an independent reader disagrees with the edited volume {volume}; nothing was written")]
    Verify {
        /// Volume number.
        volume: u32,
        /// The disagreement.
        source: VerifyError,
    },
    /// The commit failed.
    #[error("cannot commit")]
    Commit(#[from] CommitError),
}

/// What a caller should do about an error; decides the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Failed; nothing was written (status 1).
    Failed,
    /// The caller asked for something that does not make sense (status 2).
    Usage,
    /// The image is not safe to edit (status 3).
    Refused,
}

impl BakeError {
    /// Failed, wrong usage or refused.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        let refused = match self {
            Self::Preset(error) => return error.kind(),
            Self::Recipe(error) => return error.kind(),
            Self::RegFile { .. }
            | Self::ValueText(_)
            | Self::Path(_)
            | Self::KeepIp(_)
            | Self::Sddl { .. }
            | Self::Guest(GuestError::UnknownKey { .. }) => return ErrorKind::Usage,
            Self::Drivers(error) => return error.kind(),
            Self::FirstBoot(error) => return error.kind(),
            Self::Image(error) => error.is_refusal(),
            Self::Guest(error) => error.is_refusal(),
            Self::Hive { source, .. } => source.is_refusal(),
            Self::Bcd { source: BcdError::Hive(source), .. } => source.is_refusal(),
            Self::Volume { source, .. } => source.is_refusal(),
            _ => false,
        };
        if refused { ErrorKind::Refused } else { ErrorKind::Failed }
    }

    /// What to do next, when there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Preset(error) => return error.hint(),
            Self::Recipe(error) => return error.hint(),
            Self::Drivers(error) => return error.hint(),
            Self::KeepIp(error) => return error.hint(),
            Self::Guest(GuestError::NoVolume { .. }) => {
                "`winkiln inspect IMAGE` lists the volumes; choose one with --volume N"
            }
            Self::Guest(GuestError::NoWindows) => {
                "presets and registry keys need a Windows installation; files can be edited with `winkiln fs` and --volume N"
            }
            Self::Path(PathError::Drive { .. }) => {
                "name the volume with --volume N, as `winkiln inspect IMAGE` lists them; a stream of a file is written \\x:stream"
            }
            Self::NoWindowsOnVolume { .. } => "`winkiln inspect IMAGE` lists the installations",
            Self::NoBootConfiguration { wanted: "boot.ini", .. } => {
                "Vista and later start from a BCD store: use `winkiln bcd`"
            }
            Self::NoBootConfiguration { wanted: "the BCD store", found }
                if found.starts_with("no boot") =>
            {
                "`winkiln bcd create IMAGE` makes one"
            }
            Self::StoreExists { .. } => {
                "if it is of no use, remove it with `winkiln fs rm --volume N` first"
            }
            Self::NoBootConfiguration { .. } => {
                "Windows XP and Server 2003 start from boot.ini: use `winkiln bootini`"
            }
            Self::Verify { .. } => {
                "this is a fault of winkiln: please report it with the recipe; the image is as it was"
            }
            Self::HostFileUnfit { .. } => "only regular files and folders are copied into an image",
            Self::HostFileChanged { .. } => "copy it when nothing writes to it",
            Self::ReadOnly => "open the image for writing",
            Self::Volume { source: VolumeError::ReparsePoint { .. }, .. } => {
                "name the place that the link leads to, or have `winkiln fs put -L` follow it"
            }
            Self::Volume { source, .. } | Self::Guest(GuestError::Volume { source, .. })
                if unclean(source).is_some() =>
            {
                return unclean(source).map(way_out);
            }
            Self::Hive { source: HiveError::Dirty { .. }, .. }
            | Self::Guest(
                GuestError::HiveRecovery { .. } | GuestError::DamagedAfterRecovery { .. },
            ) => START_AND_SHUT_DOWN,
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Why a volume was not put away properly, which Windows mends itself.
fn unclean(error: &VolumeError) -> Option<&[String]> {
    match error {
        VolumeError::Ntfs(winkiln_ntfs::Error::NotClean { reasons })
        | VolumeError::Fat(winkiln_volume::FatError::NotClean { reasons }) => Some(reasons),
        _ => None,
    }
}

/// What to do about a volume in these states: Windows does it best; the options, with what each costs.
fn way_out(reasons: &[String]) -> String {
    let mut text = START_AND_SHUT_DOWN.to_owned();
    let mut told = "";
    for reason in reasons {
        let option = match reason.as_str() {
            "hibernated" => {
                "--discard-hibernation gives up the session that Windows saved: unsaved work of users who were logged on is lost"
            }
            "fast-startup" => {
                "--discard-hibernation gives up what a hibernated Windows kept in memory of the volume"
            }
            "log-not-clean" => {
                "--replay-log finishes the updates in the log, as Windows does; --reset-log drops them (they are lost, and the volume may contradict itself) and has Windows check the volume"
            }
            "dirty" => "--allow-dirty edits all the same; Windows still checks the volume",
            _ => continue,
        };
        if option != told {
            text.push_str("; or ");
            text.push_str(option);
            told = option;
        }
    }
    text
}

const START_AND_SHUT_DOWN: &str = "start the guest and shut it down fully (`shutdown /s /t 0`, not hibernation or fast startup), then try again";
