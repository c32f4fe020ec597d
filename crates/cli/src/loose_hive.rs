//! A hive in a file of its own, edited without an image.

mod check;
mod file;
mod import;
mod ledger;
mod links;
mod logs;
mod mount;
mod replace;
pub(crate) mod rewrite;
mod security;
mod transfer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use winkiln_bake::Report;
use winkiln_hive::reg_text::RegOperation;
use winkiln_hive::{Hive, KeyId};

use crate::args::WriteArgs;
use crate::error::{Doing as _, Result};
use crate::output::Output;
use file::HiveFile;
pub(crate) use ledger::{Ledger, value_told};
pub(crate) use mount::{full_name, guess, is_secret};

/// A hive file, open.
pub(crate) struct LooseHive {
    path: PathBuf,
    /// `None` for a hive that is not yet a file.
    file: Option<HiveFile>,
    dry_run: bool,
    /// Where the commit keeps what it overwrites.
    undo: Option<PathBuf>,
    hive: Hive,
    mount: Option<String>,
    /// A symbolic link at the end of a key is meant itself.
    open_link: bool,
    ledger: Ledger,
    /// Logs that the hive was recovered from.
    logs: Vec<PathBuf>,
    warnings: Vec<String>,
}

impl LooseHive {
    /// Opens for reading. A dirty hive is recovered from the logs beside it; without any, it is read as it is, with a
    /// warning.
    pub(crate) fn open_read_only(path: &Path, mount: Option<&str>, output: Output) -> Result<Self> {
        let bytes = Arc::new(HiveFile::open(path)?.read()?);
        let this = match Self::load(path, Arc::clone(&bytes), mount) {
            Err(error) if !logs::are_beside(path)? => {
                // Only a dirty hive can be opened nevertheless.
                let Ok(hive) = Hive::open_unrecovered(bytes) else { return Err(error) };
                output.warn(&format!("{}; shown without its logs", error.one_line()));
                return Self::new(path, hive, mount);
            }
            loaded => loaded?,
        };
        for warning in &this.warnings {
            output.warn(warning);
        }
        Ok(this)
    }

    /// Opens for editing. A dry run reads alone.
    pub(crate) fn open(path: &Path, mount: Option<&str>, write: &WriteArgs) -> Result<Self> {
        let (dry_run, undo) = (write.dry_run, write.undo.clone());
        let file = HiveFile::open_to_edit(path, dry_run, undo.as_deref())?;
        let this = Self::load(path, Arc::new(file.read()?), mount)?;
        Ok(Self { file: Some(file), dry_run, undo, ..this })
    }

    fn load(path: &Path, bytes: Arc<Vec<u8>>, mount: Option<&str>) -> Result<Self> {
        let logs::Loaded { hive, recovered } = logs::load(path, bytes)?;
        let mut this = Self::new(path, hive, mount)?;
        if let Some((logs, recovery)) = recovered {
            this.warnings.push(logs::told(path, recovery));
            this.logs = logs;
        }
        Ok(this)
    }

