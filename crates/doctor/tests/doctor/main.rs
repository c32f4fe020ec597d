//! Guests that are healthy, and guests with exactly one fault each.

mod boot_faults;
mod cases;
mod disk;
mod driver_faults;
mod guest;
mod healthy;
mod real_hives;
mod registry_faults;
#[path = "../../../guest/tests/guest/small_guest.rs"]
mod small_guest;
mod storage_faults;
mod store_faults;
mod volume_faults;

/// The time stamped on edits.
const NOW: u64 = 0x01DA_0000_0000_0000;
