//! Why a Windows does not boot from a controller.

use thiserror::Error;

/// The first thing that is missing or in the way.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Obstacle {
    /// No ID of the device is bound to a driver.
    #[error("no driver is bound to {device}: nothing of it below {key}")]
    NotBound {
        /// The ID that is usual for the device.
        device: String,
        /// Where Windows looks.
        key: String,
    },
    /// A package for it is in the driver store, and no more than that.
    #[error("package {package} is staged for {device}, but not bootable: no {missing}")]
    Staged {
        /// The ID by which it was found.
        device: String,
        /// The package.
        package: String,
        /// The key or value that a configured package has.
        missing: String,
    },
    /// `DisableCDDB` is set.
    #[error("{device} is bound in the CriticalDeviceDatabase only, and DisableCDDB in {key} is 1")]
    Policy {
        /// The ID by which it was found.
        device: String,
        /// The key of the policy.
        key: String,
    },
    /// The service has no key.
    #[error("no service {service}: no key {key}")]
    NoService {
        /// The service.
        service: String,
        /// Its key.
        key: String,
    },
    /// The service is no kernel driver.
    #[error("service {service} has {}: a driver has Type 1", number("Type", *found))]
    NotADriver {
        /// The service.
        service: String,
        /// Its `Type`.
        found: Option<u32>,
    },
    /// The boot loader does not load it.
    #[error("service {service} has {}: the boot loader starts those with 0", number("Start", *found))]
    NotBootStart {
        /// The service.
        service: String,
        /// Its `Start`.
        found: Option<u32>,
    },
    /// `StartOverride` keeps the boot loader from loading it.
    #[error(r"service {service} has StartOverride\{configuration} = {found}: the boot loader starts those with 0")]
    StartOverride {
        /// The service.
        service: String,
        /// The hardware configuration.
        configuration: String,
        /// What `Start` becomes.
        found: u32,
    },
    /// `ImagePath` leads to another volume.
    #[error("the file of service {service} is not on the system volume: ImagePath is {path}")]
    OtherVolume {
        /// The service.
        service: String,
        /// Its `ImagePath`.
        path: String,
    },
    /// The driver's file does not exist.
    #[error("no file {file} of service {service}")]
    NoFile {
        /// The service.
        service: String,
        /// Its file.
        file: String,
    },
    /// The driver's file cannot be read.
    #[error("file {file} of service {service} cannot be read: {reason}")]
    Unreadable {
        /// The service.
        service: String,
        /// Its file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The driver's file is no program.
    #[error("file {file} of service {service} is no program: {reason}")]
    NotAProgram {
        /// The service.
        service: String,
        /// Its file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The driver is for another processor.
    #[error("file {file} of service {service} is for {found}; this Windows is for {expected}")]
    WrongMachine {
        /// The service.
        service: String,
        /// Its file.
        file: String,
        /// The processor it is for.
        found: String,
        /// That of the installation.
        expected: String,
    },
    /// A file that the driver is linked to does not exist.
    #[error(
        "file {file} of service {service} needs {module}, which is neither beside it nor in System32"
    )]
    NoModule {
        /// The service.
        service: String,
        /// Its file.
        file: String,
        /// What it is linked to.
        module: String,
    },
    /// A driver that the driver needs does not start.
    #[error("service {service} needs service {other}: {why}")]
    Needs {
        /// The service.
        service: String,
        /// The other one.
        other: String,
        /// Why that does not start.
        why: Box<Obstacle>,
    },
    /// A filter driver does not start, and nothing below it then.
    #[error("{value} of {key} names {filter}: {why}")]
    Filter {
        /// `UpperFilters` or `LowerFilters`.
        value: &'static str,
        /// The key that names it.
        key: String,
        /// The filter driver.
        filter: String,
        /// Why it does not start.
        why: Box<Obstacle>,
    },
    /// The hive is damaged where the answer lies.
    #[error("{key} cannot be read: {reason}")]
    Damaged {
        /// The key.
        key: String,
        /// Why.
        reason: String,
    },
}

impl Obstacle {
    /// A word for scripts.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotBound { .. } => "not-bound",
            Self::Staged { .. } => "staged",
            Self::Policy { .. } => "policy",
            Self::NoService { .. } => "no-service",
            Self::NotADriver { .. } => "not-a-driver",
            Self::NotBootStart { .. } => "not-boot-start",
            Self::StartOverride { .. } => "start-override",
            Self::OtherVolume { .. } => "other-volume",
            Self::NoFile { .. } => "no-file",
            Self::Unreadable { .. } => "unreadable",
            Self::NotAProgram { .. } => "not-a-program",
            Self::WrongMachine { .. } => "wrong-machine",
            Self::NoModule { .. } => "no-module",
            Self::Needs { .. } => "needs",
            Self::Filter { .. } => "filter",
            Self::Damaged { .. } => "damaged",
        }
    }
}

fn number(name: &str, found: Option<u32>) -> String {
    found.map_or_else(|| format!("no {name}"), |found| format!("{name} {found}"))
}
