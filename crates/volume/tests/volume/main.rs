//! Volumes through the public interface, judged by other programs' readers and checkers.

mod check;
mod environment;
mod fat;
mod fat_fresh;
mod fat_model;
mod identify;
mod ntfs;
