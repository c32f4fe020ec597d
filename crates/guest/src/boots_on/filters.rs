//! Filter drivers: a device whose filter does not start does not start either.

use super::Obstacle;
use super::driver::Drivers;
use super::guest::{Guest, full};

/// The filters of a setup class.
pub(super) fn check_class(
    guest: &Guest<'_>,
    drivers: &mut Drivers<'_>,
    class: &str,
) -> Result<(), Obstacle> {
    let key = guest.in_set(&format!(r"Control\Class\{class}"));
    check(guest, drivers, &guest.filters(&key)?, &full(&key))
}

/// Filters that `key` names, with the values that do.
pub(super) fn check(
    guest: &Guest<'_>,
    drivers: &mut Drivers<'_>,
    filters: &[(&'static str, String)],
    key: &str,
) -> Result<(), Obstacle> {
    for (value, filter) in filters {
        drivers.start(guest, filter).map_err(|why| Obstacle::Filter {
            value,
            key: key.to_owned(),
            filter: filter.clone(),
            why: Box::new(why),
        })?;
    }
    Ok(())
}
