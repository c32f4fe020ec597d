//! Whether a volume may be written, and why not.

use crate::{
    Error,
    boot_sector::Geometry,
    core::Core,
    hibernation::HibernationImage,
    log_state::{LogFacts, LogState},
    volume_information as information,
};

/// Whether a volume may be written, and why not. Reported by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VolumeState {
    /// True when nothing speaks against writing.
    pub clean: bool,
    /// Stable words for scripts, of what speaks against writing: `hibernated`, `fast-startup`, `log-not-clean`, `dirty`,
    /// `check-underway`, `upgrade-on-mount`, `version`, `larger-than-partition`, `boot-sector-mismatch`, `mft-mirror-mismatch`.
    pub reasons: Vec<String>,
    /// The same with what they were told from, and what does not speak against writing besides: `resize-log`, `mounted-on-nt4`,
    /// `delete-usn-underway`, `repair-object-ids`, `modified-by-chkdsk`, `shadow-copies`.
    pub details: Vec<StateDetail>,
}

/// One fact of a volume's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDetail {
    /// A stable word.
    pub word: String,
    /// What it was told from, in words.
    pub evidence: String,
    /// It speaks against writing.
    pub blocks_writing: bool,
}

impl VolumeState {
    fn add(&mut self, word: &str, blocks_writing: bool, evidence: impl Into<String>) {
        if blocks_writing {
            self.reasons.push(word.to_owned());
        }
        let (word, evidence) = (word.to_owned(), evidence.into());
        self.details.push(StateDetail { word, evidence, blocks_writing });
    }
}

/// Flags of `$Volume`: the word, whether it speaks against writing, what it means.
const FLAGS: [(u16, &str, bool, &str); 8] = [
    (information::DIRTY, "dirty", true, "Windows is to check the volume"),
    (information::CHECK_UNDERWAY, "check-underway", true, "a check of the volume did not end"),
    (information::UPGRADE_ON_MOUNT, "upgrade-on-mount", true, "Windows is to convert the volume"),
    (information::RESIZE_LOG, "resize-log", false, "Windows is to change the log's size"),
    (information::MOUNTED_ON_NT4, "mounted-on-nt4", false, "Windows NT 4 had it mounted"),
    (
        information::DELETE_USN_UNDERWAY,
        "delete-usn-underway",
        false,
        "the USN journal is being deleted",
    ),
    (
        information::REPAIR_OBJECT_IDS,
        "repair-object-ids",
        false,
        "Windows is to rebuild the index of object ids",
    ),
    (information::MODIFIED_BY_CHKDSK, "modified-by-chkdsk", false, "chkdsk changed the volume"),
];

impl Core {
    /// Collects what speaks against writing, and what there is to know besides. Damage that hides the answer is an error.
    pub(crate) fn volume_state(&mut self) -> Result<VolumeState, Error> {
        let mut state = VolumeState::default();
        let facts = self.volume_information()?;
        let (major, minor) = facts.version;
        if major != 3 {
            let evidence = format!("NTFS version {major}.{minor}; version 3 is written");
            state.add("version", true, evidence);
        }
        for (flag, word, blocks, meaning) in FLAGS {
            if facts.flags & flag != 0 {
                let evidence = format!("flag {flag:#06x} of $Volume is set: {meaning}");
                state.add(word, blocks, evidence);
            }
        }
        let log = self.log_facts()?;
        let image = self.hibernation_image()?;
        match log.state {
            LogState::Clean => {}
            LogState::NotClean => state.add("log-not-clean", true, log_evidence(log, &image)),
            // The hibernated kernel is the one that keeps it.
            LogState::KeptByWindows if image.is_some() => {}
            LogState::KeptByWindows => state.add("fast-startup", true, log_evidence(log, &image)),
        }
        if let Some(image) = &image {
            state.add("hibernated", true, image_evidence(image, log));
        }
        let (end, length) = (self.geometry.backup_offset(), self.cache.device_len());
        if end > length {
            let evidence = format!("the volume takes {end} bytes, the partition has {length}");
            state.add("larger-than-partition", true, evidence);
        }
        if !self.backup_agrees()? {
            let evidence = format!("the boot sector and its copy at {end} differ");
            state.add("boot-sector-mismatch", true, evidence);
        }
        if !self.mirror_agrees()? {
            let evidence = "the first records of $MFT and $MFTMirr differ";
            state.add("mft-mirror-mismatch", true, evidence);
        }
        let copies = self.shadow_copies()?;
        if copies > 0 {
            let evidence = format!("the catalog of shadow copies lists {copies}");
            state.add("shadow-copies", false, evidence);
        }
        state.clean = state.reasons.is_empty();
        Ok(state)
    }

