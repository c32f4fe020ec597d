//! Installations found and described on disks that other programs built, and their registries.

mod accounts;
mod boots_on;
mod damage;
mod describe;
mod fat;
mod recovery;
mod registry;
mod small_guest;
mod tools;
mod users;

use tools::NOW;
