//! The command line of `bcd` and `bootini`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{EditArgs, ImageArgs, OutputArgs, ReadArgs, WriteArgs};

/// Boot configuration data commands.
#[derive(Debug, Subcommand)]
pub(crate) enum BcdCommand {
    /// Show entries as bcdedit does
    #[command(override_usage = "winkiln bcd enum [OPTIONS] <IMAGE> [OBJECT]\n       \
                                winkiln bcd enum [OPTIONS] --store <FILE> [OBJECT]")]
    Enum(EnumArgs),
    /// Set an element of an entry
    #[command(
        override_usage = "winkiln bcd set [OPTIONS] <IMAGE> <OBJECT> <ELEMENT> <VALUE>\n       \
                                winkiln bcd set [OPTIONS] --store <FILE> <OBJECT> <ELEMENT> <VALUE>"
    )]
    Set(SetArgs),
    /// Delete an element of an entry
    #[command(
        name = "deletevalue",
        override_usage = "winkiln bcd deletevalue [OPTIONS] <IMAGE> <OBJECT> <ELEMENT>\n       \
                          winkiln bcd deletevalue [OPTIONS] --store <FILE> <OBJECT> <ELEMENT>"
    )]
    DeleteValue(DeleteValueArgs),
}

/// A loose store instead of an image.
#[derive(Debug, Clone, Args)]
pub(crate) struct StoreArgs {
    /// Work on this BCD store instead of an image
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
}

/// Of `bcd enum`.
#[derive(Debug, Args)]
pub(crate) struct EnumArgs {
    /// Raw or qcow2 image, or block device; left out with --store
    #[arg(value_name = "IMAGE")]
    image: Option<OsString>,
    /// What to show: {default}, {bootmgr}, a GUID, all, firmware, bootmgr, osloader, resume, inherit, bootapp, or active, the
    /// boot menu [default: active]
    #[arg(value_name = "OBJECT")]
    object: Option<OsString>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) open: ImageArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Of `bcd set`.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Raw or qcow2 image, or block device; left out with --store
    #[arg(value_name = "IMAGE")]
    image: Option<OsString>,
    /// Entry: {default}, {bootmgr}, {current} or a GUID
    #[arg(value_name = "OBJECT")]
    object: Option<OsString>,
    /// Element by bcdedit's name, such as testsigning
    #[arg(value_name = "ELEMENT")]
    element: Option<OsString>,
    /// Value in bcdedit's words, such as on
    #[arg(value_name = "VALUE")]
    value: Option<OsString>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
    #[command(flatten)]
    pub(crate) open: ImageArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Of `bcd deletevalue`.
#[derive(Debug, Args)]
pub(crate) struct DeleteValueArgs {
    /// Raw or qcow2 image, or block device; left out with --store
    #[arg(value_name = "IMAGE")]
    image: Option<OsString>,
    /// Entry: {default}, {bootmgr}, {current} or a GUID
    #[arg(value_name = "OBJECT")]
    object: Option<OsString>,
    /// Element by bcdedit's name, such as testsigning
    #[arg(value_name = "ELEMENT")]
    element: Option<OsString>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
    #[command(flatten)]
    pub(crate) open: ImageArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `boot.ini` commands.
#[derive(Debug, Subcommand)]
pub(crate) enum BootIniCommand {
    /// Show the settings and numbered entries
    Show(ShowArgs),
    /// Add a switch to an entry
    AddSwitch(SwitchArgs),
    /// Remove a switch from an entry
    RemoveSwitch(SwitchArgs),
    /// Make an entry the default
    ///
    /// Of several entries of one path NTLDR takes the first: the entry is moved before the others.
    Default(DefaultArgs),
    /// Set how long the menu waits
    Timeout(TimeoutArgs),
}

/// Of `bootini show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}

/// Of `bootini add-switch` and `bootini remove-switch`.
#[derive(Debug, Args)]
pub(crate) struct SwitchArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// Switch, such as /PAE or /DEBUGPORT=COM1
    #[arg(value_name = "/SWITCH")]
    pub(crate) switch: String,
    /// Number of the entry, from 1, as `bootini show` numbers them [default: the default entry]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) entry: Option<u32>,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

/// Of `bootini default`.
#[derive(Debug, Args)]
pub(crate) struct DefaultArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// Number of the entry, from 1, as `bootini show` numbers them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) entry: u32,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

/// Of `bootini timeout`.
#[derive(Debug, Args)]
pub(crate) struct TimeoutArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// Seconds, up to 999; 0 starts the default at once, -1 waits for ever
    #[arg(
        value_name = "SECONDS",
        allow_negative_numbers = true,
        value_parser = clap::value_parser!(i32).range(-1..=999)
    )]
    pub(crate) seconds: i32,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

impl EnumArgs {
    /// The positional arguments in their order.
    pub(crate) fn positional(&self) -> Vec<OsString> {
        [&self.image, &self.object].into_iter().flatten().cloned().collect()
    }
}

impl SetArgs {
    /// The positional arguments in their order.
    pub(crate) fn positional(&self) -> Vec<OsString> {
        [&self.image, &self.object, &self.element, &self.value]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }
}

impl DeleteValueArgs {
    /// The positional arguments in their order.
    pub(crate) fn positional(&self) -> Vec<OsString> {
        [&self.image, &self.object, &self.element].into_iter().flatten().cloned().collect()
    }
}
