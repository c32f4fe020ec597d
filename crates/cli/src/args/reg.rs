//! The command line of `reg`.

mod security;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Deferred, ImageArgs, OutputArgs, WriteArgs};
pub(crate) use security::SecurityArgs;

/// Registry commands.
#[derive(Debug, Subcommand)]
pub(crate) enum RegCommand {
    /// Show a key: its values and subkeys
    #[command(override_usage = "winkiln reg query [OPTIONS] <IMAGE> <KEY>\n       \
                                winkiln reg query [OPTIONS] --hive <FILE> <KEY>")]
    Query(Deferred<QueryArgs>),
    /// Create a key, or set a value and the key it needs
    #[command(override_usage = "winkiln reg add [OPTIONS] <IMAGE> <KEY>\n       \
                                winkiln reg add [OPTIONS] --hive <FILE> <KEY>")]
    Add(Deferred<AddArgs>),
    /// Delete a value, or a key with all below it
    #[command(override_usage = "winkiln reg delete [OPTIONS] <IMAGE> <KEY>\n       \
                                winkiln reg delete [OPTIONS] --hive <FILE> <KEY>")]
    Delete(Deferred<DeleteArgs>),
    /// Import a .reg file, REGEDIT4 or 5.00, with its deletions
    #[command(override_usage = "winkiln reg import [OPTIONS] <IMAGE> <FILE.reg>\n       \
                                winkiln reg import [OPTIONS] --hive <FILE> <FILE.reg>")]
    Import(Deferred<ImportArgs>),
    /// Export a key with all below it as a .reg file
    ///
    /// To a file as regedit writes it (UTF-16, CRLF); to standard output as UTF-8 with plain line ends.
    #[command(override_usage = "winkiln reg export [OPTIONS] <IMAGE> <KEY> [FILE.reg]\n       \
                                winkiln reg export [OPTIONS] --hive <FILE> <KEY> [FILE.reg]")]
    Export(Deferred<ExportArgs>),
    /// Copy a key with all below it; what is there already stays
    #[command(override_usage = "winkiln reg copy [OPTIONS] <IMAGE> <KEY> <TO>\n       \
                                winkiln reg copy [OPTIONS] --hive <FILE> <KEY> <TO>")]
    Copy(Deferred<TransferArgs>),
    /// Rename a key, or move it within its hive
    #[command(override_usage = "winkiln reg rename [OPTIONS] <IMAGE> <KEY> <TO>\n       \
                                winkiln reg rename [OPTIONS] --hive <FILE> <KEY> <TO>")]
    Rename(Deferred<TransferArgs>),
    /// Show the security descriptor of a key as SDDL, or set parts of it
    #[command(override_usage = "winkiln reg security [OPTIONS] <IMAGE> <KEY> [SDDL]\n       \
                                winkiln reg security [OPTIONS] --hive <FILE> <KEY> [SDDL]")]
    Security(Deferred<SecurityArgs>),
    /// Show what differs between two hives or two images
    ///
    /// Times and access rights are not compared, nor is the case of names.
    Diff(Deferred<DiffArgs>),
    /// Write a hive anew, without the space that nothing uses
    #[command(override_usage = "winkiln reg compact [OPTIONS] <IMAGE> <HIVE>\n       \
                                winkiln reg compact [OPTIONS] --hive <FILE>")]
    Compact(Deferred<RewriteArgs>),
    /// Write a damaged hive anew with all that can be read, and tell what was lost
    #[command(override_usage = "winkiln reg repair [OPTIONS] <IMAGE> <HIVE>\n       \
                                winkiln reg repair [OPTIONS] --hive <FILE>")]
    Repair(Deferred<RewriteArgs>),
}

/// Of `reg copy` and `reg rename`.
#[derive(Debug, Args)]
pub(crate) struct TransferArgs {
    /// Raw or qcow2 image, or block device; left out with --hive
    #[arg(value_name = "IMAGE")]
    image: Option<OsString>,
    /// The key
    #[arg(value_name = "KEY")]
    key: Option<OsString>,
    /// The whole key that it becomes
    #[arg(value_name = "TO")]
    to: Option<OsString>,
    /// Act on a symbolic link at the end of the key itself, not on the key that it leads to
    #[arg(long)]
    pub(crate) open_link: bool,
    #[command(flatten)]
    pub(crate) with: RegEditArgs,
}

