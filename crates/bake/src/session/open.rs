//! Opening an image for one transaction.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use winkiln_disk::image::Recovery;
use winkiln_disk::{Device, Image, OpenOptions, Transaction};
use winkiln_guest::Disk;
use winkiln_volume::Filesystem;

use super::{Session, SessionOptions};
use crate::BakeError;
use crate::ledger::Ledger;

impl Session {
    /// Opens for editing (`open.writable` is set from `dry_run`).
    ///
    /// # Errors
    /// An image that is in use, unsafe or unreadable; a partition table that cannot be read.
    pub fn open(path: &Path, options: &SessionOptions) -> Result<Self, BakeError> {
        Self::open_as(path, options, true)
    }

    /// Opens for reading only: `inspect`, `reg query`, `fs ls`...
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open_read_only(path: &Path, options: &SessionOptions) -> Result<Self, BakeError> {
        Self::open_as(path, options, false)
    }

    /// As [`Session::open`], over an image that is open: of `options.open`, `undo` and `overlay` are told in the report, the rest no longer matters. One that is open for reading only
    /// makes a session whose commit fails, unless it is a dry run.
    ///
    /// # Errors
    /// A partition table that cannot be read; volumes that cannot be given what `options.remedies` asks for.
    pub fn over(image: Image, options: &SessionOptions) -> Result<Self, BakeError> {
        Self::over_as(image, options, true)
    }

    fn open_as(path: &Path, options: &SessionOptions, editable: bool) -> Result<Self, BakeError> {
        let writable = editable && !options.dry_run;
        let image = Image::open(path, &OpenOptions { writable, ..options.open.clone() })?;
        Self::over_as(image, options, editable)
    }

    fn over_as(image: Image, options: &SessionOptions, editable: bool) -> Result<Self, BakeError> {
        let writable = image.is_writable();
        let format = image.format();
        let recovery = image.recovery();
        // Nothing is written through it when the session is for reading only, or dry: a transaction that is never committed.
        let transaction = Arc::new(Transaction::begin(image));
        let device: Arc<dyn Device> = Arc::clone(&transaction) as Arc<dyn Device>;
        let disk = Disk::open(device, editable, options.now)?;
        let mut session = Self {
            transaction,
            disk,
            guest: None,
            ledger: Ledger::default(),
            rewritten: Vec::new(),
            claims: Vec::new(),
            warnings: Vec::new(),
            drivers: Vec::new(),
            told_max: None,
            kept_addresses: Vec::new(),
            format,
            editable,
            dry_run: options.dry_run,
            now: options.now,
            volume: options.volume,
            file_volume: None,
            open_link: false,
            undo: options.open.undo.as_ref().map(|path| path.display().to_string()),
            overlay: options.open.overlay.as_ref().map(|path| path.display().to_string()),
            short_names: options.short_names,
            told_short_names: BTreeSet::new(),
            failed: false,
        };
        if editable {
            session.apply_remedies(options.remedies)?;
        }
        session.warn_of_state(recovery, writable);
        Ok(session)
    }

    /// What opening found that the user should know.
    fn warn_of_state(&mut self, recovery: Option<Recovery>, writable: bool) {
        let text = match (recovery, writable) {
            (None, _) => None,
            (Some(Recovery::Finished), true) => {
                Some("an interrupted commit was found complete in its journal and was finished")
            }
            (Some(Recovery::Finished), false) => Some(
                "an interrupted commit is complete in its journal; the image is shown as if it were finished",
            ),
            (Some(Recovery::Discarded), true) => Some(
                "an interrupted commit was incomplete and was discarded; the image is as it was before",
            ),
            (Some(Recovery::Discarded), false) => {
                Some("an interrupted commit is incomplete; the image is shown as it was before")
            }
        };
        self.warnings.extend(text.map(str::to_owned));
        self.warnings.extend(self.disk.table().warnings.iter().cloned());
        for volume in self.disk.volumes() {
            let identity = &volume.identity;
            // What is no Windows filesystem is not ours to judge.
            if !identity.clean && identity.filesystem != Filesystem::Unknown {
                self.warnings.push(format!(
                    "volume {} is not clean: {}",
                    volume.number,
                    identity.reasons.join(", ")
                ));
            }
        }
    }
}
