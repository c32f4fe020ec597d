//! The consistency of a loose hive.

use std::path::Path;
use std::sync::Arc;

use winkiln_hive::{DIRTY, Finding, check_file};

use super::file::HiveFile;
use super::{LooseHive, logs};
use crate::error::{CliError, Result};

impl LooseHive {
    /// Checks a hive file, also one that does not open: what there is to know of it, and what is wrong with it. A hive that was
    /// not closed properly is checked as its logs make it, in memory; without logs, as it is.
    pub(crate) fn check(path: &Path) -> Result<(Option<String>, Vec<Finding>)> {
        let bytes = Arc::new(HiveFile::open(path)?.read()?);
        let error = match logs::load(path, Arc::clone(&bytes)) {
            Ok(logs::Loaded { hive, recovered }) => {
                let note = recovered.map(|(_, recovery)| logs::told(path, recovery));
                return Ok((note, hive.check()));
            }
            Err(error) => error,
        };
        let Some(mut findings) = check_file(&bytes) else {
            return Err(CliError::refused(format!("{} is no registry hive", path.display())));
        };
        let dirty = findings.iter().any(|finding| finding.id == DIRTY);
        if dirty {
            findings.retain(|finding| finding.id != DIRTY);
            return Ok((Some(error.one_line()), findings));
        }
        if findings.is_empty() {
            return Err(error);
        }
        Ok((None, findings))
    }
}
