//! The readers against volumes and hives made by other programs, and against claims that are wrong.

mod fat;
mod hive;
mod ntfs;
mod tools;
