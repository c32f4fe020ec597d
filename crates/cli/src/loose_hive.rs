//! A hive in a file of its own, edited without an image.

mod check;
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

use winkiln_bake::Report;
use winkiln_hive::reg_text::RegOperation;
use winkiln_hive::{Hive, KeyId};

use crate::error::{CliError, Doing as _, Result};
use crate::output::Output;
pub(crate) use ledger::Ledger;
pub(crate) use mount::{full_name, guess};

/// A hive is at most this long: what 32-bit cell offsets with their top bit reserved can reach.
const HIVE_BYTES_MAX: u64 = 2 << 30;

/// A hive file, open.
pub(crate) struct LooseHive {
    path: PathBuf,
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
        let this = match Self::load(path, read(path)?, mount) {
            Err(error) if !logs::are_beside(path)? => {
                // Only a dirty hive can be opened nevertheless.
                let Ok(hive) = Hive::open_unrecovered(read(path)?) else { return Err(error) };
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

    /// Opens for editing.
    pub(crate) fn open(path: &Path, mount: Option<&str>) -> Result<Self> {
        Self::load(path, read(path)?, mount)
    }

    fn load(path: &Path, bytes: Vec<u8>, mount: Option<&str>) -> Result<Self> {
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
        let mount = match mount {
            Some(key) => Some(mount::parse(key)?),
            None => guess(&hive).map(str::to_owned),
        };
        Ok(Self {
            path: path.to_owned(),
            hive,
            mount,
            open_link: false,
            ledger: Ledger::default(),
            logs: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// Where it is mounted, when that is known.
    pub(crate) fn mount(&self) -> Option<&str> {
        self.mount.as_deref()
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
        let mut places = vec![(operation.key.to_string(), self.unfollowed(&operation.key)?)];
        if all_control_sets {
            places = mount::in_all_control_sets(&self.hive, &places.remove(0))?;
        }
        for (key, path) in places {
            let (key, path) = self.follow(key, path)?;
            self.ledger.apply(&mut self.hive, &key, &path, &operation.action, now)?;
        }
        Ok(())
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

    /// Seals the hive and puts it in the file's place, unless nothing changed or `dry_run`.
    pub(crate) fn finish(mut self, now: u64, dry_run: bool) -> Result<Report> {
        let mut report = self.ledger.report(dry_run);
        report.warnings = self.warnings;
        if !self.hive.is_edited() {
            return Ok(report);
        }
        let changed: u64 = self.hive.seal(now).iter().map(|range| range.end - range.start).sum();
        report.verified = self.ledger.verify(&self.path, &self.hive.shared_bytes())?;
        if !dry_run && changed > 0 {
            replace::replace(&self.path, self.hive.bytes()).map_err(|error| {
                CliError::host(format!("cannot write {}", self.path.display()), &error)
            })?;
            report.committed = true;
            report.io.image_bytes_written = self.hive.bytes().len() as u64;
            report.io.flushes = 2;
            if let Err(error) = logs::empty(&self.logs) {
                // Windows passes them over: the hive is complete, and newer than they are.
                report.warnings.push(format!("a log of the hive could not be emptied: {error}"));
            }
        }
        Ok(report)
    }

    /// The bytes of the hive, sealed.
    pub(crate) fn into_bytes(mut self, now: u64) -> Vec<u8> {
        self.hive.seal(now);
        self.hive.bytes().to_vec()
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let doing = || format!("cannot read {}", path.display());
    let facts = std::fs::metadata(path).map_err(|error| CliError::host(doing(), &error))?;
    if !facts.is_file() {
        return Err(CliError::failed(format!("{} is not a regular file", path.display())));
    }
    if facts.len() > HIVE_BYTES_MAX {
        return Err(CliError::refused(format!(
            "{} is longer than a registry hive can be",
            path.display()
        )));
    }
    std::fs::read(path).map_err(|error| CliError::host(doing(), &error))
}
