//! A TOML document with the place of every key and value.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{RecipeError, RecipeProblem};
use crate::nearest::nearest;

/// Parses a document.
pub(super) fn parse(text: &str) -> Result<Spanned<DeTable<'_>>, RecipeError> {
    DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        place(text, at, RecipeProblem::Syntax { message: error.message().to_owned() })
    })
}

/// Line and column of a byte of the text.
fn place(text: &str, at: usize, problem: RecipeProblem) -> RecipeError {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    RecipeError {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        problem,
    }
}

/// A value with its key and its place.
#[derive(Clone, Copy)]
pub(super) struct Node<'t> {
    text: &'t str,
    key: &'t str,
    value: &'t Spanned<DeValue<'t>>,
    /// First byte of the key; of the value where there is none.
    at: usize,
}

/// A table whose keys are all known.
pub(super) struct Table<'t> {
    text: &'t str,
    heading: &'static str,
    at: usize,
    /// In the order of the file.
    nodes: Vec<Node<'t>>,
}

impl<'t> Table<'t> {
    pub(super) fn of_document(
        text: &'t str,
        document: &'t Spanned<DeTable<'t>>,
        known: &'static [&'static str],
    ) -> Result<Self, RecipeError> {
        Self::new(text, "the recipe", 0, document.get_ref()).only(known)
    }

    fn new(text: &'t str, heading: &'static str, at: usize, table: &'t DeTable<'t>) -> Self {
        let mut nodes: Vec<Node<'t>> = table
            .iter()
            .map(|(key, value)| Node {
                text,
                key: key.get_ref().as_ref(),
                value,
                at: key.span().start,
            })
            .collect();
        nodes.sort_by_key(|node| node.at);
        Self { text, heading, at, nodes }
    }

    fn only(self, known: &'static [&'static str]) -> Result<Self, RecipeError> {
        if let Some(node) = self.nodes.iter().find(|node| !known.contains(&node.key)) {
            return Err(node.error(RecipeProblem::UnknownKey {
                key: node.key.chars().take(80).collect(),
                table: self.heading,
                nearest: nearest(node.key, known),
                known,
            }));
        }
        Ok(self)
    }

    pub(super) fn nodes(&self) -> &[Node<'t>] {
        &self.nodes
    }

    pub(super) fn get(&self, key: &str) -> Option<Node<'t>> {
        self.nodes.iter().find(|node| node.key == key).copied()
    }

    /// A text that may be missing.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'t str>, RecipeError> {
        self.get(key).map(|node| node.text()).transpose()
    }

    /// A text that must be there.
    pub(super) fn required(&self, key: &'static str) -> Result<&'t str, RecipeError> {
        self.text(key)?
            .ok_or_else(|| self.error(RecipeProblem::MissingKey { table: self.heading, key }))
    }

    /// A flag, false when missing.
    pub(super) fn flag(&self, key: &str) -> Result<bool, RecipeError> {
        let Some(node) = self.get(key) else { return Ok(false) };
        match node.value() {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err(node.wrong_type("true or false")),
        }
    }

    pub(super) fn error(&self, problem: RecipeProblem) -> RecipeError {
        place(self.text, self.at, problem)
    }

    pub(super) fn conflict(&self, what: &'static str) -> RecipeError {
        self.error(RecipeProblem::Conflict { what })
    }
}

impl<'t> Node<'t> {
    pub(super) fn key(&self) -> &'t str {
        self.key
    }

    pub(super) fn value(&self) -> &'t DeValue<'t> {
        self.value.get_ref()
    }

    pub(super) fn text(&self) -> Result<&'t str, RecipeError> {
        match self.value() {
            DeValue::String(text) => Ok(text.as_ref()),
            _ => Err(self.wrong_type("text")),
        }
    }

    /// The elements of an array of texts.
    pub(super) fn texts(&self) -> Result<Vec<&'t str>, RecipeError> {
        self.array(self.key)?.iter().map(Node::text).collect()
    }

    /// The elements of an array; a table that stands alone is an array of one.
    pub(super) fn array(&self, key: &'t str) -> Result<Vec<Self>, RecipeError> {
        let node = |value: &'t Spanned<DeValue<'t>>| {
            let Range { start, .. } = value.span();
            Node { text: self.text, key, value, at: start }
        };
        match self.value() {
            DeValue::Array(items) => Ok(items.iter().map(node).collect()),
            DeValue::Table(_) => Ok(vec![*self]),
            _ => Err(self.wrong_type("a list")),
        }
    }

    /// The table, with no key but the known ones.
    pub(super) fn table(
        &self,
        heading: &'static str,
        known: &'static [&'static str],
    ) -> Result<Table<'t>, RecipeError> {
        self.any_table(heading)?.only(known)
    }

    /// The table, whatever its keys.
    pub(super) fn any_table(&self, heading: &'static str) -> Result<Table<'t>, RecipeError> {
        match self.value() {
            DeValue::Table(table) => Ok(Table::new(self.text, heading, self.at, table)),
            _ => Err(self.wrong_type("a table")),
        }
    }

    pub(super) fn error(&self, problem: RecipeProblem) -> RecipeError {
        place(self.text, self.at, problem)
    }

    pub(super) fn wrong_type(&self, expected: &'static str) -> RecipeError {
        self.error(RecipeProblem::WrongType {
            key: self.key.to_owned(),
            expected,
            found: self.value().type_str(),
        })
    }
}
