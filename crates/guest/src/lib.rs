//! A Windows installation inside a disk image: found, described, its hives opened by the names administrators use.
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

mod accounts;
pub mod error;
pub mod disk;
pub mod windows;
mod installation;
mod arc_path;
mod boot_candidates;
mod boot_files;
mod boot_partitions;
mod boot_choice;
mod boot_sectors;
mod mounted_devices;
pub mod boots_on;
mod describe;
mod efi_entry;
mod find_file;
mod setting;
mod system_volume;
mod service;
mod guest_tools;
mod image_path;
mod hive_logs;
mod hive_check;
mod hive_rewrite;
mod machine;
pub mod hive_name;
pub mod registry;
mod profile;

pub use accounts::Accounts;
pub use arc_path::{ArcPath, ArcPlace};
pub use boot_candidates::boot_candidates;
pub use boot_partitions::{boot_partitions, named_volume, partition_ref, partitions_of};
pub use boot_sectors::FoundCode;
pub use boots_on::{BusVerdict, boots_on};
pub use describe::next_control_set;
pub use disk::{Disk, DiskVolume};
pub use efi_entry::{EFI_BOOT_MANAGER, efi_entry};
pub use error::GuestError;
pub use hive_check::{CheckedHive, is_left_stale};
pub use hive_logs::RecoveredHive;
pub use hive_name::{HiveFile, HiveName, Location, native_key};
pub use hive_rewrite::{HiveRewrite, Rewrite};
pub use image_path::resolve as service_file;
pub use mounted_devices::{RenamedDevice, renamed_devices, windows_was};
pub use registry::Registry;
pub use system_volume::system_volume;
pub use windows::{Architecture, Boot, BootKind, DriverService, Firmware, Windows};
