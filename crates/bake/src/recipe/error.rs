//! Where and why a recipe was refused.

use crate::ErrorKind;
use crate::first_boot::FirstBootError;
use crate::image_path::PathError;
use crate::keep_ip::KeepIpError;
use crate::preset::PresetError;
use crate::value_text::ValueTextError;

/// A recipe that cannot be understood, and the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}")]
pub struct RecipeError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What was found and expected.
    #[source]
    pub problem: RecipeProblem,
}

/// What is wrong at that place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeProblem {
    /// Not TOML.
    #[error("{message}")]
    Syntax {
        /// What the TOML parser said.
        message: String,
    },
    /// A key that the table does not have.
    #[error("unknown key {key:?} in {table}{}", nearest.map_or_else(|| format!("; expected one of {}", known.join(", ")), |name| format!("; did you mean {name}?")))]
    UnknownKey {
        /// As given.
        key: String,
        /// The table.
        table: &'static str,
        /// The known name nearest to it.
        nearest: Option<&'static str>,
        /// Every known name.
        known: &'static [&'static str],
    },
    /// A value of the wrong TOML type.
    #[error("{key} is of type {found}; expected {expected}")]
    WrongType {
        /// The key.
        key: String,
        /// What it takes.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A key that the table needs.
    #[error("{table} needs {key}")]
    MissingKey {
        /// The table.
        table: &'static str,
        /// The key.
        key: &'static str,
    },
    /// Keys that exclude each other, or a combination that means nothing.
    #[error("{what}")]
    Conflict {
        /// In words.
        what: &'static str,
    },
    /// A part of recipes that does nothing yet.
    #[error("{what} is not supported yet")]
    NotSupported {
        /// The table.
        what: &'static str,
    },
    /// A preset's name or argument.
    #[error(transparent)]
    Preset(#[from] PresetError),
    /// A registry value's type or data.
    #[error(transparent)]
    Value(#[from] ValueTextError),
    /// A path inside the image.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A security descriptor's text.
    #[error(transparent)]
    Sddl(#[from] winkiln_ntfs::security::SecurityError),
    /// A first-boot command.
    #[error(transparent)]
    FirstBoot(#[from] FirstBootError),
    /// Addresses of network adapters.
    #[error(transparent)]
    KeepIp(#[from] KeepIpError),
}

impl RecipeError {
    pub(crate) fn kind(&self) -> ErrorKind {
        match &self.problem {
            RecipeProblem::Preset(error) => error.kind(),
            RecipeProblem::NotSupported { .. } => ErrorKind::Failed,
            _ => ErrorKind::Usage,
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match &self.problem {
            RecipeProblem::Preset(error) => error.hint(),
            _ => None,
        }
    }
}