/// Of `reg diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// Image or hive file
    #[arg(value_name = "A")]
    pub(crate) a: PathBuf,
    /// Image or hive file to compare it with
    #[arg(value_name = "B")]
    pub(crate) b: PathBuf,
    /// Compare this key only
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Print a .reg file that makes A what B is
    #[arg(long, conflicts_with = "json")]
    pub(crate) reg: bool,
    /// Say where hive files would be mounted, such as HKLM\SOFTWARE [default: told by their contents]
    #[arg(long, value_name = "KEY")]
    pub(crate) mount: Option<String>,
    #[command(flatten)]
    pub(crate) open: ImageArgs,
    #[command(flatten)]
    pub(crate) output: RegOutputArgs,
}

/// Of `reg compact` and `reg repair`.
#[derive(Debug, Args)]
pub(crate) struct RewriteArgs {
    /// Raw or qcow2 image, or block device; left out with --hive
    #[arg(value_name = "IMAGE")]
    image: Option<OsString>,
    /// The hive by its key, such as 'HKLM\SOFTWARE' or 'HKU\bob', or by its path in the image
    #[arg(value_name = "HIVE")]
    name: Option<OsString>,
    /// Work on this hive file instead of an image
    #[arg(long, value_name = "FILE")]
    pub(crate) hive: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
    #[command(flatten)]
    pub(crate) open: ImageArgs,
    #[command(flatten)]
    pub(crate) output: RegOutputArgs,
}

/// A loose hive instead of an image.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Loose hive options")]
pub(crate) struct HiveArgs {
    /// Work on this hive file instead of an image
    #[arg(long, value_name = "FILE")]
    pub(crate) hive: Option<PathBuf>,
    /// Say where the hive would be mounted, such as HKLM\SOFTWARE [default: told by its contents]
    #[arg(long, value_name = "KEY", requires = "hive")]
    pub(crate) mount: Option<String>,
}

/// How a hive is edited, in an image or loose. Goes last: its headings hold for what follows.
#[derive(Debug, Args)]
pub(crate) struct RegEditArgs {
    #[command(flatten)]
    pub(crate) hive: HiveArgs,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
    #[command(flatten)]
    pub(crate) open: ImageArgs,
    #[command(flatten)]
    pub(crate) output: RegOutputArgs,
}

/// Which value.
#[derive(Debug, Clone, Args)]
pub(crate) struct ValueArgs {
    /// Name of the value; "" is the default value
    #[arg(short = 'v', long = "value", value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) value: Option<String>,
    /// The default value of the key
    #[arg(long, conflicts_with = "value")]
    pub(crate) ve: bool,
}

impl ValueArgs {
    /// The name of the value meant, when one is.
    pub(crate) fn name(&self) -> Option<&str> {
        if self.ve { Some("") } else { self.value.as_deref() }
    }
}

/// What to print; `-v` is taken by the value's name.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output options")]
pub(crate) struct RegOutputArgs {
    /// Print one JSON document on standard output (errors stay text on standard error)
    #[arg(long)]
    json: bool,
    /// Print nothing but data and errors
    #[arg(short, long)]
    quiet: bool,
    /// Print details
    #[arg(long, action = clap::ArgAction::Count)]
    verbose: u8,
}

impl RegOutputArgs {
    /// As those of the other commands.
    pub(crate) fn common(&self) -> OutputArgs {
        OutputArgs { json: self.json, quiet: self.quiet, verbose: self.verbose }
    }
}

/// Of `reg query`.
#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// Raw or qcow2 image, or block device; left out with --hive
    #[arg(value_name = "IMAGE")]
    image: Option<OsString>,
    /// Key, such as 'HKLM\SYSTEM\CurrentControlSet\Services'
    #[arg(value_name = "KEY")]
    key: Option<OsString>,
    #[command(flatten)]
    pub(crate) value: ValueArgs,
    /// Show all keys below too
    #[arg(short = 's', long)]
    pub(crate) recursive: bool,
    /// Act on a symbolic link at the end of the key itself, not on the key that it leads to
    #[arg(long)]
    pub(crate) open_link: bool,
    #[command(flatten)]
    pub(crate) hive: HiveArgs,
    #[command(flatten)]
    pub(crate) open: ImageArgs,
    #[command(flatten)]
    pub(crate) output: RegOutputArgs,
}

