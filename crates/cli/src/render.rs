//! What people and scripts read. Pure: facts in, text or JSON shapes out.

pub(crate) mod bcd;
pub(crate) mod boot_ini;
pub(crate) mod boots_on;
pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod domain;
pub(crate) mod drivers;
pub(crate) mod files;
pub(crate) mod inspect;
pub(crate) mod nvram;
pub(crate) mod installed_drivers;
pub(crate) mod inspect_json;
pub(crate) mod registry;
pub(crate) mod registry_diff;
pub(crate) mod report;
pub(crate) mod rewrite;
pub(crate) mod step;
pub(crate) mod table;
pub(crate) mod text;
