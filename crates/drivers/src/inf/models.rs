//! `[Manufacturer]` and the models sections: which devices a package is for.

use super::decoration::Decoration;
use super::{Entry, Inf, InfError, InfProblem, Localized, fold};

/// What all models may cost, those of a section named several times as often. The largest files seen have a tenth of that.
pub(crate) const MODELS_MAX: usize = 2_000_000;
/// What a section of models costs.
const SECTION_COST: usize = 8;
/// What a model costs, besides its values.
const MODEL_COST: usize = 4;
/// Bytes of text that cost as much as a value.
const TEXT_BYTES: usize = 32;

/// A line of `[Manufacturer]`. For a given Windows, one of its sections at most counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manufacturer {
    /// Its line.
    pub line: u32,
    /// The maker of the devices.
    pub name: Localized,
    /// Its models sections, the undecorated one first. Sections that the line names and the file does not have are left out.
    pub sections: Vec<ModelsSection>,
}

/// A models section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelsSection {
    /// Its name, with the decoration.
    pub name: String,
    /// Line of its header.
    pub line: u32,
    /// What Windows it is for.
    pub decoration: Decoration,
    /// Its models. None: no device is installed on that Windows.
    pub models: Vec<Model>,
    /// Entries that are no models, which Windows passes over.
    pub problems: Vec<InfError>,
}

/// A line of a models section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Its line.
    pub line: u32,
    /// What the device is called.
    pub description: Localized,
    /// The install section, without decoration.
    pub install_section: String,
    /// The first identifier.
    pub hardware_id: Option<String>,
    /// Those after it.
    pub compatible_ids: Vec<String>,
    /// `ExcludeFromSelect` of `[ControlFlags]`: not shown where users choose a driver by hand.
    pub excluded_from_select: bool,
}

impl Model {
    /// All identifiers, the hardware identifier first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.hardware_id.iter().chain(&self.compatible_ids).map(String::as_str)
    }
}

impl Inf {
    /// Reads `[Manufacturer]` and the sections it names. None, when the file installs no devices.
    ///
    /// # Errors
    /// [`InfProblem::TooManyEntries`].
    pub fn manufacturers(&self) -> Result<Vec<Manufacturer>, InfError> {
        self.manufacturers_within(&mut { MODELS_MAX })
    }

    /// As [`Inf::manufacturers`]; what they cost is taken from `left`.
    pub(crate) fn manufacturers_within(
        &self,
        left: &mut usize,
    ) -> Result<Vec<Manufacturer>, InfError> {
        let excluded = self.excluded_from_select();
        self.entries("Manufacturer")
            .map(|entry| self.manufacturer(&entry, &excluded, left))
            .collect()
    }

    fn manufacturer(
        &self,
        entry: &Entry<'_>,
        excluded: &Excluded,
        left: &mut usize,
    ) -> Result<Manufacturer, InfError> {
        let take = |left: &mut usize, what: &Entry<'_>, cost: usize| {
            *left = left
                .checked_sub(cost)
                .ok_or_else(|| what.error(InfProblem::TooManyEntries { max: MODELS_MAX }))?;
            Ok::<_, InfError>(())
        };
        // A name alone is the name of the section too.
        let name = entry.localized_key().or_else(|| entry.localized(0)).unwrap_or_default();
        let models = entry.string(0);
        let mut sections = Vec::new();
        let decorations = (1..entry.len()).map(|index| entry.string(index));
        for text in
            std::iter::once(String::new()).chain(decorations.filter(|text| !text.is_empty()))
        {
            let name = if text.is_empty() { models.clone() } else { format!("{models}.{text}") };
            let Some(section) = self.section(&name) else { continue };
            take(left, entry, SECTION_COST + section.name.len() / TEXT_BYTES)?;
            let mut models = Vec::new();
            let mut problems = Vec::new();
            for entry in self.entries(&name) {
                take(left, &entry, MODEL_COST + entry.len() + entry.size() / TEXT_BYTES)?;
                match model(&entry, excluded) {
                    Ok(model) => models.push(model),
                    Err(problem) => problems.push(problem),
                }
            }
            sections.push(ModelsSection {
                name: section.name.clone(),
                line: section.line,
                decoration: Decoration::parse(&text),
                models,
                problems,
            });
        }
        Ok(Manufacturer { line: entry.line(), name, sections })
    }

    fn excluded_from_select(&self) -> Excluded {
        let mut excluded = Excluded::default();
        for entry in self.entries("ControlFlags") {
            if entry.key().starts_with("excludefromselect") {
                for id in entry.strings() {
                    excluded.all |= id == "*";
                    excluded.ids.insert(fold(&id));
                }
            }
        }
        excluded
    }
}

/// `ExcludeFromSelect`.
#[derive(Default)]
struct Excluded {
    all: bool,
    ids: std::collections::HashSet<String>,
}

fn model(entry: &Entry<'_>, excluded: &Excluded) -> Result<Model, InfError> {
    let missing = |field| entry.error(InfProblem::MissingField { directive: "a model", field });
    let description = entry.localized_key().ok_or_else(|| missing("description"))?;
    let install_section = entry.optional(0).ok_or_else(|| missing("install section"))?;
    let hardware_id = entry.optional(1);
    let compatible_ids: Vec<_> =
        (2..entry.len()).filter_map(|index| entry.optional(index)).collect();
    let mut ids = hardware_id.iter().chain(&compatible_ids);
    let excluded_from_select = excluded.all || ids.any(|id| excluded.ids.contains(&fold(id)));
    Ok(Model {
        line: entry.line(),
        description,
        install_section,
        hardware_id,
        compatible_ids,
        excluded_from_select,
    })
}
