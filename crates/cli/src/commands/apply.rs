//! `winkiln apply`.

use std::path::Path;
use std::time::Instant;

use winkiln_bake::{DriverSource, Preset, Recipe, Step};
use winkiln_volume::Remedies;

use crate::args::ApplyArgs;
use crate::error::{CliError, Doing as _, Result};
use crate::output::Output;
use crate::session;

/// Recipes longer than this are not recipes.
const RECIPE_BYTES_MAX: u64 = 16 << 20;

/// Bakes an image.
pub(crate) fn run(args: &ApplyArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let started = Instant::now();
    let remedies = args.with.write.remedies.remedies() != Remedies::default();
    if args.recipe.is_none()
        && args.preset.is_empty()
        && args.reg.is_empty()
        && args.drivers.is_empty()
        && args.keep_ip.keep_ip.is_none()
        && !remedies
    {
        return Err(CliError::usage(
            "nothing to apply: no recipe, no --preset, no --drivers, no --reg",
        )
        .hint("winkiln apply --help lists the presets"));
    }
    let mut recipe = match &args.recipe {
        Some(path) => read_recipe(path)?,
        None => Recipe::default(),
    };
    for preset in &args.preset {
        recipe.presets.push(Preset::parse(preset).doing(|| format!("cannot use preset {preset}"))?);
    }
    for path in &args.drivers {
        recipe.steps.push(Step::AddDrivers(DriverSource {
            path: path.clone(),
            force_unsigned: args.force_unsigned,
            ..DriverSource::default()
        }));
    }
    recipe.steps.extend(args.keep_ip.step()?);
    for path in &args.reg {
        recipe.add_reg_file(path).doing(|| format!("cannot import {}", path.display()))?;
    }
    let mut session = session::open(&args.image, &args.with.open, &args.with.write)?;
    let mut steps = session
        .plan(&recipe.presets)
        .doing(|| format!("cannot plan the presets for {}", args.image.display()))?;
    steps.extend(std::mem::take(&mut recipe.steps));
    if let Some(provenance) = &mut session.provenance {
        provenance.add_recipe(args.recipe.as_deref(), &recipe)?;
    }
    let report = session::bake(session, &steps, &args.image, output)?;
    output.report(&report, Some(started.elapsed()))
}

/// Reads a recipe; its relative paths are relative to its folder.
pub(crate) fn read_recipe(path: &Path) -> Result<Recipe> {
    let doing = || format!("cannot read recipe {}", path.display());
    let length = std::fs::metadata(path).map_err(|error| CliError::host(doing(), &error))?.len();
    if length > RECIPE_BYTES_MAX {
        return Err(CliError::failed(format!("{} is too long for a recipe", path.display())));
    }
    let text = std::fs::read_to_string(path).map_err(|error| CliError::host(doing(), &error))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Recipe::parse(&text, folder.unwrap_or(Path::new("."))).doing(doing)
}
