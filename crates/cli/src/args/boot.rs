//! The command line of `bcd` and `bootini`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::boot_objects::{CopyArgs, CreateArgs, DeleteArgs, ExportArgs, OrderArgs, StoreEditArgs};
use super::{Deferred, EditArgs, ReadArgs};

/// Boot configuration data commands.
#[derive(Debug, Subcommand)]
pub(crate) enum BcdCommand {
    /// Show entries as bcdedit does
    #[command(override_usage = "winkiln bcd enum [OPTIONS] <IMAGE> [OBJECT]\n       \
                                winkiln bcd enum [OPTIONS] --store <FILE> [OBJECT]")]
    Enum(Deferred<EnumArgs>),
    /// Set an element of an entry
    #[command(
        override_usage = "winkiln bcd set [OPTIONS] <IMAGE> <OBJECT> <ELEMENT> <VALUE>\n       \
                                winkiln bcd set [OPTIONS] --store <FILE> <OBJECT> <ELEMENT> <VALUE>"
    )]
    Set(Deferred<SetArgs>),
    /// Delete an element of an entry
    #[command(
        name = "deletevalue",
        override_usage = "winkiln bcd deletevalue [OPTIONS] <IMAGE> <OBJECT> <ELEMENT>\n       \
                          winkiln bcd deletevalue [OPTIONS] --store <FILE> <OBJECT> <ELEMENT>"
    )]
    DeleteValue(Deferred<DeleteValueArgs>),
    /// Make an entry, or the whole store of a guest without one
    ///
    /// With no OBJECT and no type given, a store is made: from the guest's BCD-Template where it has one, on its active or EFI system
    /// partition. One that is there already stays.
    #[command(override_usage = "winkiln bcd create [OPTIONS] <IMAGE>\n       \
                                winkiln bcd create [OPTIONS] <IMAGE> [OBJECT] --application <TYPE>\n       \
                                winkiln bcd create [OPTIONS] --store <FILE> <OBJECT>")]
    Create(Deferred<CreateArgs>),
    /// Copy an entry under a new identifier; it is not yet in the boot menu
    #[command(
        override_usage = "winkiln bcd copy [OPTIONS] <IMAGE> <OBJECT> --description <TEXT>\n       \
                                winkiln bcd copy [OPTIONS] --store <FILE> <OBJECT> --description <TEXT>"
    )]
    Copy(Deferred<CopyArgs>),
    /// Delete an entry
    #[command(override_usage = "winkiln bcd delete [OPTIONS] <IMAGE> <OBJECT>\n       \
                                winkiln bcd delete [OPTIONS] --store <FILE> <OBJECT>")]
    Delete(Deferred<DeleteArgs>),
    /// Set the entries of the boot menu, or add or remove some
    #[command(
        name = "displayorder",
        override_usage = "winkiln bcd displayorder [OPTIONS] <IMAGE> <ENTRY>...\n       \
                          winkiln bcd displayorder [OPTIONS] --store <FILE> <ENTRY>..."
    )]
    DisplayOrder(Deferred<OrderArgs>),
    /// Set the tools of the boot menu, or add or remove some
    #[command(
        name = "toolsdisplayorder",
        override_usage = "winkiln bcd toolsdisplayorder [OPTIONS] <IMAGE> <ENTRY>...\n       \
                          winkiln bcd toolsdisplayorder [OPTIONS] --store <FILE> <ENTRY>..."
    )]
    ToolsDisplayOrder(Deferred<OrderArgs>),
    /// Set what the next start alone tries, in this order
    #[command(
        name = "bootsequence",
        override_usage = "winkiln bcd bootsequence [OPTIONS] <IMAGE> <ENTRY>...\n       \
                          winkiln bcd bootsequence [OPTIONS] --store <FILE> <ENTRY>..."
    )]
    BootSequence(Deferred<OrderArgs>),
    /// Set the entry that starts when nobody chooses
    #[command(override_usage = "winkiln bcd default [OPTIONS] <IMAGE> <ENTRY>\n       \
                                winkiln bcd default [OPTIONS] --store <FILE> <ENTRY>")]
    Default(Deferred<StoreEditArgs>),
    /// Set how many seconds the menu waits
    #[command(override_usage = "winkiln bcd timeout [OPTIONS] <IMAGE> <SECONDS>\n       \
                                winkiln bcd timeout [OPTIONS] --store <FILE> <SECONDS>")]
    Timeout(Deferred<StoreEditArgs>),
    /// Copy the store into a file of the host
    #[command(override_usage = "winkiln bcd export [OPTIONS] <IMAGE> <FILE>\n       \
                                winkiln bcd export [OPTIONS] --store <FILE> <FILE>")]
    Export(Deferred<ExportArgs>),
    /// Point devices at the partitions they meant before the disk was cloned
    #[command(override_usage = "winkiln bcd retarget [OPTIONS] <IMAGE>")]
    Retarget(Deferred<StoreEditArgs>),
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
    pub(crate) with: ReadArgs,
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
    pub(crate) with: EditArgs,
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
    pub(crate) with: EditArgs,
}

/// `boot.ini` commands.
#[derive(Debug, Subcommand)]
pub(crate) enum BootIniCommand {
    /// Show the settings and numbered entries
    Show(Deferred<ShowArgs>),
    /// Add a switch to an entry
    AddSwitch(Deferred<SwitchArgs>),
    /// Remove a switch from an entry
    RemoveSwitch(Deferred<SwitchArgs>),
    /// Make an entry the default
    ///
    /// Of several entries of one path NTLDR takes the first: the entry is moved before the others.
    Default(Deferred<DefaultArgs>),
    /// Set how long the menu waits
    Timeout(Deferred<TimeoutArgs>),
    /// Copy an entry to the end, with another description
    Copy(Deferred<CopyEntryArgs>),
}

/// Of `bootini copy`.
#[derive(Debug, Args)]
pub(crate) struct CopyEntryArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// What the menu shows for the copy: plain ASCII
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) description: String,
    /// Number of the entry, from 1, as `bootini show` numbers them [default: the default entry]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) entry: Option<u32>,
    #[command(flatten)]
    pub(crate) with: EditArgs,
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
