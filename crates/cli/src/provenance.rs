//! What was done to an image, from what: a file kept beside it.
//!
//! It tells nothing of the host, of the clock or of how the image was written, so that the same bake of the same image gives the same
//! file.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use winkiln_bake::step::Contents;
use winkiln_bake::{Change, DriverReport, Preset, Recipe, Report, Session, Step};

use crate::error::{CliError, Result};
use crate::render::inspect_json::architecture;
use crate::render::text::hex;
use crate::signals;

/// The preset whose argument is a file.
const TRUST_CERTIFICATE: &str = "trust-certificate";
/// Raised with every change of the form that scripts could trip over.
const SCHEMA: u32 = 1;

#[derive(Debug, Serialize)]
struct Document<'r> {
    schema: u32,
    winkiln: &'static str,
    image: ImageFacts,
    #[serde(skip_serializing_if = "Option::is_none")]
    windows: Option<WindowsFacts>,
    /// As given with `--time`; absent when edits were stamped with the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<u64>,
    inputs: Vec<Input>,
    presets: &'r [String],
    committed: bool,
    dry_run: bool,
    changes: &'r [Change],
    unchanged: usize,
    drivers: &'r [DriverReport],
    warnings: &'r [String],
    verified: Vec<Verified<'r>>,
}

#[derive(Debug, Serialize)]
struct ImageFacts {
    format: &'static str,
    virtual_size: u64,
}

#[derive(Debug, Serialize)]
struct WindowsFacts {
    product_name: String,
    version: String,
    build: u32,
    edition: String,
    arch: &'static str,
}

/// Something that the bake was made from.
#[derive(Debug, Serialize)]
struct Input {
    /// `recipe`, `reg-file`, `certificate`, `file`.
    kind: &'static str,
    /// Its name, without the folders of the host.
    name: String,
    /// Where it went in the guest.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    sha256: String,
}

/// How much an independent reader agreed with.
#[derive(Debug, Serialize)]
struct Verified<'r> {
    reader: &'r str,
    count: usize,
}

/// A report in the making. Its file is there, under another name, before anything is done to the image.
pub(crate) struct Provenance {
    file: NamedTempFile,
    path: PathBuf,
    image: ImageFacts,
    windows: Option<WindowsFacts>,
    time: Option<u64>,
    inputs: Vec<Input>,
    presets: Vec<String>,
}

impl Provenance {
    /// Makes the file, for what is about to be done to an image.
    pub(crate) fn begin(path: &Path, time: Option<u64>, session: &mut Session) -> Result<Self> {
        if path.symlink_metadata().is_ok() {
            return Err(CliError::failed(format!("{} is there already", path.display()))
                .hint("name a file that is not there"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(|error| {
            CliError::host(format!("cannot make the report {}", path.display()), &error)
        })?;
        let (format, virtual_size) = session.image();
        let windows = session.windows().ok().map(|windows| WindowsFacts {
            version: format!("{}.{}", windows.version.0, windows.version.1),
            arch: architecture(windows.architecture),
            product_name: windows.product_name,
            build: windows.build,
            edition: windows.edition,
        });
        Ok(Self {
            file,
            path: path.to_owned(),
            image: ImageFacts { format, virtual_size },
            windows,
            time,
            inputs: Vec::new(),
            presets: Vec::new(),
        })
    }

    /// Takes in a recipe with all that it names but for files, which steps name.
    pub(crate) fn add_recipe(&mut self, file: Option<&Path>, recipe: &Recipe) -> Result<()> {
        if let Some(recipe) = file {
            self.add_input("recipe", recipe, None)?;
        }
        for reg in &recipe.reg_files {
            self.add_input("reg-file", reg, None)?;
        }
        let certificates = recipe.presets.iter().filter(|preset| preset.name == TRUST_CERTIFICATE);
        for path in certificates.filter_map(|preset| preset.argument.as_deref()) {
            self.add_input("certificate", Path::new(path), None)?;
        }
        self.presets.extend(recipe.presets.iter().map(preset_text));
        Ok(())
    }

    /// Takes in the file that a step puts into the image.
    pub(crate) fn add_step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::PutFile { path: to, contents: Contents::HostFile(from), .. } => {
                self.add_input("file", from, Some(to.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Takes in a file that an edit is made from.
    pub(crate) fn add_input(
        &mut self,
        kind: &'static str,
        path: &Path,
        to: Option<String>,
    ) -> Result<()> {
        self.inputs.push(input(kind, path, to)?);
        Ok(())
    }

    /// Writes what was done, and gives the file its name.
    pub(crate) fn finish(self, report: &Report) -> Result<()> {
        let mut verified: Vec<Verified<'_>> = Vec::new();
        for by in &report.verified {
            match verified.iter_mut().find(|known| known.reader == by.reader) {
                Some(known) => known.count += 1,
                None => verified.push(Verified { reader: &by.reader, count: 1 }),
            }
        }
        verified.sort_by_key(|verified| verified.reader);
        let document = Document {
            schema: SCHEMA,
            winkiln: env!("CARGO_PKG_VERSION"),
            image: self.image,
            windows: self.windows,
            time: self.time,
            inputs: self.inputs,
            presets: &self.presets,
            committed: report.committed,
            dry_run: report.dry_run,
            changes: &report.changes,
            unchanged: report.unchanged,
            drivers: &report.drivers,
            warnings: &report.warnings,
            verified,
        };
        let doing = || match report.committed {
            true => {
                format!("the image is edited, but cannot write the report {}", self.path.display())
            }
            false => format!("cannot write the report {}", self.path.display()),
        };
        let failed = |error: &std::io::Error| CliError::host(doing(), error);
        let mut text = serde_json::to_string_pretty(&document)
            .map_err(|error| CliError::failed(format!("{}: {error}", doing())))?;
        text.push('\n');
        let mut file = self.file;
        file.write_all(text.as_bytes())
            .and_then(|()| file.as_file().sync_all())
            .map_err(|error| failed(&error))?;
        file.persist_noclobber(&self.path).map(drop).map_err(|error| failed(&error.error))
    }
}

/// A preset without the folders of the host.
fn preset_text(preset: &Preset) -> String {
    let is_path = preset.name == TRUST_CERTIFICATE;
    let argument =
        preset.argument.as_deref().map(|argument| match Path::new(argument).file_name() {
            Some(name) if is_path => name.to_string_lossy().into_owned(),
            _ => argument.to_owned(),
        });
    argument.map_or_else(|| preset.name.clone(), |argument| format!("{}={argument}", preset.name))
}

fn input(kind: &'static str, path: &Path, to: Option<String>) -> Result<Input> {
    let doing = || format!("cannot read {}", path.display());
    let mut file = File::open(path).map_err(|error| CliError::host(doing(), &error))?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        signals::check()?;
        let count = file.read(&mut piece).map_err(|error| CliError::host(doing(), &error))?;
        if count == 0 {
            break;
        }
        hash.update(&piece[..count]);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Input { kind, name, to, sha256: hex(&hash.finalize()).to_ascii_lowercase() })
}
