//! What went wrong, what to do about it, and the exit status: decided here and nowhere else.
//!
//! | status | meaning |
//! | --- | --- |
//! | 0 | done |
//! | 1 | failed, nothing written |
//! | 2 | wrong usage (also what the argument parser ends with) |
//! | 3 | refused: the image is not safe to edit |
//! | 4 | done, and problems were found |
//!
//! A program that a signal stops ends by that signal, which shells show as 130 (SIGINT), 143 (SIGTERM) or 129 (SIGHUP).
//!
//! Errors go to standard error as text, with `--json` too: standard output then stays empty.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use winkiln_archive::Error as ArchiveError;
use winkiln_bake::BakeError;
use winkiln_bake::session::ErrorKind;
use winkiln_boot::bcd::BcdError;
use winkiln_boot::boot_ini::BootIniError;
use winkiln_boot::nvram::NvramError;
use winkiln_disk::{CommitError, DeviceError, ImageError, UndoError};
use winkiln_guest::GuestError;
use winkiln_hive::HiveError;
use winkiln_hive::reg_text::{RegReadError, RegTextError};
use winkiln_volume::VolumeError;

use crate::render::text::printable;

/// The result of everything in the program.
pub(crate) type Result<T, E = CliError> = std::result::Result<T, E>;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Nothing was written.
    Failed,
    /// The command line does not make sense.
    Usage,
    /// The image is not safe to edit.
    Refused,
    /// A check found problems, and has told them.
    Problems,
    /// Whoever read standard output has had enough.
    PipeClosed,
}

/// An error as people see it.
#[derive(Debug)]
pub(crate) struct CliError {
    ending: Ending,
    /// From what was being done down to the first cause.
    chain: Vec<String>,
    hint: Option<String>,
}

impl CliError {
    /// The work failed; nothing was written.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Ending::Failed, message.into())
    }

    /// The command line does not make sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Ending::Usage, message.into())
    }

    /// The image is not safe to edit, or of a kind that is not supported.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Ending::Refused, message.into())
    }

    /// A file of the host could not be read or written.
    pub(crate) fn host(doing: impl Into<String>, error: &io::Error) -> Self {
        let mut this = Self::failed(doing);
        this.chain.push(error.to_string());
        this
    }

    /// A check found problems; there is nothing more to say.
    pub(crate) fn problems() -> Self {
        Self::new(Ending::Problems, String::new())
    }

    /// Standard output could not be written.
    pub(crate) fn standard_output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Ending::PipeClosed, String::new());
        }
        Self::host("cannot write to standard output", error)
    }

    /// The program itself is at fault.
    pub(crate) fn fault(what: String) -> Self {
        let mut this = Self::failed("winkiln stopped by a fault of its own");
        this.chain.push(what);
        this.hint(
            "please report it; an image is as it was, or the next opening finishes its commit",
        )
    }

    /// Puts what was being done before the error's own words.
    pub(crate) fn while_doing(mut self, what: impl FnOnce() -> String) -> Self {
        if self.ending != Ending::PipeClosed {
            self.chain.insert(0, what());
        }
        self
    }

    /// Says what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn new(ending: Ending, message: String) -> Self {
        Self { ending, chain: vec![message], hint: None }
    }

    fn of(ending: Ending, error: &dyn Error, hint: Option<String>) -> Self {
        let mut chain = vec![error.to_string()];
        let mut source = error.source();
        // A chain that long is a cycle.
        for _ in 0..32 {
            let Some(cause) = source else { break };
            let text = cause.to_string();
            if chain.last() != Some(&text) {
                chain.push(text);
            }
            source = cause.source();
        }
        Self { ending, chain, hint }
    }

    /// The whole chain in one line, for warnings.
    pub(crate) fn one_line(&self) -> String {
        self.chain.join(": ")
    }

    /// Prints the error and tells the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        if !matches!(self.ending, Ending::PipeClosed | Ending::Problems) {
            let mut text = String::new();
            for (depth, line) in self.chain.iter().enumerate() {
                let lead = if depth == 0 { "error" } else { "  because" };
                let _ = writeln!(text, "{lead}: {}", printable(line));
            }
            if let Some(hint) = &self.hint {
                let _ = writeln!(text, "hint: {}", printable(hint));
            }
            // Nobody is left to tell when standard error is gone too.
            let _ = io::Write::write_all(&mut io::stderr(), text.as_bytes());
        }
        ExitCode::from(match self.ending {
            Ending::PipeClosed => 0,
            Ending::Failed => 1,
            Ending::Usage => 2,
            Ending::Refused => 3,
            Ending::Problems => 4,
        })
    }
}

