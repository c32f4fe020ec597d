//! Recipe files (TOML): what to bake into an image.
//!
//! Tables are read by hand from the spanned document, so that every error has its place in the file
//! and an unknown key its nearest known name.

mod boot;
mod drivers;
mod error;
mod files;
mod keys;
mod presets;
mod registry;
mod security;
mod table;

use std::path::{Path, PathBuf};

use crate::{BakeError, Preset, Step, reg_steps};
pub use error::{RecipeError, RecipeProblem};
use table::{Node, Table};

/// A recipe file, resolved: presets, registry edits and files, in that order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipe {
    /// Presets.
    pub presets: Vec<Preset>,
    /// Steps of `[[remove-drivers]]`, `[[drivers]]`, `[[registry]]`, `[[files]]`, `[[bcd]]`, `[[firstboot]]`.
    pub steps: Vec<Step>,
    /// The `.reg` files whose operations are among the steps.
    pub reg_files: Vec<PathBuf>,
}

/// A recipe longer than this is not one.
const RECIPE_BYTES_MAX: usize = 4 << 20;
/// A `.reg` file longer than this is not read.
const REG_FILE_BYTES_MAX: u64 = 64 << 20;

impl Recipe {
    /// Reads a TOML recipe; relative paths are relative to `folder`.
    ///
    /// # Errors
    /// Unknown keys (with the nearest known name), wrong values.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, BakeError> {
        if text.len() > RECIPE_BYTES_MAX {
            return Err(BakeError::TooMuch { what: "recipe".into(), limit: "4 MiB" });
        }
        let document = table::parse(text)?;
        let root = Table::of_document(text, &document, ROOT)?;
        let mut recipe = Self::default();
        if let Some(presets) = root.get("presets") {
            recipe.presets = presets::read(&presets, folder)?;
        }
        for node in root.tables("remove-drivers")? {
            let table = node.table("[[remove-drivers]]", REMOVE_DRIVERS)?;
            recipe.steps.push(Step::RemoveDrivers(drivers::removal(&table)?));
        }
        for node in root.tables("drivers")? {
            let table = node.table("[[drivers]]", DRIVERS)?;
            recipe.steps.push(Step::AddDrivers(drivers::read(&table, folder)?));
            recipe.steps.extend(drivers::keep_ip(&table)?.map(Step::KeepAddresses));
        }
        for node in root.tables("registry")? {
            registry::read(&node.table("[[registry]]", REGISTRY)?, folder, &mut recipe)?;
        }
        for node in root.tables("files")? {
            files::read(&node.table("[[files]]", FILES)?, folder, &mut recipe.steps)?;
        }
        for node in root.tables("bcd")? {
            recipe.steps.push(boot::edit(&node.table("[[bcd]]", BCD)?)?);
        }
        for node in root.tables("firstboot")? {
            recipe.steps.push(boot::command(&node.table("[[firstboot]]", FIRST_BOOT)?)?);
        }
        Ok(recipe)
    }

    /// Adds a `.reg` file's operations as steps.
    ///
    /// # Errors
    /// A line that cannot be understood.
    pub fn add_reg_file(&mut self, path: &Path) -> Result<(), BakeError> {
        let bytes = read_host_file(path, REG_FILE_BYTES_MAX, "64 MiB")?;
        let operations = winkiln_hive::reg_text::parse(&bytes)
            .map_err(|source| BakeError::RegFile { path: path.to_owned(), source })?;
        let operations = operations.into_iter().map(Ok::<_, BakeError>);
        self.steps.extend(reg_steps::steps(operations)?);
        self.reg_files.push(path.to_owned());
        Ok(())
    }
}

/// The tables of an array of tables, or of a single table.
impl<'t> Table<'t> {
    fn tables(&self, key: &'static str) -> Result<Vec<Node<'t>>, RecipeError> {
        self.get(key).map_or(Ok(Vec::new()), |node| node.array(key))
    }
}

pub use crate::source::read_host_file;
pub use keys::{BCD, DRIVERS, FILES, FIRST_BOOT, REGISTRY, REMOVE_DRIVERS, ROOT};
