//! Index trees and security descriptors in memory, against models and real volumes.

pub(crate) mod checker;
pub(crate) mod corpus;
mod damage;
mod descriptor;
pub(crate) mod generate;
mod memory_store;
mod model;
mod secure_file;
mod shapes;
