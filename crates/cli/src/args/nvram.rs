//! The command line of `nvram`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Deferred, ReadArgs};

/// Firmware variables commands.
#[derive(Debug, Subcommand)]
pub(crate) enum NvramCommand {
    /// Show the boot entries in the order in which the firmware tries them
    List(Deferred<NvramListArgs>),
    /// Add a boot entry for the Windows of an image, first in the order
    ///
    /// It leads to \EFI\Microsoft\Boot\bootmgfw.efi of the partition that holds the boot configuration. The image is not changed. An
    /// entry that is there already moves to the front.
    Add(Deferred<NvramAddArgs>),
    /// Delete a boot entry
    Delete(Deferred<NvramEntryArgs>),
    /// Put boot entries first in the order, the others behind them
    Order(Deferred<NvramOrderArgs>),
    /// Give a boot entry another name
    Rename(Deferred<NvramRenameArgs>),
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
    #[command(flatten)]
    pub(crate) commit: CommitArgs,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}

/// What is done with an edit.
#[derive(Debug, Args)]
pub(crate) struct CommitArgs {
    /// Do everything except commit
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Keep what the commit overwrites in VARS in this new file, for `winkiln undo`
    #[arg(long, value_name = "FILE")]
    pub(crate) undo: Option<PathBuf>,
}

/// Of `nvram delete`.
#[derive(Debug, Args)]
pub(crate) struct NvramEntryArgs {
    /// Variables of a virtual machine's UEFI, such as a copy of OVMF_VARS.fd: raw or qcow2
    #[arg(value_name = "VARS")]
    pub(crate) vars: PathBuf,
    /// The entry, such as Boot0001 or 0001
    #[arg(value_name = "ENTRY", value_parser = entry)]
    pub(crate) entry: u16,
    #[command(flatten)]
    pub(crate) commit: CommitArgs,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}

/// Of `nvram order`.
#[derive(Debug, Args)]
pub(crate) struct NvramOrderArgs {
    /// Variables of a virtual machine's UEFI, such as a copy of OVMF_VARS.fd: raw or qcow2
    #[arg(value_name = "VARS")]
    pub(crate) vars: PathBuf,
    /// Entries, such as Boot0001 or 0001, the first one first
    #[arg(value_name = "ENTRY", value_parser = entry, required = true)]
    pub(crate) entries: Vec<u16>,
    #[command(flatten)]
    pub(crate) commit: CommitArgs,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}

/// Of `nvram rename`.
#[derive(Debug, Args)]
pub(crate) struct NvramRenameArgs {
    #[command(flatten)]
    pub(crate) of: NvramEntryArgs,
    /// What the firmware's menu shows
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) description: String,
}

/// Reads `Boot0001` or `0001`, as firmware counts: in hexadecimal.
fn entry(text: &str) -> Result<u16, String> {
    let digits = match text.get(..4) {
        Some(head) if text.len() == 8 && head.eq_ignore_ascii_case("Boot") => &text[4..],
        _ => text,
    };
    let plain = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = plain.then(|| u16::from_str_radix(digits, 16).ok()).flatten();
    number.ok_or_else(|| {
        "an entry is Boot and four hexadecimal digits, as `nvram list` shows".to_owned()
    })
}
