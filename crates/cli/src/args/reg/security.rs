//! The command line of `reg security`.

use std::ffi::OsString;

use clap::Args;

use super::RegEditArgs;

/// Of `reg security`.
#[derive(Debug, Args)]
pub(crate) struct SecurityArgs {
    /// Raw or qcow2 image, or block device; left out with --hive
    #[arg(value_name = "IMAGE")]
    image: Option<OsString>,
    /// The key
    #[arg(value_name = "KEY")]
    key: Option<OsString>,
    /// The parts to set, such as O:BA or D:P(A;CI;KA;;;BA) [default: show the descriptor]
    #[arg(value_name = "SDDL")]
    sddl: Option<OsString>,
    /// Pass them on to every key below, which keeps entries of its own
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// Act on a symbolic link at the end of the key itself, not on the key that it leads to
    #[arg(long)]
    pub(crate) open_link: bool,
    #[command(flatten)]
    pub(crate) with: RegEditArgs,
}

impl SecurityArgs {
    /// The positional arguments in their order.
    pub(crate) fn positional(&self) -> Vec<OsString> {
        [&self.image, &self.key, &self.sddl].into_iter().flatten().cloned().collect()
    }
}
