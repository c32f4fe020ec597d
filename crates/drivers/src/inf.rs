//! INF files: text, sections, strings, and what they mean for an installation.
//!
//! An [`Inf`] keeps every line with its number. What the lines mean is worked out when asked for, so that one bad entry does not
//! hide the rest; each error names file and line.
//!
//! Source: "INF file sections and directives" of the Windows driver documentation.

mod decoration;
mod destination;
mod encoding;
mod entry;
mod error;
mod install;
mod lexer;
mod models;
mod section;
mod source;
mod text;
mod version;

use std::collections::HashMap;

use encoding_rs::Encoding;

pub use decoration::{Decoration, TargetOs};
pub use destination::{Destination, Folder};
pub use encoding::code_page;
pub use entry::{Entry, Localized};
pub use error::{InfError, InfProblem};
pub use install::{
    AddServiceFlags, CoInstallers, EventLog, Existing, FileCopy, Filter, Included, IncludedInfs,
    Install, NoIncludes, NotCarriedOut, RegistryData, RegistryEdit, RegistryOperation,
    RegistryRoot, RegistryView, Service, ServiceRemoval, WdfService, actual_section,
};
pub(crate) use install::{ENTRIES_MAX, feature_score};
pub(crate) use models::MODELS_MAX;
pub use models::{Manufacturer, Model, ModelsSection};
pub use section::Section;
pub use source::SourceFile;
pub use text::{Piece, Text};
pub use version::{Catalog, Date, DriverVersion, Version};

use lexer::{FIELD_MAX, Lexer, Token, is_strings};
use text::fold;

/// Bytes of all fields after the substitution of strings: what a file of the largest size could reasonably grow to.
const EXPANSION_MAX: usize = 4 * Inf::BYTES_MAX as usize;
/// United States English, which nearly all INF files have.
const ENGLISH: u16 = 0x0409;

/// How to read a file.
#[derive(Debug, Clone, Copy)]
pub struct ParseOptions {
    /// Code page of text that is neither UTF-16 nor UTF-8; see [`code_page`]. 1252 unless set.
    pub ansi: &'static Encoding,
    /// Language identifier for `[Strings.xxxx]`; 0x0409 unless set.
    pub language: u16,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self { ansi: encoding::DEFAULT, language: ENGLISH }
    }
}

/// A parsed INF.
#[derive(Debug, Clone)]
pub struct Inf {
    name: String,
    sections: Vec<Section>,
    index: HashMap<String, usize>,
    strings: HashMap<String, String>,
    /// Lines, fields and sections.
    cost: usize,
}

impl Inf {
    /// Bytes of an INF. The largest seen, of graphics drivers, have a few million.
    pub const BYTES_MAX: u64 = 16 << 20;

    /// Parses a file. `name` is for errors and lists, such as `viostor.inf`.
    ///
    /// Any text that begins with a section header or a comment is taken; whether it is an INF of Windows, [`Inf::version`] tells.
    ///
    /// # Errors
    /// Text before the first section, a section header without its bracket, or more than any INF holds.
    pub fn parse(name: &str, bytes: &[u8], options: &ParseOptions) -> Result<Self, InfError> {
        let mut inf = Self {
            name: name.to_owned(),
            sections: Vec::new(),
            index: HashMap::new(),
            strings: HashMap::new(),
            cost: 0,
        };
        if bytes.len() as u64 > Self::BYTES_MAX {
            let problem = InfProblem::TooLarge { length: bytes.len(), max: Self::BYTES_MAX };
            return Err(inf.error(0, problem));
        }
        let text = encoding::decode(bytes, options.ansi);
        let mut lexer = Lexer::new(&text);
        let mut current = None;
        while let Some(token) = lexer.next() {
            match token.map_err(|(line, problem)| inf.error(line, problem))? {
                (line, Token::Section(name)) => current = Some(inf.open_section(line, &name)),
                (number, Token::Line(line)) => {
                    let section = current.and_then(|at: usize| inf.sections.get_mut(at));
                    match section {
                        Some(section) => section.push(&line),
                        None => return Err(inf.error(number, InfProblem::BeforeFirstSection)),
                    }
                }
            }
        }
        inf.cost = lexer.cost();
        inf.sections.iter_mut().for_each(Section::shrink);
        inf.strings = inf.choose_strings(options.language);
        inf.check_expansion()?;
        inf.name_by_strings();
        Ok(inf)
    }

