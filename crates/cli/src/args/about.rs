//! Of `completions`, `man` and `domain`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

use super::ReadArgs;

/// Of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: Shell,
}

/// Of `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder to write the pages into; made when it is missing
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

/// Whose configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Hypervisor {
    /// Xen: a file for `xl create`
    Xl,
    /// A domain for `virsh define`
    Libvirt,
    /// A command line of QEMU
    Qemu,
}

/// Of `domain`.
#[derive(Debug, Args)]
pub(crate) struct DomainArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// For whom
    #[arg(long = "for", value_name = "PROGRAM", value_enum)]
    pub(crate) hypervisor: Hypervisor,
    /// Memory in MiB [default: 2048 up to Server 2003, 4096 later]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(64..))]
    pub(crate) memory: Option<u32>,
    /// Processors [default: 2, or 1 where the guest's HAL is for one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) vcpus: Option<u32>,
    /// Name of the virtual machine [default: the image's]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}
