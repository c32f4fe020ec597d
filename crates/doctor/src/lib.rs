//! Why a Windows in a disk image will not boot, and the repair.
//!
//! [`diagnose`] asks every rule of [`RULES`]; [`treat`] has a session carry out what the findings call for, round by round, until
//! nothing is left that may be repaired. What a rule cannot look at is told as skipped, never taken for healthy.
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod chain;
mod diagnosis;
mod finding;
mod guest_copy;
mod patient;
mod rule;
mod rules;
mod target;
mod treatment;

pub use chain::{Link, Stage};
pub use diagnosis::{Diagnosis, Skipped, diagnose, quick};
pub use finding::{Cure, Finding, Repair, Severity};
pub use rule::{RULES, Rule, rule};
pub use target::Target;
pub use treatment::{Selection, Treated, treat};