/// Says what was being done when an error came up.
pub(crate) trait Doing<T> {
    /// Puts `what` before the error's own words.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<CliError>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| error.into().while_doing(what))
    }
}

/// The option that answers the error.
fn image_hint(error: &ImageError) -> Option<String> {
    match error {
        ImageError::BackingOutside { names, .. } => Some(format!(
            "if the image can be trusted: --allow-backing {}, or its --format",
            names.display()
        )),
        ImageError::UndoExists { .. } | ImageError::OverlayExists { .. } => {
            Some("name a file that is not there".to_owned())
        }
        ImageError::JournalFolder { .. } => {
            Some("--journal-dir DIR, on a disk that outlives a restart of this system".to_owned())
        }
        _ => None,
    }
}

fn refused_if(refusal: bool) -> Ending {
    if refusal { Ending::Refused } else { Ending::Failed }
}

impl From<BakeError> for CliError {
    fn from(error: BakeError) -> Self {
        let ending = match error.kind() {
            ErrorKind::Failed => Ending::Failed,
            ErrorKind::Usage => Ending::Usage,
            ErrorKind::Refused => Ending::Refused,
        };
        let hint = error.hint();
        match &error {
            // It names the image itself.
            BakeError::Image(source) => Self::of(ending, source, image_hint(source).or(hint)),
            _ => Self::of(ending, &error, hint),
        }
    }
}

impl From<GuestError> for CliError {
    fn from(error: GuestError) -> Self {
        let ending = match error {
            GuestError::UnknownKey { .. } => Ending::Usage,
            _ => refused_if(error.is_refusal()),
        };
        Self::of(ending, &error, None)
    }
}

impl From<VolumeError> for CliError {
    fn from(error: VolumeError) -> Self {
        Self::of(refused_if(error.is_refusal()), &error, None)
    }
}

impl From<HiveError> for CliError {
    fn from(error: HiveError) -> Self {
        let ending = match &error {
            // Text of the user's, as in a .reg file.
            HiveError::SecurityDescriptor(_) if !error.is_refusal() => Ending::Usage,
            _ => refused_if(error.is_refusal()),
        };
        Self::of(ending, &error, None)
    }
}

impl From<ImageError> for CliError {
    fn from(error: ImageError) -> Self {
        Self::of(refused_if(error.is_refusal()), &error, image_hint(&error))
    }
}

impl From<UndoError> for CliError {
    fn from(error: UndoError) -> Self {
        let ending = refused_if(error.is_refusal());
        let hint = match &error {
            UndoError::Image(source) => {
                let missing = matches!(source, ImageError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound);
                let renamed = missing.then(|| "an image that has another name by now: --image IMAGE".to_owned());
                return Self::of(ending, source, image_hint(source).or(renamed));
            }
            UndoError::Date { .. } => Some(
                "if it was only copied or touched: --ignore-date; what the commit wrote is compared all the same"
                    .to_owned(),
            ),
            _ => None,
        };
        Self::of(ending, &error, hint)
    }
}

impl From<CommitError> for CliError {
    fn from(error: CommitError) -> Self {
        Self::of(Ending::Failed, &error, None)
    }
}

impl From<BcdError> for CliError {
    fn from(error: BcdError) -> Self {
        let refusal = matches!(&error, BcdError::Hive(hive) if hive.is_refusal());
        Self::of(refused_if(refusal), &error, None)
    }
}

impl From<NvramError> for CliError {
    fn from(error: NvramError) -> Self {
        let refusal = matches!(&error, NvramError::Damaged { .. });
        Self::of(refused_if(refusal), &error, None)
    }
}

impl From<DeviceError> for CliError {
    fn from(error: DeviceError) -> Self {
        Self::of(Ending::Failed, &error, None)
    }
}

impl From<BootIniError> for CliError {
    fn from(error: BootIniError) -> Self {
        Self::of(Ending::Failed, &error, None)
    }
}

impl From<RegTextError> for CliError {
    fn from(error: RegTextError) -> Self {
        Self::of(Ending::Usage, &error, None)
    }
}

impl From<RegReadError> for CliError {
    fn from(error: RegReadError) -> Self {
        match error {
            RegReadError::Text(error) => error.into(),
            RegReadError::Io(_) => Self::of(Ending::Failed, &error, None),
        }
    }
}

impl From<ArchiveError> for CliError {
    fn from(error: ArchiveError) -> Self {
        Self::of(Ending::Failed, &error, None)
    }
}
