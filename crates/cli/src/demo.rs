//! The sample guest that `winkiln demo` makes out of nothing.

mod disk;
mod guest;
mod secure_stream;

pub(crate) use disk::make_disk;
pub(crate) use guest::fill;

/// What is baked into the sample guest.
pub(crate) const RECIPE: &str = include_str!("../../../fixtures/demo/recipe.toml");
/// The file that the recipe puts into it.
pub(crate) const WELCOME: &str = include_str!("../../../fixtures/demo/welcome.txt");