/// Of `reg add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Raw or qcow2 image, or block device; left out with --hive
    #[arg(value_name = "IMAGE")]
    image: Option<OsString>,
    /// Key, such as 'HKLM\SOFTWARE\Site'
    #[arg(value_name = "KEY")]
    key: Option<OsString>,
    #[command(flatten)]
    pub(crate) value: ValueArgs,
    /// REG_SZ, REG_EXPAND_SZ, REG_MULTI_SZ, REG_DWORD, REG_QWORD, REG_BINARY or REG_NONE
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "REG_SZ")]
    pub(crate) kind: String,
    /// Data: text, a number (decimal or 0x...), hex bytes for REG_BINARY, \0 between the strings of REG_MULTI_SZ
    #[arg(short = 'd', long = "data", value_name = "DATA", allow_hyphen_values = true)]
    pub(crate) data: Option<String>,
    /// Give the key the parts of a security descriptor that this SDDL text holds
    #[arg(long, value_name = "SDDL")]
    pub(crate) sddl: Option<String>,
    /// Do it in every control set, not only in the one that the key names
    #[arg(long)]
    pub(crate) all_control_sets: bool,
    /// Act on a symbolic link at the end of the key itself, not on the key that it leads to
    #[arg(long)]
    pub(crate) open_link: bool,
    #[command(flatten)]
    pub(crate) with: RegEditArgs,
}

/// Of `reg delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Raw or qcow2 image, or block device; left out with --hive
    #[arg(value_name = "IMAGE")]
    image: Option<OsString>,
    /// Key to delete, or the key of the value
    #[arg(value_name = "KEY")]
    key: Option<OsString>,
    #[command(flatten)]
    pub(crate) value: ValueArgs,
    /// Do it in every control set, not only in the one that the key names
    #[arg(long)]
    pub(crate) all_control_sets: bool,
    /// Act on a symbolic link at the end of the key itself, not on the key that it leads to
    #[arg(long)]
    pub(crate) open_link: bool,
    #[command(flatten)]
    pub(crate) with: RegEditArgs,
}

/// Of `reg import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Raw or qcow2 image, or block device; left out with --hive
    #[arg(value_name = "IMAGE")]
    image: Option<OsString>,
    /// File to import; - is standard input
    #[arg(value_name = "FILE.reg")]
    file: Option<OsString>,
    /// Code page of 8-bit text, such as CP1251, CP866 or CP932 [default: CP1252]
    #[arg(long, value_name = "NAME")]
    pub(crate) encoding: Option<String>,
    /// Do it in every control set, not only in the one that the key names
    #[arg(long)]
    pub(crate) all_control_sets: bool,
    #[command(flatten)]
    pub(crate) with: RegEditArgs,
}

/// Of `reg export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Raw or qcow2 image, or block device; left out with --hive
    #[arg(value_name = "IMAGE")]
    image: Option<OsString>,
    /// Key to export; HKLM and HKU stand for all hives below them
    #[arg(value_name = "KEY")]
    key: Option<OsString>,
    /// File to write; without one, or with -, standard output
    #[arg(value_name = "FILE.reg")]
    file: Option<OsString>,
    /// Export this key too, into the same file
    #[arg(long, value_name = "KEY")]
    pub(crate) also: Vec<String>,
    /// Act on a symbolic link at the end of the key itself, not on the key that it leads to
    #[arg(long)]
    pub(crate) open_link: bool,
    #[command(flatten)]
    pub(crate) hive: HiveArgs,
    #[command(flatten)]
    pub(crate) open: ImageArgs,
    /// Print nothing but data and errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl RewriteArgs {
    /// The positional arguments in their order.
    pub(crate) fn positional(&self) -> Vec<OsString> {
        [&self.image, &self.name].into_iter().flatten().cloned().collect()
    }
}

impl QueryArgs {
    /// The positional arguments in their order.
    pub(crate) fn positional(&self) -> Vec<OsString> {
        [&self.image, &self.key].into_iter().flatten().cloned().collect()
    }
}

impl AddArgs {
    /// The positional arguments in their order.
    pub(crate) fn positional(&self) -> Vec<OsString> {
        [&self.image, &self.key].into_iter().flatten().cloned().collect()
    }
}

impl DeleteArgs {
    /// The positional arguments in their order.
    pub(crate) fn positional(&self) -> Vec<OsString> {
        [&self.image, &self.key].into_iter().flatten().cloned().collect()
    }
}

impl ImportArgs {
    /// The positional arguments in their order.
    pub(crate) fn positional(&self) -> Vec<OsString> {
        [&self.image, &self.file].into_iter().flatten().cloned().collect()
    }
}

impl TransferArgs {
    /// The positional arguments in their order.
    pub(crate) fn positional(&self) -> Vec<OsString> {
        [&self.image, &self.key, &self.to].into_iter().flatten().cloned().collect()
    }
}

impl ExportArgs {
    /// The positional arguments in their order.
    pub(crate) fn positional(&self) -> Vec<OsString> {
        [&self.image, &self.key, &self.file].into_iter().flatten().cloned().collect()
    }
}
