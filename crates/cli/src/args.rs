//! The command line.

pub(crate) mod about;
pub(crate) mod boot;
pub(crate) mod boot_objects;
pub(crate) mod check;
pub(crate) mod collect;
mod deferred;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod drivers;
pub(crate) mod files;
pub(crate) mod nvram;
pub(crate) mod reg;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use winkiln_bake::Preset;
use winkiln_volume::Remedies;

use crate::error::{CliError, Result};
pub(crate) use deferred::Deferred;

/// Prepares Windows disk images offline
///
/// Edits the files, registry and boot configuration of a Windows installation inside a raw or qcow2 disk image, as
/// one transaction: the image is afterwards either completely changed or exactly as before.
///
/// An image is also a VMDK, VHD, VHDX or VDI file (opened through qemu-nbd, which must be installed), a block device, or a disk behind
/// an NBD server: nbd://HOST:PORT/EXPORT or nbd+unix:///EXPORT?socket=PATH.
///
/// Exit status: 0 done; 1 failed, nothing written; 2 wrong usage; 3 refused, the image is not safe to edit;
/// 4 done, and problems were found.
#[derive(Debug, Parser)]
#[command(name = "winkiln", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a small sample guest image, bake it, show before and after
    Demo(Deferred<DemoArgs>),
    /// Show what an image holds: partitions, volumes, each Windows
    Inspect(Deferred<InspectArgs>),
    /// Bake an image: apply a recipe, presets and .reg files in one transaction
    Apply(Deferred<ApplyArgs>),
    /// Read and edit the registry
    ///
    /// Keys as in `HKLM\SYSTEM\CurrentControlSet\Services`, with short or long root names, in any case. Offline there are
    /// HKLM\SYSTEM, HKLM\SOFTWARE, HKLM\SAM, HKLM\SECURITY, HKLM\BCD00000000, HKU\.DEFAULT, and HKU\<profile folder or SID>.
    #[command(subcommand)]
    Reg(reg::RegCommand),
    /// Read and edit files and folders
    ///
    /// Inside the image `C:\Windows\x`, `\Windows\x`, `/Windows/x` and `Windows/x` are the same path, in any case.
    /// `file.txt:stream` names an alternate data stream.
    #[command(subcommand)]
    Fs(files::FsCommand),
    /// Read and edit the boot configuration data of Windows Vista and later
    #[command(subcommand)]
    Bcd(boot::BcdCommand),
    /// Read and edit boot.ini of Windows XP and Server 2003
    #[command(subcommand)]
    Bootini(boot::BootIniCommand),
    /// Read and edit the boot entries of a virtual machine's UEFI
    #[command(subcommand)]
    Nvram(nvram::NvramCommand),
    /// List, add and remove driver packages
    #[command(subcommand)]
    Drivers(drivers::DriversCommand),
    /// Check the consistency of every volume and registry hive, changing nothing
    ///
    /// With --repair, damaged hives are written anew. What lies on a volume that has problems itself is left alone.
    /// Problems end with exit status 4. Unclean and hibernated volumes are checked as they are, and said to be so.
    Check(Deferred<check::CheckArgs>),
    /// Tell why a Windows will not boot, and repair it
    ///
    /// Asks a table of rules (--rules lists it) about the Windows of an image: does it boot where --target says, or, without it, on
    /// the controllers it ran on, and what else keeps it from starting. --fix carries out the repairs that lose nothing, as one
    /// transaction; --fix=RULE that of a rule, whatever it costs. Findings end with exit status 4.
    Doctor(Deferred<doctor::DoctorArgs>),
    /// Show what differs between two images: files, registry, boot configuration
    ///
    /// Volumes are compared by their numbers. The contents of files are compared where sizes are the same and times are not.
    Diff(Deferred<diff::DiffArgs>),
    /// Put back what a commit overwrote that was made with --undo FILE
    ///
    /// The image file is afterwards, byte by byte, what it was before that commit. An image that was changed since is
    /// refused. Undoing is a commit too: what interrupts it, the next opening finishes.
    Undo(Deferred<UndoArgs>),
    /// Copy logs and crash dumps out of an image, for a post-mortem
    ///
    /// Event logs, logs of setup, drivers, updates and repairs, small dumps, and what first-boot commands logged, each below DIR as it
    /// lies in the guest. Changes nothing.
    Collect(Deferred<collect::CollectArgs>),
    /// Finish or discard an interrupted commit
    ///
    /// Opening an image for writing does the same.
    Recover(Deferred<RecoverArgs>),
    /// Print the configuration of a virtual machine that fits the Windows of an image
    ///
    /// Firmware, disk controller, network adapter and clock are those that the guest has drivers and settings for. The address of the
    /// network adapter follows from the volume of Windows, so that it is the same each time.
    Domain(Deferred<about::DomainArgs>),
    /// Print completions for a shell
    Completions(Deferred<about::CompletionsArgs>),
    /// Write man pages, one for each command
    Man(Deferred<about::ManArgs>),
}

