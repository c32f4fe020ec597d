//! The bodies of the fuzz targets: the fuzzers in `fuzz/` run them with a sanitizer, and a test runs them over their seeds and
//! mutations of them.
//!
//! A target panics when a promise is broken. What an input holds is the target's affair; each makes seeds from structures of its own,
//! so that no corpus is kept.
#![forbid(unsafe_code)]

pub mod bytes;
pub mod mutate;

pub mod archive;
pub mod attribute_list;
pub mod bcd;
pub mod boot_ini;
pub mod boot_sector;
pub mod catalog;
pub mod check;
pub mod container;
pub mod fat;
pub mod hive;
pub mod hive_cells;
pub mod hive_log;
pub mod index_block;
pub mod index_store;
pub mod inf;
pub mod journal;
pub mod log;
pub mod lznt1;
pub mod nbd;
pub mod ntfs_volume;
pub mod nvram;
pub mod overlay;
pub mod partition;
pub mod pe;
pub mod qcow2;
pub mod recipe;
pub mod record;
pub mod reg_text;
pub mod run_list;
pub mod sddl;
pub mod secure;
pub mod volume;
pub mod wof;

/// A fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of the fuzzer.
    pub name: &'static str,
    /// Runs one input.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "boot_sector", run: boot_sector::run, seeds: boot_sector::seeds },
    Target { name: "record", run: record::run, seeds: record::seeds },
    Target { name: "attribute_list", run: attribute_list::run, seeds: attribute_list::seeds },
    Target { name: "run_list", run: run_list::run, seeds: run_list::seeds },
    Target { name: "index_block", run: index_block::run, seeds: index_block::seeds },
    Target { name: "secure", run: secure::run, seeds: secure::seeds },
    Target { name: "log", run: log::run, seeds: log::seeds },
    Target { name: "sddl", run: sddl::run, seeds: sddl::seeds },
    Target { name: "lznt1", run: lznt1::run, seeds: lznt1::seeds },
    Target { name: "wof", run: wof::run, seeds: wof::seeds },
    Target { name: "volume", run: volume::run, seeds: volume::seeds },
    Target { name: "check", run: check::run, seeds: check::seeds },
    Target { name: "hive", run: hive::run, seeds: hive::seeds },
    Target { name: "hive_cells", run: hive_cells::run, seeds: hive_cells::seeds },
    Target { name: "hive_log", run: hive_log::run, seeds: hive_log::seeds },
    Target { name: "reg_text", run: reg_text::run, seeds: reg_text::seeds },
    Target { name: "bcd", run: bcd::run, seeds: bcd::seeds },
    Target { name: "boot_ini", run: boot_ini::run, seeds: boot_ini::seeds },
    Target { name: "inf", run: inf::run, seeds: inf::seeds },
    Target { name: "partition", run: partition::run, seeds: partition::seeds },
    Target { name: "qcow2", run: qcow2::run, seeds: qcow2::seeds },
    Target { name: "fat", run: fat::run, seeds: fat::seeds },
    Target { name: "archive", run: archive::run, seeds: archive::seeds },
    Target { name: "pe", run: pe::run, seeds: pe::seeds },
    Target { name: "catalog", run: catalog::run, seeds: catalog::seeds },
    Target { name: "journal", run: journal::run, seeds: journal::seeds },
    Target { name: "nbd", run: nbd::run, seeds: nbd::seeds },
    Target { name: "nvram", run: nvram::run, seeds: nvram::seeds },
    Target { name: "container", run: container::run, seeds: container::seeds },
    Target { name: "recipe", run: recipe::run, seeds: recipe::seeds },
];