    /// The name given to [`Inf::parse`].
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All sections, in the order of their first headers.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The section of that name, in any case.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.get(*self.index.get(&fold(name.trim()))?)
    }

    /// The entries of a section; none when there is no such section.
    pub fn entries<'a>(&'a self, section: &str) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let section = self.section(section);
        section
            .into_iter()
            .flat_map(|section| section.rows().iter().map(|row| Entry::new(self, section, row)))
    }

    /// The first entry of a section with that key.
    #[must_use]
    pub fn entry(&self, section: &str, key: &str) -> Option<Entry<'_>> {
        let section = self.section(section)?;
        let keys = section.keys.get_or_init(|| {
            let mut keys = HashMap::new();
            for (at, row) in section.rows().iter().enumerate() {
                if section.key(row).is_some() {
                    keys.entry(Entry::new(self, section, row).key()).or_insert(at);
                }
            }
            keys
        });
        let row = section.rows().get(*keys.get(&fold(key))?)?;
        Some(Entry::new(self, section, row))
    }

    /// The strings that `%tokens%` stand for, by their names in lower case.
    #[must_use]
    pub fn strings(&self) -> &HashMap<String, String> {
        &self.strings
    }

    /// Substitutes the strings of a field.
    #[must_use]
    pub fn substitute(&self, raw: &str) -> Text {
        Text::substitute(raw, &self.strings)
    }

    /// An error of this file.
    #[must_use]
    pub fn error(&self, line: u32, problem: InfProblem) -> InfError {
        InfError { file: self.name.clone(), line, problem }
    }

    /// What it takes to keep the file, in lines and fields.
    pub(crate) fn cost(&self) -> usize {
        self.cost
    }

    /// The section of that name, made if there is none.
    fn open_section(&mut self, line: u32, name: &str) -> usize {
        let next = self.sections.len();
        let at = *self.index.entry(fold(name)).or_insert(next);
        if at == next {
            self.sections.push(Section::new(name, line));
        }
        at
    }

    /// The strings of the language: of its own section, then of one for the language in general, then of one for the language
    /// elsewhere, then of `[Strings]`. Windows asks one section alone; here `[Strings]` helps out with what that lacks.
    fn choose_strings(&self, language: u16) -> HashMap<String, String> {
        let primary = |id: u16| id & 0x3FF;
        let localized: Vec<(u16, &Section)> = self
            .sections
            .iter()
            .filter(|section| is_strings(&section.name))
            .filter_map(|section| {
                let id = section.name.split_once('.')?.1;
                Some((u16::from_str_radix(id.trim(), 16).ok()?, section))
            })
            .collect();
        let exact = localized.iter().find(|(id, _)| *id == language);
        let neutral = || localized.iter().find(|(id, _)| *id == primary(language));
        let related = || localized.iter().find(|(id, _)| primary(*id) == primary(language));
        let mut chosen = exact.or_else(neutral).or_else(related).map(|(_, section)| *section);
        let general = self.section("Strings");
        if chosen.is_none() && general.is_none() {
            chosen = localized.first().map(|(_, section)| *section);
        }
        let mut strings = HashMap::new();
        // The first of several of a name counts.
        for section in [chosen, general].into_iter().flatten() {
            for row in section.rows() {
                if let Some(key) = section.key(row) {
                    strings.entry(fold(key)).or_insert_with(|| section.value(row, 0).to_owned());
                }
            }
        }
        strings
    }

    /// Refuses strings that would make the file explode.
    fn check_expansion(&self) -> Result<(), InfError> {
        let mut total = 0_usize;
        for section in self.sections.iter().filter(|section| !is_strings(&section.name)) {
            for row in section.rows() {
                for field in section.fields(row) {
                    let length = Text::length(field, &self.strings);
                    total = total.saturating_add(length);
                    if length > FIELD_MAX {
                        return Err(
                            self.error(row.number, InfProblem::FieldTooLong { max: FIELD_MAX })
                        );
                    }
                    if total > EXPANSION_MAX {
                        let problem = InfProblem::ExpansionTooLong { max: EXPANSION_MAX };
                        return Err(self.error(row.number, problem));
                    }
                }
            }
        }
        Ok(())
    }

    /// Lets sections be found whose headers hold strings.
    fn name_by_strings(&mut self) {
        for (at, section) in self.sections.iter().enumerate() {
            // No longer than a field is.
            let length = Text::length(&section.name, &self.strings);
            if section.name.contains('%') && length <= FIELD_MAX {
                let name = Text::substitute(&section.name, &self.strings).to_string();
                self.index.entry(fold(&name)).or_insert(at);
            }
        }
    }
}