/// A container format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    Raw,
    Qcow2,
    Vmdk,
    Vhd,
    Vhdx,
    Vdi,
}

/// How to open an image.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Image options")]
pub(crate) struct ImageArgs {
    /// Take the image to be raw, qcow2, vmdk, vhd, vhdx or vdi instead of probing
    #[arg(long, value_name = "FORMAT", value_enum, hide_possible_values = true)]
    pub(crate) format: Option<FormatArg>,
    /// Allow the image to name this backing or data file outside its own folder
    #[arg(long, value_name = "PATH")]
    pub(crate) allow_backing: Vec<PathBuf>,
    /// Keep the commit's journal in this folder instead of beside the image; a block device and nbd://... need one
    #[arg(long, value_name = "DIR")]
    pub(crate) journal_dir: Option<PathBuf>,
    /// Use the volume of this number, as `inspect` shows it
    #[arg(long, value_name = "N")]
    pub(crate) volume: Option<u32>,
}

/// What to print.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output options")]
pub(crate) struct OutputArgs {
    /// Print one JSON document on standard output (errors stay text on standard error)
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing but data and errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Print details
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// Of every command that writes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Writing options")]
pub(crate) struct WriteArgs {
    /// Do everything except commit: print what would change, write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Stamp edits with this time, in seconds since 1970, instead of now
    #[arg(long, value_name = "SECONDS")]
    pub(crate) time: Option<u64>,
    /// Keep what the commit overwrites in this new file, for `winkiln undo`
    #[arg(long, value_name = "FILE")]
    pub(crate) undo: Option<PathBuf>,
    /// Leave the image as it is and put the result in this new qcow2, whose backing file it is
    #[arg(long, value_name = "OUT.qcow2", conflicts_with = "undo")]
    pub(crate) overlay: Option<PathBuf>,
    /// Keep what was done, from what, in this new file (JSON): the image's provenance. The same with every run of the same edit
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Whether new long names get 8.3 names: on, off, or guest for what the guest's registry says
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value = "guest",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) short_names: ShortNamesArg,
    #[command(flatten)]
    pub(crate) remedies: RemedyArgs,
}

/// What may be done to volumes that Windows did not put away; with `--volume`, to that one alone.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Volumes that Windows did not put away (refused otherwise)")]
pub(crate) struct RemedyArgs {
    /// Give up the session that Windows saved: unsaved work of users who were logged on is lost
    #[arg(long)]
    pub(crate) discard_hibernation: bool,
    /// Finish the updates in the NTFS log, as Windows does when it starts
    #[arg(long)]
    pub(crate) replay_log: bool,
    /// Drop the updates in the NTFS log, which are lost, and have Windows check the volume
    #[arg(long, conflicts_with = "replay_log")]
    pub(crate) reset_log: bool,
    /// Edit a volume whose dirty flag is set; Windows still checks it
    #[arg(long)]
    pub(crate) allow_dirty: bool,
}

