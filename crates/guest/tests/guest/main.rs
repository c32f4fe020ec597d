//! Installations found and described on disks that other programs built, and their registries.

mod damage;
mod describe;
mod fat;
mod recovery;
mod registry;
mod tools;
mod users;
