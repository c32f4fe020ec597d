//! Steps on objects of the BCD store.

use winkiln_boot::bcd::{self, BcdError, Element, Retargeted, StoreChange};
use winkiln_guest::HiveName;
use winkiln_hive::Hive;

use super::Session;
use super::boot_edit::state;
use super::lookup::require_bcd;
use crate::ledger::{Ledger, State, Target};
use crate::{BakeError, Step};

const BOOT_MANAGER: &str = "{bootmgr}";

impl Session {
    /// Carries out a step that may touch many elements, and records what differs afterwards.
    pub(super) fn edit_objects(&mut self, step: &Step) -> Result<(), BakeError> {
        let now = self.now;
        let object = match step {
            Step::BcdCreate { object, .. }
            | Step::BcdCopy { object, .. }
            | Step::BcdDeleteObject { object, .. } => object.as_str(),
            Step::BcdRetarget => "store",
            _ => BOOT_MANAGER,
        };
        let failed = |source| BakeError::Bcd { object: object.to_owned(), source };
        let mut left = Vec::new();
        let (guest, disk, ledger) = self.guest()?;
        require_bcd(guest)?;
        let store = guest.registry.hive(disk, &HiveName::Bcd)?;
        let before = bcd::objects(store).map_err(failed)?;
        if matches!(step, Step::BcdRetarget) {
            // Without a SYSTEM hive, drive letters tell nothing; files do.
            let was = winkiln_guest::windows_was(disk, &mut guest.registry).ok().flatten();
            let formerly: Vec<_> = was.map(|was| (guest.windows.volume, was)).into_iter().collect();
            let store = guest.registry.hive(disk, &HiveName::Bcd)?;
            let candidates =
                winkiln_guest::boot_candidates(disk, store, &formerly).map_err(failed)?;
            let store = guest.registry.hive_mut(disk, &HiveName::Bcd)?;
            let found = bcd::retarget(store, &candidates, now).map_err(failed)?;
            left = found.into_iter().filter(|found| found.after.is_none()).collect();
        } else {
            let store = guest.registry.hive_mut(disk, &HiveName::Bcd)?;
            edit(store, step, now).map_err(failed)?;
        }
        let store = guest.registry.hive(disk, &HiveName::Bcd)?;
        let changes = bcd::changes(&before, &bcd::objects(store).map_err(failed)?);
        record(ledger, changes);
        for Retargeted { object, before, .. } in left {
            self.warn(format!(
                "{} of {object} names {}, which is not on this disk; what it meant cannot be told",
                before.name,
                before.to_text()
            ));
        }
        Ok(())
    }
}

/// Carries out a step on a store. False when it was so already.
pub fn edit(store: &mut Hive, step: &Step, now: u64) -> Result<bool, BcdError> {
    match step {
        Step::BcdCreate { object, kind, description } => {
            bcd::create_object(store, object, *kind, description.as_deref(), now).map(|_| true)
        }
        Step::BcdCopy { object, guid, description } => {
            bcd::copy_object(store, object, guid, description.as_deref(), now).map(|_| true)
        }
        Step::BcdDeleteObject { object, cleanup } => {
            bcd::delete_object(store, object, *cleanup, now).map(|()| true)
        }
        Step::BcdOrder { list, edit, entries } => {
            bcd::edit_order(store, BOOT_MANAGER, *list, *edit, entries, now)
        }
        Step::BcdSet { object, element, value } => bcd::set(store, object, element, value, now),
        Step::BcdDelete { object, element } => bcd::delete_value(store, object, element, now),
        _ => Ok(false),
    }
}

fn record(ledger: &mut Ledger, changes: Vec<StoreChange>) {
    if changes.is_empty() {
        ledger.unchanged += 1;
    }
    for change in changes {
        match change {
            StoreChange::Object { object, heading, is_there } => {
                let (gone, there) = (State::Absent, State::Words(heading));
                let (before, after) = if is_there { (gone, there) } else { (there, gone) };
                ledger.record(Target::Object { object }, before, after);
            }
            StoreChange::Element { object, before, after } => {
                let Some(Element { id, name, .. }) = after.as_deref().or(before.as_deref()) else {
                    continue;
                };
                let target = Target::Element { object, id: *id, name: name.clone() };
                let state = |element: Option<&Element>| element.map_or(State::Absent, state);
                ledger.record(target, state(before.as_deref()), state(after.as_deref()));
            }
        }
    }
}
