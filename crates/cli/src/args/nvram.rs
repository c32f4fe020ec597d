//! The command line of `nvram`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ReadArgs;

/// Firmware variables commands.
#[derive(Debug, Subcommand)]
pub(crate) enum NvramCommand {
    /// Show the boot entries in the order in which the firmware tries them
    List(NvramListArgs),
    /// Add a boot entry for the Windows of an image, first in the order
    ///
    /// It leads to \EFI\Microsoft\Boot\bootmgfw.efi of the partition that holds the boot configuration. The image is not changed. An
    /// entry that is there already moves to the front.
    Add(NvramAddArgs),
}

/// Of `nvram list`.
#[derive(Debug, Args)]
pub(crate) struct NvramListArgs {
    /// Variables of a virtual machine's UEFI, such as a copy of OVMF_VARS.fd: raw or qcow2
    #[arg(value_name = "VARS")]
    pub(crate) vars: PathBuf,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}

/// Of `nvram add`.
#[derive(Debug, Args)]
pub(crate) struct NvramAddArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// Variables of a virtual machine's UEFI, such as a copy of OVMF_VARS.fd: raw or qcow2
    #[arg(value_name = "VARS")]
    pub(crate) vars: PathBuf,
    /// What the firmware's menu shows
    #[arg(short, long, value_name = "TEXT", default_value = "Windows Boot Manager")]
    pub(crate) description: String,
    /// Do everything except commit
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Keep what the commit overwrites in VARS in this new file, for `winkiln undo`
    #[arg(long, value_name = "FILE")]
    pub(crate) undo: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}
