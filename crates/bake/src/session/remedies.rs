//! What is done to volumes that Windows did not put away, before anything is read from them; and what to know of those edited.

use winkiln_volume::{Remedied, Remedies};

use super::Session;
use crate::BakeError;
use crate::ledger::{State, Target};

impl Session {
    /// Does to the volumes what was asked for, with a change of the ledger and a warning for each that loses something.
    pub(super) fn apply_remedies(&mut self, remedies: Remedies) -> Result<(), BakeError> {
        let done = self.disk.remedy(self.volume, remedies)?;
        for (volume, remedied) in done {
            let told = Told::of(&remedied);
            self.ledger.record(
                Target::VolumeState { volume, part: told.part },
                State::Words(told.before),
                State::Words(told.after),
            );
            self.warnings.extend(told.lost.map(|lost| format!("volume {volume}: {lost}")));
        }
        Ok(())
    }

    /// Warns of shadow copies on volumes that were written to.
    pub(super) fn warn_of_shadow_copies(&mut self) {
        let has_copies = |details: &[winkiln_volume::StateDetail]| {
            details.iter().any(|detail| detail.word == "shadow-copies")
        };
        let volumes: Vec<u32> = self
            .disk
            .written_to()
            .filter(|volume| has_copies(&volume.identity.details))
            .map(|volume| volume.number)
            .collect();
        for volume in volumes {
            self.warn(format!(
                "volume {volume} has shadow copies: they are not kept true by an offline edit, and may show changed files wrongly; \
                 delete them in Windows (vssadmin delete shadows)"
            ));
        }
    }
}

/// A remedy in words.
struct Told {
    part: &'static str,
    before: String,
    after: String,
    lost: Option<String>,
}

impl Told {
    fn of(remedied: &Remedied) -> Self {
        match remedied {
            Remedied::HibernationDiscarded { signature } => Self {
                part: "hiberfil.sys",
                before: format!("memory image ({signature})"),
                after: "discarded".to_owned(),
                lost: Some(
                    "the session that Windows saved in hiberfil.sys is discarded, with unsaved work of users who were logged on"
                        .to_owned(),
                ),
            },
            Remedied::FastStartupDiscarded => Self {
                part: "log",
                before: "kept for a fast startup".to_owned(),
                after: "empty".to_owned(),
                lost: Some(
                    "what a hibernated Windows kept in memory of this volume is discarded; that Windows must not be resumed"
                        .to_owned(),
                ),
            },
            Remedied::LogReplayed { redone, undone } => Self {
                part: "log",
                before: "not clean".to_owned(),
                after: format!("replayed ({redone} operations redone, {undone} undone), empty"),
                lost: None,
            },
            Remedied::LogReset { marked_dirty } => Self {
                part: "log",
                before: "not clean".to_owned(),
                after: if *marked_dirty { "empty, dirty flag set" } else { "empty" }.to_owned(),
                lost: Some(
                    "the updates in the log are dropped: the volume may contradict itself until Windows has checked it"
                        .to_owned(),
                ),
            },
            other => Self {
                part: "state",
                before: "not clean".to_owned(),
                after: format!("{other:?}"),
                lost: None,
            },
        }
    }
}
