//! What each rule looks at, one module for each part of a guest.

pub(crate) mod boot_config;
mod boot_default;
pub(crate) mod boot_entries;
pub(crate) mod boot_files;
mod boot_ini_text;
pub(crate) mod boot_sectors;
pub(crate) mod boot_switches;
pub(crate) mod control_set;
pub(crate) mod disks;
pub(crate) mod drivers;
pub(crate) mod hal;
pub(crate) mod hives;
pub(crate) mod policy;
pub(crate) mod setup;
mod steps;
pub(crate) mod storage;
mod unreadable;
pub(crate) mod volumes;

pub(crate) use boot_files::{default_place, loader_place};
