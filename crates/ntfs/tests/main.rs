//! The NTFS editor against other people's tools and real volumes.
#![allow(missing_docs)]
#![cfg(unix)]

mod check;
mod device;
mod faulty_device;
mod peer;
mod sequences;
mod directories;
mod edges;
mod images;
mod index;
mod index_bitmap;
mod judges;
mod model;
mod read_real_volumes;
mod write_volumes;
mod fragmented_mft;
mod fragments;
mod fresh;
mod limits;
mod log;
mod overlaid_files;
mod remedies;
mod packed_edits;
mod rename;
mod allocation;
mod case_sensitive;
mod explicit_security;
mod links;
mod sddl;
mod short_names;
mod second_reader;
mod state;
