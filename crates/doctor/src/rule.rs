//! The table of rules.

use winkiln_bake::BakeError;

use crate::chain::Stage;
use crate::finding::Finding;
use crate::patient::Patient;
use crate::rules;

/// What looking came to. An error means that the rule could not look.
pub(crate) type Look = Result<Vec<Finding>, BakeError>;

/// One rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// For scripts and `--fix`, such as `storage-start`.
    pub id: &'static str,
    /// What is wrong when it finds something, in a few words.
    pub about: &'static str,
    /// How far Windows comes before it matters.
    pub stage: Stage,
    /// Costs more than a moment, so a short look leaves it out.
    pub(crate) slow: bool,
    pub(crate) look: fn(&mut Patient<'_>) -> Look,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rule").field("id", &self.id).finish_non_exhaustive()
    }
}

const fn quick(
    stage: Stage,
    id: &'static str,
    about: &'static str,
    look: fn(&mut Patient<'_>) -> Look,
) -> Rule {
    Rule { id, about, stage, slow: false, look }
}

const fn slow(
    stage: Stage,
    id: &'static str,
    about: &'static str,
    look: fn(&mut Patient<'_>) -> Look,
) -> Rule {
    Rule { id, about, stage, slow: true, look }
}

/// Every rule, in the order in which Windows comes to what it looks at.
pub const RULES: &[Rule] = &[
    quick(
        Stage::Volumes,
        "hibernated",
        "Windows was not shut down: its memory is saved",
        rules::volumes::hibernated,
    ),
    quick(
        Stage::Volumes,
        "log-not-clean",
        "updates of a volume are still in its log",
        rules::volumes::log_not_clean,
    ),
    quick(Stage::Volumes, "volume-dirty", "Windows is to check a volume", rules::volumes::dirty),
    quick(
        Stage::Volumes,
        "volume-state",
        "a volume cannot be edited as it is",
        rules::volumes::other,
    ),
    quick(
        Stage::Firmware,
        "boot-sector-lost",
        "the first sector of a volume is gone",
        rules::boot_sectors::lost,
    ),
    quick(
        Stage::Firmware,
        "mbr-code-missing",
        "the BIOS finds no code to start",
        rules::boot_sectors::no_master_code,
    ),
    quick(
        Stage::Firmware,
        "active-partition",
        "the BIOS starts another partition, or none",
        rules::boot_sectors::active,
    ),
    quick(
        Stage::Firmware,
        "boot-sector",
        "boot code reckons with the wrong place or geometry",
        rules::boot_sectors::fields,
    ),
    quick(
        Stage::Firmware,
        "boot-code-missing",
        "the active partition has no code to start",
        rules::boot_sectors::no_code,
    ),
    quick(
        Stage::Configuration,
        "boot-config-missing",
        "there is no boot configuration",
        rules::boot_config::missing,
    ),
    quick(
        Stage::Configuration,
        "boot-config-damaged",
        "the boot configuration cannot be read",
        rules::boot_config::damaged,
    ),
    quick(
        Stage::Configuration,
        "boot-default-missing",
        "the default entry is not there",
        rules::boot_config::no_default,
    ),
    quick(
        Stage::Configuration,
        "boot-entry-elsewhere",
        "the default entry leads to no Windows",
        rules::boot_entries::elsewhere,
    ),
    quick(
        Stage::Loader,
        "boot-file-missing",
        "a program that starts Windows is missing",
        rules::boot_files::missing,
    ),
    quick(
        Stage::Firmware,
        "efi-fallback-missing",
        "a new machine's firmware finds no boot manager",
        rules::boot_files::no_fallback,
    ),
    quick(Stage::Registry, "hive-missing", "a registry hive is missing", rules::hives::missing),
    slow(Stage::Registry, "hive-damaged", "a registry hive is damaged", rules::hives::damaged),
    quick(
        Stage::Registry,
        "hive-unclean",
        "a registry hive and its logs do not fit together",
        rules::hives::unclean,
    ),
    quick(
        Stage::Registry,
        "control-set-missing",
        "Select names a control set that is not there",
        rules::control_set::missing,
    ),
    quick(
        Stage::Registry,
        "control-set-differs",
        "Windows starts with another control set than the one that ran last",
        rules::control_set::differs,
    ),
    quick(
        Stage::Registry,
        "control-set-failed",
        "the control set that starts is one that Windows gave up",
        rules::control_set::failed,
    ),
    quick(
        Stage::Configuration,
        "safe-mode",
        "the default entry starts safe mode",
        rules::boot_switches::safe_mode,
    ),
    quick(
        Stage::Configuration,
        "kernel-debug",
        "the default entry waits for a debugger",
        rules::boot_switches::debug,
    ),
    quick(
        Stage::Storage,
        "storage-not-bound",
        "no driver is bound to the disk controller",
        rules::storage::not_bound,
    ),
    quick(
        Stage::Storage,
        "storage-service-missing",
        "a driver on the way to the disk has no service",
        rules::storage::no_service,
    ),
    quick(
        Stage::Storage,
        "storage-start",
        "a driver on the way to the disk does not start at boot",
        rules::storage::not_started,
    ),
    quick(
        Stage::Storage,
        "storage-start-override",
        "StartOverride keeps a driver on the way to the disk from starting",
        rules::storage::start_override,
    ),
    quick(
        Stage::Storage,
        "storage-file-missing",
        "the file of a driver on the way to the disk is missing",
        rules::storage::no_file,
    ),
    quick(
        Stage::Storage,
        "storage-file-wrong",
        "the file of a driver on the way to the disk is not for this Windows",
        rules::storage::wrong_file,
    ),
    quick(
        Stage::Storage,
        "storage-filter",
        "a filter keeps the disk from starting",
        rules::storage::filter,
    ),
    quick(
        Stage::Storage,
        "storage-policy",
        "a policy keeps drivers from being bound at boot",
        rules::storage::policy,
    ),
    quick(
        Stage::Drivers,
        "boot-driver-missing",
        "a driver that is to start at boot has no file",
        rules::drivers::file_missing,
    ),
    quick(
        Stage::Drivers,
        "class-filter-missing",
        "a filter of a device class is not there, or switched off",
        rules::drivers::class_filter,
    ),
    slow(
        Stage::Drivers,
        "boot-driver-unsigned",
        "Windows does not take the signature of a boot driver",
        rules::drivers::unsigned,
    ),
    quick(
        Stage::Configuration,
        "secure-boot",
        "test signing or debugging is on, and so was Secure Boot",
        rules::policy::secure_boot,
    ),
    quick(
        Stage::Windows,
        "install-policy",
        "a policy keeps new devices from being installed",
        rules::policy::device_installation,
    ),
    quick(
        Stage::Drivers,
        "hal-mismatch",
        "the HAL is not that of the machine",
        rules::hal::mismatch,
    ),
    quick(
        Stage::Windows,
        "setup-interrupted",
        "Windows is in the middle of its setup",
        rules::setup::interrupted,
    ),
    quick(
        Stage::Windows,
        "servicing-pending",
        "updates are half installed",
        rules::setup::servicing,
    ),
    quick(
        Stage::Windows,
        "renames-pending",
        "files are to be replaced at the next start",
        rules::setup::renames,
    ),
    quick(
        Stage::Windows,
        "drive-letters",
        "drive letters belong to the disk that this one was cloned from",
        rules::disks::letters,
    ),
    quick(
        Stage::Windows,
        "disks-offline",
        "disks that are new to Windows stay offline",
        rules::disks::offline,
    ),
];

/// A rule by its id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}
