//! The built program, run as its users run it, over the sample guest that `demo` makes.

mod boot;
mod boot_objects;
mod check;
mod demo;
mod collect;
mod doctor;
mod diff;
mod drivers;
mod dry_run;
mod env;
mod files;
mod help;
mod json;
mod killed;
mod links;
mod loose_file;
mod loose_logs;
mod outside_tools;
mod overlay;
mod registry;
mod registry_keys;
mod registry_links;
mod registry_repair;
mod undo;
mod usage;
mod wrong_input;
