//! Hives against real files, other readers and models.

mod access;
mod corpus;
mod diff;
mod differential;
mod editing;
mod footprint;
mod hostile;
mod limits;
mod links;
mod lists;
mod model;
mod names;
mod opening;
mod rebuild;
mod recovery;
mod reg_text;
mod replayers;
mod rng;
mod special;
mod tools;
mod transfer;
mod versions;
