//! INF files. An input is one.

use winkiln_drivers::Architecture;
use winkiln_drivers::inf::{IncludedInfs, Inf, ParseOptions};

/// The file includes itself, under any name.
struct Itself<'a>(&'a Inf);

impl IncludedInfs for Itself<'_> {
    fn find(&self, _name: &str) -> Option<&Inf> {
        Some(self.0)
    }
}

/// Parses a file and works out what each of its sections would install.
pub fn run(data: &[u8]) {
    let Ok(inf) = Inf::parse("fuzz.inf", data, &ParseOptions::default()) else { return };
    let _ = inf.version();
    for maker in inf.manufacturers().unwrap_or_default() {
        for section in &maker.sections {
            assert!(inf.section(&section.name).is_some(), "a models section is a section");
        }
    }
    for section in inf.sections().iter().take(16) {
        for architecture in [Architecture::X86, Architecture::Amd64] {
            let Ok(install) = inf.install(&section.name, architecture, &Itself(&inf)) else {
                continue;
            };
            let lines = install.files.iter().map(|file| file.line);
            let edits = install.registry.iter().map(|edit| edit.line);
            assert!(lines.chain(edits).all(|line| line > 0), "everything has a line");
        }
    }
}

/// The fixtures of the crate's tests.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let text = include_str!("../../../fixtures/inf/kilnneeds.inf");
    let wide = format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        include_bytes!("../../../fixtures/inf/kilnstor.inf").to_vec(),
        include_bytes!("../../../fixtures/inf/kilnbase.inf").to_vec(),
        text.as_bytes().to_vec(),
        wide,
    ]
}
