//! The command line of `fs`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Deferred, EditArgs, ImageArgs, ReadArgs};

/// File commands.
#[derive(Debug, Subcommand)]
pub(crate) enum FsCommand {
    /// List a folder
    Ls(Deferred<ListArgs>),
    /// Show the facts of a file or folder
    Stat(Deferred<PathArgs>),
    /// Print a file
    Cat(Deferred<CatArgs>),
    /// Copy out of the image
    Get(Deferred<GetArgs>),
    /// Copy into the image
    Put(Deferred<PutArgs>),
    /// Make a folder
    Mkdir(Deferred<MakeDirectoryArgs>),
    /// Remove a file, an alternate data stream or a folder
    Rm(Deferred<RemoveArgs>),
    /// Rename or move a file or folder
    Mv(Deferred<MoveArgs>),
    /// Make a link: one more name of a file, a symbolic link, or a junction
    Ln(Deferred<LinkArgs>),
    /// Show or set the security descriptor of a file or folder
    Security(Deferred<SecurityArgs>),
    /// Show or change attributes
    #[command(
        override_usage = "winkiln fs attrib [OPTIONS] <IMAGE> <PATH> [+r-h...]",
        disable_help_flag = true
    )]
    Attrib(Deferred<AttribArgs>),
}

/// Where links lead.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct FollowArgs {
    /// Follow symbolic links and junctions inside the volume
    #[arg(short = 'L', long)]
    pub(crate) follow: bool,
    /// With --follow: a drive letter that means the volume [default: C on the volume of Windows]
    #[arg(long, value_name = "LETTER", requires = "follow")]
    pub(crate) drive: Vec<char>,
}

/// Of `fs ls`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// Folder or file inside the image
    #[arg(value_name = "PATH", default_value = "\\", hide_default_value = true)]
    pub(crate) path: String,
    #[command(flatten)]
    pub(crate) links: FollowArgs,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}

/// Of `fs stat`.
#[derive(Debug, Args)]
pub(crate) struct PathArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// Path inside the image
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    #[command(flatten)]
    pub(crate) links: FollowArgs,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}

/// Of `fs cat`.
#[derive(Debug, Args)]
pub(crate) struct CatArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// File inside the image
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    #[command(flatten)]
    pub(crate) links: FollowArgs,
    #[command(flatten)]
    pub(crate) open: ImageArgs,
}

/// Of `fs get`.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// File or folder inside the image
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Where to: an existing folder receives the copy, any other name is taken by it; - is standard output
    #[arg(value_name = "LOCAL")]
    pub(crate) local: PathBuf,
    /// Copy folders with all below them
    #[arg(short, long)]
    pub(crate) recursive: bool,
    #[command(flatten)]
    pub(crate) links: FollowArgs,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}

/// Of `fs put`.
#[derive(Debug, Args)]
pub(crate) struct PutArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// File or folder to copy; - is standard input
    #[arg(value_name = "LOCAL")]
    pub(crate) local: PathBuf,
    /// Where to: an existing folder receives the copy, any other name is taken by it
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Copy folders with all below them
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// Make missing parent folders
    #[arg(short, long)]
    pub(crate) parents: bool,
    /// Give it the parts of a security descriptor that this SDDL text holds; with -r, the topmost folder
    #[arg(long, value_name = "SDDL")]
    pub(crate) sddl: Option<String>,
    #[command(flatten)]
    pub(crate) links: FollowArgs,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

/// Of `fs mkdir`.
#[derive(Debug, Args)]
pub(crate) struct MakeDirectoryArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// Folder to make
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Make missing parent folders, and accept a folder that exists
    #[arg(short, long)]
    pub(crate) parents: bool,
    /// Give it the parts of a security descriptor that this SDDL text holds
    #[arg(long, value_name = "SDDL")]
    pub(crate) sddl: Option<String>,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

/// Of `fs rm`.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// Path inside the image
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Remove folders with all below them
    #[arg(short, long)]
    pub(crate) recursive: bool,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

/// Of `fs mv`.
#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// File or folder inside the image
    #[arg(value_name = "FROM")]
    pub(crate) from: String,
    /// Where to: an existing folder receives it, an existing file is replaced, any other name is taken by it
    #[arg(value_name = "TO")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

/// Of `fs ln`.
#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// What the link leads to: a file inside the image, or with -s and -j a path as the guest will follow it
    #[arg(value_name = "TARGET")]
    pub(crate) target: String,
    /// The link: an existing folder receives it under the target's name
    #[arg(value_name = "LINK")]
    pub(crate) link: String,
    /// Make a symbolic link; a target that ends in a backslash or is a folder makes it one to a folder
    #[arg(short, long, conflicts_with = "junction")]
    pub(crate) symbolic: bool,
    /// Make a junction to a folder with its drive letter
    #[arg(short, long)]
    pub(crate) junction: bool,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

/// Of `fs security`.
#[derive(Debug, Args)]
pub(crate) struct SecurityArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// File or folder inside the image
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// The parts to set, such as O:BA or D:P(A;OICI;FA;;;BA) [default: show the descriptor]
    #[arg(value_name = "SDDL")]
    pub(crate) sddl: Option<String>,
    /// Pass them on to everything below, which keeps entries of its own
    #[arg(short, long, requires = "sddl")]
    pub(crate) recursive: bool,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

/// Of `fs attrib`.
#[derive(Debug, Args)]
pub(crate) struct AttribArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// File or folder inside the image
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// What to set (+) and clear (-), together or apart: r read-only, h hidden, s system, a archive, i not content
    /// indexed [default: show the attributes]
    // One argument for each letter: options may follow, and -h is a change.
    #[arg(value_name = "+r-h...", allow_hyphen_values = true)]
    first: Option<String>,
    #[arg(hide = true, allow_hyphen_values = true)]
    second: Option<String>,
    #[arg(hide = true, allow_hyphen_values = true)]
    third: Option<String>,
    #[arg(hide = true, allow_hyphen_values = true)]
    fourth: Option<String>,
    #[arg(hide = true, allow_hyphen_values = true)]
    fifth: Option<String>,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

impl AttribArgs {
    /// What to set and clear, in the order given.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &str> {
        [&self.first, &self.second, &self.third, &self.fourth, &self.fifth]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}
