//! A security descriptor given to a key and passed on to all below it.

use super::{Hive, KeyId};
use crate::cell::CellOffset;
use crate::edit;
use crate::error::HiveError;
use crate::key_node::KeyNode;
use crate::security::SecurityCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use winkiln_security::{
    Domains, Lists, Objects, ParentChange, from_sddl, owner_and_group, propagate, to_sddl,
};

/// A key that has another security descriptor now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityChange {
    /// Its path below the key that was asked for; empty for that one.
    pub path: String,
    /// What it had, as SDDL.
    pub before: Arc<str>,
    /// What it has.
    pub after: Arc<str>,
}

/// What became of a key and all below it.
#[derive(Debug, Clone, Default)]
pub struct SecurityChanges {
    keys: Vec<Visited>,
    outcomes: Vec<Outcome>,
    /// How many keys have the descriptor that they had.
    pub unchanged: usize,
}

/// A key that was looked at.
#[derive(Debug, Clone)]
struct Visited {
    key: KeyId,
    /// The place among the keys of the one above; none for the first.
    above: Option<usize>,
    name: String,
    /// The place of what becomes of it.
    outcome: usize,
}

/// What becomes of keys with one descriptor below keys with one outcome. Few descriptors serve many keys.
#[derive(Debug, Clone)]
struct Outcome {
    /// The cell of the descriptor that they had.
    old: CellOffset,
    new: Rc<[u8]>,
    /// The lists of it that reach the keys below.
    lists: Lists,
    /// Both as SDDL, when the descriptor is another one.
    told: Option<(Arc<str>, Arc<str>)>,
}

impl SecurityChanges {
    /// Keys with another descriptor, each before those below it.
    pub fn changed(&self) -> impl Iterator<Item = SecurityChange> + '_ {
        self.keys.iter().enumerate().filter_map(|(at, key)| {
            let (before, after) = self.outcomes.get(key.outcome)?.told.clone()?;
            Some(SecurityChange { path: self.path(at), before, after })
        })
    }

    fn path(&self, at: usize) -> String {
        let mut names = Vec::new();
        let mut left = self.keys.get(at);
        while let Some(Visited { above: Some(above), name, .. }) = left {
            names.push(name.as_str());
            left = self.keys.get(*above);
        }
        names.reverse();
        names.join("\\")
    }
}

/// Outcomes, each worked out once.
#[derive(Default)]
struct Outcomes {
    all: Vec<Outcome>,
    /// By the outcome of the key above and the cell of the descriptor that a key has.
    below: HashMap<(usize, CellOffset), usize>,
    /// The same outcome below keys with different ones.
    known: HashMap<(CellOffset, Rc<[u8]>, Lists), usize>,
}

impl Outcomes {
    fn add(
        &mut self,
        hive: &Hive,
        old: CellOffset,
        (new, lists): (Vec<u8>, Lists),
    ) -> Result<usize, HiveError> {
        let new: Rc<[u8]> = new.into();
        let identity = (old, Rc::clone(&new), lists);
        if let Some(known) = self.known.get(&identity) {
            return Ok(*known);
        }
        winkiln_security::validate(&new)?;
        let (_, before) = SecurityCell::read(&hive.cells, old)?;
        let text = |descriptor| to_sddl(Objects::Keys, descriptor).map(Arc::<str>::from);
        let told = match *before == *new {
            true => None,
            false => Some((text(before)?, text(&new)?)),
        };
        self.known.insert(identity, self.all.len());
        self.all.push(Outcome { old, new, lists, told });
        Ok(self.all.len() - 1)
    }

