//! Asking every rule.

use winkiln_bake::{BakeError, Session};
use winkiln_guest::error::with_causes;
use winkiln_guest::{GuestError, Windows};

use crate::chain::{Link, links};
use crate::finding::{Finding, Severity};
use crate::patient::Patient;
use crate::rule::RULES;
use crate::target::Target;

/// A rule that could not look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The rule's id.
    pub rule: &'static str,
    /// Why.
    pub reason: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The Windows looked at; `None` where only the rest of one was found.
    pub windows: Option<Windows>,
    /// Where it is to boot, as asked.
    pub target: Option<Target>,
    /// The kinds of controllers that it boots from, by the words of [`winkiln_guest::boots_on()`].
    pub boots_on: Vec<&'static str>,
    /// The worst first.
    pub findings: Vec<Finding>,
    /// The way from the firmware to Windows, as far as it can be told.
    pub chain: Vec<Link>,
    /// Rules that could not look. What keeps them from it is a finding of another rule.
    pub skipped: Vec<Skipped>,
}

impl Diagnosis {
    /// True when nothing was found.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.findings.is_empty()
    }

    /// True when something was found that stops Windows from booting.
    #[must_use]
    pub fn stops(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Stops)
    }
}

/// Asks every rule about the Windows of a session: the one on its `--volume`, else the default one. Steps that the session applied
/// count. Changes nothing.
///
/// # Errors
/// When there is no Windows, nor the rest of one.
pub fn diagnose(session: &mut Session, target: Option<Target>) -> Result<Diagnosis, BakeError> {
    examine(session, target, true)
}

/// As [`diagnose`], without the rules that take more than a moment.
///
/// # Errors
/// As [`diagnose`].
pub fn quick(session: &mut Session, target: Option<Target>) -> Result<Diagnosis, BakeError> {
    examine(session, target, false)
}

fn examine(
    session: &mut Session,
    target: Option<Target>,
    thorough: bool,
) -> Result<Diagnosis, BakeError> {
    let mut without = None;
    let windows = match session.windows() {
        Ok(windows) => Some(windows),
        Err(error) => {
            let none = matches!(
                &error,
                BakeError::Guest(GuestError::NoWindows | GuestError::NoReadableWindows { .. })
                    | BakeError::NoWindowsOnVolume { .. }
            );
            let states = session.disk().volumes().iter().any(|volume| !volume.identity.clean);
            let rest = states || !session.disk().broken_windows().is_empty();
            if !none || !rest {
                return Err(error);
            }
            without = Some(error);
            None
        }
    };
    let mut patient = Patient::new(session, windows.clone(), target);
    let mut findings = Vec::new();
    let mut skipped = Vec::new();
    for rule in RULES.iter().filter(|rule| thorough || !rule.slow) {
        match (rule.look)(&mut patient) {
            Ok(found) => findings.extend(found),
            Err(error) => {
                skipped.push(Skipped { rule: rule.id, reason: with_causes(&error) });
            }
        }
    }
    // Nothing found is no answer where there is no Windows to find something in.
    if let Some(error) = without.filter(|_| findings.is_empty()) {
        return Err(error);
    }
    let verdicts = patient.verdicts().unwrap_or_default();
    let boots_on = verdicts.iter().filter(|bus| bus.boots()).map(|bus| bus.word).collect();
    let chain = links(&mut patient);
    // Stable: in the order in which Windows comes to them.
    findings.sort_by_key(|finding| finding.severity);
    Ok(Diagnosis { windows, target, boots_on, findings, chain, skipped })
}
