//! Of `diff`.

use std::path::PathBuf;

use clap::Args;

use super::ReadArgs;

/// Of `diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "A")]
    pub(crate) a: PathBuf,
    /// The one to compare it with
    #[arg(value_name = "B")]
    pub(crate) b: PathBuf,
    /// Compare the contents of files whose sizes and times are the same, too
    #[arg(long)]
    pub(crate) contents: bool,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}
