//! Where words go: data to standard output, talk to standard error.

use std::io::{self, Write as _};
use std::time::Duration;

use serde::Serialize;
use winkiln_bake::Report;

use crate::args::OutputArgs;
use crate::error::{CliError, Result};
use crate::render::report;
use crate::render::text::printable;

/// How much is said, and in what form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    verbose: u8,
}

impl Output {
    /// As the options ask.
    pub(crate) fn new(args: &OutputArgs) -> Self {
        Self { json: args.json, quiet: args.quiet, verbose: args.verbose }
    }

    /// True when standard output is one JSON document.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// True when nothing but data and errors is wanted.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// True when details are wanted.
    pub(crate) fn is_verbose(self) -> bool {
        self.verbose > 0
    }

    /// Changes of a report that are shown one by one; `None` for all.
    pub(crate) fn changes_told(self) -> Option<usize> {
        (!self.json && self.verbose == 0).then_some(report::CHANGES_MAX)
    }

    /// Prints data: the JSON form when asked for, otherwise the text.
    pub(crate) fn data<T: Serialize>(self, json: &T, text: impl FnOnce() -> String) -> Result<()> {
        if self.json {
            let mut document = serde_json::to_string_pretty(json)
                .map_err(|error| CliError::failed(format!("cannot write JSON: {error}")))?;
            document.push('\n');
            write_out(document.as_bytes())
        } else {
            write_out(text().as_bytes())
        }
    }

    /// Prints what a writing command did: data for `--json`, talk otherwise, which `-q` silences.
    pub(crate) fn outcome<T: Serialize>(
        self,
        json: &T,
        text: impl FnOnce() -> String,
    ) -> Result<()> {
        if self.quiet && !self.json { Ok(()) } else { self.data(json, text) }
    }

    /// Tells the warnings of a writing command's report, which are part of the JSON where that is printed.
    pub(crate) fn warnings(self, report: &Report) {
        if !self.json {
            for warning in &report.warnings {
                self.warn(warning);
            }
        }
    }

    /// Prints the report of a writing command. Its warnings go to standard error, or are part of the JSON.
    pub(crate) fn report(self, report: &Report, took: Option<Duration>) -> Result<()> {
        self.warnings(report);
        self.outcome(report, || report::text(report, self.is_verbose(), took))
    }

    /// Tells the user something that is not data.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet {
            say(&printable(text));
        }
    }

    /// Tells the user something to know; not silenced by `--json`.
    pub(crate) fn warn(self, text: &str) {
        if !self.quiet {
            say(&format!("warning: {}", printable(text)));
        }
    }

    /// Logs a detail, with `-v`.
    pub(crate) fn detail(self, text: impl FnOnce() -> String) {
        if self.verbose > 0 && !self.quiet {
            say(&printable(&text()));
        }
    }
}

/// Writes bytes to standard output.
pub(crate) fn write_out(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|error| CliError::standard_output(&error))
}

fn say(line: &str) {
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(io::stderr(), "{line}");
}
