//! `.Wdf`: what a driver needs of the kernel-mode driver framework.
//!
//! Source: "Specifying WDF directives in INF files".

use super::super::{Entry, InfError, InfProblem};
use super::lookup::Lookup;

/// `KmdfService`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WdfService {
    /// Line of the `KmdfService`, from 1.
    pub line: u32,
    /// Name of the driver's service.
    pub service: String,
    /// `KmdfLibraryVersion`, such as `1.9`: the guest must have it, or a co-installer brings it.
    pub library_version: Option<String>,
}

pub(super) fn kmdf_service<'a>(
    directive: &Entry<'a>,
    lookup: &mut Lookup<'a>,
) -> Result<WdfService, InfError> {
    let missing = InfProblem::MissingField { directive: "KmdfService", field: "name" };
    let service = directive.optional(0).ok_or_else(|| directive.error(missing))?;
    let mut library_version = None;
    if let Some(section) = directive.optional(1) {
        let inf = lookup.section(directive, &section)?;
        let entry = inf.and_then(|inf| inf.entry(&section, "KmdfLibraryVersion"));
        library_version = entry.and_then(|entry| entry.optional(0));
    }
    Ok(WdfService { line: directive.line(), service, library_version })
}