impl RemedyArgs {
    /// As the library takes them.
    pub(crate) fn remedies(self) -> Remedies {
        let Self { discard_hibernation, replay_log, reset_log, allow_dirty } = self;
        Remedies { allow_dirty, discard_hibernation, replay_log, reset_log }
    }
}

/// Whether new long names get 8.3 names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShortNamesArg {
    #[default]
    Guest,
    On,
    Off,
}

/// How an image is read. Goes last: its headings hold for what follows.
#[derive(Debug, Args)]
pub(crate) struct ReadArgs {
    #[command(flatten)]
    pub(crate) open: ImageArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// How an image is edited. Goes last: its headings hold for what follows.
#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    #[command(flatten)]
    pub(crate) write: WriteArgs,
    #[command(flatten)]
    pub(crate) open: ImageArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder to make the sample in; must be empty or not exist [default: a new temporary folder]
    #[arg(value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Of `inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}

/// Of `apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// Recipe to bake
    #[arg(value_name = "RECIPE.toml")]
    pub(crate) recipe: Option<PathBuf>,
    /// Apply a preset, after those of the recipe
    #[arg(long, value_name = "NAME[=ARG]", help = preset_help())]
    pub(crate) preset: Vec<String>,
    /// Add the driver packages of a folder or archive that are for this Windows, after the recipe
    #[arg(long, value_name = "SOURCE")]
    pub(crate) drivers: Vec<PathBuf>,
    /// With --drivers: those too whose signature this Windows would refuse
    #[arg(long, requires = "drivers")]
    pub(crate) force_unsigned: bool,
    #[command(flatten)]
    pub(crate) keep_ip: drivers::KeepIpArgs,
    /// Import a .reg file after the recipe
    #[arg(long, value_name = "FILE")]
    pub(crate) reg: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

fn preset_help() -> String {
    format!("Apply a preset, after those of the recipe: {}", Preset::names().join(", "))
}

/// Of `undo`.
#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    /// What the commit was given as --undo FILE
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The image, where it has another name by now
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<PathBuf>,
    /// Undo although the image file's date says that something wrote to it since; where the commit wrote, it must be unchanged
    #[arg(long)]
    pub(crate) ignore_date: bool,
    /// Tell whether the commit can be undone, write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The folder that the image's journal is kept in, if not beside the image
    #[arg(long, value_name = "DIR")]
    pub(crate) journal_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Of `recover`.
#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// Tell whether a commit was interrupted, write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}

/// What a command works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A disk image.
    Image(PathBuf),
    /// A loose hive or boot configuration store.
    Loose(PathBuf),
}

/// Takes the target off the front of the positional arguments. With a loose file there is no image among them.
///
/// `names` are those of the arguments after the image, the last `optional` of which may be missing.
pub(crate) fn split_target(
    loose: Option<&PathBuf>,
    positional: &[OsString],
    names: &[&str],
    optional: usize,
) -> Result<(Target, Vec<OsString>)> {
    let (target, rest) = match (loose, positional) {
        (Some(file), rest) => (Target::Loose(file.clone()), rest),
        (None, [image, rest @ ..]) => (Target::Image(image.into()), rest),
        (None, []) => return Err(CliError::usage("no IMAGE given")),
    };
    if let Some(missing) = names.get(rest.len()).filter(|_| rest.len() + optional < names.len()) {
        return Err(CliError::usage(format!("no {missing} given")));
    }
    if let Some(extra) = rest.get(names.len()) {
        let extra = extra.to_string_lossy();
        let mut error = CliError::usage(format!("unexpected argument '{extra}'"));
        if loose.is_some() {
            error = error.hint("a loose file takes the place of IMAGE");
        }
        return Err(error);
    }
    Ok((target, rest.to_vec()))
}

/// An argument that must be text.
pub(crate) fn text(argument: &OsString, name: &str) -> Result<String> {
    argument
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| CliError::usage(format!("{name} is not UTF-8 text")))
}
