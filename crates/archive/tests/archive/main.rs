//! Trees made by other programs, and damaged ones.

mod damage;
mod folder;
mod iso;
mod sample;
mod zip;
