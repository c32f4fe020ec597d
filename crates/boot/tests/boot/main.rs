//! `boot.ini` files and BCD stores through the public interface.

mod bcd;
mod boot_ini;
mod corpus;
mod nvram;
mod objects;
mod random_store;
mod retarget;
