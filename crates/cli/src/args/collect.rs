//! Of `collect`.

use std::path::PathBuf;

use clap::Args;

use super::ReadArgs;

/// Of `collect`.
#[derive(Debug, Args)]
pub(crate) struct CollectArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// Folder of the host to copy into; made when it is missing
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The dump of the whole memory too, which may be as large as the guest's memory
    #[arg(long)]
    pub(crate) memory_dump: bool,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}
