//! Of `doctor`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use winkiln_doctor::{Selection, Target, rule};

use super::EditArgs;
use crate::error::{CliError, Result};

/// What `--fix` means without a rule.
const SAFE: &str = "safe";

/// Of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Raw or qcow2 image, or block device
    #[arg(value_name = "IMAGE", required_unless_present = "rules")]
    pub(crate) image: Option<PathBuf>,
    /// Where it is to boot: ide, ahci, nvme, virtio-blk, virtio-scsi, xen, vmware (PVSCSI or LSI), hyperv
    #[arg(long, value_name = "BUS", value_enum, hide_possible_values = true)]
    pub(crate) target: Option<TargetArg>,
    /// Carry out the repairs that lose nothing, or the one of this rule
    #[arg(long, value_name = "RULE", num_args = 0..=1, require_equals = true, default_missing_value = SAFE)]
    pub(crate) fix: Vec<String>,
    /// List the rules
    #[arg(long, conflicts_with_all = ["image", "fix", "target"])]
    pub(crate) rules: bool,
    #[command(flatten)]
    pub(crate) with: EditArgs,
}

impl DoctorArgs {
    /// What is to be repaired, when anything is.
    pub(crate) fn selection(&self) -> Result<Option<Selection>> {
        if self.fix.is_empty() {
            return Ok(None);
        }
        let named: Vec<String> = self.fix.iter().filter(|fix| *fix != SAFE).cloned().collect();
        if let Some(unknown) = named.iter().find(|name| rule(name).is_none()) {
            return Err(CliError::usage(format!("no rule {unknown}"))
                .hint("winkiln doctor --rules lists them"));
        }
        Ok(Some(Selection { safe: named.len() < self.fix.len(), rules: named }))
    }
}

/// A target as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetArg {
    Ide,
    Ahci,
    Nvme,
    VirtioBlk,
    VirtioScsi,
    Xen,
    #[value(name = "vmware")]
    VMware,
    #[value(name = "hyperv", alias = "hyper-v")]
    HyperV,
}

impl From<TargetArg> for Target {
    fn from(arg: TargetArg) -> Self {
        match arg {
            TargetArg::Ide => Self::Ide,
            TargetArg::Ahci => Self::Ahci,
            TargetArg::Nvme => Self::Nvme,
            TargetArg::VirtioBlk => Self::VirtioBlk,
            TargetArg::VirtioScsi => Self::VirtioScsi,
            TargetArg::Xen => Self::Xen,
            TargetArg::VMware => Self::VMware,
            TargetArg::HyperV => Self::HyperV,
        }
    }
}
