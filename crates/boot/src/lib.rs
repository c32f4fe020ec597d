//! What starts Windows: boot sectors, `boot.ini` and BCD stores.
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod bcd;
pub mod boot_ini;
pub mod boot_sector;
pub mod nvram;
