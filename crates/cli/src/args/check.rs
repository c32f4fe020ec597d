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
    #[command(flatten)]
    pub(crate) open: ImageArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
