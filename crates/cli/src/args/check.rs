//! Of `check`.

use std::path::PathBuf;

use clap::Args;

use super::{ImageArgs, OutputArgs};

/// Of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE", required_unless_present = "hive", conflicts_with = "hive")]
    pub(crate) image: Option<PathBuf>,
    /// Check this registry hive or boot configuration store instead of an image
    #[arg(long, value_name = "FILE")]
    pub(crate) hive: Option<PathBuf>,
    /// Write damaged hives anew with all that can be read, and tell what was lost; volumes are not repaired
    #[arg(long)]
    pub(crate) repair: bool,
    /// With --repair: tell what would be lost, write nothing
    #[arg(long, requires = "repair")]
    pub(crate) dry_run: bool,
    /// With --repair: stamp hives with this time, in seconds since 1970, instead of now
    #[arg(long, value_name = "SECONDS", requires = "repair")]
    pub(crate) time: Option<u64>,
    /// With --repair of an image: keep what the commit overwrites in this new file, for `winkiln undo`
    #[arg(long, value_name = "FILE", requires = "repair", conflicts_with = "hive")]
    pub(crate) undo: Option<PathBuf>,
    /// With --repair of an image: leave it as it is and put the result in this new qcow2, whose backing file it is
    #[arg(long, value_name = "OUT.qcow2", requires = "repair", conflicts_with_all = ["hive", "undo"])]
    pub(crate) overlay: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) open: ImageArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
