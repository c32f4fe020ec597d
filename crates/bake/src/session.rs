//! One image open for one transaction.

mod accounts;
mod bcd_edit;
mod boot_edit;
mod boot_sector_edit;
mod boot_store_edit;
mod contents_edit;
mod driver_edit;
mod driver_removal;
mod file_edit;
mod finish;
mod first_boot_edit;
mod guest_infs;
mod hive_rewrite;
mod keep_ip_edit;
mod key_security_edit;
mod link_edit;
mod lookup;
mod read;
mod registry_edit;
mod registry_read;
mod registry_transfer;
mod remedies;
mod rename_edit;
mod security_edit;
mod short_names;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use winkiln_disk::image::Recovery;
use winkiln_disk::{Device, Format, Image, OpenOptions, Transaction};
use winkiln_guest::{Disk, HiveRewrite, Registry, Windows};
use winkiln_verify::Claim;
use winkiln_volume::{Filesystem, Remedies};

pub use crate::error::{BakeError, ErrorKind};
use crate::facts::Facts;
use crate::ledger::Ledger;
use crate::{DriverReport, KeptAddresses, Preset, Report, Step};
pub use bcd_edit::edit as edit_store_step;
use lookup::GuestLookup;
pub use short_names::ShortNames;

/// How to open a session.
#[derive(Debug, Clone, Default)]
pub struct SessionOptions {
    /// Format, gate.
    pub open: OpenOptions,
    /// Edit, verify and report, but do not commit. The image is opened for reading only.
    pub dry_run: bool,
    /// Time stamped on edits: 100 ns ticks since 1601-01-01 UTC.
    pub now: u64,
    /// `--volume`.
    pub volume: Option<u32>,
    /// What may be done to volumes that Windows did not put away: to all, or to `volume`.
    pub remedies: Remedies,
    /// Whether new long names get 8.3 names.
    pub short_names: ShortNames,
}

/// An image open for one transaction. Dropping it changes nothing.
#[must_use = "a dropped session discards its edits; call `finish`"]
pub struct Session {
    transaction: Arc<Transaction>,
    disk: Disk,
    /// The Windows edited, once it was asked for.
    guest: Option<Guest>,
    ledger: Ledger,
    /// What was made of hives that were written anew.
    rewritten: Vec<HiveRewrite>,
    /// What is claimed besides what the ledger tells, by volume.
    claims: Vec<(u32, Claim)>,
    warnings: Vec<String>,
    drivers: Vec<DriverReport>,
    /// Changes that the report tells one by one; `None` for all.
    told_max: Option<usize>,
    kept_addresses: Vec<KeptAddresses>,
    format: Format,
    editable: bool,
    dry_run: bool,
    now: u64,
    /// As asked.
    volume: Option<u32>,
    /// The volume of file steps, once it was chosen.
    file_volume: Option<u32>,
    /// The step means a symbolic link of the registry itself.
    open_link: bool,
    /// The file that the commit keeps what it overwrites in.
    undo: Option<String>,
    /// The new overlay that the commit goes to.
    overlay: Option<String>,
    /// As asked.
    short_names: ShortNames,
    /// Volumes that were told whether to make 8.3 names.
    told_short_names: BTreeSet<u32>,
    /// A step failed, perhaps half done.
    failed: bool,
}