    /// Compares the boot sector with its copy behind the volume. A copy that is not there is no contradiction.
    fn backup_agrees(&mut self) -> Result<bool, Error> {
        let offset = self.geometry.backup_offset();
        let mut sector = [0; crate::boot_sector::BYTES];
        if offset.saturating_add(sector.len() as u64) > self.cache.device_len() {
            return Ok(true);
        }
        self.cache.read(offset, &mut sector)?;
        Ok(sector[3..11] != *b"NTFS    "
            || Geometry::parse(&sector).is_ok_and(|backup| backup == self.geometry))
    }

    /// Compares the first records of `$MFT` with `$MFTMirr`.
    fn mirror_agrees(&mut self) -> Result<bool, Error> {
        let length =
            (u64::from(self.geometry.record_size) * 4).min(self.state.mirror_size) as usize;
        let (mut main, mut copy) = (vec![0; length], vec![0; length]);
        let (mft, mirror) = (self.state.mft.clone(), self.state.mirror.clone());
        let meta = (crate::cluster_io::Route::Metadata, crate::mft::MIRROR);
        self.read_runs(&mft, 0, &mut main, meta)?;
        self.read_runs(&mirror, 0, &mut copy, meta)?;
        let size = self.geometry.record_size as usize;
        for (number, (main, copy)) in
            main.chunks_exact_mut(size).zip(copy.chunks_exact_mut(size)).enumerate()
        {
            crate::fixup::undo(main, "file record", number as u64)?;
            let intact = crate::fixup::undo(copy, "file record", number as u64).is_ok();
            // The update sequence itself and what lies behind the used bytes may differ.
            let used =
                crate::bytes::u32_at(main, 0x18).map_or(0, |used| used as usize).clamp(0x38, size);
            if !intact || main[0x38..used] != copy[0x38..used] {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What the log's state was told from.
fn log_evidence(log: LogFacts, image: &Option<HibernationImage>) -> String {
    match (log.version, log.state) {
        (None, _) => "neither of the log's restart pages is valid".to_owned(),
        (Some((major, minor)), LogState::KeptByWindows) => format!(
            "the log is closed but of version {major}.{minor}, which Windows 8 and later leave while a hibernated kernel keeps \
             the volume mounted"
        ),
        (Some((major @ 2.., minor)), _) if image.is_none() => format!(
            "the log, of version {major}.{minor}, is in use: Windows stopped without a shutdown, or a Windows that is hibernated \
             or waits for a fast startup on another volume has it mounted"
        ),
        (Some((major, minor)), _) => {
            format!(
                "the log, of version {major}.{minor}, is in use: it was not closed by a shutdown"
            )
        }
    }
}

/// What the hibernation was told from.
fn image_evidence(image: &HibernationImage, log: LogFacts) -> String {
    let HibernationImage { signature, size, .. } = image;
    let how = match log.version {
        Some((1, _)) => "by hibernation, as the log is of a version older than fast startup",
        _ => {
            "by hibernation or, from Windows 8 on, by a shutdown for fast startup: the file does not tell which"
        }
    };
    format!(
        "hiberfil.sys, {size} bytes, begins with {signature:?}: Windows saved its memory there, {how}"
    )
}
