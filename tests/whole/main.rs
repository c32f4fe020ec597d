//! Whole-program tests: the built `winkiln` on guest images, judged by programs that we did not write.
//!
//! Guests are built around real hives by the judges' `mkguest.sh`; where the corpus is not there, those tests say so
//! and the ones over the program's own sample guest remain.

mod tools;
mod guest;
mod judges;
mod bake;
mod driver_corpus;
mod driver_signatures;
mod drivers;
mod locks;
mod nvram;
mod refusals;
mod remedies;
mod tidy;
