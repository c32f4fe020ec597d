//! Files that cannot be read: whether they are missing nobody can tell, so nothing is put in their place.

use winkiln_guest::GuestError;
use winkiln_guest::error::with_causes;

use crate::finding::{Finding, Repair, Severity};

pub(super) const CHECK: &str = "winkiln check IMAGE tells what is wrong with the volume; chkdsk, in Windows or from an installation medium, repairs it";

/// What a rule tells of a file that it cannot look for.
pub(super) fn unreadable(
    rule: &'static str,
    severity: Severity,
    object: String,
    error: &GuestError,
) -> Finding {
    Finding {
        rule,
        severity,
        object,
        found: format!("it cannot be read: {}", with_causes(error)),
        expected: "a file that can be read".to_owned(),
        repair: Repair::advice(CHECK),
    }
}
