//! Trees made by other programs, and damaged ones.

mod cabinet;
mod damage;
mod folder;
mod iso;
mod lzx;
mod msi;
mod packed;
mod sample;
mod tar;
mod zip;