    /// That of a key with the descriptor at `own`, below one with the outcome at `above`.
    fn of(
        &mut self,
        hive: &Hive,
        above: usize,
        own: CellOffset,
        people: Option<&[u8]>,
    ) -> Result<usize, HiveError> {
        if let Some(known) = self.below.get(&(above, own)) {
            return Ok(*known);
        }
        let descriptor = |at| SecurityCell::read(&hive.cells, at).map(|(_, descriptor)| descriptor);
        let Some(Outcome { old, new, lists, .. }) = self.all.get(above) else {
            return Err(HiveError::NoCell {
                what: crate::error::Structure::Security,
                offset: own.in_file(),
            });
        };
        let change = ParentChange { old: Some(descriptor(*old)?), new, lists: *lists, people };
        let made = propagate(descriptor(own)?, change, Objects::Keys, true)?;
        let outcome = self.add(hive, own, made)?;
        self.below.insert((above, own), outcome);
        Ok(outcome)
    }

    /// True when keys below one with this outcome may get another descriptor.
    fn reaches_below(&self, outcome: usize, people: Option<&[u8]>) -> bool {
        people.is_some() || self.all.get(outcome).is_some_and(|outcome| outcome.lists.any())
    }
}

impl Hive {
    /// As [`Hive::set_sddl`], and tells what changed. With `below`, the lists are passed on to all keys below: entries of their own
    /// stay, inherited ones are replaced, and what is below something protected stays. A given owner or group becomes that of all
    /// below.
    ///
    /// # Errors
    /// As [`Hive::set_sddl`]; then no key has changed.
    pub fn change_sddl(
        &mut self,
        key: KeyId,
        text: &str,
        domains: Domains<'_>,
        below: bool,
        now: u64,
    ) -> Result<SecurityChanges, HiveError> {
        self.refuse_dirty()?;
        let given = from_sddl(text, domains)?;
        let changes = self.plan_security(key, &given, below)?;
        // The keys of each outcome.
        let mut planned: Vec<Vec<CellOffset>> = vec![Vec::new(); changes.outcomes.len()];
        for visited in &changes.keys {
            if let Some(keys) = planned.get_mut(visited.outcome) {
                keys.push(visited.key.cell());
            }
        }
        let planned: Vec<_> = changes
            .outcomes
            .iter()
            .zip(planned)
            .filter(|(outcome, _)| outcome.told.is_some())
            .map(|(outcome, keys)| (outcome.old, &*outcome.new, keys))
            .collect();
        if !planned.is_empty() {
            self.cells.edit(|cells| edit::replace_security(cells, &planned, now))?;
            self.edited = true;
        }
        Ok(changes)
    }

    /// What is to become of a key and, with `below`, of those below it.
    fn plan_security(
        &self,
        top: KeyId,
        given: &[u8],
        below: bool,
    ) -> Result<SecurityChanges, HiveError> {
        let people = owner_and_group(given)?;
        let people = people.as_deref();
        let mut outcomes = Outcomes::default();
        let mut changes = SecurityChanges::default();
        let mut left: Vec<(KeyId, Option<usize>, String)> = vec![(top, None, String::new())];
        while let Some((key, above, name)) = left.pop() {
            let own = CellOffset(KeyNode::read(&self.cells, key.cell())?.0.security.get());
            let outcome = match above.and_then(|above| changes.keys.get(above)) {
                Some(above) => outcomes.of(self, above.outcome, own, people)?,
                None => outcomes.add(self, own, (self.assigned(key, given)?, Lists::of(given)?))?,
            };
            let at = changes.keys.len();
            changes.keys.push(Visited { key, above, name, outcome });
            if below && outcomes.reaches_below(outcome, people) {
                let subkeys = self.subkeys(key)?.into_iter().rev();
                left.extend(subkeys.map(|(name, subkey)| (subkey, Some(at), name)));
            }
        }
        changes.outcomes = outcomes.all;
        let is_told = |key: &Visited| {
            changes.outcomes.get(key.outcome).is_some_and(|outcome| outcome.told.is_some())
        };
        changes.unchanged = changes.keys.iter().filter(|key| !is_told(key)).count();
        Ok(changes)
    }
}
