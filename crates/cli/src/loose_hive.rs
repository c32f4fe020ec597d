//! A hive in a file of its own, edited without an image.

mod check;
mod ledger;
mod logs;
mod mount;
mod replace;

use std::path::{Path, PathBuf};

use winkiln_bake::Report;
use winkiln_hive::reg_text::RegOperation;
use winkiln_hive::{Hive, HiveError, KeyId};

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
    ledger: Ledger,
    /// Logs that the hive was recovered from.
    logs: Vec<PathBuf>,
    warnings: Vec<String>,
}

impl LooseHive {
    /// Opens for reading. A dirty hive is recovered from the logs beside it; without any, it is read as it is, with a
    /// warning.
    pub(crate) fn open_read_only(path: &Path, mount: Option<&str>, output: Output) -> Result<Self> {
        let bytes = read(path)?;
        if let Err(error @ HiveError::Dirty { .. }) = Hive::open(bytes.clone())
            && !logs::are_beside(path)?
        {
            output.warn(&format!("{}: {error}; shown without them", path.display()));
            let hive = Hive::open_unrecovered(bytes);
            let doing = || format!("cannot open hive {}", path.display());
            return Self::new(path, hive.doing(doing)?, mount);
        }
        let this = Self::load(path, bytes, mount)?;
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
            ledger: Ledger::default(),
            logs: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// The hive.
    pub(crate) fn hive(&self) -> &Hive {
        &self.hive
    }

    /// The hive, for edits that the caller records itself.
    pub(crate) fn parts(&mut self) -> (&mut Hive, &mut Ledger) {
        (&mut self.hive, &mut self.ledger)
    }

    /// The path below the hive's root that a key means.
    pub(crate) fn locate(&self, key: &str) -> Result<String> {
        mount::locate(&self.hive, self.mount.as_deref(), key)
            .doing(|| format!("cannot place {key} in {}", self.path.display()))
    }

    /// Finds a key.
    pub(crate) fn find(&self, key: &str) -> Result<Option<KeyId>> {
        let path = self.locate(key)?;
        self.hive
            .find(self.hive.root(), &path)
            .doing(|| format!("cannot read {key} in {}", self.path.display()))
    }

    /// Carries out the operations of `.reg` text, in their order.
    pub(crate) fn import(&mut self, operations: &[RegOperation], now: u64) -> Result<()> {
        for operation in operations {
            let path = self.locate(&operation.key).doing(|| format!("line {}", operation.line))?;
            self.ledger
                .apply(&mut self.hive, &operation.key, &path, &operation.action, now)
                .doing(|| format!("line {}: cannot edit {}", operation.line, operation.key))?;
        }
        Ok(())
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
