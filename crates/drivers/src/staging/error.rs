//! Why a package cannot be added.

use crate::inf::InfError;

/// Why a package cannot be added in a way that works.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StagingError {
    /// An entry that Windows would stumble over.
    #[error(transparent)]
    Inf(#[from] InfError),
    /// The INF has no `ClassGuid`, and the guest no class of its `Class`.
    #[error(
        "its [Version] has no ClassGuid, and Windows does not know its class by name: no device can be bound to it"
    )]
    NoClass,
    /// It installs by `DefaultInstall`, which makes no service.
    #[error(
        "it names no devices for this Windows, and its DefaultInstall makes no service: that has to run in the guest"
    )]
    NoDevices,
    /// Its service is named by an INF that is not there.
    #[error("its service is named by [{section}] of {file}, which the guest does not have")]
    MissingInclude {
        /// The INFs that it includes.
        file: String,
        /// The section it needs.
        section: String,
    },
    /// It needs a version of the driver framework that is not there when the guest starts.
    #[error(
        "service {service} needs the kernel-mode driver framework {needed}, and this Windows has {found}: a co-installer can bring it only once Windows runs; install it there first, or on a Windows without any put Wdf01000.sys and WdfLdr.sys beside the INF"
    )]
    Framework {
        /// Its service.
        service: String,
        /// Such as `1.9`.
        needed: String,
        /// Such as `none` or `1.7`.
        found: String,
    },
    /// A file or a service's file goes to a folder that cannot be told while the guest does not run.
    #[error("{what} goes to folder {dirid}, which cannot be told while the guest does not run")]
    Folder {
        /// The file.
        what: String,
        /// The number of the folder.
        dirid: i32,
    },
    /// Files that run from the driver store need Windows 8.
    #[error(
        "service {service} runs from the driver store (folder 13), which this Windows does not know"
    )]
    RunsFromStore {
        /// The service.
        service: String,
    },
    /// A file that is to be copied is not among those of the package.
    #[error("it copies {name}, which is not in the package")]
    NoFile {
        /// Its name.
        name: String,
    },
}
