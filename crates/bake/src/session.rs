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
mod hive_restore;
mod hive_rewrite;
mod keep_ip_edit;
mod key_security_edit;
mod link_edit;
mod lookup;
mod open;
mod read;
mod registry_edit;
mod registry_read;
mod registry_transfer;
mod remedies;
mod rename_edit;
mod security_edit;
mod short_names;

use std::collections::BTreeSet;
use std::sync::Arc;

use winkiln_disk::{Device, Format, OpenOptions, Transaction};
use winkiln_guest::{Disk, HiveRewrite, Registry, Windows};
use winkiln_verify::Claim;
use winkiln_volume::Remedies;

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
    /// The image's container format, as `--format` takes it, and virtual size.
    #[must_use]
    pub fn image(&self) -> (&'static str, u64) {
        (self.format.name(), self.transaction.len())
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
            Step::RestoreHive { place, name } => self.restore_hive(place.as_ref(), name),
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
