//! The command line of the `bcd` commands on whole entries and on the store.

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use winkiln_boot::bcd::OrderEdit;

use super::boot::StoreArgs;
use super::{EditArgs, ReadArgs};

/// What commands that edit entries have in common.
#[derive(Debug, Args)]
pub(crate) struct StoreEditArgs {
    /// Raw or qcow2 image, or block device (left out with --store), then what the command takes
    #[arg(value_name = "IMAGE")]
    pub(crate) positional: Vec<OsString>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

/// Of `bcd create`.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    pub(crate) edit: StoreEditArgs,
    /// The entry starts a program: osloader, resume, bootsector, startup or ntldr
    #[arg(long, value_name = "TYPE", conflicts_with_all = ["inherit", "device"])]
    pub(crate) application: Option<String>,
    /// The entry holds settings that others inherit: any, or those of osloader, bootmgr, resume or device alone
    #[arg(long, value_name = "TYPE", conflicts_with = "device", num_args = 0..=1, default_missing_value = "")]
    pub(crate) inherit: Option<String>,
    /// The entry holds options of a device, such as a ramdisk
    #[arg(long)]
    pub(crate) device: bool,
    /// What the menu shows
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Firmware that the new store is for [default: the guest's]
    #[arg(long, value_name = "FIRMWARE", value_enum)]
    pub(crate) firmware: Option<FirmwareArg>,
}

/// A firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub(crate) enum FirmwareArg {
    Bios,
    Uefi,
}

/// Of `bcd copy`.
#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    #[command(flatten)]
    pub(crate) edit: StoreEditArgs,
    /// What the menu shows for the copy
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) description: String,
}

/// Of `bcd delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    pub(crate) edit: StoreEditArgs,
    /// Take it out of the boot menu and of all that names it (the default)
    #[arg(long)]
    pub(crate) cleanup: bool,
    /// Leave lists that name it as they are
    #[arg(long, conflicts_with = "cleanup")]
    pub(crate) nocleanup: bool,
}

/// Of `bcd displayorder`, `toolsdisplayorder` and `bootsequence`.
#[derive(Debug, Args)]
pub(crate) struct OrderArgs {
    #[command(flatten)]
    pub(crate) edit: StoreEditArgs,
    /// Put the entries first, the others stay behind them
    #[arg(long, conflicts_with_all = ["addlast", "remove"])]
    pub(crate) addfirst: bool,
    /// Put the entries last
    #[arg(long, conflicts_with = "remove")]
    pub(crate) addlast: bool,
    /// Take the entries out
    #[arg(long)]
    pub(crate) remove: bool,
}

impl OrderArgs {
    /// How the list changes.
    pub(crate) fn order_edit(&self) -> OrderEdit {
        match (self.addfirst, self.addlast, self.remove) {
            (true, _, _) => OrderEdit::AddFirst,
            (_, true, _) => OrderEdit::AddLast,
            (_, _, true) => OrderEdit::Remove,
            _ => OrderEdit::Set,
        }
    }
}

/// Of `bcd export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Raw or qcow2 image, or block device; left out with --store
    #[arg(value_name = "IMAGE")]
    pub(crate) positional: Vec<OsString>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}
