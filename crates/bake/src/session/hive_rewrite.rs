//! Hives written anew: compacted, or repaired.

use std::sync::Arc;

use winkiln_guest::{HiveFile, HiveRewrite, Rewrite};
use winkiln_verify::{Claim, Contents, Fingerprint, HiveFact};

use super::Session;
use crate::BakeError;
use crate::ledger::{FileState, State, Target};

impl Session {
    /// What was made of hives that were written anew.
    #[must_use]
    pub fn rewritten(&self) -> &[HiveRewrite] {
        &self.rewritten
    }

    pub(super) fn rewrite_hive(&mut self, file: &HiveFile, why: Rewrite) -> Result<(), BakeError> {
        // Edits of the hive that is in memory would be lost, or undo this one.
        if let Some(guest) = &mut self.guest
            && !guest.registry.close(file)
        {
            return Err(BakeError::HiveInUse { path: file.path.clone() });
        }
        let plan = self.disk.plan_rewrite(file, why, self.now)?;
        self.disk.write_rewrite(&plan)?;
        if let Some(after) = &plan.after {
            let before = State::File(FileState::met(Fingerprint::of(&plan.before)));
            let state = State::File(FileState::ours(Fingerprint::of(after)));
            let (volume, path) = (file.volume, file.path.clone());
            self.ledger.record(Target::File { volume, path: path.clone() }, before, state);
            // The root is there, for whoever else reads it.
            let facts = vec![HiveFact::KeyExists { key: String::new() }];
            let contents = Arc::clone(after);
            self.claims.push((volume, Claim::Hive { path, contents, facts }));
            self.claims.extend(plan.logs.iter().map(|log| {
                let contents = Contents::Bytes(Arc::default());
                (volume, Claim::File { path: log.clone(), contents })
            }));
        } else {
            self.ledger.unchanged += 1;
        }
        if let Some(note) = &plan.note {
            self.warn(note.clone());
        }
        self.rewritten.push(plan);
        Ok(())
    }
}
