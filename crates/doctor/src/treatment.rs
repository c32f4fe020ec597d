//! Carrying out repairs.

use winkiln_bake::{BakeError, Session};
use winkiln_volume::Remedies;

use crate::diagnosis::{Diagnosis, diagnose};
use crate::finding::{Cure, Finding, Repair};
use crate::target::Target;

/// One repair may bring the next fault to light, but not for ever.
const ROUNDS_MAX: usize = 16;

/// Which repairs are carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those that lose nothing.
    pub safe: bool,
    /// Those of these rules, whatever they cost.
    pub rules: Vec<String>,
}

impl Selection {
    /// True when the repair of a finding is to be carried out.
    #[must_use]
    pub fn takes(&self, finding: &Finding) -> bool {
        let is_safe = matches!(finding.repair, Repair::Safe { .. });
        self.safe && is_safe || self.rules.iter().any(|rule| rule == finding.rule)
    }

    /// True when a finding is repaired by opening the image for editing.
    #[must_use]
    pub fn is_of_volumes(&self, finding: &Finding) -> bool {
        matches!(finding.repair.cure(), Some(Cure::Volumes(_)))
    }

    /// What opening the image for editing must do to its volumes for the findings that are taken.
    #[must_use]
    pub fn remedies(&self, diagnosis: &Diagnosis) -> Remedies {
        let mut all = Remedies::default();
        for finding in diagnosis.findings.iter().filter(|finding| self.takes(finding)) {
            if let Some(Cure::Volumes(remedies)) = finding.repair.cure() {
                all.allow_dirty |= remedies.allow_dirty;
                all.discard_hibernation |= remedies.discard_hibernation;
                all.replay_log |= remedies.replay_log;
                all.reset_log |= remedies.reset_log;
            }
        }
        all
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Treated {
    /// Findings whose repair was carried out, in order.
    pub repaired: Vec<Finding>,
    /// What is found after it.
    pub left: Diagnosis,
}

/// Applies the steps that the findings of a guest call for, and looks again, until nothing is left to be repaired. The session is
/// not finished.
///
/// # Errors
/// A step that cannot be done; the session must then be dropped.
pub fn treat(
    session: &mut Session,
    target: Option<Target>,
    selection: &Selection,
) -> Result<Treated, BakeError> {
    let mut repaired: Vec<Finding> = Vec::new();
    let mut left = diagnose(session, target)?;
    for _ in 0..ROUNDS_MAX {
        let mut changed = false;
        let mut last = None;
        session.look_afresh();
        for finding in left.findings.iter().filter(|finding| selection.takes(finding)) {
            // A repair that did not help is not tried again.
            let Some(Cure::Steps(steps)) = finding.repair.cure() else { continue };
            if repaired.contains(finding) {
                continue;
            }
            for step in steps {
                // What was just done for another finding is done.
                if last.replace(step) != Some(step) {
                    session.apply(step)?;
                }
            }
            changed = true;
            repaired.push(finding.clone());
        }
        if !changed {
            break;
        }
        session.look_afresh();
        left = diagnose(session, target)?;
    }
    Ok(Treated { repaired, left })
}
