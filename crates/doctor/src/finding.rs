//! What a rule finds, and what may be done about it.

use winkiln_bake::Step;
use winkiln_volume::Remedies;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Windows does not boot.
    Stops,
    /// Windows may not boot, or not as it should.
    Hinders,
    /// To know before it is started.
    Note,
}

impl Severity {
    /// A word for scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stops => "stops-boot",
            Self::Hinders => "hinders-boot",
            Self::Note => "note",
        }
    }
}

/// What a repair consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cure {
    /// Steps of a session.
    Steps(Vec<Step>),
    /// What opening the image for editing does to its volumes.
    Volumes(Remedies),
}

/// What may be done about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// Loses nothing that works.
    Safe {
        /// In words, as after "will".
        what: String,
        /// How.
        cure: Cure,
    },
    /// Done only when its rule is named.
    Asked {
        /// In words, as after "will".
        what: String,
        /// What it costs.
        price: String,
        /// How.
        cure: Cure,
    },
    /// Left to people: what to do.
    Advice(String),
}

impl Repair {
    /// Steps that lose nothing.
    pub(crate) fn safe(what: impl Into<String>, steps: Vec<Step>) -> Self {
        Self::Safe { what: what.into(), cure: Cure::Steps(steps) }
    }

    /// Steps that cost something.
    pub(crate) fn asked(
        what: impl Into<String>,
        price: impl Into<String>,
        steps: Vec<Step>,
    ) -> Self {
        Self::Asked { what: what.into(), price: price.into(), cure: Cure::Steps(steps) }
    }

    pub(crate) fn advice(text: impl Into<String>) -> Self {
        Self::Advice(text.into())
    }

    /// The cure, where there is one.
    #[must_use]
    pub fn cure(&self) -> Option<&Cure> {
        match self {
            Self::Safe { cure, .. } | Self::Asked { cure, .. } => Some(cure),
            Self::Advice(_) => None,
        }
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was looked at: a key, a file, a volume.
    pub object: String,
    /// What is there.
    pub found: String,
    /// What should be.
    pub expected: String,
    /// What may be done.
    pub repair: Repair,
}
