//! Of `drivers`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use winkiln_bake::{KeepIp, Step};
use winkiln_drivers::choice::Selection;
use winkiln_drivers::{Architecture, Target};

use super::{Deferred, EditArgs, OutputArgs, ReadArgs};
use crate::error::{CliError, Result};

/// What to do with drivers.
#[derive(Debug, Subcommand)]
pub(crate) enum DriversCommand {
    /// List driver packages of a folder, disc or archive, and what each is for
    ///
    /// With --os, also which ones fit that Windows, which of them are the best, and why the others are not taken. Names:
    /// xp, 2k3, vista, 2k8, w7, 2k8R2, w8, 2k12, w8.1, 2k12R2, w10, 2k16, 2k19, 2k22, w11, 2k25, or a version such as 10.0.20348.
    List(Deferred<ListArgs>),
    /// Add the packages that fit the Windows of an image
    ///
    /// Those of disk controllers start with Windows; it installs the others when it finds their devices.
    Add(Deferred<AddArgs>),
    /// Take driver packages out of the Windows of an image
    ///
    /// By the name of the INF, as it came or as the guest has it (oem3.inf), or by a service. With --vendor, all packages of a
    /// maker, and services and filters that its installer left: virtio, xen-gplpv, xen-winpv, xen-redhat, xen (all three), vmware,
    /// virtualbox, hyperv-only, parallels. What Windows or another package needs stays, with the reason.
    Remove(Deferred<RemoveArgs>),
    /// List the drivers that Windows has besides its own
    ///
    /// Packages with their services, and services that installers of hypervisors' makers left.
    Installed(Deferred<ScanArgs>),
    /// Tell which disk controllers Windows boots from, and why not from the others
    ///
    /// IDE, AHCI, NVMe, virtio-blk, virtio-scsi, Xen PV, VMware PVSCSI, LSI SAS and SCSI, Hyper-V: whether a driver is bound to
    /// the controller before Windows runs, and the boot loader starts it and all that it needs. With -v, where each is bound.
    Scan(Deferred<ScanArgs>),
}

/// Of `drivers scan` and `drivers installed`.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    #[command(flatten)]
    pub(crate) with: ReadArgs,
}

/// Of `drivers remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// INFs or services
    #[arg(value_name = "NAME", required_unless_present = "vendor")]
    pub(crate) names: Vec<String>,
    /// All drivers of a maker
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) vendor: Vec<String>,
    /// Even if no disk controller is left that Windows boots from
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

/// Which packages of a source.
#[derive(Debug, Args)]
pub(crate) struct SelectionArgs {
    /// Only these packages: names of INF files, services or classes
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Not these packages
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) exclude: Vec<String>,
    /// Those too that a better package of the same name supersedes
    #[arg(long)]
    pub(crate) all: bool,
}

impl SelectionArgs {
    /// The same, as the chooser of packages takes it.
    pub(crate) fn selection(&self) -> Selection {
        Selection { only: self.only.clone(), exclude: self.exclude.clone(), all: self.all }
    }
}

/// Static addresses.
#[derive(Debug, Args)]
pub(crate) struct KeepIpArgs {
    /// Set the old network adapter's static addresses on the next one; of several, ADDRESS=MAC,... says which new one gets which
    #[arg(long, value_name = "ADDRESS=MAC", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) keep_ip: Option<String>,
}

impl KeepIpArgs {
    /// The step, where it is asked for.
    pub(crate) fn step(&self) -> Result<Option<Step>> {
        let Some(text) = &self.keep_ip else { return Ok(None) };
        let pairs: Vec<&str> = text.split(',').filter(|pair| !pair.is_empty()).collect();
        let keep = KeepIp::parse(&pairs).map_err(|error| CliError::usage(error.to_string()))?;
        Ok(Some(Step::KeepAddresses(keep)))
    }
}

/// Of `drivers list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Folder, ISO, zip, cabinet, MSI, tar, tar.gz or INF
    #[arg(value_name = "SOURCE")]
    pub(crate) source: PathBuf,
    /// Tell what fits this Windows
    #[arg(long, value_name = "NAME")]
    pub(crate) os: Option<String>,
    /// Architecture of that Windows: x86, amd64 or arm64 [default: amd64; x86 for xp and 2k3]
    #[arg(long, value_name = "ARCH")]
    pub(crate) arch: Option<String>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Of `drivers add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE")]
    pub(crate) image: PathBuf,
    /// Folder, ISO, zip, cabinet, MSI, tar or tar.gz with driver packages; or the INF of one
    #[arg(value_name = "SOURCE")]
    pub(crate) source: PathBuf,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// Add also those whose signature this Windows would refuse
    #[arg(long)]
    pub(crate) force_unsigned: bool,
    #[command(flatten)]
    pub(crate) keep_ip: KeepIpArgs,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

impl ListArgs {
    /// The architecture, if one was given.
    pub(crate) fn architecture(&self) -> Result<Option<Architecture>> {
        let Some(name) = &self.arch else { return Ok(None) };
        let found = match name.to_ascii_lowercase().as_str() {
            "x64" | "x86_64" => Some(Architecture::Amd64),
            "i386" => Some(Architecture::X86),
            "aarch64" => Some(Architecture::Arm64),
            name => Architecture::from_name(name),
        };
        let unknown = || CliError::usage(format!("no architecture {name}"));
        found.ok_or_else(|| unknown().hint("x86, amd64, arm64")).map(Some)
    }

    /// The Windows, if one was given.
    pub(crate) fn target(&self) -> Result<Option<Target>> {
        let Some(name) = &self.os else { return Ok(None) };
        let old = ["xp", "2k3"].iter().any(|old| old.eq_ignore_ascii_case(name));
        let usual = if old { Architecture::X86 } else { Architecture::Amd64 };
        let architecture = self.architecture()?.unwrap_or(usual);
        let unknown = || {
            let names: Vec<_> = Target::names().collect();
            let hint = format!("{}, or a version such as 10.0.20348", names.join(", "));
            CliError::usage(format!("no Windows {name}")).hint(hint)
        };
        Target::named(name, architecture).ok_or_else(unknown).map(Some)
    }
}