    /// A hive that is not yet a file.
    pub(crate) fn new(path: &Path, hive: Hive, mount: Option<&str>) -> Result<Self> {
        let guessed = guess(&hive);
        let mount = match mount {
            Some(key) => Some(mount::parse(key)?),
            None => guessed.map(str::to_owned),
        };
        let mut ledger = Ledger::default();
        if guessed.into_iter().chain(mount.as_deref()).any(is_secret) {
            ledger.hide_values();
        }
        Ok(Self {
            path: path.to_owned(),
            file: None,
            dry_run: false,
            undo: None,
            hive,
            mount,
            open_link: false,
            ledger,
            logs: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// Has no more than so many changes told one by one, and the others counted.
    pub(crate) fn with_changes_told(mut self, max: Option<usize>) -> Self {
        self.ledger.tell(max);
        self
    }

    /// Where it is mounted, when that is known.
    pub(crate) fn mount(&self) -> Option<&str> {
        self.mount.as_deref()
    }

    /// True when its values are not to be shown.
    pub(crate) fn is_secret(&self) -> bool {
        self.ledger.hides_values()
    }

    /// The hive.
    pub(crate) fn hive(&self) -> &Hive {
        &self.hive
    }

    /// The hive, for edits that the caller records itself.
    pub(crate) fn parts(&mut self) -> (&mut Hive, &mut Ledger) {
        (&mut self.hive, &mut self.ledger)
    }

    /// The path below the hive's root that a key means, through symbolic links.
    pub(crate) fn locate(&self, key: &str) -> Result<String> {
        self.place(key).map(|(_, path)| path)
    }

    /// Finds a key.
    pub(crate) fn find(&self, key: &str) -> Result<Option<KeyId>> {
        let path = self.locate(key)?;
        self.hive
            .find(self.hive.root(), &path)
            .doing(|| format!("cannot read {key} in {}", self.path.display()))
    }

    /// Carries out one operation, in every control set when so asked.
    pub(crate) fn carry_out(
        &mut self,
        operation: &RegOperation,
        all_control_sets: bool,
        now: u64,
    ) -> Result<()> {
        for (key, path) in self.places(&operation.key, all_control_sets)? {
            if mount::is_users_classes(self.mount(), &path) {
                self.warn_of_classes();
            }
            self.ledger.apply(&mut self.hive, &key, &path, &operation.action, now)?;
        }
        Ok(())
    }

    fn warn_of_classes(&mut self) {
        let warning =
            r"for Software\Classes of a user, Windows looks into UsrClass.dat, not into NTUSER.DAT";
        if !self.warnings.iter().any(|said| said == warning) {
            self.warnings.push(warning.to_owned());
        }
    }

    /// The full names and paths that a key means, through symbolic links: one, or one in each control set.
    fn places(&self, key: &str, all_control_sets: bool) -> Result<Vec<(String, String)>> {
        let mut places = vec![(key.to_owned(), self.unfollowed(key)?)];
        if all_control_sets {
            places = mount::in_all_control_sets(&self.hive, &places.remove(0))?;
        }
        places.into_iter().map(|(key, path)| self.follow(key, path)).collect()
    }

    /// Renames a key, or moves it.
    pub(crate) fn move_key(&mut self, from: &str, to: &str, now: u64) -> Result<()> {
        let ((from, old), (to, new)) = (self.place(from)?, self.place(to)?);
        self.ledger.move_key(&mut self.hive, (&from, &old), (&to, &new), now)
    }

    /// Copies a key with all below it.
    pub(crate) fn copy_key(&mut self, from: &str, to: &str, now: u64) -> Result<()> {
        let ((from, old), (to, new)) = (self.place(from)?, self.place(to)?);
        self.ledger.copy_key(&mut self.hive, (&from, &old), (&to, &new), now)
    }

    /// Seals the hive and writes it to its file, unless nothing changed or it is a dry run.
    pub(crate) fn finish(mut self, now: u64) -> Result<Report> {
        let mut report = self.ledger.report(self.dry_run);
        report.warnings = self.warnings;
        if !self.hive.is_edited() {
            return Ok(report);
        }
        let ranges = self.hive.seal(now);
        let Self { path, hive, ledger, .. } = self;
        let bytes = hive.shared_bytes();
        let verify = || ledger.verify(&path, &bytes, &mut report);
        let Some(file) = self.file.filter(|_| !self.dry_run && !ranges.is_empty()) else {
            verify()?;
            return Ok(report);
        };
        report.io = if file.is_replaced_by(&ranges) {
            // Made durable meanwhile; it takes no place before it is verified.
            let new = thread::scope(|scope| {
                let new = scope.spawn(|| file.new_contents(&bytes));
                verify()?;
                new.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })?;
            new.publish()?
        } else {
            verify()?;
            // What follows takes some memory of its own.
            let parts = file::parts(&bytes, &ranges);
            drop((hive, bytes));
            file.write(&parts)?
        };
        report.committed = true;
        match self.undo {
            // The hive as it was needs them; as it is, it is past them.
            Some(undo) => report.undo = Some(undo.display().to_string()),
            None => logs::empty(&self.logs, &mut report),
        }
        Ok(report)
    }

    /// The bytes of the hive, sealed.
    pub(crate) fn into_bytes(mut self, now: u64) -> Vec<u8> {
        self.hive.seal(now);
        self.hive.bytes().to_vec()
    }
}