/// An installation with its registry.
struct Guest {
    windows: Windows,
    registry: Registry,
}

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

    fn open_as(path: &Path, options: &SessionOptions, editable: bool) -> Result<Self, BakeError> {
        let writable = editable && !options.dry_run;
        let image = Image::open(path, &OpenOptions { writable, ..options.open.clone() })?;
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

    /// The image's container format, as `raw` or `qcow2`, and virtual size.
    #[must_use]
    pub fn image(&self) -> (&'static str, u64) {
        let format = match self.format {
            Format::Raw => "raw",
            Format::Qcow2 => "qcow2",
            _ => "other",
        };
        (format, self.transaction.len())
    }

    /// The disk, for reading commands.
    pub fn disk(&mut self) -> &mut Disk {
        &mut self.disk
    }

    /// What the user should know so far.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The Windows edited: the one on `--volume`, else the default one.
    ///
    /// # Errors
    /// None found, none on that volume, or its hives cannot be read.
    pub fn windows(&mut self) -> Result<Windows, BakeError> {
        self.guest().map(|(guest, _, _)| guest.windows.clone())
    }

    /// The registry of that Windows, with the disk to read it from.
    ///
    /// # Errors
    /// As [`Session::windows`].
    pub fn registry(&mut self) -> Result<(&mut Registry, &mut Disk), BakeError> {
        self.guest().map(|(guest, disk, _)| (&mut guest.registry, disk))
    }

    /// The volume file commands use.
    ///
    /// # Errors
    /// No such volume, or several to choose from.
    pub fn file_volume(&mut self) -> Result<u32, BakeError> {
        if let Some(volume) = self.file_volume {
            return Ok(volume);
        }
        let volume = self.disk.pick_volume(self.volume)?;
        self.file_volume = Some(volume);
        Ok(volume)
    }

    /// The installation edited, with the disk and ledger that editing it needs.
    fn guest(&mut self) -> Result<(&mut Guest, &mut Disk, &mut Ledger), BakeError> {
        if self.guest.is_none() {
            let windows = self.choose_windows()?;
            for warning in &windows.warnings {
                self.warn(warning.clone());
            }
            let registry = Registry::new(&windows);
            // File steps and presets mean the same Windows.
            self.file_volume.get_or_insert(windows.volume);
            self.guest = Some(Guest { windows, registry });
        }
        match &mut self.guest {
            Some(guest) => Ok((guest, &mut self.disk, &mut self.ledger)),
            None => Err(BakeError::Guest(winkiln_guest::GuestError::NoWindows)),
        }
    }

    fn choose_windows(&mut self) -> Result<Windows, BakeError> {
        let mut found = self.disk.find_windows()?;
        let name =
            |windows: &Windows| format!("{} on volume {}", windows.product_name, windows.volume);
        if let Some(volume) = self.volume {
            let names: Vec<String> = found.iter().map(name).collect();
            return found.into_iter().find(|windows| windows.volume == volume).ok_or_else(|| {
                let found = if names.is_empty() { "none".into() } else { names.join(", ") };
                BakeError::NoWindowsOnVolume { volume, found }
            });
        }
        if found.is_empty() {
            return Err(self.disk.no_windows().into());
        }
        let chosen = found.remove(0);
        if !found.is_empty() && self.editable {
            let others: Vec<String> = found.iter().map(name).collect();
            self.warnings.push(format!(
                "several installations: edited {}; --volume chooses another ({})",
                name(&chosen),
                others.join(", ")
            ));
        }
        Ok(chosen)
    }

    /// Turns presets into steps for this guest, and adds what the user should know to the report's warnings.
    ///
    /// # Errors
    /// A preset that does not fit the guest; a guest that cannot be read.
    pub fn plan(&mut self, presets: &[Preset]) -> Result<Vec<Step>, BakeError> {
        let mut steps = Vec::new();
        if presets.is_empty() {
            return Ok(steps);
        }
        let mut warnings = Vec::new();
        let (guest, disk, _) = self.guest()?;
        let facts = Facts::from(&guest.windows);
        for preset in presets {
            let mut lookup = GuestLookup { disk: &mut *disk, guest: &mut *guest };
            let planned = preset.plan(&facts, &mut lookup)?;
            steps.extend(planned.steps);
            warnings.extend(planned.warnings);
        }
        for warning in warnings {
            self.warn(warning);
        }
        Ok(steps)
    }

    /// Applies one step to the uncommitted transaction and records its changes.
    ///
    /// # Errors
    /// A step that cannot be done. Part of it may have been done, so the session cannot be finished any more.
    pub fn apply(&mut self, step: &Step) -> Result<(), BakeError> {
        if !self.editable {
            return Err(BakeError::ReadOnly);
        }
        let applied = self.apply_step(step);
        self.failed |= applied.is_err();
        applied
    }

    fn apply_step(&mut self, step: &Step) -> Result<(), BakeError> {
        match step {
            Step::CreateKey { .. }
            | Step::DeleteKey { .. }
            | Step::SetValue { .. }
            | Step::SetValues { .. }
            | Step::DeleteValue { .. }
            | Step::SetKeySecurity { .. }
            | Step::MoveKey { .. }
            | Step::CopyKey { .. } => self.edit_registry(step),
            Step::InAllControlSets(step) => self.in_all_control_sets(step),
            Step::RewriteHive { file, why } => self.rewrite_hive(file, *why),
            Step::OnLink(step) => {
                self.open_link = true;
                let applied = self.apply_step(step);
                self.open_link = false;
                applied
            }
            Step::OnVolume { volume, step } => {
                let usual = self.file_volume.replace(*volume);
                let applied = self.apply_step(step);
                self.file_volume = usual;
                applied
            }
            Step::PutFile { path, contents, parents } => self.put_file(path, contents, *parents),
            Step::MakeDirectory { path, parents } => self.make_directory(path, *parents),
            Step::Remove { path, recursive } => self.remove(path, *recursive),
            Step::Rename { from, to } => self.rename(from, to),
            Step::SetAttributes { path, attributes } => self.set_attributes(path, *attributes),
            Step::Link { path, target, kind } => self.link(path, target, *kind),
            Step::SetSecurity { path, sddl, inside, below } => {
                self.set_security(path, sddl, inside.as_deref(), *below)
            }
            Step::AddDrivers(source) => self.add_drivers(source),
            Step::KeepAddresses(keep) => self.keep_addresses(keep),
            Step::StartInBoxStorage => self.start_in_box_storage(),
            Step::RemoveDrivers(removal) => self.remove_drivers(removal),
            Step::FirstBoot { command } => self.add_first_boot(command),
            boot => self.apply_boot_step(boot),
        }
    }

    /// Saves hives, flushes volumes, verifies every claim by independent readers, and commits unless it is a dry run.
    ///
    /// # Errors
    /// An earlier step that failed, a reader that disagrees, a commit that fails; the image is as it was.
    pub fn finish(self) -> Result<Report, BakeError> {
        finish::finish(self)
    }

    /// Has the report tell no more than so many changes one by one, and count the others; `None` for all.
    pub fn tell_changes(&mut self, max: Option<usize>) {
        self.told_max = max;
    }

    /// Adds a warning once.
    fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }
}
