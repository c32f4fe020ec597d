//! A registry hive comes back from the copy that Windows made of it.

use super::plan::Planner;
use crate::BakeError;
use crate::step::Step;

pub(super) const EXPECTED: &str = "SYSTEM, SOFTWARE, SAM, SECURITY or DEFAULT";
const NAMES: [&str; 5] = ["SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT"];

fn name(argument: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(argument))
}

pub(super) fn is_argument(argument: &str) -> bool {
    name(argument).is_some()
}

pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    if let Some(name) = planner.argument.and_then(name) {
        planner.step(Step::RestoreHive { place: None, name: name.to_owned() });
        planner.warn(&format!("what Windows wrote to {name} since its copy was made is lost"));
    }
    Ok(())
}
