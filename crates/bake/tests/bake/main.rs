//! Presets, recipes and values as text; and bakes of whole images, judged by other programs.

mod boot_sectors;
mod first_boot;
mod images;
mod in_box;
mod judge;
mod keep_ip;
mod links;
mod power_cut;
mod presets;
mod recipes;
mod schema;
mod value_text;
