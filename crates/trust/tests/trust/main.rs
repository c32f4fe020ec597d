//! Signatures that OpenSSL and osslsigncode made, and damaged ones.

mod catalog;
mod certificates;
mod damage;
mod der;
mod image;
mod pe;
mod tools;
