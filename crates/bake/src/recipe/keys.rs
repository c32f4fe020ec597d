//! The keys of each table. `docs/recipe.schema.json` names the same ones.

/// Of the document.
pub const ROOT: &[&str] =
    &["presets", "registry", "files", "bcd", "firstboot", "drivers", "remove-drivers"];
/// Of `[[drivers]]`.
pub const DRIVERS: &[&str] = &["source", "only", "exclude", "all", "force-unsigned", "keep-ip"];
/// Of `[[remove-drivers]]`.
pub const REMOVE_DRIVERS: &[&str] = &["name", "vendor", "force"];
/// Of `[[registry]]`.
pub const REGISTRY: &[&str] =
    &["file", "key", "name", "type", "data", "delete", "all-control-sets", "sddl"];
/// Of `[[files]]`.
pub const FILES: &[&str] = &["from", "to", "sddl"];
/// Of `[[bcd]]`.
pub const BCD: &[&str] = &[
    "object",
    "element",
    "value",
    "delete",
    "create",
    "copy",
    "description",
    "list",
    "entries",
    "how",
    "retarget",
];
/// Of `[[firstboot]]`.
pub const FIRST_BOOT: &[&str] = &["name", "run"];
