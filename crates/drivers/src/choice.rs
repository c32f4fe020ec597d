//! Which packages fit a Windows, and which is the best of several.
//!
//! Source: "INF Manufacturer section", "Combining platform extensions with operating system versions", "How Windows ranks drivers".

mod best;
mod fit;
mod hint;
mod selection;

pub use best::{Choice, Chosen, Criterion, NotChosen, Options, Why, choose};
pub use fit::{Closeness, Fit, Refusal, fit};
pub use hint::Hint;
pub use selection::Selection;
