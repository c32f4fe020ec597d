//! Driver packages through the public interface.

mod choice;
mod corpus;
mod corpus_infs;
mod includes;
mod install;
mod package;
mod staging;
mod text;
mod vendor_styles;

use winkiln_drivers::inf::{Inf, ParseOptions};

/// An INF of `fixtures/inf`.
fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/../../fixtures/inf/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// An INF of `fixtures/inf`, parsed.
fn parsed(name: &str) -> Inf {
    Inf::parse(name, &fixture(name), &ParseOptions::default()).expect("a fixture parses")
}

/// A text as an INF.
fn inf(text: &str) -> Inf {
    Inf::parse("test.inf", text.as_bytes(), &ParseOptions::default()).expect("the text parses")
}
