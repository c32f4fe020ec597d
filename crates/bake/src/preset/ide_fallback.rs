//! Windows' own drivers for IDE, AHCI and NVMe start with it.

use super::plan::Planner;
use crate::{BakeError, Step};

/// What is there to start depends on the guest's files, which the step looks at.
pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    planner.step(Step::StartInBoxStorage);
    Ok(())
}
