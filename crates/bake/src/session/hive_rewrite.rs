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
        let plan = self.plan_rewrite(file, why)?;
        self.carry_out_rewrite(plan)
    }

    /// Makes a new hive of the one in a file, in memory.
    ///
    /// # Errors
    /// [`BakeError::HiveInUse`] after edits of that hive, and what [`winkiln_guest::Disk::plan_rewrite`] says. The session
    /// goes on all the same.
    pub fn plan_rewrite(
        &mut self,
        file: &HiveFile,
        why: Rewrite,
    ) -> Result<HiveRewrite, BakeError> {
        // Edits of the hive that is in memory would be lost, or undo this one.
        if let Some(guest) = &mut self.guest
            && !guest.registry.close(file)
        {
            return Err(BakeError::HiveInUse { path: file.path.clone() });
        }
        Ok(self.disk.plan_rewrite(file, why, self.now)?)
    }

    /// Carries out what [`Session::plan_rewrite`] planned; nothing may have edited that hive since.
    ///
    /// # Errors
    /// When the volume refuses. The session cannot be finished then.
    pub fn rewrite(&mut self, plan: HiveRewrite) -> Result<(), BakeError> {
        if !self.editable {
            return Err(BakeError::ReadOnly);
        }
        let done = self.carry_out_rewrite(plan);
        self.failed |= done.is_err();
        done
    }

    fn carry_out_rewrite(&mut self, plan: HiveRewrite) -> Result<(), BakeError> {
        self.disk.write_rewrite(&plan)?;
        let file = &plan.file;
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
